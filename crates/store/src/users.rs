//! Users, their roles and their sessions.

use oauth::account::network::Network;
use oauth::account::{Lockout, Permission, Role, Session, User};
use oauth::audit::NewAuditEvent;
use oauth::id::{DataSourceId, Epoch, RoleId, SessionId, UserId};
use oauth::revocation::Revocation;
use oauth::secret::{Digest, PasswordHash};
use oauth::time::Timestamp;

use crate::{Answer, Judged};

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// As it was given; at most 128 characters, no colon.
    pub name: String,
    /// Never the password itself.
    pub password: PasswordHash,
    /// Whether the user may sign in.
    pub active: bool,
    /// None when the password never expires.
    pub password_expires_at: Option<Timestamp>,
    /// Each must exist.
    pub roles: Vec<RoleId>,
    /// When it happens.
    pub at: Timestamp,
}

/// What an update of a user changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// A new name.
    pub name: Option<String>,
    /// A new password ends the user's access.
    pub password: Option<PasswordHash>,
    /// `Some(false)` ends the user's access.
    pub active: Option<bool>,
    /// `Some(None)`: the password never expires again.
    pub password_expires_at: Option<Option<Timestamp>>,
    /// Replaces all roles.
    pub roles: Option<Vec<RoleId>>,
    /// Ends a lock and forgets the failures.
    pub unlock: bool,
    /// When it happens.
    pub at: Timestamp,
    /// When the longest-lived token that this could end has expired.
    pub revocation_expires_at: Timestamp,
}

impl UserChange {
    /// Whether it ends the user's access: sessions, consents, grants and tokens of this epoch.
    pub fn ends_access_of(&self, before: &User) -> bool {
        self.password.is_some() || (before.active && self.active == Some(false))
    }

    /// The user as the change leaves it, roles aside: one rule for every backend.
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
        after.updated_at = self.at;
        after
    }
}

/// What becomes of the applications and data sources of a user who is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Possessions {
    /// Whoever owns something is not deleted.
    Keep,
    /// They belong to this user from then on. A data source is no longer shared with whom it belongs to.
    HandOver(UserId),
    /// They are deleted too, with everything that the applications were given; at most [`MOST_POSSESSIONS`] at once.
    Delete,
}

/// The most applications and data sources together that are deleted with their owner: they end in one transaction.
pub const MOST_POSSESSIONS: u32 = 1_000;

/// The most names of each kind in [`Owned`].
pub const MOST_NAMES: u32 = 10;

/// What a user owns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Owned {
    /// How many applications.
    pub applications: u32,
    /// The names of the first [`MOST_NAMES`] of them, by id.
    pub application_names: Vec<String>,
    /// How many data sources.
    pub data_sources: u32,
    /// The names of the first [`MOST_NAMES`] of them, by id.
    pub data_source_names: Vec<String>,
}

impl Owned {
    /// Why a user who owns this is not deleted, if it is so: one rule for every backend.
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

/// What went with a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedUser {
    /// What ended access.
    pub ended: Vec<Revocation>,
    /// The data sources that were deleted too.
    pub data_sources: Vec<DataSourceId>,
}

/// Why an act on users or roles was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRefusal {
    /// There is none of that id.
    Unknown,
    /// The rights by which the act was judged do not hold any more.
    RightsChanged,
    /// A user or a role carries, or would carry, permissions that whoever does it does not have.
    BeyondRights,
    /// Another user or role has the name.
    NameTaken,
    /// No active Administrator would remain.
    LastAdministrator,
    /// A role that does not exist was named.
    UnknownRole,
    /// The role is built in, or users still have it.
    RoleInUse,
    /// The user still owns applications or data sources.
    StillOwns(Owned),
    /// The user owns more than can be deleted at once.
    OwnsTooMuch,
    /// There is no other user to whom what the user owns can be handed over.
    UnknownHeir,
    /// Whoever is to get it lacks these permissions, without which it is of no use.
    HeirLacks(Vec<Permission>),
}

/// A new password that a user chose, who just showed the current one.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// Whose password it is.
    pub user: UserId,
    /// The user's epoch when the current password was verified; under another one nothing changes.
    pub user_epoch: Epoch,
    /// The new password.
    pub password: PasswordHash,
    /// Of the secret half of the cookie of the session that takes the place of all others.
    pub session_digest: Digest,
    /// The first moment at which that session is dead.
    pub session_expires_at: Timestamp,
    /// The network from which it is done, which stays familiar.
    pub network: Option<Network>,
    /// When it happens.
    pub at: Timestamp,
    /// When the longest-lived token that this could end has expired.
    pub revocation_expires_at: Timestamp,
}

impl PasswordChange {
    /// The session that takes the place of all others, in the epoch that begins with the change.
    pub fn session(&self, epoch: Epoch) -> NewSession {
        NewSession {
            user: self.user,
            user_epoch: epoch,
            digest: self.session_digest,
            auth_time: self.at,
            expires_at: self.session_expires_at,
            replaces: None,
        }
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who signed in.
    pub user: UserId,
    /// The user's epoch when the password was checked.
    pub user_epoch: Epoch,
    /// Of the secret half of the cookie.
    pub digest: Digest,
    /// When the password was shown.
    pub auth_time: Timestamp,
    /// The first moment at which it is dead.
    pub expires_at: Timestamp,
    /// The session that the same browser had until now; it ends with the opening of this one.
    pub replaces: Option<ReplacedSession>,
}

/// A session as a cookie names it: it is ended only where both are right.
#[derive(Debug, Clone, Copy)]
pub struct ReplacedSession {
    /// The public half of the cookie.
    pub id: SessionId,
    /// Of the secret half of the cookie.
    pub digest: Digest,
}

/// So many sessions of one user are listed.
pub const MOST_SESSIONS: u32 = 1_000;

/// Users, their roles and their sessions.
pub trait Users {
    /// The user of that id.
    fn find_user(&self, id: UserId) -> Answer<'_, Option<User>>;
    /// The user of that name, compared without case.
    fn find_user_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<User>>;
    /// Users by id, after `after`, at most `limit`.
    fn list_users(&self, after: Option<UserId>, limit: u32) -> Answer<'_, Vec<User>>;
    /// Users by id, after `after`, at most `limit`, whose name contains the text, compared without case.
    fn search_users(&self, after: Option<UserId>, limit: u32, text: String) -> Answer<'_, Vec<User>>;
    /// Creates a user.
    fn insert_user(&self, new: NewUser, audit: NewAuditEvent) -> Answer<'_, Judged<User, UserRefusal>>;
    /// Changes a user. Ending access grows the epoch, closes the sessions and appends a revocation; consents and grants
    /// of the earlier epoch are dead with it.
    fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(User, Vec<Revocation>), UserRefusal>>;
    /// Deletes a user with sessions, consents and grants, and does with the user's applications and data sources as
    /// `possessions` says.
    fn delete_user(
        &self,
        id: UserId,
        possessions: Possessions,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DeletedUser, UserRefusal>>;
    /// Sets the password that a user chose. All access of the user ends, sessions included, and one session is opened.
    /// [`UserRefusal::Unknown`] when the epoch has grown since the current password was verified, or the user is inactive or
    /// gone.
    fn change_password(
        &self,
        change: PasswordChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Session, Vec<Revocation>), UserRefusal>>;
    /// Replaces a password hash of old parameters; ends nothing. Only if the stored hash is still `old`.
    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()>;

    /// Every role, by id.
    fn list_roles(&self) -> Answer<'_, Vec<Role>>;
    /// Roles by id, after `after`, at most `limit`.
    fn page_of_roles(&self, after: Option<RoleId>, limit: u32) -> Answer<'_, Vec<Role>>;
    /// Creates a role; `role.id` is ignored.
    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Replaces name, description and permissions of a role; an Administrator must remain.
    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Deletes a role that no user has and that is not built in.
    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>>;

    /// Opens a session, and ends the one that it replaces; `audit` is the sign-in. `None` when the user's epoch has grown
    /// since the password was verified, or the user is inactive or gone.
    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Option<Session>>;
    /// The session of that id, whether or not it is still good.
    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>>;
    /// The sessions of a user, good or not, oldest first; the first [`MOST_SESSIONS`] of them.
    fn list_sessions(&self, user: UserId) -> Answer<'_, Vec<Session>>;
    /// Closes a session.
    fn delete_session(&self, id: SessionId, audit: NewAuditEvent) -> Answer<'_, ()>;
}
