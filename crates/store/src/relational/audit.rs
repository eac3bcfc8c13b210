//! Reading audit events. The backends append and search them.

use domain::audit::{AuditEvent, NewAuditEvent};

use super::{Columns, Record, ResultRow};
use crate::columns::{Impossible, audit_names};

/// The columns of an event, in the order in which it is read.
pub const COLUMNS: &str =
    "id, at, action, outcome, actor_id, actor_name, application_id, subject, detail, address, request_id";

impl Record for AuditEvent {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let (id, at) = (row.read()?, row.read()?);
        let (action, outcome) = audit_names(&row.read::<String>()?, &row.read::<String>()?)?;
        let event = NewAuditEvent {
            at,
            action,
            outcome,
            actor: row.read()?,
            actor_name: row.read()?,
            account: None,
            application: row.read()?,
            subject: row.read()?,
            detail: row.read()?,
            address: row.read()?,
            request_id: row.read()?,
            authority: None,
        };
        Ok(Self { id, event })
    }
}
