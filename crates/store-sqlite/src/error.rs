//! What can go wrong, told apart by what the caller can do about it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::ErrorCode;
use store::StoreError;
use store::columns::Impossible;

/// Why a system database could not be created, opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Creating would overwrite something.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// There is nothing to open.
    #[error("there is no system database at {}", .0.display())]
    Missing(PathBuf),
    /// The file is a database of something else, or no database.
    #[error("{} is not a system database of Sluicegate", .0.display())]
    Foreign(PathBuf),
    /// The installation has moved into another database.
    #[error(
        "{} was copied into a shared database and is not served any more: a code could be redeemed in both, and what is \
         revoked in one would live on in the other. Name the shared database with SLUICEGATE_DATABASE or --database", .0.display()
    )]
    Moved(PathBuf),
    /// A newer version of this program has migrated it.
    #[error(
        "the system database has migration {found}, but this version knows {known} and no later: use the newer version"
    )]
    Newer {
        /// The last migration that ran.
        found: i64,
        /// The last that this version knows.
        known: i64,
    },
    /// Somebody has it alone, to put another file in its place or to move it up.
    #[error("{} is being restored or moved: try again when `sluicegate restore` or `copy` has ended", .0.display())]
    Restoring(PathBuf),
    /// Somebody uses it.
    #[error(
        "{} is in use: stop the server and every other command that works on it, then try again. Nothing was changed",
        .0.display()
    )]
    InUse(PathBuf),
    /// The SQLite library has a known fault that loses data.
    #[error("SQLite {0} is too old: 3.51.3 or newer is needed")]
    OldLibrary(&'static str),
    /// The file system refused.
    #[error("cannot use {}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("the system database cannot be opened")]
    Database(#[from] rusqlite::Error),
}

/// Why a unit of work or a read came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    /// A record that cannot be.
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

    /// Whether the whole transaction failed with it: the disk or the file, not the one unit.
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
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) | None => Kind::Inconsistent,
        Some(_) => Kind::Unavailable,
    }
}

/// The error of the contract for an error of the database; one error may answer many units.
pub(crate) fn store_error(error: &Arc<rusqlite::Error>) -> StoreError {
    match kind(error) {
        Kind::Busy => StoreError::Busy,
        Kind::NotWritable => {
            StoreError::NotWritable(Box::new(Cause(Arc::<rusqlite::Error>::clone(error) as _)))
        }
        Kind::Unavailable => {
            StoreError::Unavailable(Box::new(Cause(Arc::<rusqlite::Error>::clone(error) as _)))
        }
        Kind::Inconsistent => StoreError::Inconsistent(error.to_string()),
    }
}

/// The answer to everything that comes after closing.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

#[derive(Debug, thiserror::Error)]
#[error("SQLite refused")]
struct Cause(#[source] Arc<dyn Error + Send + Sync>);
