//! Opens the file itself, hardened against hostile content.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::functions;
use crate::Limits;

/// The maximum length of a statement or of a table's declaration, in bytes.
pub(super) const LONGEST_DECLARATION: i32 = 1024 * 1024;

/// Whether other programs may change the file while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// With SQLite's locks.
    Shared,
    /// Without locks or a write-ahead index, which could not be created.
    Immutable,
    /// With SQLite's locks, to change it.
    Change,
}

/// Opens and configures a connection to a real path, and reads the header of the file.
pub(super) fn connect(path: &Path, limits: &Limits, access: Access) -> rusqlite::Result<Connection> {
    // The path is a real one, so a link there now was created after the check.
    let mode = match access {
        Access::Shared | Access::Immutable => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::Change => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = mode
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = match access {
        // A real path starts with a slash, so it is never taken for a URI.
        Access::Shared | Access::Change => Connection::open_with_flags(path, flags)?,
        Access::Immutable => {
            Connection::open_with_flags(immutable_uri(path), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
    };
    harden(&connection)?;
    match access {
        Access::Shared | Access::Immutable => connection.pragma_update(None, "query_only", true)?,
        Access::Change => keep_rules(&connection)?,
    }
    connection.busy_timeout(limits.lock_wait)?;
    connection.set_prepared_statement_cache_capacity(limits.prepared_statements);
    // Sorts larger than the cache go to a temporary file; in memory they would be unbounded.
    connection.pragma_update(None, "temp_store", "file")?;
    connection.pragma_update(None, "cache_size", -i64::from(limits.cache_kib))?;
    connection.pragma_update(None, "mmap_size", i64::try_from(limits.mmap_bytes).unwrap_or(i64::MAX))?;
    functions::register(&connection)?;
    // SQLite reads nothing before it must: this fails now if the file is not a database.
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    Ok(connection)
}

/// Disables everything that reading does not need, because the file may be hostile.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // Without it, SQLite compiles a statement again for each value that is bound.
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ] {
        connection.set_db_config(setting, value)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST_DECLARATION)?;
    // Until a statement says how many values it reads.
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_DECLARATION)?;
    connection.pragma_update(None, "cell_size_check", true)
}

/// What a change must not do without: references and triggers, which are rules of the database, and a commit that is on the disk when
/// it returns.
fn keep_rules(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "full")
}

/// What statements may do: select, and read the structure.
pub(super) fn authorize(context: AuthContext<'_>) -> Authorization {
    let allowed = match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Recursive
        | AuthAction::Transaction {
            operation: TransactionOperation::Begin | TransactionOperation::Rollback,
        } => true,
        AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        AuthAction::Pragma { pragma_name, pragma_value } => match pragma_name {
            "table_list" | "table_xinfo" | "foreign_key_list" | "index_list" | "index_xinfo" => true,
            "schema_version" | "application_id" | "data_version" | "encoding" => pragma_value.is_none(),
            _ => false,
        },
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

/// What statements of a change may do besides: insert, update and delete rows of tables that are not SQLite's own, and commit.
pub(super) fn authorize_change(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => {
            let is_sqlites_own =
                table_name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
            // A key that is generated without reuse has its last value there.
            let is_sequence = table_name.eq_ignore_ascii_case("sqlite_sequence");
            if is_sqlites_own && !is_sequence { Authorization::Deny } else { Authorization::Allow }
        }
        AuthAction::Transaction { .. } => Authorization::Allow,
        _ => authorize(context),
    }
}

/// Whether a file in write-ahead mode contains everything itself and cannot change while this server reads
/// it.
pub(super) fn is_settled(path: &Path) -> bool {
    let log_is_empty = std::fs::metadata(beside(path, "-wal")).map_or(true, |log| log.len() == 0);
    // SQLite is asked, not the file system: closing a file handle of our own would release SQLite's locks on
    // the file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let writable = Connection::open_with_flags(path, flags)
        .and_then(|connection| connection.is_readonly("main"))
        .is_ok_and(|readonly| !readonly);
    log_is_empty && !writable
}

/// The path of a file that SQLite puts beside the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A file URI that SQLite interprets as exactly this path.
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
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
        let opened = connect(&path, &Limits::default(), Access::Immutable).unwrap();
        assert_eq!(opened.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)), Ok(0));
    }

    #[test]
    fn a_writable_file_is_never_taken_for_immutable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writable.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
        assert!(!is_settled(&path));
    }
}
