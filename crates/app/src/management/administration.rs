//! Shared parts of the administrative use cases: who may do what, and why not.

use domain::account::Permission;
use store::{Judged, MOST_MAILS, MOST_POSSESSIONS, Owned, RightsChanged, StoreError, UserRefusal};

use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::{Context, Fault};

pub use crate::field_fault::FieldFault;

/// Why an operation on users, roles, limits or the audit log was refused.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// The caller lacks the permission, or would give somebody more permissions than their own.
    #[error("the caller lacks the permission")]
    Forbidden,
    /// No entry has that id.
    #[error("no entry has that id")]
    Unknown,
    /// The input breaks rules; all faults are listed.
    #[error("the input breaks rules")]
    Invalid(Vec<FieldFault>),
    /// Another entry has that name.
    #[error("the name is taken")]
    NameTaken,
    /// No active Administrator would remain.
    #[error("no active Administrator would remain")]
    LastAdministrator,
    /// Users still have the role.
    #[error("users still have the role")]
    StillInUse,
    /// The user owns applications or data sources.
    #[error("the user owns {}", in_words(.0))]
    StillOwns(Owned),
    /// The user owns more than can be deleted at once.
    #[error(
        "the user owns more than {MOST_POSSESSIONS} applications and data sources; hand them over instead"
    )]
    OwnsTooMuch,
    /// The caller's rights changed between the decision and the write.
    #[error("the rights of the caller have changed meanwhile")]
    RightsChanged,
    /// It is built in: only the description of a built-in scope may change.
    #[error("it is built in; only the description of a built-in scope may change")]
    BuiltInScope,
    /// No more can be added; the text says why.
    #[error("{0}")]
    Full(String),
    /// The resource server still has scopes.
    #[error("the resource server still has {}; delete them first", counted(*.0, "scope"))]
    StillHasScopes(u64),
    /// Applications are registered for the scope.
    #[error("{} registered for the scope; take it from them first", registered(*.0))]
    StillRegistered(u64),
    /// Other scopes imply the scope.
    #[error("it is implied by {}; change that first", counted(*.0, "other scope"))]
    StillImplied(u64),
    /// The role is built in.
    #[error("the role is built in")]
    BuiltIn,
    /// The server failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for AdministrationError {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<UserRefusal> for AdministrationError {
    fn from(refusal: UserRefusal) -> Self {
        match refusal {
            UserRefusal::Unknown => Self::Unknown,
            UserRefusal::NameTaken => Self::NameTaken,
            UserRefusal::LastAdministrator => Self::LastAdministrator,
            UserRefusal::UnknownRole => {
                Self::Invalid(vec![FieldFault::new("permissions.roles", "names a role that does not exist")])
            }
            UserRefusal::RoleInUse => Self::StillInUse,
            UserRefusal::StillOwns(owned) => Self::StillOwns(owned),
            UserRefusal::OwnsTooMuch => Self::OwnsTooMuch,
            UserRefusal::UnknownHeir => {
                Self::Invalid(vec![FieldFault::new("transferTo", "must name another active user")])
            }
            UserRefusal::TooManyMails => {
                Self::Full(format!("{MOST_MAILS} mails wait already; look into the log of the server"))
            }
            UserRefusal::HeirLacks(permissions) => {
                let names: Vec<&str> = permissions.iter().map(|permission| permission.as_str()).collect();
                let message = format!(
                    "names a user without the permissions that the transfer needs: {}; assign a role with them first",
                    names.join(", ")
                );
                Self::Invalid(vec![FieldFault::new("transferTo", message)])
            }
            UserRefusal::RightsChanged => Self::RightsChanged,
            UserRefusal::BeyondRights => Self::Forbidden,
        }
    }
}

impl From<RightsChanged> for AdministrationError {
    fn from(_: RightsChanged) -> Self {
        Self::RightsChanged
    }
}

fn counted(count: u64, kind: &str) -> String {
    if count == 1 { format!("1 {kind}") } else { format!("{count} {kind}s") }
}

fn registered(count: u64) -> String {
    format!("{} {}", counted(count, "application"), if count == 1 { "is" } else { "are" })
}

/// The possessions of a user in words: their number, and the first names.
fn in_words(owned: &Owned) -> String {
    let kinds = [
        (owned.applications, "application", &owned.application_names),
        (owned.data_sources, "data source", &owned.data_source_names),
    ];
    let kinds = kinds.into_iter().filter(|(count, ..)| *count > 0).map(|(count, kind, names)| {
        let plural = if count == 1 { "" } else { "s" };
        let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        let more = if names.len() < count as usize { ", …" } else { "" };
        format!("{count} {kind}{plural} ({}{more})", names.join(", "))
    });
    kinds.collect::<Vec<_>>().join(" and ")
}

/// Demands permissions of the callers of administrative use cases.
#[derive(Clone, Copy)]
pub(crate) struct Administration<'a> {
    refusals: Refusals<'a>,
}

impl<'a> Administration<'a> {
    pub(crate) const fn of(context: &'a Context) -> Self {
        Self { refusals: Refusals::of(context) }
    }

    /// Converts the store's result about users and roles; an operation beyond the caller's rights is audited.
    pub(crate) async fn settled<T>(
        self,
        caller: &Caller,
        judged: Judged<T, UserRefusal>,
        origin: &RequestOrigin,
    ) -> Result<T, AdministrationError> {
        if matches!(judged, Err(UserRefusal::BeyondRights)) {
            self.refusals.note(caller, "would reach beyond its own permissions", origin).await?;
        }
        Ok(self.refusals.judged(caller, judged, origin).await?)
    }

    /// Requires a permission; its absence is audited.
    pub(crate) async fn demand(
        self,
        caller: &Caller,
        permission: Permission,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        if caller.may(permission) {
            return Ok(());
        }
        self.refuse_access(caller, format!("lacks {}", permission.as_str()), origin).await
    }

    /// Requires all of these permissions: nobody can give away or take over permissions that they do not
    /// have.
    pub(crate) async fn demand_all(
        self,
        caller: &Caller,
        permissions: &[Permission],
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        match permissions.iter().find(|permission| !caller.may(**permission)) {
            None => Ok(()),
            Some(missing) => {
                let why = format!("would reach beyond its own permissions: {}", missing.as_str());
                self.refuse_access(caller, why, origin).await
            }
        }
    }

    async fn refuse_access(
        self,
        caller: &Caller,
        why: String,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        self.refusals.note(caller, &why, origin).await?;
        Err(AdministrationError::Forbidden)
    }
}
