//! The feed of what ended access.

use oauth::revocation::{Revocation, Subject};
use oauth::time::Timestamp;
use store::columns::SubjectColumns;
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::{micros, versions};

/// What is to be appended to the feed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) subject: Subject,
    pub(crate) at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Appends events to the feed; whoever does so has the seat.
pub(crate) async fn append(db: &Client, endings: &[Ending]) -> sql::Result<Vec<Revocation>> {
    const APPEND: &str = "INSERT INTO revocations
            (seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::bigint[])";
    if endings.is_empty() {
        return Ok(Vec::new());
    }
    let first = versions::next_revocations(db, endings.len()).await?;
    let appended: Vec<Revocation> = (first..)
        .zip(endings)
        .map(|(seq, ending)| Revocation {
            seq,
            subject: ending.subject,
            at: ending.at,
            expires_at: ending.expires_at,
        })
        .collect();
    let columns: Vec<SubjectColumns> =
        endings.iter().map(|ending| SubjectColumns::from(ending.subject)).collect();
    let of = |column: fn(&SubjectColumns) -> Option<i64>| columns.iter().map(column).collect::<Vec<_>>();
    sql::execute(
        db,
        APPEND,
        values![
            appended.iter().map(|event| event.seq).collect::<Vec<_>>(),
            columns.iter().map(|columns| columns.kind).collect::<Vec<_>>(),
            columns
                .iter()
                .map(|columns| columns.token.as_ref().map(<[u8; 16]>::as_slice))
                .collect::<Vec<_>>(),
            of(|columns| columns.grant),
            of(|columns| columns.user),
            of(|columns| columns.application),
            of(|columns| columns.epoch),
            appended.iter().map(|event| micros(event.at)).collect::<Vec<_>>(),
            appended.iter().map(|event| micros(event.expires_at)).collect::<Vec<_>>(),
        ],
    )
    .await?;
    Ok(appended)
}

/// Appends one event to the feed.
pub(crate) async fn append_one(
    db: &Client,
    subject: Subject,
    at: Timestamp,
    expires_at: Timestamp,
) -> sql::Result<Vec<Revocation>> {
    append(db, &[Ending { subject, at, expires_at }]).await
}

/// Events after `seq` that still matter, in order.
pub(crate) async fn after(db: &Client, seq: i64, now: Timestamp, limit: u32) -> sql::Result<Vec<Revocation>> {
    const AFTER: &str = "SELECT seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at
        FROM revocations WHERE seq > $1 AND expires_at > $2 ORDER BY seq LIMIT $3";
    sql::list(db, AFTER, values![seq, micros(now), i64::from(limit)], read).await
}

fn read(row: &Row) -> sql::Result<Revocation> {
    let columns = SubjectColumns {
        kind: row.try_get(1)?,
        token: sql::optional_bytes(row, 2)?,
        grant: row.try_get(3)?,
        user: row.try_get(4)?,
        application: row.try_get(5)?,
        epoch: row.try_get(6)?,
    };
    Ok(Revocation {
        seq: row.try_get(0)?,
        subject: columns.try_into()?,
        at: sql::moment(row, 7)?,
        expires_at: sql::moment(row, 8)?,
    })
}
