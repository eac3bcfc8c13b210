//! The state of all handlers.

use std::sync::Arc;

use app::App;
use app::node::NodeService;

use crate::WebSettings;

/// The settings, and the services of the use cases. A handler names the services that it uses
/// ([`Use`](crate::extract::Use)).
#[derive(Clone)]
pub struct WebState(Arc<Inner>);

struct Inner {
    app: App,
    node: NodeService,
    settings: WebSettings,
}

impl WebState {
    pub(crate) fn new(app: App, settings: WebSettings) -> Self {
        let node = app.node();
        Self(Arc::new(Inner { app, node, settings }))
    }

    /// The service of one subject.
    pub(crate) fn service<S: for<'a> From<&'a App>>(&self) -> S {
        S::from(&self.0.app)
    }

    /// The node, which every request needs.
    pub(crate) fn node(&self) -> &NodeService {
        &self.0.node
    }

    /// The settings of the operator.
    pub fn settings(&self) -> &WebSettings {
        &self.0.settings
    }
}
