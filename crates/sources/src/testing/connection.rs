//! A connection to the database server for tests.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use odata::cell::{Cell, Row, Value};
use odata::statement::Statement;
use tokio::net::TcpStream;

use super::server::{CannedRow, FakeDatabase};
use crate::driver::{Connection, Flow, RowConsumer, Statements, Stop, ready, room};
use crate::{Deadline, Described, Run, SchemaVersion, Source, SourceError, SourceRow};

/// A connection; its transaction runs on a thread of the server.
#[derive(Debug)]
pub(super) struct FakeConnection {
    database: FakeDatabase,
    inner: Arc<Source>,
    transaction: Option<Transaction>,
    _stream: TcpStream,
}

#[derive(Debug)]
struct Transaction {
    statements: mpsc::Sender<Request>,
    thread: JoinHandle<()>,
}

/// A statement, and where its rows go.
#[derive(Debug)]
struct Request {
    statement: Statement,
    rows: tokio::sync::mpsc::Sender<CannedRow>,
}

/// Does blocking work of the server.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let failed = |panic: tokio::task::JoinError| SourceError::Failed { detail: panic.to_string() };
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

fn far() -> Deadline {
    Deadline::after(Duration::from_mins(10))
}

impl FakeConnection {
    pub(super) fn new(database: FakeDatabase, inner: Source, stream: TcpStream) -> Self {
        Self { database, inner: Arc::new(inner), transaction: None, _stream: stream }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.transaction.is_none()
    }

    pub(super) async fn describe(&self) -> Result<Described, SourceError> {
        self.database.begin_description().await;
        let inner = Arc::clone(&self.inner);
        blocking(move || ready(inner.describe(far()))).await
    }

    pub(super) async fn version(&self) -> Result<SchemaVersion, SourceError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || ready(inner.version(far()))).await
    }
}

/// Answers statements within one transaction, until there are no more.
fn serve(inner: &Source, statements: &mpsc::Receiver<Request>) {
    let run = Run { deadline: far(), max_rows: usize::MAX };
    let Some(inline) = inner.inline() else { return };
    let served = inline.read(run, |runner| {
        while let Ok(Request { statement, rows }) = statements.recv() {
            let mut pass = |row: &SourceRow<'_>| {
                let values = (0..statement.columns).map(|at| row.cell(at).to_value()).collect();
                match rows.blocking_send(Ok(values)) {
                    Ok(()) => std::ops::ControlFlow::Continue(()),
                    Err(_) => std::ops::ControlFlow::Break(()),
                }
            };
            if let Err(error) = ready(runner.query(&statement, &mut pass)) {
                // Nobody waits for the error of a statement that was cancelled.
                let _ = rows.blocking_send(Err(error));
            }
        }
        Ok(())
    });
    drop(served);
}

/// A row that has arrived.
struct Arrived(Vec<Value>);

impl Row for Arrived {
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0.get(index).map_or(Cell::Null, Value::as_cell)
    }
}

/// Passes a row on, and waits if that is asked for. Returns whether more are wanted.
async fn pass<R: RowConsumer>(values: Vec<Value>, rows: &mut R) -> bool {
    let flow = rows.row(&SourceRow::of(&Arrived(values)));
    let flow = if flow == Flow::Wait { room(rows).await } else { flow };
    // Every row waits at least once.
    tokio::task::yield_now().await;
    flow != Flow::Stop
}

impl Statements for FakeConnection {
    async fn run<R: RowConsumer>(&mut self, statement: &Statement, rows: &mut R) -> Result<(), SourceError> {
        if let Some(prepared) = self.database.answer(&statement.sql) {
            for row in prepared {
                if !pass(row?, rows).await {
                    break;
                }
            }
            return Ok(());
        }
        let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
        let request = Request { statement: statement.clone(), rows: sender };
        let lost = || SourceError::Unreachable { detail: "there is no transaction".to_owned() };
        self.transaction.as_ref().ok_or_else(lost)?.statements.send(request).map_err(|_| lost())?;
        while let Some(row) = receiver.recv().await {
            if !pass(row?, rows).await {
                break;
            }
        }
        Ok(())
    }
}

impl Connection for FakeConnection {
    async fn begin(&mut self, _stop: &Stop) -> Result<(), SourceError> {
        let (statements, requests) = mpsc::channel();
        let inner = Arc::clone(&self.inner);
        let thread = std::thread::Builder::new().name("fake-server".to_owned());
        let thread = thread.spawn(move || serve(&inner, &requests));
        let failed = |error: std::io::Error| SourceError::Exhausted { detail: error.to_string() };
        self.transaction = Some(Transaction { statements, thread: thread.map_err(failed)? });
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), SourceError> {
        Err(SourceError::ReadOnly)
    }

    async fn end(&mut self) -> Result<(), SourceError> {
        let Some(Transaction { statements, thread }) = self.transaction.take() else { return Ok(()) };
        drop(statements);
        let ended = blocking(move || {
            thread.join().map_err(|_| SourceError::Failed { detail: "the server panicked".to_owned() })
        });
        ended.await
    }

    async fn cancel(self) {
        self.database.note_cancelled();
        self.inner.close();
        self.close().await;
    }

    async fn close(self) {
        self.database.may_close().await;
        self.inner.close();
    }
}
