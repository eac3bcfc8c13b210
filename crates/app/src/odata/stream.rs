//! Rows on their way out, after the first of them has been seen.

use std::task::{Context, Poll};

use bytes::Bytes;
use oauth::id::DataSourceId;
use prometheus_client::metrics::counter::Counter;
use sources::Chunks;

use super::places::Place;

/// The rest of an answer. Dropping it stops the query.
#[derive(Debug)]
pub struct RowStream {
    first: Option<Bytes>,
    chunks: Chunks,
    place: Option<Place>,
    broken: Counter,
    data_source: DataSourceId,
    request_id: Box<str>,
}

/// The query failed after its answer had begun: the client must see that the answer is not whole.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub struct BrokenOff;

impl RowStream {
    pub(super) fn new(
        first: Bytes,
        chunks: Chunks,
        broken: Counter,
        data_source: DataSourceId,
        request_id: &str,
    ) -> Self {
        Self { first: Some(first), chunks, place: None, broken, data_source, request_id: request_id.into() }
    }

    /// Keeps the place of the request until the stream ends.
    pub(super) fn hold(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// The next bytes; `None` after the last.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        if let Some(first) = self.first.take()
            && !first.is_empty()
        {
            return Poll::Ready(Some(Ok(first)));
        }
        match self.chunks.poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(Some(Ok(chunk))),
            Poll::Ready(None) => {
                self.place = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                self.place = None;
                self.broken.inc();
                tracing::error!(
                    target: "odata",
                    request_id = &*self.request_id,
                    data_source = self.data_source.get(),
                    %error,
                    detail = error.detail(),
                    "an answer broke off after it had begun"
                );
                Poll::Ready(Some(Err(BrokenOff)))
            }
        }
    }
}
