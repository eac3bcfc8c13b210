//! `/api/admin/audit`: the audit log, newest first.

use app::management::audit::AuditRequest;
use app::management::audit::AuditService;
use axum::response::Response;
use domain::audit::{Action, AuditEvent};
use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;
use serde::Serialize;

use super::list;
use super::refusal::{problem, server};
use crate::extract::Use;
use crate::extract::{Authenticated, QueryParameters};
use crate::http::origin::From as RequestOrigin;
use crate::respond::management::{Detail, ManagementProblem, rfc3339};

/// The default number of events in a page.
const PAGE: u32 = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventResponse {
    id: i64,
    at: String,
    action: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl From<AuditEvent> for EventResponse {
    fn from(AuditEvent { id, event }: AuditEvent) -> Self {
        Self {
            id: id.get(),
            at: rfc3339(event.at),
            action: event.action.as_str(),
            outcome: event.outcome.as_str(),
            actor: event.actor_name,
            actor_id: event.actor.map(UserId::get),
            application: event.application.map(ApplicationId::get),
            subject: event.subject,
            detail: event.detail,
            address: event.address,
            request_id: event.request_id,
        }
    }
}

/// Lists events of the audit log, newest first; `after`, or its alias `before`, takes the last id of a page
/// to get the next one.
pub(crate) async fn list(
    Use(audit_log): Use<AuditService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, ManagementProblem> {
    let more = ["before", "actor", "action", "application", "since", "until"];
    let mut request = list::request(&query, &more)?;
    request.limit.get_or_insert(PAGE);
    if let Some(before) = list::id(&query, "before")? {
        if request.after.is_some_and(|after| after != before) {
            return Err(list::fault("before", "is another name for after; use only one of them"));
        }
        request.after = Some(before);
    }
    let filter = AuditRequest {
        before: None,
        limit: PAGE,
        actor_name: query.get("actor").map(str::to_owned),
        action: action(&query)?,
        application: query.parse::<ApplicationId>("application", "the id of an application")?,
        since: moment(&query, "since")?,
        until: moment(&query, "until")?,
    };
    let events = audit_log.rows(&caller, filter, request, &origin).await.map_err(problem)?;
    list::answer("events", events, EventResponse::from, server).await
}

fn action(query: &QueryParameters) -> Result<Option<Action>, ManagementProblem> {
    let Some(name) = query.get("action") else { return Ok(None) };
    Action::from_name(name).map(Some).ok_or_else(|| {
        let names: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        let message = format!("must be one of {}", names.join(", "));
        ManagementProblem::parameters(vec![Detail { field: "action".to_owned(), message }])
    })
}

fn moment(query: &QueryParameters, name: &str) -> Result<Option<Timestamp>, ManagementProblem> {
    let moment = query.parse::<jiff::Timestamp>(name, "a time such as 2030-12-31T00:00:00Z")?;
    Ok(moment.map(|moment| Timestamp::from_micros(moment.as_microsecond())))
}
