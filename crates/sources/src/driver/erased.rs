//! The same traits without their types, for kinds that a list of kinds adds. Costs an allocation for each
//! statement and a virtual call for each row, beside a database that answers over a network.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use odata::statement::Statement;

use super::{Flow, Job, RowConsumer, Runner, Statements};
use crate::{ChunkSink, SourceError, SourceRow};

/// A future on the heap.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`Statements`] of any type.
pub(crate) trait AnyStatements: Send {
    fn run_any<'a>(
        &'a mut self,
        statement: &'a Statement,
        rows: &'a mut dyn RowConsumer,
    ) -> Boxed<'a, Result<(), SourceError>>;
}

impl<S: Statements> AnyStatements for S {
    fn run_any<'a>(
        &'a mut self,
        statement: &'a Statement,
        rows: &'a mut dyn RowConsumer,
    ) -> Boxed<'a, Result<(), SourceError>> {
        Box::pin(async move { self.run(statement, &mut AnyRows(rows)).await })
    }
}

/// A [`RowConsumer`] of any type.
struct AnyRows<'r>(&'r mut dyn RowConsumer);

impl RowConsumer for AnyRows<'_> {
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        self.0.row(row)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow> {
        self.0.poll_room(context)
    }

    fn wait_for_room(&mut self) -> Flow {
        self.0.wait_for_room()
    }
}

/// A connection of any type.
struct AnyConnection<'c>(&'c mut dyn AnyStatements);

impl Statements for AnyConnection<'_> {
    async fn run<R: RowConsumer>(&mut self, statement: &Statement, rows: &mut R) -> Result<(), SourceError> {
        self.0.run_any(statement, rows).await
    }
}

/// A [`Job`] of any type.
pub(crate) trait AnyJob: Send {
    fn run_any<'a>(
        self: Box<Self>,
        statements: &'a mut dyn AnyStatements,
        max_rows: usize,
        sink: &'a mut ChunkSink,
    ) -> Boxed<'a, Result<(), SourceError>>;
}

impl<J: Job> AnyJob for J {
    fn run_any<'a>(
        self: Box<Self>,
        statements: &'a mut dyn AnyStatements,
        max_rows: usize,
        sink: &'a mut ChunkSink,
    ) -> Boxed<'a, Result<(), SourceError>> {
        Box::pin(async move {
            let mut connection = AnyConnection(statements);
            (*self).run(&mut Runner::new(&mut connection, max_rows), sink).await
        })
    }
}

/// Such a job, as one that an executor of a certain driver runs.
pub(crate) struct ErasedJob(pub(crate) Box<dyn AnyJob>);

impl Job for ErasedJob {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let (statements, max_rows) = runner.parts();
        self.0.run_any(statements, max_rows, sink).await
    }
}
