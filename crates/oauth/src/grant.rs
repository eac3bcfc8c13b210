//! The access that a user gave an application: consents and grants.

use crate::data_access::DataAccess;
use crate::scope::{BuiltInScope, ScopeSet};
use domain::handover::{self, Handover};
use domain::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, UserId};
use domain::time::Timestamp;

mod access_token_details;
mod details;
mod details_json;
mod exchanged;

pub use access_token_details::AccessTokenDetails;
pub use details::GrantDetails;
pub use details_json::UnreadableDetails;
pub use exchanged::{Act, Ancestor, Exchanged, MOST_EXCHANGES};

/// A stored consent of a user for an application; there is one per pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// A consent that is given again after a revocation has a new id.
    pub id: ConsentId,
    /// The user who consented.
    pub user: UserId,
    /// The application that was allowed.
    pub application: ApplicationId,
    /// Everything that the user has allowed so far.
    pub scopes: ScopeSet,
    /// The data sources that it reaches; `None` for all that the user may read.
    pub data: Option<DataAccess>,
    /// When the first consent was given.
    pub created_at: Timestamp,
}

/// How a grant was created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantOrigin {
    /// By an authorization code, which can create only one grant.
    Code(CodeId),
    /// By the password grant, which is not a consent.
    Password,
    /// By a device code, which can create only one grant. The id is that of the request of the device.
    Device(CodeId),
    /// By an `auth_req_id`, which can create only one grant. The id is that of the request.
    Backchannel(CodeId),
    /// By an assertion of a trusted issuer about the user, which is not a consent.
    Assertion,
}

impl GrantOrigin {
    /// The code that created the grant, if one did: an authorization code, a device code or an `auth_req_id`.
    pub const fn code(self) -> Option<CodeId> {
        match self {
            Self::Code(code) | Self::Device(code) | Self::Backchannel(code) => Some(code),
            Self::Password | Self::Assertion => None,
        }
    }
}

/// The access that a user gave an application. A refresh token represents it; access tokens name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The id, which its tokens carry.
    pub id: GrantId,
    /// The application that received the access.
    pub application: ApplicationId,
    /// The application's epoch when the grant was created; a grant of an earlier epoch is invalid.
    pub application_epoch: Epoch,
    /// The user who gave the access.
    pub user: UserId,
    /// The user's epoch when the grant was created; a grant of an earlier epoch is invalid.
    pub user_epoch: Epoch,
    /// How it was created.
    pub origin: GrantOrigin,
    /// The scopes that its tokens may carry at most.
    pub scopes: ScopeSet,
    /// What else the request asked for and its tokens keep. Boxed, because a grant is moved often.
    pub details: Box<GrantDetails>,
    /// Whether a refresh token was issued for it.
    pub refreshable: bool,
    /// How often its refresh token was rotated.
    pub generation: i64,
    /// When it was last rotated.
    pub rotated_at: Option<Timestamp>,
    /// The id of the ring key that seals the current refresh token, so that a replay yields the identical
    /// text.
    pub key: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// Written with a delay.
    pub last_used_at: Option<Timestamp>,
    /// When the row becomes useless; `None` while its refresh token is valid.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it ends when its user signs out of the session with this name: "Refresh tokens issued without the
    /// `offline_access` property to a session being logged out SHOULD be revoked. Refresh tokens issued with the
    /// `offline_access` property normally SHOULD NOT be revoked" ([Back-Channel Logout
    /// §2.7](https://openid.net/specs/openid-connect-backchannel-1_0.html#BCActions)). A grant without `openid` belongs to no
    /// session: `offline_access` means nothing there.
    pub fn ends_with_session(&self, sid: &str) -> bool {
        let own = self.details.sign_in.as_ref().and_then(|sign_in| sign_in.sid.as_deref());
        self.refreshable
            && self.scopes.contains(BuiltInScope::OpenId)
            && !self.scopes.contains(BuiltInScope::OfflineAccess)
            && own == Some(sid)
    }

    /// Whether its tokens reach data beyond those of a consent, whatever they do with them. `None` stands for all data of the
    /// user.
    pub fn reaches_beyond(&self, consent: Option<&DataAccess>) -> bool {
        self.scopes.reaches_data() && !DataAccess::reads_within(self.details.data.as_deref(), consent)
    }
}

/// An application that a user has allowed, as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The application.
    pub application: ApplicationId,
    /// The name of the application.
    pub name: String,
    /// The user name of the owner.
    pub owner_name: String,
    /// The handover, if somebody other than the owner registered it.
    pub handed_over: Option<Handover>,
    /// The scopes of the consent and of all live grants together.
    pub scopes: ScopeSet,
    /// The data that the consent or one of the live grants reaches.
    pub data: AllowedData,
    /// The earliest time of the consent and of the live grants.
    pub since: Timestamp,
    /// The last use of any live grant.
    pub last_used_at: Option<Timestamp>,
}

/// The data that an application reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedData {
    /// None: it has no scope for data.
    Nothing,
    /// All data that the user may read, now and later.
    Everything,
    /// A part of it.
    Limited(DataAccess),
}

impl AllowedData {
    /// All of these together; `None` stands for everything.
    pub fn of(reached: impl IntoIterator<Item = Option<DataAccess>>) -> Self {
        match reached.into_iter().reduce(DataAccess::union) {
            None => Self::Nothing,
            Some(None) => Self::Everything,
            Some(Some(data)) => Self::Limited(data),
        }
    }

    /// The data of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        let reached = [self, other].into_iter().filter_map(|one| match one {
            Self::Nothing => None,
            Self::Everything => Some(None),
            Self::Limited(data) => Some(Some(data)),
        });
        Self::of(reached)
    }
}

impl Allowed {
    /// The user name of the creator.
    pub fn created_by(&self) -> &str {
        handover::created_by(self.handed_over.as_ref(), &self.owner_name)
    }
}
