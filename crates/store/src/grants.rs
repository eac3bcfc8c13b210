//! Consents, grants, and the feed of what ended access.

use oauth::audit::NewAuditEvent;
use oauth::grant::{Allowed, Consent, Grant, GrantOrigin};
use oauth::id::{ApplicationId, ConsentId, Epoch, GrantId, TokenId, UserId};
use oauth::revocation::Revocation;
use oauth::scope::ScopeSet;
use oauth::time::Timestamp;

use crate::Answer;

/// A consent to be remembered.
#[derive(Debug, Clone, Copy)]
pub struct NewConsent {
    /// Who gives it.
    pub user: UserId,
    /// The user's epoch under which the session was opened that gives it.
    pub user_epoch: Epoch,
    /// Who gets the access.
    pub application: ApplicationId,
    /// The application's epoch when the request was judged.
    pub application_epoch: Epoch,
    /// What is allowed.
    pub scopes: ScopeSet,
}

/// A grant to be founded.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// Who gets the access.
    pub application: ApplicationId,
    /// The application's epoch on which the decision rests.
    pub application_epoch: Epoch,
    /// Who gives it.
    pub user: UserId,
    /// The user's epoch on which the decision rests.
    pub user_epoch: Epoch,
    /// How it comes about.
    pub origin: GrantOrigin,
    /// The consent behind a code; founding fails when it has ended.
    pub consent: Option<ConsentId>,
    /// The most that its tokens may carry.
    pub scopes: ScopeSet,
    /// Whether a refresh token is issued for it.
    pub refreshable: bool,
    /// The ring key that seals the refresh token.
    pub key: u32,
    /// When it happens.
    pub at: Timestamp,
    /// None while a refresh token lives.
    pub expires_at: Option<Timestamp>,
}

/// What founding a grant came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Founded {
    /// There is a new grant.
    Grant(GrantId),
    /// The code was redeemed before: the grant that it founded, and all its tokens, were ended.
    Replayed(Vec<Revocation>),
    /// The consent has ended, or the application's or user's epoch has grown: what it rests on is gone.
    Gone,
}

/// What a rotation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The grant is now one generation further.
    Done,
    /// Somebody else rotated or revoked it meanwhile; load it again and decide anew.
    Lost,
}

/// Consents, grants and what ended them.
pub trait Grants {
    /// The consent of that pair that still holds.
    fn find_consent(&self, user: UserId, application: ApplicationId) -> Answer<'_, Option<Consent>>;
    /// Remembers a consent: adds the scopes to an existing one, which keeps its id, or makes one. `None` when the epoch of
    /// the application or of the user has grown, or one of them is gone.
    fn allow(&self, new: NewConsent, audit: NewAuditEvent) -> Answer<'_, Option<Consent>>;
    /// Founds a grant. A code founds one grant only; `replay_audit` and `revocation_expires_at` serve the replay, which is
    /// seen also where nothing could be founded any more.
    fn found_grant(
        &self,
        new: NewGrant,
        revocation_expires_at: Timestamp,
        replay_audit: NewAuditEvent,
    ) -> Answer<'_, Founded>;
    /// The grant of that id, dead or alive; `None` also when its application or user is of a later epoch or gone.
    fn find_grant(&self, id: GrantId) -> Answer<'_, Option<Grant>>;
    /// Moves a grant from `generation` to the next, if it still is at `generation` and not revoked.
    fn rotate_grant(&self, id: GrantId, generation: i64, key: u32, at: Timestamp) -> Answer<'_, Rotated>;
    /// Ends a grant. Empty when it was ended before or is unknown.
    fn revoke_grant(
        &self,
        id: GrantId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>>;
    /// Ends one access token.
    fn revoke_token(
        &self,
        id: TokenId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>>;
    /// The applications that the user has allowed and that still have a consent or a live grant, by id: those after
    /// `after`, at most `limit`. The grants of other applications are not read.
    fn list_allowed(
        &self,
        user: UserId,
        now: Timestamp,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Answer<'_, Vec<Allowed>>;
    /// Ends the user's consent and grants for the application. `None` when there was neither.
    fn revoke_allowed(
        &self,
        user: UserId,
        application: ApplicationId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Option<Vec<Revocation>>>;
    /// Events after `seq` that still matter at `now`, in order, at most `limit`.
    fn revocations_after(&self, seq: i64, now: Timestamp, limit: u32) -> Answer<'_, Vec<Revocation>>;
}
