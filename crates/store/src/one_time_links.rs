//! One-time links: whoever follows one chooses the password of an account, without the current one.

use domain::account::User;
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, UserId};
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use oauth::revocation::Revocation;

use crate::{Answer, Judged, NewMail, NewUser, UserRefusal};

/// What is stored of a new link, apart from whose it is.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Why it is made.
    pub purpose: LinkPurpose,
    /// The digest of its secret.
    pub digest: Digest,
    /// The mail address to which it is sent, if it is.
    pub sent_to: Option<String>,
    /// The path and query of the request that waits for the user, if any.
    pub continue_to: Option<String>,
    /// The mail in which it is sent.
    pub mail: Option<NewMail>,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
}

/// A link for a user who exists.
#[derive(Debug, Clone)]
pub struct NewOneTimeLink {
    /// Whose password it sets.
    pub user: UserId,
    /// The user's epoch when the decision was made; nothing is stored if it has advanced.
    pub user_epoch: Epoch,
    /// The link.
    pub link: NewLink,
    /// No link is made if one for the same purpose was made later than this.
    pub unless_since: Option<Timestamp>,
}

/// A password that somebody chooses by a link.
#[derive(Debug, Clone)]
pub struct LinkUse {
    /// The digest of the link's secret.
    pub digest: Digest,
    /// The new password.
    pub password: PasswordHash,
    /// The time of the operation.
    pub at: Timestamp,
    /// When the longest-lived token that this may revoke has expired.
    pub revocation_expires_at: Timestamp,
}

/// Why no link was made, ended or used; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneTimeLinkRefusal {
    /// There is no such user, or no such link any more.
    Unknown,
    /// The rights on which the decision rests were withdrawn, or the user was changed meanwhile.
    RightsChanged,
    /// The user has permissions that the caller does not have.
    BeyondRights,
    /// A link for the same purpose was made a short while ago.
    TooSoon,
    /// Too many mails wait.
    Full,
}

/// One-time links. A user has at most one for each purpose of an administrator: a new one ends the earlier ones. They end with
/// the access of their user and of the user who made them; those that were mailed also with the mail address.
pub trait OneTimeLinks {
    /// Creates a user together with a link.
    fn invite_user(
        &self,
        new: NewUser,
        link: NewLink,
        audit: [NewAuditEvent; 2],
    ) -> Answer<'_, Judged<(User, OneTimeLink), UserRefusal>>;
    /// Stores a link. One of an administrator ends the earlier ones for the same purpose.
    fn insert_one_time_link(
        &self,
        new: NewOneTimeLink,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<OneTimeLink, OneTimeLinkRefusal>>;
    /// Finds the link with that digest, unless it has expired or its user is inactive. Changes nothing.
    fn find_one_time_link<'a>(
        &'a self,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<OneTimeLink>>;
    /// Lists the valid links of a user, by id.
    fn list_one_time_links(&self, user: UserId, now: Timestamp) -> Answer<'_, Vec<OneTimeLink>>;
    /// Ends all links of a user. [`OneTimeLinkRefusal::Unknown`] if there are none.
    fn end_one_time_links(
        &self,
        user: UserId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), OneTimeLinkRefusal>>;
    /// Uses a link up: sets the password, ends all access of the user and the user's other links, and clears the locks. Of
    /// concurrent callers, one succeeds. A link of a user who has lost the permissions that it needs is refused.
    fn use_one_time_link(
        &self,
        link: LinkUse,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(OneTimeLink, Vec<Revocation>), OneTimeLinkRefusal>>;
}
