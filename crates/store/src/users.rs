//! Users, their roles and their sessions.

use domain::account::attributes::UserAttributes;
use domain::account::device::SessionOrigin;
use domain::account::network::Network;
use domain::account::{Lockout, Permission, Role, Session, User};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, DataSourceId, Epoch, RoleId, SessionId, UserId};
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use oauth::revocation::Revocation;

use crate::{Answer, Judged};

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name as given; at most 128 characters, no colon.
    pub name: String,
    /// The hash of the password.
    pub password: PasswordHash,
    /// Whether the user may sign in.
    pub active: bool,
    /// `None` if the password never expires.
    pub password_expires_at: Option<Timestamp>,
    /// The roles; each must exist.
    pub roles: Vec<RoleId>,
    /// What is known about the person.
    pub attributes: UserAttributes,
    /// The time of the operation.
    pub at: Timestamp,
}

/// New attributes of a user.
#[derive(Debug, Clone)]
pub enum NewAttributes {
    /// An administrator sets all of them.
    Set(UserAttributes),
    /// The user edits them; nobody vouches for a mail address or a number that changes.
    Edited(UserAttributes),
}

/// The members of a user that an update changes; a member that is `None` keeps its value.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// A new name.
    pub name: Option<String>,
    /// A new password ends the user's access.
    pub password: Option<PasswordHash>,
    /// `Some(false)` ends the user's access.
    pub active: Option<bool>,
    /// `Some(None)` means that the password no longer expires.
    pub password_expires_at: Option<Option<Timestamp>>,
    /// Replaces all roles.
    pub roles: Option<Vec<RoleId>>,
    /// Replaces all attributes.
    pub attributes: Option<NewAttributes>,
    /// Clears a lock and the failures.
    pub unlock: bool,
    /// The time of the operation.
    pub at: Timestamp,
    /// When the longest-lived token that this may revoke has expired.
    pub revocation_expires_at: Timestamp,
}

impl UserChange {
    /// Whether the change revokes the user's access: sessions, consents, grants and tokens of the current
    /// epoch.
    pub fn ends_access_of(&self, before: &User) -> bool {
        self.password.is_some() || (before.active && self.active == Some(false))
    }

    /// The user after the change, except for the roles. All backends use this rule.
    pub fn applied_to(&self, before: &User) -> User {
        let mut after = before.clone();
        if let Some(name) = &self.name {
            after.name.clone_from(name);
        }
        if let Some(password) = &self.password {
            after.password = password.clone();
        }
        after.active = self.active.unwrap_or(before.active);
        after.password_expires_at = self.password_expires_at.unwrap_or(before.password_expires_at);
        if self.unlock {
            after.lockout = Lockout::default();
        }
        if self.ends_access_of(before) {
            after.epoch = Epoch::new(before.epoch.get() + 1);
        }
        match self.attributes.clone() {
            Some(NewAttributes::Set(new)) => after.attributes = Some(Box::new(new)),
            Some(NewAttributes::Edited(new)) => {
                let known = before.attributes.as_deref().cloned().unwrap_or_default();
                after.attributes = Some(Box::new(known.edited(new)));
            }
            None => {}
        }
        after.updated_at = self.at;
        after
    }
}

/// What happens to the applications and data sources of a deleted user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Possessions {
    /// A user who owns something is not deleted.
    Keep,
    /// They belong to this user from then on. A data source is no longer shared with its new owner.
    HandOver(UserId),
    /// They are deleted too, with every consent and grant of the applications; at most [`MOST_POSSESSIONS`]
    /// at once.
    Delete,
}

/// The maximum number of applications and data sources, together, that are deleted with their owner in one
/// transaction.
pub const MOST_POSSESSIONS: u32 = 1_000;

/// The maximum number of names of each kind in [`Owned`].
pub const MOST_NAMES: u32 = 10;

/// What a user owns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owned {
    /// The number of applications.
    pub applications: u32,
    /// The names of the first [`MOST_NAMES`] of them, by id.
    pub application_names: Vec<String>,
    /// The number of data sources.
    pub data_sources: u32,
    /// The names of the first [`MOST_NAMES`] of them, by id.
    pub data_source_names: Vec<String>,
}

impl Owned {
    /// Why a user who owns this cannot be deleted, if so. All backends use this rule.
    pub fn refusal(self, possessions: Possessions) -> Option<UserRefusal> {
        let all = self.applications.saturating_add(self.data_sources);
        match possessions {
            Possessions::Keep if all > 0 => Some(UserRefusal::StillOwns(self)),
            Possessions::Delete if all > MOST_POSSESSIONS => Some(UserRefusal::OwnsTooMuch),
            Possessions::Keep | Possessions::HandOver(_) | Possessions::Delete => None,
        }
    }

    /// Why this is not handed over to somebody who has these permissions, if it is so: one rule for every backend. An
    /// owner manages it through the management API, and sees and reads the data sources.
    pub fn refusal_of_heir(&self, has: &[Permission]) -> Option<UserRefusal> {
        let to_manage = (self.applications > 0 || self.data_sources > 0).then_some(Permission::MgmtAPI);
        let to_read = [Permission::ViewDataSource, Permission::UseDataSourceWithOData];
        let to_read = to_read.into_iter().filter(|_| self.data_sources > 0);
        let lacking: Vec<Permission> =
            to_read.chain(to_manage).filter(|permission| !has.contains(permission)).collect();
        let is_administrator = has.contains(&Permission::Administrator);
        (!is_administrator && !lacking.is_empty()).then_some(UserRefusal::HeirLacks(lacking))
    }
}

/// What was deleted together with a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedUser {
    /// The revocations that were appended.
    pub ended: Vec<Revocation>,
    /// The data sources that were deleted too.
    pub data_sources: Vec<DataSourceId>,
}

/// Why a change to a user or a role was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRefusal {
    /// No entry has that id.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// A user or a role has, or would get, permissions that the caller does not have.
    BeyondRights,
    /// Another user or role has the name.
    NameTaken,
    /// No active Administrator would remain.
    LastAdministrator,
    /// One of the named roles does not exist.
    UnknownRole,
    /// The role is built in, or users still have it.
    RoleInUse,
    /// The user still owns applications or data sources.
    StillOwns(Owned),
    /// The user owns more than can be deleted at once.
    OwnsTooMuch,
    /// The user to whom the possessions should be handed over does not exist, is inactive, or is the deleted user.
    UnknownHeir,
    /// Too many mails wait to be sent.
    TooManyMails,
    /// The new owner lacks these permissions, which the transfer needs.
    HeirLacks(Vec<Permission>),
}

/// A new password that a user chose after showing the current one.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// The user whose password changes.
    pub user: UserId,
    /// The user's epoch when the current password was verified; nothing changes if it has advanced.
    pub user_epoch: Epoch,
    /// The new password.
    pub password: PasswordHash,
    /// The digest of the secret half of the cookie of the session that replaces all others.
    pub session_digest: Digest,
    /// The name of that session for applications.
    pub session_sid: String,
    /// Whether the user showed a second factor in the session in which the password is changed.
    pub second_factor: bool,
    /// When that session expires: the first moment at which it is no longer valid.
    pub session_expires_at: Timestamp,
    /// From where the password is changed.
    pub session_origin: SessionOrigin,
    /// The network of the request, which stays familiar.
    pub network: Option<Network>,
    /// The time of the operation.
    pub at: Timestamp,
    /// When the longest-lived token that this may revoke has expired.
    pub revocation_expires_at: Timestamp,
}

impl PasswordChange {
    /// The session that replaces all others, in the epoch that starts with the change.
    pub fn session(&self, epoch: Epoch) -> NewSession {
        NewSession {
            user: self.user,
            user_epoch: epoch,
            digest: self.session_digest,
            auth_time: self.at,
            expires_at: self.session_expires_at,
            sid: self.session_sid.clone(),
            second_factor: self.second_factor,
            origin: self.session_origin.clone(),
            replaces: None,
        }
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who signed in.
    pub user: UserId,
    /// The user's epoch when the password was verified.
    pub user_epoch: Epoch,
    /// The digest of the secret half of the cookie.
    pub digest: Digest,
    /// When the user entered the password.
    pub auth_time: Timestamp,
    /// The first moment at which the session is no longer valid.
    pub expires_at: Timestamp,
    /// Its name for applications, random, unless it replaces a session of the same user, whose name it takes over.
    pub sid: String,
    /// Whether the user showed a second factor. Without it, no session is opened for a user who has one.
    pub second_factor: bool,
    /// From where the user signed in.
    pub origin: SessionOrigin,
    /// The previous session of the same browser; it ends when this one is opened.
    pub replaces: Option<ReplacedSession>,
}

/// A session as a cookie names it; it ends only if both the id and the digest match.
#[derive(Debug, Clone, Copy)]
pub struct ReplacedSession {
    /// The public half of the cookie.
    pub id: SessionId,
    /// The digest of the secret half of the cookie.
    pub digest: Digest,
    /// When the last token of a grant has expired that ends with the session.
    pub revocations_expire_at: Timestamp,
}

/// What ended with a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedSession {
    /// The applications that learned of it, as [`Users::list_session_applications`] lists them.
    pub informed: Vec<ApplicationId>,
    /// Those of its grants that had a refresh token without `offline_access`.
    pub revoked: Vec<Revocation>,
}

/// Which sessions of a user end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedSessions {
    /// This one.
    One(SessionId),
    /// All except for this one.
    AllBut(SessionId),
    /// All.
    All,
}

/// The maximum number of sessions of one user that are listed.
pub const MOST_SESSIONS: u32 = 1_000;

/// Users, their roles and their sessions.
pub trait Users {
    /// Finds a user by id.
    fn find_user(&self, id: UserId) -> Answer<'_, Option<User>>;
    /// Finds a user by name, ignoring case.
    fn find_user_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<User>>;
    /// Lists users by id, after `after`, at most `limit`.
    fn list_users(&self, after: Option<UserId>, limit: u32) -> Answer<'_, Vec<User>>;
    /// Lists users whose name contains the text, ignoring case, by id, after `after`, at most `limit`.
    fn search_users(&self, after: Option<UserId>, limit: u32, text: String) -> Answer<'_, Vec<User>>;
    /// Creates a user.
    fn insert_user(&self, new: NewUser, audit: NewAuditEvent) -> Answer<'_, Judged<User, UserRefusal>>;
    /// Changes a user. If the change revokes access, the epoch advances, the sessions end, and a revocation
    /// is appended; consents and grants of the earlier epoch become invalid.
    fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(User, Vec<Revocation>), UserRefusal>>;
    /// Deletes a user with sessions, consents and grants, and treats the user's applications and data sources
    /// as `possessions` says.
    fn delete_user(
        &self,
        id: UserId,
        possessions: Possessions,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DeletedUser, UserRefusal>>;
    /// Sets a password that the user chose. Revokes all access of the user, including sessions, and opens one
    /// session. Returns [`UserRefusal::Unknown`] if the epoch has advanced since the current password was
    /// verified, or if the user is inactive or was deleted.
    fn change_password(
        &self,
        change: PasswordChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Session, Vec<Revocation>), UserRefusal>>;
    /// Replaces a password hash that has old parameters, if the stored hash is still `old`. Revokes nothing.
    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()>;

    /// Lists every role, by id.
    fn list_roles(&self) -> Answer<'_, Vec<Role>>;
    /// Lists roles by id, after `after`, at most `limit`.
    fn page_of_roles(&self, after: Option<RoleId>, limit: u32) -> Answer<'_, Vec<Role>>;
    /// Creates a role; `role.id` is ignored.
    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Replaces the name, the description and the permissions of a role; an Administrator must remain.
    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Deletes a role that no user has and that is not built in.
    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>>;

    /// Opens a session, and ends the one that it replaces; `audit` is the sign-in event. Returns `None` if
    /// the user's epoch has advanced since the password was verified, or if the user is inactive or was
    /// deleted.
    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Option<Session>>;
    /// Finds a session by id, whether or not it is still valid.
    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>>;
    /// Lists the valid sessions of a user, newest first, at most `limit`, which is at most [`MOST_SESSIONS`].
    fn list_sessions(&self, user: UserId, now: Timestamp, limit: u32) -> Answer<'_, Vec<Session>>;
    /// Ends sessions of a user, with their grants that have a refresh token without `offline_access`, while the rights on
    /// which the decision rests hold. Returns how many have ended, and the revocations that were appended; with none, no
    /// event is written. [`UserRefusal::Unknown`] if the user has not the one session that is named.
    fn end_sessions(
        &self,
        user: UserId,
        which: EndedSessions,
        revocations_expire_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(usize, Vec<Revocation>), UserRefusal>>;
    /// Records that an application learned of a session; does nothing if the session has ended.
    fn note_session_application(&self, session: SessionId, application: ApplicationId) -> Answer<'_, ()>;
    /// Lists the applications that learned of a session, by id, at most [`MOST_SESSIONS`].
    fn list_session_applications(&self, session: SessionId) -> Answer<'_, Vec<ApplicationId>>;
    /// Ends a session, with its grants that have a refresh token without `offline_access`.
    fn delete_session(
        &self,
        id: SessionId,
        revocations_expire_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, EndedSession>;
}
