//! Reading the audit log.

use oauth::account::Permission;
use oauth::audit::AuditEvent;
use store::AuditFilter;

use crate::App;
use crate::administration::Refused;
use crate::caller::{Caller, Origin};

/// Which events to read, newest first.
pub type AuditRequest = AuditFilter;

impl App {
    /// Events of the audit log, newest first.
    ///
    /// # Errors
    /// [`Refused::Forbidden`] for everybody but administrators.
    pub async fn list_audit(
        &self,
        caller: &Caller,
        request: AuditRequest,
        origin: &Origin,
    ) -> Result<Vec<AuditEvent>, Refused> {
        self.demand(caller, Permission::Administrator, origin).await?;
        Ok(self.store.list_audit(request).await?)
    }
}
