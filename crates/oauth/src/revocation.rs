//! What ends access before its time. Every act that does so appends events in its own transaction; each node keeps an
//! index of those younger than the longest token life, and a token is dead when the index says so.

use crate::id::{ApplicationId, Epoch, GrantId, TokenId, UserId};
use crate::sealed::AccessToken;
use crate::time::Timestamp;

/// What an event ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One access token.
    Token(TokenId),
    /// One grant with all its tokens.
    Grant(GrantId),
    /// All grants of a user for an application up to and with `last_grant`.
    Allowance {
        /// Whose allowance it was.
        user: UserId,
        /// For which application.
        application: ApplicationId,
        /// The newest grant that there was; later ones live.
        last_grant: GrantId,
    },
    /// Everything issued to the application before its epoch became `epoch`.
    Application {
        /// Which application.
        application: ApplicationId,
        /// The first epoch that lives.
        epoch: Epoch,
    },
    /// Everything issued for the user before the user's epoch became `epoch`.
    User {
        /// Which user.
        user: UserId,
        /// The first epoch that lives.
        epoch: Epoch,
    },
}

impl Subject {
    /// Whether the event ends this token. This is the definition; an index answers the same question faster.
    pub fn ends(&self, token: &AccessToken) -> bool {
        match *self {
            Self::Token(id) => token.id == id,
            Self::Grant(id) => token.grant == Some(id),
            Self::Allowance { user, application, last_grant } => {
                token.user == user
                    && token.application == application
                    && token.grant.is_some_and(|grant| grant <= last_grant)
            }
            Self::Application { application, epoch } => {
                token.application == application && token.application_epoch < epoch
            }
            Self::User { user, epoch } => token.user == user && token.user_epoch < epoch,
        }
    }
}

/// One event of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// Position in the feed; grows with every event.
    pub seq: i64,
    /// What it ends.
    pub subject: Subject,
    /// When it was decided.
    pub at: Timestamp,
    /// When the last token that it could end has expired by itself.
    pub expires_at: Timestamp,
}
