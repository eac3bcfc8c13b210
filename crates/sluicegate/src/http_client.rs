//! One HTTP request on a connection of its own, for the demo and for `doctor`.

use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

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
