//! Learning what changed: revocations and versions, from this node's own database, whoever wrote there.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use oauth::revocation::Revocation;
use store::StoreError;
use tokio::sync::Mutex;

use crate::App;
use crate::metrics::{PathLabels, Word};

/// A node that has not looked for longer than this asks the database before each check.
const STALE_AFTER_MICROS: i64 = 1_000_000;

/// How many events one read takes in.
const BATCH: u32 = 1_000;

/// When this node last knew everything, by its steady clock, and whose turn it is to look.
#[derive(Debug)]
pub struct Freshness {
    looked_at: AtomicI64,
    failures: AtomicU64,
    turn: Mutex<()>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { looked_at: AtomicI64::new(i64::MIN), failures: AtomicU64::new(0), turn: Mutex::default() }
    }
}

impl Freshness {
    fn is_stale(&self, now: i64) -> bool {
        now.saturating_sub(self.looked_at.load(Ordering::Acquire)) > STALE_AFTER_MICROS
    }

    fn looked(&self, at: i64) {
        self.looked_at.fetch_max(at, Ordering::AcqRel);
    }

    /// How long ago this node last knew everything, in microseconds.
    pub fn age_micros(&self, now: i64) -> i64 {
        now.saturating_sub(self.looked_at.load(Ordering::Acquire)).max(0)
    }
}

impl App {
    /// Takes in everything that changed since the last look. Called several times a second, and by a check that finds
    /// this node stale.
    ///
    /// # Errors
    /// When the database cannot be read; the node then stays stale.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let looked = self.look().await;
        if looked.is_err() {
            self.freshness.failures.fetch_add(1, Ordering::AcqRel);
        }
        looked
    }

    /// Waits until another node may have changed something; for ever where the database cannot tell.
    pub async fn news(&self) {
        if self.store.news().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What is learnt here counts as known at the moment at which the look began, not at its end.
    async fn look(&self) -> Result<(), StoreError> {
        let began = self.clock.steady_micros();
        let versions = self.store.versions().await?;
        self.take_in_revocations(versions.revocations).await?;
        let news = self.directory.catch_up(versions);
        if news.keys {
            self.reload_keys().await?;
        }
        if news.users {
            self.vault.forget_remembered_credentials();
        }
        if news.data_sources {
            self.review_opened_sources().await?;
        }
        self.directory.caught_up(versions);
        self.freshness.looked(began);
        Ok(())
    }

    /// Closes opened sources whose records are gone. One that was moved or touched is opened anew by the next request
    /// for it, which holds what is open against the record.
    async fn review_opened_sources(&self) -> Result<(), StoreError> {
        // Looked at first: what is opened after the records were read may be newer than they are.
        let open = self.models.ids();
        let records = self.store.list_data_sources(None).await?;
        for id in open.into_iter().filter(|id| !records.iter().any(|record| record.id == *id)) {
            self.close_source(id);
        }
        Ok(())
    }

    /// Makes sure that what this node remembers is no older than a second. Where it is, one caller asks the database for
    /// all who wait; when that fails they are all refused.
    pub(crate) async fn ensure_fresh(&self) -> Result<(), StoreError> {
        let is_stale = || self.freshness.is_stale(self.clock.steady_micros());
        if !is_stale() {
            return Ok(());
        }
        let failures = self.freshness.failures.load(Ordering::Acquire);
        let _turn = self.freshness.turn.lock().await;
        let outcome = if !is_stale() {
            Ok(())
        } else if self.freshness.failures.load(Ordering::Acquire) != failures {
            Err(StoreError::Unavailable("another check has just failed to ask it".into()))
        } else {
            self.refresh().await
        };
        let path = Word(if outcome.is_ok() { "database" } else { "refused" });
        self.metrics().stale_checks.get_or_create(&PathLabels { path }).inc();
        outcome
    }

    /// Takes in what this node itself just ended, before the answer goes out.
    pub(crate) fn learn(&self, events: &[Revocation]) {
        self.revocations.apply(events);
    }

    /// Takes in what was appended to the feed, at least up to the position `last`. What has expired is not told any more.
    ///
    /// A feed that ends before what was seen of it has lost its end, as when another server has taken over that did not have
    /// everything: it is read from its beginning, since positions may be given a second time.
    async fn take_in_revocations(&self, last: i64) -> Result<(), StoreError> {
        let seen = self.revocations.last_seq();
        // Asked for once more: another look may have gone further since this one began.
        if seen > last && seen > self.store.versions().await?.revocations {
            tracing::warn!("the database has lost what was committed lastly; the revocations are read again");
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

/// The store's rows as the vault takes them.
pub fn keys_for_vault(keys: &[store::StoredKey]) -> Vec<vault::SealedRingKey> {
    let sealed = |key: &store::StoredKey| vault::SealedRingKey {
        id: key.id,
        created_at: key.created_at,
        activates_at: key.activates_at,
        bytes: key.sealed.clone(),
    };
    keys.iter().map(sealed).collect()
}
