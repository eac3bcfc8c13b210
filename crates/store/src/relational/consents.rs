//! Consents. The backends list what a user has allowed: PostgreSQL adds up the grants of an application itself, and
//! SQLite hands over one after the other, so that neither collects all of them in memory.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, GrantId, UserId};
use domain::time::Timestamp;
use oauth::data_access::DataAccess;
use oauth::grant::{Allowed, Consent};
use oauth::revocation::{Revocation, RevokedSubject};

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, grants, sessions, values};
use crate::columns::{
    Impossible, ScopeColumns, allowed_data_from_json, data_access_from_json, data_access_to_json,
};
use crate::{NewConsent, StoredConsent};

/// The maximum number of grants that are compared with a consent. If there are more, all of them end.
const MOST_COMPARED: u32 = 1_000;
/// The maximum number of grants that end one by one. If there are more, all grants end, with one revocation.
const MOST_ENDED: usize = 50;

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

/// Stores a consent only if both epochs are still those of the decision and its session has not ended. It locks the user, so
/// that two changes for the same user and application run one after the other.
pub async fn allow<S: SqlTransaction>(
    db: &S,
    new: &NewConsent,
    event: &NewAuditEvent,
) -> Read<Option<StoredConsent>, S> {
    static CHANGE: NamedStatement = NamedStatement::new(
        "UPDATE consents SET scopes = :scopes, further_scopes = :further_scopes, data = :data WHERE id = :id",
    );
    let NewConsent { user, user_epoch, application, application_epoch, .. } = *new;
    lock_user(db, user).await?;
    if epochs(db, user, application).await? != Some((user_epoch, application_epoch)) {
        return Ok(None);
    }
    if !sessions::caller_session_exists(db, event).await? {
        return Ok(None);
    }
    let consent = match find(db, user, application).await? {
        Some(consent) if narrows(&consent, new) => replace(db, new, &consent).await?,
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
        None => insert(db, new, None, event.at).await?,
    };
    let ended = if new.data.leaves_out() { end_beyond(db, new, &consent, event).await? } else { Vec::new() };
    db.append_audit(event).await?;
    Ok(Some(StoredConsent { consent, ended }))
}

fn narrows(before: &Consent, new: &NewConsent) -> bool {
    let after = new.data.applied_to(Some(before));
    before.scopes.reaches_data() && !DataAccess::is_within(before.data.as_ref(), after.as_ref())
}

/// The new id makes codes of the earlier consent invalid, which reach more.
async fn replace<S: SqlTransaction>(db: &S, new: &NewConsent, before: &Consent) -> Read<Consent, S> {
    let new = NewConsent { scopes: before.scopes.union(&new.scopes), ..new.clone() };
    insert(db, &new, Some(before), before.created_at).await
}

/// Revokes the user's grants for the application that the consent ends. Once the user is locked and an earlier
/// consent is deleted, no such grant can be created, so the statements see every grant.
async fn end_beyond<S: SqlTransaction>(
    db: &S,
    new: &NewConsent,
    consent: &Consent,
    event: &NewAuditEvent,
) -> Read<Vec<Revocation>, S> {
    let live = grants::live(db, new, MOST_COMPARED + 1).await?;
    let beyond: Vec<GrantId> = live
        .iter()
        .filter(|grant| new.data.ends(grant, consent.data.as_ref()))
        .map(|grant| grant.id)
        .collect();
    if beyond.len() > MOST_ENDED || live.len() > MOST_COMPARED as usize {
        return end_all(db, new, event.at).await;
    }
    grants::end(db, &beyond, event.at, new.revocations_expire_at).await
}

async fn end_all<S: SqlTransaction>(db: &S, new: &NewConsent, at: Timestamp) -> Read<Vec<Revocation>, S> {
    let (pair, epochs) = ((new.user, new.application), (new.user_epoch, new.application_epoch));
    let last_grant = revoke_grants(db, pair, epochs, at).await?;
    let subject = last_grant.map(|last_grant| RevokedSubject::Allowance {
        user: new.user,
        application: new.application,
        last_grant,
    });
    match subject {
        Some(subject) => db.append_revocations(&[subject], at, new.revocations_expire_at).await,
        None => Ok(Vec::new()),
    }
}

/// A consent of an earlier epoch may still be stored; the new one replaces it and has a new id.
async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewConsent,
    before: Option<&Consent>,
    at: Timestamp,
) -> Read<Consent, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO consents
            (user_id, application_id, user_epoch, application_epoch, scopes, further_scopes, data, created_at)
        VALUES (:user, :application, :user_epoch, :application_epoch, :scopes, :further_scopes, :data, :at)
        RETURNING id, user_id, application_id, scopes, further_scopes, data, created_at",
    );
    let NewConsent { user, user_epoch, application, application_epoch, ref scopes, ref data, .. } = *new;
    delete(db, user, application).await?;
    let ScopeColumns { scopes, further_scopes } = scopes.into();
    let data = data_access_to_json(data.applied_to(before).as_ref())?;
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
            data: allowed_data_from_json(row.read::<Option<&str>>()?)?,
            since: row.read()?,
            last_used_at: row.read()?,
        })
    }
}

/// Revokes the user's consent and grants for the application; `None` if there is neither. Once the user is locked and
/// the consent is deleted, no grant can be created under either, so the following statements see every grant.
pub(super) async fn revoke<S: SqlTransaction>(
    db: &S,
    user: UserId,
    application: ApplicationId,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> Read<Option<Vec<Revocation>>, S> {
    lock_user(db, user).await?;
    let Some(epochs) = epochs(db, user, application).await? else {
        return Ok(None);
    };
    let consent = find(db, user, application).await?;
    if consent.is_some() {
        delete(db, user, application).await?;
    }
    let Some(last_grant) = revoke_grants(db, (user, application), epochs, at).await? else {
        return Ok(consent.map(|_| Vec::new()));
    };
    let subject = RevokedSubject::Allowance { user, application, last_grant };
    Ok(Some(db.append_revocations(&[subject], at, revocation_expires_at).await?))
}

/// Revokes every grant of the user for the application, and returns the last one.
async fn revoke_grants<S: SqlTransaction>(
    db: &S,
    (user, application): (UserId, ApplicationId),
    (user_epoch, application_epoch): (Epoch, Epoch),
    at: Timestamp,
) -> Read<Option<GrantId>, S> {
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
    let pair = values! { user, application, user_epoch, application_epoch };
    let last_grant: GrantId = db.value(&LAST, pair).await?;
    if last_grant.get() == 0 {
        return Ok(None);
    }
    db.execute(&REVOKE, values! { user, application, at }).await?;
    Ok(Some(last_grant))
}
