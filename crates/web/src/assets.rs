//! The files that pages load.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

const STYLE: &str = include_str!("../assets/style.css");
/// The only script that is loaded; see [`crate::oauth::check_session`].
const CHECK_SESSION: &str = include_str!("../assets/check_session.js");

/// `GET /assets/style.css`.
pub async fn style() -> Response {
    asset(STYLE, "text/css; charset=utf-8")
}

/// `GET /assets/check_session.js`.
pub async fn check_session() -> Response {
    asset(CHECK_SESSION, "text/javascript; charset=utf-8")
}

fn asset(text: &'static str, media_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
