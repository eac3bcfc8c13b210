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
    /// Indexes on one table, each built for as long as it takes while nobody waits. Its statement comes to nothing where
    /// the index is there; an interrupted run leaves one that is not valid, which is taken away first.
    BesideEverybody { table: &'static str, indexes: &'static [&'static str] },
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
        run: Run::BesideEverybody {
            table: "audit_events",
            indexes: &[
                "audit_events_newest_by_action",
                "audit_events_newest_by_actor",
                "audit_events_newest_by_application",
            ],
        },
        sql: include_str!("../migrations/0002_audit_newest_first.sql"),
    },
    Migration {
        number: 3,
        name: "audit_old_indexes",
        needs: 1,
        run: Run::InTransaction,
        sql: include_str!("../migrations/0003_audit_old_indexes.sql"),
    },
    Migration {
        number: 4,
        name: "origins",
        needs: 1,
        run: Run::InTransaction,
        sql: include_str!("../migrations/0004_origins.sql"),
    },
    Migration {
        number: 5,
        name: "origins_of_redirect_urls",
        needs: 1,
        run: Run::InTransaction,
        sql: include_str!("../migrations/0005_origins_of_redirect_urls.sql"),
    },
    Migration {
        number: 6,
        name: "familiar_networks",
        needs: 1,
        run: Run::InTransaction,
        sql: include_str!("../migrations/0006_familiar_networks.sql"),
    },
];

/// A step waits half a second for a lock behind which others wait, and none of its statements takes longer than a second,
/// the wait included. The first one has no tables yet that anybody could wait for.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '500ms';
    SET LOCAL statement_timeout = '1s'; SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// How often a step is tried that finds a table in use, or meets another node that makes the first table.
const TRIES: u32 = 30;

const PAUSE: Duration = Duration::from_millis(200);

/// How often it is said that this node waits for another, in pauses.
const WAITS_TOLD: u32 = 50;

/// Looks at no row. What a statement saw is kept until the next one, and whoever builds an index waits for the end of each
/// transaction that has seen something at the wrong moment, this one included.
const NOTHING: &str = "SHOW transaction_isolation";

/// How often the right to migrate is used while an index is built, so that the server takes it from a node that has
/// vanished and from nobody else.
const BEAT: Duration = Duration::from_secs(1);

/// Runs the steps that the database lacks and answers which of them this call ran. Several nodes that start at once run
/// them once: the first holds the row with the number 0, the others wait until it lets go and find nothing left to do.
pub(crate) async fn run(
    connections: &Connections,
    db: &Client,
) -> Result<Vec<&'static Migration>, OpenError> {
    let mut ran = Vec::new();
    let mut tries = 0;
    let mut waits: u32 = 0;
    while let Some(step) = missing(db).await?.first() {
        match run_step(connections, db, step).await {
            Ok(Turn::Ours) => ran.push(step),
            Ok(Turn::SomebodyElses) => {
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
        origin::note(db).await?;
    }
    db.batch_execute("COMMIT").await?;
    Ok(Turn::Ours)
}

/// Uses the right to migrate again and again, and answers how it was lost.
async fn use_the_right(db: &Client) -> Failure {
    loop {
        tokio::time::sleep(BEAT).await;
        if let Err(lost) = db.batch_execute(NOTHING).await {
            return lost.into();
        }
    }
}

/// Builds the indexes of a step over a connection of its own.
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

/// Begins and waits until nobody builds an index on a table any more: a run that was killed may have left the server at
/// work. Writers do not wait behind this lock, and autovacuum gives way to it after a second. It is a comment that takes
/// it, since `LOCK TABLE` is not known everywhere.
fn wait_for_table(table: &str) -> String {
    format!(
        "{BEGIN}; SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = '4s'; COMMENT ON TABLE {table} IS NULL;
        SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '1s'"
    )
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
