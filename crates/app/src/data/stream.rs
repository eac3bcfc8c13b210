//! Streaming rows, after the first of them has arrived.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use domain::audit::Outcome;
use prometheus_client::metrics::counter::Counter;
use sources::{Chunks, SourceError};

use super::authorization::{LastingGrant, Verdict};
use super::limiter::Permit;
use super::record::StreamRecord;

/// The rest of a response. Dropping it stops the query.
///
/// A chunk is sent only after checking that the reader may still read, so that a long response ends when the
/// access is revoked.
#[derive(Debug)]
pub struct RowStream {
    first: Option<Bytes>,
    chunks: Chunks,
    held: Option<Held>,
    reader: Arc<LastingGrant>,
    limiter: Vec<Permit>,
    broken: Counter,
    /// The record of the response, if it has one.
    record: Option<Box<StreamRecord>>,
    /// How the response ends, as soon as that is recorded.
    end: Option<Result<(), ResponseAborted>>,
}

/// A chunk that waits for that check.
struct Held {
    chunk: Bytes,
    verdict: Verdict,
}

/// The query failed or access was revoked after the response had started, so the client must see that it is
/// incomplete.
#[derive(Debug, thiserror::Error)]
#[error("the response was aborted")]
pub struct ResponseAborted;

impl RowStream {
    pub(super) fn new(first: Bytes, chunks: Chunks, reader: Arc<LastingGrant>, broken: Counter) -> Self {
        let first = Some(first).filter(|first| !first.is_empty());
        Self { first, chunks, held: None, reader, limiter: Vec::new(), broken, record: None, end: None }
    }

    /// Keeps a permit until the stream ends.
    pub(super) fn hold(&mut self, permit: Option<Permit>) {
        self.limiter.extend(permit);
    }

    /// Records what is sent.
    pub(super) fn record(&mut self, record: StreamRecord) {
        self.record = Some(Box::new(record));
    }

    /// The next bytes; `None` after the last.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ResponseAborted>>> {
        if self.record.is_none() { self.poll_sent(context) } else { self.poll_recorded(context) }
    }

    /// The same of a response that is recorded: it ends when its record is durable.
    fn poll_recorded(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ResponseAborted>>> {
        if self.end.is_none() {
            match ready!(self.poll_sent(context)) {
                Some(Ok(chunk)) => {
                    if let Some(record) = &mut self.record {
                        record.sent(chunk.len());
                    }
                    return Poll::Ready(Some(Ok(chunk)));
                }
                Some(Err(aborted)) => self.end = Some(Err(aborted)),
                None => self.end = Some(Ok(())),
            }
        }
        let outcome = if matches!(self.end, Some(Ok(()))) { Outcome::Success } else { Outcome::Unknown };
        let stored = match &mut self.record {
            Some(record) => ready!(record.poll_ended(outcome, context)),
            None => Ok(()),
        };
        self.record = None;
        let aborted = match stored {
            Ok(()) => self.end.take().and_then(Result::err),
            Err(fault) => Some(self.abort_response(&fault, None)),
        };
        Poll::Ready(aborted.map(Err))
    }

    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, ResponseAborted>>> {
        let mut held = match self.held.take() {
            Some(held) => held,
            None => match ready!(self.poll_chunk(context)) {
                Some(Ok(chunk)) => Held { chunk, verdict: Arc::clone(&self.reader).verdict() },
                Some(Err(error)) => {
                    return Poll::Ready(Some(Err(self.abort_response(&error, error.detail()))));
                }
                None => {
                    self.limiter.clear();
                    return Poll::Ready(None);
                }
            },
        };
        match held.verdict.as_mut().poll(context) {
            Poll::Pending => {
                self.held = Some(held);
                Poll::Pending
            }
            Poll::Ready(Ok(())) => Poll::Ready(Some(Ok(held.chunk))),
            Poll::Ready(Err(refusal)) => Poll::Ready(Some(Err(self.abort_response(&refusal, None)))),
        }
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, SourceError>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.chunks.poll_next(context),
        }
    }

    fn abort_response(&mut self, error: &dyn std::error::Error, detail: Option<&str>) -> ResponseAborted {
        self.limiter.clear();
        self.broken.inc();
        tracing::error!(
            target: "odata",
            request_id = self.reader.request_id(),
            data_source = self.reader.record().id.get(),
            %error,
            detail,
            "a response was aborted after it had started"
        );
        ResponseAborted
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Held").field("bytes", &self.chunk.len()).finish_non_exhaustive()
    }
}
