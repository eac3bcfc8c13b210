//! By what right an act is done: judged when a request is read, and held against what is stored when it is written.

use super::Permission;
use crate::id::{ApplicationId, Epoch, UserId};

/// The rights that an act of the management API rests on. A store does the act only while all of them hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Who asks.
    pub caller: Rights,
    /// For whom, where that is another user.
    pub subject: Option<Rights>,
    /// The application whose access token proved the caller, where one did; it must still have the scope `api.mgmt`.
    pub application: Option<ApplicationId>,
}

/// A user with the permissions by which an act was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Whose they are.
    pub user: UserId,
    /// The user's epoch when they were read; it grows when all the user's access is ended.
    pub epoch: Epoch,
    /// Of all roles together.
    pub permissions: Vec<Permission>,
}

impl Rights {
    /// Whether the user may do what the permission allows; an Administrator may do everything.
    pub fn may(&self, permission: Permission) -> bool {
        may(&self.permissions, permission)
    }

    /// Whether they still hold, for an active user of this epoch with these permissions.
    pub fn hold(&self, epoch: Epoch, permissions: &[Permission]) -> bool {
        self.epoch == epoch && self.permissions.iter().all(|judged| may(permissions, *judged))
    }
}

impl Authority {
    /// Everybody on whose rights the act rests.
    pub fn people(&self) -> impl Iterator<Item = &Rights> {
        std::iter::once(&self.caller).chain(&self.subject)
    }

    /// Whether what belongs to `owner` is within reach: of its owner, and of an Administrator.
    pub fn reaches(&self, owner: UserId) -> bool {
        let subject = self.subject.as_ref().unwrap_or(&self.caller);
        subject.user == owner || subject.may(Permission::Administrator)
    }

    /// Whether the caller has all these permissions: what nobody but an Administrator has, nobody else gives away or
    /// takes over.
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
    fn rights_hold_while_everything_that_was_judged_is_still_there() {
        let judged = rights(1, &[Permission::CreateRole, Permission::ViewRole]);
        let epoch = Epoch::new(3);
        assert!(judged.hold(epoch, &[Permission::CreateRole, Permission::ViewRole, Permission::WebUI]));
        assert!(judged.hold(epoch, &[Permission::Administrator]));
        assert!(!judged.hold(epoch, &[Permission::CreateRole]), "one was withdrawn");
        assert!(!judged.hold(Epoch::new(4), &[Permission::Administrator]), "all access was ended");
    }

    #[test]
    fn the_reach_is_that_of_the_user_for_whom_it_is_done() {
        let administrator = rights(1, &[Permission::Administrator]);
        let own = Authority { caller: administrator, subject: None, application: None };
        assert!(own.reaches(UserId::new(9)) && own.covers(Permission::ALL));
        let acting = Authority { subject: Some(rights(2, &[Permission::WebUI])), ..own };
        assert!(acting.reaches(UserId::new(2)) && !acting.reaches(UserId::new(9)));
    }
}
