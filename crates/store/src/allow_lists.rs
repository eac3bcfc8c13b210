//! Allow-lists of addresses.

use domain::allow_list::{AllowListOwner, AllowLists, MOST_APPLICATIONS_OF_ONE, MOST_OWNERS};
use domain::audit::NewAuditEvent;

use crate::{Answer, Judged};

/// Why lists were not changed; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowListRefusal {
    /// There is no such user or application, or the caller does not reach it.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// More than [`MOST_OWNERS`] users or applications would have lists, or more than [`MOST_APPLICATIONS_OF_ONE`] of one user.
    Full,
}

/// Allow-lists of addresses. They are deleted with their user or application.
pub trait AllowListStore {
    /// All lists, by their owners.
    fn list_allow_lists(&self) -> Answer<'_, Vec<(AllowListOwner, AllowLists)>>;
    /// Replaces the lists of an owner; with none, it has none any more. The caller must own the user or the application, or
    /// be an Administrator.
    fn set_allow_lists(
        &self,
        owner: AllowListOwner,
        lists: AllowLists,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), AllowListRefusal>>;
}

/// Whether an owner may have lists, beside this number of others of its kind, and of other applications of the same user. All
/// backends use this rule. One user cannot use up what all share, and those of the installation always have room.
pub(crate) fn has_room(
    owner: AllowListOwner,
    others: i64,
    of_same_user: i64,
) -> Result<(), AllowListRefusal> {
    let is_full = others >= i64::from(MOST_OWNERS) || of_same_user >= i64::from(MOST_APPLICATIONS_OF_ONE);
    if is_full && owner != AllowListOwner::System { Err(AllowListRefusal::Full) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{ApplicationId, UserId};

    #[test]
    fn a_limited_number_of_owners_has_lists() {
        let (user, most) = (AllowListOwner::User(UserId::new(5)), i64::from(MOST_OWNERS));
        let full = Err(AllowListRefusal::Full);
        assert_eq!((has_room(user, most - 1, 0), has_room(user, most, 0)), (Ok(()), full));
        let (application, share) =
            (AllowListOwner::Application(ApplicationId::new(5)), i64::from(MOST_APPLICATIONS_OF_ONE));
        assert_eq!((has_room(application, 60, share - 1), has_room(application, 60, share)), (Ok(()), full));
        assert_eq!(has_room(AllowListOwner::System, most, 0), Ok(()));
    }
}
