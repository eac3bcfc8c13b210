//! `/api/admin/revocations`: revokes everything of a user, of an application, of both together, or of a time.

use app::management::global_revocation::GlobalRevocationService;
use axum::response::Response;

use self::payload::RevocationPayload;
use super::refusal::problem;
use crate::extract::{Authenticated, JsonBody, Use};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, no_content};

mod payload;

/// Revokes access.
pub(crate) async fn revoke(
    Use(revocations): Use<GlobalRevocationService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<RevocationPayload>,
) -> Result<Response, ManagementProblem> {
    revocations.may_revoke(&caller, &origin).await.map_err(problem)?;
    let access = body.judged(RevocationPayload::access)?;
    revocations.revoke(&caller, access, &origin).await.map_err(problem)?;
    Ok(no_content())
}
