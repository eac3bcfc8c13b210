//! How the subject of a revocation maps to columns.

use domain::id::{ApplicationId, Epoch, GrantId, TokenId, UserId};
use domain::time::Timestamp;
use oauth::revocation::RevokedSubject;

use super::Impossible;

const TOKEN: i64 = 1;
const GRANT: i64 = 2;
const ALLOWANCE: i64 = 3;
const APPLICATION: i64 = 4;
const USER: i64 = 5;
/// The kind of revocations of everything issued before an instant.
pub const ISSUED_BEFORE: i64 = 6;

/// The columns of a subject; the columns that its kind does not use are NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubjectColumns {
    /// The kind of subject, from 1.
    pub kind: i64,
    /// The access token.
    pub token: Option<[u8; 16]>,
    /// The grant; for several grants, the last one.
    pub grant: Option<i64>,
    /// The user.
    pub user: Option<i64>,
    /// The application.
    pub application: Option<i64>,
    /// The first epoch that is not revoked, or the first instant, in microseconds.
    pub epoch: Option<i64>,
}

impl From<RevokedSubject> for SubjectColumns {
    fn from(subject: RevokedSubject) -> Self {
        let none = Self::default();
        match subject {
            RevokedSubject::Token(id) => Self { kind: TOKEN, token: Some(*id.as_bytes()), ..none },
            RevokedSubject::Grant(id) => Self { kind: GRANT, grant: Some(id.get()), ..none },
            RevokedSubject::Allowance { user, application, last_grant } => Self {
                kind: ALLOWANCE,
                grant: Some(last_grant.get()),
                user: Some(user.get()),
                application: Some(application.get()),
                ..none
            },
            RevokedSubject::Application { application, epoch } => Self {
                kind: APPLICATION,
                application: Some(application.get()),
                epoch: Some(epoch.get()),
                ..none
            },
            RevokedSubject::User { user, epoch } => {
                Self { kind: USER, user: Some(user.get()), epoch: Some(epoch.get()), ..none }
            }
            RevokedSubject::IssuedBefore(instant) => {
                Self { kind: ISSUED_BEFORE, epoch: Some(instant.as_micros()), ..none }
            }
        }
    }
}

impl TryFrom<SubjectColumns> for RevokedSubject {
    type Error = Impossible;

    fn try_from(columns: SubjectColumns) -> Result<Self, Impossible> {
        let SubjectColumns { kind, token, grant, user, application, epoch } = columns;
        let subject = match (kind, token, grant, user, application, epoch) {
            (TOKEN, Some(token), None, None, None, None) => Self::Token(TokenId::from_bytes(token)),
            (GRANT, None, Some(grant), None, None, None) => Self::Grant(GrantId::new(grant)),
            (ALLOWANCE, None, Some(grant), Some(user), Some(application), None) => Self::Allowance {
                user: UserId::new(user),
                application: ApplicationId::new(application),
                last_grant: GrantId::new(grant),
            },
            (APPLICATION, None, None, None, Some(application), Some(epoch)) => {
                Self::Application { application: ApplicationId::new(application), epoch: Epoch::new(epoch) }
            }
            (USER, None, None, Some(user), None, Some(epoch)) => {
                Self::User { user: UserId::new(user), epoch: Epoch::new(epoch) }
            }
            (ISSUED_BEFORE, None, None, None, None, Some(instant)) => {
                Self::IssuedBefore(Timestamp::from_micros(instant))
            }
            _ => return Err(Impossible(format!("a revocation of kind {kind}"))),
        };
        Ok(subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_comes_back_from_its_columns() {
        let (user, application, epoch) = (UserId::new(3), ApplicationId::new(4), Epoch::new(5));
        for subject in [
            RevokedSubject::Token(TokenId::from_bytes([7; 16])),
            RevokedSubject::Grant(GrantId::new(6)),
            RevokedSubject::Allowance { user, application, last_grant: GrantId::new(9) },
            RevokedSubject::Application { application, epoch },
            RevokedSubject::User { user, epoch },
            RevokedSubject::IssuedBefore(Timestamp::from_micros(8)),
        ] {
            assert_eq!(RevokedSubject::try_from(SubjectColumns::from(subject)), Ok(subject));
        }
        let mixed = SubjectColumns { kind: USER, user: Some(1), ..SubjectColumns::default() };
        assert!(RevokedSubject::try_from(mixed).is_err(), "a user without an epoch");
    }
}
