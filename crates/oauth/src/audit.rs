//! The audit log: who did what, to which application, from where, and with what outcome.

use crate::account::{Authority, Permission};
use crate::id::{ApplicationId, AuditId, UserId};
use crate::time::Timestamp;

macro_rules! actions {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// What was done or refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "each name says it")]
        pub enum Action {
            $($name),+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name under which it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The action of that name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

actions! {
    Initialise = "system.initialise",
    TakeBackup = "system.backup",
    RestoreBackup = "system.restore",
    SignIn = "user.sign_in",
    SignOut = "user.sign_out",
    LockAccount = "user.lock",
    UnlockAccount = "user.unlock",
    CreateUser = "user.create",
    UpdateUser = "user.update",
    DeleteUser = "user.delete",
    ChangePassword = "user.change_password",
    CreateRole = "role.create",
    UpdateRole = "role.update",
    DeleteRole = "role.delete",
    SetLimit = "limit.set",
    ResetLimit = "limit.reset",
    TrustOrigin = "trusted_origin.create",
    UpdateTrustedOrigin = "trusted_origin.update",
    DeleteTrustedOrigin = "trusted_origin.delete",
    RegisterApplication = "application.register",
    UpdateApplication = "application.update",
    DeleteApplication = "application.delete",
    ResetSecret = "application.reset_secret",
    AddSecret = "application.add_secret",
    EndSecret = "application.end_secret",
    AuthenticateClient = "application.authenticate",
    AllowApplication = "consent.allow",
    DenyApplication = "consent.deny",
    RevokeAllowed = "consent.revoke",
    ReplayCode = "code.replay",
    ReplayRefreshToken = "refresh_token.replay",
    RefuseToken = "token.refuse",
    RevokeToken = "token.revoke",
    RevokeGrant = "grant.revoke",
    RefuseAccess = "access.refuse",
    CreateDataSource = "data_source.create",
    UpdateDataSource = "data_source.update",
    DeleteDataSource = "data_source.delete",
    ShareDataSource = "data_source.share",
    ReloadModel = "data_source.reload_model",
    RotateKeys = "keys.rotate",
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused; nothing changed.
    Refused,
}

impl Outcome {
    /// The name under which it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }
}

/// An event to be written in the same transaction as the act that it records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What was done or refused.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// Who did it, where that is known.
    pub actor: Option<UserId>,
    /// The name that was given, also where nobody has it; at most 128 characters.
    pub actor_name: Option<String>,
    /// Which application it concerns, where it concerns one.
    pub application: Option<ApplicationId>,
    /// What it was done to, in words or as an id; never a secret.
    pub subject: Option<String>,
    /// Why it was refused or what changed, in words; never a secret.
    pub detail: Option<String>,
    /// The caller's network address.
    pub address: Option<String>,
    /// The id under which the request stands in the logs.
    pub request_id: Option<String>,
    /// By what right it is done. A store does the act only while this holds; it is not written down.
    pub authority: Option<Box<Authority>>,
}

impl NewAuditEvent {
    /// Whether what belongs to `owner` is within reach of whoever does it; the server itself reaches everything.
    pub fn reaches(&self, owner: UserId) -> bool {
        self.authority.as_ref().is_none_or(|authority| authority.reaches(owner))
    }

    /// Whether whoever does it has all these permissions; the server itself has every one.
    pub fn covers(&self, permissions: &[Permission]) -> bool {
        self.authority.as_ref().is_none_or(|authority| authority.covers(permissions))
    }

    /// Notes a new name before whatever else changed: the subject is the name from before.
    pub fn note_new_name(&mut self, before: &str, after: Option<&str>) {
        let Some(after) = after.filter(|after| *after != before) else { return };
        let rest = self.detail.take().filter(|detail| !detail.is_empty());
        let rest = rest.map_or_else(String::new, |detail| format!("; {detail}"));
        self.detail = Some(format!("renamed to {after}{rest}"));
    }

    /// An event that names nobody and nothing yet.
    pub const fn new(action: Action, outcome: Outcome, at: Timestamp) -> Self {
        Self {
            at,
            action,
            outcome,
            actor: None,
            actor_name: None,
            application: None,
            subject: None,
            detail: None,
            address: None,
            request_id: None,
            authority: None,
        }
    }
}

/// An event as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its place in the log; grows with every event.
    pub id: AuditId,
    /// What was written.
    pub event: NewAuditEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_stands_before_what_else_changed() {
        let mut event = NewAuditEvent::new(Action::UpdateRole, Outcome::Success, Timestamp::from_secs(1));
        event.note_new_name("Auditor", Some("Auditor"));
        event.note_new_name("Auditor", None);
        assert_eq!(event.detail, None);
        event.note_new_name("Auditor", Some("Reader"));
        assert_eq!(event.detail.as_deref(), Some("renamed to Reader"));
        event.detail = Some("on behalf of ada".to_owned());
        event.note_new_name("Auditor", Some("Reader"));
        assert_eq!(event.detail.as_deref(), Some("renamed to Reader; on behalf of ada"));
    }
}
