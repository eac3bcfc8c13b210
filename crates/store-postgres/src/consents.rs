//! Consents, and the list of everything that a user has allowed.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ConsentId, Epoch, GrantId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, Consent};
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::scope::ScopeSet;
use store::NewConsent;
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::{audit, micros, revocations};

pub(crate) async fn find(
    db: &Client,
    user: UserId,
    application: ApplicationId,
) -> sql::Result<Option<Consent>> {
    const FIND: &str = "SELECT c.id, c.user_id, c.application_id, c.scopes, c.created_at
        FROM consents c
        JOIN users u ON u.id = c.user_id AND u.epoch = c.user_epoch
        JOIN applications a ON a.id = c.application_id AND a.epoch = c.application_epoch
        WHERE c.user_id = $1 AND c.application_id = $2";
    sql::find(db, FIND, values![user.get(), application.get()], read).await
}

/// Stores a consent, in a transaction of its own. It locks the user, so that two changes for the same user
/// and application run one after the other. It stores the consent only if both epochs are still those of the
/// decision.
pub(crate) async fn allow(
    db: &Client,
    new: &NewConsent,
    event: &NewAuditEvent,
) -> sql::Result<Option<Consent>> {
    const WIDEN: &str = "UPDATE consents SET scopes = $2 WHERE id = $1";
    let NewConsent { user, user_epoch, application, application_epoch, scopes } = *new;
    lock_user(db, user).await?;
    let epochs = (user_epoch, application_epoch);
    if self::epochs(db, user, application).await? != Some(epochs) {
        return Ok(None);
    }
    let consent = match find(db, user, application).await? {
        Some(consent) => {
            let scopes = consent.scopes.union(scopes);
            if scopes != consent.scopes {
                sql::execute(db, WIDEN, values![consent.id.get(), i64::from(scopes.bits())]).await?;
            }
            Consent { scopes, ..consent }
        }
        None => insert(db, (user, application), epochs, scopes, event.at).await?,
    };
    audit::append_one(db, event).await?;
    Ok(Some(consent))
}

/// A consent of an earlier epoch may still be stored; the new one replaces it and has a new id.
async fn insert(
    db: &Client,
    (user, application): (UserId, ApplicationId),
    (user_epoch, application_epoch): (Epoch, Epoch),
    scopes: ScopeSet,
    at: Timestamp,
) -> sql::Result<Consent> {
    const INSERT: &str = "INSERT INTO consents
            (user_id, application_id, user_epoch, application_epoch, scopes, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    delete(db, user, application).await?;
    let id = sql::value(
        db,
        INSERT,
        values![
            user.get(),
            application.get(),
            user_epoch.get(),
            application_epoch.get(),
            i64::from(scopes.bits()),
            micros(at)
        ],
    )
    .await;
    Ok(Consent { id: ConsentId::new(id?), user, application, scopes, created_at: at })
}

/// Waits for every grant that is being created under the consent.
async fn delete(db: &Client, user: UserId, application: ApplicationId) -> sql::Result<()> {
    const DELETE: &str = "DELETE FROM consents WHERE user_id = $1 AND application_id = $2";
    sql::execute(db, DELETE, values![user.get(), application.get()]).await.map(drop)
}

/// Waits for every grant that is being created for the user without a consent.
async fn lock_user(db: &Client, user: UserId) -> sql::Result<()> {
    sql::rows(db, "SELECT id FROM users WHERE id = $1 FOR UPDATE", values![user.get()]).await.map(drop)
}

/// The epochs of the user and the application; `None` if one of them was deleted.
async fn epochs(
    db: &Client,
    user: UserId,
    application: ApplicationId,
) -> sql::Result<Option<(Epoch, Epoch)>> {
    const EPOCHS: &str =
        "SELECT u.epoch, a.epoch FROM users u CROSS JOIN applications a WHERE u.id = $1 AND a.id = $2";
    sql::find(db, EPOCHS, values![user.get(), application.get()], |row| {
        Ok((Epoch::new(row.try_get(0)?), Epoch::new(row.try_get(1)?)))
    })
    .await
}

/// Returns one entry for each application. The query steps from one application to the next by the indices, so
/// the consents and grants of other applications are not read.
pub(crate) async fn list_allowed(
    db: &Client,
    user: UserId,
    now: Timestamp,
    after: Option<ApplicationId>,
    limit: u32,
) -> sql::Result<Vec<Allowed>> {
    let most = limit as usize;
    let mut at = after.map_or(0, ApplicationId::get);
    let mut allowed = Vec::new();
    while allowed.len() < most {
        let next = applications_after(db, user, at, limit).await?;
        let Some(last) = next.last() else { break };
        at = *last;
        let is_last = next.len() < most;
        allowed.extend(added_up(db, user, now, next).await?);
        if is_last {
            break;
        }
    }
    allowed.truncate(most);
    Ok(allowed)
}

/// Returns the applications for which the user has a consent or grant, valid or not.
async fn applications_after(db: &Client, user: UserId, after: i64, limit: u32) -> sql::Result<Vec<i64>> {
    const NEXT: &str = "WITH RECURSIVE given (id) AS (
            SELECT $2::bigint
            UNION ALL
            SELECT least(
                (SELECT min(application_id) FROM consents WHERE user_id = $1 AND application_id > given.id),
                (SELECT min(application_id) FROM grants
                    WHERE user_id = $1 AND application_id > given.id AND revoked_at IS NULL))
            FROM given WHERE given.id IS NOT NULL)
        SELECT id FROM given WHERE id > $2 LIMIT $3";
    sql::list(db, NEXT, values![user.get(), after, i64::from(limit)], |row| Ok(row.try_get(0)?)).await
}

/// Merges the user's consents and grants for each of these applications, by id.
async fn added_up(
    db: &Client,
    user: UserId,
    now: Timestamp,
    applications: Vec<i64>,
) -> sql::Result<Vec<Allowed>> {
    const SUM: &str = "WITH given AS (
            SELECT application_id, application_epoch, user_epoch, scopes, created_at, NULL::bigint AS last_used_at
            FROM consents WHERE user_id = $1 AND application_id = ANY ($3::bigint[])
            UNION ALL
            SELECT application_id, application_epoch, user_epoch, scopes, created_at, last_used_at
            FROM grants WHERE user_id = $1 AND application_id = ANY ($3::bigint[]) AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > $2))
        SELECT a.id, a.name, o.name, bit_or(g.scopes), min(g.created_at), max(g.last_used_at),
            a.created_by, a.handed_over_at
        FROM given g
        JOIN users u ON u.id = $1 AND u.epoch = g.user_epoch
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users o ON o.id = a.owner_id
        GROUP BY a.id, a.name, o.name ORDER BY a.id";
    sql::list(db, SUM, values![user.get(), micros(now), applications], |row| {
        Ok(Allowed {
            application: ApplicationId::new(row.try_get(0)?),
            name: row.try_get(1)?,
            owner_name: row.try_get(2)?,
            handed_over: sql::handover(row, 6)?,
            scopes: ScopeSet::from_bits(sql::number(row, 3)?),
            since: sql::moment(row, 4)?,
            last_used_at: sql::optional_moment(row, 5)?,
        })
    })
    .await
}

/// Runs in a serialized transaction. Once the user is locked and the consent is deleted, no grant can be
/// created under either, so the following statements see every grant.
pub(crate) async fn revoke_allowed(
    db: &Client,
    user: UserId,
    application: ApplicationId,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Option<Vec<Revocation>>> {
    const LAST: &str = "SELECT coalesce(max(id), 0) FROM grants
        WHERE user_id = $1 AND application_id = $2 AND revoked_at IS NULL AND user_epoch = $3 AND application_epoch = $4";
    const REVOKE: &str = "WITH live AS MATERIALIZED (
            SELECT id FROM grants WHERE user_id = $1 AND application_id = $2 AND revoked_at IS NULL
            ORDER BY id FOR UPDATE)
        UPDATE grants g SET revoked_at = $3 FROM live WHERE g.id = live.id";
    lock_user(db, user).await?;
    let Some((user_epoch, application_epoch)) = epochs(db, user, application).await? else {
        return Ok(None);
    };
    let consent = find(db, user, application).await?;
    let (user_id, application_id) = (user.get(), application.get());
    if consent.is_some() {
        delete(db, user, application).await?;
    }
    let last: i64 =
        sql::value(db, LAST, values![user_id, application_id, user_epoch.get(), application_epoch.get()])
            .await?;
    if consent.is_none() && last == 0 {
        return Ok(None);
    }
    let mut ended = Vec::new();
    if last > 0 {
        sql::execute(db, REVOKE, values![user_id, application_id, micros(event.at)]).await?;
        let subject = RevokedSubject::Allowance { user, application, last_grant: GrantId::new(last) };
        ended = revocations::append_one(db, subject, event.at, revocation_expires_at).await?;
    }
    audit::append_one(db, event).await?;
    Ok(Some(ended))
}

fn read(row: &Row) -> sql::Result<Consent> {
    Ok(Consent {
        id: ConsentId::new(row.try_get(0)?),
        user: UserId::new(row.try_get(1)?),
        application: ApplicationId::new(row.try_get(2)?),
        scopes: ScopeSet::from_bits(sql::number(row, 3)?),
        created_at: sql::moment(row, 4)?,
    })
}
