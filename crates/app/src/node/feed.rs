//! The change feed: this node learns of revocations and version changes from its own database, whoever wrote
//! them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use store::StoreError;
use tokio::sync::Mutex;

use crate::Context;
use crate::node::NodeService;
use crate::node::external_keys::ExternalKeys;
use crate::node::keys::RingKeys;
use crate::node::metrics::{PathLabels, Word};
use crate::node::signing_keys::JwtKeys;

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
        ChangeFeed::of(&self.context).refresh().await
    }

    /// Waits until another node may have changed something; forever if the database does not announce changes.
    pub async fn changes(&self) {
        if self.context.store.changes().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The change feed of this node: polling it, and demanding that it is current.
#[derive(Clone, Copy)]
pub(crate) struct ChangeFeed<'a> {
    context: &'a Context,
}

component!(ChangeFeed);

impl ChangeFeed<'_> {
    /// Processes everything that has changed since the last poll. Called several times a second, and by a
    /// check that finds this node stale.
    ///
    /// # Errors
    /// If the database cannot be read; the node then stays stale.
    pub(crate) async fn refresh(self) -> Result<(), StoreError> {
        let polled = self.poll().await;
        if polled.is_err() {
            self.context.staleness.failures.fetch_add(1, Ordering::AcqRel);
        }
        polled
    }

    /// The result of a poll counts from the time at which the poll started, not from its end.
    async fn poll(self) -> Result<(), StoreError> {
        let began = self.context.clock.steady_micros();
        let versions = self.context.store.versions().await?;
        self.apply_new_revocations(versions.revocations).await?;
        let outdated = self.context.entities.catch_up(versions);
        if outdated.keys {
            RingKeys::of(self.context).reload().await?;
            JwtKeys::of(self.context).reload().await?;
            ExternalKeys::of(self.context).reload().await?;
        }
        if outdated.users {
            self.context.vault.forget_remembered_credentials();
        }
        if outdated.data_sources {
            self.review_opened_sources().await?;
        }
        self.context.entities.caught_up(versions);
        self.context.staleness.polled(began);
        Ok(())
    }

    /// Closes opened sources whose records were deleted. A source that was changed is opened again by the
    /// next request for it, which compares it with the record.
    async fn review_opened_sources(self) -> Result<(), StoreError> {
        // Listed first, because a source that is opened after the records were read may be newer than they
        // are.
        let open = self.context.models.ids();
        let records = self.context.store.list_data_sources(None).await?;
        for id in open.into_iter().filter(|id| !records.iter().any(|record| record.id == *id)) {
            self.context.models.close(id, &self.context.sources);
        }
        Ok(())
    }

    /// Makes sure that the cache is no older than a second. If it is, one caller polls the database for all
    /// that wait; if that fails, all of them are refused.
    pub(crate) async fn ensure_fresh(self) -> Result<(), StoreError> {
        let is_stale = || self.context.staleness.is_stale(self.context.clock.steady_micros());
        if !is_stale() {
            return Ok(());
        }
        let failures = self.context.staleness.failures.load(Ordering::Acquire);
        let _polling = self.context.staleness.polling.lock().await;
        let outcome = if !is_stale() {
            Ok(())
        } else if self.context.staleness.failures.load(Ordering::Acquire) != failures {
            Err(StoreError::Unavailable("another check has just failed to ask it".into()))
        } else {
            self.refresh().await
        };
        let path = Word(if outcome.is_ok() { "database" } else { "refused" });
        self.context.metrics.stale_checks.inc(PathLabels { path });
        outcome
    }

    /// Makes sure that the cache is no older than `since`, by the monotonic clock. One caller polls the database
    /// for all that wait.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) async fn ensure_polled_since(self, since: i64) -> Result<(), StoreError> {
        let _polling = self.context.staleness.polling.lock().await;
        if self.context.staleness.polled_at.load(Ordering::Acquire) > since {
            Ok(())
        } else {
            self.refresh().await
        }
    }

    /// Processes everything that was appended to the feed, at least up to the position `last`. The store does
    /// not report expired revocations.
    ///
    /// A feed that ends before a position that was already seen has lost its end, for example because another
    /// database server has taken over that did not have everything. It is then read from the beginning,
    /// because positions may be assigned a second time.
    async fn apply_new_revocations(self, last: i64) -> Result<(), StoreError> {
        let seen = self.context.revocations.last_seq();
        // Read once more, because another poll may have gone further since this one started.
        if seen > last && seen > self.context.store.versions().await?.revocations {
            tracing::warn!("the database has lost its latest commits; the revocations are read again");
            self.context.revocations.start_again();
        }
        while self.context.revocations.last_seq() < last {
            let seen = self.context.revocations.last_seq();
            let events = self.context.store.revocations_after(seen, self.context.now(), BATCH).await?;
            self.context.revocations.apply(&events);
            let is_all = events.len() < BATCH as usize;
            let reached = events.last().map_or(seen, |event| event.seq);
            self.context.revocations.advance(if is_all { reached.max(last) } else { reached });
        }
        Ok(())
    }
}
