//! Creating, rotating and revoking grants.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, CodeId, ConsentId, GrantId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, Consent, Grant};
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::{Connection, params};
use store::columns::{OriginColumns, ScopeColumns};
use store::relational::{access, consents, grants, judged, revocations as feed, run_ready};
use store::{
    AccessOf, Answer, GrantCreation, Grants, Judged, NewConsent, NewGrant, RightsChanged, Rotated,
    StoredConsent,
};

use crate::tables::Tables;
use crate::{SqliteStore, allowed, audit, micros, micros_of, revocations, sql};

impl Grants for SqliteStore {
    fn find_consent(&self, user: UserId, application: ApplicationId) -> Answer<'_, Option<Consent>> {
        self.read(move |db| run_ready(consents::find(&Tables(db), user, application)))
    }

    fn allow(&self, new: NewConsent, audit: NewAuditEvent) -> Answer<'_, Option<StoredConsent>> {
        self.write(move |db| run_ready(consents::allow(&Tables(db), &new, &audit)))
    }

    fn create_grant(
        &self,
        new: NewGrant,
        revocation_expires_at: Timestamp,
        replay_audit: NewAuditEvent,
    ) -> Answer<'_, GrantCreation> {
        self.write(move |db| create(db, &new, revocation_expires_at, &replay_audit))
    }

    fn withdraw_grant(&self, id: GrantId) -> Answer<'_, ()> {
        self.write(move |db| run_ready(grants::withdraw(&Tables(db), id)))
    }

    fn find_grant(&self, id: GrantId) -> Answer<'_, Option<Grant>> {
        self.read(move |db| run_ready(grants::find(&Tables(db), id)))
    }

    fn rotate_grant(&self, id: GrantId, generation: i64, key: u32, at: Timestamp) -> Answer<'_, Rotated> {
        self.write(move |db| rotate(db, id, generation, key, at))
    }

    fn revoke_grant(
        &self,
        id: GrantId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        self.write(move |db| {
            let ended = revoke(db, id, audit.at, revocation_expires_at)?;
            if ended.is_some() {
                audit::append(db, &audit)?;
            }
            Ok(ended.into_iter().collect())
        })
    }

    fn revoke_token(
        &self,
        id: TokenId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        self.write(move |db| {
            let ended = revocations::append(db, RevokedSubject::Token(id), audit.at, revocation_expires_at)?;
            audit::append(db, &audit)?;
            Ok(vec![ended])
        })
    }

    fn list_allowed(
        &self,
        user: UserId,
        now: Timestamp,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Answer<'_, Vec<Allowed>> {
        self.read(move |db| allowed::list(db, user, now, after, limit))
    }

    fn revoke_access(
        &self,
        access: AccessOf,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Option<Vec<Revocation>>, RightsChanged>> {
        self.write(move |db| {
            run_ready(judged(access::revoke(&Tables(db), access, revocation_expires_at, &audit)))
        })
    }

    fn revocations_after(&self, seq: i64, now: Timestamp, limit: u32) -> Answer<'_, Vec<Revocation>> {
        self.read(move |db| run_ready(feed::after(&Tables(db), seq, now, limit)))
    }
}

/// One statement creates the grant and checks its preconditions; only if it creates nothing is the reason
/// looked up. `OR FAIL` avoids a statement journal: the statement writes one row, so there is nothing to
/// undo.
fn create(
    db: &Connection,
    new: &NewGrant,
    revocation_expires_at: Timestamp,
    replay_event: &NewAuditEvent,
) -> sql::Result<GrantCreation> {
    const FOUND: &str = "INSERT OR FAIL INTO grants (application_id, application_epoch, user_id, user_epoch, code_id, scopes,
            refreshable, generation, key, created_at, expires_at, origin, further_scopes, details)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?12, ?13, ?14
        WHERE EXISTS (SELECT 1 FROM applications WHERE id = ?1 AND epoch = ?2)
            AND EXISTS (SELECT 1 FROM users WHERE id = ?3 AND epoch = ?4)
            AND (?11 IS NULL OR EXISTS (SELECT 1 FROM consents WHERE id = ?11 AND user_id = ?3 AND user_epoch = ?4
                AND application_id = ?1 AND application_epoch = ?2))
            AND (?15 IS NULL OR EXISTS (SELECT 1 FROM sessions WHERE user_id = ?3 AND user_epoch = ?4
                AND sid = ?15 AND expires_at > ?9))
        ON CONFLICT (code_id) WHERE code_id IS NOT NULL DO NOTHING";
    let OriginColumns { origin, code } = new.origin.into();
    let ScopeColumns { scopes, further_scopes } = (&new.scopes).into();
    let row = params![
        new.application.get(),
        new.application_epoch.get(),
        new.user.get(),
        new.user_epoch.get(),
        code.as_ref().map(CodeId::as_bytes),
        scopes,
        new.refreshable,
        new.key,
        micros(new.at),
        micros_of(new.expires_at),
        new.consent.map(ConsentId::get),
        origin,
        further_scopes,
        new.details.to_json(),
        new.session,
    ];
    if sql::execute(db, FOUND, row)? == 1 {
        return Ok(GrantCreation::Grant(GrantId::new(db.last_insert_rowid())));
    }
    match grant_of_code(db, code)? {
        None => Ok(GrantCreation::Gone),
        Some(grant) => {
            let ended = revoke(db, grant, new.at, revocation_expires_at)?;
            audit::append(db, replay_event)?;
            Ok(GrantCreation::Replayed(ended.into_iter().collect()))
        }
    }
}

fn grant_of_code(db: &Connection, code: Option<CodeId>) -> sql::Result<Option<GrantId>> {
    let Some(code) = code else {
        return Ok(None);
    };
    sql::find(db, "SELECT id FROM grants WHERE code_id = ?1", [code.as_bytes()], |row| {
        Ok(GrantId::new(row.get(0)?))
    })
}

/// Revokes a grant with all its tokens, unless it was revoked before.
fn revoke(
    db: &Connection,
    id: GrantId,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> sql::Result<Option<Revocation>> {
    const END: &str = "UPDATE grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
    if sql::execute(db, END, (id.get(), micros(at)))? == 0 {
        return Ok(None);
    }
    revocations::append(db, RevokedSubject::Grant(id), at, revocation_expires_at).map(Some)
}

/// Does not rotate a grant of an earlier epoch.
fn rotate(db: &Connection, id: GrantId, generation: i64, key: u32, at: Timestamp) -> sql::Result<Rotated> {
    const ROTATE: &str = "UPDATE grants SET generation = generation + 1, rotated_at = ?4, key = ?3
        WHERE id = ?1 AND generation = ?2 AND revoked_at IS NULL
            AND EXISTS (SELECT 1 FROM applications a WHERE a.id = application_id AND a.epoch = application_epoch)
            AND EXISTS (SELECT 1 FROM users u WHERE u.id = user_id AND u.epoch = user_epoch)";
    let rotated = sql::execute(db, ROTATE, (id.get(), generation, key, micros(at)))? == 1;
    Ok(if rotated { Rotated::Done } else { Rotated::Lost })
}
