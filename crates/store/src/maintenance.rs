//! Upkeep and observation.

use oauth::id::{ApplicationId, GrantId, SecretId};
use oauth::time::Timestamp;

use crate::Answer;

/// When things were last used, gathered in memory and written together.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// When applications last obtained a token.
    pub applications: Vec<(ApplicationId, Timestamp)>,
    /// When secrets were last shown.
    pub secrets: Vec<(SecretId, Timestamp)>,
    /// When grants were last used.
    pub grants: Vec<(GrantId, Timestamp)>,
}

/// What may be deleted, and how much at once.
#[derive(Debug, Clone, Copy)]
pub struct Purge {
    /// What expired by then goes.
    pub now: Timestamp,
    /// Revoked grants stay until then, so that a replay of their code still finds them.
    pub revoked_grants_before: Timestamp,
    /// Networks without a success since then go.
    pub familiar_since: Timestamp,
    /// Audit events older than this go.
    pub audit_before: Timestamp,
    /// Most rows of each kind in one batch; at most 1,000.
    pub batch: u32,
}

/// How many rows a batch of purging deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Expired, revoked, or of an earlier epoch.
    pub grants: u64,
    /// Of an earlier epoch.
    pub consents: u64,
    /// Expired.
    pub sessions: u64,
    /// From which nobody signed in lately.
    pub familiar_networks: u64,
    /// Those that no token outlives.
    pub revocations: u64,
    /// Expired.
    pub secrets: u64,
    /// Past their retention.
    pub audit_events: u64,
}

/// Figures of the backend for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreFigures {
    /// Transactions committed.
    pub commits: u64,
    /// Units of work inside them.
    pub writes: u64,
    /// Times the backend made data durable (a sync of the log, or a commit acknowledged by a server).
    pub syncs: u64,
    /// Units of work waiting now.
    pub queued: u64,
}

/// Upkeep and observation.
pub trait Maintenance {
    /// Stores when things were last used; later times win.
    fn record_usage(&self, usage: Usage) -> Answer<'_, ()>;
    /// Deletes one batch of what is expired, or dead by its epoch.
    fn purge(&self, purge: Purge) -> Answer<'_, Purged>;
    /// Whether reads and writes work now: writes and makes durable a tiny row.
    fn probe(&self) -> Answer<'_, ()>;
    /// Answers as soon as another node may have changed something, and never where the backend cannot tell. It only
    /// makes news travel faster: what it does not tell is found by looking.
    fn news(&self) -> Answer<'_, ()>;
    /// Figures since the start.
    fn figures(&self) -> StoreFigures;
    /// Waits until everything queued is committed, then refuses further writes.
    fn close(&self) -> Answer<'_, ()>;
}
