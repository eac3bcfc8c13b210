//! What the database that is there can tell about the time since the backup.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use store::StoredKey;

use super::in_use;
use crate::backup::{self, CopyError};
use crate::{OpenError, connection, migrations, settings, sql};

/// How long somebody else may still be closing the database.
const PATIENCE: Duration = Duration::from_secs(1);

/// What became of comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Current {
    /// It knows what ended since the backup.
    Comparable,
    /// There is none.
    Missing,
    /// It cannot be read, and so tells nothing: why.
    Unreadable(String),
    /// It is whole, but not the one that the backup was made of, or not its successor.
    Stranger,
}

/// Attaches the current database under the name `cur`, locked against everybody, if it can be compared with.
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
        Err(CopyError::Open(foreign @ OpenError::Foreign(_))) => {
            return Ok(Current::Unreadable(foreign.to_string()));
        }
        Err(other) => return Err(other),
    };
    let name =
        database.to_str().ok_or_else(|| CopyError::Inconsistent("a path that is not UTF-8".to_owned()))?;
    work.busy_timeout(PATIENCE)?;
    work.execute("ATTACH ?1 AS cur", [name])?;
    // Once it is locked it stays so until the connection closes.
    work.pragma_update(Some("cur"), "locking_mode", "exclusive")?;
    work.execute_batch("BEGIN EXCLUSIVE; COMMIT").map_err(|error| in_use(error, database))?;
    if opens(&keys) && is_successor(work)? {
        Ok(Current::Comparable)
    } else {
        work.execute_batch("DETACH cur")?;
        Ok(Current::Stranger)
    }
}

/// Brings the current database into one file, which SQLite does only for somebody who has it alone, checks it, and
/// answers its ring keys.
fn settle(database: &Path) -> Result<Vec<StoredKey>, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
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
    Ok(settings::list_keys(&db)?)
}

/// Whether both grew from one: every user and every application that both have is the same one, and there is at least one.
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
