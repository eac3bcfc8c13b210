//! Messages of [the protocol](https://www.postgresql.org/docs/current/protocol-message-formats.html) over a stream.

use bytes::BytesMut;

use super::failure::Refusal;
use crate::SourceError;
use crate::server::{BufferedStream, MAX_KEPT, Stream, broken};

/// The maximum length of a message that is not a row.
const MAX_CONTROL: usize = 1024 * 1024;

/// The tag and the length before each message.
const HEADER: usize = 5;

/// The tags of messages of the server.
pub(super) mod tag {
    pub(in crate::postgres) const AUTHENTICATION: u8 = b'R';
    pub(in crate::postgres) const BIND_COMPLETE: u8 = b'2';
    pub(in crate::postgres) const COMMAND_COMPLETE: u8 = b'C';
    pub(in crate::postgres) const DATA_ROW: u8 = b'D';
    pub(in crate::postgres) const ERROR: u8 = b'E';
    pub(in crate::postgres) const KEY_DATA: u8 = b'K';
    pub(in crate::postgres) const PARAMETER_STATUS: u8 = b'S';
    pub(in crate::postgres) const PARSE_COMPLETE: u8 = b'1';
    pub(in crate::postgres) const READY: u8 = b'Z';
    pub(in crate::postgres) const ROW_DESCRIPTION: u8 = b'T';
    pub(super) const NOTICE: u8 = b'N';
    pub(super) const NOTIFICATION: u8 = b'A';
}

/// The messages of a connection.
pub(super) struct Wire {
    incoming: BufferedStream,
    /// What will be sent at the next [`Wire::flush`].
    pub(super) output: BytesMut,
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
        Self { incoming: BufferedStream::new(stream), output: BytesMut::new(), max_row_bytes }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.incoming.stream.is_encrypted()
    }

    /// Whether nothing waits to be read, not even the end.
    pub(super) fn is_silent(&self) -> bool {
        self.incoming.is_silent()
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), SourceError> {
        self.incoming.send(&self.output).await?;
        self.output.clear();
        if self.output.capacity() > MAX_KEPT {
            self.output = BytesMut::new();
        }
        Ok(())
    }

    /// Sends this alone, without a copy of it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), SourceError> {
        self.incoming.send(bytes).await
    }

    /// The next message; [`Wire::message`] without those that may come at any time.
    pub(super) async fn any_message(&mut self) -> Result<Message<'_>, SourceError> {
        self.incoming.drop_taken();
        self.incoming.fill(HEADER).await?;
        let tag = self.incoming.input[0];
        let length = u32::from_be_bytes([
            self.incoming.input[1],
            self.incoming.input[2],
            self.incoming.input[3],
            self.incoming.input[4],
        ]);
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
        self.incoming.fill(1 + length).await?;
        self.incoming.taken = 1 + length;
        Ok(Message { tag, body: &self.incoming.input[HEADER..self.incoming.taken] })
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
        Message { tag: self.incoming.input[0], body: &self.incoming.input[HEADER..self.incoming.taken] }
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

    /// Ends the stream in order.
    pub(super) async fn shut_down(&mut self) {
        // The server notices the end of the connection in any case.
        let _ = self.flush().await;
        self.incoming.shut_down().await;
    }
}
