//! Putting a backup in the place of a database, so that nothing that was revoked since comes back.
//!
//! Everything is prepared in a work file: the backup is copied and checked ([`Prepared::make`]), what is there is looked at
//! ([`Prepared::compare_with`]), one transaction ends what must end ([`Prepared::end`]; the steps stand at
//! [`store::Restoring`]), and only then the work file takes the database's name ([`Prepared::put_in_place`]). Until that
//! moment the old database is untouched.

use std::path::{Path, PathBuf};

use oauth::time::Timestamp;
use rusqlite::{Connection, OpenFlags};
use store::{Credentials, Restored, Restoring, StoredKey};

use crate::backup::{self, CopyError, Figures};
use crate::{OpenError, Options, connection, migrations, settings, sql};

mod carry_over;
mod compare;
mod ending;
mod place;

pub use compare::Current;
pub use place::keep_aside;

/// A backup in a work file, on its way to become a database.
pub struct Prepared {
    db: Connection,
    path: PathBuf,
    figures: Figures,
    compared: bool,
}

impl Prepared {
    /// Copies a backup into a new work file, checks it and brings it to the form that this version needs. The backup
    /// itself is only read.
    ///
    /// # Errors
    /// When it is no backup, is damaged or of a newer version, or when there is no room.
    pub fn make(from: &Path, work: &Path, progress: &mut dyn FnMut(u8)) -> Result<Self, CopyError> {
        connection::check_file(from)?;
        let (db, figures) = copy(from, work, progress).map_err(|error| error.with_damage_of(from))?;
        Ok(Self { db, path: work.to_owned(), figures, compared: false })
    }

    /// What the backup holds.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// The ring keys of the backup, which its master key opens.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn keys(&self) -> Result<Vec<StoredKey>, CopyError> {
        Ok(settings::list_keys(&self.db)?)
    }

    /// Looks whether the database that is there can tell what ended since the backup. Where it can, it is locked from
    /// now on and nobody writes to it any more. `opens` says whether the master key opens these ring keys.
    ///
    /// # Errors
    /// When somebody uses it, or when it must be migrated first.
    pub fn compare_with(
        &mut self,
        database: &Path,
        opens: impl Fn(&[StoredKey]) -> bool,
    ) -> Result<Current, CopyError> {
        let current = compare::attach(&self.db, database, opens)?;
        self.compared = matches!(current, Current::Comparable);
        Ok(current)
    }

    /// The highest number of a ring key that is known; a new key gets a higher one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn highest_key(&self) -> Result<u32, CopyError> {
        const OWN: &str = "SELECT coalesce(max(id), 0) FROM ring_keys";
        const BOTH: &str = "SELECT coalesce(max(id), 0)
            FROM (SELECT id FROM main.ring_keys UNION ALL SELECT id FROM cur.ring_keys)";
        Ok(sql::value(&self.db, if self.compared { BOTH } else { OWN }, ())?)
    }

    /// Does everything that [`store::Restoring`] asks for, in one transaction.
    ///
    /// # Errors
    /// When nobody could administer the outcome; then nothing was changed. Carrying over needs something to compare with.
    pub fn end(&mut self, restoring: &Restoring) -> Result<Restored, CopyError> {
        if restoring.credentials == Credentials::CarryOver && !self.compared {
            return Err(CopyError::Inconsistent("nothing can be carried over".to_owned()));
        }
        self.db.execute_batch("BEGIN EXCLUSIVE")?;
        let outcome = ending::run(&self.db, restoring, self.compared);
        self.db.execute_batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        outcome
    }

    /// Makes the work file durable and gives it the database's name. What had that name was kept aside before by
    /// [`keep_aside`]; whoever looks at the folder at any moment finds the old one or the new one.
    ///
    /// # Errors
    /// When the folder cannot be written; then the old one is still there.
    pub fn put_in_place(self, database: &Path) -> Result<(), CopyError> {
        // The connection, and with it the lock on the old database, is given up last.
        place::put_in_place(&self.path, database)
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
    // Nobody relies on the work file before it is whole.
    db.pragma_update(None, "journal_mode", "memory")?;
    db.pragma_update(None, "foreign_keys", true)?;
    let figures = backup::inspect(&db, from)?;
    migrations::run(&mut db)?;
    Ok((db, figures))
}

/// A database that somebody uses, in the words of this module's errors.
fn in_use(error: rusqlite::Error, database: &Path) -> CopyError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            OpenError::InUse(database.to_owned()).into()
        }
        _ => error.into(),
    }
}

/// A moment as it is stored, for a statement.
fn stored(at: Timestamp) -> i64 {
    crate::micros(at)
}
