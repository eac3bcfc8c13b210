//! Deletes expired and invalid rows, batch by batch.
//!
//! Such rows stay invalid: an expiry in the past is never moved, a revocation never undone, and an epoch never decreases.
//! The rows are therefore found by reading, concurrently with the writer, and the writer only deletes by id.
//! Expired and revoked rows are found through an index. Rows of earlier epochs have no index, because it
//! would make every new grant slower; they are found by a pass over the table, which continues from batch to
//! batch and starts only after an epoch has advanced.

use rusqlite::Connection;
use store::relational::run_ready;
use store::relational::sweeps::{self, CONSENTS, GRANTS, Swept};
use store::{Purge, Purged, StoreError};

use crate::tables::Tables;
use crate::{SqliteStore, micros, sql};

/// The maximum number of rows deleted at once, whatever the caller asks for.
const LARGEST_BATCH: u32 = 1_000;

/// Rows that a pass reads before it yields the thread; about two milliseconds.
const WINDOW: i64 = 2_000;

/// The maximum number of such windows in one batch.
const WINDOWS: u32 = 50;

impl SqliteStore {
    pub(crate) async fn purge_batch(&self, purge: Purge) -> Result<Purged, StoreError> {
        const SESSIONS: &str = "SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const PUSHED: &str =
            "SELECT id FROM pushed_requests WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const ASSERTIONS: &str =
            "SELECT id FROM used_assertions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const REVOCATIONS: &str =
            "SELECT seq FROM revocations WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const SECRETS: &str = "SELECT id FROM secrets WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const NETWORKS: &str =
            "SELECT id FROM familiar_networks WHERE succeeded_at < ?1 ORDER BY succeeded_at LIMIT ?2";
        const DEVICES: &str =
            "SELECT id FROM device_authorizations WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const BACKCHANNEL: &str =
            "SELECT id FROM backchannel_authentications WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const AUDIT: &str = "SELECT id FROM audit_events WHERE at < ?1 ORDER BY at LIMIT ?2";
        const EXPIRED: &str = "SELECT id FROM grants WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
        const REVOKED: &str = "SELECT id FROM grants WHERE revoked_at < ?1 ORDER BY revoked_at LIMIT ?2";
        let batch = purge.batch.min(LARGEST_BATCH);
        let (now, polled) = (micros(purge.now), micros(purge.polled_requests_before));
        let mut grants = self.read_now(|db| ids(db, EXPIRED, now, batch))?;
        let room = batch - u32::try_from(grants.len()).unwrap_or(batch);
        grants.extend(self.read_now(|db| ids(db, REVOKED, micros(purge.revoked_grants_before), room))?);
        let room = batch - u32::try_from(grants.len()).unwrap_or(batch);
        Ok(Purged {
            grants: self.delete("DELETE FROM grants WHERE id = ?1", grants).await?
                + self.sweep(&GRANTS, room).await?,
            consents: self.sweep(&CONSENTS, batch).await?,
            sessions: self.purge_kind(SESSIONS, "DELETE FROM sessions WHERE id = ?1", now, batch).await?,
            device_authorizations: self
                .purge_kind(DEVICES, "DELETE FROM device_authorizations WHERE id = ?1", polled, batch)
                .await?,
            backchannel_authentications: self
                .purge_kind(
                    BACKCHANNEL,
                    "DELETE FROM backchannel_authentications WHERE id = ?1",
                    polled,
                    batch,
                )
                .await?,
            pushed_requests: self
                .purge_kind(PUSHED, "DELETE FROM pushed_requests WHERE id = ?1", now, batch)
                .await?,
            used_assertions: self
                .purge_kind(ASSERTIONS, "DELETE FROM used_assertions WHERE id = ?1", now, batch)
                .await?,
            familiar_networks: self
                .purge_kind(
                    NETWORKS,
                    "DELETE FROM familiar_networks WHERE id = ?1",
                    micros(purge.familiar_since),
                    batch,
                )
                .await?,
            revocations: self
                .purge_kind(REVOCATIONS, "DELETE FROM revocations WHERE seq = ?1", now, batch)
                .await?,
            secrets: self.purge_kind(SECRETS, "DELETE FROM secrets WHERE id = ?1", now, batch).await?,
            audit_events: self
                .purge_kind(
                    AUDIT,
                    "DELETE FROM audit_events WHERE id = ?1",
                    micros(purge.audit_before),
                    batch,
                )
                .await?,
        })
    }

    async fn purge_kind(
        &self,
        select: &'static str,
        delete: &'static str,
        before: i64,
        batch: u32,
    ) -> Result<u64, StoreError> {
        let over = self.read_now(|db| ids(db, select, before, batch))?;
        self.delete(delete, over).await
    }

    /// Deletes these rows. Without rows nothing is written, so an idle server does not write.
    async fn delete(&self, delete: &'static str, over: Vec<i64>) -> Result<u64, StoreError> {
        if over.is_empty() {
            return Ok(0);
        }
        self.write(move |db| delete_all(db, delete, &over)).await
    }

    /// Continues the pass over a table, if one is due.
    async fn sweep(&self, table: &'static Swept, batch: u32) -> Result<u64, StoreError> {
        let Some(mut pass) = self.read_now(|db| run_ready(sweeps::due(&Tables(db), table)))? else {
            return Ok(0);
        };
        let mut invalid = Vec::new();
        let mut room = i64::from(batch);
        for _ in 0..WINDOWS {
            if room == 0 || !pass.continues() {
                break;
            }
            let found = self
                .read_now(|db| run_ready(sweeps::read_window(&Tables(db), table, &mut pass, WINDOW, room)))?;
            room -= i64::try_from(found.len()).unwrap_or(room);
            invalid.extend(found);
            tokio::task::yield_now().await;
        }
        self.write(move |db| run_ready(sweeps::delete(&Tables(db), table, pass, &invalid))).await
    }
}

fn ids(db: &Connection, select: &str, before: i64, limit: u32) -> sql::Result<Vec<i64>> {
    sql::list(db, select, (before, limit), |row| Ok(row.get(0)?))
}

fn delete_all(db: &Connection, delete: &str, ids: &[i64]) -> sql::Result<u64> {
    let mut deleted = 0;
    for id in ids {
        deleted += sql::execute(db, delete, [id])? as u64;
    }
    Ok(deleted)
}
