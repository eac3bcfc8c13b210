//! SQLite database files, read-only.
//!
//! A source has a few connections, each in a slot behind its own lock: some for reads on the caller's thread
//! (a thread returns to the same slot, so there is no contention), and one for each worker thread that
//! streams. `file` and `connection` open connections, `pool` assigns them, `schema` and `declared` read the
//! structure.

mod cell;
mod checked;
mod compiled;
mod connection;
mod declared;
mod failure;
mod file;
mod functions;
mod identifier;
mod keys;
mod options;
mod own;
mod pool;
mod probe;
mod quicker;
mod schema;
mod storage;
mod survey;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use odata::cell::Value;
use odata::statement::Statement;
use rusqlite::types::{ToSqlOutput, ValueRef};

use self::connection::{Bounds, OpenConnection};
use self::pool::{ConnectionSet, Pool};

pub use self::options::{Declarations, Forms, Keys, STORE, SqliteOptions};
use crate::chunks::{Overflow, chunks};
use crate::workers::Workers;
use crate::{
    ChunkSink, Chunks, ConnectionBudget, Deadline, Described, Ended, Limits, Ran, Run, SchemaVersion,
    SourceError, SourceRow,
};

/// An opened SQLite database file.
#[derive(Debug)]
pub struct SqliteSource {
    pool: Arc<Pool>,
    declared: Declarations,
    workers: Workers,
    overflow: Arc<Overflow>,
}

impl SqliteSource {
    /// Opens the file at `path`, resolving links once, and reads its header.
    ///
    /// # Errors
    /// [`SourceError::Missing`], [`SourceError::NotAFile`], [`SourceError::NotADatabase`],
    /// [`SourceError::Unreadable`] or any other reason why it cannot be read.
    pub fn open(
        path: &Path,
        declared: Declarations,
        limits: &Limits,
        budget: &Arc<ConnectionBudget>,
    ) -> Result<Self, SourceError> {
        let pool = Pool::open(path, limits, budget)?;
        let workers = Workers::new(limits.workers, limits.queued);
        Ok(Self { pool, declared, workers, overflow: Arc::default() })
    }

    /// Reads tables and columns. See [`Source::read_schema`](crate::Source::read_schema).
    ///
    /// # Errors
    /// [`SourceError::TimedOut`], or why the database cannot be read.
    pub fn read_schema(&self, deadline: Deadline) -> Result<Described, SourceError> {
        self.pool.look_again();
        let run = Run { deadline, max_rows: usize::MAX };
        self.read(run, |runner| schema::describe(runner.connection, &self.declared))
    }

    /// Identifies the file and the number of changes to its structure.
    ///
    /// # Errors
    /// Why the database cannot be read.
    pub fn schema_version(&self) -> Result<SchemaVersion, SourceError> {
        self.pool.look_again();
        self.pool.with(ConnectionSet::Inline, |connection| {
            connection.bound(Bounds::default());
            let counter = connection.schema_counter()?;
            Ok(SchemaVersion { file: self.pool.file(), counter })
        })
    }

    /// Runs one statement on the caller's thread. See [`Source::query`](crate::Source::query).
    ///
    /// # Errors
    /// As there.
    pub fn query<F>(&self, statement: &Statement, run: Run, mut each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        let seen_any = Cell::new(false);
        let mut attempt = || {
            self.pool.with(ConnectionSet::Inline, |connection| {
                connection.bound(Bounds { deadline: Some(run.deadline), cancelled: None });
                let runner = SqliteRunner { connection, max_rows: run.max_rows };
                // The checks of a faster statement must see the same snapshot as the statement.
                let _snapshot = statement.quicker.as_ref().map(|_| connection.snapshot()).transpose()?;
                runner.query(statement, |row| {
                    seen_any.set(true);
                    each(row)
                })
            })
        };
        match attempt() {
            // The connection may have cached pages of a file that was overwritten; it is closed now, so check
            // again.
            Err(SourceError::Damaged { .. }) if !seen_any.get() => attempt(),
            outcome => outcome,
        }
    }

    /// Runs several statements on the caller's thread. See [`Source::read`](crate::Source::read).
    ///
    /// # Errors
    /// As there.
    pub fn read<T>(
        &self,
        run: Run,
        read: impl FnOnce(&SqliteRunner<'_>) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        read_on(&self.pool, ConnectionSet::Inline, run, None, read)
    }

    /// Runs a job on a worker thread. See [`Source::stream`](crate::Source::stream).
    ///
    /// # Errors
    /// As there.
    pub fn stream<J>(&self, run: Run, job: J) -> Result<Chunks, SourceError>
    where
        J: FnOnce(&SqliteRunner<'_>, &mut ChunkSink) -> Result<(), SourceError> + Send + 'static,
    {
        let (stall, overflow) = (self.pool.limits().stall, Arc::clone(&self.overflow));
        let (mut sink, receiver) = chunks(stall, run.deadline, overflow, self.workers.demand());
        let pool = Arc::clone(&self.pool);
        self.workers.submit(move || {
            let cancelled = Arc::clone(sink.cancelled());
            let outcome =
                read_on(&pool, ConnectionSet::Worker, run, Some(cancelled), |runner| job(runner, &mut sink));
            sink.finish(outcome);
        })?;
        Ok(receiver)
    }

    /// Closes the source. See [`Source::close`](crate::Source::close).
    pub fn close(&self) {
        self.pool.close();
        self.workers.close();
    }
}

impl Drop for SqliteSource {
    fn drop(&mut self) {
        self.close();
    }
}

/// Borrows a connection for one read transaction.
fn read_on<T>(
    pool: &Pool,
    set: ConnectionSet,
    run: Run,
    cancelled: Option<Arc<AtomicBool>>,
    read: impl FnOnce(&SqliteRunner<'_>) -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    pool.with(set, |connection| {
        connection.bound(Bounds { deadline: Some(run.deadline), cancelled });
        connection.stop_if_due()?;
        let _snapshot = connection.snapshot()?;
        read(&SqliteRunner { connection, max_rows: run.max_rows })
    })
}

/// A SQLite connection for a job.
#[derive(Debug)]
pub struct SqliteRunner<'connection> {
    connection: &'connection OpenConnection,
    max_rows: usize,
}

impl SqliteRunner<'_> {
    /// Runs one statement. See [`Runner::query`](crate::Runner::query).
    ///
    /// # Errors
    /// As there.
    pub fn query<F>(&self, statement: &Statement, mut each: F) -> Result<Ran, SourceError>
    where
        F: FnMut(&SourceRow<'_>) -> ControlFlow<()>,
    {
        let fail = |error: rusqlite::Error| self.connection.failure(&error);
        let statement = quicker::choose(self.connection, statement)?;
        let mut prepared = self.connection.prepare(statement)?;
        for (index, value) in statement.parameters.iter().enumerate() {
            prepared.raw_bind_parameter(index + 1, Parameter(value)).map_err(fail)?;
        }
        let mut found = prepared.raw_query();
        let mut rows = 0;
        while let Some(row) = found.next().map_err(fail)? {
            if rows == self.max_rows {
                return Ok(Ran { rows, ended: Ended::RowLimit });
            }
            rows += 1;
            if each(&SourceRow::sqlite(row)).is_break() {
                return Ok(Ran { rows, ended: Ended::ByCaller });
            }
        }
        Ok(Ran { rows, ended: Ended::Complete })
    }
}

/// A parameter, bound without a copy.
struct Parameter<'value>(&'value Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::RawText(text) => ValueRef::Text(text),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

#[cfg(test)]
mod tests;
