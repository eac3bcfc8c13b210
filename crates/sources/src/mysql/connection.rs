//! A connection: one transaction at a time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use odata::statement::Statement;

use super::cells::RowReader;
use super::commands::{self, Fault, Next};
use super::failure::Refusal;
use super::greeting::Product;
use super::prepared::{PreparedStatement, PreparedStatements};
use super::session;
use super::sign_in::{SignedIn, sign_in};
use super::wire::Wire;
use crate::deadline::monotonic_now;
use crate::driver::{Connection, Flow, Intent, RowConsumer, Statements, Stop, room};
use crate::server::ServerTarget;
use crate::{Limits, SourceError, SourceRow};

/// How long a connection may wait for its next use. The other machine may have disappeared without a word.
const MAX_IDLE: Duration = Duration::from_mins(1);

/// How many bytes are read to the end of a statement that is not wanted any more, and for how long. A statement with
/// more to say is stopped instead.
const MAX_REST: usize = 64 * 1024;
const REST_WITHIN: Duration = Duration::from_millis(20);

/// How much later than the deadline here the server itself ends a statement.
const SLACK: Duration = Duration::from_millis(500);

/// The time within which a second connection stops a statement.
const STOP_WITHIN: Duration = Duration::from_millis(900);

/// A connection.
pub struct MysqlConnection {
    target: Arc<ServerTarget>,
    intent: Intent,
    wire: Wire,
    product: Product,
    thread: u32,
    reader: RowReader,
    prepared: PreparedStatements,
    /// A statement on the server that is to be closed.
    closing: Option<u32>,
    transaction: Transaction,
    /// The time limit of statements that the session has.
    limit_seconds: Option<u64>,
    /// Whether something was sent whose answer was not read to its end.
    is_running: bool,
    used_at: Instant,
}

/// The state of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transaction {
    None,
    /// It begins with the first statement; the time limit of its statements.
    Due(Duration),
    Open,
}

impl fmt::Debug for MysqlConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MysqlConnection").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl MysqlConnection {
    pub(super) fn product(&self) -> Product {
        self.product
    }

    /// Connects, signs in and gives the session its settings.
    pub(super) async fn open(
        target: &Arc<ServerTarget>,
        intent: Intent,
        limits: &Limits,
    ) -> Result<Self, SourceError> {
        let SignedIn { wire, product, thread } = sign_in(target, limits.max_row_bytes).await?;
        let mut connection = Self {
            target: Arc::clone(target),
            intent,
            wire,
            product,
            thread,
            reader: RowReader::default(),
            prepared: PreparedStatements::new(limits.prepared_statements),
            closing: None,
            transaction: Transaction::None,
            limit_seconds: None,
            is_running: false,
            used_at: monotonic_now(),
        };
        for statement in session::start(intent) {
            connection.ask(statement).await?;
        }
        Ok(connection)
    }

    /// Whether it can be used again: nothing runs on it, the server has not closed it, and it did not wait for long.
    pub(super) fn is_current(&self) -> bool {
        !self.is_running
            && self.transaction == Transaction::None
            && monotonic_now().saturating_duration_since(self.used_at) < MAX_IDLE
            && self.wire.is_silent()
    }

    /// What a command has returned. The connection is ready for the next one unless it broke.
    fn outcome<T>(&mut self, outcome: Result<T, Fault>) -> Result<T, SourceError> {
        match outcome {
            Ok(value) => Ok(value),
            Err(Fault::Refused(refusal)) => {
                self.is_running = false;
                Err(refusal.reason_for(self.intent))
            }
            Err(Fault::Broken(error)) => Err(error),
        }
    }

    /// Runs a statement without rows.
    async fn ask(&mut self, sql: &str) -> Result<(), SourceError> {
        self.is_running = true;
        let answer = commands::ask(&mut self.wire, sql).await;
        self.outcome(answer)?;
        self.is_running = false;
        Ok(())
    }

    /// Begins the transaction if that is due.
    async fn begin_if_due(&mut self) -> Result<(), SourceError> {
        if let Transaction::Due(limit) = self.transaction {
            let seconds = session::whole_seconds(limit);
            if self.limit_seconds != Some(seconds) {
                self.ask(&session::limit(self.product, seconds)).await?;
                self.limit_seconds = Some(seconds);
            }
            for statement in session::begin(self.intent) {
                self.ask(statement).await?;
            }
            self.transaction = Transaction::Open;
        }
        Ok(())
    }

    /// The statement on the server. It must have as many parameters and columns as there will be.
    async fn prepared(&mut self, statement: &Statement) -> Result<PreparedStatement, SourceError> {
        if let Some(id) = self.closing.take() {
            commands::close(&mut self.wire, id)?;
        }
        let prepared = if let Some(prepared) = self.prepared.find(&statement.sql) {
            prepared
        } else {
            self.is_running = true;
            let answer = commands::prepare(&mut self.wire, &statement.sql).await;
            let prepared = self.outcome(answer)?;
            self.is_running = false;
            self.closing = self.prepared.keep(&statement.sql, &prepared);
            prepared
        };
        if prepared.parameters != statement.parameters.len() {
            let detail = format!(
                "a statement has {} parameters instead of {}",
                prepared.parameters,
                statement.parameters.len()
            );
            return Err(SourceError::Failed { detail });
        }
        has_columns(prepared.columns, statement)?;
        Ok(prepared)
    }

    /// Starts a statement; its rows follow.
    async fn start(&mut self, statement: &Statement) -> Result<(), SourceError> {
        let prepared = self.prepared(statement).await?;
        self.is_running = true;
        let started =
            commands::execute(&mut self.wire, &prepared, &statement.parameters, &mut self.reader).await;
        let started = self.outcome(started);
        if let Err(SourceError::StructureChanged { .. }) = &started {
            // It may have been prepared for the old structure.
            self.closing = self.closing.or_else(|| self.prepared.forget(&statement.sql));
        }
        let columns = started?;
        if columns == 0 {
            self.is_running = false;
        }
        has_columns(columns, statement)
    }

    /// Passes the rows on, to the last one or until no more are wanted.
    async fn rows<R: RowConsumer>(&mut self, rows: &mut R) -> Result<(), SourceError> {
        loop {
            match commands::next(&mut self.wire).await? {
                Next::Row(packet) => {
                    let row = self.reader.read(packet)?;
                    let flow = rows.row(&SourceRow::of(&row));
                    let flow = if flow == Flow::Wait { room(rows).await } else { flow };
                    if flow == Flow::Stop {
                        return Ok(());
                    }
                }
                Next::End => break,
                Next::Refused(refusal) => {
                    self.is_running = false;
                    return Err(refusal.reason_for(self.intent));
                }
            }
        }
        self.is_running = false;
        Ok(())
    }

    async fn passed_on<R: RowConsumer>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> Result<(), SourceError> {
        self.skip_rest().await?;
        self.begin_if_due().await?;
        self.start(statement).await?;
        // A statement without columns has no rows, and nothing says that they end.
        if self.is_running { self.rows(rows).await } else { Ok(()) }
    }

    /// Reads the rest of a statement that is not wanted any more, because another one follows in the transaction.
    async fn skip_rest(&mut self) -> Result<(), SourceError> {
        if self.is_running {
            let refused = rest(&mut self.wire, usize::MAX).await?;
            self.is_running = false;
            refused.map_or(Ok(()), |refusal| Err(refusal.reason_for(self.intent)))?;
        }
        Ok(())
    }

    /// Reads the rest of a statement that is not wanted any more, if it is short.
    async fn finish(&mut self) -> Result<(), SourceError> {
        if self.is_running {
            let rest = tokio::time::timeout(REST_WITHIN, rest(&mut self.wire, MAX_REST)).await;
            rest.map_err(|_| SourceError::Failed { detail: "a statement has not ended".to_owned() })??;
            self.is_running = false;
        }
        Ok(())
    }

    /// Tells the server to stop the statement, on a connection of its own.
    async fn stop(&self) -> Result<(), SourceError> {
        let mut signed_in = sign_in(&self.target, 0).await?;
        // If it is refused, the statement has ended already.
        let _ = commands::ask(&mut signed_in.wire, &session::stop(self.thread)).await;
        commands::quit(&mut signed_in.wire).await;
        Ok(())
    }
}

fn has_columns(columns: usize, statement: &Statement) -> Result<(), SourceError> {
    if columns == statement.columns {
        return Ok(());
    }
    let detail = format!("the result has {columns} columns instead of {}", statement.columns);
    Err(SourceError::StructureChanged { detail })
}

/// Reads rows to the end, up to this many bytes; the reason, if the server refuses to go on.
async fn rest(wire: &mut Wire, most: usize) -> Result<Option<Refusal>, SourceError> {
    let mut bytes: usize = 0;
    loop {
        match commands::next(wire).await? {
            Next::Row(packet) => bytes = bytes.saturating_add(packet.len()),
            Next::End => return Ok(None),
            Next::Refused(refusal) => return Ok(Some(refusal)),
        }
        if bytes > most {
            return Err(SourceError::Failed { detail: "a statement has a long rest".to_owned() });
        }
    }
}

impl Statements for MysqlConnection {
    async fn run<R: RowConsumer>(&mut self, statement: &Statement, rows: &mut R) -> Result<(), SourceError> {
        let ran = self.passed_on(statement, rows).await;
        if self.target.demands_proof { ran.map_err(SourceError::of_user) } else { ran }
    }
}

impl Connection for MysqlConnection {
    async fn begin(&mut self, stop: &Stop) -> Result<(), SourceError> {
        self.transaction = Transaction::Due(stop.deadline().remaining() + SLACK);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), SourceError> {
        self.skip_rest().await?;
        if self.transaction == Transaction::Open {
            self.ask(session::COMMIT).await?;
        }
        self.transaction = Transaction::None;
        Ok(())
    }

    async fn end(&mut self) -> Result<(), SourceError> {
        self.finish().await?;
        if self.transaction == Transaction::Open {
            self.ask(session::END).await?;
        }
        self.transaction = Transaction::None;
        self.used_at = monotonic_now();
        Ok(())
    }

    async fn cancel(mut self) {
        // If the server cannot be asked, it ends the statement at its time limit.
        let _ = tokio::time::timeout(STOP_WITHIN, self.stop()).await;
        self.wire.shut_down().await;
    }

    async fn close(mut self) {
        if self.is_running {
            return self.cancel().await;
        }
        commands::quit(&mut self.wire).await;
    }
}
