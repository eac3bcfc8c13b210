//! Errors, classified by what the caller can do about them.

use std::sync::Arc;

use deadpool::managed::{PoolError, TimeoutType};
use store::StoreError;
use store::columns::Impossible;
use tokio_postgres::error::SqlState;

/// Why a system database could not be created, opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is invalid, or asks for something unsupported.
    #[error("the database URL cannot be used: {0}")]
    Address(String),
    /// The certificate authority file cannot be read.
    #[error("the certificate authority {path} cannot be read")]
    Authority {
        /// The path of the file.
        path: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A database is already there; it would be overwritten.
    #[error("the database already contains an installation")]
    Exists,
    /// There is no database to open.
    #[error("the database contains no installation")]
    Missing,
    /// The database contains tables of another program.
    #[error("the database is not empty and not a system database of Sluicegate")]
    Foreign,
    /// An installation is being copied into it.
    #[error(
        "the database contains an unfinished copy of an installation: run `sluicegate copy` again to continue it"
    )]
    UnfinishedCopy,
    /// It was restored from a dump or is a copy. It would accept credentials that were revoked since.
    #[error(
        "this database was restored from a dump or copied from another, so it would accept credentials that were \
         revoked since: run \
         `sluicegate restore --database postgres://… --after-pg-restore`"
    )]
    Restored,
    /// The server is too old.
    #[error("PostgreSQL {0} is too old: 14 or newer is needed")]
    OldServer(String),
    /// A newer version of this program has migrated it, and this version cannot use the result.
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
    /// The database cannot be reached, or lets nobody in with these credentials.
    #[error(
        "no connection to PostgreSQL: check that it runs and accepts connections from this machine, and that host, port, \
         user, password, name and sslmode in the database URL are right"
    )]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database reported an error.
    #[error("the system database cannot be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        if matches!(failure, Failure::NoConnection(_) | Failure::Late) {
            Self::Unreachable(Box::new(failure))
        } else {
            Self::Database(Box::new(failure))
        }
    }
}

/// Why an operation or a read failed. `Display` prints no parameter and no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database refused")]
    Sql(#[source] tokio_postgres::Error),
    #[error("no connection to the database")]
    NoConnection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Every connection is in use, and none became free in time.
    #[error("every connection to the database is in use")]
    Exhausted,
    /// The database did not answer in time; the operation may have been done.
    #[error("the database did not answer in time")]
    Late,
    #[error("the store is closed")]
    Closed,
    /// A stored record is invalid.
    #[error("an invalid record: {0}")]
    Inconsistent(String),
    /// One failure that is the answer to several callers.
    #[error("a batch failed")]
    Shared(#[source] Arc<Failure>),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Impossible> for Failure {
    fn from(Impossible(what): Impossible) -> Self {
        Self::Inconsistent(what)
    }
}

impl From<PoolError<tokio_postgres::Error>> for Failure {
    fn from(error: PoolError<tokio_postgres::Error>) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Exhausted,
            PoolError::Closed => Self::Closed,
            // The server is there, and has none to give.
            PoolError::Backend(error) if error.code() == Some(&SqlState::TOO_MANY_CONNECTIONS) => {
                Self::Exhausted
            }
            // The pool's own text only repeats the error.
            PoolError::Backend(error) => Self::NoConnection(Box::new(error)),
            other => Self::NoConnection(Box::new(other)),
        }
    }
}

impl Failure {
    /// Whether the operation may succeed if it is run again at once, because it lost against a concurrent
    /// one.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code().is_some_and(|code| {
            *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        })
    }

    /// Whether the connection was lost before an answer came, so that a read may be repeated on another
    /// connection.
    pub(crate) fn is_broken_connection(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_closed() || error.as_db_error().is_none() || self.server_is_ending(),
            _ => false,
        }
    }

    /// Whether it is an answer of a database that continues to serve.
    pub(crate) fn is_an_answer(&self) -> bool {
        match self {
            Self::Sql(error) => error.as_db_error().is_some() && !self.server_is_ending(),
            Self::Inconsistent(_) => true,
            _ => false,
        }
    }

    /// Whether the statement was refused because of a value in it, so that it changed nothing.
    pub(crate) fn is_about_a_value(&self) -> bool {
        self.code().is_some_and(|code| matches!(code.code().get(..2), Some("22" | "23")))
    }

    /// Whether the statement needs something that this server does not have. A missing privilege does not
    /// count.
    pub(crate) fn is_unknown_to_the_server(&self) -> bool {
        self.code().is_some_and(|code| {
            *code != SqlState::INSUFFICIENT_PRIVILEGE && matches!(code.code().get(..2), Some("42" | "0A"))
        })
    }

    /// Whether a lock that the statement needs was held for too long.
    pub(crate) fn is_locked(&self) -> bool {
        self.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) || self.is_conflict()
    }

    fn server_is_ending(&self) -> bool {
        self.code().is_some_and(|code| {
            [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code)
        })
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Sql(error) => error.code(),
            Self::Shared(failure) => failure.code(),
            _ => None,
        }
    }

    /// The description of the inconsistency. It contains only the code of the server's error, because the message may
    /// repeat values of the statement.
    fn what(&self) -> String {
        match self {
            Self::Inconsistent(what) => what.clone(),
            Self::Shared(failure) => failure.what(),
            other => format!("the database reported the error {}", other.code().map_or("?", SqlState::code)),
        }
    }

    pub(crate) fn into_store_error(self) -> StoreError {
        match self.class() {
            Class::Busy => StoreError::Busy,
            Class::NotWritable => StoreError::NotWritable(Box::new(self)),
            Class::Unavailable => StoreError::Unavailable(Box::new(self)),
            Class::Inconsistent => StoreError::Inconsistent(self.what()),
        }
    }

    fn class(&self) -> Class {
        let error = match self {
            Self::NoConnection(_) | Self::Late | Self::Closed => return Class::Unavailable,
            Self::Exhausted => return Class::Busy,
            Self::Inconsistent(_) => return Class::Inconsistent,
            Self::Shared(failure) => return failure.class(),
            Self::Sql(error) => error,
        };
        let Some(code) = error.code() else {
            return Class::Unavailable;
        };
        if self.is_conflict() || *code == SqlState::LOCK_NOT_AVAILABLE {
            return Class::Busy;
        }
        match code.code().get(..2) {
            // Out of disk or memory; a standby or a read-only transaction; a system error.
            Some("53" | "25" | "58") => Class::NotWritable,
            Some("22" | "23" | "42") => Class::Inconsistent,
            _ => Class::Unavailable,
        }
    }
}

enum Class {
    Busy,
    NotWritable,
    Unavailable,
    Inconsistent,
}
