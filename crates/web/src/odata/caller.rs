//! Authentication for data: a bearer token, or a user name and a password.

use app::identity::authentication::AuthenticationService;
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::refusals::RefusalService;
use app::identity::sign_in::SignInService;
use app::node::refusal_reason::RefusalReason;
use http::request::Parts;

use crate::WebState;
use crate::http::authorization::Authorization;
use crate::http::proof;
use crate::respond::odata::ODataProblem;

/// Authenticates the caller before anything else.
pub(super) async fn prove(
    state: &WebState,
    parts: &Parts,
    origin: &RequestOrigin,
) -> Result<Caller, ODataProblem> {
    let sent = match Authorization::find(&parts.headers) {
        Ok(Some(sent)) => sent,
        missing_or_twice => {
            if missing_or_twice.is_err() {
                malformed(state, origin).await;
            }
            return Err(ODataProblem::unauthenticated(
                "send one Authorization header with an access token, or with a user name and a password",
            ));
        }
    };
    if let Some(presented) = sent.token() {
        return Ok(state
            .service::<AuthenticationService>()
            .caller_by_token(presented, &proof::facts(parts), origin)
            .await?);
    }
    if !sent.is_basic() {
        malformed(state, origin).await;
        return Err(ODataProblem::unauthenticated("the schemes Bearer, DPoP and Basic are supported"));
    }
    let Some(credentials) = sent.user() else {
        malformed(state, origin).await;
        return Err(ODataProblem::unauthenticated("the credentials in Authorization cannot be read"));
    };
    Ok(state.service::<SignInService>().caller_by_password(&credentials, origin).await?)
}

async fn malformed(state: &WebState, origin: &RequestOrigin) {
    state.service::<RefusalService>().note_request(RefusalReason::AuthorizationMalformed, None, origin).await;
}
