//! `POST /oauth2/revoke`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::request::Sent;
use crate::WebState;
use crate::respond::oauth as respond;

/// Revokes a token; the response is 200 even if there was nothing to revoke ([RFC 7009
/// §2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).
pub async fn end(State(state): State<WebState>, sent: Sent) -> Response {
    match state.app().revoke_token(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(()) => respond::json(StatusCode::OK, &serde_json::Map::new()),
    }
}
