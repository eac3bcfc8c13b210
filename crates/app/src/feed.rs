//! Learning what changed: revocations and versions, from this node's own database, whoever wrote there.

use std::sync::atomic::{AtomicI64, Ordering};

use oauth::revocation::Revocation;
use oauth::time::Timestamp;
use store::StoreError;

use crate::App;

/// A node that has not looked for longer than this asks the database before each check.
const STALE_AFTER_MICROS: i64 = 1_000_000;

/// How many events one read takes in.
const BATCH: u32 = 1_000;

/// When this node last knew everything.
#[derive(Debug)]
pub struct Freshness(AtomicI64);

impl Default for Freshness {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Freshness {
    fn is_stale(&self, now: Timestamp) -> bool {
        now.as_micros().saturating_sub(self.0.load(Ordering::Acquire)) > STALE_AFTER_MICROS
    }

    fn looked(&self, at: Timestamp) {
        self.0.fetch_max(at.as_micros(), Ordering::AcqRel);
    }

    /// How long ago this node last knew everything, in microseconds.
    pub fn age_micros(&self, now: Timestamp) -> i64 {
        now.as_micros().saturating_sub(self.0.load(Ordering::Acquire)).max(0)
    }
}

impl App {
    /// Takes in everything that changed since the last look. Called several times a second, and by a check that finds
    /// this node stale.
    ///
    /// # Errors
    /// When the database cannot be read; the node then stays stale.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let began = self.now();
        let versions = self.store.versions().await?;
        self.take_in_revocations(began).await?;
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

    /// Makes sure that the index is no older than a second.
    pub(crate) async fn ensure_fresh(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.freshness.is_stale(now) { self.refresh().await } else { Ok(()) }
    }

    /// Takes in what this node itself just ended, before the answer goes out.
    pub(crate) fn learn(&self, events: &[Revocation]) {
        self.revocations.apply(events);
    }

    async fn take_in_revocations(&self, now: Timestamp) -> Result<(), StoreError> {
        loop {
            let events = self.store.revocations_after(self.revocations.last_seq(), now, BATCH).await?;
            self.revocations.apply(&events);
            let Some(last) = events.last() else { return Ok(()) };
            self.revocations.advance(last.seq);
        }
    }

    pub(crate) async fn reload_keys(&self) -> Result<(), StoreError> {
        let keys = self.store.list_keys().await?;
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
