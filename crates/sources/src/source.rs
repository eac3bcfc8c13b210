//! A data source of any kind.

mod any;

use std::fmt;
use std::sync::Arc;

use odata::sql::Dialect;
use odata::statement::Statement;

use self::any::AnySource;
use crate::approval::JobPurpose;
use crate::driver::{Driver, Job, Placement, RowConsumer, Runner};
use crate::sqlite::{Inline, SqliteSource};
use crate::{
    Chunks, CommitApproval, Deadline, Described, Examined, Executor, Ran, RequestUser, Run, SchemaVersion,
    SourceError, UserLogins,
};

/// An opened data source, to be shared between threads. Only [`Source::change`] writes to it.
#[derive(Debug)]
pub struct Source(Backend);

enum Backend {
    /// Its rows are passed on without virtual calls.
    Sqlite(SqliteSource),
    Any(Box<dyn AnySource>),
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(source) => source.fmt(formatter),
            Self::Any(source) => source.fmt(formatter),
        }
    }
}

impl Source {
    /// A SQLite source.
    pub(crate) fn sqlite(source: SqliteSource) -> Self {
        Self(Backend::Sqlite(source))
    }

    /// A source of any driver.
    pub fn of<D: Driver>(executor: Executor<D>) -> Self {
        Self(Backend::Any(Box::new(executor)))
    }

    /// Where [`Source::describe`] must run: whether it blocks the thread.
    pub fn placement(&self) -> Placement {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().placement(),
            Backend::Any(source) => source.placement(),
        }
    }

    /// Reads the structure. This may take seconds for a very large schema. If it [blocks](Source::placement),
    /// call it off the request threads.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] after the deadline, or why the database cannot be read.
    pub async fn describe(&self, deadline: Deadline) -> Result<Described, SourceError> {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().describe(deadline).await,
            Backend::Any(source) => source.describe(deadline).await,
        }
    }

    /// Finds out which server it is, and reads the structure, as [`Source::describe`] does.
    ///
    /// # Errors
    /// As for [`Source::describe`].
    pub async fn examine(&self, deadline: Deadline) -> Result<Examined, SourceError> {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().examine(deadline).await,
            Backend::Any(source) => source.examine(deadline).await,
        }
    }

    /// The state of the database's structure. It is cheap, so it can be called now and then; if it blocks the
    /// thread, then for a few microseconds.
    ///
    /// # Errors
    /// Why the database cannot be read.
    pub async fn version(&self, deadline: Deadline) -> Result<SchemaVersion, SourceError> {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().version(deadline).await,
            Backend::Any(source) => source.version(deadline).await,
        }
    }

    /// Short reads on the caller's thread, if the database is so near that handing them to another thread would
    /// cost more than the read.
    pub fn inline(&self) -> Option<InlineReads<'_>> {
        match &self.0 {
            Backend::Sqlite(source) => Some(InlineReads(source)),
            Backend::Any(_) => None,
        }
    }

    /// Runs a job, its statements all on the same snapshot of the data, and returns its output in chunks of
    /// about 64 KiB. Take the first chunk before starting a response: an error before the first row is the
    /// first item. Needs a runtime for a source whose driver waits.
    ///
    /// # Errors
    /// [`SourceError::Busy`] if too many are already waiting; [`SourceError::Closed`].
    pub fn stream<J: Job>(&self, run: Run, job: J) -> Result<Chunks, SourceError> {
        self.stream_for(None, run, job)
    }

    /// The same for a user, whose rights the statements have if the source [does so](Source::needs_user).
    ///
    /// # Errors
    /// As for [`Source::stream`]. A user without rights of its own is refused as the first item of the stream.
    pub fn stream_for<J: Job>(
        &self,
        user: Option<Arc<RequestUser>>,
        run: Run,
        job: J,
    ) -> Result<Chunks, SourceError> {
        self.start(JobPurpose::Read, user, run, job)
    }

    /// Whether statements have the rights of the user for whom they are run, so that [`Source::stream`] is refused.
    pub fn needs_user(&self) -> bool {
        match &self.0 {
            Backend::Sqlite(_) => false,
            Backend::Any(source) => source.needs_user(),
        }
    }

    /// With whose names and passwords jobs sign in to the database.
    pub fn user_logins(&self) -> UserLogins {
        match &self.0 {
            Backend::Sqlite(_) => UserLogins::default(),
            Backend::Any(source) => source.user_logins(),
        }
    }

    /// Closes connections of users that have waited for long.
    pub fn give_up_idle(&self) {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().give_up_idle(),
            Backend::Any(source) => source.give_up_idle(),
        }
    }

    /// Runs a job whose statements change the database, all in one transaction. Its output arrives when the changes are durable;
    /// the job must not send a part of it before. If the job fails, is not approved at its end, or its receiver gives up before,
    /// nothing is changed. Needs a runtime.
    ///
    /// # Errors
    /// As for [`Source::stream`].
    pub fn change<J: Job>(
        &self,
        user: Option<Arc<RequestUser>>,
        run: Run,
        job: J,
        approval: CommitApproval,
    ) -> Result<Chunks, SourceError> {
        self.start(JobPurpose::Change(approval), user, run, job)
    }

    fn start<J: Job>(
        &self,
        purpose: JobPurpose,
        user: Option<Arc<RequestUser>>,
        run: Run,
        job: J,
    ) -> Result<Chunks, SourceError> {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().start(purpose, run, user, job),
            Backend::Any(source) => source.start(purpose, run, user, Box::new(job)),
        }
    }

    /// The SQL dialect of its statements.
    pub fn dialect(&self) -> Dialect {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().dialect(),
            Backend::Any(source) => source.dialect(),
        }
    }

    /// Closes the source: running statements stop, connections close, and every later call is
    /// [`SourceError::Closed`].
    pub fn close(&self) {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().close(),
            Backend::Any(source) => source.close(),
        }
    }

    /// Waits until the connections of streams are closed; call [`Source::close`] first.
    pub async fn closed(&self) {
        match &self.0 {
            Backend::Sqlite(source) => source.executor().closed().await,
            Backend::Any(source) => source.closed().await,
        }
    }
}

/// Short reads on the caller's thread. Meant for reads that take a fraction of a millisecond.
#[derive(Debug, Clone, Copy)]
pub struct InlineReads<'s>(&'s SqliteSource);

impl InlineReads<'_> {
    /// Runs one short statement and passes its rows to `rows`.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] after the deadline; [`SourceError::StructureChanged`] if the statement does
    /// not match the database; or why the database cannot be read. `rows` may have got rows before.
    #[inline]
    pub fn query<R: RowConsumer + ?Sized>(
        self,
        statement: &Statement,
        run: Run,
        rows: &mut R,
    ) -> Result<Ran, SourceError> {
        self.0.query(statement, run, rows)
    }

    /// Runs several short statements, all on the same snapshot of the data.
    ///
    /// # Errors
    /// As for [`InlineReads::query`], or what `read` returns.
    pub fn read<T>(
        self,
        run: Run,
        read: impl FnOnce(&mut Runner<'_, Inline<'_>>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        self.0.read(run, read)
    }
}

#[cfg(test)]
impl<'s> InlineReads<'s> {
    /// The source itself.
    pub(crate) fn sqlite(self) -> &'s SqliteSource {
        self.0
    }
}
