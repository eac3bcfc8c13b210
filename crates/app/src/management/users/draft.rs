//! The desired content of a user, and what can be wrong with it.

use domain::account::attributes::UserAttributes;
use domain::account::{User, password, user_name};
use domain::id::RoleId;
use domain::secret::Password;
use domain::time::Timestamp;

use crate::identity::profile::attribute_faults;
use crate::management::administration::FieldFault;

/// The desired content of a user. A member that is `None` takes its default for a new user, and keeps its
/// value for an existing one.
#[derive(Debug, Clone, Default)]
pub struct UserDraft {
    /// Required for a new user.
    pub name: Option<String>,
    /// Required for a new user; a new password revokes all access of the user, and all access that the user has granted.
    pub password: Option<Password>,
    /// Active for a new user; `Some(false)` revokes all access.
    pub active: Option<bool>,
    /// Until when the password is valid; forever for a new user.
    pub password_expiry: Option<Expiry>,
    /// Replaces all roles; a new user gets the role User.
    pub roles: Option<Vec<RoleId>>,
    /// Replaces all attributes.
    pub attributes: Option<UserAttributes>,
    /// `Some(false)` clears a lock; only failed sign-ins set one.
    pub locked: Option<bool>,
}

/// Until when a password is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Forever.
    Never,
    /// Until this time.
    At(Timestamp),
}

impl From<Expiry> for Option<Timestamp> {
    fn from(expiry: Expiry) -> Self {
        match expiry {
            Expiry::Never => None,
            Expiry::At(end) => Some(end),
        }
    }
}

impl UserDraft {
    /// All faults of a new user.
    pub fn faults_of_new(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.name.is_none() {
            faults.push(FieldFault::new("userName", "is required"));
        }
        if self.password.is_none() {
            faults.push(FieldFault::new("passwordInfo.password", "is required"));
        }
        faults.extend(self.faults_of(None));
        faults
    }

    /// All faults of a user who is invited: the person chooses the password.
    pub fn faults_of_invitation(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        if self.name.is_none() {
            faults.push(FieldFault::new("userName", "is required"));
        }
        if self.password.is_some() {
            let message = "cannot be given: the person who is invited chooses it";
            faults.push(FieldFault::new("passwordInfo.password", message));
        }
        if self.active == Some(false) {
            faults.push(FieldFault::new(
                "statusInfo.status",
                "must be 1: the invitation is of no use otherwise",
            ));
        }
        faults.extend(self.faults_of(None));
        faults
    }

    /// All faults of a change to `user`.
    pub fn faults_of_change(&self, user: &User, now: Timestamp) -> Vec<FieldFault> {
        self.faults_of(Some((user, now)))
    }

    fn faults_of(&self, user: Option<(&User, Timestamp)>) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        // A name that the user already has may stay, so that a user from an earlier version can still be
        // changed.
        let new_name = self.name.as_deref().filter(|name| user.is_none_or(|(user, _)| user.name != *name));
        if let Some(fault) = new_name.and_then(|name| user_name::check(name).err()) {
            faults.push(FieldFault::new("userName", fault.to_string()));
        }
        let name = self.name.as_deref().or(user.map(|(user, _)| user.name.as_str())).unwrap_or_default();
        if let Some(new) = &self.password
            && let Err(fault) = password::check(new.expose(), name)
        {
            faults.push(FieldFault::new("passwordInfo.password", format!("is not accepted: {fault}")));
        }
        faults.extend(self.attributes.iter().flat_map(attribute_faults));
        let is_locked = user.is_some_and(|(user, now)| user.lockout.is_locked(now));
        if self.locked == Some(true) && !is_locked {
            let message = "cannot be set: failures to sign in lock an account; `status` 0 switches it off";
            faults.push(FieldFault::new("statusInfo.accountLocked", message));
        }
        faults
    }

    /// The change in words, for the audit log.
    pub(super) fn in_words(&self) -> String {
        let changed = [
            ("password", self.password.is_some()),
            ("password expiry", self.password_expiry.is_some()),
            ("status active", self.active == Some(true)),
            ("status inactive", self.active == Some(false)),
            ("attributes", self.attributes.is_some()),
            ("not locked", self.locked == Some(false)),
        ];
        let mut words: Vec<String> =
            changed.iter().filter(|(_, given)| *given).map(|(word, _)| (*word).to_owned()).collect();
        if let Some(roles) = &self.roles {
            let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
            words.push(format!("roles {}", roles.join(" ")));
        }
        words.join(", ")
    }
}
