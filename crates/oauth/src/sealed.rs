//! What is sealed inside tokens and codes. Issuing one writes nothing: everything that a check needs travels inside it,
//! unreadable and unforgeable, and what must be refused although it is genuine is named by a revocation.

use crate::id::{ApplicationId, CodeId, ConsentId, Epoch, GrantId, TokenId, UserId};
use crate::scope::ScopeSet;
use crate::time::Timestamp;

/// The content of an opaque access token `sga_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Its id, which also holds the time of issue.
    pub id: TokenId,
    /// The first moment at which it is dead.
    pub expires_at: Timestamp,
    /// To which application it was issued.
    pub application: ApplicationId,
    /// The application's epoch when it was issued.
    pub application_epoch: Epoch,
    /// The user as whom it acts: the resource owner, or the application's owner for client credentials.
    pub user: UserId,
    /// The user's epoch when it was issued.
    pub user_epoch: Epoch,
    /// The grant it belongs to; none for client credentials.
    pub grant: Option<GrantId>,
    /// What it may be used for.
    pub scopes: ScopeSet,
    /// SHA-256 thumbprint of the key that must accompany it, where it is sender-constrained.
    pub key_thumbprint: Option<[u8; 32]>,
}

/// The content of a refresh token `sgr_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// The grant that it stands for.
    pub grant: GrantId,
    /// How many rotations went before; always 0 where tokens do not rotate.
    pub generation: i64,
}

/// The content of an authorization code `sgc_…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Its id, which also holds the time of issue.
    pub id: CodeId,
    /// The first moment at which it is dead.
    pub expires_at: Timestamp,
    /// The only application that may redeem it.
    pub application: ApplicationId,
    /// The epoch of the application when it was issued.
    pub application_epoch: Epoch,
    /// Who allowed it.
    pub user: UserId,
    /// The user's epoch when it was issued.
    pub user_epoch: Epoch,
    /// The consent that allowed it: when that ends, so does the code.
    pub consent: ConsentId,
    /// What was allowed.
    pub scopes: ScopeSet,
    /// SHA-256 of the `redirect_uri` of the request, where the request carried one.
    pub redirect_digest: Option<[u8; 32]>,
    /// The S256 code challenge, decoded, where the request carried one.
    pub challenge: Option<[u8; 32]>,
    /// When the user signed in.
    pub auth_time: Timestamp,
}
