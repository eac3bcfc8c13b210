//! Rules of roles, and the rule that an Administrator always remains.

use super::{ADMINISTRATOR_ROLE, Permission, USER_ROLE};
use crate::characters::{self, CharacterFault};
use crate::id::RoleId;

/// The maximum number of characters in the name of a role.
pub const LONGEST_NAME: usize = 128;
/// The maximum number of characters in the description of a role.
pub const LONGEST_DESCRIPTION: usize = 256;

/// Why a role is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum RoleFault {
    #[error("name must not be empty")]
    NameEmpty,
    #[error("name is {0} characters long; at most 128 are allowed")]
    NameTooLong(usize),
    #[error("description is {0} characters long; at most 256 are allowed")]
    DescriptionTooLong(usize),
    #[error("name {0}")]
    NameCharacter(CharacterFault),
    #[error("description {0}")]
    DescriptionCharacter(CharacterFault),
    #[error("permissions contains {0}, which is not a permission")]
    UnknownPermission(i64),
    #[error("the role of administrators must keep permission 12 (Administrator)")]
    AdministratorWithoutPermission,
    #[error("the built-in roles cannot be deleted")]
    BuiltIn,
}

/// The permissions of a role from their numbers: sorted, without repetition.
///
/// # Errors
/// [`RoleFault::UnknownPermission`], for the first unknown number.
pub fn permissions(numbers: &[i64]) -> Result<Vec<Permission>, RoleFault> {
    let known = |number: &i64| Permission::from_id(*number).ok_or(RoleFault::UnknownPermission(*number));
    let mut permissions = numbers.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    permissions.sort_unstable();
    permissions.dedup();
    Ok(permissions)
}

/// Checks that the texts may be the name and the description of a role.
///
/// # Errors
/// The first fault.
pub fn check_texts(name: &str, description: &str) -> Result<(), RoleFault> {
    let (name_length, description_length) = (name.chars().count(), description.chars().count());
    match () {
        () if name.trim().is_empty() => Err(RoleFault::NameEmpty),
        () if name_length > LONGEST_NAME => Err(RoleFault::NameTooLong(name_length)),
        () if description_length > LONGEST_DESCRIPTION => {
            Err(RoleFault::DescriptionTooLong(description_length))
        }
        () => {
            characters::check_name(name).map_err(RoleFault::NameCharacter)?;
            characters::check(description).map_err(RoleFault::DescriptionCharacter)
        }
    }
}

/// Checks that the role may have exactly these permissions.
///
/// # Errors
/// [`RoleFault::AdministratorWithoutPermission`].
pub fn may_have(role: RoleId, permissions: &[Permission]) -> Result<(), RoleFault> {
    let stripped = role == ADMINISTRATOR_ROLE && !permissions.contains(&Permission::Administrator);
    if stripped { Err(RoleFault::AdministratorWithoutPermission) } else { Ok(()) }
}

/// Checks that the role may be deleted.
///
/// # Errors
/// [`RoleFault::BuiltIn`].
pub fn may_be_deleted(role: RoleId) -> Result<(), RoleFault> {
    if role == ADMINISTRATOR_ROLE || role == USER_ROLE { Err(RoleFault::BuiltIn) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_read_by_number() {
        assert_eq!(
            permissions(&[12, 7, 12]),
            Ok(vec![Permission::UseDataSourceWithOData, Permission::Administrator])
        );
        assert_eq!(permissions(&[7, 5]), Err(RoleFault::UnknownPermission(5)));
    }

    #[test]
    fn every_permission_has_its_number() {
        for permission in Permission::ALL {
            assert_eq!(Permission::from_id(permission.id()), Some(*permission));
        }
    }

    #[test]
    fn role_texts_have_a_maximum_length() {
        assert_eq!(check_texts("Reader", ""), Ok(()));
        assert_eq!(check_texts(" ", ""), Err(RoleFault::NameEmpty));
        assert_eq!(check_texts(&"x".repeat(129), ""), Err(RoleFault::NameTooLong(129)));
        assert_eq!(check_texts("x", &"x".repeat(257)), Err(RoleFault::DescriptionTooLong(257)));
        assert!(matches!(check_texts("x\n", ""), Err(RoleFault::NameCharacter(_))));
        assert!(matches!(check_texts("Sluicegate", ""), Err(RoleFault::NameCharacter(_))));
        assert!(matches!(check_texts("x", "a\u{200B}b"), Err(RoleFault::DescriptionCharacter(_))));
    }

    #[test]
    fn built_in_roles_are_protected() {
        assert_eq!(
            may_have(ADMINISTRATOR_ROLE, &[Permission::WebUI]),
            Err(RoleFault::AdministratorWithoutPermission)
        );
        assert_eq!(may_have(USER_ROLE, &[]), Ok(()));
        assert_eq!(may_be_deleted(USER_ROLE), Err(RoleFault::BuiltIn));
        assert_eq!(may_be_deleted(RoleId::new(3)), Ok(()));
    }
}
