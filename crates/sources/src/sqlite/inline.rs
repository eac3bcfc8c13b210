//! Short reads on the caller's thread.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use odata::statement::Statement;

use super::connection::{Bounds, OpenConnection};
use super::driver::SqliteDriver;
use super::options::Declarations;
use super::pool::Pool;
use super::statement;
use crate::driver::{Flow, RowConsumer, Runner, Statements, ready};
use crate::{Executor, Ran, Resources, Run, SourceError, SourceRow};

/// An opened SQLite database file.
#[derive(Debug)]
pub struct SqliteSource {
    pool: Arc<Pool>,
    executor: Executor<SqliteDriver>,
}

impl SqliteSource {
    /// Opens the file at `path`, resolving links once, and reads its header.
    ///
    /// # Errors
    /// [`SourceError::Missing`], [`SourceError::NotAFile`], [`SourceError::NotADatabase`],
    /// [`SourceError::Unreadable`] or any other reason why it cannot be read.
    pub(crate) fn open(
        path: &Path,
        declared: Declarations,
        resources: &Resources,
    ) -> Result<Self, SourceError> {
        let pool = Pool::open(path, &resources.limits, &resources.budget)?;
        let driver = SqliteDriver { pool: Arc::clone(&pool), declared };
        Ok(Self { pool, executor: Executor::new(driver, resources) })
    }

    /// Everything but short reads.
    pub(crate) fn executor(&self) -> &Executor<SqliteDriver> {
        &self.executor
    }

    /// Runs one short statement and passes its rows to `rows`. Meant for reads that take a fraction of a
    /// millisecond.
    ///
    /// # Errors
    /// [`SourceError::TimedOut`] after the deadline; [`SourceError::StructureChanged`] if the statement does
    /// not match the database; or why the database cannot be read. `rows` may have got rows before.
    pub fn query<R: RowConsumer + ?Sized>(
        &self,
        statement: &Statement,
        run: Run,
        rows: &mut R,
    ) -> Result<Ran, SourceError> {
        let mut rows = Noting { rows, seen_any: false };
        match self.attempt(statement, run, &mut rows) {
            // The connection may have cached pages of a file that was overwritten; it is closed now, so check
            // again.
            Err(SourceError::Damaged { .. }) if !rows.seen_any => self.attempt(statement, run, &mut rows),
            outcome => outcome,
        }
    }

    #[inline]
    fn attempt(
        &self,
        statement: &Statement,
        run: Run,
        rows: &mut impl RowConsumer,
    ) -> Result<Ran, SourceError> {
        self.pool.with(|connection| {
            connection.bound(Bounds { deadline: Some(run.deadline), cancelled: None });
            if statement.quicker.is_none() {
                return Inline(connection).query(statement, run, rows);
            }
            // The checks of a faster statement must see the same snapshot as the statement.
            let transaction = Transaction::begin(connection)?;
            Inline(transaction.0).query(statement, run, rows)
        })
    }

    /// Runs several short statements, all on the same snapshot of the data.
    ///
    /// # Errors
    /// As for [`SqliteSource::query`], or what `read` returns.
    pub fn read<T>(
        &self,
        run: Run,
        read: impl FnOnce(&mut Runner<'_, Inline<'_>>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        self.pool.with(|connection| {
            connection.bound(Bounds { deadline: Some(run.deadline), cancelled: None });
            connection.stop_if_due()?;
            let transaction = Transaction::begin(connection)?;
            read(&mut Runner::new(&mut Inline(transaction.0), run.max_rows))
        })
    }

    /// Makes the next read check the path, without waiting for the interval.
    #[cfg(test)]
    pub(super) fn expect_changed_structure(&self) {
        self.pool.expect_changed_structure();
    }

    /// Lends a connection.
    #[cfg(test)]
    pub(super) fn with<T>(
        &self,
        read: impl FnOnce(&mut OpenConnection) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        self.pool.with(read)
    }
}

/// A connection that reads on the caller's thread.
#[derive(Debug)]
pub struct Inline<'c>(&'c mut OpenConnection);

impl Inline<'_> {
    #[inline]
    fn query(
        mut self,
        statement: &Statement,
        run: Run,
        rows: &mut impl RowConsumer,
    ) -> Result<Ran, SourceError> {
        ready(Runner::new(&mut self, run.max_rows).query(statement, rows))
    }
}

impl Statements for Inline<'_> {
    #[inline]
    async fn run<R: RowConsumer>(&mut self, statement: &Statement, rows: &mut R) -> Result<(), SourceError> {
        statement::run(self.0, statement, rows)
    }
}

/// A read transaction, which ends when the value is dropped.
struct Transaction<'c>(&'c mut OpenConnection);

impl<'c> Transaction<'c> {
    fn begin(connection: &'c mut OpenConnection) -> Result<Self, SourceError> {
        connection.begin()?;
        Ok(Self(connection))
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.0.roll_back();
    }
}

/// Notes whether there was a row.
struct Noting<'r, R: ?Sized> {
    rows: &'r mut R,
    seen_any: bool,
}

impl<R: RowConsumer + ?Sized> RowConsumer for Noting<'_, R> {
    #[inline]
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        self.seen_any = true;
        self.rows.row(row)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow> {
        self.rows.poll_room(context)
    }

    fn wait_for_room(&mut self) -> Flow {
        self.rows.wait_for_room()
    }
}
