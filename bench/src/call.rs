//! Requests and responses over persistent connections.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, LOCATION};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpStream;

/// A request that can be sent repeatedly.
pub(crate) type Call = Request<Full<Bytes>>;

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON if the status is a success; otherwise the error shows the response.
    pub(crate) fn json(&self) -> Result<Value> {
        self.expect_success()?;
        serde_json::from_slice(&self.body).context("the answer is not JSON")
    }

    /// Expects 200; every measured request has this status.
    pub(crate) fn expect_ok(&self) -> Result<()> {
        if self.status == StatusCode::OK {
            return Ok(());
        }
        self.unexpected()
    }

    pub(crate) fn expect_success(&self) -> Result<()> {
        if self.status.is_success() { Ok(()) } else { self.unexpected() }
    }

    fn unexpected(&self) -> Result<()> {
        let shown: String = String::from_utf8_lossy(&self.body).chars().take(300).collect();
        bail!("answered {}: {shown}", self.status)
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }
}

/// One open connection. Its task ends with it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    _driver: tokio::task::JoinSet<()>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = tokio::task::JoinSet::new();
        driver.spawn(async move {
            // The next request on a connection detects how it ended.
            drop(connection.await);
        });
        Ok(Self { sender, _driver: driver })
    }

    pub(crate) async fn send(&mut self, call: Call) -> Result<Answer> {
        self.sender.ready().await?;
        let response = self.sender.send_request(call).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// Builds a GET.
pub(crate) fn get(path: &str) -> Result<Call> {
    build(Method::GET, path, None, Bytes::new())
}

/// Builds a POST of a form.
pub(crate) fn post_form(path: &str, fields: &[(&str, &str)]) -> Result<Call> {
    build(Method::POST, path, Some("application/x-www-form-urlencoded"), encode(fields).into())
}

/// Builds a POST of JSON.
pub(crate) fn post_json(path: &str, body: &Value) -> Result<Call> {
    build(Method::POST, path, Some("application/json"), body.to_string().into())
}

/// Builds a PUT of JSON.
pub(crate) fn put_json(path: &str, body: &Value) -> Result<Call> {
    build(Method::PUT, path, Some("application/json"), body.to_string().into())
}

/// Encodes the fields of a form for a body or a query.
pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&")
}

pub(crate) fn with_basic(call: Call, name: &str, password: &str) -> Result<Call> {
    with_header(call, AUTHORIZATION, &format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
}

pub(crate) fn with_bearer(call: Call, token: &str) -> Result<Call> {
    with_header(call, AUTHORIZATION, &format!("Bearer {token}"))
}

pub(crate) fn with_header(mut call: Call, name: HeaderName, value: &str) -> Result<Call> {
    call.headers_mut().insert(name, HeaderValue::from_str(value)?);
    Ok(call)
}

fn build(method: Method, path: &str, content_type: Option<&str>, body: Bytes) -> Result<Call> {
    let mut builder = Request::builder().method(method).uri(path);
    if let Some(content_type) = content_type {
        builder = builder.header(CONTENT_TYPE, content_type);
    }
    builder
        .header(HOST, "127.0.0.1")
        .body(Full::new(body))
        .with_context(|| format!("{path} is not an address"))
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, StatusCode};

    use super::{Answer, encode};

    #[test]
    fn only_status_200_counts_and_other_responses_are_shown() {
        let answer = |status| Answer { status, headers: HeaderMap::new(), body: "invalid_grant".into() };
        assert!(answer(StatusCode::OK).expect_ok().is_ok());
        for status in [StatusCode::NO_CONTENT, StatusCode::SEE_OTHER, StatusCode::BAD_REQUEST] {
            let error = answer(status).expect_ok().unwrap_err().to_string();
            assert!(error.contains(status.as_str()) && error.contains("invalid_grant"), "{error}");
        }
    }

    #[test]
    fn fields_are_escaped() {
        assert_eq!(encode(&[("a", "x y&z"), ("b", "1")]), "a=x%20y%26z&b=1");
    }
}
