//! `POST /oauth2/register` ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)), and `GET`, `PUT` and `DELETE` of a
//! registration ([RFC 7592](https://www.rfc-editor.org/rfc/rfc7592)).

use std::convert::Infallible;

use app::node::NodeService;
use app::protocol::client_registration::{
    ClientRegistrationRefusal, ClientRegistrationService, InitialCredential, RegisteredClient,
};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use oauth::error::ErrorCode;
use oauth::jwt::{Object, parse_object};

use crate::WebState;
use crate::extract::Use;
use crate::http::authorization::{Authorization, Twice};
use crate::http::faults::set_retry_after;
use crate::http::origin::ClientOrigin;
use crate::http::{body, media_type};
use crate::respond::oauth as respond;

/// The members of a body: a JSON object without repeated members.
pub struct RegistrationMembers(Object);

impl FromRequest<WebState> for RegistrationMembers {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let is_json = media_type::of_body(request.headers()).is_some_and(|kind| kind.is(media_type::JSON));
        if !is_json {
            let message = "send application/json";
            return Err(respond::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        let most = body::MOST_OF_FORM.min(state.settings().max_body_bytes);
        let read = body::read(request.into_body(), most).await;
        let bytes = read.map_err(|unread| respond::refuse(unread.status(), &unread.to_string()))?;
        let members = parse_object(&bytes);
        body::wipe(bytes);
        members.map(Self).ok_or_else(|| {
            let message = "the body must be a JSON object without repeated members";
            respond::error(StatusCode::BAD_REQUEST, ErrorCode::InvalidClientMetadata.as_str(), message)
        })
    }
}

/// The client in the path. A segment that is not text names an unknown client.
pub struct ClientNamed(String);

impl FromRequestParts<WebState> for ClientNamed {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        let segments = RawPathParams::from_request_parts(parts, state).await.ok();
        let first = segments.as_ref().and_then(|all| all.iter().next());
        Ok(Self(first.map(|(_, segment)| segment.to_owned()).unwrap_or_default()))
    }
}

/// Registers a client.
pub async fn register(
    Use(clients): Use<ClientRegistrationService>,
    Use(node): Use<NodeService>,
    ClientOrigin(origin): ClientOrigin,
    headers: HeaderMap,
    metadata: Result<RegistrationMembers, Response>,
) -> Response {
    // Before anything is said about the body.
    let admission = match clients.admit(presented(&headers), &origin).await {
        Ok(admission) => admission,
        Err(refusal) => return refused(&refusal),
    };
    let RegistrationMembers(members) = match metadata {
        Ok(metadata) => metadata,
        Err(response) => return response,
    };
    match clients.register(admission, &members, &origin).await {
        Ok(client) => registration(StatusCode::CREATED, client, &node),
        Err(refusal) => refused(&refusal),
    }
}

/// The registration of a client.
pub async fn read(
    Use(clients): Use<ClientRegistrationService>,
    Use(node): Use<NodeService>,
    ClientOrigin(origin): ClientOrigin,
    ClientNamed(client_id): ClientNamed,
    headers: HeaderMap,
) -> Response {
    match clients.read(&client_id, token(&headers), &origin).await {
        Ok(client) => registration(StatusCode::OK, client, &node),
        Err(refusal) => refused(&refusal),
    }
}

/// Replaces the registration of a client.
pub async fn replace(
    Use(clients): Use<ClientRegistrationService>,
    Use(node): Use<NodeService>,
    ClientOrigin(origin): ClientOrigin,
    ClientNamed(client_id): ClientNamed,
    headers: HeaderMap,
    metadata: Result<RegistrationMembers, Response>,
) -> Response {
    // Without a token nothing is said about the body.
    if token(&headers).is_none() {
        return refused(&ClientRegistrationRefusal::NoToken);
    }
    let RegistrationMembers(members) = match metadata {
        Ok(metadata) => metadata,
        Err(response) => return response,
    };
    match clients.replace(&client_id, token(&headers), members, &origin).await {
        Ok(client) => registration(StatusCode::OK, client, &node),
        Err(refusal) => refused(&refusal),
    }
}

/// Deletes the registration of a client.
pub async fn delete(
    Use(clients): Use<ClientRegistrationService>,
    ClientOrigin(origin): ClientOrigin,
    ClientNamed(client_id): ClientNamed,
    headers: HeaderMap,
) -> Response {
    match clients.delete(&client_id, token(&headers), &origin).await {
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            respond::no_store(response.headers_mut());
            response
        }
        Err(refusal) => refused(&refusal),
    }
}

/// The bearer token of the request; `None` if there is none, or more than one header.
fn token(headers: &HeaderMap) -> Option<&str> {
    let sent = Authorization::find(headers).ok().flatten()?;
    sent.is_bearer().then_some(sent.credentials)
}

/// What a request to register presents ([RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591#section-3)).
fn presented(headers: &HeaderMap) -> InitialCredential<'_> {
    match Authorization::find(headers) {
        Ok(None) => InitialCredential::Nothing,
        Ok(Some(sent)) if sent.is_bearer() => InitialCredential::Token(sent.credentials),
        Ok(Some(_)) | Err(Twice) => InitialCredential::Something,
    }
}

/// The client information response ([RFC 7591 §3.2.1](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1), [RFC 7592
/// §3](https://www.rfc-editor.org/rfc/rfc7592#section-3)).
fn registration(status: StatusCode, client: RegisteredClient, node: &NodeService) -> Response {
    let RegisteredClient { mut information, client_id, secret, token } = client;
    let address = format!("{}/oauth2/register/{client_id}", node.settings().public_url);
    if let Some(secret) = secret {
        information.insert("client_secret".to_owned(), secret.expose().into());
        // It does not expire.
        information.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    information.insert("registration_client_uri".to_owned(), address.into());
    information.insert("registration_access_token".to_owned(), token.expose().into());
    respond::json(status, &information)
}

fn refused(refusal: &ClientRegistrationRefusal) -> Response {
    let words = refusal.to_string();
    match refusal {
        ClientRegistrationRefusal::Off => {
            respond::error(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest.as_str(), &words)
        }
        ClientRegistrationRefusal::NoToken => {
            unauthorized("invalid_request", &words, "Bearer realm=\"Sluicegate\"")
        }
        ClientRegistrationRefusal::InvalidToken => {
            let challenge = "Bearer realm=\"Sluicegate\", error=\"invalid_token\"";
            unauthorized(ErrorCode::InvalidToken.as_str(), &words, challenge)
        }
        ClientRegistrationRefusal::Invalid(fault) => {
            respond::error(StatusCode::BAD_REQUEST, fault.code.as_str(), &words)
        }
        ClientRegistrationRefusal::TooOften { retry_after_secs } => {
            let mut response = respond::refuse(StatusCode::TOO_MANY_REQUESTS, &words);
            set_retry_after(&mut response, Some(*retry_after_secs));
            response
        }
        ClientRegistrationRefusal::Full => {
            respond::error(StatusCode::FORBIDDEN, ErrorCode::AccessDenied.as_str(), &words)
        }
        ClientRegistrationRefusal::Fault(fault) => super::faulty(fault),
    }
}

fn unauthorized(code: &str, words: &str, challenge: &'static str) -> Response {
    let mut response = respond::error(StatusCode::UNAUTHORIZED, code, words);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
