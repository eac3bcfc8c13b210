//! `/api/admin/resourceservers`: the APIs that access tokens protect.

use app::management::scopes::ScopeService;
use axum::response::Response;
use domain::id::ResourceServerId;
use http::StatusCode;
use oauth::scope::ResourceServer;

use self::answer::{ResourceServerList, ResourceServerResponse};
use self::payload::ResourceServerPayload;
use super::list;
use super::refusal::problem;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod payload;
pub(crate) mod scopes;

const PATH: &str = "/api/admin/resourceservers";

/// Lists the resource servers, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let servers = scopes.list_servers(&caller, &origin).await.map_err(problem)?;
    let texts = |server: &ResourceServer| vec![server.identifier.clone(), server.name.clone()];
    let servers = list::part(&request, servers, |server| server.id.get(), texts);
    let resource_servers = servers.into_iter().map(ResourceServerResponse::from).collect();
    Ok(json(StatusCode::OK, &ResourceServerList { resource_servers }))
}

/// One resource server.
pub(crate) async fn get(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(ResourceServerId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let server = scopes.find_server(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &ResourceServerResponse::from(server)))
}

/// Adds a resource server.
pub(crate) async fn create(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<ResourceServerPayload>,
) -> Result<Response, ManagementProblem> {
    scopes.may_manage(&caller, &origin).await.map_err(problem)?;
    let draft = body.judged(ResourceServerPayload::draft)?;
    let server = scopes.create_server(&caller, draft, &origin).await.map_err(problem)?;
    Ok(created(&format!("{PATH}/{}", server.id), &ResourceServerResponse::from(server)))
}

/// Replaces a resource server.
pub(crate) async fn update(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(ResourceServerId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<ResourceServerPayload>,
) -> Result<Response, ManagementProblem> {
    scopes.find_server(&caller, id, &origin).await.map_err(problem)?;
    let draft = body.judged(ResourceServerPayload::draft)?;
    let server = scopes.update_server(&caller, id, draft, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &ResourceServerResponse::from(server)))
}

/// Deletes a resource server without scopes.
pub(crate) async fn delete(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(ResourceServerId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    scopes.delete_server(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
