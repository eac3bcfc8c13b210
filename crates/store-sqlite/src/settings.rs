//! Limits, ring keys and versions.

use std::collections::BTreeSet;

use domain::audit::NewAuditEvent;
use domain::limit::Limit;
use domain::time::Timestamp;
use store::relational::{judged, run_ready, settings, versions};
use store::{Answer, Judged, RightsChanged, StoreError, StoredKey, SystemSettings, Versions};

use crate::SqliteStore;
use crate::tables::Tables;

/// Grants that are read at once when searching for those that a key seals; about a millisecond.
const WINDOW: i64 = 2_000;

impl SystemSettings for SqliteStore {
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>> {
        self.read(|db| run_ready(settings::list_limits(&Tables(db))))
    }

    fn set_limit(
        &self,
        limit: Limit,
        value: Option<i64>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), RightsChanged>> {
        self.write(move |db| run_ready(judged(settings::set_limit(&Tables(db), limit, value, &audit))))
    }

    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>> {
        self.read(|db| run_ready(settings::list_keys(&Tables(db))))
    }

    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        self.write(move |db| run_ready(settings::insert_key(&Tables(db), &key, &audit)))
    }

    /// A superseded key seals nothing new. A grant that the search does not find can therefore not appear
    /// before the deletion.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>> {
        Box::pin(async move {
            let superseded = self.read_now(|db| {
                run_ready(settings::superseded_keys(&Tables(db), active, superseded_before))
            })?;
            let unused = self.unused_keys(superseded).await?;
            if unused.is_empty() {
                return Ok(Vec::new());
            }
            self.write(move |db| {
                run_ready(settings::delete_keys(&Tables(db), &unused))?;
                Ok(unused.clone())
            })
            .await
        })
    }

    fn versions(&self) -> Answer<'_, Versions> {
        self.read(|db| run_ready(versions::load(&Tables(db))))
    }
}

impl SqliteStore {
    /// The keys that seal no live refresh token. Reads window by window, and yields the thread between
    /// windows.
    async fn unused_keys(&self, keys: Vec<u32>) -> Result<Vec<u32>, StoreError> {
        let mut unused: BTreeSet<u32> = keys.into_iter().collect();
        let mut after = 0;
        while !unused.is_empty() {
            let Some(end) =
                self.read_now(|db| run_ready(settings::window_end(&Tables(db), after, WINDOW)))?
            else {
                break;
            };
            for used in self.read_now(|db| run_ready(settings::keys_in_use(&Tables(db), after, end)))? {
                unused.remove(&used);
            }
            after = end;
            tokio::task::yield_now().await;
        }
        Ok(unused.into_iter().collect())
    }
}
