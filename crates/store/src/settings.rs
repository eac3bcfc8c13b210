//! Limits, ring keys, and what tells nodes that something changed.

use oauth::audit::NewAuditEvent;
use oauth::limit::Limit;
use oauth::time::Timestamp;

use crate::{Answer, Judged};

/// A key of the ring, sealed under the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Counts from 1.
    pub id: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it seals new tokens; every node knows it before.
    pub activates_at: Timestamp,
    /// The key under the master key.
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

/// How often each kind of thing has been changed. A node that sees a number grow drops what it remembers of that kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Versions {
    /// Users, their roles, passwords, activity and locks; not the count of failures.
    pub users: i64,
    /// Roles and their permissions.
    pub roles: i64,
    /// Applications, their settings and secrets; not when they were last used.
    pub applications: i64,
    /// Data sources, their sharing and their models.
    pub data_sources: i64,
    /// Limits that were set or returned to their default, and the list of trusted origins.
    pub limits: i64,
    /// Ring keys.
    pub keys: i64,
    /// The last position of the feed of revocations.
    pub revocations: i64,
}

/// The rights by which an act was judged do not hold any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RightsChanged;

/// Limits, ring keys and versions.
pub trait Settings {
    /// The limits that somebody has set.
    fn list_limits(&self) -> Answer<'_, Vec<(Limit, i64)>>;
    /// Sets a limit, or returns it to its default with `None`.
    fn set_limit(
        &self,
        limit: Limit,
        value: Option<i64>,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(), RightsChanged>>;
    /// Every ring key, by id.
    fn list_keys(&self) -> Answer<'_, Vec<StoredKey>>;
    /// Adds a ring key; its id must be one above the largest there is, else nothing happens and the answer is `false`
    /// (another node was first).
    fn insert_key(&self, key: StoredKey, audit: NewAuditEvent) -> Answer<'_, bool>;
    /// Deletes keys other than the active one that were superseded before `superseded_before` and by which no live
    /// grant's refresh token is sealed; answers their ids.
    fn purge_keys(&self, active: u32, superseded_before: Timestamp) -> Answer<'_, Vec<u32>>;
    /// The versions as they are now; one cheap read.
    fn versions(&self) -> Answer<'_, Versions>;
}
