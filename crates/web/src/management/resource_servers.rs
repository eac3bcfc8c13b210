//! `/api/admin/resourceservers`: the APIs that access tokens protect.

use app::management::scopes::{ResourceServerDraft, ScopeService};
use axum::response::Response;
use domain::id::ResourceServerId;
use http::StatusCode;
use oauth::scope::{BUILT_IN_SERVER, ResourceServer};
use serde::Serialize;

use super::list;
use super::refusal::{judged, problem};
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::From as RequestOrigin;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{Detail, ManagementProblem, created, json, no_content, rfc3339};

pub(crate) mod scopes;

const PATH: &str = "/api/admin/resourceservers";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceServerResponse {
    id: i64,
    identifier: String,
    name: String,
    built_in: bool,
    created_at: String,
    updated_at: String,
}

impl From<ResourceServer> for ResourceServerResponse {
    fn from(server: ResourceServer) -> Self {
        Self {
            id: server.id.get(),
            identifier: server.identifier,
            name: server.name,
            built_in: server.id == BUILT_IN_SERVER,
            created_at: rfc3339(server.created_at),
            updated_at: rfc3339(server.updated_at),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceServerList {
    resource_servers: Vec<ResourceServerResponse>,
}

/// The payload for creating and replacing a resource server.
#[derive(Debug)]
pub(crate) struct ResourceServerPayload(ResourceServerDraft);

impl FromJson for ResourceServerPayload {
    /// Members that only the server sets may be sent back.
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id", "builtIn", "createdAt", "updatedAt"]);
        let identifier = fields.required_string("identifier").unwrap_or_default().to_owned();
        let name = fields.required_string("name").unwrap_or_default().to_owned();
        fields.finish();
        Self(ResourceServerDraft { identifier, name })
    }
}

impl ResourceServerPayload {
    fn draft(&self) -> Result<ResourceServerDraft, Vec<Detail>> {
        judged(self.0.faults()).map(|()| self.0.clone())
    }
}

/// Lists the resource servers, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    let server = scopes.find_server(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &ResourceServerResponse::from(server)))
}

/// Adds a resource server.
pub(crate) async fn create(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    scopes.delete_server(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
