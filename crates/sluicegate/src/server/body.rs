//! The body of a request, aborted if its client sends nothing for too long, takes too long in total, or if
//! too many bytes are buffered.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;
use web::BodyEnd;

use super::budget::{Budget, Held};

/// The time limits of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyTimeouts {
    /// The maximum time without data.
    pub(super) silence: Duration,
    /// The maximum time for the whole body.
    pub(super) total: Duration,
}

/// An incoming body with time limits. A timer is created, and bytes are counted, only if the body must be
/// waited for: most bodies have already arrived.
pub(super) struct TimeoutBody {
    incoming: Incoming,
    timeouts: BodyTimeouts,
    budget: Arc<Budget>,
    /// The bytes received, including the head of the request.
    bytes: usize,
    waiting: Option<Waiting>,
}

struct Waiting {
    silence: Pin<Box<Sleep>>,
    total: Pin<Box<Sleep>>,
    /// Whether the client has sent something since the idle timer started.
    heard: bool,
    held: Held,
}

impl TimeoutBody {
    pub(super) fn new(
        incoming: Incoming,
        head: &HeaderMap,
        timeouts: BodyTimeouts,
        budget: Arc<Budget>,
    ) -> Self {
        let bytes = if incoming.is_end_stream() { 0 } else { size_of_head(head) };
        Self { incoming, timeouts, budget, bytes, waiting: None }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<BodyEnd> {
        if self.waiting.is_none() {
            let Some(held) = self.budget.take(self.bytes) else { return Poll::Ready(BodyEnd::Crowded) };
            let timer = |time| Box::pin(tokio::time::sleep(time));
            let (silence, total) = (timer(self.timeouts.silence), timer(self.timeouts.total));
            self.waiting = Some(Waiting { silence, total, heard: false, held });
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        if std::mem::take(&mut waiting.heard) {
            waiting.silence = Box::pin(tokio::time::sleep(self.timeouts.silence));
        }
        if waiting.silence.as_mut().poll(context).is_ready()
            || waiting.total.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(BodyEnd::TooSlow);
        }
        Poll::Pending
    }

    /// Whether the received bytes may be buffered.
    fn keep(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.waiting.as_mut().is_none_or(|waiting| {
            waiting.heard = true;
            waiting.held.grow(bytes)
        })
    }
}

/// The approximate size of a head in memory.
fn size_of_head(head: &HeaderMap) -> usize {
    head.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

impl Body for TimeoutBody {
    type Data = Bytes;
    type Error = BodyEnd;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyEnd>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let kept = self.keep(bytes);
                Poll::Ready(Some(if kept { Ok(frame) } else { Err(BodyEnd::Crowded) }))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyEnd::Broken(error.into())))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.wait(context).map(|end| Some(Err(end))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
