//! The change feed of revocations.

use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::Connection;
use store::columns::SubjectColumns;

use crate::{micros, sql};

/// Appends a revocation to the feed.
pub(crate) fn append(
    db: &Connection,
    subject: RevokedSubject,
    at: Timestamp,
    expires_at: Timestamp,
) -> sql::Result<Revocation> {
    const NEXT: &str = "UPDATE versions SET revocations = revocations + 1 RETURNING revocations";
    const APPEND: &str = "INSERT INTO revocations
        (seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let seq = sql::value(db, NEXT, ())?;
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
