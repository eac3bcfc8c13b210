//! Whether a database is the one in which its installation was made, or was filled from a dump.
//!
//! What `pg_restore` puts back still opens the tokens of its day and knows nothing of what was revoked since, so nobody may
//! serve from it before it went through the steps of [`store::Restoring`]. A dump cannot carry along the numbers that the
//! server gives: those of the database and of a table, which are others in another database, and in the same one when
//! the table is dropped and made again; and that of the transaction that wrote a row which never changes, which is
//! another one when only the rows were put back. `pg_upgrade` and standbys keep all three. They are noted beside the
//! migrations, in the row that is nobody's step.

use tokio_postgres::Client;

use crate::OpenError;
use crate::sql::{self, values};

/// The three numbers as one text.
const NUMBERS: &str =
    "SELECT concat_ws('.', (SELECT oid FROM pg_database WHERE datname = current_database()),
        'versions'::regclass::oid, (SELECT xmin FROM migrations WHERE number = 1))";

/// Refuses a database that was restored, and not yet made safe.
pub(crate) async fn check(db: &Client) -> Result<(), OpenError> {
    const NOTED: &str = "SELECT (SELECT origin FROM migrations WHERE number = 0)";
    let noted: Option<String> = sql::value(db, NOTED, &[]).await?;
    // Where the server had no such numbers, nothing can be told.
    let Some(noted) = noted else { return Ok(()) };
    // Noted once and not there any more: another kind of server was filled.
    if read(db).await? == Some(noted) { Ok(()) } else { Err(OpenError::Restored) }
}

/// Notes that the installation belongs here from now on; part of a transaction.
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

/// The numbers; none where the server refuses the question, as others do that speak the protocol.
async fn read(db: &Client) -> sql::Result<Option<String>> {
    match sql::value(db, NUMBERS, &[]).await {
        Ok(numbers) => Ok(Some(numbers)),
        Err(failure) if failure.is_unknown_to_the_server() => Ok(None),
        Err(failure) => Err(failure),
    }
}
