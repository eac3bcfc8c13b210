//! The feed of what ended access.

use oauth::id::{ApplicationId, Epoch, GrantId, TokenId, UserId};
use oauth::revocation::{Revocation, Subject};
use oauth::time::Timestamp;
use rusqlite::{Connection, Row};

use crate::error::Failure;
use crate::{micros, sql, versions};

const TOKEN: i64 = 1;
const GRANT: i64 = 2;
const ALLOWANCE: i64 = 3;
const APPLICATION: i64 = 4;
const USER: i64 = 5;

/// The columns of a subject; those that a kind does not use are NULL.
#[derive(Default)]
struct Columns {
    kind: i64,
    token: Option<[u8; 16]>,
    grant: Option<i64>,
    user: Option<i64>,
    application: Option<i64>,
    epoch: Option<i64>,
}

impl From<Subject> for Columns {
    fn from(subject: Subject) -> Self {
        let none = Self::default();
        match subject {
            Subject::Token(id) => Self { kind: TOKEN, token: Some(*id.as_bytes()), ..none },
            Subject::Grant(id) => Self { kind: GRANT, grant: Some(id.get()), ..none },
            Subject::Allowance { user, application, last_grant } => Self {
                kind: ALLOWANCE,
                grant: Some(last_grant.get()),
                user: Some(user.get()),
                application: Some(application.get()),
                ..none
            },
            Subject::Application { application, epoch } => Self {
                kind: APPLICATION,
                application: Some(application.get()),
                epoch: Some(epoch.get()),
                ..none
            },
            Subject::User { user, epoch } => {
                Self { kind: USER, user: Some(user.get()), epoch: Some(epoch.get()), ..none }
            }
        }
    }
}

impl TryFrom<Columns> for Subject {
    type Error = Failure;

    fn try_from(columns: Columns) -> Result<Self, Failure> {
        let Columns { kind, token, grant, user, application, epoch } = columns;
        let subject = match (kind, token, grant, user, application, epoch) {
            (TOKEN, Some(token), None, None, None, None) => Self::Token(TokenId::from_bytes(token)),
            (GRANT, None, Some(grant), None, None, None) => Self::Grant(GrantId::new(grant)),
            (ALLOWANCE, None, Some(grant), Some(user), Some(application), None) => Self::Allowance {
                user: UserId::new(user),
                application: ApplicationId::new(application),
                last_grant: GrantId::new(grant),
            },
            (APPLICATION, None, None, None, Some(application), Some(epoch)) => {
                Self::Application { application: ApplicationId::new(application), epoch: Epoch::new(epoch) }
            }
            (USER, None, None, Some(user), None, Some(epoch)) => {
                Self::User { user: UserId::new(user), epoch: Epoch::new(epoch) }
            }
            _ => return Err(Failure::Inconsistent(format!("a revocation of kind {kind}"))),
        };
        Ok(subject)
    }
}

/// Appends an event to the feed.
pub(crate) fn append(
    db: &Connection,
    subject: Subject,
    at: Timestamp,
    expires_at: Timestamp,
) -> sql::Result<Revocation> {
    const APPEND: &str = "INSERT INTO revocations
        (seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let seq = versions::next_revocation(db)?;
    let columns = Columns::from(subject);
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

/// Events after `seq` that still matter, in order.
pub(crate) fn after(db: &Connection, seq: i64, now: Timestamp, limit: u32) -> sql::Result<Vec<Revocation>> {
    const AFTER: &str = "SELECT seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at
        FROM revocations WHERE seq > ?1 AND expires_at > ?2 ORDER BY seq LIMIT ?3";
    sql::list(db, AFTER, (seq, micros(now), limit), read)
}

fn read(row: &Row<'_>) -> sql::Result<Revocation> {
    let columns = Columns {
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
