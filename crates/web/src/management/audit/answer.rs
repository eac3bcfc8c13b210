//! The wire form of an event of the audit log.

use domain::audit::AuditEvent;
use domain::id::{ApplicationId, UserId};
use serde::Serialize;

use crate::respond::management::rfc3339;

/// An event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventResponse {
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
