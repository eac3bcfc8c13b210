//! Deletes expired and invalid rows, batch by batch, on one node at a time.
//!
//! An advisory lock, held for the transaction, makes sure that one node purges while the others skip it. Rows
//! that are locked are skipped until the next batch, so nobody waits. Expired and revoked rows are found
//! through an index. Rows of earlier epochs are found by a pass over the table, which continues from batch to
//! batch and starts only after an epoch has advanced.

use store::relational::sweeps::{self, CONSENTS, GRANTS, Swept};
use store::{Purge, Purged};
use tokio_postgres::Client;

use crate::micros;
use crate::sql::{self, values};
use crate::tables::Tables;

/// The maximum number of rows deleted at once, whatever the caller asks for.
const LARGEST_BATCH: u32 = 1_000;

/// Rows that a pass reads in one statement.
const WINDOW: i64 = 10_000;

/// The maximum number of such windows in one batch.
const WINDOWS: u32 = 10;

/// The advisory lock of the node that purges: `SLGC`, and the number of the lock among ours.
const ALONE: &str = "SELECT pg_try_advisory_xact_lock(1397507907, 1)";

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

/// Deletes one batch in one transaction; does nothing if another node is purging.
pub(crate) async fn batch(db: &Client, purge: &Purge) -> sql::Result<Purged> {
    const EXPIRED: &str = delete_over!("grants", "id", "expires_at <= $1", "expires_at");
    const REVOKED: &str = delete_over!("grants", "id", "revoked_at < $1", "revoked_at");
    const SESSIONS: &str = delete_over!("sessions", "id", "expires_at <= $1", "expires_at");
    const PUSHED: &str = delete_over!("pushed_requests", "id", "expires_at <= $1", "expires_at");
    const ASSERTIONS: &str = delete_over!("used_assertions", "id", "expires_at <= $1", "expires_at");
    const REVOCATIONS: &str = delete_over!("revocations", "seq", "expires_at <= $1", "expires_at");
    const SECRETS: &str = delete_over!("secrets", "id", "expires_at <= $1", "expires_at");
    const PERSONAL: &str = delete_over!("personal_access_tokens", "id", "expires_at <= $1", "expires_at");
    const LINKS: &str = delete_over!("one_time_links", "id", "expires_at <= $1", "expires_at");
    const NETWORKS: &str = delete_over!("familiar_networks", "id", "succeeded_at < $1", "succeeded_at");
    const DEVICES: &str = delete_over!("device_authorizations", "id", "expires_at <= $1", "expires_at");
    const BACKCHANNEL: &str =
        delete_over!("backchannel_authentications", "id", "expires_at <= $1", "expires_at");
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
        device_authorizations: over(db, DEVICES, micros(purge.polled_requests_before), most).await?,
        backchannel_authentications: over(db, BACKCHANNEL, micros(purge.polled_requests_before), most)
            .await?,
        pushed_requests: over(db, PUSHED, now, most).await?,
        used_assertions: over(db, ASSERTIONS, now, most).await?,
        familiar_networks: over(db, NETWORKS, micros(purge.familiar_since), most).await?,
        revocations: over(db, REVOCATIONS, now, most).await?,
        secrets: over(db, SECRETS, now, most).await?,
        personal_access_tokens: over(db, PERSONAL, now, most).await?,
        one_time_links: over(db, LINKS, now, most).await?,
        audit_events: over(db, AUDIT, micros(purge.audit_before), most).await?,
    })
}

async fn over(db: &Client, delete: &str, before: i64, most: u64) -> sql::Result<u64> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    sql::execute(db, delete, values![before, most]).await
}

/// Continues the pass over a table, if one is due.
async fn sweep(db: &Client, table: &'static Swept, most: u64) -> sql::Result<u64> {
    let db = &Tables(db);
    let Some(mut pass) = sweeps::due(db, table).await? else {
        return Ok(0);
    };
    let mut invalid: Vec<i64> = Vec::new();
    let mut room = i64::try_from(most).unwrap_or(i64::MAX);
    for _ in 0..WINDOWS {
        if room == 0 || !pass.continues() {
            break;
        }
        let found = sweeps::read_window(db, table, &mut pass, WINDOW, room).await?;
        room -= i64::try_from(found.len()).unwrap_or(room);
        invalid.extend(found);
    }
    Ok(sweeps::delete(db, table, pass, &invalid).await?)
}
