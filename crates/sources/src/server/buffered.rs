//! A stream to a database server with a buffer for what has arrived.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::stream::{Stream, lost};
use crate::SourceError;

/// The capacity above which a buffer is not kept for the next message.
pub(crate) const MAX_KEPT: usize = 256 * 1024;

/// A stream, and what has arrived on it. The buffer never grows beyond one message and one read.
pub(crate) struct BufferedStream {
    pub(crate) stream: Stream,
    pub(crate) input: BytesMut,
    /// The bytes at the start of `input` that the last message occupies.
    pub(crate) taken: usize,
}

impl BufferedStream {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, input: BytesMut::new(), taken: 0 }
    }

    /// Whether nothing waits to be read, not even the end.
    pub(crate) fn is_silent(&self) -> bool {
        self.input.len() == self.taken && self.stream.is_silent()
    }

    /// Sends this, without a copy of it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.stream.write_all(bytes).await.map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))
    }

    /// Reads until `length` bytes are there.
    pub(crate) async fn fill(&mut self, length: usize) -> Result<(), SourceError> {
        if self.input.len() < length {
            self.input.reserve((length - self.input.len()).max(8 * 1024));
        }
        while self.input.len() < length {
            if self.stream.read_buf(&mut self.input).await.map_err(|error| lost(&error))? == 0 {
                return Err(broken("the server has closed the connection"));
            }
        }
        Ok(())
    }

    /// Forgets the last message.
    pub(crate) fn drop_taken(&mut self) {
        self.input.advance(self.taken);
        self.taken = 0;
        if self.input.is_empty() && self.input.capacity() > MAX_KEPT {
            self.input = BytesMut::new();
        }
    }

    /// Ends the stream in order, as far as the server still listens.
    pub(crate) async fn shut_down(&mut self) {
        // The server notices the end of the connection in any case.
        let _ = self.stream.shutdown().await;
    }
}

/// The server broke the rules of its protocol, or the connection.
pub(crate) fn broken(detail: &str) -> SourceError {
    SourceError::Unreachable { detail: detail.to_owned() }
}
