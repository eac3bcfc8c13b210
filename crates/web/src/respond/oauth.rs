//! Errors in the format of [RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2).

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

/// The body of an error.
#[derive(Debug, Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
}

/// An error with its code and description, which must not be cached.
pub fn error(status: StatusCode, code: &str, description: &str) -> Response {
    json(status, &ErrorBody { error: code, error_description: &printable(description) })
}

/// Any body as JSON that must not be cached ([RFC 6749
/// §5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    json_bytes(status, bytes(body))
}

/// JSON that is already written and must not be cached.
pub fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    no_store_json(response.headers_mut());
    response
}

/// A response without a body that must not be cached.
pub fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    no_store(response.headers_mut());
    response
}

/// The bytes of a body.
pub fn bytes(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_else(|_| br#"{"error":"server_error"}"#.to_vec())
}

fn no_store_json(headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    no_store(headers);
}

/// Says that the response must not be cached.
pub fn no_store(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

/// Refuses a request because of its HTTP form.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    let code = match status {
        StatusCode::INTERNAL_SERVER_ERROR => "server_error",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
        _ => "invalid_request",
    };
    error(status, code, message)
}

/// `error_description` allows printable ASCII without quote and backslash; other characters become question
/// marks.
fn printable(description: &str) -> String {
    let allowed = |character: char| matches!(character, ' ' | '!' | '#'..='[' | ']'..='~');
    description.chars().map(|character| if allowed(character) { character } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_contains_only_characters_that_the_specification_allows() {
        assert_eq!(printable("a \"quoted\" näme\\"), "a ?quoted? n?me?");
    }
}
