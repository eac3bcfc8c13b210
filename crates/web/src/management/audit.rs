//! `/api/admin/audit`: the audit log, newest first.

use app::management::audit::AuditRequest;
use app::management::audit::AuditService;
use axum::response::Response;
use domain::audit::Action;
use domain::id::ApplicationId;
use domain::time::Timestamp;

use self::answer::EventResponse;
use super::list;
use super::refusal::{problem, server};
use crate::extract::Use;
use crate::extract::{Authenticated, QueryParameters};
use crate::http::origin::ClientOrigin;
use crate::respond::management::{Detail, ManagementProblem};

mod answer;

/// The default number of events in a page.
const PAGE: u32 = 100;

/// Lists events of the audit log, newest first; `after`, or its alias `before`, takes the last id of a page
/// to get the next one.
pub(crate) async fn list(
    Use(audit_log): Use<AuditService>,
    Authenticated(caller): Authenticated,
    query: QueryParameters,
    ClientOrigin(origin): ClientOrigin,
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
        account: None,
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
