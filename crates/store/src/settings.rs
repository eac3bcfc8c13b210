//! Limits, ring keys, and the versions by which nodes notice changes.

use domain::audit::NewAuditEvent;
use domain::limit::Limit;
use domain::time::Timestamp;

use crate::{Answer, Judged};

/// A key of the ring, sealed under the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The number, from 1.
    pub id: u32,
    /// The time of creation.
    pub created_at: Timestamp,
    /// The time from which it seals new tokens; every node has read it before.
    pub activates_at: Timestamp,
    /// The key, sealed under the master key.
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// How often each kind of record has changed. A node that sees a number grow drops what it has cached of that
/// kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Users with their roles, passwords, activity and locks; failure counts are not included.
    pub users: i64,
    /// Roles and their permissions.
    pub roles: i64,
    /// Applications with their settings and secrets; last-use times are not included.
    pub applications: i64,
    /// Data sources with their sharing and their models.
    pub data_sources: i64,
    /// Limits that were set or reset, the list of trusted origins, allow-lists, and resource servers with their scopes.
    pub limits: i64,
    /// Ring keys.
    pub keys: i64,
    /// The last position of the revocation feed.
    pub revocations: i64,
}

/// The rights on which the decision rests were withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightsChanged;

/// Limits, ring keys and versions.
pub trait SystemSettings {
    /// Lists the limits that have been set.
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>>;
    /// Sets a limit; `None` resets it to its default.
    fn set_limit(
        &self,
        limit: Limit,
        value: Option<i64>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), RightsChanged>>;
    /// Lists every ring key, by id.
    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>>;
    /// Adds a ring key. Its id must be one above the largest stored id; otherwise nothing happens and the
    /// result is `false` (another node was first).
    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool>;
    /// Deletes keys other than the active one that were superseded before `superseded_before` and that seal
    /// no refresh token of a live grant. Returns their ids.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>>;
    /// The current versions; one cheap read.
    fn versions(&self) -> Answer<'_, Versions>;
}
