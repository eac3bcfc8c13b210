//! Consents, and the list of everything that a user has allowed.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ConsentId, Epoch, GrantId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, Consent};
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::scope::ScopeSet;
use rusqlite::{Connection, Row};
use store::NewConsent;

use crate::{audit, micros, revocations, sql};

pub(crate) fn find(
    db: &Connection,
    user: UserId,
    application: ApplicationId,
) -> sql::Result<Option<Consent>> {
    const FIND: &str = "SELECT c.id, c.user_id, c.application_id, c.scopes, c.created_at
        FROM consents c
        JOIN users u ON u.id = c.user_id AND u.epoch = c.user_epoch
        JOIN applications a ON a.id = c.application_id AND a.epoch = c.application_epoch
        WHERE c.user_id = ?1 AND c.application_id = ?2";
    sql::find(db, FIND, (user.get(), application.get()), read)
}

/// Stores the consent only if both epochs are still those of the decision.
pub(crate) fn allow(
    db: &Connection,
    new: &NewConsent,
    event: &NewAuditEvent,
) -> sql::Result<Option<Consent>> {
    const WIDEN: &str = "UPDATE consents SET scopes = ?2 WHERE id = ?1";
    let NewConsent { user, user_epoch, application, application_epoch, scopes } = *new;
    if epochs(db, user, application)? != Some((user_epoch, application_epoch)) {
        return Ok(None);
    }
    let consent = match find(db, user, application)? {
        Some(consent) => {
            let scopes = consent.scopes.union(scopes);
            if scopes != consent.scopes {
                sql::execute(db, WIDEN, (consent.id.get(), scopes.bits()))?;
            }
            Consent { scopes, ..consent }
        }
        None => insert(db, (user, user_epoch), (application, application_epoch), scopes, event.at)?,
    };
    audit::append(db, event)?;
    Ok(Some(consent))
}

/// A consent of an earlier epoch may still be stored; the new one replaces it and has a new id.
fn insert(
    db: &Connection,
    (user, user_epoch): (UserId, Epoch),
    (application, application_epoch): (ApplicationId, Epoch),
    scopes: ScopeSet,
    at: Timestamp,
) -> sql::Result<Consent> {
    const INSERT: &str =
        "INSERT INTO consents (user_id, application_id, user_epoch, application_epoch, scopes, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    delete(db, user, application)?;
    let row =
        (user.get(), application.get(), user_epoch.get(), application_epoch.get(), scopes.bits(), micros(at));
    sql::execute(db, INSERT, row)?;
    Ok(Consent { id: ConsentId::new(db.last_insert_rowid()), user, application, scopes, created_at: at })
}

fn delete(db: &Connection, user: UserId, application: ApplicationId) -> sql::Result<()> {
    const DELETE: &str = "DELETE FROM consents WHERE user_id = ?1 AND application_id = ?2";
    sql::execute(db, DELETE, (user.get(), application.get())).map(drop)
}

/// The epochs of the user and the application; `None` if one of them was deleted.
fn epochs(db: &Connection, user: UserId, application: ApplicationId) -> sql::Result<Option<(Epoch, Epoch)>> {
    const EPOCHS: &str =
        "SELECT u.epoch, a.epoch FROM users u CROSS JOIN applications a WHERE u.id = ?1 AND a.id = ?2";
    sql::find(db, EPOCHS, (user.get(), application.get()), |row| {
        Ok((Epoch::new(row.get(0)?), Epoch::new(row.get(1)?)))
    })
}

/// Returns one entry for each application. The query steps from one application to the next by the indices, so
/// the consents and grants of other applications are not read.
pub(crate) fn list_allowed(
    db: &Connection,
    user: UserId,
    now: Timestamp,
    after: Option<ApplicationId>,
    limit: u32,
) -> sql::Result<Vec<Allowed>> {
    const NEXT: &str = "SELECT min(id) FROM (
            SELECT min(application_id) AS id FROM consents WHERE user_id = ?1 AND application_id > ?2
            UNION ALL
            SELECT min(application_id) FROM grants
            WHERE user_id = ?1 AND application_id > ?2 AND revoked_at IS NULL)";
    let mut at = after.map_or(0, ApplicationId::get);
    let mut allowed = Vec::new();
    while allowed.len() < limit as usize {
        let Some(next) = sql::value::<Option<i64>>(db, NEXT, (user.get(), at))? else { break };
        at = next;
        allowed.extend(find_allowed(db, user, now, ApplicationId::new(at))?);
    }
    Ok(allowed)
}

/// Merges the user's consents and grants for the application.
fn find_allowed(
    db: &Connection,
    user: UserId,
    now: Timestamp,
    application: ApplicationId,
) -> sql::Result<Option<Allowed>> {
    const GIVEN: &str = "WITH given AS (
            SELECT application_epoch, user_epoch, scopes, created_at, NULL AS last_used_at
            FROM consents WHERE user_id = ?1 AND application_id = ?3
            UNION ALL
            SELECT application_epoch, user_epoch, scopes, created_at, last_used_at
            FROM grants WHERE user_id = ?1 AND application_id = ?3 AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > ?2))
        SELECT a.name, o.name, g.scopes, g.created_at, g.last_used_at, a.created_by, a.handed_over_at
        FROM given g
        JOIN users u ON u.id = ?1 AND u.epoch = g.user_epoch
        JOIN applications a ON a.id = ?3 AND a.epoch = g.application_epoch
        JOIN users o ON o.id = a.owner_id";
    let mut sum: Option<Allowed> = None;
    sql::list(db, GIVEN, (user.get(), micros(now), application.get()), |row| {
        let scopes = ScopeSet::from_bits(row.get(2)?);
        let since = Timestamp::from_micros(row.get(3)?);
        let last_used_at = row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros);
        if let Some(sum) = &mut sum {
            sum.scopes = sum.scopes.union(scopes);
            sum.since = sum.since.min(since);
            sum.last_used_at = sum.last_used_at.max(last_used_at);
        } else {
            let (name, owner_name, handed_over) = (row.get(0)?, row.get(1)?, sql::handover(row, 5)?);
            sum = Some(Allowed { application, name, owner_name, handed_over, scopes, since, last_used_at });
        }
        Ok(())
    })?;
    Ok(sum)
}

pub(crate) fn revoke_allowed(
    db: &Connection,
    user: UserId,
    application: ApplicationId,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Option<Vec<Revocation>>> {
    const LAST: &str = "SELECT coalesce(max(id), 0) FROM grants
        WHERE user_id = ?1 AND application_id = ?2 AND revoked_at IS NULL AND user_epoch = ?3 AND application_epoch = ?4";
    const REVOKE: &str =
        "UPDATE grants SET revoked_at = ?3 WHERE user_id = ?1 AND application_id = ?2 AND revoked_at IS NULL";
    let Some((user_epoch, application_epoch)) = epochs(db, user, application)? else {
        return Ok(None);
    };
    let consent = find(db, user, application)?;
    let pair = (user.get(), application.get());
    let last: i64 = sql::value(db, LAST, (pair.0, pair.1, user_epoch.get(), application_epoch.get()))?;
    if consent.is_none() && last == 0 {
        return Ok(None);
    }
    delete(db, user, application)?;
    let mut ended = Vec::new();
    if last > 0 {
        sql::execute(db, REVOKE, (pair.0, pair.1, micros(event.at)))?;
        let subject = RevokedSubject::Allowance { user, application, last_grant: GrantId::new(last) };
        ended.push(revocations::append(db, subject, event.at, revocation_expires_at)?);
    }
    audit::append(db, event)?;
    Ok(Some(ended))
}

fn read(row: &Row<'_>) -> sql::Result<Consent> {
    Ok(Consent {
        id: ConsentId::new(row.get(0)?),
        user: UserId::new(row.get(1)?),
        application: ApplicationId::new(row.get(2)?),
        scopes: ScopeSet::from_bits(row.get(3)?),
        created_at: Timestamp::from_micros(row.get(4)?),
    })
}
