//! Browser sessions.

use domain::account::Session;
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, SessionId, UserId};
use domain::secret::Digest;
use store::{MOST_SESSIONS, NewSession};
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::{audit, micros};

pub(crate) async fn insert(
    db: &Client,
    new: &NewSession,
    event: &NewAuditEvent,
) -> sql::Result<Option<Session>> {
    const REPLACE: &str = "DELETE FROM sessions WHERE id = $1 AND digest = $2";
    let session = add(db, new).await?;
    if session.is_some() {
        if let Some(old) = &new.replaces {
            sql::execute(db, REPLACE, values![old.id.get(), old.digest.as_bytes().as_slice()]).await?;
        }
        audit::append_one(db, event).await?;
    }
    Ok(session)
}

/// Opens the session only if the user's epoch is still that of the password check.
pub(crate) async fn add(db: &Client, new: &NewSession) -> sql::Result<Option<Session>> {
    const ADD: &str = "INSERT INTO sessions (user_id, user_epoch, digest, auth_time, expires_at)
        SELECT id, epoch, $3, $4, $5 FROM users WHERE id = $1 AND epoch = $2 AND active RETURNING id";
    let id = sql::find(
        db,
        ADD,
        values![
            new.user.get(),
            new.user_epoch.get(),
            new.digest.as_bytes().as_slice(),
            micros(new.auth_time),
            micros(new.expires_at)
        ],
        |row| Ok(SessionId::new(row.try_get(0)?)),
    )
    .await?;
    Ok(id.map(|id| Session {
        id,
        user: new.user,
        user_epoch: new.user_epoch,
        digest: new.digest,
        auth_time: new.auth_time,
        expires_at: new.expires_at,
    }))
}

pub(crate) async fn find(db: &Client, id: SessionId) -> sql::Result<Option<Session>> {
    const FIND: &str =
        "SELECT id, user_id, user_epoch, digest, auth_time, expires_at FROM sessions WHERE id = $1";
    sql::find(db, FIND, values![id.get()], read).await
}

pub(crate) async fn list(db: &Client, user: UserId) -> sql::Result<Vec<Session>> {
    const LIST: &str = "SELECT id, user_id, user_epoch, digest, auth_time, expires_at FROM sessions
        WHERE user_id = $1 ORDER BY id LIMIT $2";
    sql::list(db, LIST, values![user.get(), i64::from(MOST_SESSIONS)], read).await
}

pub(crate) async fn delete(db: &Client, id: SessionId, event: &NewAuditEvent) -> sql::Result<()> {
    if sql::execute(db, "DELETE FROM sessions WHERE id = $1", values![id.get()]).await? > 0 {
        audit::append_one(db, event).await?;
    }
    Ok(())
}

/// Ends every session of a user.
pub(crate) async fn close_all(db: &Client, user: UserId) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM sessions WHERE user_id = $1", values![user.get()]).await.map(drop)
}

fn read(row: &Row) -> sql::Result<Session> {
    Ok(Session {
        id: SessionId::new(row.try_get(0)?),
        user: UserId::new(row.try_get(1)?),
        user_epoch: Epoch::new(row.try_get(2)?),
        digest: Digest::from_bytes(sql::bytes(row, 3)?),
        auth_time: sql::moment(row, 4)?,
        expires_at: sql::moment(row, 5)?,
    })
}
