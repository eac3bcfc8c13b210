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

            /// The stored and displayed name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The action with that name, if any.
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
    NotifyLogout = "application.notify_logout",
    LockAccount = "user.lock",
    UnlockAccount = "user.unlock",
    CreateUser = "user.create",
    UpdateUser = "user.update",
    DeleteUser = "user.delete",
    ChangePassword = "user.change_password",
    AddSecondFactor = "second_factor.add",
    RemoveSecondFactor = "second_factor.remove",
    UseRecoveryCode = "second_factor.use_recovery_code",
    RenewRecoveryCodes = "second_factor.renew_recovery_codes",
    CreateOneTimeLink = "one_time_link.create",
    EndOneTimeLinks = "one_time_link.end",
    SendMail = "mail.send",
    TestMail = "mail.test",
    CreateRole = "role.create",
    UpdateRole = "role.update",
    DeleteRole = "role.delete",
    SetAllowLists = "allow_lists.set",
    DeleteAllowLists = "allow_lists.delete",
    SetLimit = "limit.set",
    ResetLimit = "limit.reset",
    TrustOrigin = "trusted_origin.create",
    UpdateTrustedOrigin = "trusted_origin.update",
    DeleteTrustedOrigin = "trusted_origin.delete",
    TrustIssuer = "trusted_issuer.create",
    UpdateTrustedIssuer = "trusted_issuer.update",
    DeleteTrustedIssuer = "trusted_issuer.delete",
    CreateResourceServer = "resource_server.create",
    UpdateResourceServer = "resource_server.update",
    DeleteResourceServer = "resource_server.delete",
    CreateScope = "scope.create",
    UpdateScope = "scope.update",
    DeleteScope = "scope.delete",
    RegisterApplication = "application.register",
    UpdateApplication = "application.update",
    DeleteApplication = "application.delete",
    ResetSecret = "application.reset_secret",
    AddSecret = "application.add_secret",
    EndSecret = "application.end_secret",
    CreateInitialAccessToken = "initial_access_token.create",
    DeleteInitialAccessToken = "initial_access_token.delete",
    CreatePersonalAccessToken = "personal_access_token.create",
    EndPersonalAccessToken = "personal_access_token.end",
    AuthenticateClient = "application.authenticate",
    AllowApplication = "consent.allow",
    DenyApplication = "consent.deny",
    RevokeAllowed = "consent.revoke",
    ReplayCode = "code.replay",
    ReplayRefreshToken = "refresh_token.replay",
    AcceptAssertion = "assertion.accept",
    RefuseToken = "token.refuse",
    ExchangeToken = "token.exchange",
    RevokeToken = "token.revoke",
    RevokeGrant = "grant.revoke",
    RefuseAccess = "access.refuse",
    RevokeAccess = "access.revoke",
    CreateDataSource = "data_source.create",
    UpdateDataSource = "data_source.update",
    DeleteDataSource = "data_source.delete",
    ShareDataSource = "data_source.share",
    StoreCredentials = "data_source.store_credentials",
    DeleteCredentials = "data_source.delete_credentials",
    ReloadModel = "data_source.reload_model",
    UpdateModel = "data_source.update_model",
    DeleteModel = "data_source.delete_model",
    TestDataSource = "data_source.test",
    CallTool = "mcp.call_tool",
    ChangeData = "data.change",
    ReadData = "data.read",
    RotateKeys = "keys.rotate",
    RotateSigningKeys = "signing_keys.rotate",
    RetireSigningKeys = "signing_keys.retire",
}

impl Action {
    /// Whether it is about the account of a user: who signs in to it, what protects it, and what has access in its name.
    /// Users see these events of their own account.
    pub const fn concerns_an_account(self) -> bool {
        matches!(
            self,
            Self::SignIn
                | Self::SignOut
                | Self::LockAccount
                | Self::UnlockAccount
                | Self::UpdateUser
                | Self::ChangePassword
                | Self::AddSecondFactor
                | Self::RemoveSecondFactor
                | Self::UseRecoveryCode
                | Self::RenewRecoveryCodes
                | Self::CreateOneTimeLink
                | Self::EndOneTimeLinks
                | Self::CreatePersonalAccessToken
                | Self::EndPersonalAccessToken
                | Self::AllowApplication
                | Self::DenyApplication
                | Self::RevokeAllowed
                | Self::ReplayCode
                | Self::ReplayRefreshToken
                | Self::RevokeGrant
                | Self::StoreCredentials
                | Self::DeleteCredentials
        )
    }
}

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused; nothing changed.
    Refused,
    /// A database of a data source was asked to do it, and did not say whether it has; or it has begun, and did not end.
    Unknown,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Success, Self::Refused, Self::Unknown];

    /// The stored and displayed name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// An event to be written in the same transaction as the operation that it records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEvent {
    /// The time of the event.
    pub at: Timestamp,
    /// What was done or refused.
    pub action: Action,
    /// The outcome.
    pub outcome: Outcome,
    /// The user who did it, if known.
    pub actor: Option<UserId>,
    /// The name in the request, even if nobody has it; at most 128 characters.
    pub actor_name: Option<String>,
    /// The user whose account it concerns, if that is not the actor. Stored to find events; those that are read do not
    /// have it.
    pub account: Option<UserId>,
    /// The application that it concerns, if any.
    pub application: Option<ApplicationId>,
    /// The subject, in words or as an id; never a secret.
    pub subject: Option<String>,
    /// Why it was refused or what changed, in words; never a secret.
    pub detail: Option<String>,
    /// The caller's network address.
    pub address: Option<String>,
    /// The id of the request in the logs.
    pub request_id: Option<String>,
    /// The rights on which the decision rests. A store performs the operation only while they hold; they are
    /// not written.
    pub authority: Option<Box<Authority>>,
}

impl NewAuditEvent {
    /// Whether the caller may change what belongs to `owner`; the server itself may change everything.
    pub fn reaches(&self, owner: UserId) -> bool {
        self.authority.as_ref().is_none_or(|authority| authority.reaches(owner))
    }

    /// Whether the caller acts on behalf of another user without being an Administrator.
    pub fn is_by_deputy(&self) -> bool {
        self.authority.as_ref().is_some_and(|authority| authority.is_of_deputy())
    }

    /// Whether the caller has all of these permissions; the server itself has every one.
    pub fn covers(&self, permissions: &[Permission]) -> bool {
        self.authority.as_ref().is_none_or(|authority| authority.covers(permissions))
    }

    /// The user whose account it concerns, if its action is about an account.
    pub fn concerned_account(&self) -> Option<UserId> {
        self.account.or(self.actor).filter(|_| self.action.concerns_an_account())
    }

    /// Records a new name before all other changes. The subject is the old name.
    pub fn note_new_name(&mut self, before: &str, after: Option<&str>) {
        let Some(after) = after.filter(|after| *after != before) else { return };
        let rest = self.detail.take().filter(|detail| !detail.is_empty());
        let rest = rest.map_or_else(String::new, |detail| format!("; {detail}"));
        self.detail = Some(format!("renamed to {after}{rest}"));
    }

    /// Says what happened, before what is said already of how it came about.
    pub fn describe(&mut self, what: String) {
        self.detail = Some(match self.detail.take() {
            Some(how) => format!("{what}; {how}"),
            None => what,
        });
    }

    /// An event without an actor, an application or a subject.
    pub const fn new(action: Action, outcome: Outcome, at: Timestamp) -> Self {
        Self {
            at,
            action,
            outcome,
            actor: None,
            actor_name: None,
            account: None,
            application: None,
            subject: None,
            detail: None,
            address: None,
            request_id: None,
            authority: None,
        }
    }
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its position in the log; grows with every event.
    pub id: AuditId,
    /// The content.
    pub event: NewAuditEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_concerns_the_account_of_its_actor_or_of_whom_it_names() {
        let of = |action, account| NewAuditEvent {
            actor: Some(UserId::new(1)),
            account,
            ..NewAuditEvent::new(action, Outcome::Success, Timestamp::from_secs(1))
        };
        let other = Some(UserId::new(2));
        assert_eq!(of(Action::SignIn, None).concerned_account(), Some(UserId::new(1)));
        assert_eq!(of(Action::UpdateUser, other).concerned_account(), other);
        assert_eq!(of(Action::ReadData, None).concerned_account(), None);
        assert_eq!(of(Action::CreateRole, other).concerned_account(), None);
    }

    #[test]
    fn a_new_name_comes_before_other_changes() {
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
