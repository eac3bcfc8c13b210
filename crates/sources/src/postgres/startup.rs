//! Streams to a server of PostgreSQL.

use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::SourceError;
use crate::server::{ServerTarget, Stream, lost};

/// A new stream to the server. It is asked for TLS if that is wanted
/// ([§55.2.10](https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL)).
pub(super) async fn stream(target: &ServerTarget) -> Result<Stream, SourceError> {
    let mut socket = target.socket().await?;
    if target.encrypts() {
        let mut request = bytes::BytesMut::new();
        frontend::ssl_request(&mut request);
        socket.write_all(&request).await.map_err(|error| lost(&error))?;
        // Exactly one byte: whatever follows it unencrypted is part of the handshake, which it breaks.
        match socket.read_u8().await.map_err(|error| lost(&error))? {
            b'S' => {}
            b'N' => return Err(SourceError::NoTls),
            _ => {
                let detail = "it is not a server of PostgreSQL".to_owned();
                return Err(SourceError::Unreachable { detail });
            }
        }
    }
    target.secured(socket).await
}
