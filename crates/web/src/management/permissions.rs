//! `/api/admin/permissions` and `/api/mgmt/permissions`: all that there are, and the caller's own.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use oauth::account::Permission;
use serde::Serialize;

use super::acting::Asking;
use super::refusal::problem;
use crate::Gate;
use crate::errors::ErrorCode;
use crate::extract::Authenticated;
use crate::origin::From as Origin;
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

fn shown(permissions: &[Permission]) -> Response {
    let permissions = permissions
        .iter()
        .map(|permission| ShownPermission { id: permission.id(), name: permission.as_str() });
    json(StatusCode::OK, &PermissionList { permissions: permissions.collect() })
}

/// Every permission that a role may carry.
pub(crate) async fn list(
    State(gate): State<Gate>,
    Authenticated(caller): Authenticated,
    Origin(origin): Origin,
) -> Result<Response, Problem> {
    Ok(shown(gate.app().list_permissions(&caller, &origin).await.map_err(problem)?))
}

/// What the caller's roles allow, or those of the user for whom the caller acts.
pub(crate) async fn own(asking: Asking) -> Result<Response, Problem> {
    let actor = asking.actor(ErrorCode::Unavailable).await?;
    Ok(shown(&actor.subject().permissions))
}
