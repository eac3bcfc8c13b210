//! Errors of a data source.

mod advice;
mod violation;

use std::fmt;

use odata::statement::Unanswerable;

pub use violation::{BrokenRule, Violation};

/// Why a data source could not be opened or read.
///
/// `Display` gives the public text, which contains no path, no SQL and no content of a file, and may be shown
/// to the caller. The private reason, for logs, is [`SourceError::detail`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no file at the path.
    #[error(
        "the database file does not exist; a relative path is looked up below data_sources.sqlite_folders"
    )]
    Missing,
    /// The path names a folder, a device or something else that is not a regular file.
    #[error("the path does not name a file")]
    NotAFile,
    /// The file is outside the folders from which data sources may be read.
    #[error(
        "the path is outside the folders that data sources may use: give the absolute path of a file below one of \
         data_sources.sqlite_folders, by default the folder sources of the data directory, or a path relative to it"
    )]
    NotAllowed,
    /// The path leads into a folder of the server itself, for a caller who may name any other file.
    #[error("the path leads to the server's own files, which are never served")]
    ServersOwn,
    /// The host is not among those to which data sources may connect, or its name leads elsewhere.
    #[error("the host is not among those that data sources may use")]
    HostNotAllowed,
    /// The database server refused the user name, the password or another secret.
    #[error("the database server refused the user name or the password")]
    SignInRefused {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// There is no database with that name on the server.
    #[error("the database server has no database with that name")]
    NoDatabase {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// The user of the data source lacks a right in the database.
    #[error("the user of the data source lacks a right in the database")]
    NotPermitted {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// The data source names no role of the database for the user.
    #[error("the data source has no database role for you")]
    NoDatabaseRole,
    /// The source signs in with names and passwords of its users, and there are none of this user.
    #[error(
        "the data source signs in to its database with a name and a password of yours, and there are none"
    )]
    NoLogin,
    /// The database refused the name or the password of the user.
    #[error("the database refused the name or the password that you gave for it")]
    LoginRefused,
    /// Too many names and passwords of the user were refused.
    #[error(
        "too many names and passwords of yours were refused by databases; try again in {seconds} seconds"
    )]
    TooManyLogins {
        /// When another attempt is allowed.
        seconds: u32,
    },
    /// The user who has signed in lacks a right in the database.
    #[error("the database does not give you the right to do this")]
    LoginLacksRight,
    /// The database server is older than this program supports.
    #[error("the database server is too old; {oldest} or newer is needed")]
    OldServer {
        /// The oldest version that is supported, with the name of the product.
        oldest: &'static str,
    },
    /// The encoding of the database does not say which characters its texts have.
    #[error(
        "the encoding of the database does not say which characters its texts have; a database with UTF8 is needed"
    )]
    UnknownCharacters,
    /// The server may not read the file or its folder.
    #[error("the database file cannot be read")]
    Unreadable {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// The name of the database server has no address.
    #[error("the name of the database server cannot be resolved")]
    Unresolved {
        /// The error text of the resolver, for logs.
        detail: String,
    },
    /// The database server offers no TLS, which the data source demands.
    #[error("the database server offers no TLS")]
    NoTls,
    /// The certificate of the database server is not accepted.
    #[error("the certificate of the database server {fault}")]
    CertificateRefused {
        /// What is wrong with it.
        fault: CertificateFault,
        /// The error text of the connection, for logs.
        detail: String,
    },
    /// No encrypted connection to the database server can be made, for another reason than its certificate.
    #[error("no encrypted connection to the database server can be made")]
    NotEncrypted {
        /// The error text of the connection, for logs.
        detail: String,
    },
    /// Nothing listens at the port of the database server.
    #[error("the machine of the database server refused the connection")]
    ConnectionRefused {
        /// The error text of the connection, for logs.
        detail: String,
    },
    /// The database server did not answer before the time to connect and to sign in was over.
    #[error("the database server does not answer in time")]
    NoAnswer {
        /// What it did not answer, for logs.
        detail: String,
    },
    /// The database server cannot be reached in another way, is of another kind, or broke the connection.
    #[error("the database server cannot be reached")]
    Unreachable {
        /// The error text of the connection, for logs.
        detail: String,
    },
    /// The file is not a database of the expected kind, or is encrypted.
    #[error("the file is not a database of this kind")]
    NotADatabase,
    /// The file is a system database of this server, or a copy of one.
    #[error("the file is a system database of Sluicegate or a copy of one, which is never served")]
    OwnFile,
    /// The database is inconsistent, or was replaced while it was read.
    #[error("the database is corrupt, or was replaced while it was being read")]
    Damaged {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// A statement does not match the database: its structure changed after the model was compiled.
    #[error("the structure of the data source has changed; its model must be read again")]
    StructureChanged {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// A statement would have changed something.
    #[error("data sources are read-only")]
    ReadOnly,
    /// The statement needs a function, a collation or a module that only other programs have or a character that
    /// the database cannot have, or exceeds the capabilities of the database engine; retrying does not help.
    #[error(
        "the database cannot run the query: it needs a function, a collation or a character that is missing there, or more \
         than the database engine can do"
    )]
    Unsupported {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// The query has no result for a row, because of a division by zero, for example; the caller must change
    /// it.
    #[error(transparent)]
    Unanswerable(#[from] Unanswerable),
    /// A change contradicts a rule of the database.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The database did not say whether it has made a change durable.
    #[error("the data source did not say whether it has made the change")]
    OutcomeUnknown {
        /// What happened, for logs.
        detail: String,
    },
    /// A single value or row is larger than the limit of the source.
    #[error(
        "a row of the data source is larger than this server can return; select fewer or smaller properties"
    )]
    ValueTooLarge,
    /// The machine lacks the memory or disk space for the statement; retry later.
    #[error("the server lacks the memory or disk space for the query")]
    Exhausted {
        /// The error text of the database, for logs.
        detail: String,
    },
    /// All workers of the source are busy and the queue is full; retry later.
    #[error("the data source is busy")]
    Busy,
    /// Another process has locked the database; retry later.
    #[error("the data source is locked by another program")]
    Locked,
    /// The statement exceeded its deadline.
    #[error("the query took longer than this server allows")]
    TimedOut,
    /// The receiver of the rows is gone.
    #[error("the request was cancelled")]
    Cancelled,
    /// The receiver of the rows took none for too long.
    #[error("the client did not read the response in time")]
    Stalled,
    /// The source has been closed: deleted, or replaced by one with other settings.
    #[error("the data source has been closed")]
    Closed,
    /// The server itself ran out of a resource or has a bug.
    #[error("the data source could not be read")]
    Failed {
        /// The error text of the database, for logs.
        detail: String,
    },
}

/// What is wrong with the certificate of a database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFault {
    /// The time for which it is valid is over.
    Expired,
    /// The time for which it is valid has not begun.
    NotYetValid,
    /// No authority that the data source trusts has signed it.
    UnknownAuthority,
    /// It is for another name.
    OtherName,
    /// It is wrong in another way.
    Invalid,
}

impl fmt::Display for CertificateFault {
    /// The end of a sentence about the certificate.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Expired => "has expired",
            Self::NotYetValid => "is not valid yet",
            Self::UnknownAuthority => "was not signed by a trusted authority",
            Self::OtherName => "is for another name",
            Self::Invalid => "is not valid",
        })
    }
}

impl SourceError {
    /// The private reason, if it says more than the public text. For logs only: it may name tables, columns
    /// and SQL.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unreadable { detail }
            | Self::Unreachable { detail }
            | Self::Unresolved { detail }
            | Self::NotEncrypted { detail }
            | Self::CertificateRefused { detail, .. }
            | Self::ConnectionRefused { detail }
            | Self::NoAnswer { detail }
            | Self::SignInRefused { detail }
            | Self::NoDatabase { detail }
            | Self::NotPermitted { detail }
            | Self::Damaged { detail }
            | Self::StructureChanged { detail }
            | Self::Unsupported { detail }
            | Self::Exhausted { detail }
            | Self::OutcomeUnknown { detail }
            | Self::Failed { detail } => Some(detail),
            _ => None,
        }
    }

    /// The same on a connection on which a user has signed in, or wanted to. What the database says may repeat the name.
    pub(crate) fn of_user(self) -> Self {
        match self {
            Self::SignInRefused { .. } => Self::LoginRefused,
            Self::NotPermitted { .. } => Self::LoginLacksRight,
            error => error,
        }
    }

    /// Whether the connection that reported it must not be used again.
    pub(crate) fn taints_connection(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::Unreadable { .. }
                | Self::Unreachable { .. }
                | Self::NotADatabase
                | Self::OwnFile
                | Self::OutcomeUnknown { .. }
                | Self::Failed { .. }
        )
    }

    /// Whether the database server is not there or does not answer, which may change without any repair of the source.
    pub fn is_of_absent_server(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Unresolved { .. }
                | Self::ConnectionRefused { .. }
                | Self::NoAnswer { .. }
        )
    }

    /// Whether the same request may succeed shortly without any repair.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Locked | Self::Exhausted { .. })
    }
}
