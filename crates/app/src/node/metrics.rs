//! The metrics of the service, for Prometheus.

use crate::node::NodeService;
use std::fmt::Write as _;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

mod counters;
mod latency;
#[cfg(test)]
mod monitoring;
mod process;

use counters::Counters;
use latency::Latency;
use process::ProcessFigures;

/// A label value that is one of a fixed set of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word(pub &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.0)
    }
}

/// Labels of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct GrantLabels {
    /// The grant type, or `unknown`.
    pub grant: Word,
    /// `issued`, or the error code.
    pub outcome: Word,
}

/// Labels of anything with an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// The outcome.
    pub outcome: Word,
}

/// Labels of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LockLabels {
    /// The networks that are locked: `familiar` for one network from which the user signed in recently,
    /// `other` for all others.
    pub network: Word,
}

/// Labels of checks that did not use the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PathLabels {
    /// `database` if the cache was stale and the database was asked, `refused` if it did not answer. All
    /// other checks are answered from the index.
    pub path: Word,
}

/// Labels of a call of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ToolLabels {
    /// The name of the tool.
    pub tool: Word,
    /// `answered` or `refused`.
    pub outcome: Word,
}

/// Labels of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The area of the server: `oauth`, `management`, `odata`, `mcp`, `page`.
    pub area: Word,
    /// The status class, such as `2xx`.
    pub status: Word,
}

/// Labels of metrics by area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AreaLabels {
    /// The area of the server.
    pub area: Word,
}

/// Counters and gauges; clones share them.
pub struct Metrics {
    registry: Registry,
    /// Token requests by grant type and outcome.
    pub tokens: Counters<GrantLabels>,
    /// Refreshes that were sent as an `authorization_code` grant with a refresh token.
    pub power_bi_refresh_quirk: Counter,
    /// Introspections by outcome.
    pub introspections: Counters<OutcomeLabels>,
    /// Bearer checks by outcome.
    pub bearer_checks: Counters<OutcomeLabels>,
    /// Checks with a stale cache, by what was asked instead.
    pub stale_checks: Counters<PathLabels>,
    /// Sign-ins by outcome.
    pub sign_ins: Counters<OutcomeLabels>,
    /// Locks that too many wrong passwords set.
    pub account_locks: Counters<LockLabels>,
    /// Refresh tokens that were presented again, by outcome.
    pub refresh_replays: Counters<OutcomeLabels>,
    /// Attempts to deliver a logout token, by outcome.
    pub logout_deliveries: Counters<OutcomeLabels>,
    /// Attempts to send a mail, by outcome.
    pub mails: Counters<OutcomeLabels>,
    /// Questions of people who have forgotten their passwords, by outcome.
    pub forgotten_passwords: Counters<OutcomeLabels>,
    /// Tokens for which the signer of external keys was asked, by outcome.
    pub external_signatures: Counters<OutcomeLabels>,
    /// 1 while the signer of external keys does not answer.
    pub signer_down: Gauge,
    /// Requests that exceeded a rate limit.
    pub rate_limited: Counter,
    /// Refusals that were not recorded, because the audit log has the same one often enough.
    pub audit_throttled: Counters<OutcomeLabels>,
    /// Rounds of maintenance that were completed.
    pub maintenance_rounds: Counter,
    /// Requests by area and status class.
    pub requests: Counters<RequestLabels>,
    /// Rows sent over OData.
    pub odata_rows: Counter,
    /// Batches of requests for data.
    pub odata_batches: Counter,
    /// Requests within them.
    pub odata_batched_requests: Counter,
    /// Values that did not fit the type of their column and were sent as null.
    pub odata_invalid_values: Counter,
    /// Calls of tools by name and outcome.
    pub mcp_tool_calls: Counters<ToolLabels>,
    /// OData responses that were aborted after they had started.
    pub odata_broken_streams: Counter,
    /// Seconds from the first byte of a request to the end of its response's head, by area.
    pub request_seconds: Latency,
    /// Open connections.
    pub connections: Gauge,
    /// Connections that were closed at once because their address had too many.
    pub connections_refused: Counter,
    /// Revocations in the revocation index.
    pub revocation_index: Gauge,
    /// Microseconds since the change feed was last read.
    pub feed_age_micros: Gauge,
    /// Transactions committed by the system database since the start.
    pub store_commits: Gauge,
    /// Operations inside those transactions.
    pub store_writes: Gauge,
    /// Times the system database made data durable.
    pub store_syncs: Gauge,
    /// Waiting operations.
    pub store_queue: Gauge,
    /// The start of the validity of the server's own certificate, in seconds since 1970; 0 without one.
    pub certificate_begins: Gauge,
    /// The end of the validity of the server's own certificate, in seconds since 1970; 0 without one.
    pub certificate_ends: Gauge,
    /// The creation time of the newest key of the ring, in seconds since 1970.
    pub newest_key: Gauge,
    /// When `sluicegate backup` last made a backup of this installation, in seconds since 1970; 0 if unknown.
    pub last_backup: Gauge,
    /// When the server started, in seconds since 1970.
    pub started: Gauge,
    process: ProcessFigures,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("sluicegate"),
            tokens: Counters::default(),
            power_bi_refresh_quirk: Counter::default(),
            introspections: Counters::default(),
            bearer_checks: Counters::default(),
            stale_checks: Counters::default(),
            sign_ins: Counters::default(),
            account_locks: Counters::default(),
            refresh_replays: Counters::default(),
            logout_deliveries: Counters::default(),
            mails: Counters::default(),
            forgotten_passwords: Counters::default(),
            external_signatures: Counters::default(),
            signer_down: Gauge::default(),
            rate_limited: Counter::default(),
            audit_throttled: Counters::default(),
            maintenance_rounds: Counter::default(),
            requests: Counters::default(),
            odata_rows: Counter::default(),
            odata_batches: Counter::default(),
            odata_batched_requests: Counter::default(),
            odata_invalid_values: Counter::default(),
            mcp_tool_calls: Counters::default(),
            odata_broken_streams: Counter::default(),
            request_seconds: Latency::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            revocation_index: Gauge::default(),
            feed_age_micros: Gauge::default(),
            store_commits: Gauge::default(),
            store_writes: Gauge::default(),
            store_syncs: Gauge::default(),
            store_queue: Gauge::default(),
            certificate_begins: Gauge::default(),
            certificate_ends: Gauge::default(),
            newest_key: Gauge::default(),
            last_backup: Gauge::default(),
            started: Gauge::default(),
            process: ProcessFigures::default(),
        };
        metrics.register();
        metrics.register_ages();
        metrics
    }
}

impl Metrics {
    /// All metrics in the text format of `OpenMetrics`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        if prometheus_client::encoding::text::encode(&mut text, &self.registry).is_err() {
            text.push_str("# EOF\n");
        }
        text
    }

    /// Counts a request that a rate limit refuses, and returns after how many seconds to try again.
    pub(crate) fn count_rate_limited(&self, retry_after_secs: u32) -> u32 {
        self.rate_limited.inc();
        retry_after_secs
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        self.tokens.register(registry, "tokens", "Token requests by grant type and outcome");
        let help = "Refreshes that came as an authorization_code grant with a refresh token";
        registry.register("power_bi_refresh_quirk", help, self.power_bi_refresh_quirk.clone());
        self.introspections.register(registry, "introspections", "Introspections by outcome");
        self.bearer_checks.register(registry, "bearer_checks", "Bearer checks by outcome");
        let help = "Checks with a stale change feed, by what was asked instead of the index";
        self.stale_checks.register(registry, "stale_checks", help);
        self.sign_ins.register(registry, "sign_ins", "Sign-ins by outcome");
        let help = "Locks of accounts after too many wrong passwords, by the networks to which they apply";
        self.account_locks.register(registry, "account_locks", help);
        self.refresh_replays.register(registry, "refresh_replays", "Refresh tokens presented again");
        let help = "Attempts to deliver a logout token, by outcome";
        self.logout_deliveries.register(registry, "logout_deliveries", help);
        self.mails.register(registry, "mails", "Attempts to send a mail, by outcome");
        let help = "Questions of people who have forgotten their passwords, by outcome";
        self.forgotten_passwords.register(registry, "forgotten_passwords", help);
        let help = "Tokens for which the signer of external keys was asked, by outcome";
        self.external_signatures.register(registry, "external_signatures", help);
        let help = "1 while the signer of external keys does not answer";
        registry.register("signer_down", help, self.signer_down.clone());
        registry.register("rate_limited", "Requests that exceeded a rate limit", self.rate_limited.clone());
        let help = "Events not written because the audit log contains enough equal ones, by their outcome";
        self.audit_throttled.register(registry, "audit_repeats", help);
        let help = "Rounds of maintenance completed since the start";
        registry.register("maintenance_rounds", help, self.maintenance_rounds.clone());
        self.requests.register(registry, "requests", "Requests by area and status class");
        registry.register("odata_rows", "Rows sent over OData", self.odata_rows.clone());
        registry.register("odata_batches", "Batches of OData requests", self.odata_batches.clone());
        let help = "OData requests within batches";
        registry.register("odata_batched_requests", help, self.odata_batched_requests.clone());
        registry.register(
            "odata_misfits",
            "Values sent as null because they did not fit the type of their column",
            self.odata_invalid_values.clone(),
        );
        self.mcp_tool_calls.register(registry, "mcp_tool_calls", "Calls of MCP tools, by outcome");
        let help = "Responses aborted after they had started";
        registry.register("odata_broken_streams", help, self.odata_broken_streams.clone());
        self.request_seconds.register(registry);
        registry.register("connections", "Open connections", self.connections.clone());
        let help = "Connections closed at once because their address had too many";
        registry.register("connections_refused", help, self.connections_refused.clone());
        registry.register(
            "revocation_index",
            "Events in the revocation index",
            self.revocation_index.clone(),
        );
        registry.register("feed_age_micros", "Age of the revocation feed", self.feed_age_micros.clone());
        registry.register(
            "store_commits",
            "Transactions committed since the start",
            self.store_commits.clone(),
        );
        registry.register("store_writes", "Write operations since the start", self.store_writes.clone());
        registry.register(
            "store_syncs",
            "Times data was made durable since the start",
            self.store_syncs.clone(),
        );
        registry.register("store_queue", "Waiting write operations", self.store_queue.clone());
    }

    fn register_ages(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running program", build);
        let mut register =
            |name: &str, help: &str, gauge: &Gauge| registry.register(name, help, gauge.clone());
        let help = "Start of the certificate's validity, in seconds since 1970; 0 without one";
        register("certificate_not_before_seconds", help, &self.certificate_begins);
        let help = "End of the certificate's validity, in seconds since 1970; 0 without one";
        register("certificate_not_after_seconds", help, &self.certificate_ends);
        let help = "When the newest key of the ring was made, in seconds since 1970";
        register("newest_key_seconds", help, &self.newest_key);
        let help = "When the last backup by command was made, in seconds since 1970; 0 if unknown";
        register("last_backup_seconds", help, &self.last_backup);
        register("start_time_seconds", "When the server started, in seconds since 1970", &self.started);
        self.process.register(registry);
    }
}

impl NodeService {
    /// Updates the gauges, and returns all metrics as text.
    pub fn encode_metrics(&self) -> String {
        let metrics = &self.context.metrics;
        let figures = self.context.store.figures();
        let set = |gauge: &Gauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&metrics.store_commits, figures.commits);
        set(&metrics.store_writes, figures.writes);
        set(&metrics.store_syncs, figures.syncs);
        set(&metrics.store_queue, figures.queued);
        set(&metrics.revocation_index, self.context.revocations.len() as u64);
        if let Some(at) = self.context.settings.backup_mark.as_deref().and_then(modified) {
            metrics.last_backup.set(at);
        }
        metrics.process.read();
        metrics.feed_age_micros.set(self.context.staleness.age_micros(self.context.clock.steady_micros()));
        metrics.encode()
    }
}

/// The modification time of a file, in seconds since 1970.
fn modified(path: &std::path::Path) -> Option<i64> {
    let at = std::fs::metadata(path).ok()?.modified().ok()?;
    let since = at.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
