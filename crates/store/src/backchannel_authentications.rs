//! Requests of clients that wait for the users whom they name ([CIBA
//! Core](https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html)).

use domain::account::attributes::SubjectSeed;
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, BackchannelAuthenticationId, CodeId, Epoch, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::backchannel::BackchannelAuthentication;
use oauth::grant::GrantDetails;
use oauth::scope::ScopeSet;

use crate::{AccessAnswer, AccessAnswered, Answer};

/// A request to be stored.
#[derive(Debug, Clone)]
pub struct NewBackchannelAuthentication {
    /// The digest of `auth_req_id`.
    pub digest: Digest,
    /// The id under which the grant is created later.
    pub code: CodeId,
    /// The application that asks.
    pub application: ApplicationId,
    /// The application's epoch on which the decision rests.
    pub application_epoch: Epoch,
    /// The user who is asked.
    pub user: UserId,
    /// The user's epoch on which the decision rests.
    pub user_epoch: Epoch,
    /// The requested scopes.
    pub scopes: ScopeSet,
    /// What else the grant keeps of the request.
    pub details: GrantDetails,
    /// The message for the user.
    pub binding_message: Option<String>,
    /// The maximum time between the entry of the password and the request, in seconds.
    pub max_age_secs: Option<i64>,
    /// The network address of the application.
    pub address: Option<String>,
    /// The time of the request.
    pub at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// How many requests may be open at once.
    pub limits: BackchannelLimits,
}

/// How many requests may be open at once. A denied one counts as open until it expires, so that a user who denies is not
/// asked again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackchannelLimits {
    /// To one user.
    pub of_user: u32,
    /// Of one application to one user.
    pub of_pair: u32,
}

/// The result of storing a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackchannelInsertion {
    /// It was stored.
    Stored,
    /// As many requests are open as are allowed.
    TooMany {
        /// When the first of them expires.
        next_expiry: Timestamp,
    },
    /// The application or the user was deleted, or the epoch of one has advanced.
    Gone,
}

/// Backchannel authentication requests.
pub trait BackchannelAuthentications {
    /// Stores a request within its limits.
    fn insert_backchannel_authentication(
        &self,
        new: NewBackchannelAuthentication,
    ) -> Answer<'_, BackchannelInsertion>;
    /// Finds a request by the digest of its `auth_req_id`, whether or not it has expired.
    fn find_by_auth_req_id(&self, digest: Digest) -> Answer<'_, Option<BackchannelAuthentication>>;
    /// Finds a request, whether or not it has expired.
    fn find_backchannel_authentication(
        &self,
        id: BackchannelAuthenticationId,
    ) -> Answer<'_, Option<BackchannelAuthentication>>;
    /// Lists the requests that wait at `at` for the decision of a user in this epoch, oldest first, at most `most`.
    fn list_waiting_backchannel_authentications(
        &self,
        user: UserId,
        user_epoch: Epoch,
        at: Timestamp,
        most: u32,
    ) -> Answer<'_, Vec<BackchannelAuthentication>>;
    /// Records a poll at `at`, unless another one was recorded after `unless_after`. Returns whether it was recorded.
    fn poll_backchannel_authentication(
        &self,
        id: BackchannelAuthenticationId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Answer<'_, bool>;
    /// Stores the decision of the user who is asked, once, before the request expires.
    fn answer_backchannel_authentication(
        &self,
        id: BackchannelAuthenticationId,
        user: UserId,
        answer: AccessAnswer,
        audit: NewAuditEvent,
    ) -> Answer<'_, AccessAnswered>;
    /// Lists the active users who have allowed the application something, by id, from the one after `after`.
    fn list_users_who_allowed(
        &self,
        application: ApplicationId,
        after: UserId,
        most: u32,
    ) -> Answer<'_, Vec<(UserId, SubjectSeed)>>;
}
