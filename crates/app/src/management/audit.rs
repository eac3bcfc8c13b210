//! Reading the audit log.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::{AuditEvent, NewAuditEvent};
use domain::id::AuditId;
use store::AuditFilter;

use crate::App;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::AdministrationError;
use crate::management::lists::{ListRequest, Page, Rows, read};

/// The events to read, newest first.
pub type AuditRequest = AuditFilter;

impl App {
    /// Lists events of the audit log, newest first, page by page; `request.after` is the event after which to
    /// continue. The filter's own `before` and `limit` are ignored.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] unless the caller is an administrator.
    pub async fn audit_events(
        self: &Arc<Self>,
        caller: &Caller,
        filter: AuditFilter,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Result<Rows<AuditEvent>, AdministrationError> {
        self.demand(caller, Permission::Administrator, origin).await?;
        let needs = vec![Permission::Administrator];
        Ok(Rows::new(self, caller, needs, request, origin, move |app: Arc<Self>, page: Page| {
            let before = page.after.map(AuditId::new);
            let filter = AuditFilter { before, limit: page.rows, ..filter.clone() };
            async move {
                let events = read(app.store.list_audit(filter).await)?;
                let chunk = page.chunk(events, |event| event.id.get());
                Ok(chunk.searched(&page, |event: &AuditEvent| texts(&event.event)))
            }
        }))
    }

    /// Lists events of the audit log, newest first.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] unless the caller is an administrator.
    pub async fn list_audit(
        &self,
        caller: &Caller,
        request: AuditRequest,
        origin: &RequestOrigin,
    ) -> Result<Vec<AuditEvent>, AdministrationError> {
        self.demand(caller, Permission::Administrator, origin).await?;
        Ok(self.store.list_audit(request).await?)
    }
}

/// The searchable texts of an event.
fn texts(event: &NewAuditEvent) -> Vec<&str> {
    let texts = [&event.actor_name, &event.subject, &event.detail, &event.address];
    texts.into_iter().filter_map(|text| text.as_deref()).collect()
}
