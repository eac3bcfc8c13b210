//! `/api/mgmt/datasources/{id}/members`: the data sources that a group serves at its address.

use app::management::data_sources::{DataSourceService, MemberDraft, MembersDraft};
use axum::response::Response;
use domain::account::data_source::GroupMember;
use domain::id::DataSourceId;
use http::StatusCode;
use serde::Serialize;

use super::{ActingRequest, SourcePath, problem};
use crate::errors::ManagementErrorCode;
use crate::extract::{JsonBody, Path, Use};
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{ManagementProblem, json};

/// The payload, as in Hybrid Data Pipeline: `{"members":[{"id":11,"entityPrefix":"sal"}]}`.
#[derive(Debug)]
pub(crate) struct MembersPayload(Vec<MemberDraft>);

impl FromJson for MembersPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let member = |element, path: &str| {
            let mut fields = Fields::of(element, path, faults);
            let id = fields.required_integer("id");
            let prefix = fields.required_string("entityPrefix");
            fields.finish();
            Some(MemberDraft { source: DataSourceId::new(id?), prefix: prefix?.to_owned() })
        };
        let members = fields.required_array("members", member).into_iter().flatten().collect();
        fields.finish();
        Self(members)
    }
}

#[derive(Serialize)]
struct MembersResponse<'a> {
    members: Vec<MemberResponse<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberResponse<'a> {
    id: i64,
    entity_prefix: &'a str,
}

/// The members of a group.
pub(crate) async fn list_members(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    let members = sources.members(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(ok(&members))
}

/// Replaces the members of a group.
pub(crate) async fn put_members(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    body: JsonBody<MembersPayload>,
) -> Result<Response, ManagementProblem> {
    change(&acting, &sources, id, body.valid().map(|MembersPayload(members)| MembersDraft::With(members)))
        .await
}

/// Adds members to a group.
pub(crate) async fn add_members(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    body: JsonBody<MembersPayload>,
) -> Result<Response, ManagementProblem> {
    change(&acting, &sources, id, body.valid().map(|MembersPayload(members)| MembersDraft::Also(members)))
        .await
}

/// Changes the members. The caller's right is checked before the payload.
async fn change(
    acting: &ActingRequest,
    sources: &DataSourceService,
    id: DataSourceId,
    draft: Result<MembersDraft, ManagementProblem>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.to_change(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    let members = sources.change_members(&actor, id, draft?, &acting.origin).await;
    Ok(ok(&members.map_err(problem(failed))?))
}

fn ok(members: &[GroupMember]) -> Response {
    let members = members
        .iter()
        .map(|GroupMember { source, prefix }| MemberResponse { id: source.get(), entity_prefix: prefix });
    json(StatusCode::OK, &MembersResponse { members: members.collect() })
}
