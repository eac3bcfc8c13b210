//! A data source of any kind.

use std::ops::ControlFlow;

use odata::model::{Finding, Schema};
use odata::sql::Dialect;
use odata::statement::Statement;

use crate::sqlite::{SqliteRunner, SqliteSource};
use crate::{ChunkSink, Chunks, Deadline, Ran, Run, SourceError, SourceRow};

/// An opened data source, to be shared between threads. Nothing in it is ever written to.
#[derive(Debug)]
pub enum Source {
    /// A SQLite database file.
    Sqlite(SqliteSource),
}

/// The description of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// The tables that can be served, sorted by name.
    pub schema: Schema,
    /// What was left out or looks doubtful, and why; to be reported with the findings of the compiled model.
    pub findings: Vec<Finding>,
    /// Declarations of the owner that do not hold, each with the option that contains it. They are reported
    /// too; for a new source they are a fault.
    pub refused: Vec<(&'static str, Finding)>,
}

/// Identifies a state of a database's structure: if two versions are equal, a model compiled for one also
/// fits the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchemaVersion {
    pub(crate) file: (u64, u64),
    pub(crate) counter: i64,
}

impl Source {
    /// Reads the structure. This may take seconds for a very large schema: call it off the request threads.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] after the deadline, or why the database cannot be read.
    pub fn read_schema(&self, deadline: Deadline) -> Result<Described, SourceError> {
        match self {
            Self::Sqlite(source) => source.read_schema(deadline),
        }
    }

    /// The state of the database's structure: takes a few microseconds, so it can be called now and then.
    ///
    /// # Errors
    /// Why the database cannot be read.
    pub fn schema_version(&self) -> Result<SchemaVersion, SourceError> {
        match self {
            Self::Sqlite(source) => source.schema_version(),
        }
    }

    /// Runs one short statement on the caller's thread and passes each row to `each`, until that breaks.
    /// Meant for reads that take a fraction of a millisecond; use [`Source::stream`] for others.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] after the deadline; [`SourceError::StructureChanged`] if the statement does
    /// not match the database; or why the database cannot be read. `each` may have seen rows before.
    pub fn query<F>(&self, statement: &Statement, run: Run, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        match self {
            Self::Sqlite(source) => source.query(statement, run, each),
        }
    }

    /// Runs several short statements on the caller's thread, all on the same snapshot of the data.
    ///
    /// # Errors
    /// As for [`Source::query`], or what `read` returns.
    pub fn read<T>(
        &self,
        run: Run,
        read: impl FnOnce(&Runner<'_>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        match self {
            Self::Sqlite(source) => source.read(run, |runner| read(&Runner(Backend::Sqlite(runner)))),
        }
    }

    /// Runs `job` on a worker thread, its statements all on the same snapshot of the data, and returns its
    /// output in chunks of about 64 KiB. Take the first chunk before starting a response: an error before the
    /// first row is the first item.
    ///
    /// # Errors
    /// [`SourceError::Busy`] if too many are already waiting; [`SourceError::Closed`].
    pub fn stream<J>(&self, run: Run, job: J) -> Result<Chunks, SourceError>
    where
        J: FnOnce(&Runner<'_>, &mut ChunkSink) -> Result<(), SourceError> + Send + 'static,
    {
        match self {
            Self::Sqlite(source) => {
                source.stream(run, |runner, sink| job(&Runner(Backend::Sqlite(runner)), sink))
            }
        }
    }

    /// The SQL dialect of its statements.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Closes the source: running statements stop, connections close, and every later call is
    /// [`SourceError::Closed`].
    pub fn close(&self) {
        match self {
            Self::Sqlite(source) => source.close(),
        }
    }
}

/// A connection for a job, which runs statements one after the other within one read transaction.
#[derive(Debug)]
pub struct Runner<'connection>(Backend<'connection>);

#[derive(Debug)]
enum Backend<'connection> {
    Sqlite(&'connection SqliteRunner<'connection>),
}

impl Runner<'_> {
    /// Runs one statement and passes each row to `each`, until that breaks.
    ///
    /// # Errors
    /// As for [`Source::query`]; [`SourceError::Cancelled`] if the receiver of the stream is gone.
    pub fn query<F>(&self, statement: &Statement, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        match self.0 {
            Backend::Sqlite(runner) => runner.query(statement, each),
        }
    }
}
