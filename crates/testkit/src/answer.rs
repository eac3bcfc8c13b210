//! A response of the server, read to its end.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, LOCATION};
use http::response::Parts;
use miniz_oxide::inflate::decompress_to_vec;
use serde_json::Value;

/// A response with its whole body, without its content coding.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer with this head and body.
    pub(crate) fn of(head: &Parts, body: Bytes) -> Self {
        let is_coded = head.headers.get(CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = if is_coded && !body.is_empty() { uncompressed(&body) } else { body };
        Self { status: head.status.as_u16(), headers: head.headers.clone(), body }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Every header.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The value of a header as text; empty if it is absent.
    ///
    /// # Panics
    /// If the value is not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("the header is text"))
    }

    /// The address to which the server redirects the client.
    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// The body's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// Returns the response if it has this status.
    ///
    /// # Panics
    /// If the status is a different one; the message shows the body.
    #[expect(clippy::return_self_not_must_use, reason = "often nothing but the status matters")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.status, String::from_utf8_lossy(&self.body));
        self
    }

    /// The error code in the envelope of the management API; 0 if the body is not such an envelope.
    pub fn error_code(&self) -> u64 {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        body.and_then(|body| body["error"]["code"].as_u64()).unwrap_or(0)
    }

    /// The error message in the envelope of the management API; empty if the body is not such an envelope.
    pub fn error_message(&self) -> String {
        let body: Option<Value> = serde_json::from_slice(&self.body).ok();
        let text = body.and_then(|body| body["error"]["message"]["value"].as_str().map(str::to_owned));
        text.unwrap_or_default()
    }

    /// The fields in `error.details`, in order.
    pub fn faulty_fields(&self) -> Vec<String> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let details = body["error"]["details"].as_array().cloned().unwrap_or_default();
        details.iter().filter_map(|detail| detail["field"].as_str().map(str::to_owned)).collect()
    }
}

/// The content of a body in the coding gzip, without optional fields.
///
/// # Panics
/// If it is none.
pub fn uncompressed(body: &[u8]) -> Bytes {
    let content = body.strip_prefix(&[0x1f, 0x8b, 8, 0]).and_then(|rest| rest.get(6..rest.len() - 8));
    let content = decompress_to_vec(content.expect("the body is in gzip")).expect("the body is compressed");
    let length = u32::try_from(content.len()).expect("the body is short");
    assert!(body.ends_with(&length.to_le_bytes()), "the body is whole");
    content.into()
}
