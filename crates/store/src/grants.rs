//! Consents, grants, and the change feed of revocations.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ConsentId, Epoch, GrantId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::authorize::DataChange;
use oauth::grant::{Allowed, Consent, Grant, GrantDetails, GrantOrigin};
use oauth::revocation::Revocation;
use oauth::scope::ScopeSet;

use crate::{Answer, Judged, RightsChanged};

/// A consent to be stored.
#[derive(Debug, Clone)]
pub struct NewConsent {
    /// The user who gives it.
    pub user: UserId,
    /// The user's epoch when the session was opened in which the user consents.
    pub user_epoch: Epoch,
    /// The application that receives the access.
    pub application: ApplicationId,
    /// The application's epoch when the request was checked.
    pub application_epoch: Epoch,
    /// The scopes that are allowed.
    pub scopes: ScopeSet,
    /// How the data change that it reaches.
    pub data: DataChange,
    /// When the last token of a grant has expired that ends now.
    pub revocations_expire_at: Timestamp,
}

/// A consent that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredConsent {
    /// The consent.
    pub consent: Consent,
    /// What ended because it reached data that the user has left out.
    pub ended: Vec<Revocation>,
}

/// A grant to be created.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// The application that receives the access.
    pub application: ApplicationId,
    /// The application's epoch on which the decision rests.
    pub application_epoch: Epoch,
    /// The user who gives the access.
    pub user: UserId,
    /// The user's epoch on which the decision rests.
    pub user_epoch: Epoch,
    /// How the grant comes about.
    pub origin: GrantOrigin,
    /// The consent behind a code; the grant is not created if the consent has been revoked.
    pub consent: Option<ConsentId>,
    /// The name of the browser's session in which a code was issued; the grant is not created if the session has ended.
    pub session: Option<String>,
    /// The scopes that its tokens may carry at most.
    pub scopes: ScopeSet,
    /// What else its tokens keep of the request.
    pub details: GrantDetails,
    /// Whether a refresh token is issued for it.
    pub refreshable: bool,
    /// The id of the ring key that seals the refresh token.
    pub key: u32,
    /// The time of the operation.
    pub at: Timestamp,
    /// When the grant expires; `None` while it has a refresh token.
    pub expires_at: Option<Timestamp>,
}

/// Whose access is revoked as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessOf {
    /// Everything issued for a user, and the user's sessions and consents.
    User(UserId),
    /// Everything issued to an application, and all consents for it. Its secrets stay.
    Application(ApplicationId),
    /// What a user has allowed an application.
    UserAtApplication {
        /// The user.
        user: UserId,
        /// The application.
        application: ApplicationId,
    },
    /// Every token, code, grant and session that is older than an instant. Consents stay.
    IssuedBefore(Timestamp),
}

/// The result of creating a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantCreation {
    /// A new grant was created.
    Grant(GrantId),
    /// The code was redeemed before. The grant that it created, and all tokens of that grant, were revoked.
    Replayed(Vec<Revocation>),
    /// The grant was not created: the consent was revoked, the session has ended, or the epoch of the application or the
    /// user has advanced.
    Gone,
}

/// The result of rotating a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// The grant is now at the next generation.
    Done,
    /// Another request rotated or revoked it meanwhile; load the grant again and decide again.
    Lost,
}

/// Consents, grants and revocations.
pub trait Grants {
    /// Finds the consent of a user for an application, if it is still valid.
    fn find_consent(&self, user: UserId, application: ApplicationId) -> Answer<'_, Option<Consent>>;
    /// Stores a consent. The scopes are added to an existing consent, which keeps its id; otherwise a new one
    /// is created. Returns `None` if the epoch of the application or the user has advanced, if one of them
    /// was deleted, or if the session has ended in which the user consents.
    ///
    /// If it reaches less data than before, it has a new id, so that codes of the earlier one are invalid, and the
    /// grants of the user for the application that reach beyond it are revoked.
    fn allow(&self, new: NewConsent, audit: NewAuditEvent) -> Answer<'_, Option<StoredConsent>>;
    /// Creates a grant. A code creates at most one grant. `replay_audit` and `revocation_expires_at` are used
    /// if the code was redeemed before; this is detected even where no grant could be created any more.
    fn create_grant(
        &self,
        new: NewGrant,
        revocation_expires_at: Timestamp,
        replay_audit: NewAuditEvent,
    ) -> Answer<'_, GrantCreation>;
    /// Deletes a new grant of which no token was handed out, so that its code creates another one. Nothing happens if the
    /// grant was rotated or revoked meanwhile: then somebody else has presented the code.
    fn withdraw_grant(&self, id: GrantId) -> Answer<'_, ()>;
    /// Finds a grant by its id, whether or not it is revoked. Returns `None` also if its application or user
    /// was deleted or has a later epoch.
    fn find_grant(&self, id: GrantId) -> Answer<'_, Option<Grant>>;
    /// Advances a grant from `generation` to the next one, if it is still at `generation` and not revoked.
    fn rotate_grant(&self, id: GrantId, generation: i64, key: u32, at: Timestamp) -> Answer<'_, Rotated>;
    /// Revokes a grant. Returns an empty list if it is unknown or was revoked before.
    fn revoke_grant(
        &self,
        id: GrantId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>>;
    /// Revokes one access token.
    fn revoke_token(
        &self,
        id: TokenId,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Vec<Revocation>>;
    /// Lists the applications for which the user has a consent or a live grant, by id: those after `after`, at most
    /// `limit`. The grants of other applications are not read.
    fn list_allowed(
        &self,
        user: UserId,
        now: Timestamp,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Answer<'_, Vec<Allowed>>;
    /// Revokes all access of a subject, with one revocation and one audit event. Returns `None` if there is no such user
    /// or application, or if the user has not allowed the application; nothing is stored then.
    fn revoke_access(
        &self,
        access: AccessOf,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Option<Vec<Revocation>>, RightsChanged>>;
    /// Lists the revocations after `seq` that have not expired at `now`, in order, at most `limit`.
    fn revocations_after(&self, seq: i64, now: Timestamp, limit: u32) -> Answer<'_, Vec<Revocation>>;
}
