//! Requests to stop a statement.

use std::fmt;
use std::sync::Arc;

use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::startup;
use crate::SourceError;
use crate::server::{ServerTarget, lost};

/// What stops the statement of one connection
/// ([§55.2.8](https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS)).
pub(super) struct Interrupt {
    pub(super) target: Arc<ServerTarget>,
    pub(super) process: i32,
    /// A secret of the server.
    pub(super) key: i32,
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Interrupt({})", self.process)
    }
}

impl Interrupt {
    /// Asks the server to stop the statement, on a connection of its own, which the server closes when it has done so.
    pub(super) async fn send(&self) -> Result<(), SourceError> {
        let mut stream = startup::stream(&self.target).await?;
        let mut request = bytes::BytesMut::new();
        frontend::cancel_request(self.process, self.key, &mut request);
        stream.write_all(&request).await.map_err(|error| lost(&error))?;
        stream.flush().await.map_err(|error| lost(&error))?;
        // There is no answer but the end of the stream.
        let _ = stream.read_u8().await;
        Ok(())
    }
}
