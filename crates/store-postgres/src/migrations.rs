//! The migrations of the schema. The list is append-only: a migration that has run anywhere never changes.
//!
//! A migration expands: everything that the previous version needs stays until the next version, so that both
//! can run side by side on one database. A migration therefore never holds a lock for more than a second
//! while others wait for it. It waits at most that long for a lock itself, then gives up and is tried again.
//! Indexes on large tables take longer; they are built concurrently, outside a transaction.

mod list;

use std::time::Duration;

use store::columns::TABLES;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use self::list::MIGRATIONS;
use crate::error::Failure;
use crate::pool::Connections;
use crate::sql::{self, values};
use crate::{OpenError, dump_detection};

/// The table that marks an unfinished copy in its target. Its only row contains the number of the copy, and
/// whether the rows that the migrations inserted have been deleted.
pub(crate) const UNFINISHED_COPY: &str = "unfinished_copy";

/// A migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number, from 1; the same in every backend.
    pub number: i64,
    /// The subject of the migration.
    pub name: &'static str,
    /// The last migration that a program must know to use a database on which this one has run. For a
    /// migration that only expands, that is the previous one.
    needs: i64,
    run: Run,
    sql: &'static str,
}

/// How the statements of a migration run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// In one transaction, at most one second for each statement.
    InTransaction,
    /// Indexes on one table, built concurrently, for as long as it takes. The statement does nothing if the
    /// index exists. An interrupted run leaves an invalid index, which is dropped first.
    BesideEverybody { table: &'static str, indexes: &'static [&'static str] },
}

/// A migration waits half a second for a lock behind which others wait, and none of its statements takes
/// longer than a second, waiting included. The first migration has no tables yet for which anybody could
/// wait.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '500ms';
    SET LOCAL statement_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// How often a migration is tried again if a table is in use, or if another node creates the first table at
/// the same time.
const TRIES: u32 = 30;

const PAUSE: Duration = Duration::from_millis(200);

/// The number of pauses after which this node logs again that it is waiting for another.
const WAITS_TOLD: u32 = 50;

/// A statement that reads no row. The snapshot of a statement is kept until the next one, and an index build
/// waits for the end of each transaction that has an older snapshot, including this one.
const NOTHING: &str = "SHOW transaction_isolation";

/// How often the right to migrate is used while an index is built, so that the server can take it away from a
/// node that has vanished, and only from such a node.
const BEAT: Duration = Duration::from_secs(1);

/// Runs the migrations that the database lacks, and returns those that this call ran. If several nodes start
/// at once, each migration runs once: the first node locks the row with the number 0, and the others wait for
/// it and find nothing left to do.
pub(crate) async fn run(
    connections: &Connections,
    db: &Client,
) -> Result<Vec<&'static Migration>, OpenError> {
    let mut ran = Vec::new();
    let mut tries = 0;
    let mut waits: u32 = 0;
    while let Some(step) = missing(db).await?.first() {
        match run_step(connections, db, step).await {
            Ok(StepOwner::Ours) => ran.push(step),
            Ok(StepOwner::SomebodyElses) => {
                if waits.is_multiple_of(WAITS_TOLD) {
                    tracing::info!("another node migrates the database; this one waits until it is done");
                }
                waits += 1;
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

/// Which node runs a migration.
enum StepOwner {
    Ours,
    SomebodyElses,
}

async fn run_step(
    connections: &Connections,
    db: &Client,
    step: &'static Migration,
) -> Result<StepOwner, Failure> {
    const TABLE: &str =
        "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL,
            needs BIGINT NOT NULL DEFAULT 0, origin TEXT);
        INSERT INTO migrations (number, name) VALUES (0, 'held by who migrates') ON CONFLICT DO NOTHING";
    const HOLD: &str = "SELECT number FROM migrations WHERE number = 0 FOR UPDATE SKIP LOCKED";
    const DONE: &str = "SELECT max(number) FROM migrations";
    const NOTE: &str = "INSERT INTO migrations (number, name, needs) VALUES ($1, $2, $3)";
    if step.number == 1 {
        db.batch_execute(TABLE).await?;
    }
    db.batch_execute(BEGIN).await?;
    let is_held = sql::rows(db, HOLD, &[]).await?.is_empty();
    if is_held || sql::value::<i64>(db, DONE, &[]).await? >= step.number {
        db.batch_execute("ROLLBACK").await?;
        return Ok(StepOwner::SomebodyElses);
    }
    match step.run {
        Run::InTransaction => db.batch_execute(step.sql).await?,
        Run::BesideEverybody { table, indexes } => {
            db.batch_execute(NOTHING).await?;
            tokio::select! {
                built = build_beside_everybody(connections, step, table, indexes) => built?,
                lost = use_the_right(db) => return Err(lost),
            }
        }
    }
    sql::execute(db, NOTE, values![step.number, step.name, step.needs]).await?;
    if step.number == 1 {
        dump_detection::note(db).await?;
    }
    db.batch_execute("COMMIT").await?;
    Ok(StepOwner::Ours)
}

/// Uses the right to migrate again and again, and returns how it was lost.
async fn use_the_right(db: &Client) -> Failure {
    loop {
        tokio::time::sleep(BEAT).await;
        if let Err(lost) = db.batch_execute(NOTHING).await {
            return lost.into();
        }
    }
}

/// Builds the indexes of a migration on a connection of its own.
async fn build_beside_everybody(
    connections: &Connections,
    step: &Migration,
    table: &str,
    indexes: &[&str],
) -> Result<(), Failure> {
    const UNFINISHED: &str = "SELECT relname::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace AND relname = ANY ($1::text[])";
    let connection = connections.get().await?;
    let db = connection.client();
    db.batch_execute(&wait_for_table(table)).await?;
    for name in
        sql::list(db, UNFINISHED, values![indexes.to_vec()], |row| Ok(row.try_get::<_, String>(0)?)).await?
    {
        db.batch_execute(&format!("DROP INDEX {name}")).await?;
    }
    db.batch_execute("COMMIT").await?;
    for statement in step.sql.split_inclusive(";\n") {
        db.batch_execute(statement).await?;
    }
    connection.at_rest();
    Ok(())
}

/// Starts a transaction and waits until nobody builds an index on the table: a run that was killed may have
/// left the server at work. Writers do not wait behind this lock, and autovacuum gives way to it after a
/// second. The lock is taken by a comment on the table, because `LOCK TABLE` is not supported everywhere.
fn wait_for_table(table: &str) -> String {
    format!(
        "{BEGIN}; SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '4s'; COMMENT ON TABLE {table} IS NULL;
        SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '1s'"
    )
}

/// If two nodes create the first table at the same time, a catalogue of the server may refuse both.
fn may_be_tried_again(failure: &Failure) -> bool {
    let Failure::Sql(error) = failure else { return false };
    error.code().is_some_and(|code| {
        [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::UNIQUE_VIOLATION,
            // A step copies from a table whose rows a running node deletes meanwhile.
            SqlState::FOREIGN_KEY_VIOLATION,
            SqlState::DUPLICATE_TABLE,
            SqlState::DUPLICATE_OBJECT,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(code)
    })
}

/// The migrations that the database lacks. Changes nothing. Refuses a database into which an installation is
/// being copied.
pub(crate) async fn lacking(db: &Client) -> Result<&'static [Migration], OpenError> {
    if table_exists(db, UNFINISHED_COPY).await? {
        return Err(OpenError::UnfinishedCopy);
    }
    missing(db).await
}

/// Like [`lacking`], but also accepts a database into which an installation is being copied.
pub(crate) async fn missing(db: &Client) -> Result<&'static [Migration], OpenError> {
    const STATE: &str = "SELECT coalesce(max(number), 0), coalesce(max(needs), 0) FROM migrations";
    // This is checked first, because another node that creates the installation creates the table of
    // migrations before all others.
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
