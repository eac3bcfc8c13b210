//! Detects whether a database is the one in which its installation was created, or was filled from a dump.
//!
//! A database that `pg_restore` filled still accepts the tokens of its time and knows of no later revocation,
//! so nobody may serve from it before it has gone through the steps of [`store::Restoring`]. A dump cannot
//! contain the numbers that the server assigns: the id of the database; the id of a table, which changes when
//! the table is dropped and created again; and the id of the transaction that wrote a certain immutable row,
//! which changes when only the rows are restored. `pg_upgrade` and standbys keep all three. They are stored
//! with the migrations, in the row that belongs to no migration.

use tokio_postgres::Client;

use crate::OpenError;
use crate::sql::{self, values};

/// The three numbers as one string.
const NUMBERS: &str =
    "SELECT concat_ws('.', (SELECT oid FROM pg_database WHERE datname = current_database()),
        'versions'::regclass::oid, (SELECT xmin FROM migrations WHERE number = 1))";

/// Refuses a database that was restored and not yet made safe.
pub(crate) async fn check(db: &Client) -> Result<(), OpenError> {
    const NOTED: &str = "SELECT (SELECT origin FROM migrations WHERE number = 0)";
    let noted: Option<String> = sql::value(db, NOTED, &[]).await?;
    // Without stored numbers nothing can be detected.
    let Some(noted) = noted else { return Ok(()) };
    // Numbers are stored but cannot be read now: the database is on another kind of server.
    if read(db).await? == Some(noted) { Ok(()) } else { Err(OpenError::Restored) }
}

/// Records, as part of a transaction, that the installation belongs to this database from now on.
pub(crate) async fn note(db: &Client) -> sql::Result<()> {
    const NOTE: &str = "UPDATE migrations SET origin = $1 WHERE number = 0";
    db.batch_execute("SAVEPOINT origin").await?;
    let numbers = read(db).await?;
    if numbers.is_none() {
        db.batch_execute("ROLLBACK TO SAVEPOINT origin").await?;
    }
    db.batch_execute("RELEASE SAVEPOINT origin").await?;
    sql::execute(db, NOTE, values![numbers]).await.map(drop)
}

/// The current numbers; `None` if the server refuses the query, as other servers with the same protocol do.
async fn read(db: &Client) -> sql::Result<Option<String>> {
    match sql::value(db, NUMBERS, &[]).await {
        Ok(numbers) => Ok(Some(numbers)),
        Err(failure) if failure.is_unknown_to_the_server() => Ok(None),
        Err(failure) => Err(failure),
    }
}
