//! Limits, ring keys and versions.

use std::collections::BTreeSet;

use domain::audit::NewAuditEvent;
use domain::limit::Limit;
use domain::time::Timestamp;
use rusqlite::Connection;
use store::rules;
use store::{Answer, Judged, RightsChanged, Settings, StoreError, StoredKey, Versions};

use crate::versions::{self, Kind};
use crate::{SqliteStore, audit, authority, micros, sql};

/// Grants that are read at once when searching for those that a key seals; about a millisecond.
const WINDOW: i64 = 2_000;

impl Settings for SqliteStore {
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>> {
        self.read(list_limits)
    }

    fn set_limit(
        &self,
        limit: Limit,
        value: Option<i64>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), RightsChanged>> {
        self.write(move |db| set_limit(db, limit, value, &audit))
    }

    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>> {
        self.read(list_keys)
    }

    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool> {
        self.write(move |db| insert_key(db, &key, &audit))
    }

    /// A superseded key seals nothing new. A grant that the search does not find can therefore not appear
    /// before the deletion.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>> {
        Box::pin(async move {
            let superseded = self.read_now(|db| superseded(db, active, superseded_before))?;
            let unused = self.unused_keys(superseded).await?;
            if unused.is_empty() {
                return Ok(Vec::new());
            }
            self.write(move |db| {
                for id in &unused {
                    sql::execute(db, "DELETE FROM ring_keys WHERE id = ?1", [id])?;
                }
                versions::grow(db, Kind::Keys)?;
                Ok(unused.clone())
            })
            .await
        })
    }

    fn versions(&self) -> Answer<'_, Versions> {
        self.read(versions::load)
    }
}

impl SqliteStore {
    /// The keys that seal no live refresh token. Reads window by window, and yields the thread between
    /// windows.
    async fn unused_keys(&self, keys: Vec<u32>) -> Result<Vec<u32>, StoreError> {
        let mut unused: BTreeSet<u32> = keys.into_iter().collect();
        let mut after = 0;
        while !unused.is_empty() {
            let Some(end) = self.read_now(|db| window_end(db, after))? else {
                break;
            };
            for used in self.read_now(|db| keys_in_use(db, after, end))? {
                unused.remove(&used);
            }
            after = end;
            tokio::task::yield_now().await;
        }
        Ok(unused.into_iter().collect())
    }
}

fn list_limits(db: &Connection) -> sql::Result<Vec<(Limit, i64)>> {
    let stored: Vec<(i64, i64)> =
        sql::list(db, "SELECT id, value FROM limits ORDER BY id", (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rules::known_limits(stored))
}

fn set_limit(
    db: &Connection,
    limit: Limit,
    value: Option<i64>,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(), RightsChanged>> {
    const SET: &str = "INSERT INTO limits (id, value) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET value = excluded.value";
    if !authority::holds(db, event)? {
        return Ok(Err(RightsChanged));
    }
    match value {
        Some(value) => sql::execute(db, SET, (limit.id(), value))?,
        None => sql::execute(db, "DELETE FROM limits WHERE id = ?1", [limit.id()])?,
    };
    versions::grow(db, Kind::Limits)?;
    audit::append(db, event).map(Ok)
}

pub(crate) fn list_keys(db: &Connection) -> sql::Result<Vec<StoredKey>> {
    const LIST: &str = "SELECT id, created_at, activates_at, sealed FROM ring_keys ORDER BY id";
    sql::list(db, LIST, (), |row| {
        Ok(StoredKey {
            id: row.get(0)?,
            created_at: Timestamp::from_micros(row.get(1)?),
            activates_at: Timestamp::from_micros(row.get(2)?),
            sealed: row.get(3)?,
        })
    })
}

fn insert_key(db: &Connection, key: &StoredKey, event: &NewAuditEvent) -> sql::Result<bool> {
    const INSERT: &str = "INSERT INTO ring_keys (id, created_at, activates_at, sealed)
        SELECT ?1, ?2, ?3, ?4 WHERE ?1 = (SELECT coalesce(max(id), 0) + 1 FROM ring_keys)";
    let row = (key.id, micros(key.created_at), micros(key.activates_at), &key.sealed);
    if sql::execute(db, INSERT, row)? == 0 {
        return Ok(false);
    }
    versions::grow(db, Kind::Keys)?;
    audit::append(db, event)?;
    Ok(true)
}

/// A key is superseded when the next key becomes active.
fn superseded(db: &Connection, active: u32, before: Timestamp) -> sql::Result<Vec<u32>> {
    const SUPERSEDED: &str = "SELECT id FROM (
            SELECT id, lead(activates_at) OVER (ORDER BY id) AS superseded_at FROM ring_keys)
        WHERE id <> ?1 AND superseded_at < ?2";
    sql::list(db, SUPERSEDED, (active, micros(before)), |row| Ok(row.get(0)?))
}

fn window_end(db: &Connection, after: i64) -> sql::Result<Option<i64>> {
    const END: &str = "SELECT max(id) FROM (SELECT id FROM grants WHERE id > ?1 ORDER BY id LIMIT ?2)";
    sql::value(db, END, (after, WINDOW))
}

fn keys_in_use(db: &Connection, after: i64, end: i64) -> sql::Result<Vec<u32>> {
    const IN_USE: &str = "SELECT DISTINCT g.key FROM grants g
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users u ON u.id = g.user_id AND u.epoch = g.user_epoch
        WHERE g.id > ?1 AND g.id <= ?2 AND g.refreshable = 1 AND g.revoked_at IS NULL";
    sql::list(db, IN_USE, (after, end), |row| Ok(row.get(0)?))
}
