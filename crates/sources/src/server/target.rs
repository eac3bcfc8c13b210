//! Where a database is, and streams to its server.

use tokio::net::TcpStream;

use super::options::ServerOptions;
use super::stream::{Stream, lost};
use super::tls::Tls;
use crate::options::Secret;
use crate::{Connector, SourceError};

/// A database, and who signs in to it.
#[derive(Debug)]
pub(crate) struct ServerTarget {
    host: String,
    port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
    /// `None` for connections that are not encrypted.
    tls: Option<Tls>,
    connector: Connector,
}

impl ServerTarget {
    /// The database of these options.
    ///
    /// # Errors
    /// [`SourceError::NotEncrypted`] if the certificates of authorities cannot be used.
    pub(crate) fn new(options: ServerOptions, connector: Connector) -> Result<Self, SourceError> {
        let tls = options.tls()?;
        let ServerOptions { host, port, database, user, password, .. } = options;
        Ok(Self { host, port, database, user, password, tls, connector })
    }

    /// Whether connections are encrypted.
    pub(crate) fn encrypts(&self) -> bool {
        self.tls.is_some()
    }

    /// A new connection to the server, not encrypted yet.
    pub(crate) async fn socket(&self) -> Result<TcpStream, SourceError> {
        let socket = self.connector.connect(&self.host, self.port).await?;
        socket.set_nodelay(true).map_err(|error| lost(&error))?;
        Ok(socket)
    }

    /// Encrypts a connection on which the server expects a handshake now, if the connection has to be encrypted.
    pub(crate) async fn secured(&self, socket: TcpStream) -> Result<Stream, SourceError> {
        match &self.tls {
            None => Ok(Stream::Plain(socket)),
            Some(tls) => Ok(Stream::Encrypted(Box::new(tls.encrypt(socket).await?))),
        }
    }
}
