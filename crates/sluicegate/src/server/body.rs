//! The body of a request, given up when its client falls silent, takes too long altogether, or when too much is waiting.

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

/// How long the client may take for a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Without sending anything.
    pub(super) silence: Duration,
    /// For the whole body.
    pub(super) total: Duration,
}

/// An incoming body with limits to waiting. Timers are made, and bytes counted, only when something must be waited for: the
/// bodies of most requests are there already.
pub(super) struct Attended {
    incoming: Incoming,
    patience: Patience,
    budget: Arc<Budget>,
    /// What has come, with the head of the request.
    bytes: usize,
    waiting: Option<Waiting>,
}

struct Waiting {
    silence: Pin<Box<Sleep>>,
    total: Pin<Box<Sleep>>,
    /// Whether the client has sent something since the timer of its silence began.
    heard: bool,
    held: Held,
}

impl Attended {
    pub(super) fn new(incoming: Incoming, head: &HeaderMap, patience: Patience, budget: Arc<Budget>) -> Self {
        let bytes = if incoming.is_end_stream() { 0 } else { size_of_head(head) };
        Self { incoming, patience, budget, bytes, waiting: None }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<BodyEnd> {
        if self.waiting.is_none() {
            let Some(held) = self.budget.take(self.bytes) else { return Poll::Ready(BodyEnd::Crowded) };
            let timer = |time| Box::pin(tokio::time::sleep(time));
            let (silence, total) = (timer(self.patience.silence), timer(self.patience.total));
            self.waiting = Some(Waiting { silence, total, heard: false, held });
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Pending };
        if std::mem::take(&mut waiting.heard) {
            waiting.silence = Box::pin(tokio::time::sleep(self.patience.silence));
        }
        if waiting.silence.as_mut().poll(context).is_ready()
            || waiting.total.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(BodyEnd::TooSlow);
        }
        Poll::Pending
    }

    /// Whether what has come may be kept.
    fn keep(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        self.waiting.as_mut().is_none_or(|waiting| {
            waiting.heard = true;
            waiting.held.grow(bytes)
        })
    }
}

/// What a head occupies, roughly.
fn size_of_head(head: &HeaderMap) -> usize {
    head.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

impl Body for Attended {
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
