//! What a user gave an application: consents and grants.

use crate::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, UserId};
use crate::scope::ScopeSet;
use crate::time::Timestamp;

/// A remembered consent of a user for an application; one per pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    pub id: ConsentId,
    pub user: UserId,
    pub application: ApplicationId,
    /// Everything the user has allowed so far; grows when more is allowed.
    pub scopes: ScopeSet,
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
    pub id: GrantId,
    pub application: ApplicationId,
    /// The application's epoch when it was founded; a grant of an earlier epoch is dead.
    pub application_epoch: Epoch,
    pub user: UserId,
    /// The user's epoch when it was founded; a grant of an earlier epoch is dead.
    pub user_epoch: Epoch,
    pub origin: GrantOrigin,
    pub scopes: ScopeSet,
    /// Whether a refresh token was issued for it.
    pub refreshable: bool,
    /// How many times its refresh token was rotated.
    pub generation: i64,
    /// When it was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// Id of the ring key that seals the current refresh token, so that a replay rebuilds the identical text.
    pub key: u32,
    pub created_at: Timestamp,
    /// Written with a delay.
    pub last_used_at: Option<Timestamp>,
    /// After which the row has no use; none while its refresh token lives.
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// An application that a user has allowed, as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    pub application: ApplicationId,
    pub name: String,
    /// The owner's user name.
    pub owner_name: String,
    /// Of the consent and of all live grants together.
    pub scopes: ScopeSet,
    /// The earliest of the consent and of the live grants.
    pub since: Timestamp,
    /// The latest use of any live grant.
    pub last_used_at: Option<Timestamp>,
}
