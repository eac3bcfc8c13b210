//! Limits, ring keys and versions.

use std::collections::BTreeSet;

use domain::audit::NewAuditEvent;
use domain::limit::Limit;
use domain::time::Timestamp;
use store::rules;
use store::{Answer, Judged, RightsChanged, Settings, StoreError, StoredKey, Versions};
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::unit::{read, serialized};
use crate::versions::{self, Kind};
use crate::{PostgresStore, audit, authority, micros};

/// Grants that are read in one statement when searching for those that a key seals.
const WINDOW: i64 = 10_000;

impl Settings for PostgresStore {
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>> {
        read!(self, db => list_limits(db))
    }

    fn set_limit(
        &self,
        limit: Limit,
        value: Option<i64>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), RightsChanged>> {
        serialized!(self, db => set_limit(db, limit, value, &audit))
    }

    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>> {
        read!(self, db => list_keys(db))
    }

    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        serialized!(self, db => insert_key(db, &key, &audit))
    }

    /// A superseded key seals nothing new. A grant that the search does not find can therefore not appear
    /// before the deletion.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>> {
        Box::pin(async move {
            let superseded: Answer<'_, Vec<u32>> =
                read!(self, db => superseded(db, active, superseded_before));
            let unused = self.unused_keys(superseded.await?).await?;
            if unused.is_empty() {
                return Ok(Vec::new());
            }
            let ids: Vec<i64> = unused.iter().copied().map(i64::from).collect();
            let deleted: Answer<'_, ()> = serialized!(self, db => delete_keys(db, &ids));
            deleted.await?;
            Ok(unused)
        })
    }

    fn versions(&self) -> Answer<'_, Versions> {
        read!(self, db => versions::load(db))
    }
}

impl PostgresStore {
    /// The keys that seal no live refresh token; reads window by window.
    async fn unused_keys(&self, keys: Vec<u32>) -> Result<Vec<u32>, StoreError> {
        let mut unused: BTreeSet<u32> = keys.into_iter().collect();
        let mut after = 0;
        while !unused.is_empty() {
            let end: Answer<'_, Option<i64>> = read!(self, db => window_end(db, after));
            let Some(end) = end.await? else {
                break;
            };
            let used: Answer<'_, Vec<u32>> = read!(self, db => keys_in_use(db, after, end));
            for used in used.await? {
                unused.remove(&used);
            }
            after = end;
        }
        Ok(unused.into_iter().collect())
    }
}

async fn list_limits(db: &Client) -> sql::Result<Vec<(Limit, i64)>> {
    let stored: Vec<(i64, i64)> = sql::list(db, "SELECT id, value FROM limits ORDER BY id", &[], |row| {
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;
    Ok(rules::known_limits(stored))
}

async fn set_limit(
    db: &Client,
    limit: Limit,
    value: Option<i64>,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(), RightsChanged>> {
    const SET: &str = "INSERT INTO limits (id, value) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value";
    if !authority::holds(db, event).await? {
        return Ok(Err(RightsChanged));
    }
    match value {
        Some(value) => sql::execute(db, SET, values![limit.id(), value]).await?,
        None => sql::execute(db, "DELETE FROM limits WHERE id = $1", values![limit.id()]).await?,
    };
    versions::grow(db, Kind::Limits).await?;
    audit::append_one(db, event).await.map(Ok)
}

pub(crate) async fn list_keys(db: &Client) -> sql::Result<Vec<StoredKey>> {
    const LIST: &str = "SELECT id, created_at, activates_at, sealed FROM ring_keys ORDER BY id";
    sql::list(db, LIST, &[], |row| {
        Ok(StoredKey {
            id: sql::number(row, 0)?,
            created_at: sql::moment(row, 1)?,
            activates_at: sql::moment(row, 2)?,
            sealed: row.try_get(3)?,
        })
    })
    .await
}

async fn insert_key(db: &Client, key: &StoredKey, event: &NewAuditEvent) -> sql::Result<bool> {
    const INSERT: &str = "INSERT INTO ring_keys (id, created_at, activates_at, sealed)
        SELECT $1, $2, $3, $4 WHERE $1 = (SELECT coalesce(max(id), 0) + 1 FROM ring_keys)";
    let inserted = sql::execute(
        db,
        INSERT,
        values![i64::from(key.id), micros(key.created_at), micros(key.activates_at), key.sealed.as_slice()],
    )
    .await;
    if inserted? == 0 {
        return Ok(false);
    }
    versions::grow(db, Kind::Keys).await?;
    audit::append_one(db, event).await?;
    Ok(true)
}

async fn delete_keys(db: &Client, ids: &Vec<i64>) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM ring_keys WHERE id = ANY ($1::bigint[])", &[sql::parameter(ids)]).await?;
    versions::grow(db, Kind::Keys).await
}

/// A key is superseded when the next key becomes active.
async fn superseded(db: &Client, active: u32, before: Timestamp) -> sql::Result<Vec<u32>> {
    const SUPERSEDED: &str = "SELECT id FROM (
            SELECT id, lead(activates_at) OVER (ORDER BY id) AS superseded_at FROM ring_keys) AS k
        WHERE id <> $1 AND superseded_at < $2";
    sql::list(db, SUPERSEDED, values![i64::from(active), micros(before)], first_number).await
}

async fn window_end(db: &Client, after: i64) -> sql::Result<Option<i64>> {
    const END: &str = "SELECT max(id) FROM (SELECT id FROM grants WHERE id > $1 ORDER BY id LIMIT $2) AS w";
    sql::value(db, END, values![after, WINDOW]).await
}

async fn keys_in_use(db: &Client, after: i64, end: i64) -> sql::Result<Vec<u32>> {
    const IN_USE: &str = "SELECT DISTINCT g.key FROM grants g
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users u ON u.id = g.user_id AND u.epoch = g.user_epoch
        WHERE g.id > $1 AND g.id <= $2 AND g.refreshable AND g.revoked_at IS NULL";
    sql::list(db, IN_USE, values![after, end], first_number).await
}

fn first_number(row: &Row) -> sql::Result<u32> {
    sql::number(row, 0)
}
