//! Reading grants, and revoking several at once. The backends create, rotate and revoke one, each in the way that is fastest
//! there.

use domain::id::{CodeId, GrantId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Grant, GrantDetails};
use oauth::revocation::{Revocation, RevokedSubject};

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::NewConsent;
use crate::columns::{Impossible, OriginColumns};

/// The first grants of a user for an application that are not revoked, by id.
pub async fn live<S: SqlTransaction>(db: &S, of: &NewConsent, limit: u32) -> Read<Vec<Grant>, S> {
    static LIVE: NamedStatement = NamedStatement::new(
        "SELECT g.id, g.application_id, g.application_epoch, g.user_id, g.user_epoch, g.origin, g.code_id,
            g.scopes, g.further_scopes, g.details, g.refreshable, g.generation, g.rotated_at, g.key, g.created_at, g.last_used_at,
            g.expires_at, g.revoked_at
        FROM grants g
        WHERE g.user_id = :user AND g.application_id = :application AND g.revoked_at IS NULL
            AND g.user_epoch = :user_epoch AND g.application_epoch = :application_epoch
        ORDER BY g.id LIMIT :limit",
    );
    let NewConsent { user, user_epoch, application, application_epoch, .. } = *of;
    let limit = i64::from(limit);
    db.list(&LIVE, values! { user, application, user_epoch, application_epoch, limit }).await
}

/// Finds a grant by its id, if its application and its user are still in the epoch of the grant.
pub async fn find<S: SqlTransaction>(db: &S, id: GrantId) -> Read<Option<Grant>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT g.id, g.application_id, g.application_epoch, g.user_id, g.user_epoch, g.origin, g.code_id,
            g.scopes, g.further_scopes, g.details, g.refreshable, g.generation, g.rotated_at, g.key, g.created_at, g.last_used_at,
            g.expires_at, g.revoked_at
        FROM grants g
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users u ON u.id = g.user_id AND u.epoch = g.user_epoch
        WHERE g.id = :id",
    );
    db.find(&FIND, values! { id }).await
}

/// Deletes a grant of which no token was handed out.
pub async fn withdraw<S: SqlTransaction>(db: &S, id: GrantId) -> Read<(), S> {
    static WITHDRAW: NamedStatement =
        NamedStatement::new("DELETE FROM grants WHERE id = :id AND generation = 0 AND revoked_at IS NULL");
    db.execute(&WITHDRAW, values! { id }).await.map(|_| ())
}

/// The maximum number of grants of a user that are compared with a session: the newest.
const MOST_COMPARED: i64 = 1_000;
/// The maximum number of grants that end with a session.
const MOST_OF_SESSION: usize = 200;

/// Revokes the newest grants of a user that end with the session of this name. The sign-out waits for it, so its work is
/// bounded.
pub(super) async fn end_with_session<S: SqlTransaction>(
    db: &S,
    user: UserId,
    sid: &str,
    at: Timestamp,
    revocations_expire_at: Timestamp,
) -> Read<Vec<Revocation>, S> {
    static NEWEST: NamedStatement = NamedStatement::new(
        "SELECT g.id, g.application_id, g.application_epoch, g.user_id, g.user_epoch, g.origin, g.code_id,
            g.scopes, g.further_scopes, g.details, g.refreshable, g.generation, g.rotated_at, g.key, g.created_at, g.last_used_at,
            g.expires_at, g.revoked_at
        FROM (SELECT id AS newest FROM grants WHERE user_id = :user AND revoked_at IS NULL
            ORDER BY id DESC LIMIT :limit) AS live
        JOIN grants g ON g.id = live.newest
        WHERE g.refreshable AND g.details LIKE '%\"sid\":%'
        ORDER BY g.id DESC",
    );
    let live: Vec<Grant> = db.list(&NEWEST, values! { user, limit: MOST_COMPARED }).await?;
    let ending = live.iter().filter(|grant| grant.ends_with_session(sid)).map(|grant| grant.id);
    let ending: Vec<GrantId> = ending.take(MOST_OF_SESSION).collect();
    end(db, &ending, at, revocations_expire_at).await
}

/// Revokes grants one by one, those that are not revoked yet.
pub(super) async fn end<S: SqlTransaction>(
    db: &S,
    grants: &[GrantId],
    at: Timestamp,
    revocations_expire_at: Timestamp,
) -> Read<Vec<Revocation>, S> {
    static END: NamedStatement = NamedStatement::new(
        "WITH live AS MATERIALIZED (
            SELECT id FROM grants WHERE id IN {each :ids} AND revoked_at IS NULL ORDER BY id {for update})
        UPDATE grants SET revoked_at = :at FROM live WHERE grants.id = live.id",
    );
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = grants.iter().map(|id| id.get()).collect();
    db.execute(&END, values! { ids: ids.as_slice(), at }).await?;
    let subjects: Vec<RevokedSubject> = grants.iter().copied().map(RevokedSubject::Grant).collect();
    db.append_revocations(&subjects, at, revocations_expire_at).await
}

impl Record for Grant {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            application: row.read()?,
            application_epoch: row.read()?,
            user: row.read()?,
            user_epoch: row.read()?,
            origin: origin(row.read()?, row.read()?)?,
            scopes: row.scopes()?,
            details: Box::new(details(row.read()?)?),
            refreshable: row.read()?,
            generation: row.read()?,
            rotated_at: row.read()?,
            key: row.read()?,
            created_at: row.read()?,
            last_used_at: row.read()?,
            expires_at: row.read()?,
            revoked_at: row.read()?,
        })
    }
}

fn origin(origin: Option<i64>, code: Option<[u8; 16]>) -> Result<oauth::grant::GrantOrigin, Impossible> {
    OriginColumns { origin, code: code.map(CodeId::from_bytes) }.try_into()
}

fn details(stored: Option<&str>) -> Result<GrantDetails, Impossible> {
    GrantDetails::from_json(stored).map_err(|error| Impossible(error.to_string()))
}
