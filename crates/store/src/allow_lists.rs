//! Allow-lists of addresses.

use domain::allow_list::{AllowListOwner, AllowLists, MOST_OWNERS};
use domain::audit::NewAuditEvent;

use crate::{Answer, Judged};

/// Why lists were not changed; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowListRefusal {
    /// There is no such user or application, or the caller does not reach it.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// More than [`MOST_OWNERS`](domain::allow_list::MOST_OWNERS) users and applications would have lists.
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

/// Whether one more owner may have lists beside this number of others. All backends use this rule. Those of the installation
/// always have room.
pub(crate) fn has_room(owner: AllowListOwner, others: i64) -> Result<(), AllowListRefusal> {
    let is_full = others >= i64::from(MOST_OWNERS);
    if is_full && owner != AllowListOwner::System { Err(AllowListRefusal::Full) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::UserId;

    #[test]
    fn a_limited_number_of_owners_has_lists() {
        let (user, most) = (AllowListOwner::User(UserId::new(5)), i64::from(MOST_OWNERS));
        assert_eq!((has_room(user, most - 1), has_room(user, most)), (Ok(()), Err(AllowListRefusal::Full)));
        assert_eq!(has_room(AllowListOwner::System, most), Ok(()));
    }
}
