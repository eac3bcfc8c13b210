//! How files and connections are opened.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{OpenError, Options};

/// The oldest safe SQLite version; earlier ones can lose committed writes when a checkpoint runs concurrently
/// with a writer.
const OLDEST_LIBRARY: i32 = 3_051_003;

/// The application id in the file header, which marks the file as ours: `SLGC`.
pub(crate) const APPLICATION_ID: i32 = 0x534c_4743;

/// The application id after the installation was migrated to another database: `SLGM`. Versions that do not
/// know it treat the file as foreign and refuse it too.
pub(crate) const MOVED_ID: i32 = 0x534c_474d;

/// The maximum number of compiled statements that a connection caches; there are fewer.
const STATEMENTS: usize = 160;

/// Creates an empty, private file. SQLite gives the files that it puts beside it the same permissions.
pub(crate) fn create_file(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpenError::Exists(path.to_owned())),
        Err(source) => Err(OpenError::File { path: path.to_owned(), source }),
    }
}

/// Refuses an outdated SQLite library.
pub(crate) fn check_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_LIBRARY {
        return Err(OpenError::OldLibrary(rusqlite::version()));
    }
    Ok(())
}

/// Refuses an outdated SQLite library, and a file that is missing or has no byte. SQLite would take the latter
/// for a new database, and delete the log beside it.
pub(crate) fn check_file(path: &Path) -> Result<(), OpenError> {
    check_library()?;
    match path.metadata() {
        Ok(file) if file.is_file() && file.len() == 0 => Err(OpenError::Damaged(path.to_owned())),
        Ok(file) if file.is_file() => Ok(()),
        _ => Err(OpenError::Missing(path.to_owned())),
    }
}

/// The path with a suffix appended, as SQLite names the files beside a database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Restricts the database and the files beside it to their owner.
pub(crate) fn keep_private(path: &Path) -> Result<(), OpenError> {
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        if let Err(source) = restrict(&file) {
            return Err(OpenError::File { path: file, source });
        }
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut permissions = metadata.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o600);
        std::fs::set_permissions(file, permissions)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens a connection that may write. The checkpoint thread copies the write-ahead log back, so automatic
/// checkpoints are off. `synchronous = FULL` syncs the log at each commit, which makes an acknowledged write
/// durable.
pub(crate) fn open_writer(path: &Path, options: Options) -> Result<Connection, OpenError> {
    let db = open_writable(path, options)?;
    refuse_foreign(&db, path)?;
    refuse_read_only(&db, path)?;
    prepare_writer(db)
}

/// As [`open_writer`], for a file that [`create_file`] has just created: it contains nothing yet.
pub(crate) fn open_new(path: &Path, options: Options) -> Result<Connection, OpenError> {
    prepare_writer(open_writable(path, options)?)
}

fn open_writable(path: &Path, options: Options) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&db, options)?;
    Ok(db)
}

fn prepare_writer(db: Connection) -> Result<Connection, OpenError> {
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // In KiB: enough for the inner pages, and for the right-hand ends of the tables and indexes that creating
    // a grant touches.
    db.pragma_update(None, "cache_size", -32_768)?;
    Ok(db)
}

/// Opens the only connection to the database; no other can be opened until it is closed, however the process
/// ends. In WAL mode every open connection shares SQLite's lock on the file; this connection holds it
/// exclusively.
pub(crate) fn open_alone(path: &Path, options: Options) -> Result<Connection, OpenError> {
    let db = open_writable(path, options)?;
    // This must come before the first read, which then takes the lock.
    db.pragma_update(None, "locking_mode", "exclusive")?;
    match refuse_foreign(&db, path) {
        Ok(()) | Err(OpenError::Moved(_)) => {}
        Err(error) => return Err(error),
    }
    refuse_read_only(&db, path)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(db)
}

/// A connection that only reads.
pub(crate) fn open_reader(path: &Path, options: Options) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&db, options)?;
    db.pragma_update(None, "cache_size", -4_096)?;
    Ok(db)
}

pub(crate) fn prepare(db: &Connection, options: Options) -> rusqlite::Result<()> {
    db.busy_timeout(options.busy_timeout)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without this, SQLite compiles a statement again whenever other values are bound, which took four fifths
    // of the time of creating a grant.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "temp_store", "memory")
}

/// The application id in the header; 0 if there is none.
pub(crate) fn mark(db: &Connection) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Accepts a database with our application id and our tables; refuses any other. A file that has the one without
/// the other, or neither any table, is what a fault of the disk or an interrupted copy leaves.
pub(crate) fn refuse_foreign(db: &Connection, path: &Path) -> Result<(), OpenError> {
    const TABLES: &str =
        "SELECT count(*), count(*) FILTER (WHERE type = 'table' AND name IN ('migrations', 'users'))
        FROM sqlite_schema";
    let foreign = || OpenError::Foreign(path.to_owned());
    let mark = mark(db).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign(),
        Some(ErrorCode::DatabaseBusy) => OpenError::InUse(path.to_owned()),
        _ => error.into(),
    })?;
    if mark == MOVED_ID {
        return Err(OpenError::Moved(path.to_owned()));
    }
    let (all, ours): (i64, i64) = db.query_row(TABLES, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match mark {
        APPLICATION_ID if ours == 2 => Ok(()),
        APPLICATION_ID => Err(OpenError::Damaged(path.to_owned())),
        0 if all == 0 => Err(OpenError::Damaged(path.to_owned())),
        _ => Err(foreign()),
    }
}

/// Refuses a file that this user may not write: SQLite opens it for reading then, without an error.
pub(crate) fn refuse_read_only(db: &Connection, path: &Path) -> Result<(), OpenError> {
    if db.is_readonly("main")? {
        return Err(OpenError::File {
            path: path.to_owned(),
            source: io::ErrorKind::PermissionDenied.into(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_may_only_be_read_is_refused_like_a_folder_that_may_only_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("system.db");
        drop(crate::SqliteStore::create(&path, Options::default()).unwrap());
        refuse_read_only(&open_writable(&path, Options::default()).unwrap(), &path).unwrap();
        let reader = open_reader(&path, Options::default()).unwrap();
        let refused = refuse_read_only(&reader, &path).unwrap_err();
        let OpenError::File { path: named, source } = refused else { panic!("{refused}") };
        assert_eq!((named, source.kind()), (path, io::ErrorKind::PermissionDenied));
    }
}
