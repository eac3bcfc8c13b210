//! `GET` and `POST /oauth2/userinfo`.

use app::identity::authentication::{AuthenticationService, BearerRefusal};
use app::identity::caller::Caller;
use app::identity::refusals::RefusalService;
use app::node::refusal_reason::RefusalReason;
use app::protocol::userinfo::{UserInfo, UserInfoRefusal, UserInfoService};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use oauth::error::ErrorCode;

use crate::WebState;
use crate::extract::Use;
use crate::http::authorization::Authorization;
use crate::http::origin::From as RequestOrigin;
use crate::http::{origin, proof};
use crate::respond::{challenge, oauth as respond};

/// The caller with an access token in `Authorization`. A token in the body of a `POST` is not read: "The Access Token
/// obtained from an OpenID Connect Authentication Request MUST be sent as a Bearer Token", and "the Access Token SHOULD be
/// sent using the `Authorization` header field" ([OpenID Connect Core
/// §5.3.1](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoRequest)).
pub struct TokenBearer(Caller);

impl FromRequestParts<WebState> for TokenBearer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Response> {
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        let presented = match Authorization::find(&parts.headers) {
            Ok(None) => return Err(problem(StatusCode::UNAUTHORIZED, None, "send an access token")),
            Ok(Some(sent)) => sent.token(),
            Err(_) => None,
        };
        let Some(presented) = presented else {
            let refusals = state.service::<RefusalService>();
            refusals.note_request(RefusalReason::AuthorizationMalformed, None, &origin).await;
            let description = "send one Authorization header with an access token";
            return Err(problem(StatusCode::UNAUTHORIZED, None, description));
        };
        let facts = proof::facts(parts);
        let authentication = state.service::<AuthenticationService>();
        let caller = authentication.caller_by_token(presented, &facts, &origin).await;
        match caller {
            Ok(caller) => Ok(Self(caller)),
            Err(BearerRefusal::Fault(fault)) => Err(super::faulty(&fault)),
            Err(refusal @ (BearerRefusal::DeadBound | BearerRefusal::Unproved(_))) => {
                let mut response = dead_token(&refusal.to_string());
                for value in challenge::of_bound_token(&refusal) {
                    response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
                }
                Err(response)
            }
            Err(dead) => Err(dead_token(&dead.to_string())),
        }
    }
}

/// The claims about the user of the access token.
pub async fn show(
    TokenBearer(caller): TokenBearer,
    Use(userinfo): Use<UserInfoService>,
    RequestOrigin(origin): RequestOrigin,
) -> Response {
    match userinfo.answer(&caller, &origin).await {
        Ok(UserInfo::Claims(claims)) => respond::json(StatusCode::OK, &claims),
        Ok(UserInfo::Signed(jwt)) => signed(jwt),
        Err(UserInfoRefusal::Fault(fault)) => super::faulty(&fault),
        Err(refusal @ UserInfoRefusal::Dead) => dead_token(&refusal.to_string()),
        Err(refusal @ UserInfoRefusal::InsufficientScope) => {
            let code = Some(ErrorCode::InsufficientScope);
            problem(StatusCode::FORBIDDEN, code, &refusal.to_string())
        }
    }
}

fn signed(jwt: String) -> Response {
    let mut response = Response::new(Body::from(jwt));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn dead_token(description: &str) -> Response {
    problem(StatusCode::UNAUTHORIZED, Some(ErrorCode::InvalidToken), description)
}

/// "When an error condition occurs, the `UserInfo` Endpoint returns an Error Response as defined in Section 3 of OAuth 2.0
/// Bearer Token Usage" ([RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3)). A request without a token gets no
/// error code.
fn problem(status: StatusCode, code: Option<ErrorCode>, description: &str) -> Response {
    let error = code.map_or("invalid_request", ErrorCode::as_str);
    let mut response = respond::error(status, error, description);
    let scope = if code == Some(ErrorCode::InsufficientScope) { ", scope=\"openid\"" } else { "" };
    let reason =
        code.map(|code| format!(", error=\"{}\", error_description=\"{description}\"{scope}", code.as_str()));
    let value = format!("Bearer realm=\"Sluicegate\"{}", reason.unwrap_or_default());
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
