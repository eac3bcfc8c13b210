//! `/api/admin/permissions` and `/api/mgmt/permissions`: all permissions, and the caller's own.

use app::lists::ListRequest;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use oauth::account::Permission;
use serde::Serialize;

use super::acting::Asking;
use super::list;
use super::refusal::problem;
use crate::WebState;
use crate::errors::ErrorCode;
use crate::extract::{Authenticated, Query};
use crate::origin::From as RequestOrigin;
use crate::respond::management::{Problem, json};

#[derive(Serialize)]
struct PermissionList {
    permissions: Vec<ShownPermission>,
}

#[derive(Serialize)]
struct ShownPermission {
    id: i64,
    name: &'static str,
}

fn shown(permissions: &[Permission], request: &ListRequest) -> Response {
    let name = |permission: &&Permission| vec![permission.as_str().to_owned()];
    let permissions = list::part(request, permissions, |permission| permission.id(), name)
        .into_iter()
        .map(|permission| ShownPermission { id: permission.id(), name: permission.as_str() });
    json(StatusCode::OK, &PermissionList { permissions: permissions.collect() })
}

/// Lists every permission that a role may have.
pub(crate) async fn list(
    State(state): State<WebState>,
    Authenticated(caller): Authenticated,
    query: Query,
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, Problem> {
    let request = list::request(&query, &[])?;
    Ok(shown(state.app().list_permissions(&caller, &origin).await.map_err(problem)?, &request))
}

/// The permissions of the caller, or of the user on whose behalf the caller acts.
pub(crate) async fn own(asking: Asking) -> Result<Response, Problem> {
    let request = list::request(&asking.query, &["user"])?;
    let actor = asking.actor(ErrorCode::Unavailable).await?;
    Ok(shown(&actor.subject().permissions, &request))
}
