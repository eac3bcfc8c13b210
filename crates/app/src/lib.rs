//! The use cases: they load facts, ask `oauth` and `odata` to decide, apply the decision, and audit it.
//!
//! Only this crate connects the protocol, the data path, the system database, the vault and the data sources.
//! A use case is one method of [`App`]. It takes the content of a request and returns the result, in types
//! that know nothing of HTTP.
//!
//! **Architecture invariant:** this crate knows no HTTP status, no page and no JSON form. Nothing is checked
//! first and done later: what must hold together is one operation of the store.
//!
//! Start reading at [`App`], then [`caller`] (who sends a request) and [`token`] (what is issued).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::time::Timestamp;
use sources::Sources;
use store::Store;
use vault::Vault;

pub mod access_note;
pub mod acting;
pub mod administration;
pub mod allowed;
pub mod applications;
pub mod audit;
pub mod audit_throttle;
pub mod authentication;
pub mod authorize;
pub mod caller;
pub mod client;
pub mod clock;
pub mod data_sources;
pub mod entity_cache;
pub mod error;
pub mod feed;
pub mod introspection;
pub mod keys;
pub mod lifetimes;
pub mod limits;
pub mod lists;
pub mod maintenance;
pub mod metrics;
pub mod models;
pub mod odata;
pub mod operator;
pub mod rates;
pub mod refusal_reason;
pub mod refusals;
pub mod restore;
pub mod revocations;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod token;
pub mod token_revocation;
pub mod trusted_origins;
pub mod usage;
pub mod users;

pub use error::Fault;
pub use settings::AppSettings;

/// The running service: its database, its keys, its data sources, and its caches.
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) clock: Arc<dyn clock::Clock>,
    pub(crate) settings: AppSettings,
    pub(crate) revocations: revocations::RevocationIndex,
    pub(crate) entities: entity_cache::EntityCache,
    pub(crate) usage: usage::UsageRecorder,
    pub(crate) staleness: feed::Staleness,
    pub(crate) rates: rates::Rates,
    pub(crate) throttle: audit_throttle::AuditThrottle,
    pub(crate) models: models::Models,
    pub(crate) data: odata::Data,
    draining: AtomicBool,
    probe: maintenance::Probe,
    metrics: metrics::Metrics,
}

impl App {
    /// Creates the service. Call [`App::refresh`] once before serving, so that it knows all revocations.
    pub fn new(
        store: Arc<dyn Store>,
        vault: Arc<Vault>,
        sources: Arc<Sources>,
        clock: Arc<dyn clock::Clock>,
        settings: AppSettings,
    ) -> Self {
        let rates = rates::Rates::new(settings.rates);
        let metrics = metrics::Metrics::default();
        metrics.started.set(clock.now().as_secs());
        Self {
            rates,
            throttle: audit_throttle::AuditThrottle::default(),
            models: models::Models::default(),
            data: odata::Data::default(),
            store,
            vault,
            sources,
            clock,
            settings,
            revocations: revocations::RevocationIndex::default(),
            entities: entity_cache::EntityCache::default(),
            usage: usage::UsageRecorder::default(),
            staleness: feed::Staleness::default(),
            draining: AtomicBool::new(false),
            probe: maintenance::Probe::default(),
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
    pub fn metrics(&self) -> &metrics::Metrics {
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
