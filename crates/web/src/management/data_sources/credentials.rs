//! `/api/mgmt/datasources/{id}/credentials`: the name and the password of the caller for the database. Nothing shows them.

use app::management::data_sources::{CredentialsDraft, DataSourceService};
use axum::response::Response;

use super::{ActingRequest, SourcePath, problem};
use crate::errors::ManagementErrorCode;
use crate::extract::{JsonBody, Path, Use};
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{ManagementProblem, no_content};

/// The payload: `{"user":"ada","password":"…"}`.
#[derive(Debug)]
pub(crate) struct CredentialsPayload(CredentialsDraft);

impl FromJson for CredentialsPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        let user = fields.required_string("user").unwrap_or_default();
        let password = fields.required_string("password").unwrap_or_default();
        fields.finish();
        Self(CredentialsDraft::new(user, password))
    }
}

/// Stores them. The right of the caller is checked before the payload.
pub(crate) async fn put_credentials(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
    body: JsonBody<CredentialsPayload>,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.to_sign_in(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    let CredentialsPayload(draft) = body.valid()?;
    sources.store_credentials(&actor, id, &draft, &acting.origin).await.map_err(problem(failed))?;
    Ok(no_content())
}

/// Deletes them.
pub(crate) async fn delete_credentials(
    acting: ActingRequest,
    Use(sources): Use<DataSourceService>,
    Path((id,)): SourcePath,
) -> Result<Response, ManagementProblem> {
    let failed = ManagementErrorCode::SourceUpdateFailed;
    let actor = acting.actor(failed).await?;
    sources.delete_credentials(&actor, id, &acting.origin).await.map_err(problem(failed))?;
    Ok(no_content())
}
