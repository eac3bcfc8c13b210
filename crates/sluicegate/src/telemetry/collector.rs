//! The collector, and one message to it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request};
use http_body_util::Full;
use rustls::ClientConfig;
use serde_json::Value;
use url::Url;

use crate::config::BaseUrl;
use crate::http_client::{self, HttpAnswer};

/// How long one message may take.
const LONGEST: Duration = Duration::from_secs(10);

/// The maximum number of header fields in a file.
const MOST_FIELDS: usize = 32;

/// Header fields with which the server authenticates to the collector. Their values are secrets.
#[derive(Clone, Default)]
pub(crate) struct HeaderFields(HeaderMap);

impl fmt::Debug for HeaderFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl HeaderFields {
    /// Parses `Name: value`, one field a line. Empty lines mean nothing.
    ///
    /// # Errors
    /// The number of the line at fault, and what is wrong with it. It does not show the value.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut fields = HeaderMap::new();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let malformed =
                || format!("line {number} must be a header field such as \"Authorization: Bearer KEY\"");
            let colon = line.iter().position(|byte| *byte == b':').ok_or_else(malformed)?;
            let name = HeaderName::from_bytes(line[..colon].trim_ascii_end()).map_err(|_| malformed())?;
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            let mut value = value.map_err(|_| malformed())?;
            value.set_sensitive(true);
            if is_set_by_the_server(&name) {
                return Err(format!("line {number} names {name}, which the server sets itself"));
            }
            if fields.len() == MOST_FIELDS {
                return Err(format!("there are more than {MOST_FIELDS} header fields"));
            }
            fields.append(name, value);
        }
        Ok(Self(fields))
    }
}

fn is_set_by_the_server(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "host" | "content-type" | "content-length" | "content-encoding" | "transfer-encoding" | "connection"
    )
}

/// A server that takes messages of OTLP.
#[derive(Debug)]
pub(crate) struct Collector {
    base: BaseUrl,
    tls: Arc<ClientConfig>,
    headers: HeaderFields,
}

/// A message that was not accepted.
#[derive(Debug)]
pub(super) struct Undelivered {
    pub(super) may_succeed_later: bool,
    pub(super) message: String,
}

impl Collector {
    pub(crate) fn new(base: BaseUrl, tls: ClientConfig, headers: HeaderFields) -> Self {
        Self { base, tls: Arc::new(tls), headers }
    }

    /// Its address.
    pub(crate) fn address(&self) -> &str {
        self.base.as_str()
    }

    /// Sends a message to a path below the address of the collector.
    pub(super) async fn send(&self, path: &str, message: &Value) -> Result<(), Undelivered> {
        let sent = tokio::time::timeout(LONGEST, self.post(path, message)).await;
        let answer = match sent {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(undelivered(true, format!("{error:#}"))),
            Err(_) => {
                return Err(undelivered(true, format!("no answer within {} seconds", LONGEST.as_secs())));
            }
        };
        if !answer.status.is_success() {
            let message = format!("the collector answers {}", answer.status);
            return Err(undelivered(is_retryable(answer.status.as_u16()), message));
        }
        note_rejected(path, &answer);
        Ok(())
    }

    async fn post(&self, path: &str, message: &Value) -> anyhow::Result<HttpAnswer> {
        let url = Url::parse(&format!("{}/{path}", self.base.as_str())).context("the address")?;
        let mut request = Request::post(url.path()).body(Full::new(Bytes::from(message.to_string())))?;
        let headers = request.headers_mut();
        headers.extend(self.headers.0.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("sluicegate/", env!("CARGO_PKG_VERSION"))));
        http_client::send(&url, request, &self.tls).await
    }
}

/// The statuses of the [specification](https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes) after which a message
/// may be sent again.
fn is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// Logs how much of a message the collector has rejected, as it says in a success.
fn note_rejected(path: &str, answer: &HttpAnswer) {
    let Ok(body) = answer.json() else { return };
    let partial = &body["partialSuccess"];
    let rejected = ["rejectedSpans", "rejectedDataPoints"].into_iter().find_map(|name| {
        let number = &partial[name];
        number.as_i64().or_else(|| number.as_str()?.parse().ok())
    });
    if let Some(rejected) = rejected.filter(|rejected| *rejected > 0) {
        tracing::warn!(path, rejected, "the collector has rejected a part of a message");
    }
}

fn undelivered(may_succeed_later: bool, message: String) -> Undelivered {
    Undelivered { may_succeed_later, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields_are_read_from_a_file_and_never_shown() {
        let fields = HeaderFields::parse(b"Authorization: Bearer s3cret\r\n\nx-team: a: b\n").unwrap();
        assert_eq!(fields.0["authorization"], "Bearer s3cret");
        assert_eq!(fields.0["x-team"], "a: b");
        assert!(!format!("{fields:?}").contains("s3cret"));
        for (text, line) in [
            ("x: 1\ns3cret", "line 2"),
            ("no name: s3cret", "line 1"),
            (": s3cret", "line 1"),
            ("x: s3\u{1}cret", "line 1"),
            ("Host: s3cret", "line 1"),
            (&"x: 1\n".repeat(33), "more than 32"),
        ] {
            let fault = HeaderFields::parse(text.as_bytes()).unwrap_err();
            assert!(fault.contains(line) && !fault.contains("s3cret"), "{fault}");
        }
    }
}
