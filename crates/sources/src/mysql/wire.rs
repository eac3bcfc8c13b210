//! Packets of [the protocol](https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html) over a
//! stream.

use zeroize::Zeroizing;

use crate::SourceError;
use crate::server::{BufferedStream, MAX_KEPT, ServerTarget, Stream, broken};

/// The maximum length of a packet that is not a row.
const MAX_CONTROL: usize = 1024 * 1024;

/// The length and the number before each part of a packet.
const HEADER: usize = 4;

/// The length of a part that is followed by another one.
const FULL_PART: usize = 0xff_ffff;

/// The packets of a connection.
pub(super) struct Wire {
    incoming: BufferedStream,
    /// The packets that the next [`Wire::flush`] sends, with their headers.
    output: Vec<u8>,
    /// The number that the next part has, on either side.
    sequence: u8,
    max_row_bytes: usize,
}

impl Wire {
    /// Refuses rows of more bytes.
    pub(super) fn new(stream: Stream, max_row_bytes: u32) -> Self {
        let max_row_bytes = usize::try_from(max_row_bytes).unwrap_or(usize::MAX);
        Self { incoming: BufferedStream::new(stream), output: Vec::new(), sequence: 0, max_row_bytes }
    }

    /// The same connection, encrypted if that is asked for. Nothing that arrived in clear is kept.
    pub(super) async fn secured(self, target: &ServerTarget) -> Result<Self, SourceError> {
        let BufferedStream { stream, input, taken } = self.incoming;
        if input.len() > taken {
            return Err(broken("the server has sent something before the handshake of TLS"));
        }
        let stream = match stream {
            Stream::Plain(socket) => target.secured(socket).await?,
            encrypted @ Stream::Encrypted(_) => encrypted,
        };
        Ok(Self { incoming: BufferedStream { stream, input, taken }, ..self })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.incoming.stream.is_encrypted()
    }

    /// Whether nothing waits to be read, not even the end.
    pub(super) fn is_silent(&self) -> bool {
        self.incoming.is_silent()
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
        self.incoming.send(&self.output).await?;
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
        self.incoming.send(&packet).await
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
        self.incoming.drop_taken();
        let mut end = 0;
        loop {
            self.incoming.fill(end + HEADER).await?;
            let [low, middle, high, number] = [
                self.incoming.input[end],
                self.incoming.input[end + 1],
                self.incoming.input[end + 2],
                self.incoming.input[end + 3],
            ];
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
                let filled = self.incoming.input.len();
                self.incoming.input.copy_within(end + HEADER..filled, end);
                self.incoming.input.truncate(filled - HEADER);
            }
            end += length;
            self.incoming.fill(end).await?;
            if length < FULL_PART {
                self.incoming.taken = end;
                return Ok(&self.incoming.input[HEADER..end]);
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

/// The header of a packet with one part; `None` if it needs more.
fn header(length: usize, sequence: u8) -> Option<[u8; HEADER]> {
    let [low, middle, high, 0] = u32::try_from(length).ok()?.to_le_bytes() else { return None };
    (length < FULL_PART).then_some([low, middle, high, sequence])
}
