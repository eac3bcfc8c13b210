//! `POST /oauth2/introspect`.

use app::node::NodeService;
use app::protocol::introspection::{IntrospectionService, LiveToken};
use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};

use self::answer::{Inactive, body};
use super::request::Sent;
use crate::extract::Use;
use crate::http::media_type;
use crate::respond::oauth as respond;

mod answer;

/// The media type of a signed answer ([RFC 9701 §4](https://www.rfc-editor.org/rfc/rfc9701#section-4)).
const SIGNED: &str = "application/token-introspection+jwt";

/// Introspects a token.
pub async fn introspect(
    Use(introspection): Use<IntrospectionService>,
    Use(node): Use<NodeService>,
    sent: Sent,
) -> Response {
    let issuer = &node.settings().public_url;
    if media_type::asks_for(sent.headers(), SIGNED) {
        let write = |token: Option<&LiveToken>| match token {
            None => respond::bytes(&Inactive { active: false }),
            Some(token) => body(token, issuer),
        };
        return match introspection.introspect_signed(sent.as_request(), write).await {
            Err(refusal) => sent.refused(&refusal),
            Ok(jwt) => signed(jwt),
        };
    }
    match introspection.introspect(sent.as_request()).await {
        Err(refusal) => sent.refused(&refusal),
        Ok(None) => respond::json(StatusCode::OK, &Inactive { active: false }),
        Ok(Some(token)) => respond::json_bytes(StatusCode::OK, body(&token, issuer)),
    }
}

fn signed(jwt: String) -> Response {
    let mut response = Response::new(Body::from(jwt));
    respond::no_store(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(SIGNED));
    response
}
