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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    fn token() -> AccessToken {
        AccessToken {
            id: TokenId::compose(Timestamp::from_secs(1), [1; 8]),
            expires_at: Timestamp::from_secs(3601),
            application: ApplicationId::new(7),
            application_epoch: Epoch::new(3),
            user: UserId::new(4),
            user_epoch: Epoch::new(5),
            grant: Some(GrantId::new(21)),
            scopes: Scope::OData.into(),
            key_thumbprint: None,
        }
    }

    #[test]
    fn each_kind_of_event_ends_what_it_names_and_nothing_else() {
        let (application, user) = (ApplicationId::new(7), UserId::new(4));
        let allowance = |last| Subject::Allowance { user, application, last_grant: GrantId::new(last) };
        let other_user = UserId::new(9);
        for (subject, ends) in [
            (Subject::Token(token().id), true),
            (Subject::Token(TokenId::compose(Timestamp::from_secs(1), [2; 8])), false),
            (Subject::Grant(GrantId::new(21)), true),
            (Subject::Grant(GrantId::new(22)), false),
            (allowance(21), true),
            (allowance(20), false),
            (Subject::Allowance { user: other_user, application, last_grant: GrantId::new(21) }, false),
            (Subject::Application { application, epoch: Epoch::new(4) }, true),
            (Subject::Application { application, epoch: Epoch::new(3) }, false),
            (Subject::Application { application: ApplicationId::new(8), epoch: Epoch::GONE }, false),
            (Subject::User { user, epoch: Epoch::new(6) }, true),
            (Subject::User { user, epoch: Epoch::new(5) }, false),
            (Subject::User { user: other_user, epoch: Epoch::GONE }, false),
        ] {
            assert_eq!(subject.ends(&token()), ends, "{subject:?}");
        }
    }

    #[test]
    fn ending_an_allowance_leaves_client_credentials_alone() {
        let service = AccessToken { grant: None, ..token() };
        let last_grant = GrantId::new(i64::MAX);
        let subject = Subject::Allowance { user: service.user, application: service.application, last_grant };
        assert!(!subject.ends(&service));
    }
}
