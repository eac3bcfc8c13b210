//! What can go wrong with a data source.

use odata::sql::functions::Unanswerable;

/// Why a data source could not be opened or read.
///
/// `Display` is the public text: it names no path, no SQL and nothing of any file's contents, and it may be shown to
/// whoever asked. The private reason, for logs, is [`SourceError::detail`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no file at the path.
    #[error("the database file does not exist")]
    Missing,
    /// The path names a folder, a device or something else that is no regular file.
    #[error("the path does not name a file")]
    NotAFile,
    /// The file lies outside the folders from which data sources may be read.
    #[error("the path is outside the folders that data sources may use")]
    NotAllowed,
    /// The path leads into a folder of the server's own, for somebody who may name any other file.
    #[error("the path leads to the server's own files, which are never served")]
    ServersOwn,
    /// The file or its folder may not be read by this server.
    #[error("the database file cannot be read")]
    Unreadable {
        /// The database's own words, for logs.
        detail: String,
    },
    /// The file is no database of the expected kind, or is encrypted.
    #[error("the file is not a database of this kind")]
    NotADatabase,
    /// The file is a system database of this server, or a copy of one.
    #[error("the file is a system database of Sluicegate or a copy of one, which is never served")]
    OwnFile,
    /// The database contradicts itself or was replaced while it was read.
    #[error("the database is damaged, or was replaced while it was being read")]
    Damaged {
        /// The database's own words, for logs.
        detail: String,
    },
    /// A statement does not fit the database: its structure changed since the model was built.
    #[error("the structure of the data source has changed; its model must be read again")]
    StructureChanged {
        /// The database's own words, for logs.
        detail: String,
    },
    /// A statement would have changed something.
    #[error("data sources are read-only")]
    ReadOnly,
    /// The statement needs a function, a collation or a module that only other programs have, or more than the database
    /// engine can do: trying again does not help.
    #[error(
        "this server cannot run the query: it needs a function or a collation that only the program which made the \
             database has, or more than the database engine can do"
    )]
    Unsupported {
        /// The database's own words, for logs.
        detail: String,
    },
    /// The query has no answer for a row that it meets, such as a division by zero: whoever asked must ask otherwise.
    #[error(transparent)]
    Unanswerable(#[from] Unanswerable),
    /// A single value or row is larger than the limit of the source.
    #[error(
        "a row of the data source is larger than this server passes on; select fewer or smaller properties"
    )]
    ValueTooLarge,
    /// The machine has no memory or no room on the disk for what the statement needs: worth trying again.
    #[error("the server has no room for what the query needs")]
    Exhausted {
        /// The database's own words, for logs.
        detail: String,
    },
    /// All workers of the source are taken and the queue is full: worth trying again.
    #[error("the data source is busy")]
    Busy,
    /// Another process holds the database locked: worth trying again.
    #[error("the data source is locked by another program")]
    Locked,
    /// The statement ran longer than its deadline allows.
    #[error("the query took longer than this server allows")]
    TimedOut,
    /// The receiver of the rows has gone away.
    #[error("the request was cancelled")]
    Cancelled,
    /// The receiver of the rows took none for too long.
    #[error("the client did not read the answer in time")]
    Stalled,
    /// The source has been closed: deleted, or replaced by one with other settings.
    #[error("the data source has been closed")]
    Closed,
    /// The server itself ran out of something or made a mistake.
    #[error("the data source could not be read")]
    Failed {
        /// The database's own words, for logs.
        detail: String,
    },
}

impl SourceError {
    /// The private reason, where there is more to say than the public text. For logs only: it may name tables,
    /// columns and SQL.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unreadable { detail }
            | Self::Damaged { detail }
            | Self::StructureChanged { detail }
            | Self::Unsupported { detail }
            | Self::Exhausted { detail }
            | Self::Failed { detail } => Some(detail),
            _ => None,
        }
    }

    /// Whether the same request may succeed in a moment without anybody mending anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Locked | Self::Exhausted { .. })
    }
}
