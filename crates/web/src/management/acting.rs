//! `?user=NAME`: acting on behalf of another user.

use app::identity::acting::{ActingRefusal, Actor, DelegationService};
use app::identity::caller::{Caller, RequestOrigin};
use app::identity::refusals::RefusalService;
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use crate::WebState;
use crate::errors::ManagementErrorCode;
use crate::extract::{Authenticated, QueryParameters};
use crate::http::origin;
use crate::respond::management::ManagementProblem;

/// A request that may act on behalf of another user. Handlers list it first, so that nobody learns anything
/// without credentials.
pub(crate) struct ActingRequest {
    pub(super) query: QueryParameters,
    pub(super) origin: RequestOrigin,
    caller: Caller,
    delegation: DelegationService,
    refusals: RefusalService,
}

impl FromRequestParts<WebState> for ActingRequest {
    type Rejection = ManagementProblem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, ManagementProblem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        let query = QueryParameters::from_request_parts(parts, state).await?;
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        Ok(Self { query, origin, caller, delegation: state.service(), refusals: state.service() })
    }
}

impl ActingRequest {
    /// Determines on whose behalf the request acts. `failed` is the error code of the operation for a server
    /// failure.
    pub(super) async fn actor(&self, failed: ManagementErrorCode) -> Result<Actor, ManagementProblem> {
        match self.delegation.acting(self.caller.clone(), self.query.get("user")).await {
            Ok(actor) => Ok(actor),
            Err(ActingRefusal::Forbidden) => {
                let why = "may not act for another user";
                let access_note = self.refusals.note(&self.caller, why, &self.origin).await;
                Err(access_note.map_or_else(
                    |fault| ManagementProblem::server(&fault, failed),
                    |()| ManagementProblem::forbidden(),
                ))
            }
            Err(ActingRefusal::UnknownUser) => {
                let message = "There is no user with the name in ?user=.";
                Err(ManagementProblem::of_status(StatusCode::NOT_FOUND, message))
            }
            Err(ActingRefusal::Fault(fault)) => Err(ManagementProblem::server(&fault, failed)),
        }
    }
}
