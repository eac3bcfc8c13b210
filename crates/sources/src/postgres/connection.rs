//! A connection: one transaction at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use odata::cell::Value;
use odata::statement::Statement;

use super::cells::RowReader;
use super::failure::{Refusal, Stage};
use super::interrupt::Interrupt;
use super::parameters;
use super::user_roles::UserRoles;
use super::wire::{Wire, tag};
use crate::deadline::monotonic_now;
use crate::driver::{Connection, Flow, Intent, RowConsumer, Statements, Stop, room};
use crate::{RequestUser, SourceError, SourceRow};

/// How long a connection may wait for its next use. The other machine may have disappeared without a word.
const MAX_IDLE: Duration = Duration::from_mins(1);

/// How many bytes are read to the end of a statement that is not wanted any more, and for how long. A statement with
/// more to say is cancelled instead.
const MAX_REST: usize = 64 * 1024;
const REST_WITHIN: Duration = Duration::from_millis(20);

/// How much later than the deadline here the server itself ends a statement.
const SLACK: Duration = Duration::from_millis(500);

/// The first statement of a transaction: nothing can be written, and all statements see the same data.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// The first statement of a transaction that changes something. A row that it has read and that another transaction changes
/// meanwhile cannot be changed by it.
const BEGIN_CHANGE: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE";

/// Its settings, which end with it, so that a pooler can lend the connection to others: the time limit of a statement,
/// of a wait between statements and of a wait for a lock; that a double as text is the shortest number that is stored
/// as it; and that only functions and operators of the system are found, so that nobody who may create one in another schema
/// has it run with the rights of the reader; while something is changed, also those of the schemas that the owner names, because triggers
/// may need them. Whatever the database or the role sets.
const SETTINGS: &str = "SELECT pg_catalog.set_config('statement_timeout', $1, true), \
     pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true), \
     pg_catalog.set_config('lock_timeout', $2, true), pg_catalog.set_config('extra_float_digits', '1', true), \
     pg_catalog.set_config('search_path', $3, true)";

/// The role and the claims of the user of a job, which end with the transaction too. The names are those of `PostgREST`, so that
/// policies which exist apply.
const USER_SETTINGS: &str =
    "SELECT pg_catalog.set_config('role', $1, true), pg_catalog.set_config('request.jwt.claims', $2, true)";

/// What the connections of a source have in common.
pub(super) struct ConnectionOptions {
    /// How long a statement waits for a lock.
    pub(super) lock_wait: Duration,
    /// The roles of users, if statements have their rights.
    pub(super) roles: Option<Arc<UserRoles>>,
    /// Whether statements may change something.
    pub(super) intent: Intent,
    /// Where names without a schema are looked for after the schema of the system; empty for nowhere.
    pub(super) search_path: String,
    /// Whether a user has signed in, and not the source.
    pub(super) is_personal: bool,
}

/// A connection.
pub struct PostgresConnection {
    wire: Wire,
    interrupt: Interrupt,
    reader: RowReader,
    options: ConnectionOptions,
    transaction: Transaction,
    /// The role and the claims of the user of the transaction, if its statements have the rights of one.
    user: Option<[Value; 2]>,
    /// Whether a statement was sent whose end was not read.
    is_running: bool,
    used_at: Instant,
}

/// The state of the transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Transaction {
    None,
    /// It begins with the first statement, in the same round trip; the time limit of its statements.
    Due(Duration),
    Open,
}

impl std::fmt::Debug for PostgresConnection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PostgresConnection")
            .field("interrupt", &self.interrupt)
            .finish_non_exhaustive()
    }
}

impl PostgresConnection {
    /// A connection that has signed in.
    pub(super) fn new(wire: Wire, interrupt: Interrupt, options: ConnectionOptions) -> Self {
        Self {
            wire,
            interrupt,
            reader: RowReader::default(),
            options,
            transaction: Transaction::None,
            user: None,
            is_running: false,
            used_at: monotonic_now(),
        }
    }

    /// Whether it can be used again: nothing runs on it, the server has not closed it, and it did not wait for long.
    pub(super) fn is_current(&self) -> bool {
        !self.is_running
            && self.transaction == Transaction::None
            && monotonic_now().saturating_duration_since(self.used_at) < MAX_IDLE
            && self.wire.is_silent()
    }

    /// Sends a statement; before it, the beginning of the transaction if that is due. Returns how many commands end
    /// before the statement.
    async fn start(&mut self, statement: &Statement) -> Result<u32, SourceError> {
        let out = &mut self.wire.output;
        out.clear();
        let mut before = 0;
        let due = match self.transaction {
            Transaction::Due(limit) => Some(limit),
            Transaction::None | Transaction::Open => None,
        };
        if let Some(limit) = due {
            let path = Value::Text(self.options.search_path.clone());
            let settings = [milliseconds(limit), milliseconds(self.options.lock_wait), path];
            let begin = match self.options.intent {
                Intent::Read => BEGIN,
                Intent::Change => BEGIN_CHANGE,
            };
            parameters::write(out, begin, &[], false)?;
            parameters::write(out, SETTINGS, &settings, false)?;
            before += 2;
            if let Some(user) = &self.user {
                parameters::write(out, USER_SETTINGS, user, false)?;
                before += 1;
            }
        }
        parameters::write(out, &statement.sql, &statement.parameters, true)?;
        postgres_protocol::message::frontend::sync(out);
        self.transaction = Transaction::Open;
        self.is_running = true;
        self.wire.flush().await?;
        Ok(before)
    }

    /// Passes the rows of the statement on. Returns whether all of them were read.
    async fn rows<R: RowConsumer>(
        &mut self,
        mut before: u32,
        columns: usize,
        rows: &mut R,
    ) -> Result<bool, SourceError> {
        let mut stage = if before > 0 { Stage::Beginning } else { Stage::Parsing };
        loop {
            let message = self.wire.message().await?;
            match message.tag {
                tag::DATA_ROW if before == 0 => {
                    let row = self.reader.read(message.body)?;
                    let flow = rows.row(&SourceRow::of(&row));
                    let flow = if flow == Flow::Wait { room(rows).await } else { flow };
                    if flow == Flow::Stop {
                        return Ok(false);
                    }
                }
                tag::ROW_DESCRIPTION => self.reader.describe(message.body, columns)?,
                tag::COMMAND_COMPLETE if before > 0 => {
                    before -= 1;
                    stage = if before > 0 { Stage::Beginning } else { Stage::Parsing };
                }
                tag::PARSE_COMPLETE if before == 0 => stage = Stage::Binding,
                tag::BIND_COMPLETE if before == 0 => stage = Stage::Running,
                tag::ERROR => {
                    let refusal = Refusal::read(message.body);
                    return Err(self.refused(&refusal, stage).await);
                }
                tag::READY => {
                    self.is_running = false;
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    async fn passed_on<R: RowConsumer>(
        &mut self,
        statement: &Statement,
        rows: &mut R,
    ) -> Result<(), SourceError> {
        self.skip_rest().await?;
        let before = self.start(statement).await?;
        self.rows(before, statement.columns, rows).await?;
        Ok(())
    }

    /// Reads the rest of a statement that the server has refused, and returns the reason.
    async fn refused(&mut self, refusal: &Refusal, stage: Stage) -> SourceError {
        // The connection ends after a fatal error, and then is not used again.
        if self.wire.until_ready(MAX_REST).await.is_ok() {
            self.is_running = false;
        }
        refusal.reason_for(self.options.intent, stage)
    }

    /// Reads the rest of a statement that is not wanted any more, because another one follows in the transaction.
    async fn skip_rest(&mut self) -> Result<(), SourceError> {
        if self.is_running {
            let refused = self.wire.until_ready(usize::MAX).await?;
            self.is_running = false;
            refused.map_or(Ok(()), |refusal| Err(refusal.reason_for(self.options.intent, Stage::Running)))?;
        }
        Ok(())
    }

    /// Runs a statement without rows.
    async fn ask(&mut self, sql: &str) -> Result<(), SourceError> {
        self.wire.output.clear();
        let sent = postgres_protocol::message::frontend::query(sql, &mut self.wire.output);
        sent.map_err(|error| SourceError::Failed { detail: error.to_string() })?;
        self.is_running = true;
        self.wire.flush().await?;
        let refused = self.wire.until_ready(MAX_REST).await?;
        self.is_running = false;
        refused.map_or(Ok(()), |refusal| Err(refusal.reason_for(self.options.intent, Stage::Running)))
    }

    /// Reads the rest of a statement that is not wanted any more, if it is short.
    async fn finish(&mut self) -> Result<(), SourceError> {
        if self.is_running {
            let rest = tokio::time::timeout(REST_WITHIN, self.wire.until_ready(MAX_REST)).await;
            rest.map_err(|_| SourceError::Failed { detail: "a statement has not ended".to_owned() })??;
            self.is_running = false;
        }
        Ok(())
    }
}

/// What policies may know of the user, in the form of the claims of a token
/// ([RFC 7519 §4](https://www.rfc-editor.org/rfc/rfc7519#section-4)).
fn claims(user: &RequestUser) -> String {
    serde_json::json!({ "sub": user.subject, "preferred_username": user.name }).to_string()
}

fn milliseconds(duration: Duration) -> Value {
    // Zero means no limit.
    let limit = duration.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
    Value::Text(limit.to_string())
}

impl Statements for PostgresConnection {
    async fn run<R: RowConsumer>(&mut self, statement: &Statement, rows: &mut R) -> Result<(), SourceError> {
        let ran = self.passed_on(statement, rows).await;
        if self.options.is_personal { ran.map_err(SourceError::of_user) } else { ran }
    }
}

impl Connection for PostgresConnection {
    async fn begin(&mut self, stop: &Stop) -> Result<(), SourceError> {
        self.transaction = Transaction::Due(stop.deadline().remaining() + SLACK);
        self.user = None;
        Ok(())
    }

    fn act_for(&mut self, user: Option<&RequestUser>) -> Result<(), SourceError> {
        let Some(roles) = &self.options.roles else { return Ok(()) };
        let user = user.ok_or(SourceError::NoDatabaseRole)?;
        let role = roles.of(&user.name).ok_or(SourceError::NoDatabaseRole)?;
        self.user = Some([Value::Text(role.to_owned()), Value::Text(claims(user))]);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), SourceError> {
        self.skip_rest().await?;
        if self.transaction == Transaction::Open {
            self.ask("COMMIT").await?;
        }
        self.transaction = Transaction::None;
        Ok(())
    }

    async fn end(&mut self) -> Result<(), SourceError> {
        self.finish().await?;
        if self.transaction == Transaction::Open {
            self.ask("ROLLBACK").await?;
        }
        self.transaction = Transaction::None;
        self.used_at = monotonic_now();
        Ok(())
    }

    async fn cancel(mut self) {
        // If the server cannot be asked, it notices the end of the connection with its next row.
        let _ = self.interrupt.send().await;
        self.wire.shut_down().await;
    }

    async fn close(mut self) {
        if self.is_running {
            return self.cancel().await;
        }
        self.wire.output.clear();
        postgres_protocol::message::frontend::terminate(&mut self.wire.output);
        self.wire.shut_down().await;
    }
}
