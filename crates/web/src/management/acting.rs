//! `?user=NAME`: acting on behalf of another user.

use std::sync::Arc;

use app::App;
use app::identity::acting::{ActingRefusal, Actor};
use app::identity::caller::{Caller, RequestOrigin};
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
    pub(super) state: WebState,
    pub(super) query: QueryParameters,
    pub(super) origin: RequestOrigin,
    caller: Caller,
}

impl FromRequestParts<WebState> for ActingRequest {
    type Rejection = ManagementProblem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, ManagementProblem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, state).await?;
        let query = QueryParameters::from_request_parts(parts, state).await?;
        let origin = origin::of(&parts.extensions, &parts.headers, state.settings());
        Ok(Self { state: state.clone(), query, origin, caller })
    }
}

impl ActingRequest {
    /// The use cases.
    pub(super) fn app(&self) -> &Arc<App> {
        self.state.app()
    }

    /// Determines on whose behalf the request acts. `failed` is the error code of the operation for a server
    /// failure.
    pub(super) async fn actor(&self, failed: ManagementErrorCode) -> Result<Actor, ManagementProblem> {
        match self.app().acting(self.caller.clone(), self.query.get("user")).await {
            Ok(actor) => Ok(actor),
            Err(ActingRefusal::Forbidden) => {
                let why = "may not act for another user";
                let access_note = self.app().note_refusal(&self.caller, why, &self.origin).await;
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
