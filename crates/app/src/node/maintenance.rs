//! Maintenance: polling the change feed, writing last-use times, purging, rotating keys.
//!
//! The binary calls [`NodeService::refresh`] several times a second and [`NodeService::maintain`] every few seconds, on tasks
//! that end with the server.

use crate::node::NodeService;
use crate::node::feed::ChangeFeed;
use crate::node::keys::RingKeys;
use crate::node::signing_keys::JwtKeys;
use store::{Purge, StoreError};

use crate::Fault;
use crate::node::lifetimes::{
    DAY_SECS, EXPIRED_POLLED_REQUESTS_KEPT_SECS, FAMILIAR_SECS, REVOKED_GRANTS_KEPT_SECS,
};
use crate::node::request_origin::RequestOrigin;

/// The number of rows of each kind in one batch, so that no write waits behind a long one.
const BATCH: u32 = 1_000;

impl NodeService {
    /// Runs one round of maintenance: writes last-use times, purges in batches, and rotates keys.
    ///
    /// # Errors
    /// If the database fails; the next round tries again.
    pub async fn maintain(&self) -> Result<(), Fault> {
        self.flush_usage().await?;
        let now = self.context.now();
        self.context.revocations.purge(now);
        self.context.rates.purge(now);
        self.context.strangers.purge(now);
        self.context.client_keys.purge(now);
        self.context.registrations.purge(now);
        self.context.throttle.purge(now);
        self.context.sources.give_up_idle();
        while self.purge_batch().await? {}
        self.context.client_documents.delete_unused(&*self.context.store, now).await?;
        self.context.registrations.delete_unused(&self.context).await?;
        let origin = RequestOrigin { address: None, request_id: "maintenance".to_owned() };
        RingKeys::of(&self.context).maintain(&origin).await?;
        JwtKeys::of(&self.context).maintain(&origin).await?;
        self.context.metrics.maintenance_rounds.inc();
        Ok(())
    }

    /// Writes last-use times; also called when the server stops.
    ///
    /// # Errors
    /// If the database fails; the times of this round are lost then, so "last used" stays older.
    pub async fn flush_usage(&self) -> Result<(), Fault> {
        let usage = self.context.usage.take();
        if usage.is_empty() {
            return Ok(());
        }
        Ok(self.context.store.record_usage(usage).await?)
    }

    /// Purges one batch, and returns whether there may be more.
    async fn purge_batch(&self) -> Result<bool, Fault> {
        let now = self.context.now();
        let days = i64::from(self.context.settings.audit_retention_days);
        let audit_before = if days == 0 {
            domain::time::Timestamp::from_micros(i64::MIN)
        } else {
            now.minus_secs(days * DAY_SECS)
        };
        let purge = Purge {
            now,
            revoked_grants_before: now.minus_secs(REVOKED_GRANTS_KEPT_SECS),
            polled_requests_before: now.minus_secs(EXPIRED_POLLED_REQUESTS_KEPT_SECS),
            familiar_since: now.minus_secs(FAMILIAR_SECS),
            audit_before,
            batch: BATCH,
        };
        let purged = self.context.store.purge(purge).await?;
        let most = [
            purged.grants,
            purged.consents,
            purged.sessions,
            purged.device_authorizations,
            purged.backchannel_authentications,
            purged.pushed_requests,
            purged.used_assertions,
            purged.familiar_networks,
            purged.revocations,
            purged.secrets,
            purged.personal_access_tokens,
            purged.one_time_links,
            purged.audit_events,
        ];
        Ok(most.into_iter().any(|rows| rows >= u64::from(BATCH)))
    }

    /// Whether the server can work: the database is writable, and the change feed is current. A recent result
    /// is reused, because the check needs a durable write and anybody may ask.
    ///
    /// # Errors
    /// What is not working.
    pub async fn readiness(&self) -> Result<(), Fault> {
        self.stores().await?;
        Ok(ChangeFeed::of(&self.context).ensure_fresh().await?)
    }

    async fn stores(&self) -> Result<(), StoreError> {
        let mut found = self.context.probe.0.lock().await;
        let now = self.context.clock.steady_micros();
        if let Some(found) = found.as_ref().filter(|found| found.is_recent(now)) {
            return found.outcome.as_ref().map_err(again).copied();
        }
        let outcome = self.context.store.probe().await;
        *found = Some(Found {
            at: self.context.clock.steady_micros(),
            outcome: outcome.as_ref().map_err(again).copied(),
        });
        outcome
    }

    /// Waits for pending writes, then closes the system database. If the last-use times of the last seconds
    /// cannot be written, that is not a failure: nobody relies on them, and the database may be under repair.
    ///
    /// # Errors
    /// If something could not be written.
    pub async fn close(&self) -> Result<(), Fault> {
        if let Err(fault) = self.flush_usage().await {
            fault.note("the last-use times of the last seconds were not written");
        }
        Ok(self.context.store.close().await?)
    }
}

/// The last result of checking that the database is writable. Concurrent callers wait for the same result.
#[derive(Debug, Default)]
pub(crate) struct Probe(tokio::sync::Mutex<Option<Found>>);

#[derive(Debug)]
struct Found {
    /// By the monotonic clock.
    at: i64,
    outcome: Result<(), StoreError>,
}

/// How long a positive and a negative result are reused. The negative one is shorter, so that a server that
/// has recovered says so soon.
const WELL_MICROS: i64 = 2_000_000;
const ILL_MICROS: i64 = 500_000;

impl Found {
    fn is_recent(&self, now: i64) -> bool {
        let lasts = if self.outcome.is_ok() { WELL_MICROS } else { ILL_MICROS };
        now.saturating_sub(self.at) < lasts
    }
}

/// Repeats the error, with its cause in words.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Busy => StoreError::Busy,
        StoreError::NotWritable(cause) => StoreError::NotWritable(cause.to_string().into()),
        StoreError::Unavailable(cause) => StoreError::Unavailable(cause.to_string().into()),
        StoreError::Inconsistent(what) => StoreError::Inconsistent(what.clone()),
    }
}
