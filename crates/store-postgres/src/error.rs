//! What can go wrong, told apart by what the caller can do about it.

use std::sync::Arc;

use deadpool::managed::{PoolError, TimeoutType};
use store::StoreError;
use store::columns::Impossible;
use tokio_postgres::error::SqlState;

/// Why a system database could not be created, opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none, or asks for what is not supported.
    #[error("the database URL cannot be used: {0}")]
    Address(String),
    /// The certificate authority cannot be read.
    #[error("the certificate authority {path} cannot be read")]
    Authority {
        /// Which file.
        path: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Creating would overwrite something.
    #[error("the database holds an installation already")]
    Exists,
    /// There is nothing to open.
    #[error("the database holds no installation")]
    Missing,
    /// The database holds tables of something else.
    #[error("the database is not empty and not a system database of Sluicegate")]
    Foreign,
    /// An installation is being copied into it.
    #[error(
        "the database holds an unfinished copy of an installation: run `sluicegate copy` again, which goes on where it was \
         interrupted"
    )]
    UnfinishedCopy,
    /// It was filled from a dump or is a copy, and opens what was handed out in that one's day.
    #[error(
        "this database was restored from a dump or copied from another, so what was revoked since would be good again: run \
         `sluicegate restore --database postgres://… --after-pg-restore`"
    )]
    Restored,
    /// The server is too old.
    #[error("PostgreSQL {0} is too old: 14 or newer is needed")]
    OldServer(String),
    /// A newer version of this program has migrated it, and this one cannot work with what it made.
    #[error(
        "the system database has migration {found}, but this version knows {known} and no later: use the newer version"
    )]
    Newer {
        /// The last migration that ran.
        found: i64,
        /// The last that this version knows.
        known: i64,
    },
    /// The database refused, or cannot be reached.
    #[error("the system database cannot be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Database(Box::new(failure))
    }
}

/// Why a unit of work or a read came to nothing. Displaying it tells no parameter and no credentials.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the database refused")]
    Sql(#[source] tokio_postgres::Error),
    #[error("no connection to the database")]
    NoConnection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Every connection is in use, and none came free in time.
    #[error("every connection to the database is in use")]
    Exhausted,
    /// The database did not answer in time; what was asked may have been done.
    #[error("the database did not answer in time")]
    Late,
    #[error("the store is closed")]
    Closed,
    /// A record that cannot be.
    #[error("an impossible record: {0}")]
    Inconsistent(String),
    /// One failure that answers several callers.
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
            // The pool's own words would only say once more what the error says.
            PoolError::Backend(error) => Self::NoConnection(Box::new(error)),
            other => Self::NoConnection(Box::new(other)),
        }
    }
}

impl Failure {
    /// Whether the same unit of work may succeed when it is run again at once: it lost against another.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code().is_some_and(|code| {
            *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        })
    }

    /// Whether the connection was lost before an answer came, so that a read may be asked again over another one.
    pub(crate) fn is_broken_connection(&self) -> bool {
        match self {
            Self::Sql(error) => error.is_closed() || error.as_db_error().is_none() || self.server_is_ending(),
            _ => false,
        }
    }

    /// Whether the database cannot be reached at all, or does not answer.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::NoConnection(_) | Self::Late)
    }

    /// Whether the statement asks for something that this server does not have. What it has and does not show is a fault
    /// of its rights.
    pub(crate) fn is_unknown_to_the_server(&self) -> bool {
        self.code().is_some_and(|code| {
            *code != SqlState::INSUFFICIENT_PRIVILEGE && matches!(code.code().get(..2), Some("42" | "0A"))
        })
    }

    /// Whether somebody else held for too long what the statement needs.
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

    /// What is impossible. Of the server's words the code alone: they may repeat values of the statement.
    fn what(&self) -> String {
        match self {
            Self::Inconsistent(what) => what.clone(),
            Self::Shared(failure) => failure.what(),
            other => format!("the database refused with {}", other.code().map_or("?", SqlState::code)),
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
            // Out of disk or memory; a standby or a read-only transaction; an error of the system.
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
