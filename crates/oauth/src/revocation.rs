//! What revokes access before it expires. Every operation that does so appends revocations in its own
//! transaction. Each node keeps an index of those that are younger than the longest token lifetime, and a
//! token is invalid if the index says so.

use crate::token_payload::AccessToken;
use domain::account::{CallerToken, TokenIssue};
use domain::id::{ApplicationId, Epoch, GrantId, TokenId, UserId};
use domain::time::Timestamp;

/// What a revocation covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevokedSubject {
    /// One access token.
    Token(TokenId),
    /// One grant with all its tokens.
    Grant(GrantId),
    /// All grants of a user for an application up to and including `last_grant`.
    Allowance {
        /// The user who had allowed the application.
        user: UserId,
        /// The application.
        application: ApplicationId,
        /// The newest grant that existed; later ones stay valid.
        last_grant: GrantId,
    },
    /// Everything issued to the application before its epoch became `epoch`.
    Application {
        /// The application.
        application: ApplicationId,
        /// The first epoch that stays valid.
        epoch: Epoch,
    },
    /// Everything issued for the user before the user's epoch became `epoch`.
    User {
        /// The user.
        user: UserId,
        /// The first epoch that stays valid.
        epoch: Epoch,
    },
    /// Everything issued before an instant, by the clock of the node that issued it.
    IssuedBefore(Timestamp),
}

impl RevokedSubject {
    /// Whether the revocation covers this token. This is the definition; an index gives the same answer
    /// faster.
    pub fn ends(&self, token: &AccessToken) -> bool {
        self.ends_caller(token.user, token.user_epoch, &token.of_caller(0))
    }

    /// The same for the token that authenticated the caller of an operation.
    pub fn ends_caller(&self, user: UserId, user_epoch: Epoch, token: &CallerToken) -> bool {
        std::iter::once(&token.issued)
            .chain(&token.ancestors)
            .any(|issued| self.ends_issue((user, user_epoch), token.grant, *issued))
    }

    /// Whether it covers the token, or one that it was exchanged for: the user and the grant are the same.
    fn ends_issue(
        &self,
        (of_user, of_epoch): (UserId, Epoch),
        of_grant: Option<GrantId>,
        issued: TokenIssue,
    ) -> bool {
        match *self {
            Self::Token(revoked) => issued.id == revoked,
            Self::Grant(id) => of_grant == Some(id),
            Self::Allowance { user, application, last_grant } => {
                of_user == user
                    && issued.application == application
                    && of_grant.is_some_and(|grant| grant <= last_grant)
            }
            Self::Application { application, epoch } => {
                issued.application == application && issued.epoch < epoch
            }
            Self::User { user, epoch } => of_user == user && of_epoch < epoch,
            Self::IssuedBefore(instant) => issued.id.at() < instant,
        }
    }
}

/// A revocation in the change feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The position in the feed; grows with every revocation.
    pub seq: i64,
    /// What it covers.
    pub subject: RevokedSubject,
    /// The time of the decision.
    pub at: Timestamp,
    /// When the last token that it could cover has expired.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::BuiltInScope;

    fn token() -> AccessToken {
        AccessToken {
            id: TokenId::compose(Timestamp::from_secs(1), [1; 8]),
            expires_at: Timestamp::from_secs(3601),
            application: ApplicationId::new(7),
            application_epoch: Epoch::new(3),
            user: UserId::new(4),
            user_epoch: Epoch::new(5),
            grant: Some(GrantId::new(21)),
            scopes: BuiltInScope::OData.into(),
            binding: None,
            details: crate::grant::AccessTokenDetails::default(),
        }
    }

    #[test]
    fn each_kind_of_revocation_covers_only_its_subject() {
        let (application, user) = (ApplicationId::new(7), UserId::new(4));
        let allowance =
            |last| RevokedSubject::Allowance { user, application, last_grant: GrantId::new(last) };
        let other_user = UserId::new(9);
        for (subject, ends) in [
            (RevokedSubject::Token(token().id), true),
            (RevokedSubject::Token(TokenId::compose(Timestamp::from_secs(1), [2; 8])), false),
            (RevokedSubject::Grant(GrantId::new(21)), true),
            (RevokedSubject::Grant(GrantId::new(22)), false),
            (allowance(21), true),
            (allowance(20), false),
            (
                RevokedSubject::Allowance { user: other_user, application, last_grant: GrantId::new(21) },
                false,
            ),
            (RevokedSubject::Application { application, epoch: Epoch::new(4) }, true),
            (RevokedSubject::Application { application, epoch: Epoch::new(3) }, false),
            (RevokedSubject::Application { application: ApplicationId::new(8), epoch: Epoch::GONE }, false),
            (RevokedSubject::User { user, epoch: Epoch::new(6) }, true),
            (RevokedSubject::User { user, epoch: Epoch::new(5) }, false),
            (RevokedSubject::User { user: other_user, epoch: Epoch::GONE }, false),
            (RevokedSubject::IssuedBefore(Timestamp::from_secs(1)), false),
            (RevokedSubject::IssuedBefore(Timestamp::from_secs(2)), true),
        ] {
            assert_eq!(subject.ends(&token()), ends, "{subject:?}");
        }
    }

    #[test]
    fn revoking_an_allowed_application_keeps_client_credentials() {
        let service = AccessToken { grant: None, ..token() };
        let last_grant = GrantId::new(i64::MAX);
        let subject =
            RevokedSubject::Allowance { user: service.user, application: service.application, last_grant };
        assert!(!subject.ends(&service));
    }
}
