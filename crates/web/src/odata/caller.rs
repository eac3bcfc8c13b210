//! Authentication for data: an access token, a personal access token, or a user name and a password.

use std::convert::Infallible;

use app::data::ResourcePath;
use app::identity::addresses::AddressService;
use app::identity::authentication::{AuthenticationService, BearerRefusal};
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::issued_tokens::{IssuedTokenRefusal, IssuedTokenService};
use app::identity::personal_access::PersonalAccessService;
use app::identity::refusals::RefusalService;
use app::identity::sign_in::SignInService;
use app::node::NodeService;
use app::node::refusal_reason::RefusalReason;
use axum::extract::FromRequestParts;
use axum::response::Response;
use domain::allow_list::ServerPart;
use domain::time::Timestamp;
use http::header::HeaderName;
use http::request::Parts;
use oauth::proof::{PresentedToken, TokenType};
use oauth::protected_resource;

use crate::WebState;
use crate::http::authorization::{Authorization, Twice};
use crate::http::initiator::Initiator;
use crate::http::{database_login, host, origin, proof};
use crate::respond::odata::ODataProblem;

/// The name of the service that issued the access token, as Hybrid Data Pipeline's clients send it.
const AUTH_SERVICE: HeaderName = HeaderName::from_static("x-datadirect-authservice");

/// A request for data, with its caller: authenticated before anything else is read.
pub struct Requester {
    /// The origin of the request.
    pub(super) origin: RequestOrigin,
    /// The caller, or why there is none.
    pub(super) caller: Result<Caller, ODataProblem>,
    /// How the request is challenged if it is refused.
    pub(super) challenge: DataChallenger,
    /// When the caller was authenticated.
    pub(super) since: Timestamp,
    /// Where refusals are recorded.
    pub(super) refusals: RefusalService,
    /// Whether a page of another origin made the request, to which the browser attached remembered credentials.
    pub(super) is_led_astray: bool,
}

/// What a challenge depends on.
pub(super) struct DataChallenger {
    node: NodeService,
    /// The type of the token in the request, if it has one.
    presented: Option<TokenType>,
}

impl DataChallenger {
    /// The response to a refused request for a resource, with the address of its metadata at the host that was asked.
    pub(super) fn refuse(&self, problem: ODataProblem, parts: &Parts) -> Response {
        let settings = self.node.settings();
        let metadata_url = || {
            let address = settings.address_asked(host::named(&parts.uri, &parts.headers));
            protected_resource::metadata_url(address, ResourcePath::of_request(parts.uri.path()).as_str())
        };
        problem.at(metadata_url, settings.minimum_profile.rules(), self.presented)
    }
}

impl FromRequestParts<WebState> for Requester {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        let sent = Authorization::find(&parts.headers);
        let presented = sent.ok().flatten().and_then(|sent| sent.token()).map(|token| token.scheme);
        let caller = match prove(state, parts, sent, &origin).await {
            Ok(caller) => admitted(state, caller, &origin).await,
            refused => refused,
        };
        let caller = caller.map(|caller| caller.with_database_login(database_login::find(&parts.headers)));
        let since = state.node().now();
        let is_basic = sent.ok().flatten().is_some_and(|sent| sent.is_basic());
        let is_led_astray =
            is_basic && !Initiator::of(&parts.uri, &parts.headers, state.site()).may_change_by_basic();
        Ok(Self {
            refusals: state.service(),
            is_led_astray,
            origin,
            caller,
            challenge: DataChallenger { node: state.node().clone(), presented },
            since,
        })
    }
}

/// The caller, if the allow-lists admit the request.
async fn admitted(state: &WebState, caller: Caller, origin: &RequestOrigin) -> Result<Caller, ODataProblem> {
    let addresses = state.service::<AddressService>();
    addresses.demand(&caller, ServerPart::DataAccess, origin).await?;
    Ok(caller)
}

async fn prove(
    state: &WebState,
    parts: &Parts,
    sent: Result<Option<Authorization<'_>>, Twice>,
    origin: &RequestOrigin,
) -> Result<Caller, ODataProblem> {
    let sent = match sent {
        Ok(Some(sent)) => sent,
        Ok(None) => return Err(ODataProblem::unauthenticated(ways(state))),
        Err(Twice) => {
            malformed(state, origin).await;
            return Err(ODataProblem::malformed("send one Authorization header"));
        }
    };
    if let Some(presented) = sent.token() {
        if presented.text.is_empty() {
            // Excel asks with an empty token which schemes there are, and asks for a password only after a 401.
            return Err(ODataProblem::unauthenticated(ways(state)));
        }
        if parts.headers.contains_key(AUTH_SERVICE) {
            // Boxed, so that tokens of this server do not pay for the state that only this path needs.
            return Box::pin(by_service(state, parts, presented, origin)).await;
        }
        if presented.scheme == TokenType::Bearer && PersonalAccessService::is_meant(presented.text) {
            let personal = state.service::<PersonalAccessService>();
            return Ok(personal.caller_by_token(presented.text, origin).await?);
        }
        return by_token(state, parts, presented, origin).await;
    }
    let credentials = sent.user();
    if let Some(credentials) = &credentials
        && PersonalAccessService::is_meant_by(&credentials.password)
    {
        let personal = state.service::<PersonalAccessService>();
        return Ok(personal.caller_by_credentials(credentials, origin).await?);
    }
    if !accepts_passwords(state) {
        malformed(state, origin).await;
        return Err(ODataProblem::unauthenticated(ways(state)));
    }
    if !sent.is_basic() {
        malformed(state, origin).await;
        return Err(ODataProblem::unauthenticated("the schemes Bearer, DPoP and Basic are supported"));
    }
    let Some(credentials) = credentials else {
        malformed(state, origin).await;
        return Err(ODataProblem::unauthenticated("the credentials in Authorization cannot be read"));
    };
    Ok(state.service::<SignInService>().caller_by_password(&credentials, origin).await?)
}

/// Whether the minimum profile lets users read data with a name and a password.
fn accepts_passwords(state: &WebState) -> bool {
    state.node().settings().minimum_profile.rules().passwords_for_data
}

fn ways(state: &WebState) -> &'static str {
    if accepts_passwords(state) {
        "send one Authorization header with an access token, or with a user name and a password"
    } else {
        "send one Authorization header with an access token"
    }
}

async fn by_token(
    state: &WebState,
    parts: &Parts,
    presented: PresentedToken<'_>,
    origin: &RequestOrigin,
) -> Result<Caller, ODataProblem> {
    let facts = proof::facts(parts);
    match state.service::<AuthenticationService>().caller_by_token(presented, &facts, origin).await {
        Ok(caller) => Ok(caller),
        Err(BearerRefusal::Dead) => Err(Box::pin(unnamed_or_dead(state, presented.text)).await),
        Err(refusal) => Err(refusal.into()),
    }
}

/// The refusal of a token that this server did not issue: perhaps the request should have named its service.
async fn unnamed_or_dead(state: &WebState, token: &str) -> ODataProblem {
    match state.service::<IssuedTokenService>().is_of_a_service(token).await {
        Ok(true) => IssuedTokenRefusal::ServiceUnnamed.into(),
        Ok(false) => BearerRefusal::Dead.into(),
        Err(fault) => fault.into(),
    }
}

/// The caller by an access token of the service that the header names.
async fn by_service(
    state: &WebState,
    parts: &Parts,
    presented: PresentedToken<'_>,
    origin: &RequestOrigin,
) -> Result<Caller, ODataProblem> {
    let mut names = parts.headers.get_all(AUTH_SERVICE).iter();
    let first = names.next().and_then(|name| name.to_str().ok());
    let (Some(name), None) = (first, names.next()) else {
        return Err(IssuedTokenRefusal::ServiceUnknown.into());
    };
    if presented.scheme != TokenType::Bearer {
        return Err(IssuedTokenRefusal::Dead.into());
    }
    Ok(state.service::<IssuedTokenService>().caller(name, presented.text, origin).await?)
}

async fn malformed(state: &WebState, origin: &RequestOrigin) {
    state.service::<RefusalService>().note_request(RefusalReason::AuthorizationMalformed, None, origin).await;
}
