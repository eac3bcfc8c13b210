//! The use cases: load facts, ask `oauth` and `odata` to decide, apply, audit.
//!
//! This is the only place where the protocol, the data path, the system database, the vault and the data sources
//! meet. A use case is one method of [`App`]; it takes what a request said and answers what became of it, in types that
//! know nothing of HTTP.
//!
//! **Architecture invariant:** no HTTP status, no page and no JSON form here. Nothing checks first and acts later: what
//! must hold together is one operation of the store.
//!
//! Start reading at [`App`], then [`caller`] (who is asking) and [`token`] (what is issued).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oauth::time::Timestamp;
use sources::Sources;
use store::Store;
use vault::Vault;

pub mod acting;
pub mod administration;
pub mod allowed;
pub mod applications;
pub mod audit;
pub mod authorize;
pub mod caller;
pub mod client;
pub mod clock;
pub mod data_sources;
pub mod directory;
pub mod error;
pub mod feed;
pub mod introspection;
pub mod keys;
pub mod limits;
pub mod lists;
pub mod metrics;
pub mod models;
pub mod odata;
pub mod operator;
pub mod rates;
pub mod refusals;
pub mod repeats;
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
pub mod upkeep;
pub mod usage;
pub mod users;

pub use error::Fault;
pub use settings::AppSettings;

/// The running service: its database, its keys, its data sources, and what it remembers of them.
pub struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) clock: Arc<dyn clock::Clock>,
    pub(crate) settings: AppSettings,
    pub(crate) revocations: revocations::RevocationIndex,
    pub(crate) directory: directory::Directory,
    pub(crate) usage: usage::UsageRecorder,
    pub(crate) freshness: feed::Freshness,
    pub(crate) rates: rates::Rates,
    pub(crate) repeats: repeats::Repeats,
    pub(crate) models: models::Models,
    pub(crate) data: odata::Data,
    draining: AtomicBool,
    probe: upkeep::Probe,
    metrics: metrics::Metrics,
}

impl App {
    /// Puts the service together. Call [`App::refresh`] once before serving, so that it knows what was revoked.
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
            repeats: repeats::Repeats::default(),
            models: models::Models::default(),
            data: odata::Data::default(),
            store,
            vault,
            sources,
            clock,
            settings,
            revocations: revocations::RevocationIndex::default(),
            directory: directory::Directory::default(),
            usage: usage::UsageRecorder::default(),
            freshness: feed::Freshness::default(),
            draining: AtomicBool::new(false),
            probe: upkeep::Probe::default(),
            metrics,
        }
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// From now on the server tells balancers to send nobody here any more; whoever comes all the same is served.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the server was told to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// What the service counts.
    pub fn metrics(&self) -> &metrics::Metrics {
        &self.metrics
    }

    /// What the operator configured.
    pub fn settings(&self) -> &AppSettings {
        &self.settings
    }
}

impl App {
    /// A random number, for what must differ between two runs and is no secret.
    pub fn random_number(&self) -> u64 {
        let mut bytes = [0; 8];
        self.vault.entropy().fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A random value for a browser that is not signed in, to which its forms are bound.
    pub fn new_visitor(&self) -> String {
        self.vault.new_visitor()
    }
}
