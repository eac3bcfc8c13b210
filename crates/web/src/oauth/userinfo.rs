//! `GET` and `POST /oauth2/userinfo`.

use app::identity::addresses::{AddressRefusal, AddressService};
use app::identity::authentication::{AuthenticationService, BearerRefusal};
use app::identity::caller::Caller;
use app::identity::refusals::RefusalService;
use app::node::refusal_reason::RefusalReason;
use app::protocol::userinfo::{UserInfo, UserInfoRefusal, UserInfoService};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::Response;
use domain::allow_list::ServerPart;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use oauth::error::ErrorCode;
use oauth::profile::Algorithms;
use oauth::proof::TokenType;
use oauth::protected_resource::ChallengingResource;
use oauth::scope::BuiltInScope;
use oauth::step_up::StepUp;

use crate::WebState;
use crate::extract::Use;
use crate::http::authorization::Authorization;
use crate::http::origin::ClientOrigin;
use crate::http::{origin, proof};
use crate::respond::challenge::{self, Challenge, Challenged};
use crate::respond::oauth as respond;

/// The scope that the endpoint needs.
const SCOPE: &str = BuiltInScope::OpenId.as_str();

/// The caller with an access token in `Authorization`. A token in the body of a `POST` is not read: "The Access Token
/// obtained from an OpenID Connect Authentication Request MUST be sent as a Bearer Token", and "the Access Token SHOULD be
/// sent using the `Authorization` header field" ([OpenID Connect Core
/// §5.3.1](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoRequest)).
pub struct TokenBearer {
    caller: Caller,
    challenger: Challenger,
}

impl FromRequestParts<WebState> for TokenBearer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Response> {
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        let sent = Authorization::find(&parts.headers);
        let is_absent = matches!(sent, Ok(None));
        let sent = sent.map(|sent| sent.and_then(|sent| sent.token()));
        let is_foreign = matches!(sent, Ok(None));
        let token = sent.ok().flatten();
        let challenger = Challenger::of(state, token.map(|token| token.scheme));
        if is_absent {
            return Err(challenger.for_a_token());
        }
        let Some(presented) = token.filter(|token| !token.text.is_empty()) else {
            let refusals = state.service::<RefusalService>();
            refusals.note_request(RefusalReason::AuthorizationMalformed, None, &origin).await;
            return Err(if is_foreign { challenger.for_a_token() } else { challenger.malformed() });
        };
        let facts = proof::facts(parts);
        let authentication = state.service::<AuthenticationService>();
        match authentication.caller_by_token(presented, &facts, &origin).await {
            Ok(caller) => Ok(Self { caller, challenger }),
            Err(BearerRefusal::Fault(fault)) => Err(super::faulty(&fault)),
            Err(refusal) => Err(challenger.refused(&refusal)),
        }
    }
}

/// The claims about the user of the access token.
pub async fn show(
    TokenBearer { caller, challenger }: TokenBearer,
    Use(userinfo): Use<UserInfoService>,
    Use(addresses): Use<AddressService>,
    ClientOrigin(origin): ClientOrigin,
) -> Response {
    match addresses.demand(&caller, ServerPart::DataAccess, &origin).await {
        Ok(()) => {}
        Err(AddressRefusal::Fault(fault)) => return super::faulty(&fault),
        Err(refusal @ AddressRefusal::NotAllowed) => {
            let code = ErrorCode::AccessDenied.as_str();
            return respond::error(StatusCode::FORBIDDEN, code, &refusal.to_string());
        }
    }
    match userinfo.answer(&caller, &origin).await {
        Ok(UserInfo::Claims(claims)) => respond::json(StatusCode::OK, &claims),
        Ok(UserInfo::Signed(jwt)) => signed(jwt),
        Err(UserInfoRefusal::Fault(fault)) => super::faulty(&fault),
        Err(refusal @ (UserInfoRefusal::Dead | UserInfoRefusal::OtherResources)) => {
            challenger.dead(&refusal.to_string())
        }
        Err(refusal @ UserInfoRefusal::InsufficientScope) => challenger.narrow(&refusal.to_string()),
    }
}

fn signed(jwt: String) -> Response {
    let mut response = Response::new(Body::from(jwt));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Writes the refusals of a request: "When an error condition occurs, the `UserInfo` Endpoint returns an Error Response as
/// defined in Section 3 of OAuth 2.0 Bearer Token Usage" ([OpenID Connect Core
/// §5.3.3](https://openid.net/specs/openid-connect-core-1_0.html#UserInfoError)).
#[derive(Debug, Clone, Copy)]
struct Challenger {
    algorithms: Algorithms,
    presented: Option<TokenType>,
}

impl Challenger {
    fn of(state: &WebState, presented: Option<TokenType>) -> Self {
        Self { algorithms: state.node().settings().minimum_profile.rules().algorithms, presented }
    }

    fn add(self, challenges: &[Challenge], mut response: Response) -> Response {
        let resource = ChallengingResource { scope: SCOPE, metadata_url: None, algorithms: self.algorithms };
        Challenged { resource, presented: self.presented, step_up: StepUp::default() }
            .add(challenges, response.headers_mut());
        response
    }

    /// A request without credentials: "the resource server SHOULD NOT include an error code or other error information"
    /// ([RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750#section-3.1)).
    fn for_a_token(self) -> Response {
        let mut response = respond::no_content();
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        self.add(challenge::FOR_A_TOKEN, response)
    }

    fn malformed(self) -> Response {
        let description = "send one Authorization header with an access token";
        self.add(challenge::MALFORMED, respond::refuse(StatusCode::BAD_REQUEST, description))
    }

    fn refused(self, refusal: &BearerRefusal) -> Response {
        let code = challenge::code(refusal).as_str();
        let response = respond::error(StatusCode::UNAUTHORIZED, code, &refusal.to_string());
        self.add(Challenge::after(refusal), response)
    }

    fn dead(self, description: &str) -> Response {
        let code = ErrorCode::InvalidToken.as_str();
        self.add(challenge::DEAD, respond::error(StatusCode::UNAUTHORIZED, code, description))
    }

    fn narrow(self, description: &str) -> Response {
        let code = ErrorCode::InsufficientScope.as_str();
        self.add(challenge::NARROW, respond::error(StatusCode::FORBIDDEN, code, description))
    }
}
