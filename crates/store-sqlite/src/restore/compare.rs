//! What the current database knows about the time since the backup.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use store::StoredKey;
use store::relational::{run_ready, settings};

use super::in_use;
use crate::backup::{self, CopyError};
use crate::tables::Tables;
use crate::{OpenError, connection, migrations, sql};

/// How long to wait for another process to close the database.
const PATIENCE: Duration = Duration::from_secs(1);

/// The result of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Current {
    /// It knows what was revoked since the backup.
    Comparable,
    /// There is no database.
    Missing,
    /// It cannot be read; with the reason.
    Unreadable(String),
    /// It is intact, but it is neither the database from which the backup was taken nor its successor.
    Stranger,
}

/// Attaches the current database as `cur`, exclusively locked, if the two can be compared.
pub(super) fn attach(
    work: &Connection,
    database: &Path,
    opens: impl Fn(&[StoredKey]) -> bool,
) -> Result<Current, CopyError> {
    if database.symlink_metadata().is_err() {
        return Ok(Current::Missing);
    }
    let keys = match settle(database).map_err(|error| error.with_damage_of(database)) {
        Ok(keys) => keys,
        Err(CopyError::Damaged { what, .. }) => return Ok(Current::Unreadable(what)),
        Err(CopyError::Open(useless @ (OpenError::Foreign(_) | OpenError::Damaged(_)))) => {
            return Ok(Current::Unreadable(useless.to_string()));
        }
        Err(other) => return Err(other),
    };
    let name =
        database.to_str().ok_or_else(|| CopyError::Inconsistent("a path that is not UTF-8".to_owned()))?;
    work.busy_timeout(PATIENCE)?;
    work.execute("ATTACH ?1 AS cur", [name])?;
    // The lock is held until the connection closes.
    work.pragma_update(Some("cur"), "locking_mode", "exclusive")?;
    work.execute_batch("BEGIN EXCLUSIVE; COMMIT").map_err(|error| in_use(error, database))?;
    if opens(&keys) && is_successor(work)? {
        Ok(Current::Comparable)
    } else {
        work.execute_batch("DETACH cur")?;
        Ok(Current::Stranger)
    }
}

/// Merges the log of the current database into its file, which SQLite only does with exclusive access; then
/// checks it and returns its ring keys.
fn settle(database: &Path) -> Result<Vec<StoredKey>, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    connection::check_file(database)?;
    let db = Connection::open_with_flags(database, flags)?;
    db.busy_timeout(PATIENCE)?;
    connection::refuse_foreign(&db, database)?;
    backup::make_single_file(&db).map_err(|error| in_use(error, database))?;
    match migrations::lacking(&db)? {
        [] => {}
        [first, ..] if first.number == 1 => return Err(OpenError::Foreign(database.to_owned()).into()),
        _ => return Err(CopyError::Older(database.to_owned())),
    }
    backup::check_integrity(&db, "main", database)?;
    Ok(run_ready(settings::list_keys(&Tables(&db)))?)
}

/// Whether both have the same origin: every user and every application that both contain is the same, and
/// they share at least one.
fn is_successor(work: &Connection) -> Result<bool, CopyError> {
    const SHARED: &str = "SELECT
        (SELECT count(*) FROM main.users m JOIN cur.users c ON c.id = m.id),
        (SELECT count(*) FROM main.users m JOIN cur.users c ON c.id = m.id WHERE c.created_at <> m.created_at)
        + (SELECT count(*) FROM main.applications m JOIN cur.applications c ON c.id = m.id
            WHERE c.client_id <> m.client_id)";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (shared, other) = sql::find(work, SHARED, (), read)?.unwrap_or((0, 0));
    Ok(shared > 0 && other == 0)
}
