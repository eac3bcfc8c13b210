//! The state of all handlers.

use std::sync::Arc;

use app::App;
use app::management::trusted_origins::TrustedOriginService;
use app::node::NodeService;

use crate::WebSettings;
use crate::http::base_path::BasePath;
use crate::http::cookies::CookieScope;
use crate::http::initiator::PublicSite;
use crate::reference::Reference;

/// The settings, and the services of the use cases. A handler names the services that it uses
/// ([`Use`](crate::extract::Use)).
#[derive(Clone)]
pub struct WebState(Arc<Inner>);

struct Inner {
    app: App,
    node: NodeService,
    trusted_origins: TrustedOriginService,
    settings: WebSettings,
    base: BasePath,
    reference: Reference,
}

impl WebState {
    /// `base` is the path below which the routes are.
    pub(crate) fn new(app: App, settings: WebSettings, base: BasePath) -> Self {
        let (node, trusted_origins) = (app.node(), TrustedOriginService::from(&app));
        let reference = Reference::new(&base);
        Self(Arc::new(Inner { app, node, trusted_origins, settings, base, reference }))
    }

    /// The service of one subject, for an extractor. Handlers use [`Use`](crate::extract::Use).
    pub(crate) fn service<S: for<'a> From<&'a App>>(&self) -> S {
        S::from(&self.0.app)
    }

    /// The node, which every request needs.
    pub(crate) fn node(&self) -> &NodeService {
        &self.0.node
    }

    /// The origins whose pages may read responses.
    pub(crate) fn trusted_origins(&self) -> &TrustedOriginService {
        &self.0.trusted_origins
    }

    /// The path below which the routes are.
    pub fn base(&self) -> &BasePath {
        &self.0.base
    }

    /// The requests with which browsers send our cookies.
    pub(crate) fn cookie_scope(&self) -> CookieScope<'_> {
        CookieScope { tls: self.0.settings.tls, base: &self.0.base }
    }

    /// Where browsers find the server.
    pub(crate) fn site(&self) -> PublicSite<'_> {
        PublicSite { tls: self.0.settings.tls, public_url: &self.0.node.settings().public_url }
    }

    /// The documentation of the management API.
    pub(crate) fn reference(&self) -> &Reference {
        &self.0.reference
    }

    /// The settings of the operator.
    pub fn settings(&self) -> &WebSettings {
        &self.0.settings
    }
}
