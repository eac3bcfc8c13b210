//! `POST /oauth2/register` ([RFC 7591](https://www.rfc-editor.org/rfc/rfc7591)), and `GET`, `PUT` and `DELETE` of a
//! registration ([RFC 7592](https://www.rfc-editor.org/rfc/rfc7592)).

use std::convert::Infallible;

use app::identity::caller::RequestOrigin;
use app::identity::refusals::RefusalService;
use app::node::NodeService;
use app::node::refusal_reason::RefusalReason;
use app::protocol::client_registration::{
    ClientRegistrationRefusal, ClientRegistrationService, InitialCredential, RegisteredClient,
};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use oauth::error::ErrorCode;
use oauth::jwt::{Object, parse_object};
use oauth::refusal::Refusal;

use crate::WebState;
use crate::extract::Use;
use crate::http::authorization::Authorization;
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
    Use(refusals): Use<RefusalService>,
    headers: HeaderMap,
    metadata: Result<RegistrationMembers, Response>,
) -> Response {
    let presented = match Presented::of(&headers, &refusals, &origin).await {
        Ok(presented) => presented,
        Err(response) => return response,
    };
    // Before anything is said about the body.
    let admission = match clients.admit(presented.initial(), &origin).await {
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
    Use(refusals): Use<RefusalService>,
    headers: HeaderMap,
) -> Response {
    let presented = match Presented::of(&headers, &refusals, &origin).await {
        Ok(presented) => presented,
        Err(response) => return response,
    };
    match clients.read(&client_id, presented.token(), &origin).await {
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
    Use(refusals): Use<RefusalService>,
    headers: HeaderMap,
    metadata: Result<RegistrationMembers, Response>,
) -> Response {
    let presented = match Presented::of(&headers, &refusals, &origin).await {
        Ok(presented) => presented,
        Err(response) => return response,
    };
    // Without a token nothing is said about the body.
    if presented.token().is_none() {
        return refused(&ClientRegistrationRefusal::NoToken);
    }
    let RegistrationMembers(members) = match metadata {
        Ok(metadata) => metadata,
        Err(response) => return response,
    };
    match clients.replace(&client_id, presented.token(), members, &origin).await {
        Ok(client) => registration(StatusCode::OK, client, &node),
        Err(refusal) => refused(&refusal),
    }
}

/// Deletes the registration of a client.
pub async fn delete(
    Use(clients): Use<ClientRegistrationService>,
    ClientOrigin(origin): ClientOrigin,
    ClientNamed(client_id): ClientNamed,
    Use(refusals): Use<RefusalService>,
    headers: HeaderMap,
) -> Response {
    let presented = match Presented::of(&headers, &refusals, &origin).await {
        Ok(presented) => presented,
        Err(response) => return response,
    };
    match clients.delete(&client_id, presented.token(), &origin).await {
        Ok(()) => {
            let mut response = respond::no_content();
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Err(refusal) => refused(&refusal),
    }
}

/// The credentials of the request, of which there are some at most once.
struct Presented<'a>(Option<Authorization<'a>>);

impl<'a> Presented<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// The response to a request with two headers.
    async fn of(
        headers: &'a HeaderMap,
        refusals: &RefusalService,
        origin: &RequestOrigin,
    ) -> Result<Self, Response> {
        if let Ok(found) = Authorization::find(headers) {
            return Ok(Self(found));
        }
        refusals.note_request(RefusalReason::AuthorizationMalformed, None, origin).await;
        let message = Refusal::AuthorizationRepeated.description();
        Err(respond::refuse(StatusCode::BAD_REQUEST, &message))
    }

    /// The bearer token, if there is one.
    fn token(&self) -> Option<&'a str> {
        self.0.filter(Authorization::is_bearer).map(|sent| sent.credentials)
    }

    /// What a request to register presents ([RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591#section-3)).
    fn initial(&self) -> InitialCredential<'a> {
        match (self.0, self.token()) {
            (None, _) => InitialCredential::Nothing,
            (Some(_), Some(token)) => InitialCredential::Token(token),
            (Some(_), None) => InitialCredential::Something,
        }
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
        ClientRegistrationRefusal::NoToken => challenge("Bearer realm=\"Sluicegate\"", respond::no_content()),
        ClientRegistrationRefusal::InvalidToken => {
            let body = respond::error(StatusCode::UNAUTHORIZED, ErrorCode::InvalidToken.as_str(), &words);
            challenge("Bearer realm=\"Sluicegate\", error=\"invalid_token\"", body)
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

/// Asks for a token. To a request without one, "the resource server SHOULD NOT include an error code or other error
/// information" ([RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
fn challenge(challenge: &'static str, mut response: Response) -> Response {
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
