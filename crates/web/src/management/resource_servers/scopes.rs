//! `/api/admin/resourceservers/{id}/scopes`: what access to a resource server may be limited to.

use app::management::scopes::{ScopeDraft, ScopeService};
use axum::response::Response;
use domain::id::{ResourceServerId, ScopeId};
use http::StatusCode;
use oauth::scope::Scope;
use serde::Serialize;

use super::PATH;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters, Use};
use crate::http::origin::From as RequestOrigin;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::management::list;
use crate::management::refusal::{judged, problem};
use crate::respond::management::{Detail, ManagementProblem, created, json, no_content, rfc3339};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ScopeResponse {
    id: i64,
    name: String,
    description: String,
    risk: &'static str,
    assignable_by: &'static str,
    built_in: bool,
    created_at: String,
    updated_at: String,
}

impl From<Scope> for ScopeResponse {
    fn from(scope: Scope) -> Self {
        Self {
            id: scope.id.get(),
            built_in: scope.is_built_in(),
            name: scope.name,
            description: scope.description,
            risk: scope.risk.as_str(),
            assignable_by: scope.assignment.as_str(),
            created_at: rfc3339(scope.created_at),
            updated_at: rfc3339(scope.updated_at),
        }
    }
}

#[derive(Serialize)]
struct ScopeList {
    scopes: Vec<ScopeResponse>,
}

/// The payload for creating and replacing a scope.
#[derive(Debug)]
pub(crate) struct ScopePayload(ScopeDraft);

impl FromJson for ScopePayload {
    /// Members that only the server sets may be sent back.
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["id", "builtIn", "createdAt", "updatedAt"]);
        let name = fields.required_string("name").unwrap_or_default().to_owned();
        let description = fields.required_string("description").unwrap_or_default().to_owned();
        let risk = fields.string("risk").map(str::to_owned);
        let assignable_by = fields.string("assignableBy").map(str::to_owned);
        fields.finish();
        Self(ScopeDraft { name, description, risk, assignable_by })
    }
}

impl ScopePayload {
    fn draft(&self) -> Result<ScopeDraft, Vec<Detail>> {
        judged(self.0.faults()).map(|()| self.0.clone())
    }
}

/// Lists the scopes of a resource server, by id. There are few, so the list is read as a whole.
pub(crate) async fn list(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server,)): Path<(ResourceServerId,)>,
    query: QueryParameters,
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let all = scopes.list_scopes(&caller, server, &origin).await.map_err(problem)?;
    let texts = |scope: &Scope| vec![scope.name.clone(), scope.description.clone()];
    let part = list::part(&request, all, |scope| scope.id.get(), texts);
    let scopes = part.into_iter().map(ScopeResponse::from).collect();
    Ok(json(StatusCode::OK, &ScopeList { scopes }))
}

/// One scope.
pub(crate) async fn get(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server, id)): Path<(ResourceServerId, ScopeId)>,
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    let scope = scopes.find_scope(&caller, server, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &ScopeResponse::from(scope)))
}

/// Adds a scope.
pub(crate) async fn create(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server,)): Path<(ResourceServerId,)>,
    RequestOrigin(origin): RequestOrigin,
    body: JsonBody<ScopePayload>,
) -> Result<Response, ManagementProblem> {
    scopes.find_server(&caller, server, &origin).await.map_err(problem)?;
    let draft = body.judged(ScopePayload::draft)?;
    let scope = scopes.create_scope(&caller, server, draft, &origin).await.map_err(problem)?;
    Ok(created(&format!("{PATH}/{server}/scopes/{}", scope.id), &ScopeResponse::from(scope)))
}

/// Replaces a scope.
pub(crate) async fn update(
    Use(scopes): Use<ScopeService>,
    Authenticated(caller): Authenticated,
    Path((server, id)): Path<(ResourceServerId, ScopeId)>,
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    scopes.delete_scope(&caller, server, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
