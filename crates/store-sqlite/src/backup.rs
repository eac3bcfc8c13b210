//! A copy of the database in one file, made while a server is running.
//!
//! SQLite's backup interface copies page by page inside one read transaction. With write-ahead logging a
//! reader never blocks a writer, and the copy is a snapshot of the time at which it started, however long it
//! takes. Without the surrounding transaction the copy would start again whenever the server commits, and
//! would never finish under load. `VACUUM INTO` is equally consistent, but it rebuilds every index while the
//! server needs the CPU, and it reports no progress.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use rusqlite::backup::StepResult;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use crate::error::{Failure, in_words};
use crate::{DatabaseLock, OpenError, Options, audit, connection, migrations};

/// Pages in one step, after which progress is reported: 4 MiB.
const STEP_PAGES: i32 = 1_000;

/// The parameters of a backup.
#[derive(Debug)]
pub struct Backup<'a> {
    /// The database; a server may be using it.
    pub from: &'a Path,
    /// The new file.
    pub to: &'a Path,
    /// The audit event, which is written into the copy and records when it was taken.
    pub event: &'a NewAuditEvent,
}

/// The content of a copy, counted in the copy itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// The size in bytes.
    pub bytes: u64,
    /// When it was taken: the time of the newest event in its audit log.
    pub taken_at: Timestamp,
    /// User accounts.
    pub users: u64,
    /// Registered applications.
    pub applications: u64,
    /// Data sources.
    pub data_sources: u64,
    /// Grants.
    pub grants: u64,
    /// Events in the audit log.
    pub audit_events: u64,
}

/// Why a copy could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The target exists; nothing is ever overwritten.
    #[error("{} exists already and is never overwritten: choose another name", .0.display())]
    Exists(PathBuf),
    /// The temporary name of the copy is taken.
    #[error(
        "{} exists: another backup is running, or one was interrupted. If none is running, delete that file and try \
         again",
        .0.display()
    )]
    Unfinished(PathBuf),
    /// The file system reported an error.
    #[error("{} cannot be written", .path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// SQLite could not write the copy.
    #[error("{} cannot be written: {}", path.display(), in_words(error))]
    Target {
        /// The path of the file.
        path: PathBuf,
        /// The error of SQLite, which the message repeats in words.
        error: rusqlite::Error,
    },
    /// The copied data is damaged.
    #[error(
        "{} is damaged ({what}): use another backup; if this happened while making one, check the disk under both files",
        path.display()
    )]
    Damaged {
        /// The file that was copied or checked.
        path: PathBuf,
        /// The fault that SQLite found.
        what: String,
    },
    /// The database to compare with has an older schema.
    #[error("{} has the schema of an older version: run `sluicegate migrate` on its folder first, then try again", .0.display())]
    Older(PathBuf),
    /// No active Administrator would remain after the restore.
    #[error(
        "no active Administrator would remain; nothing was changed. Name a user of the backup with --administrator NAME: \
         that user becomes an active Administrator with a new password"
    )]
    NoAdministrator,
    /// The named user is not in the backup.
    #[error(
        "the backup has no user {name}; nothing was changed. Its Administrators are: {administrators}; name one with --administrator NAME"
    )]
    UnknownAdministrator {
        /// The name in the request.
        name: String,
        /// The names that are possible.
        administrators: String,
    },
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// SQLite reported an error.
    #[error("SQLite failed: {}", in_words(.0))]
    Database(rusqlite::Error),
    /// A stored record is invalid.
    #[error("the database contains an invalid value: {0}")]
    Inconsistent(String),
}

impl From<rusqlite::Error> for CopyError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Failure> for CopyError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sql(error) => Self::Database(error),
            Failure::Inconsistent(what) => Self::Inconsistent(what),
        }
    }
}

impl CopyError {
    /// If SQLite failed because it could not write, returns the error that names the copy: its source is only
    /// read.
    pub(crate) fn with_target(self, path: &Path) -> Self {
        match self {
            Self::Database(error) if is_failed_write(&error) => Self::Target { path: path.to_owned(), error },
            other => other,
        }
    }

    /// If SQLite failed because the file is damaged, returns the error that names the file.
    pub(crate) fn with_damage_of(self, path: &Path) -> Self {
        match self {
            Self::Database(error) | Self::Open(OpenError::Database(error)) if is_damage(&error) => {
                Self::Damaged { path: path.to_owned(), what: in_words(&error) }
            }
            other => other,
        }
    }

    pub(crate) fn of_file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// Makes the copy, checks it, makes it durable and finally renames it. `progress` receives percentages.
///
/// # Errors
/// [`CopyError`]; no file is left behind.
pub fn backup(order: &Backup<'_>, progress: &mut dyn FnMut(u8)) -> Result<Figures, CopyError> {
    connection::check_file(order.from)?;
    let _lock = match DatabaseLock::shared(order.from) {
        // A file in a folder that is not writable is not being restored either.
        Err(OpenError::File { .. }) => None,
        other => Some(other?),
    };
    if order.to.symlink_metadata().is_ok() {
        return Err(CopyError::Exists(order.to.to_owned()));
    }
    let unfinished = Unfinished::create(order.to)?;
    let filled = fill(order, &unfinished.0, progress);
    let figures = filled.map_err(|error| error.with_target(order.to).with_damage_of(order.from))?;
    unfinished.finish(order.to)?;
    Ok(figures)
}

fn fill(order: &Backup<'_>, path: &Path, progress: &mut dyn FnMut(u8)) -> Result<Figures, CopyError> {
    {
        let source = connection::open_reader(order.from, Options::default())?;
        connection::refuse_foreign(&source, order.from)?;
        let mut copy = open_copy(path)?;
        copy_pages(&source, &mut copy, progress)?;
        make_single_file(&copy)?;
        audit::append(&copy, order.event)?;
        copy.close().map_err(|(_, error)| error)?;
    }
    let figures = inspect(&open_checked(path)?, path)?;
    // Only now: when a process closes a file, it loses SQLite's locks on that file.
    sync(path).map_err(CopyError::of_file(path))?;
    Ok(figures)
}

/// Opens the copy in progress. Nothing relies on it yet, so it is synced once, at the end. It carries our
/// application id before it contains anything, so that an interrupted copy is never mistaken for foreign
/// data.
pub(crate) fn open_copy(path: &Path) -> Result<Connection, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    connection::prepare(&db, Options::default())?;
    db.pragma_update(None, "synchronous", "off")?;
    db.pragma_update(None, "application_id", connection::APPLICATION_ID)?;
    Ok(db)
}

/// Copies the current content of `source`.
pub(crate) fn copy_pages(
    source: &Connection,
    copy: &mut Connection,
    progress: &mut dyn FnMut(u8),
) -> Result<(), CopyError> {
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    {
        let copying = rusqlite::backup::Backup::new(source, copy)?;
        loop {
            match copying.step(STEP_PAGES)? {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(CopyError::Open(OpenError::InUse(PathBuf::from("the database")))),
            }
            let (total, left) = (copying.progress().pagecount, copying.progress().remaining);
            progress(u8::try_from((total - left) * 100 / total.max(1)).unwrap_or(100));
        }
    }
    progress(100);
    Ok(source.execute_batch("COMMIT")?)
}

/// Leaves WAL mode, so that the copy is a single file and can be read on a read-only file system.
pub(crate) fn make_single_file(copy: &Connection) -> rusqlite::Result<()> {
    copy.pragma_update(None, "journal_mode", "delete")
}

/// Opens a copy read-only.
fn open_checked(path: &Path) -> Result<Connection, CopyError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// Checks that a copy is intact and ours, and counts its content. Errors name the file `named`.
pub(crate) fn inspect(db: &Connection, named: &Path) -> Result<Figures, CopyError> {
    connection::refuse_foreign(db, named)?;
    if migrations::lacking(db)?.first().is_some_and(|step| step.number == 1) {
        return Err(OpenError::Foreign(named.to_owned()).into());
    }
    check_integrity(db, "main", named)?;
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        db.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
    };
    let number = |pragma: &str| db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let taken_at = db.query_row("SELECT coalesce(max(at), 0) FROM audit_events", [], |row| row.get(0))?;
    Ok(Figures {
        bytes: (number("page_count")? * number("page_size")?).unsigned_abs(),
        taken_at: Timestamp::from_micros(taken_at),
        users: count("users")?,
        applications: count("applications")?,
        data_sources: count("data_sources")?,
        grants: count("grants")?,
        audit_events: count("audit_events")?,
    })
}

/// Checks every page and every index of one of the databases of a connection.
pub(crate) fn check_integrity(db: &Connection, schema: &str, named: &Path) -> Result<(), CopyError> {
    let damaged = |what: String| CopyError::Damaged { path: named.to_owned(), what };
    let found: rusqlite::Result<String> =
        db.query_row(&format!("PRAGMA {schema}.integrity_check(1)"), [], |row| row.get(0));
    match found {
        Ok(found) if found == "ok" => {}
        Ok(found) => return Err(damaged(found)),
        Err(error) if is_damage(&error) => return Err(damaged(in_words(&error))),
        Err(error) => return Err(error.into()),
    }
    let mut dangling = db.prepare(&format!("PRAGMA {schema}.foreign_key_check"))?;
    if dangling.exists([])? {
        Err(damaged("a row that another row references is missing".to_owned()))
    } else {
        Ok(())
    }
}

/// Whether the error means that the file is damaged, rather than busy, locked, not writable or full.
fn is_damage(error: &rusqlite::Error) -> bool {
    let Some(error) = error.sqlite_error() else { return false };
    matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        || matches!(
            error.extended_code,
            ffi::SQLITE_IOERR_READ
                | ffi::SQLITE_IOERR_SHORT_READ
                | ffi::SQLITE_IOERR_CORRUPTFS
                | ffi::SQLITE_IOERR_DATA
                | ffi::SQLITE_IOERR_MMAP
        )
}

/// Whether a file could not be written: it is full, too long for this user, or on a faulty disk.
fn is_failed_write(error: &rusqlite::Error) -> bool {
    let Some(error) = error.sqlite_error() else { return false };
    matches!(
        error.extended_code,
        ffi::SQLITE_FULL
            | ffi::SQLITE_IOERR_WRITE
            | ffi::SQLITE_IOERR_FSYNC
            | ffi::SQLITE_IOERR_DIR_FSYNC
            | ffi::SQLITE_IOERR_TRUNCATE
            | ffi::SQLITE_IOERR_DELETE
            | ffi::SQLITE_IOERR_CLOSE
    )
}

/// Makes a file and its name durable.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_folder(path)
}

/// Makes the directory entries in the folder of a file durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// A copy under its temporary name; the file is deleted if the value is dropped before it is finished.
struct Unfinished(PathBuf);

impl Unfinished {
    fn create(to: &Path) -> Result<Self, CopyError> {
        let path = connection::beside(to, ".unfinished");
        match connection::create_file(&path) {
            Ok(()) => Ok(Self(path)),
            Err(OpenError::Exists(path)) => Err(CopyError::Unfinished(path)),
            // The operator chose `to` and does not know the temporary name.
            Err(OpenError::File { source, .. }) => Err(CopyError::of_file(to)(source)),
            Err(other) => Err(other.into()),
        }
    }

    /// A hard link fails if the target exists; a rename would replace a file that somebody created meanwhile.
    fn finish(self, to: &Path) -> Result<(), CopyError> {
        match std::fs::hard_link(&self.0, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(CopyError::Exists(to.to_owned()));
            }
            // The file system has no hard links.
            Err(_) => std::fs::rename(&self.0, to).map_err(CopyError::of_file(to))?,
        }
        drop(self);
        sync_folder(to).map_err(CopyError::of_file(to))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // If the deletion fails, the next backup to the same path reports the file.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            drop(std::fs::remove_file(connection::beside(&self.0, suffix)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_names_the_copy_and_a_failed_read_the_database() {
        let message = |code| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error =
                CopyError::from(error).with_target(Path::new("copy")).with_damage_of(Path::new("live"));
            error.to_string()
        };
        for code in
            [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE, ffi::SQLITE_FULL]
        {
            assert!(message(code).starts_with("copy cannot be written: "), "{}", message(code));
        }
        for code in [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_CORRUPT] {
            assert!(message(code).starts_with("live is damaged "), "{}", message(code));
        }
        for code in [ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMOPEN, ffi::SQLITE_IOERR_LOCK] {
            assert!(message(code).starts_with("SQLite failed: "), "{}", message(code));
        }
    }
}
