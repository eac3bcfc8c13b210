//! Users: creating, listing, changing and deleting them.
//!
//! A caller who may manage users without being an administrator is limited to their own permissions: they can
//! neither assign a role nor take over an account that has more.

use std::sync::Arc;

use domain::account::second_factor::SecondFactor;
use domain::account::{Permission, USER_ROLE, User, user_name};
use domain::audit::Action;
use domain::id::{RoleId, UserId};
use domain::secret::Password;
use store::{NewAttributes, Possessions, SecondFactorRefusal, UserChange, UserRefusal};

use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::{Administration, AdministrationError};
use crate::management::lists::{ListRequest, PageRange, Rows, read};
use crate::node::entity_cache::Entities;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use crate::{Context, Fault};

mod draft;
mod links;

pub use draft::{Expiry, UserDraft};
pub use links::{MadeLink, Sending};

/// What happens to the applications and data sources of a deleted user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PossessionsAction {
    /// A user who owns something is not deleted.
    #[default]
    Keep,
    /// They belong to the user with this name from then on.
    HandOver(String),
    /// They are deleted too, with every consent and grant of the applications.
    Delete,
}

impl PossessionsAction {
    /// The text for the audit log.
    fn in_words(&self) -> Option<String> {
        match self {
            Self::Keep => None,
            Self::HandOver(name) => Some(format!("what the user owned was handed over to {name}")),
            Self::Delete => Some("what the user owned was deleted too".to_owned()),
        }
    }
}

/// The requested part of the list of users.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserListRequest {
    /// Only users after this id.
    pub after: Option<UserId>,
    /// The maximum number of elements; `None` for all.
    pub limit: Option<u32>,
}

/// The number of users in one read.
const BATCH: u32 = 1_000;

/// User accounts.
#[derive(Clone)]
pub struct UserService {
    context: Arc<Context>,
}

service!(UserService);

impl UserService {
    /// Lists users by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`.
    pub async fn list(
        &self,
        caller: &Caller,
        request: UserListRequest,
        origin: &RequestOrigin,
    ) -> Result<Vec<User>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewUsers, origin).await?;
        let UserListRequest { mut after, limit } = request;
        if let Some(limit) = limit {
            return Ok(self.context.store.list_users(after, limit).await?);
        }
        let mut users = Vec::new();
        loop {
            let batch = self.context.store.list_users(after, BATCH).await?;
            let Some(last) = batch.last() else { return Ok(users) };
            after = Some(last.id);
            users.extend(batch);
        }
    }

    /// Lists users by id, page by page.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`.
    pub async fn rows(
        &self,
        caller: &Caller,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Result<Rows<User>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewUsers, origin).await?;
        Ok(Rows::new(
            &self.context,
            caller,
            vec![Permission::ViewUsers],
            request,
            origin,
            async |context: Arc<Context>, page: PageRange| {
                let after = page.after.map(UserId::new);
                let rows = match page.query.clone() {
                    Some(text) => context.store.search_users(after, page.rows, text).await,
                    None => context.store.list_users(after, page.rows).await,
                };
                Ok(page.chunk(read(rows)?, |user| user.id.get()))
            },
        ))
    }

    /// Finds a user by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`, [`AdministrationError::Unknown`].
    pub async fn find(
        &self,
        caller: &Caller,
        id: UserId,
        origin: &RequestOrigin,
    ) -> Result<User, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewUsers, origin).await?;
        self.context.store.find_user(id).await?.ok_or(AdministrationError::Unknown)
    }

    /// The user whom a caller is about to change.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ModifyUsers`, or if the user has permissions that the caller does not
    /// have; [`AdministrationError::Unknown`].
    pub async fn to_change(
        &self,
        caller: &Caller,
        id: UserId,
        origin: &RequestOrigin,
    ) -> Result<User, AdministrationError> {
        self.within_reach(caller, id, Permission::ModifyUsers, origin).await
    }

    /// Whether the caller may create users.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `CreateUsers`.
    pub async fn may_create(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::CreateUsers, origin).await
    }

    /// Creates a user.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Forbidden` also if a role has permissions that the caller does not have.
    pub async fn create(
        &self,
        caller: &Caller,
        draft: UserDraft,
        origin: &RequestOrigin,
    ) -> Result<User, AdministrationError> {
        self.may_create(caller, origin).await?;
        let faults = draft.faults_of_new();
        let (Some(password), true) = (draft.password.clone(), faults.is_empty()) else {
            return Err(AdministrationError::Invalid(faults));
        };
        let new = self.new_user(caller, draft, password, origin).await?;
        let mut audit = caller.audit(Action::CreateUser, self.context.now(), origin);
        audit.subject = Some(new.name.clone());
        let judged = self.context.store.insert_user(new, audit).await?;
        Administration::of(&self.context).settled(caller, judged, origin).await
    }

    /// The user of a draft without faults, with this password.
    async fn new_user(
        &self,
        caller: &Caller,
        draft: UserDraft,
        password: Password,
        origin: &RequestOrigin,
    ) -> Result<store::NewUser, AdministrationError> {
        let roles = draft.roles.unwrap_or_else(|| vec![USER_ROLE]);
        self.may_assign(caller, &roles, origin).await?;
        Ok(store::NewUser {
            name: user_name::normalised(draft.name.unwrap_or_default()),
            password: self.hashed(password).await?,
            active: draft.active.unwrap_or(true),
            password_expires_at: draft.password_expiry.and_then(Into::into),
            roles,
            attributes: draft.attributes.unwrap_or_default(),
            at: self.context.now(),
        })
    }

    /// Changes a user. A new password and deactivation revoke the user's sessions, grants and tokens; they
    /// are invalid when this returns.
    ///
    /// # Errors
    /// [`AdministrationError`]; nothing has changed then.
    pub async fn update(
        &self,
        caller: &Caller,
        id: UserId,
        draft: UserDraft,
        origin: &RequestOrigin,
    ) -> Result<User, AdministrationError> {
        let user = self.to_change(caller, id, origin).await?;
        let faults = draft.faults_of_change(&user, self.context.now());
        if !faults.is_empty() {
            return Err(AdministrationError::Invalid(faults));
        }
        if let Some(roles) = &draft.roles {
            self.may_assign(caller, roles, origin).await?;
        }
        let unlocks = draft.locked == Some(false) && user.lockout.is_locked(self.context.now());
        let action = if unlocks { Action::UnlockAccount } else { Action::UpdateUser };
        let mut audit = caller.audit(action, self.context.now(), origin);
        audit.subject = Some(user.name.clone());
        audit.account = Some(id);
        audit.detail = Some(draft.in_words());
        audit.note_new_name(&user.name, draft.name.clone().map(user_name::normalised).as_deref());
        let password = match draft.password {
            Some(password) => Some(self.hashed(password).await?),
            None => None,
        };
        let change = UserChange {
            name: draft.name.map(user_name::normalised),
            password,
            active: draft.active,
            password_expires_at: draft.password_expiry.map(Into::into),
            roles: draft.roles,
            attributes: draft.attributes.map(NewAttributes::Set),
            unlock: draft.locked == Some(false),
            at: self.context.now(),
            revocation_expires_at: revocations_expire_at(self.context.now()),
        };
        let judged = self.context.store.update_user(id, change, audit).await?;
        let (user, events) = Administration::of(&self.context).settled(caller, judged, origin).await?;
        Revocations::of(&self.context).apply(&events);
        self.drop_cached_users();
        Ok(user)
    }

    /// Deletes a user with sessions, consents and grants; the tokens are invalid when this returns. Only
    /// administrators, who may change what belongs to others, can hand over or delete the user's possessions.
    ///
    /// # Errors
    /// [`AdministrationError`]; `StillOwns` if the user owns applications or data sources and the request does not say
    /// what to do with them.
    pub async fn delete(
        &self,
        caller: &Caller,
        id: UserId,
        estate: PossessionsAction,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let user = self.within_reach(caller, id, Permission::DeleteUsers, origin).await?;
        if estate != PossessionsAction::Keep {
            Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await?;
        }
        let mut audit = caller.audit(Action::DeleteUser, self.context.now(), origin);
        audit.subject = Some(user.name);
        audit.detail = estate.in_words();
        let possessions = self.possessions(estate).await?;
        let judged = self
            .context
            .store
            .delete_user(id, possessions, revocations_expire_at(self.context.now()), audit)
            .await?;
        let deleted = Administration::of(&self.context).settled(caller, judged, origin).await?;
        Revocations::of(&self.context).apply(&deleted.ended);
        self.drop_cached_users();
        // The sharing of other users' data sources is deleted with the user.
        self.context.entities.forget_data_sources();
        for source in deleted.data_sources {
            self.context.models.close(source, &self.context.sources);
        }
        Ok(())
    }

    /// Finds the second factor of a user, if there is one.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`, [`AdministrationError::Unknown`].
    pub async fn second_factor(
        &self,
        caller: &Caller,
        id: UserId,
        origin: &RequestOrigin,
    ) -> Result<Option<SecondFactor>, AdministrationError> {
        self.find(caller, id, origin).await?;
        Ok(self.context.store.find_second_factor(id).await?)
    }

    /// Removes the second factor of a user who has lost it. Sessions and other access remain.
    ///
    /// # Errors
    /// As for [`UserService::to_change`]; [`AdministrationError::Unknown`] also if the user has none.
    pub async fn reset_second_factor(
        &self,
        caller: &Caller,
        id: UserId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let user = self.to_change(caller, id, origin).await?;
        let mut audit = caller.audit(Action::RemoveSecondFactor, self.context.now(), origin);
        audit.subject = Some(user.name);
        audit.account = Some(id);
        let judged = self.context.store.delete_second_factor(id, audit).await?;
        let judged = judged.map_err(|refusal| match refusal {
            SecondFactorRefusal::RightsChanged => UserRefusal::RightsChanged,
            SecondFactorRefusal::BeyondRights => UserRefusal::BeyondRights,
            SecondFactorRefusal::Unknown | SecondFactorRefusal::Exists => UserRefusal::Unknown,
        });
        Administration::of(&self.context).settled(caller, judged, origin).await?;
        self.drop_cached_users();
        Ok(())
    }

    async fn possessions(&self, estate: PossessionsAction) -> Result<Possessions, AdministrationError> {
        let name = match estate {
            PossessionsAction::Keep => return Ok(Possessions::Keep),
            PossessionsAction::Delete => return Ok(Possessions::Delete),
            PossessionsAction::HandOver(name) => name,
        };
        let heir = self.context.store.find_user_by_name(&name).await?;
        heir.map(|user| Possessions::HandOver(user.id)).ok_or_else(|| UserRefusal::UnknownHeir.into())
    }

    /// Finds a user by id, if the caller has the permission and all permissions of that user.
    async fn within_reach(
        &self,
        caller: &Caller,
        id: UserId,
        permission: Permission,
        origin: &RequestOrigin,
    ) -> Result<User, AdministrationError> {
        Administration::of(&self.context).demand(caller, permission, origin).await?;
        let user = self.context.store.find_user(id).await?.ok_or(AdministrationError::Unknown)?;
        let account = Entities::of(&self.context).with_permissions(user).await?;
        Administration::of(&self.context).demand_all(caller, &account.permissions, origin).await?;
        Ok(account.user)
    }

    /// Whether the caller has all permissions of these roles. The store refuses a role that does not exist.
    async fn may_assign(
        &self,
        caller: &Caller,
        roles: &[RoleId],
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        if caller.account().is_administrator() {
            return Ok(());
        }
        let all = self.context.store.list_roles().await?;
        let given: Vec<Permission> = all
            .iter()
            .filter(|role| roles.contains(&role.id))
            .flat_map(|role| role.permissions.iter().copied())
            .collect();
        Administration::of(&self.context).demand_all(caller, &given, origin).await
    }

    async fn hashed(&self, password: Password) -> Result<domain::secret::PasswordHash, Fault> {
        self.context.vault.hash_password(password).await.map_err(|_| Fault::Busy)
    }

    /// Drops the cached users, their verified passwords, and the applications, whose entries contain the
    /// names of their owners.
    fn drop_cached_users(&self) {
        self.context.entities.forget_users();
        self.context.entities.forget_applications();
        self.context.vault.forget_remembered_credentials();
    }
}
