//! Restarts with other settings.

use std::sync::Arc;

use app::{App, AppSettings};
use sources::{Limits, Resources, Sources};
use web::WebSettings;

use super::TestServer;

impl TestServer {
    /// The same installation with other settings, as after a restart.
    ///
    /// # Panics
    /// If the feed cannot be read.
    pub async fn restart_with(self, app: AppSettings) -> Self {
        let kinds = self.app.data_sources().data_stores().clone();
        let Self { store, vault, clock, folder, hosts, .. } = self;
        let sources = Arc::new(Sources::new(kinds, Resources::new(Limits::default(), 16, hosts.clone())));
        let app = App::new(store.clone(), vault.clone(), sources, clock.clone(), app);
        app.node().refresh().await.expect("the feed can be read");
        let service = web::service(app.clone(), WebSettings::default());
        Self { app, store, vault, clock, service, folder, hosts }
    }
}
