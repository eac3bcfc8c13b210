//! What a response leaves of the body of its request.
//!
//! Over HTTP/1.1 the next request follows the body. If the body was not read to its end, because the request was refused
//! before, the server reads the rest or closes the connection: "a server that does not support persistent connections MUST
//! send the close connection option" ([RFC 9112 §9.3](https://www.rfc-editor.org/rfc/rfc9112#section-9.3)). A client that is
//! told so does not send its next request into a connection that is about to end.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderValue};
use http::{Request, Version};
use http_body::{Frame, SizeHint};

use super::body::{MOST_OF_FORM, read};

/// What nobody has read of a body.
#[derive(Debug, Default)]
enum Rest {
    #[default]
    Nothing,
    /// These bytes.
    Bytes(Body),
    /// What the client would have sent if it had not stopped.
    Missing,
}

/// Where the rest is put.
#[derive(Debug, Clone, Default)]
struct RestSlot(Arc<Mutex<Rest>>);

impl RestSlot {
    fn put(&self, rest: Rest) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rest;
    }

    fn take(&self) -> Rest {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notices whether the body of a request was read.
#[derive(Debug)]
pub(crate) struct Leftover {
    place: RestSlot,
    /// Whether the client waits for a word before it sends the body.
    waits: bool,
}

impl Leftover {
    /// Watches the body; `None` if nothing can be left over.
    pub(crate) fn watch(request: &mut Request<Body>) -> Option<Self> {
        if request.version() > Version::HTTP_11 || request.body().is_end_stream() {
            return None;
        }
        let place = RestSlot::default();
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(Watched { body: Some(body), place: place.clone() });
        Some(Self { place, waits: request.headers().contains_key(EXPECT) })
    }

    /// Reads the rest of a short body. After a longer one, or one that the client has not begun to send, the connection ends,
    /// and the response says so.
    pub(crate) async fn settle(self, response: &mut Response) {
        let is_read = match self.place.take() {
            Rest::Nothing => true,
            Rest::Missing => false,
            Rest::Bytes(body) => {
                let length = body.size_hint().upper();
                let is_short = length.is_some_and(|length| length <= MOST_OF_FORM as u64);
                !self.waits && is_short && read(body, MOST_OF_FORM).await.is_ok()
            }
        };
        if !is_read {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// A body that is put into its place if it is dropped before its end.
struct Watched {
    body: Option<Body>,
    place: RestSlot,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        match frame {
            None => self.body = None,
            Some(Err(_)) => {
                self.body = None;
                self.place.put(Rest::Missing);
            }
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            self.place.put(Rest::Bytes(body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn connection(request: Request<Body>, reads: bool) -> Option<HeaderValue> {
        let mut request = request;
        let leftover = Leftover::watch(&mut request);
        let (_, body) = request.into_parts();
        if reads {
            read(body, usize::MAX).await.unwrap();
        } else {
            drop(body);
        }
        let mut response = Response::new(Body::empty());
        if let Some(leftover) = leftover {
            leftover.settle(&mut response).await;
        }
        response.headers().get(CONNECTION).cloned()
    }

    fn post(length: usize) -> Request<Body> {
        Request::post("/").body(Body::from(vec![b'x'; length])).unwrap()
    }

    #[tokio::test]
    async fn a_connection_ends_with_a_response_that_leaves_a_long_body_unread() {
        for (length, reads, closes) in [
            (0, false, false),
            (MOST_OF_FORM, false, false),
            (MOST_OF_FORM + 1, false, true),
            (MOST_OF_FORM + 1, true, false),
        ] {
            assert_eq!(connection(post(length), reads).await.is_some(), closes, "{length} {reads}");
        }
        let mut waiting = post(1);
        waiting.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
        assert!(connection(waiting, false).await.is_some(), "to read it would ask the client to send it");
        let mut multiplexed = post(MOST_OF_FORM + 1);
        *multiplexed.version_mut() = Version::HTTP_2;
        assert_eq!(connection(multiplexed, false).await, None, "its streams end by themselves");
    }
}
