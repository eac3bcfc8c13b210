//! Whose certificates are trusted: the authorities of Mozilla's list, compiled in.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// A switch for tests. It permits addresses of the machine itself and trusts another authority; an installation that
/// uses it is open to forged requests.
#[derive(Debug, Clone)]
pub struct Danger {
    /// The certificates of authorities that are trusted too, in PEM.
    pub authorities: Vec<u8>,
}

/// A file of certificates that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must contain certificates of authorities in PEM")]
pub struct UnreadableCertificates;

/// The configuration of TLS for outbound requests, and for requests to addresses that the operator names. It may trust further
/// authorities, whose certificates are in PEM.
///
/// # Errors
/// If the certificates of the further authorities cannot be read.
pub fn client_config(further_authorities: Option<&[u8]>) -> Result<ClientConfig, UnreadableCertificates> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = further_authorities {
        add(&mut roots, pem)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| UnreadableCertificates)?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn add(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), UnreadableCertificates> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.ok().filter(|found| !found.is_empty()).ok_or(UnreadableCertificates)?;
    certificates.into_iter().try_for_each(|found| roots.add(found)).map_err(|_| UnreadableCertificates)
}
