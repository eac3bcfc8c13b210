//! The change feed: this node learns of revocations and version changes from its own database, whoever wrote
//! them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use oauth::revocation::Revocation;
use store::StoreError;
use tokio::sync::Mutex;

use crate::Context;
use crate::node::NodeService;
use crate::node::metrics::{PathLabels, Word};

/// A node whose last poll is older than this asks the database before each check.
const STALE_AFTER_MICROS: i64 = 1_000_000;

/// The number of revocations in one read.
const BATCH: u32 = 1_000;

/// The staleness of this node: when it last knew everything, by the monotonic clock, and the lock for
/// polling.
#[derive(Debug)]
pub struct Staleness {
    polled_at: AtomicI64,
    failures: AtomicU64,
    polling: Mutex<()>,
}

impl Default for Staleness {
    fn default() -> Self {
        Self { polled_at: AtomicI64::new(i64::MIN), failures: AtomicU64::new(0), polling: Mutex::default() }
    }
}

impl Staleness {
    fn is_stale(&self, now: i64) -> bool {
        now.saturating_sub(self.polled_at.load(Ordering::Acquire)) > STALE_AFTER_MICROS
    }

    fn polled(&self, at: i64) {
        self.polled_at.fetch_max(at, Ordering::AcqRel);
    }

    /// How long ago this node last knew everything, in microseconds.
    pub fn age_micros(&self, now: i64) -> i64 {
        now.saturating_sub(self.polled_at.load(Ordering::Acquire)).max(0)
    }
}

impl NodeService {
    /// Polls the change feed: applies new revocations, and drops cache entries that have changed.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.context.refresh().await
    }

    /// Waits until another node may have changed something; forever if the database does not announce changes.
    pub async fn changes(&self) {
        if self.context.store.changes().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Context {
    /// Processes everything that has changed since the last poll. Called several times a second, and by a
    /// check that finds this node stale.
    ///
    /// # Errors
    /// If the database cannot be read; the node then stays stale.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let polled = self.poll().await;
        if polled.is_err() {
            self.staleness.failures.fetch_add(1, Ordering::AcqRel);
        }
        polled
    }

    /// The result of a poll counts from the time at which the poll started, not from its end.
    async fn poll(&self) -> Result<(), StoreError> {
        let began = self.clock.steady_micros();
        let versions = self.store.versions().await?;
        self.apply_new_revocations(versions.revocations).await?;
        let outdated = self.entities.catch_up(versions);
        if outdated.keys {
            self.reload_keys().await?;
            self.reload_signing_keys().await?;
        }
        if outdated.users {
            self.vault.forget_remembered_credentials();
        }
        if outdated.data_sources {
            self.review_opened_sources().await?;
        }
        self.entities.caught_up(versions);
        self.staleness.polled(began);
        Ok(())
    }

    /// Closes opened sources whose records were deleted. A source that was changed is opened again by the
    /// next request for it, which compares it with the record.
    async fn review_opened_sources(&self) -> Result<(), StoreError> {
        // Listed first, because a source that is opened after the records were read may be newer than they
        // are.
        let open = self.models.ids();
        let records = self.store.list_data_sources(None).await?;
        for id in open.into_iter().filter(|id| !records.iter().any(|record| record.id == *id)) {
            self.close_source(id);
        }
        Ok(())
    }

    /// Makes sure that the cache is no older than a second. If it is, one caller polls the database for all
    /// that wait; if that fails, all of them are refused.
    pub(crate) async fn ensure_fresh(&self) -> Result<(), StoreError> {
        let is_stale = || self.staleness.is_stale(self.clock.steady_micros());
        if !is_stale() {
            return Ok(());
        }
        let failures = self.staleness.failures.load(Ordering::Acquire);
        let _polling = self.staleness.polling.lock().await;
        let outcome = if !is_stale() {
            Ok(())
        } else if self.staleness.failures.load(Ordering::Acquire) != failures {
            Err(StoreError::Unavailable("another check has just failed to ask it".into()))
        } else {
            self.refresh().await
        };
        let path = Word(if outcome.is_ok() { "database" } else { "refused" });
        self.metrics().stale_checks.inc(PathLabels { path });
        outcome
    }

    /// Makes sure that the cache is no older than `since`, by the monotonic clock. One caller polls the database
    /// for all that wait.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) async fn ensure_polled_since(&self, since: i64) -> Result<(), StoreError> {
        let _polling = self.staleness.polling.lock().await;
        if self.staleness.polled_at.load(Ordering::Acquire) > since { Ok(()) } else { self.refresh().await }
    }

    /// Applies revocations of this node to the index before the response is sent.
    pub(crate) fn apply_revocations(&self, events: &[Revocation]) {
        self.revocations.apply(events);
        if !events.is_empty() {
            self.logouts_stored.announce();
        }
    }

    /// Processes everything that was appended to the feed, at least up to the position `last`. The store does
    /// not report expired revocations.
    ///
    /// A feed that ends before a position that was already seen has lost its end, for example because another
    /// database server has taken over that did not have everything. It is then read from the beginning,
    /// because positions may be assigned a second time.
    async fn apply_new_revocations(&self, last: i64) -> Result<(), StoreError> {
        let seen = self.revocations.last_seq();
        // Read once more, because another poll may have gone further since this one started.
        if seen > last && seen > self.store.versions().await?.revocations {
            tracing::warn!("the database has lost its latest commits; the revocations are read again");
            self.revocations.start_again();
        }
        while self.revocations.last_seq() < last {
            let seen = self.revocations.last_seq();
            let events = self.store.revocations_after(seen, self.now(), BATCH).await?;
            self.revocations.apply(&events);
            let is_all = events.len() < BATCH as usize;
            let reached = events.last().map_or(seen, |event| event.seq);
            self.revocations.advance(if is_all { reached.max(last) } else { reached });
        }
        Ok(())
    }

    pub(crate) async fn reload_keys(&self) -> Result<(), StoreError> {
        let keys = self.store.list_keys().await?;
        if let Some(newest) = keys.iter().map(|key| key.created_at.as_secs()).max() {
            self.metrics().newest_key.set(newest);
        }
        self.vault
            .replace_ring(&keys_for_vault(&keys))
            .map_err(|error| StoreError::Inconsistent(error.to_string()))
    }
}

/// Converts the stored keys for the vault.
pub fn keys_for_vault(keys: &[store::StoredKey]) -> Vec<vault::SealedRingKey> {
    let sealed = |key: &store::StoredKey| vault::SealedRingKey {
        id: key.id,
        created_at: key.created_at,
        activates_at: key.activates_at,
        bytes: key.sealed.clone(),
    };
    keys.iter().map(sealed).collect()
}
