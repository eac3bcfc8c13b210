//! A stream that is closed when its client keeps the server waiting: for the first bytes, which decide the
//! HTTP version, and for taking the response. In between, hyper and [`super::body`] enforce time limits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// The first bytes of an HTTP/2 connection ([RFC 9113
/// §3.4](https://www.rfc-editor.org/rfc/rfc9113#section-3.4)). Anything else is HTTP/1, whose parser has a
/// time limit of its own.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream with time limits.
pub(super) struct TimeoutStream<S> {
    stream: S,
    opening: Timer,
    taking: Timer,
    /// The number of bytes of the preface received so far; `None` once the version is known.
    come: Option<usize>,
}

impl<S> TimeoutStream<S> {
    /// Creates a stream whose client has `opening` to show its HTTP version, and may take nothing of a
    /// response for at most `taking`.
    pub(super) fn new(stream: S, opening: Duration, taking: Duration) -> Self {
        Self { stream, opening: Timer::new(opening), taking: Timer::new(taking), come: Some(0) }
    }

    fn note(&mut self, fresh: &[u8]) {
        let Some(come) = self.come else { return };
        let rest = &PREFACE[come..];
        let undecided = fresh.len() < rest.len() && rest.starts_with(fresh);
        self.come = undecided.then_some(come + fresh.len());
        if !undecided {
            self.opening.running = None;
        }
    }
}

/// A time limit. Its timer is created only when something must be waited for.
struct Timer {
    patience: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn new(patience: Duration) -> Self {
        Self { patience, running: None }
    }

    /// Returns an error when the wait has become too long.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let patience = self.patience;
        let running = self.running.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        running.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Passes on a ready result; applies the time limit to a pending one.
    fn mind<T>(&mut self, polled: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_pending() {
            return self.wait(context);
        }
        self.running = None;
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending if self.come.is_some() => self.opening.wait(context),
            polled => {
                self.note(&buffer.filled()[before..]);
                polled
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.taking.mind(polled, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.taking.mind(polled, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.taking.mind(polled, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(context);
        self.taking.mind(polled, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undecided_after(parts: &[&[u8]]) -> bool {
        let mut stream = TimeoutStream::new((), Duration::ZERO, Duration::ZERO);
        for part in parts {
            stream.note(part);
        }
        stream.come.is_some()
    }

    #[test]
    fn the_http_version_is_undecided_while_the_preface_is_incomplete() {
        assert!(undecided_after(&[]));
        assert!(undecided_after(&[b"P", b"RI * HTTP/2.0\r\n"]));
        assert!(!undecided_after(&[PREFACE]));
        assert!(!undecided_after(&[b"PRI *", b" HTTP/2.0\r\n\r\nSM\r\n\r\n and frames"]));
        assert!(!undecided_after(&[b"G"]));
        assert!(!undecided_after(&[b"P", b"OST /"]));
        assert!(!undecided_after(&[b"G", b"PRI"]));
    }
}
