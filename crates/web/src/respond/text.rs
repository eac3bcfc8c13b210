//! Responses for tools that print what they get.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

/// Plain text.
pub(crate) fn plain(status: StatusCode, body: String) -> Response {
    of_kind(status, body, "text/plain; charset=utf-8")
}

/// Text of this media type.
pub(crate) fn of_kind(status: StatusCode, body: String, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
