//! A data source of any kind.

use std::path::PathBuf;
use std::sync::Arc;

use std::ops::ControlFlow;

use odata::model::{Finding, Schema};
use odata::sql::Dialect;
use odata::statement::Statement;

use crate::sqlite::{SqliteRunner, SqliteSource};
use crate::stores::Declarations;
use crate::{ChunkSink, Chunks, ConnectionBudget, Deadline, Limits, Ran, Run, SourceError, SourceRow};

/// What there is to know to open a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A SQLite database file. Check the path with [`AllowedFolders`](crate::AllowedFolders) first.
    Sqlite {
        /// Path of the file.
        path: PathBuf,
        /// What the owner declares of its tables.
        declared: Declarations,
    },
}

/// An opened data source. Sharing it between threads is the intended use; nothing of it is ever written to.
#[derive(Debug)]
pub enum Source {
    /// A SQLite database file.
    Sqlite(SqliteSource),
}

/// What a database says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// The tables that can be served, in order of their names.
    pub schema: Schema,
    /// What was left out or looks doubtful, and why. Belongs beside the findings of the compiled model.
    pub findings: Vec<Finding>,
    /// What the owner declared and does not hold. Belongs there too; of a source that is being made, it is a fault.
    pub refused: Vec<Finding>,
    /// What the owner declared of storage forms and does not hold, likewise.
    pub refused_forms: Vec<Finding>,
}

impl Described {
    /// What the owner declared and does not hold, with the options that declare it.
    pub fn refusals(self) -> Vec<(&'static str, Finding)> {
        let keys = self.refused.into_iter().map(|finding| (crate::stores::KEYS, finding));
        let forms = self.refused_forms.into_iter().map(|finding| (crate::stores::FORMS, finding));
        keys.chain(forms).collect()
    }
}

/// Names one state of a database's structure: two equal versions mean that a model built then still fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchemaVersion {
    pub(crate) file: (u64, u64),
    pub(crate) counter: i64,
}

impl Source {
    /// Opens a source and makes sure that it can be read.
    ///
    /// # Errors
    /// Whatever keeps the database from being read, with a text for whoever configured it.
    pub fn open(
        spec: &SourceSpec,
        limits: &Limits,
        budget: &Arc<ConnectionBudget>,
    ) -> Result<Self, SourceError> {
        match spec {
            SourceSpec::Sqlite { path, declared } => {
                SqliteSource::open(path, declared.clone(), limits, budget).map(Self::Sqlite)
            }
        }
    }

    /// Reads the structure. Takes up to seconds for a very large schema: call it off the request threads.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] past the deadline, or what keeps the database from being read.
    pub fn read_schema(&self, deadline: Deadline) -> Result<Described, SourceError> {
        match self {
            Self::Sqlite(source) => source.read_schema(deadline),
        }
    }

    /// Which state of its structure the database is in: cheap enough to ask now and then, a few microseconds.
    ///
    /// # Errors
    /// What keeps the database from being read.
    pub fn schema_version(&self) -> Result<SchemaVersion, SourceError> {
        match self {
            Self::Sqlite(source) => source.schema_version(),
        }
    }

    /// Runs one short statement on the caller's own thread and shows each row to `each`, until that breaks. Meant for
    /// reads that end within a fraction of a millisecond; for others use [`Source::stream`].
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] past the deadline; [`SourceError::StructureChanged`] where the statement does not fit
    /// the database; what keeps the database from being read. `each` may have seen rows before.
    pub fn query<F>(&self, statement: &Statement, run: Run, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        match self {
            Self::Sqlite(source) => source.query(statement, run, each),
        }
    }

    /// Runs several short statements on the caller's own thread, all seeing the same state of the data.
    ///
    /// # Errors
    /// As for [`Source::query`], or what `read` returns.
    pub fn read<T>(
        &self,
        run: Run,
        read: impl FnOnce(&Runner<'_>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        match self {
            Self::Sqlite(source) => source.read(run, |runner| read(&Runner(Of::Sqlite(runner)))),
        }
    }

    /// Runs `job` on a worker thread, its statements all seeing the same state of the data, and hands out what it
    /// writes in chunks of about 64 KiB. Take the first chunk before promising success: an error that comes before
    /// any row is the first item.
    ///
    /// # Errors
    /// [`SourceError::Busy`] when too many wait already; [`SourceError::Closed`].
    pub fn stream<J>(&self, run: Run, job: J) -> Result<Chunks, SourceError>
    where
        J: FnOnce(&Runner<'_>, &mut ChunkSink) -> Result<(), SourceError> + Send + 'static,
    {
        match self {
            Self::Sqlite(source) => source.stream(run, |runner, sink| job(&Runner(Of::Sqlite(runner)), sink)),
        }
    }

    /// The SQL that its statements must be written in.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Ends the source: running statements stop, connections close, everything after is
    /// [`SourceError::Closed`].
    pub fn close(&self) {
        match self {
            Self::Sqlite(source) => source.close(),
        }
    }
}

/// A connection in the hands of a job: runs statements one after the other within one read transaction.
#[derive(Debug)]
pub struct Runner<'connection>(Of<'connection>);

#[derive(Debug)]
enum Of<'connection> {
    Sqlite(&'connection SqliteRunner<'connection>),
}

impl Runner<'_> {
    /// Runs one statement and shows each row to `each`, until that breaks.
    ///
    /// # Errors
    /// As for [`Source::query`]; [`SourceError::Cancelled`] when the receiver of the stream is gone.
    pub fn query<F>(&self, statement: &Statement, each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        match self.0 {
            Of::Sqlite(runner) => runner.query(statement, each),
        }
    }
}
