//! The rights on which a decision rests: checked when a request is read, and again, against the stored state,
//! when it is written.

use super::Permission;
use crate::id::{ApplicationId, Epoch, GrantId, SessionId, TokenId, UserId};
use crate::time::Timestamp;

/// The rights on which an operation of the management API rests. A store performs the operation only while
/// all of them hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The caller's rights.
    pub caller: Rights,
    /// The rights of the user on whose behalf the caller acts, if that is another user.
    pub subject: Option<Rights>,
    /// What authenticated the caller; it must not have been revoked.
    pub credential: Credential,
}

/// What authenticated the caller of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The user's name and password. The user's epoch advances when the password changes.
    Password,
    /// A browser session.
    Session(CallerSession),
    /// An access token; its application must still have the scope `api.mgmt`.
    Token(Box<CallerToken>),
}

/// The browser session that authenticated a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerSession {
    /// The session.
    pub id: SessionId,
    /// When its user signed in.
    pub auth_time: Timestamp,
    /// The position in the feed of revocations up to which none was found that ends it.
    pub checked_up_to: i64,
}

/// The access token that authenticated a caller, as far as a revocation can name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerToken {
    /// Its own issue.
    pub issued: TokenIssue,
    /// The tokens for which it was exchanged.
    pub ancestors: Vec<TokenIssue>,
    /// Its grant; `None` for client credentials.
    pub grant: Option<GrantId>,
    /// The position in the feed of revocations up to which none was found that ends it.
    pub checked_up_to: i64,
}

/// An access token that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenIssue {
    /// The id, which contains the time of issue.
    pub id: TokenId,
    /// The application to which it was issued.
    pub application: ApplicationId,
    /// The application's epoch when it was issued.
    pub epoch: Epoch,
}

/// A user with the permissions on which a decision rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The user.
    pub user: UserId,
    /// The user's epoch when they were read; it advances when all access of the user is revoked.
    pub epoch: Epoch,
    /// The permissions of all roles together.
    pub permissions: Vec<Permission>,
}

impl Rights {
    /// Whether the user has the permission; an Administrator has every one.
    pub fn may(&self, permission: Permission) -> bool {
        may(&self.permissions, permission)
    }

    /// Whether the rights still hold, for an active user with this epoch and these permissions.
    pub fn hold(&self, epoch: Epoch, permissions: &[Permission]) -> bool {
        self.epoch == epoch && self.permissions.iter().all(|judged| may(permissions, *judged))
    }
}

impl Authority {
    /// All users on whose rights the operation rests.
    pub fn people(&self) -> impl Iterator<Item = &Rights> {
        std::iter::once(&self.caller).chain(&self.subject)
    }

    /// Whether the caller may change what belongs to `owner`: only the owner and an Administrator may.
    pub fn reaches(&self, owner: UserId) -> bool {
        let subject = self.subject.as_ref().unwrap_or(&self.caller);
        subject.user == owner || subject.may(Permission::Administrator)
    }

    /// Whether the caller acts on behalf of another user without being an Administrator.
    pub fn is_of_deputy(&self) -> bool {
        self.subject.is_some() && !self.caller.may(Permission::Administrator)
    }

    /// Whether the caller has all of these permissions: nobody can give away or take over permissions that
    /// they do not have.
    pub fn covers(&self, permissions: &[Permission]) -> bool {
        permissions.iter().all(|permission| self.caller.may(*permission))
    }
}

fn may(permissions: &[Permission], permission: Permission) -> bool {
    permissions.contains(&permission) || permissions.contains(&Permission::Administrator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(user: i64, permissions: &[Permission]) -> Rights {
        Rights { user: UserId::new(user), epoch: Epoch::new(3), permissions: permissions.to_vec() }
    }

    #[test]
    fn rights_hold_while_user_epoch_and_permissions_are_unchanged() {
        let judged = rights(1, &[Permission::CreateRole, Permission::ViewRole]);
        let epoch = Epoch::new(3);
        assert!(judged.hold(epoch, &[Permission::CreateRole, Permission::ViewRole, Permission::WebUI]));
        assert!(judged.hold(epoch, &[Permission::Administrator]));
        assert!(!judged.hold(epoch, &[Permission::CreateRole]), "one was withdrawn");
        assert!(!judged.hold(Epoch::new(4), &[Permission::Administrator]), "all access was ended");
    }

    #[test]
    fn reach_depends_on_the_user_on_whose_behalf_the_caller_acts() {
        let administrator = rights(1, &[Permission::Administrator]);
        let own = Authority { caller: administrator, subject: None, credential: Credential::Password };
        assert!(own.reaches(UserId::new(9)) && own.covers(Permission::ALL));
        let acting = Authority { subject: Some(rights(2, &[Permission::WebUI])), ..own };
        assert!(acting.reaches(UserId::new(2)) && !acting.reaches(UserId::new(9)));
    }
}
