//! `POST /oauth2/token`.

use app::protocol::token::TokenService;
use axum::response::Response;
use http::StatusCode;

use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

mod answer;

/// Issues tokens.
pub async fn issue(Use(tokens): Use<TokenService>, sent: Sent) -> Response {
    match tokens.issue(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(response) => respond::json_bytes(StatusCode::OK, answer::body(&response)),
    }
}
