//! Errors in the envelope of the management API.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;

/// One fault of a payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// Path of the member, such as `redirectUrls[1]`; empty for the payload itself.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// An error in the envelope. `code` is a stable number from the table of errors.
pub fn error(status: StatusCode, code: u32, message: &str, details: &[Detail]) -> Response {
    let mut error = serde_json::json!({ "code": code, "message": { "lang": "en-US", "value": message } });
    if !details.is_empty() {
        error["details"] = serde_json::json!(details);
    }
    json(status, &serde_json::json!({ "error": error }))
}

/// Any body as JSON; what the management API says is about people and is never cached.
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec());
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refuses a request for what HTTP itself can tell.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    error(status, code_of(status), message, &[])
}

/// The code of an error that only its status tells apart: our own numbers, 222299 and the status.
pub fn code_of(status: StatusCode) -> u32 {
    222_299_000 + u32::from(status.as_u16())
}
