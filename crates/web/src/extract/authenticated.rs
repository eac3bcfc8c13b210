//! Authentication for the management API.

use app::identity::addresses::{AddressRefusal, AddressService};
use app::identity::authentication::AuthenticationService;
use app::identity::authentication::BearerRefusal;
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::refusals::RefusalService;
use app::identity::sign_in::SignInRefusal;
use app::identity::sign_in::SignInService;
use app::node::refusal_reason::RefusalReason;
use axum::extract::FromRequestParts;
use domain::account::Permission;
use domain::allow_list::ServerPart;
use domain::secret::{CsrfToken, SessionCookie};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use oauth::proof::{PresentedToken, RequestFacts, TokenType};
use oauth::protected_resource::ChallengingResource;
use oauth::scope::BuiltInScope;
use oauth::step_up::StepUp;

use crate::WebState;
use crate::errors::ManagementErrorCode;
use crate::http::authorization::Authorization;
use crate::http::initiator::Initiator;
use crate::http::{cookies, origin, proof};
use crate::respond::challenge::{self, Challenge, Challenged};
use crate::respond::management::ManagementProblem;

/// The caller of a management operation, who may use the management API.
///
/// The caller is authenticated by a user name and a password in `Authorization: Basic`, by a bearer token
/// with the scope `api.mgmt`, or by the session cookie of our pages, which needs `X-CSRF-Token` for a change.
/// With the first and the last, which a browser sends by itself, no page of another origin can change
/// anything ([`Initiator`]). In all cases the user needs the permission [`Permission::MgmtAPI`]. Use cases
/// check the other requirements of an operation.
#[derive(Debug, Clone)]
pub struct Authenticated(pub Caller);

impl FromRequestParts<WebState> for Authenticated {
    type Rejection = ManagementProblem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, ManagementProblem> {
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        let initiator = Initiator::of(&parts.uri, &parts.headers, state.site());
        let sent = Authorization::find(&parts.headers);
        let presented = sent.ok().flatten().and_then(|sent| sent.token()).map(|token| token.scheme);
        let access_note = Noting { state, origin: &origin, presented };
        let Ok(authorization) = sent else {
            let problem = access_note.malformed("Authorization is given twice.");
            return Err(access_note.refused(RefusalReason::AuthorizationMalformed, None, problem).await);
        };
        let caller = match authorization {
            Some(sent) if sent.is_basic() => {
                if !parts.method.is_safe() && !initiator.may_change_by_basic() {
                    return Err(access_note
                        .refused(RefusalReason::AnotherOrigin, None, another_origin())
                        .await);
                }
                by_password(access_note, sent).await?
            }
            Some(sent) => {
                let Some(presented) = sent.token() else {
                    let problem = access_note.nobody("Sign in with Basic or with an access token.");
                    return Err(access_note
                        .refused(RefusalReason::AuthorizationMalformed, None, problem)
                        .await);
                };
                if presented.text.is_empty() {
                    let problem = access_note.malformed("Send an access token after the scheme.");
                    return Err(access_note
                        .refused(RefusalReason::AuthorizationMalformed, None, problem)
                        .await);
                }
                by_token(access_note, presented, &proof::facts(parts)).await?
            }
            None => by_session(access_note, &parts.method, &parts.headers, initiator).await?,
        };
        if caller.may(Permission::MgmtAPI) {
            demand_address(state, &caller, parts, &origin).await?;
            return Ok(Self(caller));
        }
        Err(refused(state, &caller, ("lacks MgmtAPI", ManagementProblem::forbidden()), &origin).await)
    }
}

/// Demands that the allow-lists admit the request.
async fn demand_address(
    state: &WebState,
    caller: &Caller,
    parts: &Parts,
    origin: &RequestOrigin,
) -> Result<(), ManagementProblem> {
    let is_administrative = parts.uri.path().starts_with("/api/admin/");
    let resource = if is_administrative { ServerPart::AdminApi } else { ServerPart::ManagementApi };
    match state.service::<AddressService>().demand(caller, resource, origin).await {
        Ok(()) => Ok(()),
        Err(AddressRefusal::NotAllowed) => Err(ManagementProblem::new(
            StatusCode::FORBIDDEN,
            ManagementErrorCode::AddressNotAllowed,
            "Requests from your address are not allowed here.",
        )),
        Err(AddressRefusal::Fault(fault)) => {
            Err(ManagementProblem::server(&fault, ManagementErrorCode::Unavailable))
        }
    }
}

/// Records the refusals of a request.
#[derive(Clone, Copy)]
struct Noting<'a> {
    state: &'a WebState,
    origin: &'a RequestOrigin,
    /// The type of the token in the request, if it has one.
    presented: Option<TokenType>,
}

/// The scope that the management API needs.
const SCOPE: &str = BuiltInScope::Management.as_str();

/// The request has no credentials. Basic is the first, as Hybrid Data Pipeline's clients expect.
const FOR_CREDENTIALS: &[Challenge] =
    &[Challenge::Basic, Challenge::Token(TokenType::Bearer), Challenge::Token(TokenType::Dpop)];

impl Noting<'_> {
    fn challenged(self) -> Challenged<'static> {
        let algorithms = self.state.node().settings().minimum_profile.rules().algorithms;
        let resource = ChallengingResource { scope: SCOPE, metadata_url: None, algorithms };
        Challenged { resource, presented: self.presented, step_up: StepUp::default() }
    }

    /// The response to a caller who is not authenticated.
    fn nobody(self, message: impl Into<String>) -> ManagementProblem {
        ManagementProblem::unauthenticated(message).with(FOR_CREDENTIALS, self.challenged())
    }

    /// The response to a request whose `Authorization` has the wrong form.
    fn malformed(self, message: &str) -> ManagementProblem {
        ManagementProblem::of_status(StatusCode::BAD_REQUEST, message)
            .with(challenge::MALFORMED, self.challenged())
    }

    /// The response to an access token that is refused.
    fn dead_token(self, refusal: &BearerRefusal) -> ManagementProblem {
        let password: &[Challenge] =
            if matches!(refusal, BearerRefusal::Dead) { &[Challenge::Basic] } else { &[] };
        ManagementProblem::unauthenticated(format!("Not signed in: {refusal}."))
            .with(password, self.challenged())
            .with(Challenge::after(refusal), self.challenged())
    }

    /// The response to a refused request, which is recorded.
    async fn refused(
        self,
        reason: RefusalReason,
        caller: Option<&Caller>,
        problem: ManagementProblem,
    ) -> ManagementProblem {
        self.state.service::<RefusalService>().note_request(reason, caller, self.origin).await;
        problem
    }
}

/// The response to an authenticated caller who may not use the management API, which is recorded.
async fn refused(
    state: &WebState,
    caller: &Caller,
    (why, problem): (&str, ManagementProblem),
    origin: &RequestOrigin,
) -> ManagementProblem {
    match state.service::<RefusalService>().note(caller, why, origin).await {
        Ok(()) => problem,
        Err(fault) => ManagementProblem::server(&fault, ManagementErrorCode::Unavailable),
    }
}

/// The refusal of a request that a page of another origin caused, to which the browser attached remembered
/// credentials.
fn another_origin() -> ManagementProblem {
    ManagementProblem::new(
        StatusCode::FORBIDDEN,
        ManagementErrorCode::CrossSite,
        "A page of another origin made this request: with the credentials of a browser only pages of this server change \
         anything. Nothing was changed.",
    )
}

async fn by_password(access_note: Noting<'_>, sent: Authorization<'_>) -> Result<Caller, ManagementProblem> {
    let Some(credentials) = sent.user() else {
        let problem = access_note.nobody("The credentials in Authorization cannot be read.");
        return Err(access_note.refused(RefusalReason::AuthorizationMalformed, None, problem).await);
    };
    access_note
        .state
        .service::<SignInService>()
        .caller_by_password(&credentials, access_note.origin)
        .await
        .map_err(|refusal| match refusal {
            SignInRefusal::TooOften { retry_after_secs } => ManagementProblem::too_often(retry_after_secs),
            SignInRefusal::Fault(fault) => {
                ManagementProblem::server(&fault, ManagementErrorCode::Unavailable)
            }
            SignInRefusal::Refused
            | SignInRefusal::Locked { .. }
            | SignInRefusal::PasswordExpired
            | SignInRefusal::SecondFactorNeeded
            | SignInRefusal::AddressNotAllowed
            | SignInRefusal::WrongCode
            | SignInRefusal::StepExpired => access_note.nobody(format!("Not signed in: {refusal}.")),
        })
}

async fn by_token(
    access_note: Noting<'_>,
    presented: PresentedToken<'_>,
    facts: &RequestFacts<'_>,
) -> Result<Caller, ManagementProblem> {
    let Noting { state, origin, .. } = access_note;
    let authentication = state.service::<AuthenticationService>();
    let caller = match authentication.caller_by_token(presented, facts, origin).await {
        Ok(caller) => caller,
        Err(BearerRefusal::Fault(fault)) => {
            return Err(ManagementProblem::server(&fault, ManagementErrorCode::Unavailable));
        }
        Err(refusal) => return Err(access_note.dead_token(&refusal)),
    };
    if caller.covers(BuiltInScope::Management) {
        return Ok(caller);
    }
    let narrow = ManagementProblem::forbidden().with(challenge::NARROW, access_note.challenged());
    Err(refused(state, &caller, ("the token lacks api.mgmt", narrow), origin).await)
}

async fn by_session(
    access_note: Noting<'_>,
    method: &Method,
    headers: &HeaderMap,
    initiator: Initiator,
) -> Result<Caller, ManagementProblem> {
    let state = access_note.state;
    let nobody = || access_note.nobody("Sign in with a user name and a password.");
    let cookie = cookies::session(headers, state.cookie_scope()).ok_or_else(nobody)?;
    let live = state.service::<AuthenticationService>().caller_by_session(&cookie).await;
    let Some(live) =
        live.map_err(|fault| ManagementProblem::server(&fault, ManagementErrorCode::Unavailable))?
    else {
        return Err(access_note.refused(RefusalReason::SessionDead, None, nobody()).await);
    };
    if live.must_set_up_second_factor() {
        let problem = access_note.nobody("Set up a second factor at /account/security first.");
        return Err(access_note
            .refused(RefusalReason::SecondFactorNeeded, Some(&live.caller), problem)
            .await);
    }
    if method.is_safe() {
        return Ok(live.caller);
    }
    let caller = Some(&live.caller);
    if !initiator.may_change_by_cookie() {
        return Err(access_note.refused(RefusalReason::AnotherOrigin, caller, another_origin()).await);
    }
    if carries_csrf_token(state, headers, &cookie) {
        return Ok(live.caller);
    }
    let message = "A changing request from a browser needs the right X-CSRF-Token.";
    let problem = ManagementProblem::new(StatusCode::FORBIDDEN, ManagementErrorCode::CrossSite, message);
    Err(access_note.refused(RefusalReason::CsrfTokenWrong, caller, problem).await)
}

fn carries_csrf_token(state: &WebState, headers: &HeaderMap, cookie: &SessionCookie) -> bool {
    let token = headers.get(cookies::CSRF_HEADER).and_then(|value| value.to_str().ok());
    token.is_some_and(|token| {
        state.service::<AuthenticationService>().csrf_is_valid(cookie.expose(), &CsrfToken::new(token))
    })
}
