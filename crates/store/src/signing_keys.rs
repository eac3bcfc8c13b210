//! Keys for signatures that others verify.

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use oauth::signing::SigningAlgorithm;

use crate::Answer;

/// A signing key; its private half is sealed under the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// The number, from 1.
    pub id: u32,
    /// The algorithm of its signatures.
    pub algorithm: SigningAlgorithm,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time from which it signs; others have read it before.
    pub activates_at: Timestamp,
    /// The private key, sealed under the master key.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for StoredSigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredSigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// Which of the superseded signing keys are deleted. A key is superseded when the next key of its algorithm becomes
/// active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupersededSigningKeys {
    /// Those of every algorithm that were superseded before this time.
    Before(Timestamp),
    /// Those of one algorithm for which there is a newer key, active or not.
    All(SigningAlgorithm),
}

/// The signing keys.
pub trait SigningKeys {
    /// Lists every signing key, by id.
    fn list_signing_keys(&self) -> Answer<'_, Vec<StoredSigningKey>>;
    /// Adds a signing key. Its id must be one above the largest stored id; otherwise nothing happens and the
    /// result is `false` (another node was first).
    fn insert_signing_key(&self, key: StoredSigningKey, audit: NewAuditEvent) -> Answer<'_, bool>;
    /// Deletes superseded keys, and returns how many. The newest key of an algorithm is never deleted. The event is
    /// written if there was one.
    fn delete_signing_keys(
        &self,
        which: SupersededSigningKeys,
        audit: Option<NewAuditEvent>,
    ) -> Answer<'_, u64>;
}
