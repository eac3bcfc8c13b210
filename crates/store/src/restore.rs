//! What happens to a database that was restored from a backup, before anybody may use it.
//!
//! **The rule: restoring an older backup never brings back revoked access.** A backend performs the following
//! steps in one transaction and reports what it did. A database that was restored with the tools of its own
//! kind goes through the same steps, except for the comparison with the previous database.
//!
//! 1. *No issued credential opens any more.* The ring is emptied and then holds only [`Restoring::key`],
//!    whose number is above every known number. The tables that are [`OnRestore::Emptied`](crate::columns::OnRestore)
//!    lose their rows: among them all grants, consents and sessions, the signing keys, of which the server creates
//!    new ones, and all revocations, because the tokens that they would refuse no longer open, and the ids that they
//!    name may be assigned again. Clients that registered themselves stay, and their registration access tokens end.
//!    All epochs advance.
//! 2. *What was revoked since the backup stays revoked.* [`Credentials`] says how that is known.
//! 3. *No id is assigned twice.* Ids continue above those of the previous database; without one, they leave a
//!    gap of [`ID_GAP`], because other systems may know a lost user by the number.
//! 4. *Somebody can sign in.* [`Restoring::administrator`] gets a new password, and the operation is refused
//!    if no active Administrator would remain.
//! 5. The audit event is written, and every version advances.

use domain::audit::NewAuditEvent;
use domain::secret::PasswordHash;

use crate::StoredKey;
use crate::columns::StoredTable;

/// The gap that ids leave if it is unknown which ids were assigned after the backup.
pub const ID_GAP: i64 = 1_000_000;

/// The start of the subject of a `system.restore` event. The time of the backup follows, to the second, as in
/// `2026-11-24T03:00:00Z`. The database cannot have deleted rows that were created between that time and the
/// event, because it never contained them.
pub const BACKUP_OF: &str = "backup of ";

/// Which credentials a restored database accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// The previous database knows what was revoked since the backup. A row that it never contained is distrusted.
    CarryOver,
    /// Nobody knows what was revoked: every secret is revoked, the keys of applications are removed, and every user
    /// except the administrator is deactivated and loses the password.
    Distrust,
    /// The operator vouches for the backup.
    TrustBackup,
}

/// How to treat a restored database.
#[derive(Debug, Clone)]
pub struct Restoring {
    /// The only key of the new ring; it seals at once.
    pub key: StoredKey,
    /// Which credentials to accept.
    pub credentials: Credentials,
    /// The hash of a password that nobody knows, for distrusted users.
    pub unusable_password: PasswordHash,
    /// The user who gets a new password and becomes an active Administrator.
    pub administrator: Option<NewAdministrator>,
    /// The audit event; its subject starts with [`BACKUP_OF`], and its detail lists what was done.
    pub event: NewAuditEvent,
}

/// A user of the backup who will administer the restored database.
#[derive(Debug, Clone)]
pub struct NewAdministrator {
    /// The name, as it is in the backup.
    pub name: String,
    /// The hash of the new password.
    pub password: PasswordHash,
}

/// What was revoked, and what is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// Grants in the backup.
    pub grants: u64,
    /// Consents in the backup.
    pub consents: u64,
    /// Sessions in the backup.
    pub sessions: u64,
    /// Secrets that were revoked, since the backup or now, and applications whose keys were removed.
    pub secrets: u64,
    /// Users who were deleted since the backup.
    pub users_deleted: u64,
    /// Users who were deactivated, since the backup or now.
    pub users_switched_off: u64,
    /// Users whose password was changed since the backup; they keep the newer one.
    pub passwords_changed: u64,
    /// Roles that were taken away from users since the backup.
    pub roles_taken: u64,
    /// Roles that lost permissions or were deleted since the backup.
    pub roles_narrowed: u64,
    /// Applications that were deleted since the backup.
    pub applications_deleted: u64,
    /// Data sources that were deleted since the backup.
    pub data_sources_deleted: u64,
    /// Shares of data sources that were withdrawn since the backup.
    pub shares_ended: u64,
    /// What was created since the backup and is missing from it: `user ada`, `application Reports`.
    pub lost: Vec<String>,
}

impl Restored {
    /// Notes that this many rows of a table were deleted.
    pub fn count_deleted(&mut self, table: &StoredTable, rows: u64) {
        match table.name {
            "grants" => self.grants = rows,
            "consents" => self.consents = rows,
            "sessions" => self.sessions = rows,
            _ => {}
        }
    }

    /// The detail of the audit event: the accepted credentials, and the counts.
    pub fn detail(&self, credentials: Credentials) -> String {
        let whom = match credentials {
            Credentials::CarryOver => "what was revoked since the backup stays revoked",
            Credentials::Distrust => "no credential of the backup is trusted",
            Credentials::TrustBackup => "the credentials of the backup are trusted",
        };
        [vec![whom.to_owned()], self.counts()].concat().join("; ").chars().take(1_000).collect()
    }

    /// All counts above zero, in words.
    pub fn counts(&self) -> Vec<String> {
        let all = [
            (self.grants, "grants revoked"),
            (self.consents, "consents revoked"),
            (self.sessions, "sessions ended"),
            (self.secrets, "client secrets and keys revoked"),
            (self.users_deleted, "users stay deleted"),
            (self.users_switched_off, "users disabled"),
            (self.passwords_changed, "passwords are the newer ones"),
            (self.roles_taken, "roles of users stay withdrawn"),
            (self.roles_narrowed, "roles stay narrowed or deleted"),
            (self.applications_deleted, "applications stay deleted"),
            (self.data_sources_deleted, "data sources stay deleted"),
            (self.shares_ended, "shares of data sources stay withdrawn"),
        ];
        all.into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{what}: {count}"))
            .collect()
    }
}
