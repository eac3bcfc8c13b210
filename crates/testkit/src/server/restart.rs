//! Restarts with other settings, and further nodes.

use std::sync::Arc;

use app::{App, AppSettings};
use sources::{Limits, Resources, Sources};
use store::SystemSettings as _;
use vault::entropy::SeededEntropy;
use vault::{HashingSettings, Vault};
use web::WebSettings;

use super::TestServer;

impl TestServer {
    /// The same installation with other settings, as after a restart.
    ///
    /// # Panics
    /// If the feed cannot be read.
    pub async fn restart_with(self, app: AppSettings) -> Self {
        let kinds = self.app.data_sources().data_stores().clone();
        let Self { store, vault, master, clock, folder, hosts, .. } = self;
        let sources = Arc::new(Sources::new(kinds, Resources::new(Limits::default(), 16, hosts.clone())));
        let app = App::new(store.clone(), vault.clone(), sources, clock.clone(), app);
        app.node().refresh().await.expect("the feed can be read");
        let service = web::service(app.clone(), WebSettings::default());
        Self { app, store, vault, master, clock, service, folder, hosts }
    }

    /// Another node of the same installation, on the same clock, with memory of its own.
    ///
    /// # Panics
    /// If its keys or the feed cannot be read.
    pub async fn another_node(&self, app: AppSettings) -> Self {
        let keys = self.store.list_keys().await.expect("a database");
        let entropy = Arc::new(SeededEntropy::new(2));
        let keys = app::node::keys::keys_for_vault(&keys);
        let vault = Vault::open(&self.master, &keys, entropy, HashingSettings::cheap()).expect("its keys");
        let vault = Arc::new(vault);
        let kinds = self.app.data_sources().data_stores().clone();
        let sources =
            Arc::new(Sources::new(kinds, Resources::new(Limits::default(), 16, self.hosts.clone())));
        let app = App::new(self.store.clone(), vault.clone(), sources, self.clock.clone(), app);
        app.node().refresh().await.expect("the feed can be read");
        let service = web::service(app.clone(), WebSettings::default());
        Self {
            app,
            store: self.store.clone(),
            vault,
            master: self.master.clone(),
            clock: self.clock.clone(),
            service,
            folder: self.folder.clone(),
            hosts: self.hosts.clone(),
        }
    }
}
