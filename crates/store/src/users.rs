//! Users, their roles and their sessions.

use oauth::account::{Lockout, LockoutPolicy, Role, Session, User};
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
    /// A new password ends the user's access, except for the session named in `keep_session`.
    pub password: Option<PasswordHash>,
    /// `Some(false)` ends the user's access.
    pub active: Option<bool>,
    /// `Some(None)`: the password never expires again.
    pub password_expires_at: Option<Option<Timestamp>>,
    /// Replaces all roles.
    pub roles: Option<Vec<RoleId>>,
    /// Ends a lock and forgets the failures.
    pub unlock: bool,
    /// The session that lives on, moved to the new epoch.
    pub keep_session: Option<SessionId>,
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
}

/// What became of the counter after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCounted {
    /// The counter and the lock as they are now.
    pub lockout: Lockout,
    /// Whether this very failure locked the account; then an event `LockAccount` was written.
    pub locked_now: bool,
}

impl FailureCounted {
    /// What a failure at `at` makes of the counter: one rule for every backend.
    pub fn after(before: Lockout, policy: LockoutPolicy, at: Timestamp) -> Self {
        let lockout = before.after_failure(policy, at);
        Self { lockout, locked_now: lockout.is_locked(at) && !before.is_locked(at) }
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
    /// Counts a failure of credentials, and locks the account when the policy says so. `audit` is the refused sign-in.
    fn count_sign_in_failure(
        &self,
        id: UserId,
        policy: LockoutPolicy,
        audit: NewAuditEvent,
    ) -> Answer<'_, FailureCounted>;
    /// Forgets the failures of a user on whom no lock was set; a lock that is over is forgotten by the next failure.
    fn forget_sign_in_failures(&self, id: UserId) -> Answer<'_, ()>;
    /// Replaces a password hash of old parameters; ends nothing. Only if the stored hash is still `old`.
    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()>;

    /// Every role, by id.
    fn list_roles(&self) -> Answer<'_, Vec<Role>>;
    /// Creates a role; `role.id` is ignored.
    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Replaces name, description and permissions of a role; an Administrator must remain.
    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>>;
    /// Deletes a role that no user has and that is not built in.
    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>>;

    /// Opens a session; `audit` is the sign-in.
    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Session>;
    /// The session of that id, whether or not it is still good.
    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>>;
    /// The sessions of a user, good or not, oldest first; the first [`MOST_SESSIONS`] of them.
    fn list_sessions(&self, user: UserId) -> Answer<'_, Vec<Session>>;
    /// Closes a session.
    fn delete_session(&self, id: SessionId, audit: NewAuditEvent) -> Answer<'_, ()>;
}

#[cfg(test)]
mod tests {
    use oauth::account::{Lockout, LockoutPolicy};
    use oauth::time::Timestamp;

    use super::FailureCounted;

    const POLICY: LockoutPolicy = LockoutPolicy { interval_secs: 900, failures: 3, lock_secs: 1800 };

    fn after(before: Lockout, secs: i64) -> FailureCounted {
        FailureCounted::after(before, POLICY, Timestamp::from_secs(secs))
    }

    #[test]
    fn the_third_failure_within_the_interval_locks() {
        let first = after(Lockout::default(), 0);
        let second = after(first.lockout, 400);
        let third = after(second.lockout, 899);
        assert_eq!((first.locked_now, second.locked_now, third.locked_now), (false, false, true));
        assert_eq!(third.lockout.locked_until, Some(Timestamp::from_secs(899 + 1800)));
    }

    #[test]
    fn failures_further_apart_than_the_interval_do_not_add_up() {
        let second = after(after(Lockout::default(), 0).lockout, 400);
        assert_eq!(after(second.lockout, 900).lockout.failures, 1);
    }

    #[test]
    fn a_lock_counts_nothing_and_its_end_begins_anew() {
        let locked = Lockout {
            failures: 3,
            since: Some(Timestamp::from_secs(0)),
            locked_until: Some(Timestamp::from_secs(100)),
        };
        assert_eq!(after(locked, 99), FailureCounted { lockout: locked, locked_now: false });
        let anew = after(locked, 100).lockout;
        assert_eq!((anew.failures, anew.locked_until), (1, None));
    }

    #[test]
    fn a_limit_of_zero_switches_locking_off() {
        let off = LockoutPolicy { failures: 0, ..POLICY };
        let counted = FailureCounted::after(
            Lockout { failures: 99, ..Lockout::default() },
            off,
            Timestamp::from_secs(1),
        );
        assert!(!counted.locked_now);
    }
}
