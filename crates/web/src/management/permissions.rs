//! `/api/admin/permissions` and `/api/mgmt/permissions`: all permissions, and the caller's own.

use app::management::lists::ListRequest;
use app::management::roles::RoleService;
use axum::response::Response;
use domain::account::Permission;
use http::StatusCode;

use self::answer::{PermissionList, PermissionResponse};
use super::acting::ActingRequest;
use super::list;
use super::refusal::problem;
use crate::errors::ManagementErrorCode;
use crate::extract::Use;
use crate::extract::{Authenticated, QueryParameters};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, json};

mod answer;

fn response(permissions: &[Permission], request: &ListRequest) -> Response {
    let name = |permission: &&Permission| vec![permission.as_str().to_owned()];
    let permissions = list::part(request, permissions, |permission| permission.id(), name)
        .into_iter()
        .map(|permission| PermissionResponse::from(*permission));
    json(StatusCode::OK, &PermissionList { permissions: permissions.collect() })
}

/// Lists every permission that a role may have.
pub(crate) async fn list(
    Use(roles): Use<RoleService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    Ok(response(roles.permissions(&caller, &origin).await.map_err(problem)?, &request))
}

/// The permissions of the caller, or of the user on whose behalf the caller acts.
pub(crate) async fn own(acting: ActingRequest) -> Result<Response, ManagementProblem> {
    let request = list::request(&acting.query, &["user"])?;
    let actor = acting.actor(ManagementErrorCode::Unavailable).await?;
    Ok(response(&actor.subject().permissions, &request))
}
