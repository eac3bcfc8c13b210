//! `/api/admin/security/cors/whitelist`: the origins whose web pages an administrator trusts.

use app::management::trusted_origins::TrustedOriginDraft;
use app::management::trusted_origins::TrustedOriginService;
use axum::response::Response;
use domain::id::TrustedOriginId;
use http::StatusCode;
use oauth::cors::TrustedOrigin;
use serde::Serialize;

use super::list;
use super::refusal::problem;
use crate::extract::Use;
use crate::extract::{Authenticated, JsonBody, Path, QueryParameters};
use crate::http::origin::From as RequestOrigin;
use crate::json::{Fields, FromJson, Json, PayloadFaults};
use crate::respond::management::{ManagementProblem, created, json, no_content, rfc3339};

const PATH: &str = "/api/admin/security/cors/whitelist";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whitelist {
    /// When an entry was last added or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified_time: Option<String>,
    whitelist: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: i64,
    domain: String,
    description: String,
    last_modified_by: String,
    last_modified_time: String,
}

impl From<TrustedOrigin> for Entry {
    fn from(entry: TrustedOrigin) -> Self {
        Self {
            id: entry.id.get(),
            domain: entry.domain,
            description: entry.description,
            last_modified_by: entry.modified_by,
            last_modified_time: rfc3339(entry.modified_at),
        }
    }
}

impl From<Vec<TrustedOrigin>> for Whitelist {
    fn from(entries: Vec<TrustedOrigin>) -> Self {
        let last_modified_time = last_modified_time(&entries);
        Self { last_modified_time, whitelist: entries.into_iter().map(Entry::from).collect() }
    }
}

fn last_modified_time(entries: &[TrustedOrigin]) -> Option<String> {
    entries.iter().map(|entry| entry.modified_at).max().map(rfc3339)
}

/// The payload for changing an entry.
#[derive(Debug)]
pub(crate) struct EntryPayload(TrustedOriginDraft);

/// The payload for adding entries: `{"whitelist":[{"domain":"https://*.example.com","description":"…"}]}`.
#[derive(Debug)]
pub(crate) struct WhitelistPayload(Vec<TrustedOriginDraft>);

impl FromJson for EntryPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        Self(draft(json, "", faults))
    }
}

impl FromJson for WhitelistPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(&["lastModifiedTime"]);
        let entries = fields.required_elements("whitelist", |element, path| draft(element, path, faults));
        fields.finish();
        Self(entries)
    }
}

/// Members that only the server sets may be sent back.
fn draft(json: &Json, path: &str, faults: &PayloadFaults) -> TrustedOriginDraft {
    let mut fields = Fields::of(json, path, faults);
    fields.ignore(&["id", "lastModifiedBy", "lastModifiedTime"]);
    let draft = TrustedOriginDraft {
        domain: fields.required_string("domain").unwrap_or_default().to_owned(),
        description: fields.string("description").unwrap_or_default().to_owned(),
    };
    fields.finish();
    draft
}

/// The entries by id, with the time of the last change of any of them. The whole list fits on the longest
/// page.
pub(crate) async fn list(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    let entry = trusted_origins.find(&caller, id, &origin).await.map_err(problem)?;
    Ok(json(StatusCode::OK, &Entry::from(entry)))
}

/// Adds entries; all or none.
pub(crate) async fn add(
    Use(trusted_origins): Use<TrustedOriginService>,
    Authenticated(caller): Authenticated,
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
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
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    trusted_origins.delete(&caller, id, &origin).await.map_err(problem)?;
    Ok(no_content())
}
