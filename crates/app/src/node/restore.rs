//! Preparing the restore of a database from a backup: a new key ring, and passwords.
//!
//! The store applies them in one transaction; [`store::Restoring`] lists the steps.

use domain::audit::{Action, Outcome};
use domain::secret::Password;
use domain::time::Timestamp;
use store::{BACKUP_OF, Credentials, NewAdministrator, Restoring, StoredKey};
use vault::Vault;

use crate::Fault;
use crate::node::request_origin::{COMMAND_LINE, RequestOrigin};

/// The decisions of the operator.
#[derive(Debug)]
pub struct RestoreDecision {
    /// Which credentials to accept.
    pub credentials: Credentials,
    /// The user who gets a new password and will administer the restored database.
    pub administrator: Option<(String, Password)>,
    /// When the backup was taken, in RFC 3339 to the second, in UTC.
    pub backup_of: String,
}

/// Creates the key and the hashes. `highest_key` is the highest known number of a ring key.
///
/// # Errors
/// If the hasher is busy.
pub async fn orders(
    vault: &Vault,
    now: Timestamp,
    highest_key: u32,
    decision: RestoreDecision,
) -> Result<Restoring, Fault> {
    let hash = async |password| vault.hash_password(password).await.map_err(|_| Fault::Busy);
    let sealed = vault.new_ring_key(highest_key + 1, now, now);
    let administrator = match decision.administrator {
        Some((name, password)) => Some(NewAdministrator { name, password: hash(password).await? }),
        None => None,
    };
    // 256 random bits that nobody keeps.
    let unknown = Password::new(vault.new_client_secret().secret.expose());
    let mut event = RequestOrigin::command_line().audit(Action::RestoreBackup, Outcome::Success, now);
    event.actor_name = Some(COMMAND_LINE.to_owned());
    event.subject = Some(format!("{BACKUP_OF}{}", decision.backup_of));
    Ok(Restoring {
        key: StoredKey { id: sealed.id, created_at: now, activates_at: now, sealed: sealed.bytes },
        credentials: decision.credentials,
        unusable_password: hash(unknown).await?,
        administrator,
        event,
    })
}

/// The event in a backup, which records when it was taken.
pub fn backup_event(now: Timestamp) -> domain::audit::NewAuditEvent {
    let mut event = RequestOrigin::command_line().audit(Action::TakeBackup, Outcome::Success, now);
    event.actor_name = Some(COMMAND_LINE.to_owned());
    event
}
