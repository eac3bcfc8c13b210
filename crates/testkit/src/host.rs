//! A stranger's web server with TLS, from which the server under test fetches documents.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fetch::{Danger, ResolveName};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The authority that has issued the certificate of an [`TestHost`], in PEM. It is of the tests only.
pub const AUTHORITY: &[u8] = include_bytes!("../certificates/authority.pem");
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../certificates/origin.pem");
pub(crate) const KEY: &[u8] = include_bytes!("../certificates/origin.key");

/// A response that an origin gives.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    is_held_back: bool,
}

impl Reply {
    /// A JSON document.
    pub fn json(value: &serde_json::Value) -> Self {
        Self::text(value.to_string()).header("content-type", "application/json")
    }

    /// A body without a media type.
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), is_held_back: false }
    }

    /// With this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With another header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Never sent.
    #[must_use]
    pub fn held_back(self) -> Self {
        Self { is_held_back: true, ..self }
    }
}

#[derive(Default)]
struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    requests: Mutex<Vec<Received>>,
}

/// A request that an origin has received.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its path and query.
    pub target: String,
    /// Its header fields.
    pub headers: http::HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// A web server with TLS. Its certificate is for `client.test`, `other.test`, `slow.test`, `issuer.test`, every name below
/// `clients.test`, `localhost`, and the loopback addresses.
pub struct TestHost {
    port: u16,
    shared: Arc<Shared>,
    _accepting: JoinSet<()>,
}

impl TestHost {
    /// Starts an origin, which answers 404 everywhere.
    ///
    /// # Panics
    /// If it cannot listen.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let shared = Arc::<Shared>::default();
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, _accepting: accepting }
    }

    /// The URL of a path at a host that the origin serves.
    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    /// Answers requests for a path and query with this reply from now on.
    pub fn reply(&self, target: &str, reply: Reply) {
        self.shared.replies.lock().unwrap_or_else(PoisonError::into_inner).insert(target.to_owned(), reply);
    }

    /// The requests for a path and query that have arrived.
    pub fn received(&self, target: &str) -> Vec<Received> {
        let requests = self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|request| request.target == target).cloned().collect()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE).collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider knows the versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key");
    let tls = TlsAcceptor::from(Arc::new(config));
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, tls.clone(), Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    // A client that goes away is not a fault of the test.
    let _ended =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let target = request.uri().to_string();
    let headers = request.headers().clone();
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let received = Received { target: target.clone(), headers, body };
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(received);
    let found = shared.replies.lock().unwrap_or_else(PoisonError::into_inner).get(&target).cloned();
    let reply = found.unwrap_or_else(|| Reply::text("").status(404));
    if reply.is_held_back {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(*name, value);
    }
    response.body(Full::new(reply.body)).expect("headers of a test")
}

/// A name that leads to an address for special use: the metadata service of cloud machines.
pub const INSIDE: &str = "metadata.internal";

/// Resolves every name below `.test` and `localhost` to the loopback address, [`INSIDE`], and no other.
#[derive(Debug, Clone, Copy)]
pub struct TestNames;

impl ResolveName for TestNames {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if host == INSIDE {
            return Ok(vec![SocketAddr::from(([169, 254, 169, 254], port))]);
        }
        let is_known = host == "localhost" || host.rsplit('.').next() == Some("test");
        let addresses = || vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
        is_known.then(addresses).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// A client that reaches origins, and nothing outside of the machine.
///
/// # Panics
/// Never: the authority of the tests can be read.
pub fn client() -> fetch::Fetcher {
    client_of(fetch::FetchLimits::default().total)
}

/// The same with so many requests at once.
///
/// # Panics
/// Never: the authority of the tests can be read.
pub fn client_of(total: usize) -> fetch::Fetcher {
    let settings = fetch::FetcherSettings {
        limits: fetch::FetchLimits { total, ..fetch::FetchLimits::default() },
        resolver: Arc::new(TestNames),
        danger: Some(Danger { authorities: AUTHORITY.to_vec() }),
    };
    fetch::Fetcher::new(settings).expect("the authority of the tests")
}
