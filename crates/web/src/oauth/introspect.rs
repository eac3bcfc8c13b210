//! `POST /oauth2/introspect`.

use app::node::NodeService;
use app::protocol::introspection::IntrospectionService;
use axum::response::Response;
use http::StatusCode;

use self::answer::{Inactive, body};
use super::request::Sent;
use crate::extract::Use;
use crate::respond::oauth as respond;

mod answer;

/// Introspects a token.
pub async fn introspect(
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
