//! Personal access tokens.

use domain::audit::NewAuditEvent;
use domain::id::{Epoch, PersonalAccessTokenId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::data_access::DataAccess;
use oauth::personal_access_token::PersonalAccessToken;
use oauth::scope::ScopeSet;

use crate::{Answer, Judged};

/// A personal access token to be stored.
#[derive(Debug, Clone)]
pub struct NewPersonalAccessToken {
    /// The digest of the token.
    pub digest: Digest,
    /// The user who makes it.
    pub user: UserId,
    /// The user's epoch when the session was opened in which it is made.
    pub user_epoch: Epoch,
    /// What the user calls it.
    pub name: String,
    /// What it may be used for: built-in scopes only.
    pub scopes: ScopeSet,
    /// The data that it reaches, if not all that the user may read.
    pub data: Option<Box<DataAccess>>,
    /// The current time.
    pub at: Timestamp,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
}

/// Why a change to the personal access tokens was refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonalAccessTokenRefusal {
    /// The user has no token of that id.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// The user has [`MOST_OF_A_USER`](oauth::personal_access_token::MOST_OF_A_USER) already.
    Full,
}

/// Personal access tokens. All of a user end with the user's epoch.
pub trait PersonalAccessTokens {
    /// Stores a token, if the user's epoch has not advanced. The audit event receives its id and name as the subject.
    fn insert_personal_access_token(
        &self,
        new: NewPersonalAccessToken,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<PersonalAccessToken, PersonalAccessTokenRefusal>>;
    /// The token with that digest, of whatever age, if the user's epoch is still that of the token.
    fn find_personal_access_token<'a>(
        &'a self,
        digest: &'a Digest,
    ) -> Answer<'a, Option<PersonalAccessToken>>;
    /// Lists the tokens of a user that have not ended with the user's epoch, by id.
    fn list_personal_access_tokens(&self, user: UserId) -> Answer<'_, Vec<PersonalAccessToken>>;
    /// Deletes a token of the user. Nodes that have cached it forget it.
    fn delete_personal_access_token(
        &self,
        user: UserId,
        id: PersonalAccessTokenId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), PersonalAccessTokenRefusal>>;
}
