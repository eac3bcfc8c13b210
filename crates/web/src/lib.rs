//! HTTP: routes, extractors, responders, pages.
//!
//! Every route stands in [`routes`]. A handler turns a request into a call of one use case and its answer into a
//! response; it decides nothing. There are exactly four forms of error, one module each under [`respond`]: OAuth JSON,
//! the management envelope, the OData error, the HTML page.
//!
//! **Architecture invariant:** HTTP statuses appear in this crate and nowhere else. A handler cannot build a redirect to
//! a client by itself: it needs a `RedirectTarget`, which only the rules of `oauth` create.
//!
//! Start reading at [`service`], which the binary serves, then [`routes`].

use std::sync::Arc;

use app::App;

pub mod assets;
mod authorization;
pub mod body;
pub mod cookies;
mod cors;
pub mod errors;
pub mod extract;
pub mod front;
mod host;
pub mod initiator;
pub mod json;
pub mod management;
pub mod network;
pub mod oauth;
pub mod observation;
pub mod odata;
pub mod origin;
pub mod pages;
pub mod reference;
pub mod respond;
pub mod routes;

pub use body::BodyEnd;
pub use front::Front;
pub use network::{Network, is_everybody};
pub use origin::PeerAddress;

/// What the operator configured, as far as HTTP needs it.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Whether users reach the server over TLS: cookies are then `__Host-` cookies and answers carry HSTS.
    pub tls: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Most bytes of a request's body.
    pub max_body_bytes: usize,
    /// Most bytes of a request's path and query together.
    pub max_uri_bytes: usize,
    /// Where the demo's server listens, as a URL; none on every other server. It adds the page of the demo's application.
    pub demo: Option<String>,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            tls: false,
            trusted_proxies: Vec::new(),
            max_body_bytes: 1024 * 1024,
            max_uri_bytes: 32 * 1024,
            demo: None,
        }
    }
}

/// What every handler can reach.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    app: Arc<App>,
    settings: WebSettings,
}

impl Gate {
    /// The use cases.
    pub fn app(&self) -> &Arc<App> {
        &self.0.app
    }

    /// What the operator configured.
    pub fn settings(&self) -> &WebSettings {
        &self.0.settings
    }
}

/// The whole server as one service: the routes behind what every request passes.
pub fn service(app: Arc<App>, settings: WebSettings) -> Front {
    let gate = Gate(Arc::new(Inner { app, settings }));
    Front::new(gate.clone(), routes::router(gate))
}

/// What only an operator is to see, for an address of its own.
pub fn observation_service(app: Arc<App>) -> Front {
    let gate = Gate(Arc::new(Inner { app, settings: WebSettings::default() }));
    Front::new(gate.clone(), observation::routes(gate))
}
