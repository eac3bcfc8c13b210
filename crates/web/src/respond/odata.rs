//! Errors in OData's form
//! ([OData JSON 4.01 §21.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_ErrorResponse)).

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorMembers<'a>,
}

#[derive(Serialize)]
struct ErrorMembers<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

/// An error with its stable code; `target` names the part of the request that is at fault.
pub fn error(status: StatusCode, code: &str, message: &str, target: Option<&str>) -> Response {
    let body = ErrorBody { error: ErrorMembers { code, message, target } };
    let mut response =
        Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_else(|_| b"{}".to_vec())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;odata.metadata=minimal"));
    headers.insert("odata-version", HeaderValue::from_static("4.01"));
    response
}

/// Refuses a request for what HTTP itself can tell.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    let code = match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::URI_TOO_LONG => "UriTooLong",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::INTERNAL_SERVER_ERROR => "ServerError",
        StatusCode::SERVICE_UNAVAILABLE => "Unavailable",
        _ => "BadRequest",
    };
    error(status, code, message, None)
}
