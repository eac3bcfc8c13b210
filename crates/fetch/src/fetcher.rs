//! One request, within all limits.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::FetchError;
use crate::connect::{Connected, addresses, connect};
use crate::permits::Permits;
use crate::resolve::{Lookups, ResolveName, Resolver, SystemResolver};
use crate::trust::{Danger, UnreadableCertificates, client_config};

/// The maximum size of the head of a response in bytes.
const LARGEST_HEAD: usize = 16 * 1024;
/// The maximum number of headers of a response.
const MOST_HEADERS: usize = 64;
const USER_AGENT: HeaderValue = HeaderValue::from_static("Sluicegate");

/// How much the client does at once, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// The maximum time for one request, from the name to the last byte.
    pub time: Duration,
    /// The maximum number of concurrent requests.
    pub total: usize,
    /// The maximum number of concurrent requests to one host, and to one network, for one purpose.
    pub per_host: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(5), total: 64, per_host: 4 }
    }
}

/// What a client is made of. The default is for production.
#[derive(Clone)]
pub struct FetcherSettings {
    /// The limits.
    pub limits: FetchLimits,
    /// Where names are resolved.
    pub resolver: Arc<dyn ResolveName>,
    /// The switch for tests.
    pub danger: Option<Danger>,
}

impl Default for FetcherSettings {
    fn default() -> Self {
        Self { limits: FetchLimits::default(), resolver: Arc::new(SystemResolver), danger: None }
    }
}

/// Sends guarded requests. Clones share the limits.
#[derive(Clone)]
pub struct Fetcher {
    parts: Arc<Parts>,
    share: Arc<Share>,
    time: Duration,
}

/// What all shares have in common.
struct Parts {
    tls: TlsConnector,
    resolver: Resolver,
    total: Semaphore,
    per_host: usize,
}

/// What one purpose may do at once.
struct Share {
    permits: Permits,
    lookups: Lookups,
}

impl Share {
    fn new(most: usize, per_host: usize) -> Arc<Self> {
        Arc::new(Self { permits: Permits::new(most, per_host), lookups: Lookups::new(most) })
    }
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct FetchRequest<'a> {
    /// The address, which anybody may have named.
    pub url: &'a Url,
    /// The media types that the caller reads.
    pub accept: &'static str,
    /// The media type and the body of a POST; `None` for a GET.
    pub post: Option<(&'static str, &'a Bytes)>,
    /// The maximum size of the body of the response in bytes.
    pub largest_body: usize,
}

/// A complete response.
#[derive(Debug, Clone)]
pub struct FetchResponse {
    /// The status. A redirect is a status like any other.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new(FetcherSettings::default())
            .expect("the default has no certificates that could be unreadable")
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("time", &self.time).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// Creates a client.
    ///
    /// # Errors
    /// If the certificates of the switch for tests cannot be read.
    pub fn new(settings: FetcherSettings) -> Result<Self, UnreadableCertificates> {
        let FetcherSettings { limits, resolver, danger } = settings;
        let parts = Arc::new(Parts {
            tls: TlsConnector::from(Arc::new(client_config(
                danger.as_ref().map(|danger| &*danger.authorities),
            )?)),
            resolver: Resolver::new(resolver, danger.is_some()),
            total: Semaphore::new(limits.total),
            per_host: limits.per_host,
        });
        Ok(Self { parts, share: Share::new(limits.total, limits.per_host), time: limits.time })
    }

    /// The same fetcher for one purpose, which has at most `most` of the concurrent requests, each for at most `time`, so
    /// that other purposes always have some left. What it sends to a host or a network, and the names that it looks up,
    /// leave the same to other purposes too.
    #[must_use]
    pub fn share(&self, most: usize, time: Duration) -> Self {
        let share = Share::new(most, self.parts.per_host);
        Self { parts: Arc::clone(&self.parts), share, time: time.min(self.time) }
    }

    /// Whether it connects to the machine itself, which only tests want.
    pub fn permits_loopback(&self) -> bool {
        self.parts.resolver.permits_loopback()
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// [`FetchError`]. Nothing was sent if the address must not be connected to.
    pub async fn send(&self, request: FetchRequest<'_>) -> Result<FetchResponse, FetchError> {
        url_is_usable(request.url)?;
        let _permit = self.share.permits.take(request.url.host_str().unwrap_or_default())?;
        let _total = self.parts.total.try_acquire().map_err(|_| FetchError::Busy)?;
        let sent = tokio::time::timeout(self.time, self.send_unlimited(request)).await;
        let sent = sent.unwrap_or(Err(FetchError::TimedOut));
        if let Err(error) = sent {
            let host = request.url.host_str().unwrap_or_default();
            tracing::info!(host, ?error, "an outbound request failed");
        }
        sent
    }

    async fn send_unlimited(&self, request: FetchRequest<'_>) -> Result<FetchResponse, FetchError> {
        let Parts { tls, resolver, .. } = &*self.parts;
        let Share { permits, lookups } = &*self.share;
        let addresses = addresses(request.url, resolver, lookups).await?;
        let Connected { stream, network: _held } = connect(request.url, &addresses, tls, permits).await?;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_buf_size(LARGEST_HEAD).max_headers(MOST_HEADERS);
        let handshake = builder.handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|_| FetchError::Malformed)?;
        // The connection ends when the set is dropped, at the latest when the time is over.
        let mut connections = JoinSet::new();
        connections.spawn(connection);
        let sent = sender.send_request(message(request)?).await;
        let (head, body) = sent.map_err(|_| FetchError::Malformed)?.into_parts();
        let body = Limited::new(body, request.largest_body).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { FetchError::TooLarge } else { FetchError::Malformed }
        })?;
        Ok(FetchResponse { status: head.status, headers: head.headers, body: body.to_bytes() })
    }
}

/// Only `https`, and only a URL that names nothing but a host and a resource.
fn url_is_usable(url: &Url) -> Result<(), FetchError> {
    if url.scheme() != "https" {
        return Err(FetchError::NotHttps);
    }
    let is_plain = url.has_host() && url.username().is_empty() && url.password().is_none();
    if is_plain { Ok(()) } else { Err(FetchError::UnusableUrl) }
}

fn message(request: FetchRequest<'_>) -> Result<http::Request<Full<Bytes>>, FetchError> {
    let url = request.url;
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let builder = http::Request::builder()
        .uri(target)
        .header(header::HOST, host)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, request.accept)
        .header(header::CONNECTION, "close");
    let built = match request.post {
        None => builder.method(Method::GET).body(Full::default()),
        Some((media_type, body)) => builder
            .method(Method::POST)
            .header(header::CONTENT_TYPE, media_type)
            .body(Full::new(body.clone())),
    };
    built.map_err(|_| FetchError::UnusableUrl)
}
