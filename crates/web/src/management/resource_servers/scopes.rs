//! `/api/admin/resourceservers/{id}/scopes`: what access to a resource server may be limited to.

use app::management::scopes::{DescribedScope, ScopeService};
use axum::response::Response;
use domain::id::{ResourceServerId, ScopeId};
use http::StatusCode;

use self::answer::{ScopeList, ScopeResponse};
use self::payload::ScopePayload;
use super::PATH;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::ClientOrigin;
use crate::management::list;
use crate::management::refusal::problem;
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod payload;

/// Lists the scopes of a resource server, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server,)): Path<(ResourceServerId,)>,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let all = scopes.list_scopes(&caller, server, &origin).await.map_err(problem)?;
    let texts = |one: &DescribedScope| vec![one.scope.name.clone(), one.scope.description.clone()];
    let part = list::part(&request, all, |one| one.scope.id.get(), texts);
    let scopes = part.into_iter().map(ScopeResponse::from).collect();
    Ok(json(StatusCode::OK, &ScopeList { scopes }))
}

/// One scope.
pub(crate) async fn get(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server, id)): Path<(ResourceServerId, ScopeId)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let scope = scopes.find_scope(&caller, server, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &ScopeResponse::from(scope)))
}

/// Adds a scope.
pub(crate) async fn create(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server,)): Path<(ResourceServerId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<ScopePayload>,
) -> Result<Response, ManagementProblem> {
    scopes.find_server(&caller, server, &origin).await.map_err(problem)?;
    let draft = body.judged(ScopePayload::draft)?;
    let scope = scopes.create_scope(&caller, server, draft, &origin).await.map_err(problem)?;
    Ok(created(&format!("{PATH}/{server}/scopes/{}", scope.scope.id), &ScopeResponse::from(scope)))
}

/// Replaces a scope.
pub(crate) async fn update(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server, id)): Path<(ResourceServerId, ScopeId)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<ScopePayload>,
) -> Result<Response, ManagementProblem> {
    scopes.find_scope(&caller, server, id, &origin).await.map_err(problem)?;
    let draft = body.judged(ScopePayload::draft)?;
    let scope = scopes.update_scope(&caller, server, id, draft, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &ScopeResponse::from(scope)))
}

/// Deletes a scope for which no application is registered.
pub(crate) async fn delete(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server, id)): Path<(ResourceServerId, ScopeId)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    scopes.delete_scope(&caller, server, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
