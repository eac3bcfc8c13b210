//! What a user gave an application: consents and grants.

use crate::handover::{self, Handover};
use crate::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, UserId};
use crate::scope::ScopeSet;
use crate::time::Timestamp;

/// A remembered consent of a user for an application; one per pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// New when a consent is given anew after it was ended.
    pub id: ConsentId,
    /// Who allowed.
    pub user: UserId,
    /// What was allowed in.
    pub application: ApplicationId,
    /// Everything the user has allowed so far; grows when more is allowed.
    pub scopes: ScopeSet,
    /// When it was first given.
    pub created_at: Timestamp,
}

/// How a grant came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantOrigin {
    /// By an authorization code, which can found one grant only.
    Code(CodeId),
    /// By the password grant, which is no consent.
    Password,
}

/// One access that a user gave an application. A refresh token stands for it; access tokens name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What its tokens name.
    pub id: GrantId,
    /// Who got the access.
    pub application: ApplicationId,
    /// The application's epoch when it was founded; a grant of an earlier epoch is dead.
    pub application_epoch: Epoch,
    /// Who gave it.
    pub user: UserId,
    /// The user's epoch when it was founded; a grant of an earlier epoch is dead.
    pub user_epoch: Epoch,
    /// How it came about.
    pub origin: GrantOrigin,
    /// The most that its tokens may carry.
    pub scopes: ScopeSet,
    /// Whether a refresh token was issued for it.
    pub refreshable: bool,
    /// How many times its refresh token was rotated.
    pub generation: i64,
    /// When it was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// Id of the ring key that seals the current refresh token, so that a replay rebuilds the identical text.
    pub key: u32,
    /// When it was founded.
    pub created_at: Timestamp,
    /// Written with a delay.
    pub last_used_at: Option<Timestamp>,
    /// After which the row has no use; none while its refresh token lives.
    pub expires_at: Option<Timestamp>,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
}

/// An application that a user has allowed, as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The application.
    pub application: ApplicationId,
    /// What the application is called.
    pub name: String,
    /// The owner's user name.
    pub owner_name: String,
    /// Where somebody else than the owner registered it.
    pub handed_over: Option<Handover>,
    /// Of the consent and of all live grants together.
    pub scopes: ScopeSet,
    /// The earliest of the consent and of the live grants.
    pub since: Timestamp,
    /// The latest use of any live grant.
    pub last_used_at: Option<Timestamp>,
}

impl Allowed {
    /// The user name of who registered it.
    pub fn created_by(&self) -> &str {
        handover::created_by(self.handed_over.as_ref(), &self.owner_name)
    }
}
