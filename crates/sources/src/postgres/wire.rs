//! Messages of [the protocol](https://www.postgresql.org/docs/current/protocol-message-formats.html) over a stream.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::failure::Refusal;
use crate::SourceError;
use crate::server::{Stream, lost};

/// The maximum length of a message that is not a row.
const MAX_CONTROL: usize = 1024 * 1024;

/// The tag and the length before each message.
const HEADER: usize = 5;

/// The capacity above which a buffer is not kept for the next message.
const MAX_KEPT: usize = 256 * 1024;

/// The tags of messages of the server.
pub(super) mod tag {
    pub(in crate::postgres) const AUTHENTICATION: u8 = b'R';
    pub(in crate::postgres) const COMMAND_COMPLETE: u8 = b'C';
    pub(in crate::postgres) const DATA_ROW: u8 = b'D';
    pub(in crate::postgres) const ERROR: u8 = b'E';
    pub(in crate::postgres) const KEY_DATA: u8 = b'K';
    pub(in crate::postgres) const PARAMETER_STATUS: u8 = b'S';
    pub(in crate::postgres) const READY: u8 = b'Z';
    pub(in crate::postgres) const ROW_DESCRIPTION: u8 = b'T';
    pub(super) const NOTICE: u8 = b'N';
    pub(super) const NOTIFICATION: u8 = b'A';
}

/// The messages of a connection. One buffer holds what has arrived; it never grows beyond one message and one read.
pub(super) struct Wire {
    stream: Stream,
    input: BytesMut,
    /// What will be sent at the next [`Wire::flush`].
    pub(super) output: BytesMut,
    /// The bytes at the start of `input` that the last message occupies.
    taken: usize,
    max_row_bytes: usize,
}

/// A message of the server.
pub(super) struct Message<'w> {
    pub(super) tag: u8,
    pub(super) body: &'w [u8],
}

impl Wire {
    /// Refuses rows of more bytes.
    pub(super) fn new(stream: Stream, max_row_bytes: u32) -> Self {
        let max_row_bytes = usize::try_from(max_row_bytes).unwrap_or(usize::MAX);
        Self { stream, input: BytesMut::new(), output: BytesMut::new(), taken: 0, max_row_bytes }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    /// Whether nothing waits to be read, not even the end.
    pub(super) fn is_silent(&self) -> bool {
        self.input.len() == self.taken && self.stream.is_silent()
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), SourceError> {
        self.stream.write_all_buf(&mut self.output).await.map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))?;
        if self.output.capacity() > MAX_KEPT {
            self.output = BytesMut::new();
        }
        Ok(())
    }

    /// Sends this alone, without a copy of it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.stream.write_all(bytes).await.map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))
    }

    /// The next message; [`Wire::message`] without those that may come at any time.
    pub(super) async fn any_message(&mut self) -> Result<Message<'_>, SourceError> {
        self.drop_taken();
        self.fill(HEADER).await?;
        let tag = self.input[0];
        let length = u32::from_be_bytes([self.input[1], self.input[2], self.input[3], self.input[4]]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length < HEADER - 1 {
            return Err(broken("a message has an invalid length"));
        }
        if tag == tag::DATA_ROW && length > self.max_row_bytes {
            return Err(SourceError::ValueTooLarge);
        }
        if tag != tag::DATA_ROW && length > MAX_CONTROL {
            return Err(broken("a message is too long"));
        }
        self.fill(1 + length).await?;
        self.taken = 1 + length;
        Ok(Message { tag, body: &self.input[HEADER..self.taken] })
    }

    /// The next message that answers something. Notices, notifications and changed settings are skipped.
    pub(super) async fn message(&mut self) -> Result<Message<'_>, SourceError> {
        loop {
            let skipped = {
                let message = self.any_message().await?;
                matches!(message.tag, tag::NOTICE | tag::NOTIFICATION | tag::PARAMETER_STATUS)
            };
            if !skipped {
                return Ok(self.last());
            }
        }
    }

    /// The message that was read last.
    fn last(&self) -> Message<'_> {
        Message { tag: self.input[0], body: &self.input[HEADER..self.taken] }
    }

    /// Reads messages until the server is ready for the next statement; returns the first error among them. Fails
    /// after so many bytes.
    pub(super) async fn until_ready(&mut self, most_bytes: usize) -> Result<Option<Refusal>, SourceError> {
        let (mut refused, mut bytes) = (None, 0);
        loop {
            let message = self.message().await?;
            match message.tag {
                tag::READY => return Ok(refused),
                tag::ERROR if refused.is_none() => refused = Some(Refusal::read(message.body)),
                _ => {}
            }
            bytes += message.body.len();
            if bytes > most_bytes {
                return Err(broken("the server is not ready after an answer"));
            }
        }
    }

    /// Reads until `length` bytes are there.
    async fn fill(&mut self, length: usize) -> Result<(), SourceError> {
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

    fn drop_taken(&mut self) {
        self.input.advance(self.taken);
        self.taken = 0;
        if self.input.is_empty() && self.input.capacity() > MAX_KEPT {
            self.input = BytesMut::new();
        }
    }

    /// Ends the stream in order.
    pub(super) async fn shut_down(&mut self) {
        // The server notices the end of the connection in any case.
        let _ = self.flush().await;
        let _ = self.stream.shutdown().await;
    }
}

fn broken(detail: &str) -> SourceError {
    SourceError::Unreachable { detail: detail.to_owned() }
}
