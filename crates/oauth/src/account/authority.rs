//! What a caller may do: permissions of the user, narrowed by the way in which the user proved who it is.

use super::Permission;
use crate::id::UserId;
use crate::scope::{Scope, ScopeSet};

/// A caller, for the rules below.
#[derive(Debug, Clone, Copy)]
pub struct Authority<'a> {
    /// The user as whom the request acts.
    pub user: UserId,
    /// What the user's roles allow.
    pub permissions: &'a [Permission],
    /// What the access token may be used for; none where the user came with password or session, which stand for all.
    pub token_scopes: Option<ScopeSet>,
}

/// Why a caller may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// No role of the user allows it.
    #[error("you lack permission {} ({})", .0.id(), .0.as_str())]
    LacksPermission(Permission),
    /// The access token is for something else.
    #[error("the access token lacks the scope {0}")]
    LacksScope(Scope),
    /// A permission cannot be handed on by who does not have it.
    #[error("you cannot give permission {} ({}), which you do not have", .0.id(), .0.as_str())]
    GivesMoreThanItHas(Permission),
}

/// Managing the caller's own applications and allowed applications: any active user may.
///
/// # Errors
/// [`Forbidden::LacksScope`].
pub fn may_manage_applications(caller: Authority<'_>) -> Result<(), Forbidden> {
    covers(caller, Scope::Management)
}

/// Seeing and managing everybody's applications, and acting for another with `?user=`.
///
/// # Errors
/// [`Forbidden`].
pub fn may_act_for_another(caller: Authority<'_>) -> Result<(), Forbidden> {
    may_administer(caller, Permission::Administrator)
}

/// An act of the management API that needs a permission; an Administrator has them all.
///
/// # Errors
/// [`Forbidden`].
pub fn may_administer(caller: Authority<'_>, permission: Permission) -> Result<(), Forbidden> {
    covers(caller, Scope::Management)?;
    has(caller, permission).ok_or(Forbidden::LacksPermission(permission))
}

/// Reading data over OData. Whether the very data source is the caller's to read is asked afterwards.
///
/// # Errors
/// [`Forbidden`]; the scope first, since its lack is the client's.
pub fn may_read_data(caller: Authority<'_>) -> Result<(), Forbidden> {
    covers(caller, Scope::OData)?;
    has(caller, Permission::UseDataSourceWithOData)
        .ok_or(Forbidden::LacksPermission(Permission::UseDataSourceWithOData))
}

/// Giving a role these permissions, or a user a role that has them: nobody rises by it above the giver.
///
/// # Errors
/// [`Forbidden::GivesMoreThanItHas`], for the first.
pub fn gives_only_what_it_has(caller: Authority<'_>, given: &[Permission]) -> Result<(), Forbidden> {
    let beyond = given.iter().find(|permission| has(caller, **permission).is_none());
    beyond.map_or(Ok(()), |permission| Err(Forbidden::GivesMoreThanItHas(*permission)))
}

fn covers(caller: Authority<'_>, scope: Scope) -> Result<(), Forbidden> {
    let covered = caller.token_scopes.is_none_or(|scopes| scopes.contains(scope));
    if covered { Ok(()) } else { Err(Forbidden::LacksScope(scope)) }
}

fn has(caller: Authority<'_>, permission: Permission) -> Option<()> {
    let wanted = [permission, Permission::Administrator];
    caller.permissions.iter().any(|own| wanted.contains(own)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(permissions: &[Permission], scope: Option<Scope>) -> Authority<'_> {
        Authority { user: UserId::new(1), permissions, token_scopes: scope.map(Into::into) }
    }

    #[test]
    fn any_user_manages_applications_but_not_with_a_token_for_data() {
        assert_eq!(may_manage_applications(caller(&[], None)), Ok(()));
        assert_eq!(may_manage_applications(caller(&[], Some(Scope::Management))), Ok(()));
        let refused = may_manage_applications(caller(&[Permission::Administrator], Some(Scope::OData)));
        assert_eq!(refused, Err(Forbidden::LacksScope(Scope::Management)));
    }

    #[test]
    fn only_an_administrator_acts_for_another() {
        assert_eq!(may_act_for_another(caller(&[Permission::Administrator], None)), Ok(()));
        let refused = may_act_for_another(caller(&[Permission::OnBehalfOf, Permission::MgmtAPI], None));
        assert_eq!(refused, Err(Forbidden::LacksPermission(Permission::Administrator)));
    }

    #[test]
    fn an_administrator_has_every_permission() {
        for permission in Permission::ALL {
            assert_eq!(may_administer(caller(&[Permission::Administrator], None), *permission), Ok(()));
            assert_eq!(
                may_administer(caller(&[], None), *permission),
                Err(Forbidden::LacksPermission(*permission))
            );
        }
    }

    #[test]
    fn reading_data_needs_scope_and_permission() {
        let reader = [Permission::UseDataSourceWithOData];
        assert_eq!(may_read_data(caller(&reader, Some(Scope::OData))), Ok(()));
        assert_eq!(
            may_read_data(caller(&reader, Some(Scope::Management))),
            Err(Forbidden::LacksScope(Scope::OData))
        );
        let refused = may_read_data(caller(&[Permission::WebUI], None));
        assert_eq!(refused, Err(Forbidden::LacksPermission(Permission::UseDataSourceWithOData)));
    }

    #[test]
    fn nobody_gives_more_than_he_has() {
        let own = [Permission::CreateRole, Permission::WebUI];
        assert_eq!(gives_only_what_it_has(caller(&own, None), &[Permission::WebUI]), Ok(()));
        let refused =
            gives_only_what_it_has(caller(&own, None), &[Permission::WebUI, Permission::Administrator]);
        assert_eq!(refused, Err(Forbidden::GivesMoreThanItHas(Permission::Administrator)));
    }
}
