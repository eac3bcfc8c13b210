//! Where a database is, and streams to it.

use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::failure::lost;
use super::stream::Stream;
use super::tls::Tls;
use crate::options::Secret;
use crate::{Connector, SourceError};

/// A database, and who signs in to it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Option<Secret>,
    /// `None` for connections that are not encrypted.
    pub(super) tls: Option<Tls>,
    pub(super) connector: Connector,
}

impl Target {
    /// A new stream to the server, encrypted if that is asked for.
    pub(super) async fn stream(&self) -> Result<Stream, SourceError> {
        let socket = self.connector.connect(&self.host, self.port).await?;
        socket.set_nodelay(true).map_err(|error| lost(&error))?;
        match &self.tls {
            None => Ok(Stream::Plain(socket)),
            Some(tls) => Ok(Stream::Encrypted(Box::new(encrypted(tls, socket).await?))),
        }
    }
}

/// Asks the server for TLS ([§55.2.10](https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL)).
async fn encrypted(
    tls: &Tls,
    mut socket: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, SourceError> {
    let mut request = bytes::BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).await.map_err(|error| lost(&error))?;
    // Exactly one byte: whatever follows it unencrypted is part of the handshake, which it breaks.
    match socket.read_u8().await.map_err(|error| lost(&error))? {
        b'S' => tls.encrypt(socket).await,
        b'N' => Err(SourceError::NoTls),
        _ => Err(SourceError::Unreachable { detail: "it is not a server of PostgreSQL".to_owned() }),
    }
}
