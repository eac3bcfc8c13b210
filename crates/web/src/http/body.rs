//! Reading the body of a request as a whole, within its bounds.

use std::error::Error;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use zeroize::Zeroize;

/// The maximum size of a form or of a client's request, whose sender is not authenticated yet.
pub(crate) const MOST_OF_FORM: usize = 64 * 1024;
/// The maximum length of the form of a page, in bytes: an authorization request of maximum length, and boxes for as many data
/// sources as can be chosen.
pub(crate) const MOST_OF_PAGE_FORM: usize = 128 * 1024;

/// Why a body ended early. The accept loop reports this as the error of a body.
#[derive(Debug, thiserror::Error)]
pub enum BodyEnd {
    /// The client sent nothing for too long, or took too long in total.
    #[error("the client took too long")]
    TooSlow,
    /// Too many bytes are already buffered for clients.
    #[error("too many bytes are already buffered for clients")]
    Crowded,
    /// The connection failed.
    #[error("the connection failed")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    /// It is longer than this many bytes.
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    /// See [`BodyEnd::TooSlow`].
    #[error("the body did not arrive in time")]
    TooSlow,
    /// See [`BodyEnd::Crowded`].
    #[error("the server buffers too much for other clients at present; try again")]
    Crowded,
    /// The connection was closed.
    #[error("the body could not be read completely")]
    Broken,
}

impl Unread {
    /// The status of the response.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// What is wrong with the headers that say what a body is. A compressed one would be read as what it is not, and different
/// programs on the way of a request may choose different ones of two media types.
///
/// # Errors
/// The status ([RFC 9110 §15.5.16](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16)), and a message for the sender.
pub(crate) fn is_described_plainly(headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    if codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body must not be compressed"));
    }
    if headers.get_all(CONTENT_TYPE).iter().nth(1).is_some() {
        return Err((StatusCode::BAD_REQUEST, "the request contains its media type twice"));
    }
    Ok(())
}

/// Reads a body of at most `most` bytes.
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

/// Wipes a body that may contain a password, if nobody else holds it.
pub(crate) fn wipe(body: Bytes) {
    if let Ok(mut body) = body.try_into_mut() {
        body.as_mut().zeroize();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http::HeaderValue;
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

    #[test]
    fn a_body_is_not_compressed_and_has_one_media_type() {
        let judged = |headers: &[(http::HeaderName, &'static str)]| {
            let all = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            is_described_plainly(&all.collect()).map_err(|(status, _)| status.as_u16())
        };
        assert_eq!(judged(&[]), Ok(()));
        assert_eq!(judged(&[(CONTENT_TYPE, "text/plain"), (CONTENT_ENCODING, "Identity")]), Ok(()));
        for coding in ["gzip", "br", "gzip, identity", "aes128gcm", ""] {
            assert_eq!(judged(&[(CONTENT_ENCODING, coding)]), Err(415), "{coding}");
        }
        assert_eq!(judged(&[(CONTENT_ENCODING, "identity"), (CONTENT_ENCODING, "gzip")]), Err(415));
        assert_eq!(judged(&[(CONTENT_TYPE, "text/plain"), (CONTENT_TYPE, "text/plain")]), Err(400));
    }

    #[tokio::test]
    async fn a_stalled_body_is_distinguished_from_one_that_is_too_long() {
        let ended = async |end| read(Body::new(Ends(Some(end))), 10).await.unwrap_err();
        assert_eq!(ended(BodyEnd::TooSlow).await.status(), StatusCode::REQUEST_TIMEOUT);
        assert_eq!(ended(BodyEnd::Crowded).await.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ended(BodyEnd::Broken("x".into())).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(read(Body::from("12345678901"), 10).await, Err(Unread::TooLong(10)));
        assert_eq!(read(Body::from("1234567890"), 10).await.unwrap(), "1234567890");
    }
}
