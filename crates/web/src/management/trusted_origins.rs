//! `/api/admin/security/cors/whitelist`: the origins whose web pages an administrator trusts.

use app::management::trusted_origins::TrustedOriginService;
use axum::response::Response;
use domain::id::TrustedOriginId;
use http::StatusCode;
use oauth::cors::TrustedOrigin;

use self::answer::{Entry, Whitelist, last_modified_time};
use self::payload::{EntryPayload, WhitelistPayload};
use super::list;
use super::refusal::problem;
use crate::extract::Use;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{ManagementProblem, created, json, no_content};

mod answer;
mod payload;

const PATH: &str = "/api/admin/security/cors/whitelist";

/// The entries by id, with the time of the last change of any of them. The whole list fits on the longest
/// page.
pub(crate) async fn list(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let request = list::request(&query, &[])?;
    let entries = trusted_origins.list(&caller, &origin).await.map_err(problem)?;
    let last_modified_time = last_modified_time(&entries);
    let texts = |entry: &TrustedOrigin| vec![entry.domain.clone(), entry.description.clone()];
    let entries = list::part(&request, entries, |entry| entry.id.get(), texts);
    let whitelist = entries.into_iter().map(Entry::from).collect();
    Ok(json(StatusCode::OK, &Whitelist { last_modified_time, whitelist }))
}

/// One entry.
pub(crate) async fn get(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(TrustedOriginId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    let entry = trusted_origins.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &Entry::from(entry)))
}

/// Adds entries; all or none.
pub(crate) async fn add(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<WhitelistPayload>,
) -> Result<Response, ManagementProblem> {
    trusted_origins.may_see(&caller, &origin).await.map_err(problem)?;
    let WhitelistPayload(drafts) = body.valid()?;
    let added = trusted_origins.add(&caller, drafts, &origin).await.map_err(problem)?;
    let location = match added.as_slice() {
        [only] => format!("{PATH}/{}", only.id),
        _ => PATH.to_owned(),
    };
    Ok(created(&location, &Whitelist::from(added)))
}

/// Replaces the content of an entry.
pub(crate) async fn update(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(TrustedOriginId,)>,
    ClientOrigin(origin): ClientOrigin,
    body: JsonBody<EntryPayload>,
) -> Result<Response, ManagementProblem> {
    trusted_origins.find(&caller, id, &origin).await.map_err(problem)?;
    let EntryPayload(draft) = body.valid()?;
    let entry = trusted_origins.update(&caller, id, draft, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &Entry::from(entry)))
}

/// Deletes an entry.
pub(crate) async fn delete(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    Path((id,)): Path<(TrustedOriginId,)>,
    ClientOrigin(origin): ClientOrigin,
) -> Result<Response, ManagementProblem> {
    trusted_origins.delete(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
