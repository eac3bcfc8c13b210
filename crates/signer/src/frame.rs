//! Messages on a stream: the length as four bytes, the most significant first, then the message.

use std::io::{self, Read, Write};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// The maximum size of a message in bytes.
pub const LARGEST_MESSAGE: usize = 1024 * 1024;

/// The size of the length before a message.
const LENGTH: usize = 4;

/// Why no message was exchanged.
#[derive(Debug, thiserror::Error)]
pub enum FrameFault {
    /// The message is empty or too long.
    #[error("a message of {0} bytes is empty or too long")]
    Size(usize),
    /// The connection broke.
    #[error("the connection to the signer broke")]
    Broken(#[from] io::Error),
}

/// A message with its length, as it is sent.
///
/// # Errors
/// If it is empty or too long.
pub fn framed(message: &[u8]) -> Result<Vec<u8>, FrameFault> {
    let length = checked(message.len())?;
    let mut frame = Vec::with_capacity(LENGTH + message.len());
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    Ok(frame)
}

fn checked(length: usize) -> Result<u32, FrameFault> {
    let fits = u32::try_from(length).ok().filter(|_| (1..=LARGEST_MESSAGE).contains(&length));
    fits.ok_or(FrameFault::Size(length))
}

/// The length that a message of this length has, if it may be as long.
fn announced(length: [u8; LENGTH]) -> Result<usize, FrameFault> {
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    checked(length).map(|_| length)
}

/// Reads a message.
///
/// # Errors
/// [`FrameFault`]; nothing more can be read from the stream then.
pub(crate) async fn receive(stream: &mut UnixStream) -> Result<Vec<u8>, FrameFault> {
    let mut length = [0; LENGTH];
    stream.read_exact(&mut length).await?;
    let mut message = vec![0; announced(length)?];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// Sends a frame and reads the message that answers it.
///
/// # Errors
/// [`FrameFault`]; the stream is of no further use then.
pub(crate) async fn exchange(stream: &mut UnixStream, frame: &[u8]) -> Result<Vec<u8>, FrameFault> {
    stream.write_all(frame).await?;
    receive(stream).await
}

/// Reads a message; `None` if the other side has ended the connection between two messages.
///
/// # Errors
/// [`FrameFault`]; nothing more can be read from the stream then.
pub fn read(stream: &mut impl Read) -> Result<Option<Vec<u8>>, FrameFault> {
    let mut length = [0; LENGTH];
    match stream.read(&mut length[..1])? {
        0 => return Ok(None),
        _ => stream.read_exact(&mut length[1..])?,
    }
    let mut message = vec![0; announced(length)?];
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

/// Writes a message.
///
/// # Errors
/// [`FrameFault`].
pub fn write(stream: &mut impl Write, message: &[u8]) -> Result<(), FrameFault> {
    stream.write_all(&framed(message)?)?;
    Ok(stream.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_until_the_end() {
        let mut written = Vec::new();
        for message in [b"one".as_slice(), b"another"] {
            write(&mut written, message).unwrap();
        }
        assert_eq!(written[..7], [0, 0, 0, 3, b'o', b'n', b'e']);
        let mut stream = written.as_slice();
        assert_eq!(read(&mut stream).unwrap().unwrap(), b"one");
        assert_eq!(read(&mut stream).unwrap().unwrap(), b"another");
        assert_eq!(read(&mut stream).unwrap(), None);
    }

    #[test]
    fn nothing_is_read_of_a_message_that_is_empty_too_long_or_cut_off() {
        let too_long = u32::try_from(LARGEST_MESSAGE + 1).unwrap();
        for (stream, size) in [(0_u32.to_be_bytes(), 0), (too_long.to_be_bytes(), LARGEST_MESSAGE + 1)] {
            match read(&mut stream.as_slice()) {
                Err(FrameFault::Size(refused)) => assert_eq!(refused, size),
                other => panic!("{other:?}"),
            }
        }
        let written = framed(b"one").unwrap();
        for cut in 1..written.len() {
            assert!(matches!(read(&mut &written[..cut]), Err(FrameFault::Broken(_))), "{cut}");
        }
        assert!(framed(b"").is_err());
        assert!(framed(&vec![0; LARGEST_MESSAGE + 1]).is_err());
        assert!(framed(&vec![0; LARGEST_MESSAGE]).is_ok());
    }
}
