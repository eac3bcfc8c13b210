//! A database on the server of MariaDB that the tests share, read with the driver.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use odata::cell::{Cell, Row, TypedCell, Value};
use odata::model::{Model, Schema, Table};
use odata::sql::Dialect;
use odata::statement::{Statement, Unanswerable};
use sources::driver::{Job, Runner, Statements};
use sources::options::OptionValues;
use sources::{
    AllowedHosts, ChunkSink, Deadline, Limits, MysqlKind, Resources, Run, Source, SourceError, SourceKind,
    SourceRow, SourceSpec,
};
use testkit::mariadb::{MariaDbDatabase, MariaDbServer};
use tokio::runtime::Runtime;

use crate::database::Database;

pub(crate) struct Mysql {
    runtime: Runtime,
    source: Source,
    model: Model,
    _on_server: MariaDbDatabase<'static>,
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

impl Mysql {
    pub(crate) fn new(sql: &str, tables: Vec<Table>) -> Self {
        let database = MariaDbServer::shared().create_database();
        database.run(sql);
        let (user, password) = database.server().owner();
        let port = database.server().port().to_string();
        let options: BTreeMap<String, String> = [
            ("ServerName", "127.0.0.1"),
            ("PortNumber", &port),
            ("EncryptionMethod", "noEncryption"),
            ("Database", database.name()),
            ("User", user),
            ("Password", password),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let kind = Arc::new(MysqlKind);
        let values = OptionValues::of(kind.store(), options);
        let hosts = AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]);
        let resources = Resources::new(Limits::default(), 4, hosts);
        let source = SourceSpec::new(kind, values).open(&resources).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let model = Model::compile("Test", Schema { tables });
        Self { runtime, source, model, _on_server: database }
    }

    fn read(&self, statement: &Statement) -> Result<Vec<ReadRow>, SourceError> {
        let rows = Arc::<Mutex<Vec<ReadRow>>>::default();
        let job = Collect { statement: statement.clone(), rows: Arc::clone(&rows) };
        let run = Run { deadline: Deadline::after(Duration::from_mins(1)), max_rows: usize::MAX };
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

    /// The table and the index that each step of the server reads for a page, after the position of its last row if
    /// `after` is set.
    pub(crate) fn explained(&self, url: &str, after: bool) -> Vec<String> {
        let statement = self.statement(url, after);
        let explained = Statement { sql: format!("EXPLAIN {}", statement.sql), columns: 10, ..statement };
        let text = |row: &ReadRow, at: usize| match row.cell(at).to_value() {
            Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        let step =
            |row: &ReadRow| format!("{} {} {} {}", text(row, 2), text(row, 3), text(row, 5), text(row, 9));
        self.read(&explained).unwrap().iter().map(step).collect()
    }
}

impl Database for Mysql {
    const DIALECT: Dialect = Dialect::Mysql;

    type Row = ReadRow;
    type Failure = Unanswerable;

    fn model(&self) -> &Model {
        &self.model
    }

    fn rows(&self, statement: &Statement) -> Result<Vec<ReadRow>, Unanswerable> {
        self.read(statement).map_err(|error| match error {
            SourceError::Unanswerable(reason) => reason,
            other => panic!("{other:?}: {}", statement.sql),
        })
    }
}
