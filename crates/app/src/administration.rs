//! What the administrative use cases share: who may, and why not.

use oauth::account::Permission;
use store::{StoreError, UserRefusal};

use crate::caller::{Caller, Origin};
use crate::{App, Fault};

/// One fault of what was given. The message goes on where the name of the field ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// The member under its name on the wire, such as `passwordInfo.password`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

impl FieldFault {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why an act on users, roles, limits or the audit log was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The caller lacks the permission, or it would give somebody more than the caller has.
    #[error("the caller lacks the permission")]
    Forbidden,
    /// There is none of that id.
    #[error("there is nothing of that id")]
    Unknown,
    /// What was given breaks rules; every one is named.
    #[error("what was given breaks rules")]
    Invalid(Vec<FieldFault>),
    /// Another one has the name.
    #[error("the name is taken")]
    NameTaken,
    /// No active Administrator would remain.
    #[error("no active Administrator would remain")]
    LastAdministrator,
    /// Users have the role, or the user owns applications or data sources.
    #[error("something still depends on it")]
    StillInUse,
    /// The role is built in.
    #[error("the role is built in")]
    BuiltIn,
    /// The server is at fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<UserRefusal> for Refused {
    fn from(refusal: UserRefusal) -> Self {
        match refusal {
            UserRefusal::Unknown => Self::Unknown,
            UserRefusal::NameTaken => Self::NameTaken,
            UserRefusal::LastAdministrator => Self::LastAdministrator,
            UserRefusal::UnknownRole => {
                Self::Invalid(vec![FieldFault::new("permissions.roles", "names a role that does not exist")])
            }
            UserRefusal::RoleInUse | UserRefusal::StillOwns => Self::StillInUse,
            // Somebody else changes the user at the same time: asked again, it is judged again.
            UserRefusal::RolesChanged => Self::Fault(Fault::Busy),
        }
    }
}

impl App {
    /// Goes on only with the permission; that it was missing is audited.
    pub(crate) async fn demand(
        &self,
        caller: &Caller,
        permission: Permission,
        origin: &Origin,
    ) -> Result<(), Refused> {
        if caller.may(permission) {
            return Ok(());
        }
        self.refuse_access(caller, format!("lacks {}", permission.as_str()), origin).await
    }

    /// Goes on only when the caller has all these permissions: what nobody but an administrator has, nobody else gives
    /// away or takes over.
    pub(crate) async fn demand_all(
        &self,
        caller: &Caller,
        permissions: &[Permission],
        origin: &Origin,
    ) -> Result<(), Refused> {
        match permissions.iter().find(|permission| !caller.may(**permission)) {
            None => Ok(()),
            Some(missing) => {
                let why = format!("would reach beyond its own permissions: {}", missing.as_str());
                self.refuse_access(caller, why, origin).await
            }
        }
    }

    async fn refuse_access(&self, caller: &Caller, why: String, origin: &Origin) -> Result<(), Refused> {
        self.note_refusal(caller, &why, origin).await?;
        Err(Refused::Forbidden)
    }
}
