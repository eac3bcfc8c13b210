//! What a kind of database provides so that its sources can be read.
//!
//! A driver opens connections, describes the database and runs statements. Everything else is common to all
//! kinds and belongs to the [executor](crate::Executor): limits, deadlines, the budget of connections, output in
//! chunks, back-pressure and cancellation.

mod erased;
mod rows;
mod runner;

use std::fmt;
use std::future::Future;

use odata::sql::Dialect;

use crate::{Described, Login, RequestUser, SchemaVersion, SourceError, UserLogins};

pub use crate::stop::{Stop, ready};
pub(crate) use erased::{AnyJob, ErasedJob};
pub use rows::{Flow, RowConsumer, room};
pub use runner::{Job, Runner, Statements};

/// A driver of one source: a database that was opened with certain options. Nothing in the database is
/// written to, except on connections that were opened [to change](Intent::Change) it.
pub trait Driver: fmt::Debug + Send + Sync + 'static {
    /// A connection to the database.
    type Connection: Connection;

    /// Where the futures of the driver and of its connections run.
    const PLACEMENT: Placement;

    /// The SQL dialect of its statements.
    fn dialect(&self) -> Dialect;

    /// Opens a connection for this intent, with this name and password or else with those of the source. The executor limits
    /// their number, and lends a connection only to the user who signed in.
    ///
    /// # Errors
    /// Why the database cannot be read, or changed.
    fn connect(
        &self,
        intent: Intent,
        login: Option<&Login>,
        stop: &Stop,
    ) -> impl Future<Output = Result<Self::Connection, SourceError>> + Send;

    /// Whether an idle connection can still be used, and reads the same database as a new one would. Takes a
    /// few microseconds: it is asked before each use.
    ///
    /// # Errors
    /// Why the database cannot be read at all.
    fn is_current(&self, connection: &Self::Connection) -> Result<bool, SourceError>;

    /// The product and its version as the server names them, such as `PostgreSQL 17.2`: a text of one short line, for
    /// the person who configures the source. It is asked within the transaction of the connection.
    ///
    /// # Errors
    /// Why the database cannot be read.
    fn product(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<String, SourceError>> + Send;

    /// Reads the structure within the transaction of the connection. What cannot be served is a finding, not
    /// an error.
    ///
    /// # Errors
    /// Why the structure cannot be read.
    fn describe(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<Described, SourceError>> + Send;

    /// The state of the structure. It is asked about once a second while the source is used, so it must be
    /// cheap; it must differ after each change of the structure.
    ///
    /// # Errors
    /// Why the database cannot be read.
    fn version(
        &self,
        connection: &mut Self::Connection,
    ) -> impl Future<Output = Result<SchemaVersion, SourceError>> + Send;

    /// Drops what the driver has cached about the place of the database, so that the next connection finds a
    /// database that replaced it. It is called before the structure is read.
    fn expect_changed_structure(&self) {}

    /// Whether the statements of a job have the rights of the user for whom it acts, so that it must name one.
    fn needs_user(&self) -> bool {
        false
    }

    /// With whose names and passwords jobs sign in. If any are demanded, no job has a connection of the source itself.
    fn user_logins(&self) -> UserLogins {
        UserLogins::default()
    }

    /// Closes what the driver keeps open besides the connections of the executor, which are closed before.
    fn close(&self) {}
}

/// A connection to a database. Dropping it closes it.
pub trait Connection: Statements + 'static {
    /// Starts a transaction, in which all statements see the same data. On a connection for reads it only reads. On one
    /// for changes, what a statement has read holds until the end: if another transaction changes it meanwhile, one
    /// of the two fails with [`SourceError::Locked`]. `stop` says when its statements must stop; a driver whose
    /// futures wait may ignore it, because they are dropped then.
    ///
    /// # Errors
    /// Why the database cannot be read.
    fn begin(&mut self, stop: &Stop) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Gives the rights of the user of a job to the statements of the transaction that has begun, if the
    /// [driver](Driver::needs_user) does so. It is called for every job, and for nothing else.
    ///
    /// # Errors
    /// [`SourceError::NoDatabaseRole`] if the user has none, or if no user is named.
    fn act_for(&mut self, user: Option<&RequestUser>) -> Result<(), SourceError> {
        let _ = user;
        Ok(())
    }

    /// Makes the changes of the transaction durable. Afterwards there is no transaction.
    ///
    /// # Errors
    /// Why nothing was changed, if the database says so. After any other one the executor reports
    /// [`SourceError::OutcomeUnknown`].
    fn commit(&mut self) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Ends the transaction without any change. The connection is closed if this fails, or takes longer than a second.
    ///
    /// # Errors
    /// Why the connection cannot be used again.
    fn end(&mut self) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Tells the database to stop a statement whose future was dropped before its end, and closes the
    /// connection.
    fn cancel(self) -> impl Future<Output = ()> + Send;

    /// Closes the connection.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Reads: the database itself prevents changes.
    Read,
    /// Changes, and reads that belong to them.
    Change,
}

/// Where the futures of a driver run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// On a thread of their own: they block it and never wait.
    Thread,
    /// As tasks of the runtime: they wait and never block.
    Task,
}
