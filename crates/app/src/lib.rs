//! The use cases: they load facts, ask `oauth` and `odata` to decide, apply the decision, and audit it.
//!
//! Only this crate connects the protocol, the data path, the system database, the vault and the data sources.
//! A use case is one method of [`App`]. It takes the content of a request and returns the result, in types
//! that know nothing of HTTP.
//!
//! **Architecture invariant:** this crate knows no HTTP status, no page and no JSON form. Nothing is checked
//! first and done later: what must hold together is one operation of the store.
//!
//! Start reading at [`App`], then [`identity::caller`] (who sends a request) and [`protocol::token`] (what is issued).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::time::Timestamp;
use sources::Sources;
use store::Store;
use vault::Vault;

pub mod data;
pub mod error;
pub mod identity;
pub mod management;
pub mod node;
pub mod protocol;

pub use error::Fault;
pub use node::settings::AppSettings;

/// The running service: its database, its keys, its data sources, and its caches.
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) clock: Arc<dyn node::clock::Clock>,
    pub(crate) settings: AppSettings,
    pub(crate) revocations: node::revocations::RevocationIndex,
    pub(crate) entities: node::entity_cache::EntityCache,
    pub(crate) usage: node::usage::UsageRecorder,
    pub(crate) staleness: node::feed::Staleness,
    pub(crate) rates: node::rates::Rates,
    pub(crate) throttle: node::audit_throttle::AuditThrottle,
    pub(crate) models: data::models::Models,
    pub(crate) data: data::Data,
    draining: AtomicBool,
    probe: node::maintenance::Probe,
    metrics: node::metrics::Metrics,
}

impl App {
    /// Creates the service. Call [`App::refresh`] once before serving, so that it knows all revocations.
    pub fn new(
        store: Arc<dyn Store>,
        vault: Arc<Vault>,
        sources: Arc<Sources>,
        clock: Arc<dyn node::clock::Clock>,
        settings: AppSettings,
    ) -> Self {
        let rates = node::rates::Rates::new(settings.rates);
        let metrics = node::metrics::Metrics::default();
        metrics.started.set(clock.now().as_secs());
        Self {
            rates,
            throttle: node::audit_throttle::AuditThrottle::default(),
            models: data::models::Models::default(),
            data: data::Data::default(),
            store,
            vault,
            sources,
            clock,
            settings,
            revocations: node::revocations::RevocationIndex::default(),
            entities: node::entity_cache::EntityCache::default(),
            usage: node::usage::UsageRecorder::default(),
            staleness: node::feed::Staleness::default(),
            draining: AtomicBool::new(false),
            probe: node::maintenance::Probe::default(),
            metrics,
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts draining: from now on load balancers are told to send no more requests. Requests that still
    /// arrive are served.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the server is draining.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The counters of the service.
    pub fn metrics(&self) -> &node::metrics::Metrics {
        &self.metrics
    }

    /// The settings of the operator.
    pub fn settings(&self) -> &AppSettings {
        &self.settings
    }
}

impl App {
    /// A random number, for values that must differ between two runs and are not secret.
    pub fn random_number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.vault.entropy().fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Creates a random value for a browser that is not signed in, to which its forms are bound.
    pub fn new_visitor(&self) -> String {
        self.vault.new_visitor()
    }
}
