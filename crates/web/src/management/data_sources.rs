//! `/api/mgmt/datasources`: the databases that users may read, their models, and their sharing.

use app::management::data_sources::{
    DataSourceDraft, DataSourceError, DataSourceService, SeenSource, SharingChange, SourceKinds,
};
use axum::response::Response;
use domain::id::{DataSourceId, UserId};
use http::StatusCode;

use self::answer::{Listed, SourceResponse, TestResponse, UserResponse};
use self::payload::{ConnectionType, DataSourcePayload, SharedUsers};
use super::acting::ActingRequest;
use super::list;
use super::refusal::{details, judged};
use crate::errors::ManagementErrorCode;
use crate::extract::{JsonBody, Path, QueryParameters, Use};
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod credentials;
mod document;
mod filter;
mod members;
mod model;
mod payload;
mod schema_map;
mod schemas;

pub(crate) use credentials::{delete_credentials, put_credentials};
pub use document::read as read_model_document;
pub(crate) use members::{add_members, list_members, put_members};
pub(crate) use model::{delete_model, get_model, model_findings, put_model, reload_model};
pub(crate) use schemas::{columns, list_schemas, list_tables, primary_keys, table};

/// Lists the data sources that the caller may see.
pub(crate) async fn list(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let request = list::request(&acting.query, &["user", "type", "member", "isOData"])?;
    let filter = filter::read(&acting.query)?;
    let actor = acting.actor(failed).await?;
    let seen = sources.rows(&actor, request, filter, &acting.origin).await.map_err(problem(failed))?;
    list::answer("dataSources", seen, Listed, |fault| ManagementProblem::server(fault, failed)).await
}

/// One data source.
pub(crate) async fn get(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    let seen = sources.find(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(ok(&seen))
}

/// Creates a data source.
pub(crate) async fn create(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    body: JsonBody<DataSourcePayload>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.may_create(&actor, &acting.origin).await.map_err(problem(failed))?;
    rereads_model(&acting.query)?;
    let seen = match read_new(body, sources.data_stores())? {
        NewSource::Database(draft) => sources.create(&actor, draft, &acting.origin).await,
        NewSource::Group(draft) => sources.create_group(&actor, draft, &acting.origin).await,
    };
    let seen = seen.map_err(problem(failed))?;
    Ok(created(&format!("/api/mgmt/datasources/{}", seen.record.id), &SourceResponse::from(&seen)))
}

/// Tests a data source before it is created.
pub(crate) async fn test_new(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    body: JsonBody<DataSourcePayload>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    sources.may_create(&actor, &acting.origin).await.map_err(problem(failed))?;
    let NewSource::Database(draft) = read_new(body, sources.data_stores())? else {
        return Err(problem(failed)(DataSourceError::IsGroup));
    };
    let test = sources.test_new(&actor, draft, &acting.origin).await.map_err(problem(failed))?;
    Ok(json(StatusCode::OK, &TestResponse::from(&test)))
}

/// Tests a data source as it is stored.
pub(crate) async fn test(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    let test = sources.test_stored(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(json(StatusCode::OK, &TestResponse::from(&test)))
}

/// Changes a data source; `?map=refresh` reads the structure of its database again.
pub(crate) async fn update(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    body: JsonBody<DataSourcePayload>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    let record = sources.to_change(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    let rereads = rereads_model(&acting.query)?;
    let (draft, connection_type, is_group) = read(body, false, sources.data_stores())?;
    let is_other = matches!(connection_type, ConnectionType::Other(_));
    if is_other || is_group.is_some_and(|is_group| is_group != record.is_group()) {
        return Err(problem(failed)(DataSourceError::StoreIsFixed));
    }
    let seen = sources.update(&actor, id, draft, &acting.origin).await.map_err(problem(failed))?;
    if rereads {
        sources.reload_model(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    }
    Ok(ok(&seen))
}

/// Deletes a data source; the database behind it is not changed.
pub(crate) async fn delete(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceDeleteFailed;
    let actor = acting.actor(failed).await?;
    sources.delete(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(no_content())
}

/// The users with whom a data source is shared.
pub(crate) async fn shared_users(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let request = list::request(&acting.query, &["user"])?;
    let actor = acting.actor(failed).await?;
    let users = sources.shared_users(&actor, id, request, &acting.origin).await;
    let users = users.map_err(problem(failed))?;
    list::answer("sharedUsers", users, UserResponse::from, |fault| ManagementProblem::server(fault, failed))
        .await
}

/// Replaces the users with whom a data source is shared.
pub(crate) async fn share(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    body: JsonBody<SharedUsers>,
) -> Result<Response, ManagementProblem> {
    share_as(&acting, &sources, id, body.valid().map(|SharedUsers(users)| SharingChange::With(users))).await
}

/// Shares a data source with more users.
pub(crate) async fn add_shared_users(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    body: JsonBody<SharedUsers>,
) -> Result<Response, ManagementProblem> {
    share_as(&acting, &sources, id, body.valid().map(|SharedUsers(users)| SharingChange::Also(users))).await
}

/// Stops all sharing of a data source.
pub(crate) async fn unshare_all(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    share_as(&acting, &sources, id, Ok(SharingChange::With(Vec::new()))).await?;
    Ok(no_content())
}

/// Stops sharing a data source with one user.
pub(crate) async fn unshare(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id, user)): Path<(DataSourceId, UserId)>,
) -> Result<Response, ManagementProblem> {
    share_as(&acting, &sources, id, Ok(SharingChange::Without(user))).await?;
    Ok(no_content())
}

/// The id of a data source in the path.
type SourcePath = Path<(DataSourceId,)>;

/// Changes sharing. The caller's right is checked before the payload.
async fn share_as(
    acting: &ActingRequest,
    sources: &DataSourceService,
    id: DataSourceId,
    sharing: Result<SharingChange, ManagementProblem>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.to_change(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    let users = sources.share(&actor, id, sharing?, &acting.origin).await.map_err(problem(failed))?;
    list::answer("sharedUsers", users, UserResponse::from, |fault| ManagementProblem::server(fault, failed))
        .await
}

/// Parses the payload, with all faults that do not concern the connection itself.
fn read(
    body: JsonBody<DataSourcePayload>,
    of_new: bool,
    kinds: &SourceKinds,
) -> Result<(DataSourceDraft, ConnectionType, Option<bool>), ManagementProblem> {
    body.judged(|payload| {
        let DataSourcePayload { draft, connection_type, is_group } = payload;
        let faults =
            if *is_group == Some(true) { draft.faults_of_group(of_new) } else { draft.faults(of_new, kinds) };
        judged(faults).map(|()| (draft.clone(), connection_type.clone(), *is_group))
    })
}

/// A new data source.
enum NewSource {
    /// One with a database.
    Database(DataSourceDraft),
    /// A group.
    Group(DataSourceDraft),
}

/// Parses the payload for a new data source.
fn read_new(body: JsonBody<DataSourcePayload>, kinds: &SourceKinds) -> Result<NewSource, ManagementProblem> {
    match read(body, true, kinds)? {
        (draft, ConnectionType::Cloud | ConnectionType::LeftOut, Some(true)) => Ok(NewSource::Group(draft)),
        (draft, ConnectionType::Cloud, _) => Ok(NewSource::Database(draft)),
        (_, ConnectionType::LeftOut, _) => Err(bad(
            ManagementErrorCode::ConnectionTypeMissing,
            "connectionType is missing; it must be \"Cloud\"",
        )),
        (_, ConnectionType::Other(given), _) => Err(wrong_connection_type(&given)),
    }
}

/// Hybrid Data Pipeline's parameter `map`: whether to read the structure of the database again.
fn rereads_model(query: &QueryParameters) -> Result<bool, ManagementProblem> {
    match query.get("map") {
        None | Some("none") => Ok(false),
        Some("refresh" | "recreate") => Ok(true),
        Some(_) => Err(bad(ManagementErrorCode::MapInvalid, "map must be refresh, recreate or none")),
    }
}

fn ok(seen: &SeenSource) -> Response {
    json(StatusCode::OK, &SourceResponse::from(seen))
}

fn bad(code: ManagementErrorCode, message: impl Into<String>) -> ManagementProblem {
    ManagementProblem::new(StatusCode::BAD_REQUEST, code, message)
}

fn wrong_connection_type(given: &str) -> ManagementProblem {
    bad(
        ManagementErrorCode::ConnectionTypeInvalid,
        format!("connectionType is {given:?}; it must be \"Cloud\""),
    )
}

/// A refusal in the envelope; `failed` is the error code of the operation for a server failure.
fn problem(failed: ManagementErrorCode) -> impl Fn(DataSourceError) -> ManagementProblem {
    move |refused| match refused {
        DataSourceError::Forbidden => ManagementProblem::forbidden(),
        DataSourceError::Unknown => ManagementProblem::new(
            StatusCode::NOT_FOUND,
            ManagementErrorCode::SourceUnknown,
            "There is no data source with that id.",
        ),
        DataSourceError::Invalid(faults) => ManagementProblem::payload(details(faults)),
        DataSourceError::Options(faults) => {
            ManagementProblem::payload(details(faults)).under(ManagementErrorCode::SourceOptionInvalid)
        }
        DataSourceError::StoreIsFixed => bad(
            ManagementErrorCode::ConnectionTypeFixed,
            "dataStore and connectionType of a data source cannot be changed",
        ),
        DataSourceError::NameTaken => bad(
            ManagementErrorCode::NameTaken,
            "Another data source has the name; names are compared ignoring case.",
        ),
        DataSourceError::ModelChanged => ManagementProblem::of_status(
            StatusCode::PRECONDITION_FAILED,
            "The model document has changed since it was read. Read it again.",
        ),
        DataSourceError::IsGroup => bad(
            ManagementErrorCode::GroupOrNot,
            "The data source is a group, which has no database of its own.",
        ),
        DataSourceError::IsNoGroup => {
            bad(ManagementErrorCode::GroupOrNot, "The data source is no group, so it has no members.")
        }
        DataSourceError::RightsChanged => ManagementProblem::rights_changed(),
        DataSourceError::Unusable(error) => {
            bad(ManagementErrorCode::SourceUnreachable, format!("The database cannot be used: {error}."))
        }
        DataSourceError::Fault(fault) => ManagementProblem::server(&fault, failed),
    }
}
