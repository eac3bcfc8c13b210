//! The steps by which the schema came to be. Append-only: a step that has run anywhere never changes.
//!
//! A step expands: what the version before it needs stays until the version after it, so that both run side by side on
//! one database. A step therefore holds no lock that others would wait for longer than a second: it waits at most that
//! long for one itself, gives up, and is tried again.

use std::time::Duration;

use store::columns::TABLES;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::error::Failure;
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
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "initial",
    needs: 1,
    sql: include_str!("../migrations/0001_initial.sql"),
}];

/// A step waits no longer than a second for a lock, and none of its statements holds one for longer. The first one has
/// no tables yet that anybody could wait for.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '1s'";

/// How often a step is tried that finds a table in use, or meets another node.
const TRIES: u32 = 30;

const PAUSE: Duration = Duration::from_millis(500);

/// Runs the steps that the database lacks and answers which of them this call ran. Several nodes that start at once run
/// them once: the first locks the row with the number 0, the others wait and find nothing left to do.
pub(crate) async fn run(db: &Client) -> Result<Vec<&'static Migration>, OpenError> {
    let mut done = Vec::new();
    if missing(db).await?.is_empty() {
        return Ok(done);
    }
    let mut tries = 0;
    while let Err(failure) = run_once(db, &mut done).await {
        db.batch_execute("ROLLBACK").await.map_err(Failure::from)?;
        tries += 1;
        if tries >= TRIES || !may_be_tried_again(&failure) {
            return Err(failure.into());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(done)
}

async fn run_once(db: &Client, ran: &mut Vec<&'static Migration>) -> Result<(), Failure> {
    const TABLE: &str =
        "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL,
            needs BIGINT NOT NULL DEFAULT 0, origin TEXT);
        INSERT INTO migrations (number, name) VALUES (0, 'held by who migrates') ON CONFLICT DO NOTHING";
    const HOLD: &str = "SELECT number FROM migrations WHERE number = 0 FOR UPDATE";
    const DONE: &str = "SELECT max(number) FROM migrations";
    const NOTE: &str = "INSERT INTO migrations (number, name, needs) VALUES ($1, $2, $3)";
    db.batch_execute(TABLE).await?;
    for step in MIGRATIONS {
        db.batch_execute(BEGIN).await?;
        sql::rows(db, HOLD, &[]).await?;
        let done: i64 = sql::value(db, DONE, &[]).await?;
        if done >= step.number {
            db.batch_execute("COMMIT").await?;
            continue;
        }
        db.batch_execute(step.sql).await?;
        sql::execute(db, NOTE, values![step.number, step.name, step.needs]).await?;
        if step.number == 1 {
            origin::note(db).await?;
        }
        db.batch_execute("COMMIT").await?;
        ran.push(step);
    }
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
