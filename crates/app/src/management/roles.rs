//! Roles: named sets of permissions that add up.
//!
//! A caller who may manage roles without being an administrator is limited to their own permissions: a role
//! with more permissions is neither created nor changed.

use crate::Context;
use crate::Fault;
use crate::node::entity_cache::Account;
use std::sync::Arc;

use domain::account::role::{self, RoleFault};
use domain::account::{Permission, Role};
use domain::audit::Action;
use domain::id::RoleId;

use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::{Administration, AdministrationError, FieldFault};
use crate::management::lists::{ListRequest, PageRange, Rows, read};

/// The desired content of a role.
#[derive(Debug, Clone, Default)]
pub struct RoleDraft {
    /// Trimmed before it is checked.
    pub name: String,
    /// A description for people; may be empty.
    pub description: String,
    /// The numbers of permissions, in any order.
    pub permissions: Vec<i64>,
    /// Whether its users must have a second factor; `None` keeps what is.
    pub requires_second_factor: Option<bool>,
}

impl RoleDraft {
    /// All faults.
    pub fn faults(&self) -> Vec<FieldFault> {
        let texts = role::check_texts(self.name.trim(), &self.description).err();
        let permissions = role::permissions(&self.permissions).err();
        texts.into_iter().chain(permissions).map(fault).collect()
    }

    fn into_role(self, id: RoleId, requires: bool) -> Result<Role, AdministrationError> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(AdministrationError::Invalid(faults));
        }
        let invalid = |found: RoleFault| AdministrationError::Invalid(vec![fault(found)]);
        let permissions = role::permissions(&self.permissions).map_err(invalid)?;
        role::may_have(id, &permissions).map_err(invalid)?;
        Ok(Role {
            id,
            name: self.name.trim().to_owned(),
            description: self.description,
            permissions,
            requires_second_factor: self.requires_second_factor.unwrap_or(requires),
        })
    }
}

/// The faulty member, and the end of the sentence that starts with it.
fn fault(fault: RoleFault) -> FieldFault {
    match fault {
        RoleFault::AdministratorWithoutPermission | RoleFault::BuiltIn => {
            FieldFault::new("permissions", format!("is refused: {fault}"))
        }
        _ => {
            let sentence = fault.to_string();
            let (field, message) = sentence.split_once(' ').unwrap_or(("name", &sentence));
            FieldFault::new(field, message)
        }
    }
}

/// Roles and their permissions.
#[derive(Clone)]
pub struct RoleService {
    context: Arc<Context>,
}

service!(RoleService);

impl RoleService {
    /// The names of the user's roles, in their order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn names_of(&self, account: &Account) -> Result<Vec<String>, Fault> {
        let roles = self.context.store.list_roles().await?;
        Ok(roles
            .into_iter()
            .filter(|role| account.user.roles.contains(&role.id))
            .map(|role| role.name)
            .collect())
    }

    /// Lists every role, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewRole`.
    pub async fn list(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<Vec<Role>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewRole, origin).await?;
        Ok(self.context.store.list_roles().await?)
    }

    /// Lists roles by id, page by page.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewRole`.
    pub async fn rows(
        &self,
        caller: &Caller,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Result<Rows<Role>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewRole, origin).await?;
        Ok(Rows::new(
            &self.context,
            caller,
            vec![Permission::ViewRole],
            request,
            origin,
            async |context: Arc<Context>, page: PageRange| {
                let rows = read(context.store.page_of_roles(page.after.map(RoleId::new), page.rows).await)?;
                let chunk = page.chunk(rows, |role| role.id.get());
                Ok(chunk.searched(&page, |role: &Role| vec![&role.name, &role.description]))
            },
        ))
    }

    /// Finds a role by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewRole`, [`AdministrationError::Unknown`].
    pub async fn find(
        &self,
        caller: &Caller,
        id: RoleId,
        origin: &RequestOrigin,
    ) -> Result<Role, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewRole, origin).await?;
        self.role(id).await
    }

    /// Whether the caller may create roles.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `CreateRole`.
    pub async fn may_create(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::CreateRole, origin).await
    }

    /// The role that a caller is about to change.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ModifyRole`, or if the role has permissions that the caller does not
    /// have; [`AdministrationError::Unknown`].
    pub async fn to_change(
        &self,
        caller: &Caller,
        id: RoleId,
        origin: &RequestOrigin,
    ) -> Result<Role, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ModifyRole, origin).await?;
        let role = self.role(id).await?;
        Administration::of(&self.context).demand_all(caller, &role.permissions, origin).await?;
        Ok(role)
    }

    /// Creates a role.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Forbidden` also if it would have permissions that the caller does not have.
    pub async fn create(
        &self,
        caller: &Caller,
        draft: RoleDraft,
        origin: &RequestOrigin,
    ) -> Result<Role, AdministrationError> {
        self.may_create(caller, origin).await?;
        let role = draft.into_role(RoleId::new(0), false)?;
        Administration::of(&self.context).demand_all(caller, &role.permissions, origin).await?;
        let mut audit = caller.audit(Action::CreateRole, self.context.now(), origin);
        audit.subject = Some(role.name.clone());
        audit.detail = Some(in_words(&role));
        let judged = self.context.store.insert_role(role, audit).await?;
        Administration::of(&self.context).settled(caller, judged, origin).await
    }

    /// Replaces the content of a role. The change applies to its users from their next request on.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Forbidden` also if it has, or would have, permissions that the caller does not have.
    pub async fn update(
        &self,
        caller: &Caller,
        id: RoleId,
        draft: RoleDraft,
        origin: &RequestOrigin,
    ) -> Result<Role, AdministrationError> {
        let before = self.to_change(caller, id, origin).await?;
        let role = draft.into_role(id, before.requires_second_factor)?;
        Administration::of(&self.context).demand_all(caller, &role.permissions, origin).await?;
        let mut audit = caller.audit(Action::UpdateRole, self.context.now(), origin);
        audit.detail = Some(in_words(&role));
        audit.note_new_name(&before.name, Some(&role.name));
        audit.subject = Some(before.name);
        let judged = self.context.store.update_role(role, audit).await?;
        let role = Administration::of(&self.context).settled(caller, judged, origin).await?;
        self.context.entities.forget_users();
        Ok(role)
    }

    /// Deletes a role that nobody has.
    ///
    /// # Errors
    /// [`AdministrationError`]; `BuiltIn` for the two roles of every installation.
    pub async fn delete(
        &self,
        caller: &Caller,
        id: RoleId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::DeleteRole, origin).await?;
        let role = self.role(id).await?;
        Administration::of(&self.context).demand_all(caller, &role.permissions, origin).await?;
        role::may_be_deleted(id).map_err(|_| AdministrationError::BuiltIn)?;
        let mut audit = caller.audit(Action::DeleteRole, self.context.now(), origin);
        audit.subject = Some(role.name);
        let judged = self.context.store.delete_role(id, audit).await?;
        Administration::of(&self.context).settled(caller, judged, origin).await?;
        self.context.entities.forget_users();
        Ok(())
    }

    /// Lists every permission that a role may have.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewRole`.
    pub async fn permissions(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<&'static [Permission], AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewRole, origin).await?;
        Ok(Permission::ALL)
    }

    async fn role(&self, id: RoleId) -> Result<Role, AdministrationError> {
        self.context
            .store
            .list_roles()
            .await?
            .into_iter()
            .find(|role| role.id == id)
            .ok_or(AdministrationError::Unknown)
    }
}

fn in_words(role: &Role) -> String {
    let names: Vec<&str> = role.permissions.iter().map(|permission| permission.as_str()).collect();
    let demand = if role.requires_second_factor { "; its users need a second factor" } else { "" };
    format!("permissions: {}{demand}", names.join(", "))
}
