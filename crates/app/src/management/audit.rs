//! Reading the audit log.

use crate::Context;
use std::sync::Arc;

use domain::account::Permission;
use domain::audit::{AuditEvent, NewAuditEvent};
use domain::id::AuditId;
use store::AuditFilter;

use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::{Administration, AdministrationError};
use crate::management::lists::{ListRequest, PageRange, Rows, read};

/// The events to read, newest first.
pub type AuditRequest = AuditFilter;

/// The audit log.
#[derive(Clone)]
pub struct AuditService {
    context: Arc<Context>,
}

service!(AuditService);

impl AuditService {
    /// Lists events of the audit log, newest first, page by page; `request.after` is the event after which to
    /// continue. The filter's own `before` and `limit` are ignored.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] unless the caller is an administrator.
    pub async fn rows(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Result<Rows<AuditEvent>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await?;
        let needs = vec![Permission::Administrator];
        Ok(Rows::new(
            &self.context,
            caller,
            needs,
            request,
            origin,
            move |context: Arc<Context>, page: PageRange| {
                let before = page.after.map(AuditId::new);
                let filter = AuditFilter { before, limit: page.rows, ..filter.clone() };
                async move {
                    let events = read(context.store.list_audit(filter).await)?;
                    let chunk = page.chunk(events, |event| event.id.get());
                    Ok(chunk.searched(&page, |event: &AuditEvent| texts(&event.event)))
                }
            },
        ))
    }

    /// Lists events of the audit log, newest first.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] unless the caller is an administrator.
    pub async fn list(
        &self,
        caller: &Caller,
        request: AuditRequest,
        origin: &RequestOrigin,
    ) -> Result<Vec<AuditEvent>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await?;
        Ok(self.context.store.list_audit(request).await?)
    }
}

/// The searchable texts of an event.
fn texts(event: &NewAuditEvent) -> Vec<&str> {
    let texts = [&event.actor_name, &event.subject, &event.detail, &event.address];
    texts.into_iter().filter_map(|text| text.as_deref()).collect()
}
