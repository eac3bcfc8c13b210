//! Deletes expired and invalid rows, batch by batch.
//!
//! The rows are found by reading, concurrently with the writer; the writer then deletes those of them that are still
//! over, because a row may be renewed meanwhile. Expired and revoked rows are found through an index. Rows of earlier
//! epochs have no index, because it would make every new grant slower; they are found by a pass over the table, which
//! continues from batch to batch and starts only after an epoch has advanced.

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

/// Rows of a table that are over before a time.
struct Over {
    /// Finds them; the parameters are the time and the maximum number.
    find: &'static str,
    /// Deletes a row if it has still expired; the parameters are the time and the row.
    delete: &'static str,
}

macro_rules! over {
    ($table:literal, $key:literal, $column:literal, $comparison:literal) => {
        Over {
            find: concat!(
                "SELECT ",
                $key,
                " FROM ",
                $table,
                " WHERE ",
                $column,
                $comparison,
                "?1 ORDER BY ",
                $column,
                " LIMIT ?2"
            ),
            delete: concat!(
                "DELETE FROM ",
                $table,
                " WHERE ",
                $key,
                " = ?2 AND ",
                $column,
                $comparison,
                "?1"
            ),
        }
    };
}

static EXPIRED: Over = over!("grants", "id", "expires_at", " <= ");
static REVOKED: Over = over!("grants", "id", "revoked_at", " < ");
static SESSIONS: Over = over!("sessions", "id", "expires_at", " <= ");
static PUSHED: Over = over!("pushed_requests", "id", "expires_at", " <= ");
static ASSERTIONS: Over = over!("used_assertions", "id", "expires_at", " <= ");
static REVOCATIONS: Over = over!("revocations", "seq", "expires_at", " <= ");
static SECRETS: Over = over!("secrets", "id", "expires_at", " <= ");
static PERSONAL: Over = over!("personal_access_tokens", "id", "expires_at", " <= ");
static LINKS: Over = over!("one_time_links", "id", "expires_at", " <= ");
static NETWORKS: Over = over!("familiar_networks", "id", "succeeded_at", " < ");
static DEVICES: Over = over!("device_authorizations", "id", "expires_at", " <= ");
static BACKCHANNEL: Over = over!("backchannel_authentications", "id", "expires_at", " <= ");
static AUDIT: Over = over!("audit_events", "id", "at", " < ");

impl SqliteStore {
    pub(crate) async fn purge_batch(&self, purge: Purge) -> Result<Purged, StoreError> {
        let batch = purge.batch.min(LARGEST_BATCH);
        let (now, polled) = (micros(purge.now), micros(purge.polled_requests_before));
        let room = |deleted: u64| batch - u32::try_from(deleted).unwrap_or(batch);
        let mut grants = self.purge_over(&EXPIRED, now, batch).await?;
        grants += self.purge_over(&REVOKED, micros(purge.revoked_grants_before), room(grants)).await?;
        grants += self.sweep(&GRANTS, room(grants)).await?;
        Ok(Purged {
            grants,
            consents: self.sweep(&CONSENTS, batch).await?,
            sessions: self.purge_over(&SESSIONS, now, batch).await?,
            device_authorizations: self.purge_over(&DEVICES, polled, batch).await?,
            backchannel_authentications: self.purge_over(&BACKCHANNEL, polled, batch).await?,
            pushed_requests: self.purge_over(&PUSHED, now, batch).await?,
            used_assertions: self.purge_over(&ASSERTIONS, now, batch).await?,
            familiar_networks: self.purge_over(&NETWORKS, micros(purge.familiar_since), batch).await?,
            revocations: self.purge_over(&REVOCATIONS, now, batch).await?,
            secrets: self.purge_over(&SECRETS, now, batch).await?,
            personal_access_tokens: self.purge_over(&PERSONAL, now, batch).await?,
            one_time_links: self.purge_over(&LINKS, now, batch).await?,
            audit_events: self.purge_over(&AUDIT, micros(purge.audit_before), batch).await?,
        })
    }

    /// Deletes one batch. Without rows nothing is written, so an idle server does not write.
    async fn purge_over(&self, over: &'static Over, before: i64, batch: u32) -> Result<u64, StoreError> {
        let found = self.read_now(|db| find(db, over, before, batch))?;
        if found.is_empty() {
            return Ok(0);
        }
        self.write(move |db| delete(db, over, before, &found)).await
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

fn find(db: &Connection, over: &Over, before: i64, limit: u32) -> sql::Result<Vec<i64>> {
    sql::list(db, over.find, (before, limit), |row| Ok(row.get(0)?))
}

fn delete(db: &Connection, over: &Over, before: i64, rows: &[i64]) -> sql::Result<u64> {
    let mut deleted = 0;
    for row in rows {
        deleted += sql::execute(db, over.delete, (before, row))? as u64;
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    fn database() -> (Connection, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.db");
        drop(SqliteStore::create(&path, Options::default()).unwrap());
        let db = Connection::open(path).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        (db, folder)
    }

    #[test]
    fn a_row_that_is_renewed_after_it_was_found_stays() {
        let (db, _folder) = database();
        for id in 1..=2 {
            let insert =
                "INSERT INTO familiar_networks (id, user_id, user_epoch, network, succeeded_at, failures)
                VALUES (?1, 1, 1, CAST(?1 AS TEXT), 5, 0)";
            db.execute(insert, [id]).unwrap();
        }
        let found = find(&db, &NETWORKS, 10, 9).unwrap();
        assert_eq!(found, [1, 2]);
        db.execute("UPDATE familiar_networks SET succeeded_at = 10 WHERE id = 1", ()).unwrap();
        assert_eq!(delete(&db, &NETWORKS, 10, &found).unwrap(), 1);
        let left: i64 = db.query_row("SELECT id FROM familiar_networks", (), |row| row.get(0)).unwrap();
        assert_eq!(left, 1);
    }

    #[test]
    fn a_grant_that_is_valid_when_the_pass_deletes_stays() {
        let (db, _folder) = database();
        db.execute_batch(
            "INSERT INTO users (id, epoch, active, name, folded_name, password, failures, created_at, updated_at,
                    subject_seed)
                VALUES (1, 2, 1, 'ada', 'ada', '', 0, 0, 0, '');
            INSERT INTO applications (id, epoch, client_id, owner_id, name, folded_name, description, folded_description,
                    redirect_urls, profile, client_type, grant_types, scopes, token_format, contacts, created_at, updated_at)
                VALUES (1, 1, 'client', 1, '', '', '', '', '[]', '', '', '', 0, '', '[]', 0, 0);
            INSERT INTO grants (id, application_id, application_epoch, user_id, user_epoch, scopes, refreshable, generation,
                    key, created_at)
                VALUES (1, 1, 1, 1, 1, 0, 0, 0, 1, 0), (2, 1, 1, 1, 1, 0, 0, 0, 1, 0);
            UPDATE sweeps SET requested = requested + 1",
        )
        .unwrap();
        let tables = Tables(&db);
        let mut pass = run_ready(sweeps::due(&tables, &GRANTS)).unwrap().unwrap();
        let found = run_ready(sweeps::read_window(&tables, &GRANTS, &mut pass, 9, 9)).unwrap();
        assert_eq!(found, [1, 2]);
        db.execute("UPDATE grants SET user_epoch = 2 WHERE id = 1", ()).unwrap();
        assert_eq!(run_ready(sweeps::delete(&tables, &GRANTS, pass, &found)).unwrap(), 1);
    }
}
