//! The addresses of the documentation of the management API.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, HeaderValue};

use crate::WebState;
use crate::respond::page;

/// `GET /openapi.json`: public, so any origin may read it.
pub async fn openapi(State(state): State<WebState>) -> Response {
    let mut response = Response::new(Body::from(state.reference().openapi()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// `GET /docs`: the document as a page.
pub async fn show(State(state): State<WebState>) -> Response {
    page::rendered(StatusCode::OK, state.reference().page(), page::PageContext::Own)
}
