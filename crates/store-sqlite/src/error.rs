//! Errors, classified by what the caller can do about them.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;
use store::StoreError;
use store::columns::Impossible;

/// Why a system database could not be created, opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A database is already there; it would be overwritten.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is no database to open.
    #[error("there is no system database at {}", .0.display())]
    Missing(PathBuf),
    /// The file is another program's database, or no database.
    #[error("{} is not a system database of Sluicegate", .0.display())]
    Foreign(PathBuf),
    /// The file has no byte, or not the tables of an installation.
    #[error("{} contains no installation: the file is damaged; restore a backup", .0.display())]
    Damaged(PathBuf),
    /// The installation was migrated to another database.
    #[error(
        "{} was copied into a shared database and is no longer served: a code could be redeemed in both, and what \
         is revoked in one would stay valid in the other. Name the shared database with SLUICEGATE_DATABASE or \
         --database", .0.display()
    )]
    Moved(PathBuf),
    /// A newer version of this program has migrated it.
    #[error(
        "the system database has migration {found}, but this version only knows migrations up to {known}: use the \
         newer version"
    )]
    Newer {
        /// The number of the last migration that ran.
        found: i64,
        /// The number of the last migration that this version knows.
        known: i64,
    },
    /// Another process has exclusive access, to replace the file or to migrate it to another database.
    #[error("{} is being restored or migrated to another database: try again when `sluicegate restore` or `copy` \
             has ended", .0.display())]
    Restoring(PathBuf),
    /// Another process is using it.
    #[error(
        "{} is in use: stop the server and every other command that works on it, then try again. Nothing was changed",
        .0.display()
    )]
    InUse(PathBuf),
    /// The SQLite library has a known bug that loses data.
    #[error("SQLite {0} is too old: 3.51.3 or newer is needed")]
    OldLibrary(&'static str),
    /// The file system reported an error.
    #[error("cannot use {}", .path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// SQLite reported an error.
    #[error("the system database cannot be opened: {}", in_words(.0))]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// The error of SQLite in words that say what to do. For a disk failure SQLite reports only a number.
pub fn in_words(error: &rusqlite::Error) -> String {
    let rusqlite::Error::SqliteFailure(code, words) = error else { return error.to_string() };
    let message = match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "another program has locked it; try again when that program has ended"
        }
        ErrorCode::SystemIoFailure => {
            "reading or writing failed; look for faults of the disk and for limits on the size of files, and do not keep \
             it on a network file system, where SQLite cannot lock and share memory"
        }
        ErrorCode::DiskFull => "the disk is full; make room and try again",
        ErrorCode::CannotOpen => {
            "a file cannot be opened; the user of this program must be able to read and write it and its folder"
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
            "a file cannot be written; check the owner and the mode of the file and of its folder"
        }
        ErrorCode::DatabaseCorrupt => "the file is damaged; restore a backup",
        ErrorCode::NotADatabase => "the file is not a SQLite database, or is damaged",
        ErrorCode::OutOfMemory => "the machine is out of memory",
        _ => return words.clone().unwrap_or_else(|| error.to_string()),
    };
    format!("{message} (SQLite's code {})", code.extended_code)
}

/// Why an operation or a read failed.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    /// A stored record is invalid.
    Inconsistent(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Impossible> for Failure {
    fn from(Impossible(what): Impossible) -> Self {
        Self::Inconsistent(what)
    }
}

impl Failure {
    pub(crate) fn into_store_error(self) -> StoreError {
        match self {
            Self::Inconsistent(what) => StoreError::Inconsistent(what),
            Self::Sql(error) => store_error(&Arc::new(error)),
        }
    }

    /// Whether the whole transaction failed because of the disk or the file, rather than only this operation.
    pub(crate) fn spoils_transaction(&self) -> bool {
        matches!(self, Self::Sql(error) if matches!(kind(error), Kind::Busy | Kind::NotWritable | Kind::Unavailable))
    }
}

enum Kind {
    Busy,
    NotWritable,
    Unavailable,
    Inconsistent,
}

fn kind(error: &rusqlite::Error) -> Kind {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Busy,
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied,
        ) => Kind::NotWritable,
        // The last two are failures of one statement, such as JSON that cannot be read.
        Some(
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig | ErrorCode::Unknown,
        )
        | None => Kind::Inconsistent,
        Some(_) => Kind::Unavailable,
    }
}

/// The contract's error for a database error; one error may be the answer to many operations.
pub(crate) fn store_error(error: &Arc<rusqlite::Error>) -> StoreError {
    match kind(error) {
        Kind::Busy => StoreError::Busy,
        Kind::NotWritable => StoreError::NotWritable(Box::new(Cause(Arc::clone(error)))),
        Kind::Unavailable => StoreError::Unavailable(Box::new(Cause(Arc::clone(error)))),
        Kind::Inconsistent => StoreError::Inconsistent(error.to_string()),
    }
}

/// The error of every operation after closing.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

#[derive(Debug, thiserror::Error)]
#[error("SQLite refused: {}", in_words(.0))]
struct Cause(Arc<rusqlite::Error>);

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_failure_with_a_number_alone_is_described() {
        for (code, words) in [
            (ffi::SQLITE_IOERR_SHMOPEN, "network file system"),
            (ffi::SQLITE_IOERR_WRITE, "faults of the disk"),
            (ffi::SQLITE_FULL, "make room"),
            (ffi::SQLITE_READONLY_DBMOVED, "owner and the mode"),
            (ffi::SQLITE_CANTOPEN, "cannot be opened"),
            (ffi::SQLITE_CORRUPT, "restore a backup"),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let message = OpenError::from(error).to_string();
            assert!(message.contains(words) && message.contains(&code.to_string()), "{message}");
            assert!(!message.contains("Error code"), "{message}");
        }
    }
}
