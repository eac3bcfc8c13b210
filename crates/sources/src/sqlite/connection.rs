//! One read-only connection, hardened against the file that it reads.

use std::ffi::c_int;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use odata::statement::Statement;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::limits::Limit;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags};

use super::failure::failure;
use super::functions;
use crate::budget::Permit;
use crate::{Deadline, Limits, SourceError};

/// After how many steps of SQLite's machine a running statement asks whether it should stop: some ten microseconds.
const STEPS_BETWEEN_CHECKS: c_int = 1000;

/// What may stop a running statement, besides the end of its source.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) deadline: Option<Deadline>,
    pub(super) cancelled: Option<Arc<AtomicBool>>,
}

/// Shared with SQLite's progress callback.
#[derive(Debug)]
struct Control {
    bounds: Mutex<Bounds>,
    closed: Arc<AtomicBool>,
}

impl Control {
    /// Why the running statement should stop. Once there is a reason it stays.
    fn reason_to_stop(&self) -> Option<SourceError> {
        let bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Relaxed) {
            Some(SourceError::Closed)
        } else if bounds
            .cancelled
            .as_ref()
            .is_some_and(|cancelled| cancelled.load(Ordering::Relaxed))
        {
            Some(SourceError::Cancelled)
        } else if bounds.deadline.is_some_and(Deadline::has_passed) {
            Some(SourceError::TimedOut)
        } else {
            None
        }
    }
}

/// Whether the file is read as one that other programs may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// With SQLite's locks.
    Shared,
    /// Without locks or a write-ahead index, which could not be created.
    Immutable,
}

/// An open connection, set up and checked.
#[derive(Debug)]
pub(super) struct OpenConnection {
    sqlite: Connection,
    control: Arc<Control>,
    pub(super) generation: u64,
    _permit: Permit,
}

impl OpenConnection {
    /// Opens the file at a real path. `closed` is the source's sign to stop everything.
    ///
    /// A database in write-ahead mode needs an index file beside it even for reading. Where that can neither be found nor
    /// created, and the file cannot be written by this server, and no write-ahead log lies there, the file is read as
    /// immutable; the pool then watches it for changes.
    pub(super) fn open(
        path: &Path,
        limits: &Limits,
        closed: &Arc<AtomicBool>,
        permit: Permit,
        generation: u64,
    ) -> Result<(Self, Access), SourceError> {
        let (mut sqlite, access) = match connect(path, limits, Access::Shared) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && is_settled(path) => (
                connect(path, limits, Access::Immutable).map_err(|error| failure(&error))?,
                Access::Immutable,
            ),
            outcome => (outcome.map_err(|error| failure(&error))?, Access::Shared),
        };
        let control = Arc::new(Control {
            bounds: Mutex::default(),
            closed: Arc::clone(closed),
        });
        let asked = Arc::clone(&control);
        let should_stop = move || asked.reason_to_stop().is_some();
        sqlite
            .progress_handler(STEPS_BETWEEN_CHECKS, Some(should_stop))
            .and_then(|()| sqlite.authorizer(Some(authorize)))
            .map_err(|error| failure(&error))?;
        Ok((
            Self {
                sqlite,
                control,
                generation,
                _permit: permit,
            },
            access,
        ))
    }

    /// Sets what stops the statements that follow.
    pub(super) fn bound(&self, bounds: Bounds) {
        *self.control.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// Refuses work that should already have stopped.
    pub(super) fn stop_if_due(&self) -> Result<(), SourceError> {
        self.control.reason_to_stop().map_or(Ok(()), Err)
    }

    /// Why an operation on this connection failed.
    pub(super) fn failure(&self, error: &rusqlite::Error) -> SourceError {
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            return self.control.reason_to_stop().unwrap_or(SourceError::Cancelled);
        }
        failure(error)
    }

    /// Compiles a statement, or finds it compiled, and makes sure that it only reads.
    pub(super) fn prepare(&self, statement: &Statement) -> Result<CachedStatement<'_>, SourceError> {
        let prepared = self
            .sqlite
            .prepare_cached(&statement.sql)
            .map_err(|error| match failure(&error) {
                SourceError::Failed { detail } => SourceError::StructureChanged { detail },
                SourceError::TimedOut => self.failure(&error),
                other => other,
            })?;
        if !prepared.readonly() {
            return Err(SourceError::ReadOnly);
        }
        if prepared.column_count() != statement.columns {
            let detail = format!(
                "{} columns instead of {}",
                prepared.column_count(),
                statement.columns
            );
            return Err(SourceError::StructureChanged { detail });
        }
        Ok(prepared)
    }

    /// Starts a read transaction, ended when the value is dropped.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, SourceError> {
        let begin = self
            .sqlite
            .prepare_cached("BEGIN")
            .and_then(|mut begin| begin.execute([]));
        begin.map_err(|error| self.failure(&error))?;
        Ok(Snapshot { sqlite: &self.sqlite })
    }

    /// SQLite's counter of changes of the structure.
    pub(super) fn schema_counter(&self) -> Result<i64, SourceError> {
        let counter = self.sqlite.prepare_cached("PRAGMA schema_version");
        let counter = counter.and_then(|mut counter| counter.query_row([], |row| row.get(0)));
        counter.map_err(|error| self.failure(&error))
    }

    /// The connection itself, for reading the structure.
    pub(super) fn sqlite(&self) -> &Connection {
        &self.sqlite
    }
}

/// A read transaction.
pub(super) struct Snapshot<'connection> {
    sqlite: &'connection Connection,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // Fails only where SQLite has ended the transaction itself.
        let _ = self
            .sqlite
            .prepare_cached("ROLLBACK")
            .and_then(|mut rollback| rollback.execute([]));
    }
}

fn connect(path: &Path, limits: &Limits, access: Access) -> rusqlite::Result<Connection> {
    // The path is a real one, so a link there now was put there after it was checked.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = match access {
        // A real path begins with a slash, so it is never taken for a URI.
        Access::Shared => Connection::open_with_flags(path, flags)?,
        Access::Immutable => {
            Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
    };
    harden(&connection, limits)?;
    connection.busy_timeout(limits.lock_wait)?;
    connection.set_prepared_statement_cache_capacity(limits.prepared_statements);
    // Sorts larger than the cache go to a temporary file: in memory they would be bounded by nothing.
    connection.pragma_update(None, "temp_store", "file")?;
    connection.pragma_update(None, "cache_size", -i64::from(limits.cache_kib))?;
    connection.pragma_update(
        None,
        "mmap_size",
        i64::try_from(limits.mmap_bytes).unwrap_or(i64::MAX),
    )?;
    functions::register(&connection)?;
    // SQLite reads nothing before it must: this fails now if the file is no database.
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    Ok(connection)
}

/// Takes from the connection whatever reading does not need. The file itself may be hostile.
fn harden(connection: &Connection, limits: &Limits) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, 1024 * 1024)?;
    let largest = i32::try_from(limits.max_value_bytes).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, largest)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// What statements may do: select, and read the structure.
fn authorize(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Recursive
        | AuthAction::Transaction {
            operation: TransactionOperation::Begin | TransactionOperation::Rollback,
        } => true,
        AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => match pragma_name {
            "table_list" | "table_xinfo" | "foreign_key_list" | "index_list" => true,
            "schema_version" => pragma_value.is_none(),
            _ => false,
        },
        _ => false,
    };
    if allowed {
        Authorization::Allow
    } else {
        Authorization::Deny
    }
}

/// Whether a file in write-ahead mode holds everything itself and cannot change under this server's hands.
fn is_settled(path: &Path) -> bool {
    let log_is_empty = std::fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0);
    // Asked of SQLite, not of the file system: closing a file handle of ours would drop SQLite's locks on the file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let writable = Connection::open_with_flags(path, flags)
        .and_then(|connection| connection.is_readonly("main"))
        .is_ok_and(|readonly| !readonly);
    log_is_empty && !writable
}

/// The path of a file that SQLite keeps beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file URI that SQLite takes for exactly this path.
fn immutable_uri(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut uri = String::from("file://");
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                uri.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_uri_characters_is_read_literally_when_immutable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?mode=rwc&b#c%20 ü.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t(a)")
            .unwrap();
        let opened = connect(&path, &Limits::default(), Access::Immutable).unwrap();
        assert_eq!(
            opened.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)),
            Ok(0)
        );
    }

    #[test]
    fn a_writable_file_is_never_taken_for_immutable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writable.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t(a)")
            .unwrap();
        assert!(!is_settled(&path));
    }
}
