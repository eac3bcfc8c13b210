//! One read-only connection: what it runs and what stops it.

use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use odata::statement::Statement;
use rusqlite::{CachedStatement, Connection, ErrorCode};

use super::failure::failure;
use super::file::{Access, authorize, connect, is_settled};
use super::own;
use crate::budget::Permit;
use crate::{Deadline, Limits, SourceError};

/// After how many steps of SQLite's machine a running statement asks whether it should stop: some ten microseconds.
const STEPS_BETWEEN_CHECKS: c_int = 1000;

/// What may stop a running statement, besides the end of its source.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    pub(super) deadline: Option<Deadline>,
    pub(super) cancelled: Option<Arc<AtomicBool>>,
}

/// Shared with SQLite's progress callback.
#[derive(Debug)]
struct Control {
    bounds: Mutex<Bounds>,
    closed: Arc<AtomicBool>,
}

impl Control {
    /// Why the running statement should stop. Once there is a reason it stays.
    fn reason_to_stop(&self) -> Option<SourceError> {
        let bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Relaxed) {
            Some(SourceError::Closed)
        } else if bounds.cancelled.as_ref().is_some_and(|cancelled| cancelled.load(Ordering::Relaxed)) {
            Some(SourceError::Cancelled)
        } else if bounds.deadline.is_some_and(Deadline::has_passed) {
            Some(SourceError::TimedOut)
        } else {
            None
        }
    }
}

/// An open connection, set up and checked.
#[derive(Debug)]
pub(super) struct OpenConnection {
    sqlite: Connection,
    control: Arc<Control>,
    pub(super) generation: u64,
    _permit: Permit,
}

impl OpenConnection {
    /// Opens the file at a real path. `closed` is the source's sign to stop everything.
    ///
    /// A database in write-ahead mode needs an index file beside it even for reading. Where that can neither be found nor
    /// created, and the file cannot be written by this server, and no write-ahead log lies there, the file is read as
    /// immutable; the pool then watches it for changes.
    pub(super) fn open(
        path: &Path,
        limits: &Limits,
        closed: &Arc<AtomicBool>,
        permit: Permit,
        generation: u64,
    ) -> Result<(Self, Access), SourceError> {
        let (mut sqlite, access) = match connect(path, limits, Access::Shared) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && is_settled(path) => (
                connect(path, limits, Access::Immutable).map_err(|error| failure(&error))?,
                Access::Immutable,
            ),
            outcome => (outcome.map_err(|error| failure(&error))?, Access::Shared),
        };
        own::refuse_marked(&sqlite)?;
        let control = Arc::new(Control { bounds: Mutex::default(), closed: Arc::clone(closed) });
        let asked = Arc::clone(&control);
        let should_stop = move || asked.reason_to_stop().is_some();
        sqlite
            .progress_handler(STEPS_BETWEEN_CHECKS, Some(should_stop))
            .and_then(|()| sqlite.authorizer(Some(authorize)))
            .map_err(|error| failure(&error))?;
        Ok((Self { sqlite, control, generation, _permit: permit }, access))
    }

    /// Sets what stops the statements that follow.
    pub(super) fn bound(&self, bounds: Bounds) {
        *self.control.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// Refuses work that should already have stopped.
    pub(super) fn stop_if_due(&self) -> Result<(), SourceError> {
        self.control.reason_to_stop().map_or(Ok(()), Err)
    }

    /// Why an operation on this connection failed.
    pub(super) fn failure(&self, error: &rusqlite::Error) -> SourceError {
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            return self.control.reason_to_stop().unwrap_or(SourceError::Cancelled);
        }
        failure(error)
    }

    /// Compiles a statement, or finds it compiled, and makes sure that it only reads.
    pub(super) fn prepare(&self, statement: &Statement) -> Result<CachedStatement<'_>, SourceError> {
        let prepared = self.sqlite.prepare_cached(&statement.sql).map_err(|error| match failure(&error) {
            SourceError::Failed { detail } => SourceError::StructureChanged { detail },
            SourceError::TimedOut => self.failure(&error),
            other => other,
        })?;
        if !prepared.readonly() {
            return Err(SourceError::ReadOnly);
        }
        if prepared.column_count() != statement.columns {
            let detail = format!("{} columns instead of {}", prepared.column_count(), statement.columns);
            return Err(SourceError::StructureChanged { detail });
        }
        Ok(prepared)
    }

    /// Starts a read transaction, ended when the value is dropped.
    pub(super) fn snapshot(&self) -> Result<Snapshot<'_>, SourceError> {
        let begin = self.sqlite.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([]));
        begin.map_err(|error| self.failure(&error))?;
        Ok(Snapshot { sqlite: &self.sqlite })
    }

    /// SQLite's counter of changes of the structure. Refuses a file of ours that was copied over the one that was opened.
    pub(super) fn schema_counter(&self) -> Result<i64, SourceError> {
        own::refuse_marked(&self.sqlite)?;
        let counter = self.sqlite.prepare_cached("PRAGMA schema_version");
        let counter = counter.and_then(|mut counter| counter.query_row([], |row| row.get(0)));
        counter.map_err(|error| self.failure(&error))
    }

    /// The connection itself, for reading the structure.
    pub(super) fn sqlite(&self) -> &Connection {
        &self.sqlite
    }
}

/// A read transaction.
pub(super) struct Snapshot<'connection> {
    sqlite: &'connection Connection,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // Fails only where SQLite has ended the transaction itself.
        let _ = self.sqlite.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.execute([]));
    }
}
