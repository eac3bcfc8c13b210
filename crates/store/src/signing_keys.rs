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

/// A signing key whose private half is in a signer outside of the server.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredExternalKey {
    /// The number, from 1.
    pub id: u32,
    /// The `kid`.
    pub key_id: String,
    /// The algorithm of its signatures.
    pub algorithm: SigningAlgorithm,
    /// The time at which a node first found it in its signer.
    pub created_at: Timestamp,
    /// The time from which it signs; others have read it before.
    pub activates_at: Timestamp,
    /// The time at which a node last found it in its signer, to a minute or so.
    pub seen_at: Timestamp,
    /// The public key, sealed under the master key.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for StoredExternalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredExternalKey")
            .field("id", &self.id)
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .field("seen_at", &self.seen_at)
            .finish_non_exhaustive()
    }
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
    /// Lists every external signing key, by id.
    fn list_external_keys(&self) -> Answer<'_, Vec<StoredExternalKey>>;
    /// Adds an external signing key. Its id must be one above the largest stored id, and its `kid` must be new; otherwise
    /// nothing happens and the result is `false` (another node was first).
    fn insert_external_key(&self, key: StoredExternalKey, audit: NewAuditEvent) -> Answer<'_, bool>;
    /// Records that external keys were found in a signer. Nodes do not read the keys again for that.
    fn see_external_keys(&self, ids: Vec<u32>, at: Timestamp) -> Answer<'_, ()>;
    /// Deletes these external keys unless a node has seen them since `unseen_since`, and returns how many. The event is
    /// written if there was one.
    fn delete_external_keys(
        &self,
        ids: Vec<u32>,
        unseen_since: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, u64>;
}
