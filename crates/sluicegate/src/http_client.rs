//! One HTTP request on a connection of its own: for the demo, for `doctor`, and for telemetry.

use std::sync::Arc;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// The longest body that is read.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// A response.
pub(crate) struct HttpAnswer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its header fields.
    pub(crate) headers: HeaderMap,
    /// The body as text.
    pub(crate) body: String,
}

impl HttpAnswer {
    /// The value of a header; empty if it is absent.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If it is something else.
    pub(crate) fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_str(&self.body).context("the answer is not JSON")
    }
}

/// Connects to the host of a URL, over TLS if its scheme is `https`, and sends it a request, to which it adds `Host`.
///
/// # Errors
/// If the host cannot be reached, its certificate is not accepted, or the connection breaks.
pub(crate) async fn send(
    url: &Url,
    mut request: Request<Full<Bytes>>,
    tls: &Arc<ClientConfig>,
) -> anyhow::Result<HttpAnswer> {
    let host = url.host_str().context("it has no host")?;
    let port = url.port_or_known_default().context("it has no port")?;
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    request.headers_mut().insert(HOST, HeaderValue::from_str(&authority)?);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, port)).await?;
    match url.scheme() {
        "http" => exchange(stream, request).await,
        "https" => {
            let name = ServerName::try_from(bare.to_owned())?;
            let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await;
            let stream =
                stream.context("its certificate is not accepted by clients that trust public authorities")?;
            exchange(stream, request).await
        }
        scheme => bail!("{scheme} is unknown"),
    }
}

/// Sends one request and waits for the complete response.
///
/// # Errors
/// If the connection breaks, or the body is longer than four megabytes.
pub(crate) async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<HttpAnswer> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let asking = async move {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body =
            Limited::new(body, LONGEST_BODY).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
        anyhow::Ok(HttpAnswer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    };
    let (answer, _) = tokio::join!(asking, connection);
    answer
}
