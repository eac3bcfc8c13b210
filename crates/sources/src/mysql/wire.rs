//! Packets of [the protocol](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html) over a
//! stream.

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::SourceError;
use crate::server::{ServerTarget, Stream, lost};

/// The maximum length of a packet that is not a row.
const MAX_CONTROL: usize = 1024 * 1024;

/// The length and the number before each part of a packet.
const HEADER: usize = 4;

/// The length of a part that is followed by another one.
const FULL_PART: usize = 0xff_ffff;

/// The capacity above which a buffer is not kept for the next packet.
const MAX_KEPT: usize = 256 * 1024;

/// The packets of a connection. One buffer holds what has arrived; it never grows beyond one packet and one read.
pub(super) struct Wire {
    stream: Stream,
    input: BytesMut,
    /// The packets that the next [`Wire::flush`] sends, with their headers.
    output: Vec<u8>,
    /// The bytes at the start of `input` that the last packet occupies.
    taken: usize,
    /// The number that the next part has, on either side.
    sequence: u8,
    max_row_bytes: usize,
}

impl Wire {
    /// Refuses rows of more bytes.
    pub(super) fn new(stream: Stream, max_row_bytes: u32) -> Self {
        let max_row_bytes = usize::try_from(max_row_bytes).unwrap_or(usize::MAX);
        Self { stream, input: BytesMut::new(), output: Vec::new(), taken: 0, sequence: 0, max_row_bytes }
    }

    /// The same connection, encrypted if that is asked for. Nothing that arrived in clear is kept.
    pub(super) async fn secured(self, target: &ServerTarget) -> Result<Self, SourceError> {
        if self.input.len() > self.taken {
            return Err(broken("the server has sent something before the handshake of TLS"));
        }
        let stream = match self.stream {
            Stream::Plain(socket) => target.secured(socket).await?,
            encrypted @ Stream::Encrypted(_) => encrypted,
        };
        Ok(Self { stream, ..self })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.stream.is_encrypted()
    }

    /// Whether nothing waits to be read, not even the end.
    pub(super) fn is_silent(&self) -> bool {
        self.input.len() == self.taken && self.stream.is_silent()
    }

    /// Adds a packet that starts a command to the output.
    ///
    /// # Errors
    /// [`SourceError::Unsupported`] for a packet that is too long.
    pub(super) fn command(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), SourceError> {
        self.sequence = 0;
        self.reply(write)
    }

    /// Adds a packet that answers one of the server to the output.
    ///
    /// # Errors
    /// [`SourceError::Unsupported`] for a packet that is too long.
    pub(super) fn reply(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), SourceError> {
        let start = self.output.len();
        self.output.extend_from_slice(&[0; HEADER]);
        write(&mut self.output);
        let Some(header) = header(self.output.len() - start - HEADER, self.sequence) else {
            self.output.clear();
            return Err(SourceError::Unsupported { detail: "a statement is too long".to_owned() });
        };
        self.output[start..start + HEADER].copy_from_slice(&header);
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), SourceError> {
        self.stream.write_all(&self.output).await.map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))?;
        self.output.clear();
        if self.output.capacity() > MAX_KEPT {
            self.output = Vec::new();
        }
        Ok(())
    }

    /// Sends a secret as a packet of its own, and leaves no copy in a buffer.
    pub(super) async fn send_secret(&mut self, secret: &[u8]) -> Result<(), SourceError> {
        let header = header(secret.len(), self.sequence).ok_or_else(|| broken("a password is too long"))?;
        let packet = Zeroizing::new([&header, secret].concat());
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(&packet).await.map_err(|error| lost(&error))?;
        self.stream.flush().await.map_err(|error| lost(&error))
    }

    /// The next packet, which is not a row.
    pub(super) async fn packet(&mut self) -> Result<&[u8], SourceError> {
        self.packet_within(MAX_CONTROL, || broken("a packet is too long")).await
    }

    /// The next packet, which may be a row.
    pub(super) async fn row(&mut self) -> Result<&[u8], SourceError> {
        self.packet_within(self.max_row_bytes, || SourceError::ValueTooLarge).await
    }

    /// The next packet, put together from its parts.
    async fn packet_within(
        &mut self,
        longest: usize,
        too_long: fn() -> SourceError,
    ) -> Result<&[u8], SourceError> {
        self.drop_taken();
        let mut end = 0;
        loop {
            self.fill(end + HEADER).await?;
            let [low, middle, high, number] =
                [self.input[end], self.input[end + 1], self.input[end + 2], self.input[end + 3]];
            let length = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
            if number != self.sequence {
                return Err(broken("a packet has the wrong number"));
            }
            self.sequence = self.sequence.wrapping_add(1);
            if end.saturating_sub(HEADER) + length > longest {
                return Err(too_long());
            }
            if end == 0 {
                end = HEADER;
            } else {
                // The header of a further part goes, so that its content follows that of the part before it.
                let filled = self.input.len();
                self.input.copy_within(end + HEADER..filled, end);
                self.input.truncate(filled - HEADER);
            }
            end += length;
            self.fill(end).await?;
            if length < FULL_PART {
                self.taken = end;
                return Ok(&self.input[HEADER..end]);
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

/// The header of a packet with one part; `None` if it needs more.
fn header(length: usize, sequence: u8) -> Option<[u8; HEADER]> {
    let [low, middle, high, 0] = u32::try_from(length).ok()?.to_le_bytes() else { return None };
    (length < FULL_PART).then_some([low, middle, high, sequence])
}

pub(super) fn broken(detail: &str) -> SourceError {
    SourceError::Unreachable { detail: detail.to_owned() }
}
