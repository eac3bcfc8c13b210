//! Browser sessions.

use domain::account::device::SessionOrigin;
use domain::account::{Credential, Session as BrowserSession};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, SessionId, UserId};
use domain::time::Timestamp;

use oauth::revocation::Revocation;

use super::{
    Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, grants,
    logout_deliveries, values,
};
use crate::columns::Impossible;
use crate::{EndedSession, EndedSessions, MOST_SESSIONS, NewSession, UserRefusal};

/// Opens a session, and ends the one that it replaces. If that is of another user, its applications are told, and its grants
/// end as with a sign-out.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewSession,
    event: &NewAuditEvent,
) -> Read<Option<BrowserSession>, S> {
    static MOVE: NamedStatement = NamedStatement::new(
        "UPDATE session_applications SET session_id = :new WHERE session_id =
            (SELECT id FROM sessions WHERE id = :id AND digest = :digest AND user_id = :user)",
    );
    static LOCK: NamedStatement =
        NamedStatement::new("SELECT id FROM sessions WHERE id = :id AND digest = :digest {for update}");
    static REPLACE: NamedStatement = NamedStatement::new("DELETE FROM sessions WHERE id = :id");
    let session = add(db, new).await?;
    if session.is_some() {
        if let (Some(old), Some(session)) = (&new.replaces, &session) {
            let moved = values! { new: session.id, id: old.id, digest: &old.digest, user: session.user };
            db.execute(&MOVE, moved).await?;
            if db.find::<SessionId>(&LOCK, values! { id: old.id, digest: &old.digest }).await?.is_some() {
                let (at, expire_at) = (event.at, old.revocations_expire_at);
                logout_deliveries::session_ends(db, old.id, at).await?;
                end_grants(db, old.id, Some(session.user), at, expire_at).await?;
                db.execute(&REPLACE, values! { id: old.id }).await?;
            }
        }
        db.append_audit(event).await?;
    }
    Ok(session)
}

/// Opens the session only if the user's epoch is still that of the password check, and a second factor was shown if the user
/// has one by now.
pub(super) async fn add<S: SqlTransaction>(db: &S, new: &NewSession) -> Read<Option<BrowserSession>, S> {
    static ADD: NamedStatement = NamedStatement::new(
        "INSERT INTO sessions (user_id, user_epoch, digest, auth_time, expires_at, second_factor, device, address, sid)
        SELECT u.id, u.epoch, :digest, :auth_time, :expires_at, :second_factor, :device, :address,
            coalesce((SELECT s.sid FROM sessions s
                WHERE s.id = :old AND s.digest = :old_digest AND s.user_id = u.id), :sid)
        FROM users u WHERE u.id = :user AND u.epoch = :user_epoch AND u.active
            AND (:second_factor OR NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id))
        RETURNING id, user_id, user_epoch, digest, auth_time, expires_at, sid, second_factor, device, address, last_used_at",
    );
    let NewSession { user, user_epoch, digest, auth_time, expires_at, sid, second_factor, origin, replaces } =
        new;
    // No session has the number 0.
    let old = replaces.map_or(0, |old| old.id.get());
    let old_digest = replaces.as_ref().map_or(digest, |old| &old.digest);
    let (user, user_epoch) = (*user, *user_epoch);
    let row = values! {
        digest,
        auth_time: *auth_time,
        expires_at: *expires_at,
        old,
        old_digest,
        sid,
        second_factor: *second_factor,
        device: origin.device.as_deref(),
        address: origin.address.as_deref(),
        user,
        user_epoch,
    };
    db.find(&ADD, row).await
}

/// Finds a session by id, whether or not it is still valid.
pub async fn find<S: SqlTransaction>(db: &S, id: SessionId) -> Read<Option<BrowserSession>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT id, user_id, user_epoch, digest, auth_time, expires_at, sid, second_factor, device, address, last_used_at
        FROM sessions WHERE id = :id",
    );
    db.find(&FIND, values! { id }).await
}

/// Lists the valid sessions of a user, newest first.
pub async fn list<S: SqlTransaction>(
    db: &S,
    user: UserId,
    now: Timestamp,
    limit: u32,
) -> Read<Vec<BrowserSession>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT s.id, s.user_id, s.user_epoch, s.digest, s.auth_time, s.expires_at, s.sid, s.second_factor, s.device,
            s.address, s.last_used_at
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.user_id = :user AND s.user_epoch = u.epoch AND s.expires_at > :now
            AND (s.second_factor OR NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id))
        ORDER BY s.id DESC LIMIT :limit",
    );
    db.list(&LIST, values! { user, now, limit: limit.min(MOST_SESSIONS) }).await
}

impl Record for BrowserSession {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            user: row.read()?,
            user_epoch: row.read()?,
            digest: row.read()?,
            auth_time: row.read()?,
            expires_at: row.read()?,
            sid: row.read()?,
            second_factor: row.read()?,
            origin: SessionOrigin { device: row.read()?, address: row.read()? },
            last_used_at: row.read()?,
        })
    }
}

/// Records that an application learned of a session.
pub async fn note_application<S: SqlTransaction>(
    db: &S,
    session: SessionId,
    application: ApplicationId,
) -> Read<(), S> {
    static NOTE: NamedStatement = NamedStatement::new(
        "INSERT INTO session_applications (session_id, application_id)
        SELECT s.id, a.id FROM sessions s CROSS JOIN applications a WHERE s.id = :session AND a.id = :application
        ON CONFLICT DO NOTHING",
    );
    db.execute(&NOTE, values! { session, application }).await.map(drop)
}

/// Lists the applications that learned of a session.
pub async fn list_applications<S: SqlTransaction>(db: &S, session: SessionId) -> Read<Vec<ApplicationId>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT application_id FROM session_applications WHERE session_id = :session
        ORDER BY application_id LIMIT :limit",
    );
    db.list(&LIST, values! { session, limit: MOST_SESSIONS }).await
}

/// Ends a session with those of its grants that end with it. Its row is locked, so that of concurrent callers one ends it,
/// and no application learns of it meanwhile.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: SessionId,
    revocations_expire_at: Timestamp,
    event: &NewAuditEvent,
) -> Read<EndedSession, S> {
    static LOCK: NamedStatement = NamedStatement::new("SELECT id FROM sessions WHERE id = :id {for update}");
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM sessions WHERE id = :id");
    if db.find::<SessionId>(&LOCK, values! { id }).await?.is_none() {
        return Ok(EndedSession::default());
    }
    let informed = list_applications(db, id).await?;
    logout_deliveries::session_ends(db, id, event.at).await?;
    let revoked = end_grants(db, id, None, event.at, revocations_expire_at).await?;
    db.execute(&DELETE, values! { id }).await?;
    db.append_audit(event).await?;
    Ok(EndedSession { informed, revoked })
}

/// Records that the user of a session has shown a second factor.
pub(super) async fn note_second_factor<S: SqlTransaction>(db: &S, id: SessionId) -> Read<(), S> {
    static NOTE: NamedStatement =
        NamedStatement::new("UPDATE sessions SET second_factor = true WHERE id = :id");
    db.execute(&NOTE, values! { id }).await.map(drop)
}

/// Ends sessions of a user, if it is the caller, or the caller has all permissions of that user. Returns how many have ended.
pub async fn end<S: SqlTransaction>(
    db: &S,
    user: UserId,
    which: EndedSessions,
    revocations_expire_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<(usize, Vec<Revocation>), S, UserRefusal> {
    if !authority::holds(db, event).await? {
        return Err(UserRefusal::RightsChanged.into());
    }
    if !event.reaches(user) && !event.covers(&authority::permissions_of_user(db, user).await?) {
        return Err(UserRefusal::BeyondRights.into());
    }
    let (ended, revoked) = end_all_of(db, user, which, event.at, revocations_expire_at).await?;
    match which {
        EndedSessions::One(_) if ended == 0 => return Err(UserRefusal::Unknown.into()),
        _ if ended == 0 => {}
        _ => db.append_audit(event).await?,
    }
    Ok((ended, revoked))
}

/// Ends all sessions of a user except for one, with their grants that end with them.
pub(super) async fn end_others<S: SqlTransaction>(
    db: &S,
    user: UserId,
    kept: SessionId,
    at: Timestamp,
    revocations_expire_at: Timestamp,
) -> Read<Vec<Revocation>, S> {
    let which = EndedSessions::AllBut(kept);
    Ok(end_all_of(db, user, which, at, revocations_expire_at).await?.1)
}

async fn end_all_of<S: SqlTransaction>(
    db: &S,
    user: UserId,
    which: EndedSessions,
    at: Timestamp,
    revocations_expire_at: Timestamp,
) -> Read<(usize, Vec<Revocation>), S> {
    static LOCK: NamedStatement = NamedStatement::new(
        "SELECT id FROM sessions WHERE user_id = :user AND id <> :kept AND (:all OR id = :id) {for update}",
    );
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM sessions WHERE id = :id");
    // No session has the number 0.
    let nobody = SessionId::new(0);
    let (id, kept, all) = match which {
        EndedSessions::One(id) => (id, nobody, false),
        EndedSessions::AllBut(kept) => (nobody, kept, true),
        EndedSessions::All => (nobody, nobody, true),
    };
    let found = db.list::<SessionId>(&LOCK, values! { user, kept, all, id }).await?;
    let mut revoked = Vec::new();
    for id in &found {
        logout_deliveries::session_ends(db, *id, at).await?;
        revoked.extend(end_grants(db, *id, None, at, revocations_expire_at).await?);
        db.execute(&DELETE, values! { id: *id }).await?;
    }
    Ok((found.len(), revoked))
}

/// Revokes the grants that end with a session, unless it goes on as the one of this user.
async fn end_grants<S: SqlTransaction>(
    db: &S,
    id: SessionId,
    goes_on_for: Option<UserId>,
    at: Timestamp,
    revocations_expire_at: Timestamp,
) -> Read<Vec<Revocation>, S> {
    let session = find(db, id).await?.filter(|session| Some(session.user) != goes_on_for);
    match session.as_ref().and_then(|session| Some((session.user, session.sid.as_deref()?))) {
        Some((user, sid)) => grants::end_with_session(db, user, sid, at, revocations_expire_at).await,
        None => Ok(Vec::new()),
    }
}

/// Ends every session of a user, and notifies all applications that the user has signed in to.
pub(super) async fn close_all<S: SqlTransaction>(db: &S, user: UserId, at: Timestamp) -> Read<(), S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM sessions WHERE user_id = :user");
    logout_deliveries::access_of_user_ends(db, user, at).await?;
    db.execute(&DELETE, values! { user }).await.map(drop)
}

/// Ends every session that is older than an instant, and notifies the applications that know of one.
pub(super) async fn close_older<S: SqlTransaction>(db: &S, instant: Timestamp, at: Timestamp) -> Read<(), S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM sessions WHERE auth_time < :instant");
    logout_deliveries::sessions_before_end(db, instant, at).await?;
    db.execute(&DELETE, values! { instant }).await.map(drop)
}

/// Whether the session that authenticated the caller is still there, if one did. It cannot end before the transaction does.
pub(super) async fn caller_session_exists<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Read<bool, S> {
    static LOCK: NamedStatement =
        NamedStatement::new("SELECT id FROM sessions WHERE id = :id AND user_id = :user {for no key update}");
    let Some(authority) = &event.authority else { return Ok(true) };
    let Credential::Session(session) = &authority.credential else { return Ok(true) };
    let row = values! { id: session.id, user: authority.caller.user };
    Ok(db.find::<SessionId>(&LOCK, row).await?.is_some())
}
