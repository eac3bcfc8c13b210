//! The body of a request, read as a whole within its bounds.

use std::error::Error;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// The most that a form or a request of a client may have: whoever sends it has proved nothing yet.
pub(crate) const MOST_OF_FORM: usize = 64 * 1024;

/// Why a body ended before its end. The accept loop gives this as the error of a body, so that whoever reads it can tell.
#[derive(Debug, thiserror::Error)]
pub enum BodyEnd {
    /// The client sent nothing for too long, or took too long altogether.
    #[error("the client took too long")]
    TooSlow,
    /// Too many bytes wait for clients already.
    #[error("too much waits for clients already")]
    Crowded,
    /// The connection failed.
    #[error("the connection failed")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// It is longer than so many bytes.
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    /// See [`BodyEnd::TooSlow`].
    #[error("the body did not come in time")]
    TooSlow,
    /// See [`BodyEnd::Crowded`].
    #[error("the server holds too much for others at present; try again")]
    Crowded,
    /// It broke off.
    #[error("the body could not be read to its end")]
    Broken,
}

impl Unread {
    /// The status of the answer.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a body of at most so many bytes.
///
/// # Errors
/// Why it could not be read.
pub(crate) async fn read(body: Body, most: usize) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > most as u64 {
        return Err(Unread::TooLong(most));
    }
    let collected = Limited::new(body, most).collect().await;
    collected.map(http_body_util::Collected::to_bytes).map_err(|error| reason(&*error, most))
}

fn reason(error: &(dyn Error + 'static), most: usize) -> Unread {
    let mut cause = Some(error);
    while let Some(found) = cause {
        if found.is::<LengthLimitError>() {
            return Unread::TooLong(most);
        }
        match found.downcast_ref::<BodyEnd>() {
            Some(BodyEnd::TooSlow) => return Unread::TooSlow,
            Some(BodyEnd::Crowded) => return Unread::Crowded,
            Some(BodyEnd::Broken(_)) | None => cause = found.source(),
        }
    }
    Unread::Broken
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    struct Ends(Option<BodyEnd>);

    impl HttpBody for Ends {
        type Data = Bytes;
        type Error = BodyEnd;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyEnd>>> {
            Poll::Ready(self.0.take().map(Err))
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_coming_is_no_body_that_is_too_long() {
        let ended = async |end| read(Body::new(Ends(Some(end))), 10).await.unwrap_err();
        assert_eq!(ended(BodyEnd::TooSlow).await.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(ended(BodyEnd::Crowded).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ended(BodyEnd::Broken("x".into())).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(read(Body::from("12345678901"), 10).await, Err(Unread::TooLong(10)));
        assert_eq!(read(Body::from("1234567890"), 10).await.unwrap(), "1234567890");
    }
}
