//! Where a database is, and streams to its server.

use tokio::net::TcpStream;

use super::options::ServerOptions;
use super::stream::{Stream, lost};
use super::tls::Tls;
use crate::options::Secret;
use crate::{Connector, Login, SourceError};

/// A database, and who signs in to it.
#[derive(Debug)]
pub(crate) struct ServerTarget {
    host: String,
    port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
    /// Whether the server must have asked for the password. Where it lets anybody in who names a user, each caller could name any.
    pub(crate) demands_proof: bool,
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
        Ok(Self { host, port, database, user, password, demands_proof: false, tls, connector })
    }

    /// The same database for somebody else.
    pub(crate) fn of(&self, login: &Login) -> Self {
        Self {
            host: self.host.clone(),
            port: self.port,
            database: self.database.clone(),
            user: login.user().to_owned(),
            password: Some(login.password().clone()),
            demands_proof: true,
            tls: self.tls.clone(),
            connector: self.connector.clone(),
        }
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
