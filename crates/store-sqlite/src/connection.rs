//! How files and connections are opened.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{OpenError, Options};

/// SQLite before it may lose committed writes when a checkpoint meets a writer.
const OLDEST_LIBRARY: i32 = 3_051_003;

/// Stands in the header of the file, so that it is never mistaken for somebody else's database: `SLGC`.
pub(crate) const APPLICATION_ID: i32 = 0x534c_4743;

/// Takes its place when the installation has moved into another database: `SLGM`. Versions of this program that do not
/// know it take the file for somebody else's and refuse it too.
pub(crate) const MOVED_ID: i32 = 0x534c_474d;

/// Statements that a connection keeps compiled; more than there are.
const STATEMENTS: usize = 160;

/// Makes the file, empty and private: what SQLite puts beside it gets the same permissions.
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

/// Refuses a file that is not there, and a library that is too old.
pub(crate) fn check_file(path: &Path) -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_LIBRARY {
        return Err(OpenError::OldLibrary(rusqlite::version()));
    }
    if path.is_file() { Ok(()) } else { Err(OpenError::Missing(path.to_owned())) }
}

/// The file of that name with something appended, as SQLite names what it puts beside a database.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes the permissions of everybody but the owner away from the database and the files beside it.
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

/// A connection that may write. The write-ahead log is copied back by the checkpointer, hence no automatic checkpoint;
/// `synchronous = FULL` syncs the log at each commit, which is what makes an acknowledged write durable.
pub(crate) fn open_writer(path: &Path, options: Options) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&db, options)?;
    refuse_foreign(&db, path)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // In KiB: the inner pages and the right-hand ends of the tables and indexes that founding touches.
    db.pragma_update(None, "cache_size", -32_768)?;
    Ok(db)
}

/// A connection that nobody else may have besides, and that keeps all others out until it is closed, however the process
/// ends: in WAL mode every open connection shares SQLite's lock on the file, and this one holds it alone.
pub(crate) fn open_alone(path: &Path, options: Options) -> Result<Connection, OpenError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&db, options)?;
    // Before anything is read, since only then the lock is taken with the first read.
    db.pragma_update(None, "locking_mode", "exclusive")?;
    match refuse_foreign(&db, path) {
        Ok(()) | Err(OpenError::Moved(_)) => {}
        Err(error) => return Err(error),
    }
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
    // Otherwise a statement is compiled again whenever other values are bound, which took four fifths of the time of
    // founding a grant.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "temp_store", "memory")
}

/// Whose file the header says that it is; 0 where nobody has said.
pub(crate) fn mark(db: &Connection) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// An empty database is ours to fill; any other must carry our mark.
pub(crate) fn refuse_foreign(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let foreign = || OpenError::Foreign(path.to_owned());
    let mark = mark(db).map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign(),
        Some(ErrorCode::DatabaseBusy) => OpenError::InUse(path.to_owned()),
        _ => error.into(),
    })?;
    if mark == MOVED_ID {
        return Err(OpenError::Moved(path.to_owned()));
    }
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if mark == APPLICATION_ID || (mark == 0 && tables == 0) { Ok(()) } else { Err(foreign()) }
}
