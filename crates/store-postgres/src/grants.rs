//! Creating, rotating and revoking grants.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, CodeId, Epoch, GrantId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, Consent, Grant};
use oauth::revocation::{Revocation, RevokedSubject};
use oauth::scope::ScopeSet;
use store::columns::OriginColumns;
use store::{Answer, GrantCreation, Grants, NewConsent, NewGrant, Rotated};
use tokio_postgres::{Client, Row};

use crate::create_grants::CreateGrant;
use crate::pending_revocations::{End, PendingRevocation};
use crate::rotating::Rotation;
use crate::sql::{self, values};
use crate::unit::{in_transaction, read, serialized};
use crate::{PostgresStore, consents, revocations};

impl Grants for PostgresStore {
    fn find_consent(&self, user: UserId, application: ApplicationId) -> Answer<'_, Option<Consent>> {
        read!(self, db => consents::find(db, user, application))
    }

    fn allow(&self, new: NewConsent, audit: NewAuditEvent) -> Answer<'_, Option<Consent>> {
        in_transaction!(self, db => consents::allow(db, &new, &audit))
    }

    fn create_grant(
        &self,
        new: NewGrant,
        revocation_expires_at: Timestamp,
        replay_audit: NewAuditEvent,
    ) -> Answer<'_, GrantCreation> {
        let replay = End { revocation_expires_at, audit: NewAuditEvent { at: new.at, ..replay_audit } };
        Box::pin(self.new_grants.ask(&self.shared, CreateGrant { new, replay }))
    }

    fn find_grant(&self, id: GrantId) -> Answer<'_, Option<Grant>> {
        read!(self, db => find(db, id))
    }

    fn rotate_grant(&self, id: GrantId, generation: i64, key: u32, at: Timestamp) -> Answer<'_, Rotated> {
        Box::pin(self.rotations.ask(&self.shared, Rotation { id, generation, key, at }))
    }

    fn revoke_grant(
        &self,
        id: GrantId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        self.end(RevokedSubject::Grant(id), revocation_expires_at, audit)
    }

    fn revoke_token(
        &self,
        id: TokenId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        self.end(RevokedSubject::Token(id), revocation_expires_at, audit)
    }

    fn list_allowed(
        &self,
        user: UserId,
        now: Timestamp,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Answer<'_, Vec<Allowed>> {
        read!(self, db => consents::list_allowed(db, user, now, after, limit))
    }

    fn revoke_allowed(
        &self,
        user: UserId,
        application: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Option<Vec<Revocation>>> {
        serialized!(self, db => consents::revoke_allowed(db, user, application, revocation_expires_at, &audit))
    }

    fn revocations_after(&self, seq: i64, now: Timestamp, limit: u32) -> Answer<'_, Vec<Revocation>> {
        read!(self, db => revocations::after(db, seq, now, limit))
    }
}

impl PostgresStore {
    fn end(
        &self,
        subject: RevokedSubject,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        let end = End { revocation_expires_at, audit };
        Box::pin(self.revocations.ask(&self.shared, PendingRevocation { subject, end }))
    }
}

async fn find(db: &Client, id: GrantId) -> sql::Result<Option<Grant>> {
    const FIND: &str = "SELECT g.id, g.application_id, g.application_epoch, g.user_id, g.user_epoch, g.code_id, g.scopes,
            g.refreshable, g.generation, g.rotated_at, g.key, g.created_at, g.last_used_at, g.expires_at, g.revoked_at,
            g.origin
        FROM grants g
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users u ON u.id = g.user_id AND u.epoch = g.user_epoch
        WHERE g.id = $1";
    sql::find(db, FIND, values![id.get()], read_grant).await
}

fn read_grant(row: &Row) -> sql::Result<Grant> {
    let code = sql::optional_bytes(row, 5)?.map(CodeId::from_bytes);
    let origin = OriginColumns { origin: row.try_get(15)?, code };
    Ok(Grant {
        id: GrantId::new(row.try_get(0)?),
        application: ApplicationId::new(row.try_get(1)?),
        application_epoch: Epoch::new(row.try_get(2)?),
        user: UserId::new(row.try_get(3)?),
        user_epoch: Epoch::new(row.try_get(4)?),
        origin: origin.try_into()?,
        scopes: ScopeSet::from_bits(sql::number(row, 6)?),
        refreshable: row.try_get(7)?,
        generation: row.try_get(8)?,
        rotated_at: sql::optional_moment(row, 9)?,
        key: sql::number(row, 10)?,
        created_at: sql::moment(row, 11)?,
        last_used_at: sql::optional_moment(row, 12)?,
        expires_at: sql::optional_moment(row, 13)?,
        revoked_at: sql::optional_moment(row, 14)?,
    })
}
