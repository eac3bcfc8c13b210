//! A database that is read with the driver of its kind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use odata::cell::{Cell, Row, TypedCell, Value};
use odata::model::Schema;
use odata::statement::Statement;
use sources::driver::{Job, Runner, Statements};
use sources::options::OptionValues;
use sources::{
    AllowedHosts, ChunkSink, Deadline, Limits, Resources, Run, Source, SourceError, SourceKind, SourceRow,
    SourceSpec,
};
use tokio::runtime::Runtime;

pub(crate) struct Driver {
    runtime: Runtime,
    source: Source,
}

/// A cell of its own.
#[derive(Debug, Clone)]
enum Stored {
    Plain(Value),
    Typed(TypedCell<'static>),
    Decimal(String),
}

/// A row that has been read.
pub(crate) struct ReadRow(Vec<Stored>);

impl Row for ReadRow {
    fn cell(&self, index: usize) -> Cell<'_> {
        match &self.0[index] {
            Stored::Plain(value) => value.as_cell(),
            Stored::Typed(typed) => Cell::Typed(*typed),
            Stored::Decimal(digits) => Cell::Typed(TypedCell::Decimal(digits)),
        }
    }
}

fn stored(cell: Cell<'_>) -> Stored {
    match cell {
        Cell::Typed(TypedCell::Decimal(digits)) => Stored::Decimal(digits.to_owned()),
        Cell::Typed(TypedCell::Boolean(value)) => Stored::Typed(TypedCell::Boolean(value)),
        Cell::Typed(TypedCell::Unsigned(value)) => Stored::Typed(TypedCell::Unsigned(value)),
        Cell::Typed(TypedCell::Single(value)) => Stored::Typed(TypedCell::Single(value)),
        Cell::Typed(TypedCell::Date(value)) => Stored::Typed(TypedCell::Date(value)),
        Cell::Typed(TypedCell::TimeOfDay(value)) => Stored::Typed(TypedCell::TimeOfDay(value)),
        Cell::Typed(TypedCell::Timestamp(value)) => Stored::Typed(TypedCell::Timestamp(value)),
        Cell::Typed(TypedCell::Local(value)) => Stored::Typed(TypedCell::Local(value)),
        cell => Stored::Plain(cell.to_value()),
    }
}

/// Collects the rows of a statement.
struct Collect {
    statement: Statement,
    rows: Arc<Mutex<Vec<ReadRow>>>,
}

impl Job for Collect {
    async fn run<S: Statements>(
        self,
        runner: &mut Runner<'_, S>,
        _: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        let mut collect = |row: &SourceRow<'_>| {
            let cells = (0..self.statement.columns).map(|at| stored(row.cell(at)));
            self.rows.lock().unwrap().push(ReadRow(cells.collect()));
            ControlFlow::Continue(())
        };
        runner.query(&self.statement, &mut collect).await.map(drop)
    }
}

impl Driver {
    pub(crate) fn open(kind: Arc<dyn SourceKind>, options: BTreeMap<String, String>) -> Self {
        let values = OptionValues::of(kind.store(), options);
        let hosts = AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]);
        let resources = Resources::new(Limits::default(), 4, hosts);
        let source = SourceSpec::new(kind, values).open(&resources).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { runtime, source }
    }

    /// The structure of the database, as the driver finds it.
    pub(crate) fn schema(&self) -> Schema {
        self.runtime.block_on(self.source.describe(soon())).unwrap().schema
    }

    pub(crate) fn read(&self, statement: &Statement) -> Result<Vec<ReadRow>, SourceError> {
        let rows = Arc::<Mutex<Vec<ReadRow>>>::default();
        let job = Collect { statement: statement.clone(), rows: Arc::clone(&rows) };
        let run = Run { deadline: soon(), max_rows: usize::MAX };
        self.runtime.block_on(async {
            let mut chunks = self.source.stream(run, job)?;
            while let Some(chunk) = chunks.next().await {
                chunk?;
            }
            Ok::<(), SourceError>(())
        })?;
        let mut rows = rows.lock().unwrap();
        Ok(std::mem::take(&mut *rows))
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}
