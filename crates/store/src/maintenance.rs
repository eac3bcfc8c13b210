//! Maintenance and metrics.

use domain::id::{ApplicationId, GrantId, PersonalAccessTokenId, SecretId, SessionId};
use domain::time::Timestamp;

use crate::Answer;

/// Last-use times, collected in memory and written together.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// When each application last obtained a token.
    pub applications: Vec<(ApplicationId, Timestamp)>,
    /// When each secret was last presented.
    pub secrets: Vec<(SecretId, Timestamp)>,
    /// When each grant was last used.
    pub grants: Vec<(GrantId, Timestamp)>,
    /// When each personal access token was last used.
    pub personal_access_tokens: Vec<(PersonalAccessTokenId, Timestamp)>,
    /// When each session was last used.
    pub sessions: Vec<(SessionId, Timestamp)>,
}

impl Usage {
    /// Whether nothing was used.
    pub fn is_empty(&self) -> bool {
        let Self { applications, secrets, grants, personal_access_tokens, sessions } = self;
        applications.is_empty()
            && secrets.is_empty()
            && grants.is_empty()
            && personal_access_tokens.is_empty()
            && sessions.is_empty()
    }
}

/// What to purge, and how much at once.
#[derive(Debug, Clone, Copy)]
pub struct Purge {
    /// Rows that expired before this time are deleted.
    pub now: Timestamp,
    /// Revoked grants are kept until this time, so that a replay of their code still finds them.
    pub revoked_grants_before: Timestamp,
    /// Requests for which clients poll and that expired before this time are deleted.
    pub polled_requests_before: Timestamp,
    /// Networks without a successful sign-in since this time are deleted.
    pub familiar_since: Timestamp,
    /// Audit events before this time are deleted.
    pub audit_before: Timestamp,
    /// The maximum number of rows of each kind in one batch; at most 1,000.
    pub batch: u32,
}

/// The number of rows that a purge batch deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Grants that expired, were revoked, or are of an earlier epoch.
    pub grants: u64,
    /// Consents of an earlier epoch.
    pub consents: u64,
    /// Expired sessions.
    pub sessions: u64,
    /// Requests of devices that have expired.
    pub device_authorizations: u64,
    /// Backchannel authentication requests that have expired.
    pub backchannel_authentications: u64,
    /// Expired pushed requests.
    pub pushed_requests: u64,
    /// Expired records of used assertions.
    pub used_assertions: u64,
    /// Networks from which the user has not signed in recently.
    pub familiar_networks: u64,
    /// Revocations whose tokens have all expired.
    pub revocations: u64,
    /// Expired secrets.
    pub secrets: u64,
    /// Expired personal access tokens.
    pub personal_access_tokens: u64,
    /// Expired one-time links.
    pub one_time_links: u64,
    /// Audit events past their retention time.
    pub audit_events: u64,
}

/// Counters of the backend, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreFigures {
    /// Committed transactions.
    pub commits: u64,
    /// Operations inside those transactions.
    pub writes: u64,
    /// The number of times that data was made durable (a sync of the log, or a commit that a server
    /// acknowledged).
    pub syncs: u64,
    /// Operations that wait now.
    pub queued: u64,
}

/// Maintenance and metrics.
pub trait Maintenance {
    /// Stores last-use times; a later time wins.
    fn record_usage(&self, usage: Usage) -> Answer<'_, ()>;
    /// Deletes one batch of rows that are expired or of an earlier epoch.
    fn purge(&self, purge: Purge) -> Answer<'_, Purged>;
    /// Checks that reads and writes work: writes a tiny row and makes it durable.
    fn probe(&self) -> Answer<'_, ()>;
    /// Completes when another node may have changed something; never completes if the backend cannot know. It only
    /// speeds up propagation: changes that it does not announce are found by polling.
    fn changes(&self) -> Answer<'_, ()>;
    /// Counters since the start.
    fn figures(&self) -> StoreFigures;
    /// Waits until everything queued is committed, then refuses further writes.
    fn close(&self) -> Answer<'_, ()>;
}
