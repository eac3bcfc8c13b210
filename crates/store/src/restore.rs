//! What happens to a database that was put back from a backup, before anybody may use it.
//!
//! **The rule: restoring an older backup never brings back revoked access.** A backend does the following steps in one
//! transaction, and answers what it did. A database that was put back by the tools of its own kind goes through the same
//! steps, all but the comparing.
//!
//! 1. *Nothing that was handed out opens any more.* The ring is emptied and holds [`Restoring::key`] alone, whose number
//!    is above every number that is known. All grants, consents and sessions go, and every revocation with them: what they
//!    would refuse no longer opens, and the numbers that they name may be given again. All epochs grow.
//! 2. *What ended since stays ended.* [`Credentials`] says how that is known.
//! 3. *Nothing is given twice.* Ids go on above those of the database that was there; where there is none they leave a gap
//!    of [`ID_GAP`], since others may know a lost user by the number.
//! 4. *Somebody can sign in.* [`Restoring::administrator`] gets a new password, and the act is refused when no active
//!    Administrator would remain.
//! 5. The event is written, and every version grows.

use oauth::audit::NewAuditEvent;
use oauth::secret::PasswordHash;

use crate::StoredKey;

/// How far ids jump where it is not known which were given after the backup.
pub const ID_GAP: i64 = 1_000_000;

/// How the subject of a `system.restore` event begins; then follows the backup's time to the second, as in
/// `2026-11-24T03:00:00Z`. Rows made between that time and the event are none that the database since then can have
/// deleted: it never knew them.
pub const BACKUP_OF: &str = "backup of ";

/// Whom a restored database believes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// The database that was there tells what ended since the backup; where it never knew a row, the row is distrusted.
    CarryOver,
    /// Nobody can tell: every secret ends, and every user but the administrator is switched off without a password.
    Distrust,
    /// The operator vouches for the backup.
    TrustBackup,
}

/// What to do to a database that was put back.
#[derive(Debug, Clone)]
pub struct Restoring {
    /// The one key of the new ring; it seals at once.
    pub key: StoredKey,
    /// Whom to believe.
    pub credentials: Credentials,
    /// The hash of a password that nobody knows, for users who are distrusted.
    pub unusable_password: PasswordHash,
    /// Who gets a new password and is an active Administrator afterwards.
    pub administrator: Option<NewAdministrator>,
    /// The event; its subject begins with [`BACKUP_OF`], its detail is what was done.
    pub event: NewAuditEvent,
}

/// A user of the backup who is to administer what was restored.
#[derive(Debug, Clone)]
pub struct NewAdministrator {
    /// The name, as it is in the backup.
    pub name: String,
    /// The hash of the new password.
    pub password: PasswordHash,
}

/// What ended, and what is not there any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Grants that the backup holds.
    pub grants: u64,
    /// Consents that the backup holds.
    pub consents: u64,
    /// Sessions that the backup holds.
    pub sessions: u64,
    /// Secrets that were ended, since or now.
    pub secrets: u64,
    /// Users who were deleted since.
    pub users_deleted: u64,
    /// Users who were switched off, since or now.
    pub users_switched_off: u64,
    /// Users whose password was changed since; it is the newer one.
    pub passwords_changed: u64,
    /// Roles that were taken away from users since.
    pub roles_taken: u64,
    /// Roles that lost permissions since, or were deleted.
    pub roles_narrowed: u64,
    /// Applications that were deleted since.
    pub applications_deleted: u64,
    /// Data sources that were deleted since.
    pub data_sources_deleted: u64,
    /// Shares of data sources that were taken back since.
    pub shares_ended: u64,
    /// What was made since the backup and is not in it: `user ada`, `application Reports`.
    pub lost: Vec<String>,
}

impl Restored {
    /// The detail of the event: whom the database believes, and what was counted.
    pub fn detail(&self, credentials: Credentials) -> String {
        let whom = match credentials {
            Credentials::CarryOver => "what ended since the backup stays ended",
            Credentials::Distrust => "no credential of the backup is trusted",
            Credentials::TrustBackup => "the credentials of the backup are trusted",
        };
        [vec![whom.to_owned()], self.counts()].concat().join("; ").chars().take(1_000).collect()
    }

    /// Everything that was counted and is not nothing, in words.
    pub fn counts(&self) -> Vec<String> {
        let all = [
            (self.grants, "grants ended"),
            (self.consents, "consents ended"),
            (self.sessions, "sessions ended"),
            (self.secrets, "client secrets ended"),
            (self.users_deleted, "users stay deleted"),
            (self.users_switched_off, "users switched off"),
            (self.passwords_changed, "passwords are the newer ones"),
            (self.roles_taken, "roles of users stay taken away"),
            (self.roles_narrowed, "roles stay narrowed or deleted"),
            (self.applications_deleted, "applications stay deleted"),
            (self.data_sources_deleted, "data sources stay deleted"),
            (self.shares_ended, "shares of data sources stay ended"),
        ];
        all.into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what}: {count}"))
            .collect()
    }
}
