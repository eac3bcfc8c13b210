//! One connection: what it runs and what stops it.

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use odata::statement::Statement;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};

use super::checked::Checked;
use super::compiled::{Compiled, prepare};
use super::failure::{failure, failure_of_change};
use super::file::{Access, LONGEST_DECLARATION, authorize, authorize_change, connect, is_settled};
use super::own;
use crate::budget::ConnectionPermit;
use crate::{BrokenRule, Deadline, Limits, SourceError, Violation};

/// The number of steps of SQLite's virtual machine between checks whether to stop: about ten microseconds.
const STEPS_BETWEEN_CHECKS: c_int = 1000;

/// The length that each value may have, in bytes, however many there are in a row: longer than any literal of
/// a request.
const SMALLEST_SHARE: i32 = 64 * 1024;

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
    /// Why the running statement should stop. Once there is a reason, it stays.
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

/// An open connection, configured and checked.
#[derive(Debug)]
pub(super) struct OpenConnection {
    sqlite: Connection,
    control: Arc<Control>,
    row_bytes: i32,
    longest_value: Cell<i32>,
    /// The results of checks on the data, and the state of the data to which they apply.
    pub(super) checked: RefCell<Checked>,
    pub(super) generation: u64,
    /// Whether it may change something.
    changes: bool,
    /// The right to the connection, unless its opener keeps it.
    _permit: Option<ConnectionPermit>,
}

impl OpenConnection {
    /// Opens the file at a real path. `closed` is the source's signal to stop everything.
    ///
    /// A database in write-ahead mode needs an index file beside it even for reading. If that can neither be
    /// found nor created, this server may not write the file, and there is no write-ahead log, then the file
    /// is read as immutable; the pool watches it for changes.
    pub(super) fn open(
        path: &Path,
        limits: &Limits,
        closed: &Arc<AtomicBool>,
        permit: Option<ConnectionPermit>,
        generation: u64,
    ) -> Result<(Self, Access), SourceError> {
        let (sqlite, access) = match connect(path, limits, Access::Shared) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && is_settled(path) => (
                connect(path, limits, Access::Immutable).map_err(|error| failure(&error))?,
                Access::Immutable,
            ),
            outcome => (outcome.map_err(|error| failure(&error))?, Access::Shared),
        };
        let opened = Self::guarded(sqlite, Access::Shared, limits, closed, generation)?;
        Ok((Self { _permit: permit, ..opened }, access))
    }

    /// Opens the file at a real path to change it.
    pub(super) fn open_to_change(
        path: &Path,
        limits: &Limits,
        closed: &Arc<AtomicBool>,
        generation: u64,
    ) -> Result<Self, SourceError> {
        let sqlite = connect(path, limits, Access::Change).map_err(|error| failure(&error))?;
        if sqlite.is_readonly("main").map_err(|error| failure(&error))? {
            return Err(SourceError::ReadOnly);
        }
        Self::guarded(sqlite, Access::Change, limits, closed, generation)
    }

    /// A connection that refuses our own files, does what its access allows, and can be stopped.
    fn guarded(
        mut sqlite: Connection,
        access: Access,
        limits: &Limits,
        closed: &Arc<AtomicBool>,
        generation: u64,
    ) -> Result<Self, SourceError> {
        own::refuse_marked(&sqlite)?;
        let control = Arc::new(Control { bounds: Mutex::default(), closed: Arc::clone(closed) });
        let asked = Arc::clone(&control);
        let should_stop = move || asked.reason_to_stop().is_some();
        let changes = access == Access::Change;
        let judge = if changes { authorize_change } else { authorize };
        sqlite
            .progress_handler(STEPS_BETWEEN_CHECKS, Some(should_stop))
            .and_then(|()| sqlite.authorizer(Some(judge)))
            .map_err(|error| failure(&error))?;
        let row_bytes = i32::try_from(limits.max_row_bytes).unwrap_or(i32::MAX);
        let longest_value = Cell::new(LONGEST_DECLARATION);
        let checked = RefCell::default();
        Ok(Self { sqlite, control, row_bytes, longest_value, checked, generation, changes, _permit: None })
    }

    /// Sets what stops the following statements.
    pub(super) fn bound(&self, bounds: Bounds) {
        *self.control.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
    }

    /// Lets `read` run for a limited time, within the other bounds. The inner error is the reason why it has
    /// no result; the outer one means that nothing more may be read at all.
    pub(super) fn within<T>(
        &self,
        patience: Duration,
        read: impl FnOnce() -> Result<T, SourceError>,
    ) -> Result<Result<T, SourceError>, SourceError> {
        let deadline = |deadline| {
            let mut bounds = self.control.bounds.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut bounds.deadline, deadline)
        };
        let soon = Deadline::after(patience);
        let before = deadline(Some(soon));
        if before.is_some_and(|before| before < soon) {
            deadline(before);
        }
        let outcome = read();
        deadline(before);
        self.stop_if_due()?;
        Ok(outcome)
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
        if !self.changes {
            return failure(error);
        }
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) && self.has_used_up_numbers() {
            return SourceError::Violation(Violation::of(BrokenRule::NumbersUsedUp));
        }
        failure_of_change(error)
    }

    /// Whether a table has got the last number for a key that is never used again. SQLite calls that a full disk
    /// ([AUTOINCREMENT](https://www.sqlite.org/autoinc.html)).
    fn has_used_up_numbers(&self) -> bool {
        const LAST: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_sequence WHERE seq = 9223372036854775807)";
        self.sqlite.query_row(LAST, [], |row| row.get(0)).unwrap_or(false)
    }

    /// The maximum length of a value in a statement that computes this many together: an equal share of the
    /// row's budget. A value may be anything, whatever its column declares: a file of a few kilobytes can
    /// compute gigabytes.
    fn share(&self, values: usize) -> i32 {
        let values = i32::try_from(values.max(1)).unwrap_or(i32::MAX);
        (self.row_bytes / values).max(SMALLEST_SHARE)
    }

    fn allow_values(&self, longest: i32) -> Result<(), SourceError> {
        if self.longest_value.replace(longest) != longest {
            let set = self.sqlite.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest);
            set.map_err(|error| failure(&error))?;
        }
        Ok(())
    }

    /// Allows values of the maximum length of a table's declaration, which SQLite reads like any other value.
    pub(super) fn allow_declarations(&self) -> Result<(), SourceError> {
        self.allow_values(LONGEST_DECLARATION)
    }

    /// Allows values of the maximum length in a statement that reads this many of them, and declarations as
    /// well.
    pub(super) fn allow_row(&self, values: usize) -> Result<(), SourceError> {
        self.allow_values(self.share(values).max(LONGEST_DECLARATION))
    }

    /// Compiles a statement, or finds it in the cache, and checks that it only reads.
    pub(super) fn prepare(&self, statement: &Statement) -> Result<Compiled<'_>, SourceError> {
        let values = values_of(statement);
        let share = self.share(values);
        self.allow_row(values)?;
        let prepared = prepare(&self.sqlite, &statement.sql).map_err(|error| match self.failure(&error) {
            // SQLite knows every table and column, but cannot run it: retrying would not help.
            SourceError::Failed { detail } => SourceError::Unsupported { detail },
            other => other,
        })?;
        if !prepared.readonly() && !self.changes {
            return Err(SourceError::ReadOnly);
        }
        if prepared.column_count() != statement.columns {
            let detail = format!("{} columns instead of {}", prepared.column_count(), statement.columns);
            return Err(SourceError::StructureChanged { detail });
        }
        self.allow_values(share)?;
        Ok(prepared)
    }

    /// Starts a transaction. One that changes something excludes others that do from its start.
    pub(super) fn begin(&self) -> Result<(), SourceError> {
        let begin = if self.changes { "BEGIN IMMEDIATE" } else { "BEGIN" };
        let begin = self.sqlite.prepare_cached(begin).and_then(|mut begin| begin.execute([]));
        begin.map(drop).map_err(|error| self.failure(&error))
    }

    /// Ends the transaction, and makes its changes durable.
    pub(super) fn commit(&self) -> Result<(), SourceError> {
        // From here on, nothing stops it.
        self.bound(Bounds::default());
        let commit = self.sqlite.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        commit.map(drop).map_err(|error| self.failure(&error))
    }

    /// Ends the transaction without any change.
    pub(super) fn roll_back(&self) {
        // This only fails if SQLite has ended the transaction itself.
        let _ = self.sqlite.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.execute([]));
    }

    /// SQLite's counter of changes to the structure. Refuses a file of ours that was copied over the opened
    /// one.
    pub(super) fn schema_counter(&self) -> Result<i64, SourceError> {
        own::refuse_marked(&self.sqlite)?;
        let counter = self.sqlite.prepare_cached("PRAGMA schema_version");
        let counter = counter.and_then(|mut counter| counter.query_row([], |row| row.get(0)));
        counter.map_err(|error| self.failure(&error))
    }

    /// A number that differs whenever the data seen by this connection differ.
    pub(super) fn data_version(&self) -> Result<i64, SourceError> {
        let version = self.sqlite.prepare_cached("PRAGMA data_version");
        let version = version.and_then(|mut version| version.query_row([], |row| row.get(0)));
        version.map_err(|error| self.failure(&error))
    }

    /// The connection itself, for reading the structure.
    pub(super) fn sqlite(&self) -> &Connection {
        &self.sqlite
    }
}

/// The number of values that a statement may hold at once: those in its result, and every other that it
/// names.
fn values_of(statement: &Statement) -> usize {
    // In chunks whose count fits a byte, so that the compiler can vectorise the comparison.
    let quotes_of = |chunk: &[u8]| chunk.iter().map(|byte| u8::from(*byte == b'"')).sum::<u8>();
    let quotes: usize = statement.sql.as_bytes().chunks(64).map(|chunk| usize::from(quotes_of(chunk))).sum();
    statement.columns.max(quotes / 2)
}
