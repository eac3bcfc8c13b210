//! Deletes expired and invalid rows, batch by batch, on one node at a time.
//!
//! An advisory lock, held for the transaction, makes sure that one node purges while the others skip it. Rows
//! that are locked are skipped until the next batch, so nobody waits. Expired and revoked rows are found
//! through an index. Rows of earlier epochs are found by a pass over the table, which continues from batch to
//! batch and starts only after an epoch has advanced.

use store::{Purge, Purged};
use tokio_postgres::Client;

use crate::micros;
use crate::sql::{self, values};

/// The maximum number of rows deleted at once, whatever the caller asks for.
const LARGEST_BATCH: u32 = 1_000;

/// Rows that a pass reads in one statement.
const WINDOW: i64 = 10_000;

/// The maximum number of such windows in one batch.
const WINDOWS: u32 = 10;

/// The advisory lock of the node that purges: `SLGC`, and the number of the lock among ours.
const ALONE: &str = "SELECT pg_try_advisory_xact_lock(1397507907, 1)";

/// A table whose rows become invalid when an epoch advances.
struct Swept {
    /// The id of its row in `sweeps`.
    id: i64,
    last: &'static str,
    window: &'static str,
    dead: &'static str,
    delete: &'static str,
}

macro_rules! swept {
    ($id:literal, $table:literal) => {
        Swept {
            id: $id,
            last: concat!("SELECT coalesce(max(id), 0) FROM ", $table),
            window: concat!(
                "SELECT max(id) FROM (SELECT id FROM ",
                $table,
                " WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS w"
            ),
            dead: concat!(
                "SELECT t.id FROM ",
                $table,
                " t LEFT JOIN applications a ON a.id = t.application_id AND a.epoch = t.application_epoch
                LEFT JOIN users u ON u.id = t.user_id AND u.epoch = t.user_epoch
                WHERE t.id > $1 AND t.id <= $2 AND (a.id IS NULL OR u.id IS NULL) ORDER BY t.id LIMIT $3"
            ),
            delete: concat!("DELETE FROM ", $table, " WHERE id = ANY ($1::bigint[])"),
        }
    };
}

const GRANTS: Swept = swept!(1, "grants");
const CONSENTS: Swept = swept!(2, "consents");

/// Deletes the rows of a table that expired before a time; the parameters are the time and the maximum number
/// of rows.
macro_rules! delete_over {
    ($table:literal, $key:literal, $condition:literal, $order:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ",
            $key,
            " IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $condition,
            " ORDER BY ",
            $order,
            " LIMIT $2 FOR UPDATE SKIP LOCKED)"
        )
    };
}

/// The progress of a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pass {
    started: i64,
    cursor: i64,
    until: i64,
}

/// Deletes one batch in one transaction; does nothing if another node is purging.
pub(crate) async fn batch(db: &Client, purge: &Purge) -> sql::Result<Purged> {
    const EXPIRED: &str = delete_over!("grants", "id", "expires_at <= $1", "expires_at");
    const REVOKED: &str = delete_over!("grants", "id", "revoked_at < $1", "revoked_at");
    const SESSIONS: &str = delete_over!("sessions", "id", "expires_at <= $1", "expires_at");
    const REVOCATIONS: &str = delete_over!("revocations", "seq", "expires_at <= $1", "expires_at");
    const SECRETS: &str = delete_over!("secrets", "id", "expires_at <= $1", "expires_at");
    const NETWORKS: &str = delete_over!("familiar_networks", "id", "succeeded_at < $1", "succeeded_at");
    const AUDIT: &str = delete_over!("audit_events", "id", "at < $1", "at");
    if !sql::value::<bool>(db, ALONE, &[]).await? {
        return Ok(Purged::default());
    }
    let most = u64::from(purge.batch.min(LARGEST_BATCH));
    let now = micros(purge.now);
    let mut grants = over(db, EXPIRED, now, most).await?;
    grants += over(db, REVOKED, micros(purge.revoked_grants_before), most - grants).await?;
    grants += sweep(db, &GRANTS, most - grants).await?;
    Ok(Purged {
        grants,
        consents: sweep(db, &CONSENTS, most).await?,
        sessions: over(db, SESSIONS, now, most).await?,
        familiar_networks: over(db, NETWORKS, micros(purge.familiar_since), most).await?,
        revocations: over(db, REVOCATIONS, now, most).await?,
        secrets: over(db, SECRETS, now, most).await?,
        audit_events: over(db, AUDIT, micros(purge.audit_before), most).await?,
    })
}

async fn over(db: &Client, delete: &str, before: i64, most: u64) -> sql::Result<u64> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    sql::execute(db, delete, values![before, most]).await
}

/// Continues the pass over a table, if one is due.
async fn sweep(db: &Client, table: &Swept, most: u64) -> sql::Result<u64> {
    let Some(mut pass) = due(db, table).await? else {
        return Ok(0);
    };
    let mut dead: Vec<i64> = Vec::new();
    let mut room = i64::try_from(most).unwrap_or(i64::MAX);
    for _ in 0..WINDOWS {
        if room == 0 || pass.cursor >= pass.until {
            break;
        }
        let found = look(db, table, &mut pass, room).await?;
        room -= i64::try_from(found.len()).unwrap_or(room);
        dead.extend(found);
    }
    remember(db, table, pass).await?;
    sql::execute(db, table.delete, values![dead]).await
}

/// The pass that is running or about to start, if any.
async fn due(db: &Client, table: &Swept) -> sql::Result<Option<Pass>> {
    const PASS: &str = "SELECT requested, started, cursor, until FROM sweeps WHERE id = $1";
    let stored = sql::find(db, PASS, values![table.id], |row| {
        let pass = Pass { started: row.try_get(1)?, cursor: row.try_get(2)?, until: row.try_get(3)? };
        Ok((row.try_get::<_, i64>(0)?, pass))
    })
    .await?;
    Ok(match stored {
        None => None,
        Some((_, pass)) if pass.cursor < pass.until => Some(pass),
        Some((requested, pass)) if pass.started == requested => None,
        Some((requested, _)) => {
            let until = sql::value(db, table.last, &[]).await?;
            Some(Pass { started: requested, cursor: 0, until })
        }
    })
}

/// Reads one window and moves the cursor past it.
async fn look(db: &Client, table: &Swept, pass: &mut Pass, room: i64) -> sql::Result<Vec<i64>> {
    let end: Option<i64> = sql::value(db, table.window, values![pass.cursor, pass.until, WINDOW]).await?;
    let end = end.unwrap_or(pass.until);
    let dead: Vec<i64> =
        sql::list(db, table.dead, values![pass.cursor, end, room], |row| Ok(row.try_get(0)?)).await?;
    let full = i64::try_from(dead.len()).is_ok_and(|found| found == room);
    pass.cursor = dead.last().copied().filter(|_| full).unwrap_or(end);
    Ok(dead)
}

async fn remember(db: &Client, table: &Swept, pass: Pass) -> sql::Result<()> {
    const REMEMBER: &str = "UPDATE sweeps SET started = $2, cursor = $3, until = $4 WHERE id = $1";
    sql::execute(db, REMEMBER, values![table.id, pass.started, pass.cursor, pass.until]).await.map(drop)
}
