//! The rules that only the database can check. A backend loads the facts inside the transaction of the write;
//! the decision is made here, once for all backends, and nothing here reads or writes.

use domain::account::data_source::{GroupMember, MOST_MEMBERS};
use domain::account::one_time_link::LinkPurpose;
use domain::account::{DataSource, Permission, Role, StoredOptions, User, role};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{RoleId, SecretId, TrustedOriginId, UserId};
use domain::limit::Limit;
use domain::time::Timestamp;
use oauth::application::{Application, ApplicationSettings, ClientType, GrantType, StoredSecret};
use oauth::cors::{MOST_TRUSTED, NewTrustedOrigin, TrustedOrigin};
use oauth::scope::{BuiltInScope, ScopeSet};

use crate::{
    ApplicationRefusal, DataSourceChange, DataSourceRefusal, MembersChange, NewSecret, Sharing,
    TrustedOriginRefusal, UserRefusal,
};

pub mod deputies;
pub mod scopes;
pub mod trusted_issuers;

/// The maximum number of live secrets of an application.
const MOST_LIVE_SECRETS: usize = 2;

/// The caller may create, change or delete something that carries these permissions. `hold` says whether the
/// rights on which the decision rests are still the caller's.
///
/// # Errors
/// [`UserRefusal::RightsChanged`] or [`UserRefusal::BeyondRights`].
pub fn rights_cover(hold: bool, event: &NewAuditEvent, carried: &[Permission]) -> Result<(), UserRefusal> {
    if !hold {
        return Err(UserRefusal::RightsChanged);
    }
    if event.covers(carried) { Ok(()) } else { Err(UserRefusal::BeyondRights) }
}

/// Whether somebody with the permissions `has` may hand over, with a link for this purpose, an account with the permissions
/// `needed`; an Administrator may hand over every account.
pub fn maker_may_hand_over(purpose: LinkPurpose, has: &[Permission], needed: &[Permission]) -> bool {
    let may_make = has.contains(&Permission::ModifyUsers)
        || (purpose == LinkPurpose::Invitation && has.contains(&Permission::CreateUsers));
    has.contains(&Permission::Administrator)
        || (may_make && needed.iter().all(|permission| has.contains(permission)))
}

/// Whether a user with these permissions may choose a new password without anybody's help.
pub fn may_choose_a_password(has: &[Permission]) -> bool {
    has.contains(&Permission::Administrator) || has.contains(&Permission::ChangePassword)
}

/// Whether a token of an application with these scopes, if it still exists, may still use the management API.
pub fn may_still_manage(scopes: Option<ScopeSet>) -> bool {
    scopes.is_some_and(|scopes| scopes.contains(BuiltInScope::Management))
}

/// Which active Administrators there are, apart from a role that loses the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrators {
    /// Whether one has the permission from another role.
    pub through_other_roles: bool,
    /// Whether there is one at all.
    pub any: bool,
}

/// An active Administrator remains after the role was changed to this one. A database that has none yet
/// passes.
///
/// # Errors
/// [`UserRefusal::LastAdministrator`].
pub fn role_leaves_an_administrator(role: &Role, now: Administrators) -> Result<(), UserRefusal> {
    let gives_it = role.permissions.contains(&Permission::Administrator);
    let remains = gives_it || now.through_other_roles || !now.any;
    if role::may_have(role.id, &role.permissions).is_ok() && remains {
        Ok(())
    } else {
        Err(UserRefusal::LastAdministrator)
    }
}

/// The role is not built in, and nobody has it.
///
/// # Errors
/// [`UserRefusal::RoleInUse`].
pub fn role_may_be_deleted(id: RoleId, is_used: bool) -> Result<(), UserRefusal> {
    if role::may_be_deleted(id).is_err() || is_used { Err(UserRefusal::RoleInUse) } else { Ok(()) }
}

/// What a change to a user, or the deletion of the user, does to the Administrators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdministratorChange {
    /// Whether the user's roles make the user an Administrator before the change.
    pub was: bool,
    /// Whether the user is an active Administrator after the change.
    pub stays: bool,
    /// Whether another active user is an Administrator.
    pub another: bool,
}

/// An active Administrator remains after the change to the user, or after the deletion.
///
/// # Errors
/// [`UserRefusal::LastAdministrator`].
pub fn user_leaves_an_administrator(before: &User, change: AdministratorChange) -> Result<(), UserRefusal> {
    let loses_one = before.active && change.was && !change.stays;
    if loses_one && !change.another { Err(UserRefusal::LastAdministrator) } else { Ok(()) }
}

/// The stored options are those on which the decision rests.
///
/// # Errors
/// [`DataSourceRefusal::OptionsChanged`].
pub fn options_are_those_judged(
    change: &DataSourceChange,
    stored: &StoredOptions,
) -> Result<(), DataSourceRefusal> {
    match &change.judged_for {
        Some(judged) if judged != stored => Err(DataSourceRefusal::OptionsChanged),
        _ => Ok(()),
    }
}

/// The members that a group has after a change.
///
/// # Errors
/// [`DataSourceRefusal`] if it is no group, if there are too many, or if a name could be that of an entity set of two of them.
pub fn members_after(
    group: &DataSource,
    change: &MembersChange,
) -> Result<Vec<GroupMember>, DataSourceRefusal> {
    if !group.is_group() {
        return Err(DataSourceRefusal::NoGroup);
    }
    let members = match change {
        MembersChange::With(members) => members.clone(),
        MembersChange::Also(more) => {
            let is_replaced = |member: &&GroupMember| more.iter().any(|new| new.source == member.source);
            group.members.iter().filter(|member| !is_replaced(member)).chain(more).cloned().collect()
        }
    };
    if members.len() > MOST_MEMBERS {
        return Err(DataSourceRefusal::TooManyMembers);
    }
    for (at, member) in members.iter().enumerate() {
        let clashes = |other: &GroupMember| other.source == member.source || other.clashes_with(member);
        if members[..at].iter().any(clashes) {
            return Err(DataSourceRefusal::MemberClash(member.source));
        }
    }
    Ok(members)
}

impl Sharing {
    /// The users with whom it shares; each must exist.
    pub fn added(&self) -> &[UserId] {
        match self {
            Self::With(users) | Self::Also(users) => users,
            Self::Without(_) => &[],
        }
    }

    /// The users to be stored in the list; the owner is never in it.
    pub fn added_besides(&self, owner: UserId) -> impl Iterator<Item = UserId> {
        self.added().iter().copied().filter(move |user| *user != owner)
    }
}

/// The application has secrets.
///
/// # Errors
/// [`ApplicationRefusal::Public`].
pub fn is_confidential(application: &Application) -> Result<(), ApplicationRefusal> {
    match application.settings.client_type {
        ClientType::Public => Err(ApplicationRefusal::Public),
        ClientType::Confidential => Ok(()),
    }
}

/// What an update does to the secrets of an application.
#[derive(Debug)]
pub enum SecretsAfter<'a> {
    /// They stay as they are.
    Same,
    /// They are deleted.
    Deleted,
    /// The server can no longer read them.
    Unreadable,
    /// This one replaces them.
    ReplacedBy(&'a NewSecret),
}

/// A public application has no secrets. One whose secrets verify its assertions needs one that the server can read,
/// which is the fresh one if the newest is not; and nothing stays readable that need not be.
pub fn secrets_after<'a>(
    before: &Application,
    settings: &ApplicationSettings,
    fresh: Option<&'a NewSecret>,
    now: Timestamp,
) -> SecretsAfter<'a> {
    if settings.client_type == ClientType::Public {
        return SecretsAfter::Deleted;
    }
    let Some(fresh) = fresh else { return SecretsAfter::Same };
    let is_readable = |secret: &StoredSecret| secret.sealed.is_some();
    match fresh.sealed.stored_for(settings) {
        None if before.secrets.iter().any(is_readable) => SecretsAfter::Unreadable,
        Some(_)
            if settings.client_metadata.authentication.needs_readable_secret()
                && !before.live_secrets(now).next_back().is_some_and(is_readable) =>
        {
            SecretsAfter::ReplacedBy(fresh)
        }
        _ => SecretsAfter::Same,
    }
}

/// The caller may provide the credentials of an application with these settings. One with the grant type
/// `client_credentials` acts as its owner: its credentials would give somebody who only acts on behalf of the owner all
/// rights of the owner, for as long as the owner has them.
///
/// # Errors
/// [`ApplicationRefusal::ActsAsOwner`].
pub fn credentials_may_be_provided(
    event: &NewAuditEvent,
    settings: &ApplicationSettings,
) -> Result<(), ApplicationRefusal> {
    if event.is_by_deputy() && settings.grant_types.contains(&GrantType::ClientCredentials) {
        return Err(ApplicationRefusal::ActsAsOwner);
    }
    Ok(())
}

/// Like [`credentials_may_be_provided`], for settings that replace others: whatever does not concern the credentials may
/// be changed.
///
/// # Errors
/// [`ApplicationRefusal::ActsAsOwner`].
pub fn credentials_may_change(
    event: &NewAuditEvent,
    before: &ApplicationSettings,
    settings: &ApplicationSettings,
) -> Result<(), ApplicationRefusal> {
    let facts = |settings: &ApplicationSettings| {
        let acts_as_owner = settings.grant_types.contains(&GrantType::ClientCredentials);
        (acts_as_owner, settings.client_type, settings.client_metadata.authentication.clone())
    };
    if facts(before) == facts(settings) { Ok(()) } else { credentials_may_be_provided(event, settings) }
}

/// The application may have one more live secret.
///
/// # Errors
/// [`ApplicationRefusal::TwoLiveSecrets`].
pub fn a_secret_may_be_added(application: &Application, now: Timestamp) -> Result<(), ApplicationRefusal> {
    if application.live_secrets(now).count() < MOST_LIVE_SECRETS {
        Ok(())
    } else {
        Err(ApplicationRefusal::TwoLiveSecrets)
    }
}

/// The live secret that remains when this one is revoked.
///
/// # Errors
/// [`ApplicationRefusal::UnknownSecret`] or [`ApplicationRefusal::LastSecret`].
pub fn remaining_secret(
    application: &Application,
    revoked: SecretId,
    now: Timestamp,
) -> Result<SecretId, ApplicationRefusal> {
    if !application.live_secrets(now).any(|live| live.id == revoked) {
        return Err(ApplicationRefusal::UnknownSecret);
    }
    let other = application.live_secrets(now).find(|live| live.id != revoked);
    other.map(|live| live.id).ok_or(ApplicationRefusal::LastSecret)
}

/// The list of trusted origins has room for these. `listed` is the number of entries.
///
/// # Errors
/// [`TrustedOriginRefusal::Full`].
pub fn list_has_room(listed: u32, new: &[NewTrustedOrigin]) -> Result<(), TrustedOriginRefusal> {
    let all = usize::try_from(listed).unwrap_or(usize::MAX).saturating_add(new.len());
    if all > MOST_TRUSTED { Err(TrustedOriginRefusal::Full) } else { Ok(()) }
}

/// No new entry names a domain that the list, or an earlier one of the new entries, names. `listed` contains
/// those of their domains that are in the list.
///
/// # Errors
/// [`TrustedOriginRefusal::Listed`] with the index of the first entry that repeats another.
pub fn entries_are_new(new: &[NewTrustedOrigin], listed: &[String]) -> Result<(), TrustedOriginRefusal> {
    let repeats = |at: &usize| {
        let domain = &new[*at].domain;
        listed.contains(domain) || new[..*at].iter().any(|earlier| earlier.domain == *domain)
    };
    (0..new.len()).find(repeats).map_or(Ok(()), |at| Err(TrustedOriginRefusal::Listed(at)))
}

/// The entry of the list of trusted origins with this content.
pub fn trusted_origin(id: TrustedOriginId, new: &NewTrustedOrigin) -> TrustedOrigin {
    TrustedOrigin {
        id,
        domain: new.domain.clone(),
        description: new.description.clone(),
        modified_by: new.modified_by.clone(),
        modified_at: new.at,
    }
}

/// The event that records that a refused sign-in has locked the account.
pub fn lock_event(refused: &NewAuditEvent) -> NewAuditEvent {
    NewAuditEvent { action: Action::LockAccount, outcome: Outcome::Success, ..refused.clone() }
}

/// The limits of stored rows. A number that this version does not know was written by a newer node.
pub fn known_limits(stored: Vec<(i64, i64)>) -> Vec<(Limit, i64)> {
    stored.into_iter().filter_map(|(id, value)| Some((Limit::from_id(id)?, value))).collect()
}

#[cfg(test)]
mod tests;
