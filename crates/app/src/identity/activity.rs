//! What happened on the account of a user, from the audit log.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::audit::{AuditEvent, NewAuditEvent};
use domain::id::{ApplicationId, AuditId};
use store::AuditFilter;

use crate::identity::caller::LiveSession;
use crate::{Context, Fault};

/// The number of events on a page.
const PER_PAGE: u32 = 30;

/// Something that happened on the account.
#[derive(Debug)]
pub struct Activity {
    /// The event.
    pub event: NewAuditEvent,
    /// Whether somebody else did it, such as an administrator.
    pub is_by_another: bool,
    /// The name of the application that it concerns, if it still exists.
    pub application: Option<String>,
}

/// A page of what happened, newest first.
#[derive(Debug)]
pub struct ActivityPage {
    /// What happened.
    pub events: Vec<Activity>,
    /// The event before which the next page begins, if there is one.
    pub earlier: Option<AuditId>,
}

/// What happened on the account of a user.
#[derive(Clone)]
pub struct ActivityService {
    context: Arc<Context>,
}

service!(ActivityService);

impl ActivityService {
    /// The newest events of the user's account that are older than `before`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn page(&self, live: &LiveSession, before: Option<AuditId>) -> Result<ActivityPage, Fault> {
        let filter = AuditFilter {
            before,
            limit: PER_PAGE + 1,
            account: Some(live.session.user),
            ..AuditFilter::default()
        };
        let mut found = self.context.store.list_audit(filter).await?;
        // A restored backup may give the number of a user who was lost with it to another one.
        let created_at = live.caller.account().user.created_at;
        found.retain(|event| event.event.at >= created_at);
        let goes_on = found.len() > PER_PAGE as usize;
        found.truncate(PER_PAGE as usize);
        let earlier = found.last().filter(|_| goes_on).map(|last| last.id);
        let names = self.names(&found).await?;
        let events = found.into_iter().map(|AuditEvent { event, .. }| Activity {
            is_by_another: event.actor != Some(live.session.user),
            application: event.application.and_then(|id| names.get(&id).cloned()),
            event,
        });
        Ok(ActivityPage { events: events.collect(), earlier })
    }

    /// The names of the applications in these events.
    async fn names(&self, events: &[AuditEvent]) -> Result<BTreeMap<ApplicationId, String>, Fault> {
        let mut names = BTreeMap::new();
        for id in events.iter().filter_map(|event| event.event.application) {
            if names.contains_key(&id) {
                continue;
            }
            if let Some(application) = self.context.store.find_application(id).await? {
                names.insert(id, application.settings.name);
            }
        }
        Ok(names)
    }
}
