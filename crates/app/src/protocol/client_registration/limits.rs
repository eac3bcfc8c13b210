//! Who may register, how often, and when a client that nobody uses is deleted.

use domain::account::network::Network;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;

use crate::node::lifetimes::{DAY_SECS, revocations_expire_at};
use crate::node::periodic::Periodic;
use crate::node::rates::Buckets;
use crate::node::revocations::Revocations;
use crate::node::settings::ClientRegistrationSettings;
use crate::{Context, Fault};

/// What this node remembers of registrations.
pub(crate) struct Registrations {
    from_networks: Buckets<Network>,
    purge: Periodic,
}

/// How often unused clients are looked for, in seconds.
const PURGE_EVERY_SECS: i64 = 3_600;
/// The maximum number of unused clients that are deleted at once.
const MOST_PURGED: u32 = 1_000;

impl Registrations {
    pub(crate) fn new(settings: &ClientRegistrationSettings) -> Self {
        Self {
            from_networks: Buckets::new(settings.per_address_per_minute),
            purge: Periodic::new(PURGE_EVERY_SECS),
        }
    }

    /// Counts a registration.
    ///
    /// # Errors
    /// The number of seconds after which another one is accepted.
    pub(super) fn begin(&self, network: Network, now: Timestamp) -> Result<(), u32> {
        self.from_networks.take(network, now)
    }

    /// Drops entries that no longer limit anybody.
    pub(crate) fn purge(&self, now: Timestamp) {
        self.from_networks.purge(now);
    }

    /// Deletes clients that registered themselves and have not obtained a token for days.
    ///
    /// # Errors
    /// If the database fails; the next round tries again.
    pub(crate) async fn delete_unused(&self, context: &Context) -> Result<(), Fault> {
        let now = context.now();
        let days = i64::from(context.settings.client_registration.unused_days);
        if !self.purge.is_due(now) {
            return Ok(());
        }
        context.store.purge_initial_access_tokens(now).await?;
        if days > 0 {
            delete_unused_clients(context, days, now).await?;
        }
        self.purge.note_done(now);
        Ok(())
    }
}

async fn delete_unused_clients(context: &Context, days: i64, now: Timestamp) -> Result<(), Fault> {
    let before = now.minus_secs(days * DAY_SECS);
    let unused = context.store.unused_registered_clients(before, MOST_PURGED).await?;
    for id in unused {
        let mut audit = NewAuditEvent::new(Action::DeleteApplication, Outcome::Success, now);
        audit.application = Some(id);
        audit.detail = Some("it registered itself and was never used".to_owned());
        let ends = revocations_expire_at(context.now());
        // Used or deleted meanwhile, it stays as it is.
        if let Ok(events) = context.store.delete_unused_client(id, before, ends, audit).await? {
            Revocations::of(context).apply(&events);
            context.entities.forget_applications();
        }
    }
    Ok(())
}
