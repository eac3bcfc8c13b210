//! Operations 7 and 8: the applications that the caller has allowed.

use app::Fault;
use app::management::allowed::{AllowedApplicationService, RevokeAllowedError};
use app::management::scopes::ScopeService;
use axum::response::Response;
use domain::id::ApplicationId;

use self::answer::AllowedApplication;
use super::acting::ActingRequest;
use super::list;
use crate::errors::ManagementErrorCode;
use crate::extract::{Path, Use};
use crate::respond::management::{ManagementProblem, no_content};

mod answer;

pub(super) use answer::Data;

/// Operation 7: the applications that the caller has allowed.
pub(crate) async fn list(
    acting: ActingRequest,
    Use(allowed_applications): Use<AllowedApplicationService>,
    Use(scopes): Use<ScopeService>,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&acting.query, &["user"])?;
    let actor = acting.actor(ManagementErrorCode::ListFailed).await?;
    let allowed = allowed_applications.rows(&actor, request, &acting.origin);
    let failed = |fault: &Fault| ManagementProblem::server(fault, ManagementErrorCode::ListFailed);
    let registry = scopes.registry().await.map_err(|fault| failed(&fault))?;
    let response = move |allowed| AllowedApplication::new(allowed, &registry);
    list::answer("applications", allowed, response, failed).await
}

/// Operation 8: revokes what the caller has allowed one application.
pub(crate) async fn revoke(
    acting: ActingRequest,
    Use(allowed_applications): Use<AllowedApplicationService>,
    Path((id,)): Path<(ApplicationId,)>,
) -> Result<Response, ManagementProblem> {
    let actor = acting.actor(ManagementErrorCode::DeleteFailed).await?;
    match allowed_applications.revoke(&actor, id, &acting.origin).await {
        Ok(()) => Ok(no_content()),
        Err(RevokeAllowedError::NotAllowed) => Err(ManagementProblem::not_found()),
        Err(RevokeAllowedError::RightsChanged) => Err(ManagementProblem::rights_changed()),
        Err(RevokeAllowedError::Fault(fault)) => {
            Err(ManagementProblem::server(&fault, ManagementErrorCode::DeleteFailed))
        }
    }
}
