//! A stream of rows as a response body.

use std::pin::Pin;
use std::task::{Context, Poll};

use app::data::{ResponseAborted, RowStream};
use bytes::Bytes;
use http_body::{Body, Frame};

/// The body. An error aborts the connection, so that the client sees that the response is incomplete;
/// dropping it, as when the client goes away, stops the query.
pub(super) struct Rows(Box<RowStream>);

impl Rows {
    pub(super) fn new(stream: Box<RowStream>) -> Self {
        Self(stream)
    }
}

impl Body for Rows {
    type Data = Bytes;
    type Error = ResponseAborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResponseAborted>>> {
        self.0.poll_next(context).map(|next| next.map(|chunk| chunk.map(Frame::data)))
    }
}
