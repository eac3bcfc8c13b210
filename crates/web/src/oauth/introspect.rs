//! `POST /oauth2/introspect`.

use app::node::NodeService;
use app::protocol::introspection::IntrospectionService;
use app::protocol::introspection::LiveToken;
use axum::response::Response;
use http::StatusCode;
use oauth::proof::TokenType;
use serde::Serialize;

use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

/// [RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2).
#[derive(Serialize)]
struct IntrospectionBody<'a> {
    active: bool,
    client_id: &'a str,
    username: &'a str,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    iat: i64,
    sub: &'a str,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
}

/// The response about a token that is invalid, unknown, or out of the client's reach.
#[derive(Serialize)]
struct Inactive {
    active: bool,
}

/// Introspects a token.
pub async fn tell(
    Use(introspection): Use<IntrospectionService>,
    Use(node): Use<NodeService>,
    sent: Sent,
) -> Response {
    match introspection.introspect(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(None) => respond::json(StatusCode::OK, &Inactive { active: false }),
        Ok(Some(token)) => respond::json(StatusCode::OK, &body(&token, &node.settings().public_url)),
    }
}

fn body<'a>(token: &'a LiveToken, issuer: &'a str) -> IntrospectionBody<'a> {
    IntrospectionBody {
        active: true,
        client_id: &token.client_id,
        username: &token.username,
        scope: token.scopes.to_string(),
        token_type: token.token_type.map(TokenType::as_str),
        exp: token.exp,
        iat: token.iat,
        sub: &token.sub,
        iss: issuer,
        jti: token.jti.as_deref(),
    }
}
