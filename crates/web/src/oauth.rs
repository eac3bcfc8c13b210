//! The endpoints of [RFC 6749](https://www.rfc-editor.org/rfc/rfc6749) for clients: token, introspection,
//! revocation, metadata.

use app::Fault;
use app::protocol::refusal::ProtocolRefusal;
use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use oauth::error::ErrorCode;
use oauth::refusal::Refusal;

use crate::http::faults::{HttpFailure, LATER, set_retry_after};
use crate::respond::challenge;
use crate::respond::oauth as respond;

pub mod attestation_challenge;
pub mod authorize;
pub mod backchannel_authentication;
pub mod check_session;
pub mod device_authorization;
pub mod introspect;
pub mod jwks;
pub mod logout;
pub mod metadata;
pub mod par;
pub mod protected_resource;
pub mod register;
pub mod request;
pub mod revoke;
pub mod token;
pub mod userinfo;

/// Where a request contains the client credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credentials {
    /// In the `Authorization` header.
    Header,
    /// In the body, if anywhere.
    Body,
}

/// The response to a refused request.
fn refused(refusal: &ProtocolRefusal, credentials: Credentials) -> Response {
    match refusal {
        ProtocolRefusal::Refused(refusal) => refused_by_rule(*refusal, credentials),
        ProtocolRefusal::TooOften { retry_after_secs } => {
            let mut response = respond::refuse(StatusCode::TOO_MANY_REQUESTS, &refusal.to_string());
            set_retry_after(&mut response, Some(*retry_after_secs));
            response
        }
        ProtocolRefusal::Fault(fault) => faulty(fault),
    }
}

fn refused_by_rule(refusal: Refusal, credentials: Credentials) -> Response {
    let status = match status_of(refusal.code()) {
        StatusCode::UNAUTHORIZED if !answers_with_challenge(refusal, credentials) => StatusCode::BAD_REQUEST,
        status => status,
    };
    let mut response = respond::error(status, refusal.code().as_str(), &refusal.description());
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge::BASIC));
    }
    set_retry_after(&mut response, retry_after(refusal));
    response
}

/// The seconds after which a request may succeed that is refused for a reason that passes.
fn retry_after(refusal: Refusal) -> Option<u32> {
    refusal.may_pass().then_some(LATER)
}

/// 401 with a challenge is for a client that "attempted to authenticate via the `Authorization` request
/// header field" ([RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)), and tells a client
/// that did not try at all how to. Wrong credentials in the body get 400, because some clients read the body
/// of no other error status.
fn answers_with_challenge(refusal: Refusal, credentials: Credentials) -> bool {
    credentials == Credentials::Header || refusal == Refusal::NoClientAuthentication
}

/// The status of an error code at these endpoints
/// ([RFC 6749 §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
const fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidClient | ErrorCode::InvalidToken | ErrorCode::InsufficientUserAuthentication => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::InsufficientScope => StatusCode::FORBIDDEN,
        ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidGrant
        | ErrorCode::UnauthorizedClient
        | ErrorCode::UnsupportedGrantType
        | ErrorCode::UnsupportedResponseType
        | ErrorCode::InvalidScope
        | ErrorCode::AccessDenied
        | ErrorCode::AuthorizationPending
        | ErrorCode::SlowDown
        | ErrorCode::ExpiredToken
        | ErrorCode::UnknownUserId
        | ErrorCode::InvalidBindingMessage
        | ErrorCode::InvalidDpopProof
        | ErrorCode::InvalidClientAttestation
        | ErrorCode::UseFreshAttestation
        | ErrorCode::UseAttestationChallenge
        | ErrorCode::InvalidRedirectUri
        | ErrorCode::InvalidClientMetadata
        | ErrorCode::InvalidSoftwareStatement
        | ErrorCode::UnapprovedSoftwareStatement
        | ErrorCode::UseDpopNonce
        | ErrorCode::LoginRequired
        | ErrorCode::UnmetAuthenticationRequirements
        | ErrorCode::ConsentRequired
        | ErrorCode::InteractionRequired
        | ErrorCode::InvalidTarget
        | ErrorCode::InvalidAuthorizationDetails
        | ErrorCode::InvalidRequestUri
        | ErrorCode::InvalidRequestObject
        | ErrorCode::RequestNotSupported
        | ErrorCode::RegistrationNotSupported
        | ErrorCode::RequestUriNotSupported => StatusCode::BAD_REQUEST,
    }
}

/// The response to a server failure.
pub(crate) fn faulty(fault: &Fault) -> Response {
    fault.note("a request of the protocol failed");
    let HttpFailure { status, retry_after_secs } = HttpFailure::from(fault);
    let mut response = respond::refuse(status, &fault.to_string());
    set_retry_after(&mut response, retry_after_secs);
    response
}
