//! HTTP: routes, extractors, responders, pages.
//!
//! [`routes`] lists every route. A handler turns a request into a call of one use case, and its result into a
//! response; it decides nothing. There are exactly five error formats, one module each under [`respond`]:
//! OAuth JSON, the management envelope, the OData error, the JSON-RPC error, the HTML page.
//!
//! **Architecture invariant:** HTTP statuses appear only in this crate. A handler cannot build a redirect to
//! a client by itself: it needs a `RedirectTarget`, which only the rules of `oauth` create.
//!
//! Start reading at [`service`], which the binary serves, then [`routes`].

use std::sync::Arc;

use app::App;

pub mod assets;
pub mod errors;
pub mod extract;
pub mod filters;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod http_service;
pub mod json;
pub mod management;
pub mod mcp;
pub mod oauth;
pub mod observation;
pub mod odata;
pub mod pages;
pub mod reference;
pub mod respond;
pub mod routes;
mod state;
pub mod trace;

pub use crate::http::base_path::BasePath;
pub use crate::http::body::BodyEnd;
pub use crate::http::client_certificate::ClientCertificate;
pub use crate::http::origin::PeerAddress;
pub use domain::address_range::{AddressRange, is_everybody};
pub use http_service::HttpService;
pub use management::applications::{application_in_json, parse_openid_members};
pub use management::data_sources::read_model_document;
pub use state::WebState;

/// The settings of the HTTP service.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// Whether users connect over TLS: cookies then have a prefix of [`CookieScope`](http::cookies::CookieScope), and
    /// responses have an HSTS header.
    pub tls: bool,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<AddressRange>,
    /// Proxies whose `Client-Cert` is trusted.
    pub certificate_proxies: Vec<AddressRange>,
    /// The maximum size of a request's body in bytes.
    pub max_body_bytes: usize,
    /// The maximum length of a request's path and query together in bytes.
    pub max_uri_bytes: usize,
    /// The spans for a collector of traces; `None` if there is no collector.
    pub spans: Option<Arc<trace::Spans>>,
    /// The URL of the demo server; `None` for every other server. It adds the page of the demo's application.
    pub demo: Option<String>,
}

/// The default of the maximum size of a request's body in bytes.
pub const MAX_BODY_BYTES: u32 = 1024 * 1024;
/// The default of the maximum length of a request's path and query together in bytes.
pub const MAX_URI_BYTES: u32 = 32 * 1024;

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            tls: false,
            trusted_proxies: Vec::new(),
            certificate_proxies: Vec::new(),
            max_body_bytes: MAX_BODY_BYTES as usize,
            max_uri_bytes: MAX_URI_BYTES as usize,
            spans: None,
            demo: None,
        }
    }
}

/// The whole server as one service: the routes, below the path of the public URL, within the code around all requests.
pub fn service(app: App, settings: WebSettings) -> HttpService {
    let base = BasePath::of(&app.node().settings().public_url);
    let state = WebState::new(app, settings, base);
    HttpService::new(state.clone(), routes::router(state))
}

/// The service of the metrics listener, for operators only. It has no path before its routes.
pub fn observation_service(app: App) -> HttpService {
    let state = WebState::new(app, WebSettings::default(), BasePath::root());
    HttpService::new(state.clone(), observation::routes(state))
}
