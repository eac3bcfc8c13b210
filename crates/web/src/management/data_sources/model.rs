//! `/api/mgmt/datasources/{id}/model`: the model of a data source, and the document that shapes it.

use app::management::data_sources::{
    DataSourceError, DataSourceService, ModelPrecondition, ModelWrite, SeenModel,
};
use axum::response::Response;
use http::header::{ETAG, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::answer::{FindingsResponse, ModelResponse};
use super::document::{ModelPayload, faults_of};
use super::{SourcePath, problem, rereads_model};
use crate::errors::ManagementErrorCode;
use crate::extract::{JsonBody, Path, QueryParameters, Use};
use crate::http::conditional::{Precondition, precondition};
use crate::management::acting::ActingRequest;
use crate::respond::management::{Detail, ManagementProblem, json, no_content};

/// The model of a data source; with `?compiled=false` only the document, for which the database is not needed.
pub(crate) async fn get_model(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    let compiled = wants_compiled(&acting.query)?;
    let seen = sources.seen_model(&actor, id, compiled, &acting.origin).await.map_err(problem(failed))?;
    Ok(answer(&seen))
}

/// Everything that is not served, or under another name, and why.
pub(crate) async fn model_findings(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceReadFailed;
    let actor = acting.actor(failed).await?;
    let model = sources.managed_model(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(json(StatusCode::OK, &FindingsResponse::from(&*model)))
}

/// Replaces the document.
pub(crate) async fn put_model(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    headers: HeaderMap,
    body: JsonBody<ModelPayload>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.to_change(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    let demanded = demanded(&headers)?;
    let document = body.judged(|ModelPayload(document)| match faults_of(document) {
        faults if faults.is_empty() => Ok(document.clone()),
        faults => Err(faults.into_iter().map(Detail::from).collect()),
    })?;
    // Without a condition, nothing may be overwritten.
    let precondition = demanded.unwrap_or(ModelPrecondition::NoDocument);
    let write = ModelWrite { document: Some(document), precondition };
    match sources.write_model(&actor, id, write, &acting.origin).await {
        Err(DataSourceError::ModelChanged) if demanded.is_none() => Err(ManagementProblem::of_status(
            StatusCode::PRECONDITION_REQUIRED,
            "There is a model document already. Send If-Match with the ETag of what you have read.",
        )),
        written => Ok(answer(&written.map_err(problem(failed))?)),
    }
}

/// Deletes the document; everything is served under its own name again.
pub(crate) async fn delete_model(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    headers: HeaderMap,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.to_change(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    let precondition = demanded(&headers)?.unwrap_or(ModelPrecondition::None);
    let write = ModelWrite { document: None, precondition };
    sources.write_model(&actor, id, write, &acting.origin).await.map_err(problem(failed))?;
    Ok(no_content())
}

/// Reads the structure of the database again.
pub(crate) async fn reload_model(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    rereads_model(&acting.query)?;
    let seen = sources.reload_model(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(answer(&seen))
}

/// The model, with the version of the document as its tag for those who may change it.
fn answer(seen: &SeenModel) -> Response {
    let mut response = json(StatusCode::OK, &ModelResponse::from(seen));
    if seen.document.is_some()
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", seen.document_version))
    {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn wants_compiled(query: &QueryParameters) -> Result<bool, ManagementProblem> {
    match query.get("compiled") {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(ManagementProblem::new(
            StatusCode::BAD_REQUEST,
            ManagementErrorCode::InvalidParameter,
            "compiled must be true or false",
        )),
    }
}

/// The state of the stored document that the request demands; `None` if it demands nothing.
fn demanded(headers: &HeaderMap) -> Result<Option<ModelPrecondition>, ManagementProblem> {
    let unclear = || {
        let message = "Give one ETag in If-Match, or * in If-Match or If-None-Match.";
        ManagementProblem::of_status(StatusCode::BAD_REQUEST, message)
    };
    Ok(match precondition(headers).map_err(|_| unclear())? {
        Precondition::None => None,
        Precondition::Exists => Some(ModelPrecondition::None),
        Precondition::IsNew => Some(ModelPrecondition::NoDocument),
        Precondition::Is(tags) => match tags.as_slice() {
            [tag] => Some(ModelPrecondition::Version(version_of(tag))),
            _ => return Err(unclear()),
        },
    })
}

/// The version of a document with this tag. No document has a negative version, which is that of other tags and of weak ones.
fn version_of(tag: &str) -> i64 {
    let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    inner.and_then(|version| version.parse().ok()).unwrap_or(-1)
}
