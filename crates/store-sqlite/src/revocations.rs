//! The change feed of revocations.

use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::{Connection, Row};
use store::columns::SubjectColumns;

use crate::{micros, sql, versions};

/// Appends a revocation to the feed.
pub(crate) fn append(
    db: &Connection,
    subject: RevokedSubject,
    at: Timestamp,
    expires_at: Timestamp,
) -> sql::Result<Revocation> {
    const APPEND: &str = "INSERT INTO revocations
        (seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let seq = versions::next_revocation(db)?;
    let columns = SubjectColumns::from(subject);
    let row = (
        seq,
        columns.kind,
        columns.token,
        columns.grant,
        columns.user,
        columns.application,
        columns.epoch,
        micros(at),
        micros(expires_at),
    );
    sql::execute(db, APPEND, row)?;
    Ok(Revocation { seq, subject, at, expires_at })
}

/// Lists the revocations after `seq` that have not expired, in order.
pub(crate) fn after(db: &Connection, seq: i64, now: Timestamp, limit: u32) -> sql::Result<Vec<Revocation>> {
    const AFTER: &str = "SELECT seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at
        FROM revocations WHERE seq > ?1 AND expires_at > ?2 ORDER BY seq LIMIT ?3";
    sql::list(db, AFTER, (seq, micros(now), limit), read)
}

fn read(row: &Row<'_>) -> sql::Result<Revocation> {
    let columns = SubjectColumns {
        kind: row.get(1)?,
        token: row.get(2)?,
        grant: row.get(3)?,
        user: row.get(4)?,
        application: row.get(5)?,
        epoch: row.get(6)?,
    };
    Ok(Revocation {
        seq: row.get(0)?,
        subject: columns.try_into()?,
        at: Timestamp::from_micros(row.get(7)?),
        expires_at: Timestamp::from_micros(row.get(8)?),
    })
}
