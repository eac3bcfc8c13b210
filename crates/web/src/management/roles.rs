//! `/api/admin/roles`: named sets of permissions.

use app::management::roles::RoleService;
use axum::response::Response;
use domain::id::RoleId;
use http::StatusCode;

use self::answer::RoleResponse;
use self::payload::RolePayload;
use super::list;
use super::refusal::{problem, server};
use crate::extract::Use;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod payload;

/// Lists every role, by id.
pub(crate) async fn list(
    Use(roles): Use<RoleService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let roles = roles.rows(&caller, request, &origin).await.map_err(problem)?;
    list::answer("roles", roles, RoleResponse::from, server).await
}

/// One role.
pub(crate) async fn get(
    Use(roles): Use<RoleService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(RoleId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let role = roles.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &RoleResponse::from(role)))
}

/// Creates a role.
pub(crate) async fn create(
    Use(roles): Use<RoleService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<RolePayload>,
) -> Result<Response, ManagementProblem> {
    roles.may_create(&caller, &origin).await.map_err(problem)?;
    let draft = body.judged(RolePayload::draft)?;
    let role = roles.create(&caller, draft, &origin).await.map_err(problem)?;
    Ok(created(&format!("/api/admin/roles/{}", role.id), &RoleResponse::from(role)))
}

/// Replaces a role.
pub(crate) async fn update(
    Use(roles): Use<RoleService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(RoleId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<RolePayload>,
) -> Result<Response, ManagementProblem> {
    roles.to_change(&caller, id, &origin).await.map_err(problem)?;
    let draft = body.judged(RolePayload::draft)?;
    let role = roles.update(&caller, id, draft, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &RoleResponse::from(role)))
}

/// Deletes a role that nobody has.
pub(crate) async fn delete(
    Use(roles): Use<RoleService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(RoleId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    roles.delete(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
