//! `POST /oauth2/revoke`.

use app::protocol::token_revocation::RevocationService;
use axum::response::Response;
use http::StatusCode;

use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

/// Revokes a token; the response is 200 even if there was nothing to revoke ([RFC 7009
/// §2.2](https://www.rfc-editor.org/rfc/rfc7009#section-2.2)).
pub async fn revoke(Use(token_revocation): Use<RevocationService>, sent: Sent) -> Response {
    match token_revocation.revoke(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(()) => respond::json(StatusCode::OK, &serde_json::Map::new()),
    }
}
