//! Authentication for the management API.

use app::identity::authentication::AuthenticationService;
use app::identity::authentication::BearerRefusal;
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::refusals::RefusalService;
use app::identity::sign_in::SignInRefusal;
use app::identity::sign_in::SignInService;
use app::node::refusal_reason::RefusalReason;
use axum::extract::FromRequestParts;
use domain::account::Permission;
use domain::secret::{CsrfToken, SessionCookie};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use oauth::proof::{PresentedToken, RequestFacts};
use oauth::scope::BuiltInScope;

use crate::WebState;
use crate::errors::ManagementErrorCode;
use crate::http::authorization::Authorization;
use crate::http::initiator::Initiator;
use crate::http::{cookies, origin, proof};
use crate::respond::challenge;
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
        let initiator = Initiator::of(&parts.uri, &parts.headers, state);
        let access_note = Noting { state, origin: &origin };
        let Ok(authorization) = Authorization::find(&parts.headers) else {
            let problem = ManagementProblem::unauthenticated("Authorization is given twice.");
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
                    let problem =
                        ManagementProblem::unauthenticated("Sign in with Basic or with an access token.");
                    return Err(access_note
                        .refused(RefusalReason::AuthorizationMalformed, None, problem)
                        .await);
                };
                let facts = proof::facts(parts);
                by_token(state, presented, &facts, &origin).await?
            }
            None => by_session(access_note, &parts.method, &parts.headers, initiator).await?,
        };
        if caller.may(Permission::MgmtAPI) {
            return Ok(Self(caller));
        }
        Err(refused(state, &caller, ("lacks MgmtAPI", ManagementProblem::forbidden()), &origin).await)
    }
}

/// Records the refusals of a request.
#[derive(Clone, Copy)]
struct Noting<'a> {
    state: &'a WebState,
    origin: &'a RequestOrigin,
}

impl Noting<'_> {
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
        let problem = ManagementProblem::unauthenticated("The credentials in Authorization cannot be read.");
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
            SignInRefusal::Refused | SignInRefusal::Locked { .. } | SignInRefusal::PasswordExpired => {
                ManagementProblem::unauthenticated(format!("Not signed in: {refusal}."))
            }
        })
}

async fn by_token(
    state: &WebState,
    presented: PresentedToken<'_>,
    facts: &RequestFacts<'_>,
    origin: &RequestOrigin,
) -> Result<Caller, ManagementProblem> {
    let caller =
        state.service::<AuthenticationService>().caller_by_token(presented, facts, origin).await.map_err(
            |refusal| match refusal {
                BearerRefusal::Dead => ManagementProblem::dead_token(format!("Not signed in: {refusal}.")),
                BearerRefusal::DeadBound | BearerRefusal::Unproved(_) => {
                    let challenge = challenge::of_bound_token(&refusal);
                    ManagementProblem::dead_token(format!("Not signed in: {refusal}.")).with(challenge)
                }
                BearerRefusal::Fault(fault) => {
                    ManagementProblem::server(&fault, ManagementErrorCode::Unavailable)
                }
            },
        )?;
    if caller.covers(BuiltInScope::Management) {
        return Ok(caller);
    }
    let why = ("the token lacks api.mgmt", ManagementProblem::narrow_token());
    Err(refused(state, &caller, why, origin).await)
}

async fn by_session(
    access_note: Noting<'_>,
    method: &Method,
    headers: &HeaderMap,
    initiator: Initiator,
) -> Result<Caller, ManagementProblem> {
    let state = access_note.state;
    let nobody = || ManagementProblem::unauthenticated("Sign in with a user name and a password.");
    let cookie = cookies::session(headers, state.cookie_scope()).ok_or_else(nobody)?;
    let live = state.service::<AuthenticationService>().caller_by_session(&cookie).await;
    let Some(live) =
        live.map_err(|fault| ManagementProblem::server(&fault, ManagementErrorCode::Unavailable))?
    else {
        return Err(access_note.refused(RefusalReason::SessionDead, None, nobody()).await);
    };
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
