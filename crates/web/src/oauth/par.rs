//! `POST /oauth2/par`: pushed authorization requests.

use app::protocol::pushed_requests::PushedRequestService;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

/// The response ([RFC 9126 §2.2](https://www.rfc-editor.org/rfc/rfc9126#section-2.2)).
#[derive(Debug, Serialize)]
struct PushedBody<'a> {
    request_uri: &'a str,
    expires_in: u32,
}

/// Stores an authorization request.
pub async fn push(Use(requests): Use<PushedRequestService>, sent: Sent) -> Response {
    match requests.push(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(pushed) => {
            let (request_uri, expires_in) = (pushed.request_uri.as_str(), pushed.expires_in);
            respond::json(StatusCode::CREATED, &PushedBody { request_uri, expires_in })
        }
    }
}
