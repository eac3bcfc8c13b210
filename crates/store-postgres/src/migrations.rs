//! The steps by which the schema came to be. Append-only: a step that has run anywhere never changes.
//!
//! A step expands: what the version before it needs stays until the version after it, so that both run side by side on
//! one database. A step therefore holds no lock that others would wait for longer than a second: it waits at most that
//! long for one itself, gives up, and is tried again. What takes longer on a large table, an index, is made beside
//! everybody, outside a transaction.

use std::time::Duration;

use store::columns::TABLES;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::error::Failure;
use crate::pool::Connections;
use crate::sql::{self, values};
use crate::{OpenError, import, origin};

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Counts from 1; the same in every backend.
    pub number: i64,
    /// What it is about.
    pub name: &'static str,
    /// The last step that a program must know to work with a database on which this one ran: of a step that only
    /// expands, the one before.
    needs: i64,
    run: Run,
    sql: &'static str,
}

/// How the statements of a step run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// All or none, within a second each.
    InTransaction,
    /// Paragraph by paragraph, for as long as each takes. None may hold a lock that others wait for, and all of them run
    /// again when one was interrupted.
    BesideEverybody,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "initial",
        needs: 1,
        run: Run::InTransaction,
        sql: include_str!("../migrations/0001_initial.sql"),
    },
    Migration {
        number: 2,
        name: "audit_newest_first",
        needs: 1,
        run: Run::BesideEverybody,
        sql: include_str!("../migrations/0002_audit_newest_first.sql"),
    },
    Migration {
        number: 3,
        name: "audit_old_indexes",
        needs: 1,
        run: Run::InTransaction,
        sql: include_str!("../migrations/0003_audit_old_indexes.sql"),
    },
];

/// A step waits no longer than a second for a lock, and none of its statements holds one for longer. The first one has
/// no tables yet that anybody could wait for.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '1s';
    SET LOCAL statement_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = 0";

/// How often a step is tried that finds a table in use, or meets another node that makes the first table.
const TRIES: u32 = 30;

const PAUSE: Duration = Duration::from_millis(200);

/// Runs the steps that the database lacks and answers which of them this call ran. Several nodes that start at once run
/// them once: the first holds the row with the number 0, the others wait until it lets go and find nothing left to do.
pub(crate) async fn run(
    connections: &Connections,
    db: &Client,
) -> Result<Vec<&'static Migration>, OpenError> {
    let mut ran = Vec::new();
    let mut tries = 0;
    let mut waits = false;
    while let Some(step) = missing(db).await?.first() {
        match run_step(connections, db, step).await {
            Ok(Turn::Ours) => ran.push(step),
            Ok(Turn::SomebodyElses) => {
                if !std::mem::replace(&mut waits, true) {
                    tracing::info!("another node migrates the database; this one waits until it is done");
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(failure) => {
                db.batch_execute("ROLLBACK").await.map_err(Failure::from)?;
                tries += 1;
                if tries >= TRIES || !may_be_tried_again(&failure) {
                    return Err(failure.into());
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    Ok(ran)
}

/// Who runs a step.
enum Turn {
    Ours,
    SomebodyElses,
}

async fn run_step(connections: &Connections, db: &Client, step: &'static Migration) -> Result<Turn, Failure> {
    const TABLE: &str =
        "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL,
            needs BIGINT NOT NULL DEFAULT 0, origin TEXT);
        INSERT INTO migrations (number, name) VALUES (0, 'held by who migrates') ON CONFLICT DO NOTHING";
    const HOLD: &str = "SELECT number FROM migrations WHERE number = 0 FOR UPDATE SKIP LOCKED";
    const DONE: &str = "SELECT max(number) FROM migrations";
    // What the last statement saw is kept until the next one, and an index that is made beside it would wait for that.
    const LET_GO: &str = "SELECT 1";
    const NOTE: &str = "INSERT INTO migrations (number, name, needs) VALUES ($1, $2, $3)";
    if step.number == 1 {
        db.batch_execute(TABLE).await?;
    }
    db.batch_execute(BEGIN).await?;
    let is_held = sql::rows(db, HOLD, &[]).await?.is_empty();
    if is_held || sql::value::<i64>(db, DONE, &[]).await? >= step.number {
        db.batch_execute("ROLLBACK").await?;
        return Ok(Turn::SomebodyElses);
    }
    match step.run {
        Run::InTransaction => db.batch_execute(step.sql).await?,
        Run::BesideEverybody => {
            db.batch_execute(LET_GO).await?;
            run_beside_everybody(connections, step).await?;
        }
    }
    sql::execute(db, NOTE, values![step.number, step.name, step.needs]).await?;
    if step.number == 1 {
        origin::note(db).await?;
    }
    db.batch_execute("COMMIT").await?;
    Ok(Turn::Ours)
}

/// Runs the paragraphs of a step over a connection of their own, while this node holds the right to migrate.
async fn run_beside_everybody(connections: &Connections, step: &Migration) -> Result<(), Failure> {
    let connection = connections.get().await?;
    for paragraph in step.sql.split("\n\n") {
        connection.client().batch_execute(paragraph).await?;
    }
    connection.at_rest();
    Ok(())
}

/// Two nodes that make the first table at once may both be refused by a catalogue of the server.
fn may_be_tried_again(failure: &Failure) -> bool {
    let Failure::Sql(error) = failure else { return false };
    error.code().is_some_and(|code| {
        [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::UNIQUE_VIOLATION,
            SqlState::DUPLICATE_TABLE,
            SqlState::DUPLICATE_OBJECT,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(code)
    })
}

/// The steps that the database lacks; changes nothing. One into which an installation is being copied is refused.
pub(crate) async fn lacking(db: &Client) -> Result<&'static [Migration], OpenError> {
    if table_exists(db, import::UNFINISHED).await? {
        return Err(OpenError::UnfinishedCopy);
    }
    missing(db).await
}

/// As [`lacking`], whether or not an installation is being copied into it.
pub(crate) async fn missing(db: &Client) -> Result<&'static [Migration], OpenError> {
    const STATE: &str = "SELECT coalesce(max(number), 0), coalesce(max(needs), 0) FROM migrations";
    // Asked first: another node that is making the installation makes the table of migrations before all others.
    let taken = one_of_our_names_is_taken(db).await?;
    let state = if table_exists(db, "migrations").await? {
        sql::find(db, STATE, &[], |row| Ok((row.try_get(0)?, row.try_get(1)?))).await?
    } else if taken {
        return Err(OpenError::Foreign);
    } else {
        None
    };
    let (found, needs): (i64, i64) = state.unwrap_or_default();
    let known = MIGRATIONS.last().map_or(0, |last| last.number);
    if needs > known {
        return Err(OpenError::Newer { found, known });
    }
    let done = MIGRATIONS.partition_point(|step| step.number <= found);
    Ok(&MIGRATIONS[done..])
}

async fn one_of_our_names_is_taken(db: &Client) -> Result<bool, Failure> {
    const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name = ANY ($1::text[]))";
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    sql::value(db, TAKEN, values![names]).await
}

pub(crate) async fn table_exists(db: &Client, name: &str) -> Result<bool, Failure> {
    const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name = $1)";
    sql::value(db, EXISTS, values![name]).await
}
