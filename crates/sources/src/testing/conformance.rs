//! What every driver must do. A driver passes this suite in its tests, with
//! [`driver_conformance!`](crate::driver_conformance).
//!
//! A fixture words the few statements in which databases differ. The sources have one worker and a queue of one.

#![expect(clippy::missing_panics_doc, reason = "each function is a test, which panics if it fails")]

use std::time::Duration;

use odata::cell::Value;
use odata::edm_type::EdmType;
use odata::statement::Statement;

use super::Lines;
use crate::driver::{Job, Runner, Statements};
use crate::{ChunkSink, Chunks, Deadline, Limits, Run, Source, SourceError};

/// The statements in which databases differ.
#[derive(Debug, Clone, Copy)]
pub struct Wording {
    /// Creates a table `t` with the key `id`, an integer of 64 bits, a text `name` that is never null, and `price`, a
    /// number of double precision.
    pub described: &'static str,
    /// Creates a table `t` with a column `a` of integers, in a database that can be read and written at the same time.
    pub table: &'static str,
    /// Counts the rows of `t`.
    pub count: &'static str,
    /// Selects the numbers from one, without an end, each with the text `row`.
    pub numbers: &'static str,
    /// The same, but the 5,000th row is an error of the server.
    pub failing: &'static str,
    /// Has one row with a number, after an endless time.
    pub endless: &'static str,
    /// Selects its parameter twice.
    pub echo: &'static str,
}

/// A database of a driver under test.
pub trait Fixture: Sized {
    /// The statements of its kind.
    const WORDING: Wording;

    /// Opens a source, with [`limits`], over a database with the tables that these statements create.
    fn open(sql: &str) -> Self;
    /// The source.
    fn source(&self) -> &Source;
    /// Changes the database, as another program does.
    fn execute(&self, sql: &str);
    /// The number of open connections within the budget.
    fn open_connections(&self) -> usize;
}

impl Wording {
    /// The statements of SQLite.
    pub const SQLITE: Self = Self {
        described: "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL)",
        table: "PRAGMA journal_mode=WAL; CREATE TABLE t(a)",
        count: "SELECT count(*) FROM t",
        numbers: "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, 'row' FROM c",
        failing: "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) \
                  SELECT iif(x = 5000, abs(-9223372036854775807 - 1), x), 'row' FROM c",
        endless: "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        echo: "SELECT ?1, ?1",
    };
}

/// The limits of a source under test.
pub fn limits() -> Limits {
    Limits { inline_connections: 1, workers: 1, queued: 1, lock_wait: Duration::ZERO, ..Limits::default() }
}

fn far() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

fn run() -> Run {
    Run { deadline: far(), max_rows: usize::MAX }
}

fn statement(sql: &str, columns: usize) -> Statement {
    Statement { sql: sql.to_owned(), parameters: Vec::new(), columns, quicker: None }
}

/// Streams statements; waits for a free place in the queue.
async fn stream(source: &Source, run: Run, statements: &[Statement]) -> Result<Chunks, SourceError> {
    loop {
        match source.stream(run, Lines(statements.to_vec())) {
            Err(SourceError::Busy) => tokio::task::yield_now().await,
            outcome => return outcome,
        }
    }
}

/// The text of a stream, and the error that ended it.
async fn text(mut chunks: Chunks) -> (String, Option<SourceError>) {
    let mut bytes = Vec::new();
    loop {
        match chunks.next().await {
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            end => return (String::from_utf8_lossy(&bytes).into_owned(), end.and_then(Result::err)),
        }
    }
}

/// The lines that a statement gives.
async fn lines(source: &Source, statement: Statement) -> Result<Vec<String>, SourceError> {
    let (text, error) = text(stream(source, run(), &[statement]).await?).await;
    error.map_or_else(|| Ok(text.lines().map(str::to_owned).collect()), Err)
}

async fn count<F: Fixture>(fixture: &F) -> Result<Vec<String>, SourceError> {
    lines(fixture.source(), statement(F::WORDING.count, 1)).await
}

/// Tables, columns, types and keys are described.
pub async fn the_structure_is_described<F: Fixture>() {
    let fixture = F::open(F::WORDING.described);
    let described = fixture.source().describe(far()).await.expect("a description");
    let [table] = described.schema.tables.as_slice() else { panic!("{described:?}") };
    assert_eq!((table.name.as_str(), table.primary_key.as_slice()), ("t", ["id".to_owned()].as_slice()));
    let columns: Vec<_> =
        table.columns.iter().map(|column| (column.name.as_str(), column.ty, column.nullable)).collect();
    assert_eq!(columns[0], ("id", EdmType::Int64, false));
    assert!(matches!(columns[1], ("name", EdmType::String { .. }, false)));
    assert_eq!(columns[2], ("price", EdmType::Double, true));
}

/// The version differs after a change of the structure, and only then.
pub async fn the_version_changes_with_the_structure<F: Fixture>() {
    let fixture = F::open("CREATE TABLE t(id INTEGER PRIMARY KEY)");
    let version = fixture.source().version(far()).await.expect("a version");
    fixture.execute("INSERT INTO t VALUES (1)");
    assert_eq!(fixture.source().version(far()).await, Ok(version));
    fixture.execute("ALTER TABLE t ADD COLUMN name TEXT");
    assert_ne!(fixture.source().version(far()).await, Ok(version));
    let described = fixture.source().describe(far()).await.expect("a description");
    assert_eq!(described.schema.tables[0].columns.len(), 2);
}

/// A stream of many chunks has every row, in order.
pub async fn rows_arrive_in_order<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let found = lines(fixture.source(), statement(&format!("{} LIMIT 20000", F::WORDING.numbers), 2)).await;
    let expected = (1..=20_000).map(|number| format!("Integer({number})|Text(\"row\")"));
    assert!(found.expect("rows").into_iter().eq(expected));
}

/// Values arrive with their kinds, and parameters as they were given.
pub async fn values_keep_their_kind<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    for value in [
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Integer(i64::MAX),
        Value::Real(0.1),
        Value::Text("größer \"als\"\u{7f}".to_owned()),
        Value::Text(String::new()),
        Value::Blob(vec![0, 255]),
    ] {
        let echo = Statement { parameters: vec![value.clone()], ..statement(F::WORDING.echo, 2) };
        let found = lines(fixture.source(), echo).await;
        assert_eq!(found, Ok(vec![format!("{value:?}|{value:?}")]));
    }
}

/// Statements of one job see the same data.
pub async fn a_job_sees_one_state<F: Fixture>() {
    let fixture = F::open(&format!("{}; INSERT INTO t VALUES (1)", F::WORDING.table));
    let count = statement(F::WORDING.count, 1);
    let many = statement(&format!("{} LIMIT 20000", F::WORDING.numbers), 2);
    let mut chunks =
        stream(fixture.source(), run(), &[count.clone(), many, count]).await.expect("a free worker");
    // The first chunk is there, so the transaction has begun.
    let first = chunks.next().await.expect("a chunk").expect("rows");
    fixture.execute("INSERT INTO t VALUES (2)");
    let (rest, error) = text(chunks).await;
    assert_eq!(error, None);
    assert!(first.starts_with(b"Integer(1)\n") && rest.ends_with("\nInteger(1)\n"));
}

/// No statement passes more rows on than its limit.
pub async fn rows_are_limited<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let few = Run { max_rows: 3, ..run() };
    let chunks =
        stream(fixture.source(), few, &[statement(F::WORDING.numbers, 2)]).await.expect("a free worker");
    let (found, error) = text(chunks).await;
    assert_eq!((found.lines().count(), error), (3, None));
}

/// A statement follows another one of which not all rows were wanted, in the same transaction.
pub async fn a_statement_follows_one_with_a_long_rest<F: Fixture>() {
    let fixture = F::open(&format!("{}; INSERT INTO t VALUES (1)", F::WORDING.table));
    let few = Run { max_rows: 3, ..run() };
    let many = statement(&format!("{} LIMIT 100000", F::WORDING.numbers), 2);
    let statements = [many, statement(F::WORDING.count, 1)];
    let chunks = stream(fixture.source(), few, &statements).await.expect("a free worker");
    let (found, error) = text(chunks).await;
    assert_eq!((found.lines().count(), found.lines().last(), error), (4, Some("Integer(1)"), None));
}

/// An error before the first row is the first item of the stream; a table that is gone is a changed structure.
pub async fn an_error_before_the_first_row_comes_first<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let gone = stream(fixture.source(), run(), &[statement("SELECT a FROM gone", 1)]).await;
    let (found, error) = text(gone.expect("a free worker")).await;
    assert_eq!(found, "");
    assert!(matches!(error, Some(SourceError::StructureChanged { .. })), "{error:?}");
    assert_eq!(count(&fixture).await, Ok(vec!["Integer(0)".to_owned()]), "the source still works");
}

/// An error after some rows ends the stream, which is then not complete.
pub async fn an_error_in_the_middle_ends_the_stream<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let failing = statement(F::WORDING.failing, 2);
    let chunks = stream(fixture.source(), run(), &[failing]).await.expect("a free worker");
    let (found, error) = text(chunks).await;
    assert!(found.lines().count() < 5_000);
    assert!(matches!(error, Some(SourceError::Failed { .. })), "{error:?}");
    assert_eq!(count(&fixture).await, Ok(vec!["Integer(0)".to_owned()]), "the source still works");
}

/// A statement stops at its deadline, even if it has no rows yet.
pub async fn a_statement_stops_at_its_deadline<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let soon = Run { deadline: Deadline::after(Duration::from_millis(30)), ..run() };
    let chunks =
        stream(fixture.source(), soon, &[statement(F::WORDING.endless, 1)]).await.expect("a free worker");
    assert_eq!(text(chunks).await, (String::new(), Some(SourceError::TimedOut)));
    assert_eq!(count(&fixture).await, Ok(vec!["Integer(0)".to_owned()]), "the source still works");
}

/// Work stops when its receiver is gone.
pub async fn a_lost_receiver_frees_the_worker<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    for endless in
        [statement(F::WORDING.endless, 1), statement(F::WORDING.numbers, 2), statement(F::WORDING.numbers, 2)]
    {
        drop(stream(fixture.source(), run(), &[endless]).await);
    }
    assert_eq!(count(&fixture).await, Ok(vec!["Integer(0)".to_owned()]));
}

/// A receiver that takes nothing does not hold a worker that others wait for; its response ends early.
pub async fn a_slow_receiver_gives_way<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let mut idle =
        stream(fixture.source(), run(), &[statement(F::WORDING.numbers, 2)]).await.expect("a free worker");
    assert!(idle.next().await.is_some_and(|chunk| chunk.is_ok()));
    assert_eq!(count(&fixture).await, Ok(vec!["Integer(0)".to_owned()]));
    assert_eq!(text(idle).await.1, None, "the response was ended, not aborted");
}

/// More work than the queue holds is refused at once.
pub async fn more_than_the_queue_holds_is_busy<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let source = fixture.source();
    let mut running =
        stream(source, run(), &[statement(F::WORDING.numbers, 2)]).await.expect("a free worker");
    assert!(running.next().await.is_some_and(|chunk| chunk.is_ok()));
    let waiting = source.stream(run(), Lines(vec![statement("SELECT 7", 1)])).expect("room in the queue");
    let refused = source.stream(run(), Lines(vec![statement("SELECT 8", 1)]));
    assert!(matches!(refused, Err(SourceError::Busy)));
    drop(running);
    assert_eq!(text(waiting).await, ("Integer(7)\n".to_owned(), None));
}

/// A job that panics.
struct Panicking;

impl Job for Panicking {
    async fn run<S: Statements>(
        self,
        _runner: &mut Runner<'_, S>,
        sink: &mut ChunkSink,
    ) -> Result<(), SourceError> {
        sink.buffer().extend_from_slice(b"half an answer");
        sink.flush()?;
        panic!("on purpose")
    }
}

/// A job that panics does not pass for a complete response, and takes no worker away.
pub async fn a_panic_is_not_a_complete_response<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let (found, error) = text(fixture.source().stream(run(), Panicking).expect("a free worker")).await;
    assert_eq!(found, "half an answer");
    assert!(matches!(error, Some(SourceError::Failed { .. })), "{error:?}");
    assert_eq!(count(&fixture).await, Ok(vec!["Integer(0)".to_owned()]));
}

/// Closing stops what runs and what waits, and no connection stays open.
pub async fn closing_stops_everything_and_waits<F: Fixture>() {
    let fixture = F::open(F::WORDING.table);
    let source = fixture.source();
    let mut running =
        stream(source, run(), &[statement(F::WORDING.numbers, 2)]).await.expect("a free worker");
    assert!(running.next().await.is_some_and(|chunk| chunk.is_ok()));
    let waiting = stream(source, run(), &[statement("SELECT 7", 1)]).await.expect("room in the queue");
    source.close();
    assert_eq!(text(running).await.1, Some(SourceError::Closed));
    assert!(text(waiting).await.1.is_some());
    source.closed().await;
    assert_eq!(fixture.open_connections(), 0);
    assert_eq!(source.version(far()).await, Err(SourceError::Closed));
    assert_eq!(source.describe(far()).await, Err(SourceError::Closed));
    assert!(matches!(source.stream(run(), Lines(Vec::new())), Err(SourceError::Closed)));
}

/// Defines a test for each statement of the suite about a [`Fixture`].
#[macro_export]
macro_rules! driver_conformance {
    ($fixture:ty) => {
        $crate::driver_conformance!($fixture:
            the_structure_is_described, the_version_changes_with_the_structure, rows_arrive_in_order,
            values_keep_their_kind, a_job_sees_one_state, rows_are_limited, a_statement_follows_one_with_a_long_rest,
            an_error_before_the_first_row_comes_first, an_error_in_the_middle_ends_the_stream,
            a_statement_stops_at_its_deadline, a_lost_receiver_frees_the_worker, a_slow_receiver_gives_way,
            more_than_the_queue_holds_is_busy, a_panic_is_not_a_complete_response,
            closing_stops_everything_and_waits);
    };
    ($fixture:ty: $($name:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::testing::conformance::$name::<$fixture>().await;
            }
        )*
    };
}
