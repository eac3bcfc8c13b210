//! Browser sessions.

use domain::account::Session;
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, SessionId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use rusqlite::{Connection, Row, params};
use store::{MOST_SESSIONS, NewSession};

use crate::{audit, micros, sql};

pub(crate) fn insert(
    db: &Connection,
    new: &NewSession,
    event: &NewAuditEvent,
) -> sql::Result<Option<Session>> {
    const REPLACE: &str = "DELETE FROM sessions WHERE id = ?1 AND digest = ?2";
    let session = add(db, new)?;
    if session.is_some() {
        if let Some(old) = &new.replaces {
            sql::execute(db, REPLACE, (old.id.get(), old.digest.as_bytes()))?;
        }
        audit::append(db, event)?;
    }
    Ok(session)
}

/// Opens the session only if the user's epoch is still that of the password check.
pub(crate) fn add(db: &Connection, new: &NewSession) -> sql::Result<Option<Session>> {
    const ADD: &str = "INSERT INTO sessions (user_id, user_epoch, digest, auth_time, expires_at)
        SELECT id, epoch, ?3, ?4, ?5 FROM users WHERE id = ?1 AND epoch = ?2 AND active";
    let row = params![
        new.user.get(),
        new.user_epoch.get(),
        new.digest.as_bytes(),
        micros(new.auth_time),
        micros(new.expires_at)
    ];
    if sql::execute(db, ADD, row)? == 0 {
        return Ok(None);
    }
    Ok(Some(Session {
        id: SessionId::new(db.last_insert_rowid()),
        user: new.user,
        user_epoch: new.user_epoch,
        digest: new.digest,
        auth_time: new.auth_time,
        expires_at: new.expires_at,
    }))
}

pub(crate) fn find(db: &Connection, id: SessionId) -> sql::Result<Option<Session>> {
    const FIND: &str =
        "SELECT id, user_id, user_epoch, digest, auth_time, expires_at FROM sessions WHERE id = ?1";
    sql::find(db, FIND, [id.get()], read)
}

pub(crate) fn list(db: &Connection, user: UserId) -> sql::Result<Vec<Session>> {
    const LIST: &str = "SELECT id, user_id, user_epoch, digest, auth_time, expires_at FROM sessions
        WHERE user_id = ?1 ORDER BY id LIMIT ?2";
    sql::list(db, LIST, (user.get(), MOST_SESSIONS), read)
}

pub(crate) fn delete(db: &Connection, id: SessionId, event: &NewAuditEvent) -> sql::Result<()> {
    if sql::execute(db, "DELETE FROM sessions WHERE id = ?1", [id.get()])? > 0 {
        audit::append(db, event)?;
    }
    Ok(())
}

/// Ends every session of a user.
pub(crate) fn close_all(db: &Connection, user: UserId) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM sessions WHERE user_id = ?1", [user.get()]).map(drop)
}

fn read(row: &Row<'_>) -> sql::Result<Session> {
    Ok(Session {
        id: SessionId::new(row.get(0)?),
        user: UserId::new(row.get(1)?),
        user_epoch: Epoch::new(row.get(2)?),
        digest: Digest::from_bytes(row.get(3)?),
        auth_time: Timestamp::from_micros(row.get(4)?),
        expires_at: Timestamp::from_micros(row.get(5)?),
    })
}
