//! The change feed of revocations.

use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use store::columns::SubjectColumns;
use tokio_postgres::Client;

use crate::error::Failure;
use crate::micros;
use crate::sql::{self, values};

/// A revocation to be appended to the feed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewRevocation {
    pub(crate) subject: RevokedSubject,
    pub(crate) at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Appends revocations to the feed. The caller is in a serialized transaction.
pub(crate) async fn append(db: &Client, new_revocations: &[NewRevocation]) -> sql::Result<Vec<Revocation>> {
    const APPEND: &str = "WITH before AS (
            UPDATE versions SET revocations = revocations + $1 WHERE id = 1 RETURNING revocations - $1 AS seq)
        INSERT INTO revocations (seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at)
        SELECT before.seq + event.place, event.kind, event.token_id, event.grant_id, event.user_id,
            event.application_id, event.epoch, event.at, event.expires_at
        FROM before CROSS JOIN unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
            AS event (place, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at)
        RETURNING seq";
    if new_revocations.is_empty() {
        return Ok(Vec::new());
    }
    let count = i64::try_from(new_revocations.len()).unwrap_or(i64::MAX);
    let columns: Vec<SubjectColumns> =
        new_revocations.iter().map(|revocation| SubjectColumns::from(revocation.subject)).collect();
    let of = |column: fn(&SubjectColumns) -> Option<i64>| columns.iter().map(column).collect::<Vec<_>>();
    let tokens: Vec<Option<&[u8]>> =
        columns.iter().map(|columns| columns.token.as_ref().map(<[u8; 16]>::as_slice)).collect();
    let given = sql::list(
        db,
        APPEND,
        values![
            count,
            (1..=count).collect::<Vec<_>>(),
            columns.iter().map(|columns| columns.kind).collect::<Vec<_>>(),
            tokens,
            of(|columns| columns.grant),
            of(|columns| columns.user),
            of(|columns| columns.application),
            of(|columns| columns.epoch),
            new_revocations.iter().map(|revocation| micros(revocation.at)).collect::<Vec<_>>(),
            new_revocations.iter().map(|revocation| micros(revocation.expires_at)).collect::<Vec<_>>(),
        ],
        |row| Ok(row.try_get::<_, i64>(0)?),
    )
    .await?;
    let Some(first) = given.iter().min().copied().filter(|_| given.len() == new_revocations.len()) else {
        return Err(Failure::Inconsistent(format!("{} events of {count} were appended", given.len())));
    };
    let appended = (first..).zip(new_revocations).map(|(seq, revocation)| Revocation {
        seq,
        subject: revocation.subject,
        at: revocation.at,
        expires_at: revocation.expires_at,
    });
    Ok(appended.collect())
}
