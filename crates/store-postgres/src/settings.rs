//! Limits, ring keys and versions.

use std::collections::BTreeSet;

use domain::audit::NewAuditEvent;
use domain::limit::Limit;
use domain::time::Timestamp;
use store::relational::{judged, settings, versions};
use store::{Answer, Judged, RightsChanged, StoreError, StoredKey, SystemSettings, Versions};

use crate::PostgresStore;
use crate::tables::Tables;
use crate::unit::{read, serialized};

/// Grants that are read in one statement when searching for those that a key seals.
const WINDOW: i64 = 10_000;

impl SystemSettings for PostgresStore {
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>> {
        read!(self, db => settings::list_limits(&Tables(db)))
    }

    fn set_limit(
        &self,
        limit: Limit,
        value: Option<i64>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), RightsChanged>> {
        serialized!(self, db => judged(settings::set_limit(&Tables(db), limit, value, &audit)))
    }

    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>> {
        read!(self, db => settings::list_keys(&Tables(db)))
    }

    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        serialized!(self, db => settings::insert_key(&Tables(db), &key, &audit))
    }

    /// A superseded key seals nothing new. A grant that the search does not find can therefore not appear
    /// before the deletion.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>> {
        Box::pin(async move {
            let superseded: Answer<'_, Vec<u32>> =
                read!(self, db => settings::superseded_keys(&Tables(db), active, superseded_before));
            let unused = self.unused_keys(superseded.await?).await?;
            if unused.is_empty() {
                return Ok(Vec::new());
            }
            let ids = unused.clone();
            let deleted: Answer<'_, ()> = serialized!(self, db => settings::delete_keys(&Tables(db), &ids));
            deleted.await?;
            Ok(unused)
        })
    }

    fn versions(&self) -> Answer<'_, Versions> {
        read!(self, db => versions::load(&Tables(db)))
    }
}

impl PostgresStore {
    /// The keys that seal no live refresh token; reads window by window.
    async fn unused_keys(&self, keys: Vec<u32>) -> Result<Vec<u32>, StoreError> {
        let mut unused: BTreeSet<u32> = keys.into_iter().collect();
        let mut after = 0;
        while !unused.is_empty() {
            let end: Answer<'_, Option<i64>> =
                read!(self, db => settings::window_end(&Tables(db), after, WINDOW));
            let Some(end) = end.await? else {
                break;
            };
            let used: Answer<'_, Vec<u32>> =
                read!(self, db => settings::keys_in_use(&Tables(db), after, end));
            for used in used.await? {
                unused.remove(&used);
            }
            after = end;
        }
        Ok(unused.into_iter().collect())
    }
}
