//! What runs on each node: clock, caches, change feed, rate limits, metrics, keys, maintenance, settings.

pub mod access_note;
pub mod audit_throttle;
pub mod client_certificates;
pub mod clock;
pub(crate) mod dpop_proofs;
pub mod entity_cache;
pub(crate) mod external_keys;
pub mod feed;
pub(crate) mod issuer_keys;
pub mod keys;
pub mod lifetimes;
pub(crate) mod logout_deliveries;
pub(crate) mod mail_deliveries;
pub mod maintenance;
pub mod metrics;
pub(crate) mod outbound;
pub(crate) mod periodic;
pub mod rates;
pub mod refusal_reason;
pub mod request_origin;
pub mod restore;
pub mod revocations;
pub(crate) mod sectors;
pub mod settings;
pub mod setup;
pub mod signing_keys;
pub(crate) mod strangers;
pub(crate) mod trusted_issuers;
pub mod usage;

use crate::Context;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::time::Timestamp;

/// This node: its clock, change feed, maintenance, metrics and shutdown.
#[derive(Clone)]
pub struct NodeService {
    context: Arc<Context>,
}

service!(NodeService);

impl NodeService {
    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// The settings of the operator.
    pub fn settings(&self) -> &settings::AppSettings {
        &self.context.settings
    }

    /// The counters of the service.
    pub fn metrics(&self) -> &metrics::Metrics {
        &self.context.metrics
    }

    /// Starts draining: from now on `/readyz` tells load balancers to send no more requests. Requests that still
    /// arrive are served.
    pub fn drain(&self) {
        self.context.draining.store(true, Ordering::Release);
    }

    /// Whether there is a signer of external keys that does not answer.
    pub fn signer_is_down(&self) -> bool {
        self.context.signer.is_down()
    }

    /// Whether the server is draining.
    pub fn is_draining(&self) -> bool {
        self.context.draining.load(Ordering::Acquire)
    }

    /// The current nonce for `DPoP` proofs.
    pub fn dpop_nonce(&self) -> String {
        self.context.vault.dpop_nonce(self.context.now())
    }

    /// The SHA-256 digest of a body, which a `DPoP` proof may name.
    pub fn content_digest(&self, body: &[u8]) -> [u8; 32] {
        vault::sha256(body)
    }

    /// A random number, for values that must differ between two runs and are not secret.
    pub fn random_number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.context.vault.entropy().fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
