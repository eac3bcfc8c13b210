//! Logout tokens that are still to be delivered to applications.

use domain::account::attributes::SubjectSeed;
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, LogoutDeliveryId, SessionId, UserId};
use domain::time::Timestamp;

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::Impossible;
use crate::{LogoutClaim, LogoutDelivery, MOST_LOGOUT_DELIVERIES};

/// Adds a delivery for each application that knows of a session and has an address for logout tokens. Nothing inside a
/// text looks like the name of a member, because quotes in it are escaped.
macro_rules! add {
    ($condition:literal) => {
        NamedStatement::new(concat!(
            "WITH ended AS MATERIALIZED (
                SELECT k.application_id, s.user_id, u.subject_seed, s.sid,
                    row_number() OVER (PARTITION BY k.application_id ORDER BY s.id) AS place
                FROM sessions s
                JOIN session_applications k ON k.session_id = s.id
                JOIN users u ON u.id = s.user_id
                JOIN applications a ON a.id = k.application_id
                    AND a.client_metadata LIKE '%\"backchannel_logout_uri\":%'
                WHERE ",
            $condition,
            "), waiting AS MATERIALIZED (
                SELECT e.application_id, (SELECT count(*) FROM logout_deliveries d
                    WHERE d.application_id = e.application_id) AS deliveries
                FROM (SELECT DISTINCT application_id FROM ended) AS e)
            INSERT INTO logout_deliveries
                (application_id, user_id, subject_seed, sid, attempts, due_at, created_at)
            SELECT e.application_id, e.user_id, e.subject_seed, e.sid, 0, :at, :at
            FROM ended e JOIN waiting w ON w.application_id = e.application_id
            WHERE e.place + w.deliveries <= :most"
        ))
    };
}

/// Adds the deliveries for a session that ends.
pub(super) async fn session_ends<S: SqlTransaction>(
    db: &S,
    session: SessionId,
    at: Timestamp,
) -> Read<(), S> {
    static ADD: NamedStatement = add!("s.id = :session");
    db.execute(&ADD, values! { session, at, most: MOST_LOGOUT_DELIVERIES }).await.map(drop)
}

/// Adds the deliveries for a user whose sessions and grants end. An application that has a grant of a session that has
/// ended before is notified that all sessions of the user have ended.
pub(super) async fn access_of_user_ends<S: SqlTransaction>(
    db: &S,
    user: UserId,
    at: Timestamp,
) -> Read<(), S> {
    static ADD: NamedStatement = add!("s.user_id = :user");
    static ADD_OF_GRANTS: NamedStatement = NamedStatement::new(
        "INSERT INTO logout_deliveries (application_id, user_id, subject_seed, sid, attempts, due_at, created_at)
        SELECT a.id, u.id, u.subject_seed, NULL, 0, :at, :at
        FROM users u CROSS JOIN applications a
        WHERE u.id = :user AND a.client_metadata LIKE '%\"backchannel_logout_uri\":%'
            AND a.id IN (SELECT g.application_id FROM grants g
                WHERE g.user_id = :user AND g.revoked_at IS NULL AND g.user_epoch >= u.epoch - 1
                    AND g.details LIKE '%\"sign_in\":%')
            AND NOT EXISTS (SELECT 1 FROM sessions s JOIN session_applications k ON k.session_id = s.id
                WHERE s.user_id = :user AND k.application_id = a.id)
            AND (SELECT count(*) FROM logout_deliveries d WHERE d.application_id = a.id) < :most",
    );
    let most = MOST_LOGOUT_DELIVERIES;
    db.execute(&ADD_OF_GRANTS, values! { at, user, most }).await?;
    db.execute(&ADD, values! { user, at, most }).await.map(drop)
}

/// Adds the deliveries for a user whose access at an application ends. The sessions stay, and the application knows of
/// none any more. If it knew of none, it is notified that all sessions of the user have ended.
pub(super) async fn access_at_application_ends<S: SqlTransaction>(
    db: &S,
    user: UserId,
    application: ApplicationId,
    at: Timestamp,
) -> Read<(), S> {
    static ADD: NamedStatement = add!("s.user_id = :user AND k.application_id = :application");
    static FORGET: NamedStatement = NamedStatement::new(
        "DELETE FROM session_applications WHERE application_id = :application
            AND session_id IN (SELECT id FROM sessions WHERE user_id = :user)",
    );
    static ADD_WITHOUT_SESSION: NamedStatement = NamedStatement::new(
        "INSERT INTO logout_deliveries (application_id, user_id, subject_seed, sid, attempts, due_at, created_at)
        SELECT a.id, u.id, u.subject_seed, NULL, 0, :at, :at
        FROM users u CROSS JOIN applications a
        WHERE u.id = :user AND a.id = :application
            AND a.client_metadata LIKE '%\"backchannel_logout_uri\":%'
            AND (SELECT count(*) FROM logout_deliveries d WHERE d.application_id = a.id) < :most",
    );
    let most = MOST_LOGOUT_DELIVERIES;
    if db.execute(&ADD, values! { user, application, at, most }).await? == 0 {
        db.execute(&ADD_WITHOUT_SESSION, values! { at, user, application, most }).await?;
    }
    db.execute(&FORGET, values! { application, user }).await.map(drop)
}

/// Adds the deliveries for an application whose access ends. The sessions stay, and the application knows of none any
/// more.
pub(super) async fn access_of_application_ends<S: SqlTransaction>(
    db: &S,
    application: ApplicationId,
    at: Timestamp,
) -> Read<(), S> {
    static ADD: NamedStatement = add!("k.application_id = :application");
    static FORGET: NamedStatement =
        NamedStatement::new("DELETE FROM session_applications WHERE application_id = :application");
    db.execute(&ADD, values! { application, at, most: MOST_LOGOUT_DELIVERIES }).await?;
    db.execute(&FORGET, values! { application }).await.map(drop)
}

/// Adds the deliveries for every session that is older than an instant.
pub(super) async fn sessions_before_end<S: SqlTransaction>(
    db: &S,
    instant: Timestamp,
    at: Timestamp,
) -> Read<(), S> {
    static ADD: NamedStatement = add!("s.auth_time < :instant");
    db.execute(&ADD, values! { instant, at, most: MOST_LOGOUT_DELIVERIES }).await.map(drop)
}

/// Claims the deliveries for one application.
pub async fn claim<S: SqlTransaction>(db: &S, claim: &LogoutClaim) -> Read<Vec<LogoutDelivery>, S> {
    static NEXT: NamedStatement = NamedStatement::new(
        "SELECT application_id FROM logout_deliveries
        WHERE due_at <= :now AND application_id NOT IN {each :except} ORDER BY due_at, id LIMIT 1",
    );
    static CLAIM: NamedStatement = NamedStatement::new(
        "WITH due AS MATERIALIZED (
            SELECT id AS delivery FROM logout_deliveries
            WHERE application_id = :application AND due_at <= :now
            ORDER BY due_at, id LIMIT :most {for update})
        UPDATE logout_deliveries SET attempts = attempts + 1, due_at = :until FROM due
        WHERE id = due.delivery AND due_at <= :now
        RETURNING id, application_id, user_id, subject_seed, sid, attempts",
    );
    let LogoutClaim { now, until, most, ref except } = *claim;
    let next = db.find::<ApplicationId>(&NEXT, values! { now, except: except.as_slice() }).await?;
    let Some(application) = next else { return Ok(Vec::new()) };
    db.list(&CLAIM, values! { application, now, most, until }).await
}

impl Record for LogoutDelivery {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            application: row.read()?,
            user: row.read()?,
            subject_seed: SubjectSeed::new(row.read()?),
            sid: row.read()?,
            attempts: row.read()?,
        })
    }
}

/// Makes a delivery due at another time, unless it was claimed again.
pub async fn postpone<S: SqlTransaction>(
    db: &S,
    id: LogoutDeliveryId,
    attempts: u32,
    due_at: Timestamp,
) -> Read<bool, S> {
    static POSTPONE: NamedStatement = NamedStatement::new(
        "UPDATE logout_deliveries SET due_at = :due_at WHERE id = :id AND attempts = :attempts",
    );
    Ok(db.execute(&POSTPONE, values! { due_at, id, attempts }).await? == 1)
}

/// Takes back a claim, unless the delivery was claimed again.
pub async fn give_back<S: SqlTransaction>(
    db: &S,
    id: LogoutDeliveryId,
    attempts: u32,
    due_at: Timestamp,
) -> Read<bool, S> {
    static GIVE_BACK: NamedStatement = NamedStatement::new(
        "UPDATE logout_deliveries SET due_at = :due_at, attempts = attempts - 1
        WHERE id = :id AND attempts = :attempts",
    );
    Ok(db.execute(&GIVE_BACK, values! { due_at, id, attempts }).await? == 1)
}

/// Deletes a delivery, unless it was claimed again.
pub async fn end<S: SqlTransaction>(
    db: &S,
    id: LogoutDeliveryId,
    attempts: u32,
    event: Option<&NewAuditEvent>,
) -> Read<bool, S> {
    static END: NamedStatement =
        NamedStatement::new("DELETE FROM logout_deliveries WHERE id = :id AND attempts = :attempts");
    if db.execute(&END, values! { id, attempts }).await? == 0 {
        return Ok(false);
    }
    if let Some(event) = event {
        db.append_audit(event).await?;
    }
    Ok(true)
}
