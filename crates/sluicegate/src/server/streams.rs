//! The streams of an HTTP/2 connection. A stream is reset if its client does not take what is sent to it.
//!
//! hyper waits for flow control without a limit, and nothing outside can see what a stream waits for. The
//! response body therefore records, each time it is polled, whether it waits for its source or for the
//! client. The task of the stream reads that after each step, and runs a timer while it waits for the client.

use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as Whole;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use tokio::time::Sleep;

use super::budget::{Budget, Held};
use super::idle::Busy;

/// What a stream waits for.
#[derive(Debug, Clone, Copy)]
enum WaitsFor {
    /// The handler, or the source of the body.
    Ours,
    /// The client, which must take what was sent, while this many bytes are held for it.
    Theirs { bytes: usize },
}

thread_local! {
    /// Whom the stream waits for after the step that is running on this thread, if that changed.
    static WAITS_FOR: Cell<Option<WaitsFor>> = const { Cell::new(None) };
}

/// Runs the tasks of the streams of one connection.
#[derive(Debug, Clone)]
pub(super) struct Streams {
    /// How long the client may take nothing.
    pub(super) patience: Duration,
    /// The byte budget of the connection.
    pub(super) budget: Arc<Budget>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let mut attention =
            Attention { patience: self.patience, budget: Arc::clone(&self.budget), waiting: None };
        TokioExecutor::new().execute(async move {
            let mut stream = pin!(stream);
            // If this ends early, dropping the stream resets it.
            std::future::poll_fn(|context| attention.step(stream.as_mut(), context)).await;
        });
    }
}

/// Watches one stream.
struct Attention {
    patience: Duration,
    budget: Arc<Budget>,
    /// Runs while the stream waits for the client.
    waiting: Option<(Pin<Box<Sleep>>, Held)>,
}

impl Attention {
    fn step(&mut self, stream: Pin<&mut impl Future<Output = ()>>, context: &mut Context<'_>) -> Poll<()> {
        WAITS_FOR.set(None);
        if stream.poll(context).is_ready() {
            return Poll::Ready(());
        }
        match WAITS_FOR.take() {
            None => {}
            Some(WaitsFor::Ours) => self.waiting = None,
            Some(WaitsFor::Theirs { bytes }) => {
                self.waiting = None;
                let Some(held) = self.budget.take(bytes) else {
                    tracing::debug!(
                        bytes,
                        "an HTTP/2 stream was reset: too many bytes are buffered for clients"
                    );
                    return Poll::Ready(());
                };
                self.waiting = Some((Box::pin(tokio::time::sleep(self.patience)), held));
            }
        }
        let Some((timer, _)) = &mut self.waiting else { return Poll::Pending };
        timer
            .as_mut()
            .poll(context)
            .map(|()| tracing::debug!("an HTTP/2 stream was reset: its client takes nothing"))
    }
}

/// The body of a response. On HTTP/2 it is sent in small portions, so that a stream buffers little; the
/// client must take each portion within the time limit of the connection.
pub(super) struct Answer {
    body: Whole,
    rest: Bytes,
    in_portions: bool,
    /// Kept until the body has been sent.
    _busy: Option<Busy>,
}

/// The maximum size of a portion.
const PORTION: usize = 16 * 1024;

/// A body up to this size is sent in one piece. Of a longer body the last byte is sent separately: hyper
/// polls for it only when the client has taken everything before it, so that a stream that has ended leaves
/// no more than this in its buffers.
const SMALL: usize = 1024;

impl Answer {
    pub(super) fn whole(body: Whole) -> Self {
        Self { body, rest: Bytes::new(), in_portions: false, _busy: None }
    }

    pub(super) fn in_portions(body: Whole, busy: Busy) -> Self {
        Self { body, rest: Bytes::new(), in_portions: true, _busy: Some(busy) }
    }

    fn portion(&mut self) -> Frame<Bytes> {
        let portion = match self.rest.len() {
            ..=SMALL => std::mem::take(&mut self.rest),
            length => self.rest.split_to(PORTION.min(length - 1)),
        };
        Frame::data(portion)
    }

    fn held(&self) -> usize {
        let more = self.body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        PORTION + self.rest.len() + more.unwrap_or_default()
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if !self.in_portions {
            return Pin::new(&mut self.body).poll_frame(context);
        }
        if self.rest.is_empty() {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Poll::Pending => {
                    WAITS_FOR.set(Some(WaitsFor::Ours));
                    return Poll::Pending;
                }
                ended @ Poll::Ready(_) => return ended,
            }
        }
        let portion = self.portion();
        WAITS_FOR.set(Some(WaitsFor::Theirs { bytes: self.held() }));
        Poll::Ready(Some(Ok(portion)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
