//! The audit log.

use domain::audit::{Action, AuditEvent, NewAuditEvent};
use domain::id::{ApplicationId, AuditId, UserId};
use domain::time::Timestamp;

use crate::Answer;

/// Which audit events to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only events before this id.
    pub before: Option<AuditId>,
    /// The maximum number of results.
    pub limit: u32,
    /// Only events with this actor name, ignoring case.
    pub actor_name: Option<String>,
    /// Only events with this action.
    pub action: Option<Action>,
    /// Only events about the account of this user.
    pub account: Option<UserId>,
    /// Only events about this application.
    pub application: Option<ApplicationId>,
    /// Only events at or after this time.
    pub since: Option<Timestamp>,
    /// Only events before this time.
    pub until: Option<Timestamp>,
}

/// The audit log.
pub trait Audit {
    /// Appends events for operations that change nothing themselves, such as refusals.
    fn append_audit(&self, events: Vec<NewAuditEvent>) -> Answer<'_, ()>;
    /// Lists events, newest first.
    fn list_audit(&self, filter: AuditFilter) -> Answer<'_, Vec<AuditEvent>>;
}
