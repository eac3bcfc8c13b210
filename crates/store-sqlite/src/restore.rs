//! Restores a backup so that nothing that was revoked since becomes valid again.
//!
//! Everything is prepared in a work file. The backup is copied and checked ([`StagedRestore::make`]), the current
//! database is compared ([`StagedRestore::compare_with`]), and one transaction revokes what must be revoked
//! ([`StagedRestore::revoke`]; [`store::Restoring`] lists the steps). Only then does the work file take the name of
//! the database ([`StagedRestore::put_in_place`]). Until that point the old database is unchanged.

use std::path::{Path, PathBuf};

use domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags};
use store::relational::{run_ready, settings};
use store::{Credentials, Restored, Restoring, StoredKey};

use crate::backup::{self, CopyError, Figures};
use crate::tables::Tables;
use crate::{OpenError, Options, connection, migrations, sql};

mod carry_over;
mod client_keys;
mod compare;
mod replace;
mod revoke;

pub use compare::Current;
pub use replace::keep_aside;

/// A backup in a work file, which is about to become the database.
pub struct StagedRestore {
    db: Connection,
    path: PathBuf,
    figures: Figures,
    compared: bool,
}

impl StagedRestore {
    /// Copies a backup into a new work file, checks it and migrates it to this version. The backup itself is
    /// only read.
    ///
    /// # Errors
    /// If the file is not a backup, is damaged, belongs to a newer version, or does not fit on the disk.
    pub fn make(from: &Path, work: &Path, progress: &mut dyn FnMut(u8)) -> Result<Self, CopyError> {
        connection::check_file(from)?;
        let (db, figures) =
            copy(from, work, progress).map_err(|error| error.with_target(work).with_damage_of(from))?;
        Ok(Self { db, path: work.to_owned(), figures, compared: false })
    }

    /// The content of the backup.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// The ring keys of the backup, sealed under its master key.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn keys(&self) -> Result<Vec<StoredKey>, CopyError> {
        Ok(run_ready(settings::list_keys(&Tables(&self.db)))?)
    }

    /// Checks whether the current database knows what was revoked since the backup. If it can, it is locked from now on
    /// and nobody can write to it. `opens` says whether the master key opens these ring keys.
    ///
    /// # Errors
    /// If the database is in use, or must be migrated first.
    pub fn compare_with(
        &mut self,
        database: &Path,
        opens: impl Fn(&[StoredKey]) -> bool,
    ) -> Result<Current, CopyError> {
        let current = compare::attach(&self.db, database, opens)?;
        self.compared = matches!(current, Current::Comparable);
        Ok(current)
    }

    /// The highest known number of a ring key; a new key gets a higher one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn highest_key(&self) -> Result<u32, CopyError> {
        const OWN: &str = "SELECT coalesce(max(id), 0) FROM ring_keys";
        const BOTH: &str = "SELECT coalesce(max(id), 0)
            FROM (SELECT id FROM main.ring_keys UNION ALL SELECT id FROM cur.ring_keys)";
        Ok(sql::value(&self.db, if self.compared { BOTH } else { OWN }, ())?)
    }

    /// Performs all steps of [`store::Restoring`] in one transaction.
    ///
    /// # Errors
    /// If no active Administrator would remain; nothing was changed then. Carrying over needs a database to
    /// compare with.
    pub fn revoke(&mut self, restoring: &Restoring) -> Result<Restored, CopyError> {
        if restoring.credentials == Credentials::CarryOver && !self.compared {
            return Err(CopyError::Inconsistent("nothing can be carried over".to_owned()));
        }
        self.db.execute_batch("BEGIN EXCLUSIVE")?;
        let outcome = revoke::run(&self.db, restoring, self.compared);
        self.db.execute_batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        outcome
    }

    /// Makes the work file durable and renames it to the database. [`keep_aside`] has kept the previous
    /// database under another name before. At any time the folder contains either the old database or the new
    /// one under this name.
    ///
    /// # Errors
    /// If the folder cannot be written; the old database is still there then.
    pub fn put_in_place(self, database: &Path) -> Result<(), CopyError> {
        // The connection, and with it the lock on the old database, is closed last.
        replace::put_in_place(&self.path, database)
    }
}

fn copy(from: &Path, work: &Path, progress: &mut dyn FnMut(u8)) -> Result<(Connection, Figures), CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    connection::prepare(&source, Options::default())?;
    connection::refuse_foreign(&source, from)?;
    connection::create_file(work)?;
    let mut db = backup::open_copy(work)?;
    backup::copy_pages(&source, &mut db, progress)?;
    backup::make_single_file(&db)?;
    // Nothing relies on the work file before it is complete.
    db.pragma_update(None, "journal_mode", "memory")?;
    db.pragma_update(None, "foreign_keys", true)?;
    let figures = backup::inspect(&db, from)?;
    migrations::run(&mut db)?;
    Ok((db, figures))
}

/// The error for a database that is in use.
fn in_use(error: rusqlite::Error, database: &Path) -> CopyError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            OpenError::InUse(database.to_owned()).into()
        }
        _ => error.into(),
    }
}

/// A time in its stored form, as a parameter.
fn stored(at: Timestamp) -> i64 {
    crate::micros(at)
}

/// A number of rows, for the report.
fn count(rows: usize) -> u64 {
    rows as u64
}
