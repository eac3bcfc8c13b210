//! Consents. The backends list what a user has allowed: PostgreSQL adds up the grants of an application itself, and
//! SQLite hands over one after the other, so that neither collects all of them in memory.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, GrantId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, Consent};
use oauth::revocation::{Revocation, RevokedSubject};

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::NewConsent;
use crate::columns::{Impossible, ScopeColumns, data_access_from_json, data_access_to_json};

/// Finds the consent of a user for an application, if it is still valid.
pub async fn find<S: SqlTransaction>(
    db: &S,
    user: UserId,
    application: ApplicationId,
) -> Read<Option<Consent>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT c.id, c.user_id, c.application_id, c.scopes, c.further_scopes, c.data, c.created_at
        FROM consents c
        JOIN users u ON u.id = c.user_id AND u.epoch = c.user_epoch
        JOIN applications a ON a.id = c.application_id AND a.epoch = c.application_epoch
        WHERE c.user_id = :user AND c.application_id = :application",
    );
    db.find(&FIND, values! { user, application }).await
}

impl Record for Consent {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            user: row.read()?,
            application: row.read()?,
            scopes: row.scopes()?,
            data: data_access_from_json(row.read::<Option<&str>>()?)?,
            created_at: row.read()?,
        })
    }
}

/// Stores a consent only if both epochs are still those of the decision. It locks the user, so that two changes
/// for the same user and application run one after the other.
pub async fn allow<S: SqlTransaction>(
    db: &S,
    new: &NewConsent,
    event: &NewAuditEvent,
) -> Read<Option<Consent>, S> {
    static CHANGE: NamedStatement = NamedStatement::new(
        "UPDATE consents SET scopes = :scopes, further_scopes = :further_scopes, data = :data WHERE id = :id",
    );
    let NewConsent { user, user_epoch, application, application_epoch, .. } = *new;
    lock_user(db, user).await?;
    if epochs(db, user, application).await? != Some((user_epoch, application_epoch)) {
        return Ok(None);
    }
    let consent = match find(db, user, application).await? {
        Some(consent) => {
            let scopes = consent.scopes.union(&new.scopes);
            let data = new.data.applied_to(Some(&consent));
            if scopes != consent.scopes || data != consent.data {
                let ScopeColumns { scopes, further_scopes } = (&scopes).into();
                let data = data_access_to_json(data.as_ref())?;
                db.execute(&CHANGE, values! { scopes, further_scopes, data, id: consent.id }).await?;
            }
            Consent { scopes, data, ..consent }
        }
        None => insert(db, new, event.at).await?,
    };
    db.append_audit(event).await?;
    Ok(Some(consent))
}

/// A consent of an earlier epoch may still be stored; the new one replaces it and has a new id.
async fn insert<S: SqlTransaction>(db: &S, new: &NewConsent, at: Timestamp) -> Read<Consent, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO consents
            (user_id, application_id, user_epoch, application_epoch, scopes, further_scopes, data, created_at)
        VALUES (:user, :application, :user_epoch, :application_epoch, :scopes, :further_scopes, :data, :at)
        RETURNING id, user_id, application_id, scopes, further_scopes, data, created_at",
    );
    let NewConsent { user, user_epoch, application, application_epoch, ref scopes, ref data } = *new;
    delete(db, user, application).await?;
    let ScopeColumns { scopes, further_scopes } = scopes.into();
    let data = data_access_to_json(data.applied_to(None).as_ref())?;
    let row = values! { user, application, user_epoch, application_epoch, scopes, further_scopes, data, at };
    db.value(&INSERT, row).await
}

/// Waits for every grant that is being created under the consent.
async fn delete<S: SqlTransaction>(db: &S, user: UserId, application: ApplicationId) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM consents WHERE user_id = :user AND application_id = :application");
    db.execute(&DELETE, values! { user, application }).await.map(drop)
}

/// Waits for every grant that is being created for the user without a consent.
async fn lock_user<S: SqlTransaction>(db: &S, user: UserId) -> Read<(), S> {
    static LOCK: NamedStatement = NamedStatement::new("SELECT id FROM users WHERE id = :user {for update}");
    db.find::<UserId>(&LOCK, values! { user }).await.map(drop)
}

/// The epochs of the user and the application; `None` if one of them was deleted.
async fn epochs<S: SqlTransaction>(
    db: &S,
    user: UserId,
    application: ApplicationId,
) -> Read<Option<(Epoch, Epoch)>, S> {
    static EPOCHS: NamedStatement = NamedStatement::new(
        "SELECT u.epoch, a.epoch FROM users u CROSS JOIN applications a
        WHERE u.id = :user AND a.id = :application",
    );
    db.find(&EPOCHS, values! { user, application }).await
}

impl Record for Allowed {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            application: row.read()?,
            name: row.read()?,
            owner_name: row.read()?,
            handed_over: row.handover()?,
            scopes: row.scopes()?,
            since: row.read()?,
            last_used_at: row.read()?,
        })
    }
}

/// Revokes the user's consent and grants for the application. Once the user is locked and the consent is
/// deleted, no grant can be created under either, so the following statements see every grant.
pub async fn revoke_allowed<S: SqlTransaction>(
    db: &S,
    user: UserId,
    application: ApplicationId,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Read<Option<Vec<Revocation>>, S> {
    static LAST: NamedStatement = NamedStatement::new(
        "SELECT coalesce(max(id), 0) FROM grants
        WHERE user_id = :user AND application_id = :application AND revoked_at IS NULL
            AND user_epoch = :user_epoch AND application_epoch = :application_epoch",
    );
    static REVOKE: NamedStatement = NamedStatement::new(
        "WITH live AS MATERIALIZED (
            SELECT id FROM grants
            WHERE user_id = :user AND application_id = :application AND revoked_at IS NULL
            ORDER BY id {for update})
        UPDATE grants SET revoked_at = :at FROM live WHERE grants.id = live.id",
    );
    lock_user(db, user).await?;
    let Some((user_epoch, application_epoch)) = epochs(db, user, application).await? else {
        return Ok(None);
    };
    let consent = find(db, user, application).await?;
    if consent.is_some() {
        delete(db, user, application).await?;
    }
    let pair = values! { user, application, user_epoch, application_epoch };
    let last_grant: GrantId = db.value(&LAST, pair).await?;
    if last_grant.get() == 0 {
        if consent.is_some() {
            db.append_audit(event).await?;
        }
        return Ok(consent.map(|_| Vec::new()));
    }
    db.execute(&REVOKE, values! { user, application, at: event.at }).await?;
    let subject = RevokedSubject::Allowance { user, application, last_grant };
    let ended = db.append_revocations(&[subject], event.at, revocation_expires_at).await?;
    db.append_audit(event).await?;
    Ok(Some(ended))
}
