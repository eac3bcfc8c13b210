//! The audit log.

use oauth::audit::{Action, AuditEvent, NewAuditEvent};
use oauth::id::{ApplicationId, AuditId};
use oauth::time::Timestamp;

use crate::Answer;

/// Which audit events to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only those before this id.
    pub before: Option<AuditId>,
    /// At most so many.
    pub limit: u32,
    /// Only those of this actor name, compared without case.
    pub actor_name: Option<String>,
    /// Only those of this action.
    pub action: Option<Action>,
    /// Only those about this application.
    pub application: Option<ApplicationId>,
    /// Only those at or after it.
    pub since: Option<Timestamp>,
    /// Only those before it.
    pub until: Option<Timestamp>,
}

/// The audit log.
pub trait Audit {
    /// Writes events of acts that change nothing themselves, such as refusals.
    fn append_audit(&self, events: Vec<NewAuditEvent>) -> Answer<'_, ()>;
    /// Events, newest first.
    fn list_audit(&self, filter: AuditFilter) -> Answer<'_, Vec<AuditEvent>>;
}
