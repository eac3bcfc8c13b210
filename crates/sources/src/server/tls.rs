//! TLS to a database server. The certificate of the server is always verified, and so is its name.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::SourceError;
use crate::certificates::{authorities_in, handshake_failure};

/// Makes encrypted streams to one server.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Tls({:?})", self.name)
    }
}

impl Tls {
    /// TLS to a server whose certificate has this name and is signed by one of these authorities, in PEM; without them,
    /// by one of Mozilla's list.
    pub(super) fn new(name: &str, authorities: Option<&str>) -> Result<Self, SourceError> {
        let failed = |detail: String| SourceError::NotEncrypted { detail };
        let name = ServerName::try_from(name.to_owned()).map_err(|error| failed(error.to_string()))?;
        let roots = match authorities {
            Some(pem) => authorities_in(pem).map_err(|message| failed(message.to_owned()))?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Encrypts a stream.
    pub(crate) async fn encrypt(
        &self,
        stream: tokio::net::TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>, SourceError> {
        let encrypted = self.connector.connect(self.name.clone(), stream).await;
        encrypted.map_err(|error| handshake_failure(&error))
    }
}
