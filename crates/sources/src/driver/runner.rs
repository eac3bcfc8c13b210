//! What a job reads with.

use std::future::Future;
use std::task::{Context, Poll};

use odata::statement::Statement;

use super::{Flow, RowConsumer};
use crate::{ChunkSink, Ended, Ran, SourceError, SourceRow};

/// Runs statements, one after the other.
pub trait Statements: Send {
    /// Runs a statement and passes its rows on, in order, until there are no more or `rows` stops it. Dropping
    /// the future stops it too; [`Connection::cancel`](super::Connection::cancel) follows then.
    ///
    /// # Errors
    /// [`SourceError::StructureChanged`] if the statement does not match the database, or why it cannot be
    /// read. `rows` may have got rows before.
    fn run<R: RowConsumer>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;
}

/// A connection for a job: its statements run in one transaction, and return a limited number of rows each.
#[derive(Debug)]
pub struct Runner<'c, S> {
    statements: &'c mut S,
    max_rows: usize,
}

impl<'c, S: Statements> Runner<'c, S> {
    /// Limits the rows of each statement.
    pub(crate) fn new(statements: &'c mut S, max_rows: usize) -> Self {
        Self { statements, max_rows }
    }

    /// The connection, and the limit of rows.
    pub(super) fn parts(&mut self) -> (&mut S, usize) {
        (self.statements, self.max_rows)
    }

    /// Runs one statement and passes its rows to `rows`.
    ///
    /// # Errors
    /// As for [`Statements::run`]; [`SourceError::TimedOut`] after the deadline, [`SourceError::Cancelled`] if
    /// the receiver of the stream is gone, [`SourceError::Closed`].
    #[inline]
    pub async fn query<R: RowConsumer + ?Sized>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> Result<Ran, SourceError> {
        let mut counted = Counted { rows, passed: 0, max: self.max_rows, ended: Ended::Complete };
        self.statements.run(statement, &mut counted).await?;
        Ok(Ran { rows: counted.passed, ended: counted.ended })
    }
}

/// Counts rows, and stops at their limit.
struct Counted<'r, R: ?Sized> {
    rows: &'r mut R,
    passed: usize,
    max: usize,
    ended: Ended,
}

impl<R: RowConsumer + ?Sized> Counted<'_, R> {
    fn noting(&mut self, flow: Flow) -> Flow {
        if flow == Flow::Stop {
            self.ended = Ended::ByCaller;
        }
        flow
    }
}

impl<R: RowConsumer + ?Sized> RowConsumer for Counted<'_, R> {
    #[inline]
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        if self.passed == self.max {
            self.ended = Ended::RowLimit;
            return Flow::Stop;
        }
        self.passed += 1;
        let flow = self.rows.row(row);
        self.noting(flow)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow> {
        self.rows.poll_room(context).map(|flow| self.noting(flow))
    }

    fn wait_for_room(&mut self) -> Flow {
        let flow = self.rows.wait_for_room();
        self.noting(flow)
    }
}

/// Reads with a connection and writes a response. One job works for all kinds of database.
pub trait Job: Send + 'static {
    /// Does the work; the statements of `runner` all see the same data.
    ///
    /// # Errors
    /// What the statements and the sink return. The bytes in the sink are not a complete response then.
    fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;
}
