//! Creating, rotating and revoking grants.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, GrantId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, Consent, Grant};
use oauth::revocation::{Revocation, RevokedSubject};
use store::relational::{access, consents, grants, judged, revocations as feed};
use store::{
    AccessOf, Answer, GrantCreation, Grants, Judged, NewConsent, NewGrant, RightsChanged, Rotated,
    StoredConsent,
};

use crate::create_grants::CreateGrant;
use crate::pending_revocations::{PendingRevocation, RevocationDetails};
use crate::rotating::PendingRotation;
use crate::tables::Tables;
use crate::unit::{in_one_statement, read, serialized, serialized_if};
use crate::{PostgresStore, allowed};

impl Grants for PostgresStore {
    fn find_consent(&self, user: UserId, application: ApplicationId) -> Answer<'_, Option<Consent>> {
        read!(self, db => consents::find(&Tables(db), user, application))
    }

    fn allow(&self, new: NewConsent, audit: NewAuditEvent) -> Answer<'_, Option<StoredConsent>> {
        serialized_if!(self, new.data.leaves_out(), db => consents::allow(&Tables(db), &new, &audit))
    }

    fn create_grant(
        &self,
        new: NewGrant,
        revocation_expires_at: Timestamp,
        replay_audit: NewAuditEvent,
    ) -> Answer<'_, GrantCreation> {
        let replay =
            RevocationDetails { revocation_expires_at, audit: NewAuditEvent { at: new.at, ..replay_audit } };
        let request = CreateGrant { new, replay, replays: self.replays.clone() };
        Box::pin(async move { self.new_grants.ask(&self.shared, request).await?.finished().await })
    }

    fn withdraw_grant(&self, id: GrantId) -> Answer<'_, ()> {
        in_one_statement!(self, db => grants::withdraw(&Tables(db), id))
    }

    fn find_grant(&self, id: GrantId) -> Answer<'_, Option<Grant>> {
        read!(self, db => grants::find(&Tables(db), id))
    }

    fn rotate_grant(&self, id: GrantId, generation: i64, key: u32, at: Timestamp) -> Answer<'_, Rotated> {
        Box::pin(self.rotations.ask(&self.shared, PendingRotation { id, generation, key, at }))
    }

    fn revoke_grant(
        &self,
        id: GrantId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        self.revoke(RevokedSubject::Grant(id), revocation_expires_at, audit)
    }

    fn revoke_token(
        &self,
        id: TokenId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        self.revoke(RevokedSubject::Token(id), revocation_expires_at, audit)
    }

    fn list_allowed(
        &self,
        user: UserId,
        now: Timestamp,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Answer<'_, Vec<Allowed>> {
        read!(self, db => allowed::list(db, user, now, after, limit))
    }

    fn revoke_access(
        &self,
        access: AccessOf,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Option<Vec<Revocation>>, RightsChanged>> {
        serialized!(self, db => judged(access::revoke(&Tables(db), access, revocation_expires_at, &audit)))
    }

    fn revocations_after(&self, seq: i64, now: Timestamp, limit: u32) -> Answer<'_, Vec<Revocation>> {
        read!(self, db => feed::after(&Tables(db), seq, now, limit))
    }
}

impl PostgresStore {
    fn revoke(
        &self,
        subject: RevokedSubject,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>> {
        let details = RevocationDetails { revocation_expires_at, audit };
        Box::pin(self.revocations.ask(&self.shared, PendingRevocation { subject, details }))
    }
}
