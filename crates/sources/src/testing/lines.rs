//! A job that writes rows as lines of text.

use std::task::{Context, Poll, ready};

use odata::cell::Row;
use odata::statement::Statement;

use crate::driver::{Flow, Job, RowConsumer, Runner, Statements};
use crate::{ChunkSink, Pace, SourceError, SourceRow};

/// Runs statements, one after the other, and writes each row as a line: its values in debug form, separated by
/// bars.
#[derive(Debug, Clone)]
pub struct Lines(pub Vec<Statement>);

impl Job for Lines {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        for statement in &self.0 {
            let mut lines = LineWriter { sink, columns: statement.columns, outcome: Ok(Pace::Go) };
            runner.query(statement, &mut lines).await?;
            lines.outcome?;
        }
        Ok(())
    }
}

struct LineWriter<'s> {
    sink: &'s mut ChunkSink,
    columns: usize,
    outcome: Result<Pace, SourceError>,
}

impl LineWriter<'_> {
    fn flow(&mut self, outcome: Result<Pace, SourceError>) -> Flow {
        self.outcome = outcome;
        match self.outcome {
            Ok(Pace::Go) => Flow::Continue,
            Ok(Pace::Wait) => Flow::Wait,
            Ok(Pace::End) | Err(_) => Flow::Stop,
        }
    }
}

impl RowConsumer for LineWriter<'_> {
    fn row(&mut self, row: &SourceRow<'_>) -> Flow {
        let cells = (0..self.columns).map(|at| format!("{:?}", row.cell(at).to_value()));
        let line = cells.collect::<Vec<_>>().join("|") + "\n";
        self.sink.buffer().extend_from_slice(line.as_bytes());
        let outcome = self.sink.row_written();
        self.flow(outcome)
    }

    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Flow> {
        let outcome = ready!(self.sink.poll_room(context));
        Poll::Ready(self.flow(outcome))
    }

    fn wait_for_room(&mut self) -> Flow {
        let outcome = self.sink.wait_for_room();
        self.flow(outcome)
    }
}
