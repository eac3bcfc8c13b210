//! The first bytes of a connection, which decide its version of HTTP, given up when they do not come.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What a connection of HTTP/2 begins with ([RFC 9113 §3.4](https://www.rfc-editor.org/rfc/rfc9113#section-3.4)). What
/// begins with anything else is HTTP/1, whose parser minds the time by itself.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose client has so long to show which version of HTTP it speaks. The timer is made only when something
/// must be waited for.
pub(super) struct Opening<S> {
    stream: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    /// How much of the preface has come; none when the version is known.
    come: Option<usize>,
}

impl<S> Opening<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None, come: Some(0) }
    }

    fn note(&mut self, fresh: &[u8]) {
        let Some(come) = self.come else { return };
        let rest = &PREFACE[come..];
        let undecided = fresh.len() < rest.len() && rest.starts_with(fresh);
        self.come = undecided.then_some(come + fresh.len());
        if !undecided {
            self.waiting = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending if self.come.is_some() => {
                let patience = self.patience;
                let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                waiting.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            polled => {
                self.note(&buffer.filled()[before..]);
                polled
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undecided_after(parts: &[&[u8]]) -> bool {
        let mut opening = Opening::new((), Duration::ZERO);
        for part in parts {
            opening.note(part);
        }
        opening.come.is_some()
    }

    #[test]
    fn the_version_is_open_as_long_as_the_preface_may_still_come() {
        assert!(undecided_after(&[]));
        assert!(undecided_after(&[b"P", b"RI * HTTP/2.0\r\n"]));
        assert!(!undecided_after(&[PREFACE]));
        assert!(!undecided_after(&[b"PRI *", b" HTTP/2.0\r\n\r\nSM\r\n\r\n and frames"]));
        assert!(!undecided_after(&[b"G"]));
        assert!(!undecided_after(&[b"P", b"OST /"]));
        assert!(!undecided_after(&[b"G", b"PRI"]));
    }
}
