//! Mail that waits to be sent.

use domain::audit::NewAuditEvent;
use domain::id::{MailId, OneTimeLinkId};
use domain::mail::SealedLetter;
use domain::time::Timestamp;

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::Impossible;
use crate::{MailClaim, NewMail, WaitingMail};

/// Whether there is room for the mail.
pub(super) async fn has_room<S: SqlTransaction>(db: &S, new: &NewMail) -> Read<bool, S> {
    static COUNT: NamedStatement = NamedStatement::new("SELECT count(*) FROM mails");
    Ok(db.value::<u32>(&COUNT, values! {}).await? < new.most)
}

/// Adds the mail of a link.
pub(super) async fn add<S: SqlTransaction>(
    db: &S,
    link: OneTimeLinkId,
    new: &NewMail,
    at: Timestamp,
) -> Read<(), S> {
    static ADD: NamedStatement = NamedStatement::new(
        "INSERT INTO mails (link_id, sealed, attempts, due_at, created_at) VALUES (:link, :sealed, 0, :at, :at)",
    );
    db.execute(&ADD, values! { link, sealed: new.sealed.as_bytes(), at }).await.map(drop)
}

/// Claims mails that are due.
pub async fn claim<S: SqlTransaction>(db: &S, claim: MailClaim) -> Read<Vec<WaitingMail>, S> {
    static CLAIM: NamedStatement = NamedStatement::new(
        "WITH due AS MATERIALIZED (
            SELECT id AS mail FROM mails WHERE due_at <= :now ORDER BY due_at, id LIMIT :most {for update})
        UPDATE mails SET attempts = attempts + 1, due_at = :until FROM due
        WHERE id = due.mail AND due_at <= :now
        RETURNING id, (SELECT l.digest FROM one_time_links l WHERE l.id = link_id), sealed,
            (SELECT l.user_id FROM one_time_links l WHERE l.id = link_id), attempts,
            (SELECT l.expires_at FROM one_time_links l WHERE l.id = link_id)",
    );
    let MailClaim { now, until, most } = claim;
    db.list(&CLAIM, values! { now, most, until }).await
}

impl Record for WaitingMail {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            link: row.read()?,
            sealed: SealedLetter::new(row.read()?),
            user: row.read()?,
            attempts: row.read()?,
            expires_at: row.read()?,
        })
    }
}

/// Makes a mail due at another time, unless it was claimed again.
pub async fn postpone<S: SqlTransaction>(
    db: &S,
    id: MailId,
    attempts: u32,
    due_at: Timestamp,
) -> Read<bool, S> {
    static POSTPONE: NamedStatement =
        NamedStatement::new("UPDATE mails SET due_at = :due_at WHERE id = :id AND attempts = :attempts");
    Ok(db.execute(&POSTPONE, values! { due_at, id, attempts }).await? == 1)
}

/// Deletes a mail, unless it was claimed again.
pub async fn end<S: SqlTransaction>(
    db: &S,
    id: MailId,
    attempts: u32,
    event: &NewAuditEvent,
) -> Read<bool, S> {
    static END: NamedStatement =
        NamedStatement::new("DELETE FROM mails WHERE id = :id AND attempts = :attempts");
    if db.execute(&END, values! { id, attempts }).await? == 0 {
        return Ok(false);
    }
    db.append_audit(event).await?;
    Ok(true)
}
