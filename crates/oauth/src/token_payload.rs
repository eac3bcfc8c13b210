//! The sealed content of tokens and codes. Issuing one writes nothing: it contains everything that a check
//! needs, unreadable and unforgeable. A genuine token that must be refused is named by a revocation.

use crate::grant::{AccessTokenDetails, Ancestor, GrantDetails};
use crate::proof::KeyBinding;
use crate::scope::ScopeSet;
use domain::account::{CallerToken, TokenIssue};
use domain::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, TokenId, UserId};
use domain::time::Timestamp;

/// The content of an opaque access token `sga_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The id, which contains the time of issue.
    pub id: TokenId,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// The application to which it was issued.
    pub application: ApplicationId,
    /// The application's epoch when it was issued.
    pub application_epoch: Epoch,
    /// The user on whose behalf it acts: the resource owner, or the application's owner for client
    /// credentials.
    pub user: UserId,
    /// The user's epoch when it was issued.
    pub user_epoch: Epoch,
    /// Its grant; `None` for client credentials.
    pub grant: Option<GrantId>,
    /// What it may be used for.
    pub scopes: ScopeSet,
    /// What its sender must hold, if it is bound to a key.
    pub binding: Option<KeyBinding>,
    /// What else limits or describes it; like those of its grant, possibly narrower.
    pub details: AccessTokenDetails,
}

impl AccessToken {
    /// What revocations can name of it, for a caller that it authenticates. None ends it up to that position in their
    /// feed.
    pub fn of_caller(&self, checked_up_to: i64) -> CallerToken {
        let ancestors = self.details.exchanged.iter().flat_map(|exchanged| &exchanged.from);
        CallerToken {
            issued: TokenIssue { id: self.id, application: self.application, epoch: self.application_epoch },
            ancestors: ancestors.map(Ancestor::issue).collect(),
            grant: self.grant,
            checked_up_to,
        }
    }
}

/// The content of a refresh token `sgr_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The grant that it represents.
    pub grant: GrantId,
    /// The number of previous rotations; always 0 if tokens do not rotate.
    pub generation: i64,
}

/// The content of an authorization code `sgc_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// The id, which contains the time of issue.
    pub id: CodeId,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// The only application that may redeem it.
    pub application: ApplicationId,
    /// The epoch of the application when it was issued.
    pub application_epoch: Epoch,
    /// The user who allowed it.
    pub user: UserId,
    /// The user's epoch when it was issued.
    pub user_epoch: Epoch,
    /// The consent behind it; the code becomes invalid when the consent is revoked.
    pub consent: ConsentId,
    /// The scopes that were allowed.
    pub scopes: ScopeSet,
    /// What else the request asked for and the grant keeps.
    pub details: GrantDetails,
    /// The SHA-256 digest of the request's `redirect_uri`, if it had one.
    pub redirect_digest: Option<[u8; 32]>,
    /// The decoded S256 code challenge, if the request had one.
    pub challenge: Option<[u8; 32]>,
    /// When the user signed in.
    pub auth_time: Timestamp,
}
