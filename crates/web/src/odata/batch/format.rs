//! Writes the responses of a batch, in either format.

use std::fmt::Write as _;

use axum::body::HttpBody;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use odata::format::MediaType;

use super::run::Answered;

/// The format of a response to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BatchFormat {
    /// Parts that are separated by this boundary, which nobody could guess.
    Multipart(String),
    Json,
}

/// How the bytes of a response's body are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Coding {
    /// As they are.
    Plain,
    /// As the content of a JSON string.
    Text,
    /// As base64url, with the bytes that wait for others.
    Base64(Vec<u8>),
}

impl BatchFormat {
    /// The media type of the response.
    pub(super) fn media_type(&self) -> String {
        match self {
            Self::Multipart(boundary) => format!("multipart/mixed;boundary={boundary}"),
            Self::Json => "application/json".to_owned(),
        }
    }

    /// What is before the first response.
    pub(super) const fn start(&self) -> &'static str {
        match self {
            Self::Multipart(_) => "",
            Self::Json => "{\"responses\":[",
        }
    }

    /// What is after the last response. UI5 demands the line break.
    pub(super) fn end(&self) -> String {
        match self {
            Self::Multipart(boundary) => format!("--{boundary}--\r\n"),
            Self::Json => "]}".to_owned(),
        }
    }

    /// What is before the body of a response, and how the body is written. Without a body that is all of it.
    pub(super) fn head(&self, answered: &Answered, is_first: bool) -> (String, Option<Coding>) {
        match self {
            Self::Multipart(boundary) => match answered.place {
                None => (part_head(boundary, answered), Some(Coding::Plain)),
                Some(place) => {
                    let inner = inner(boundary);
                    let kind = if place.is_first {
                        format!("--{boundary}\r\nContent-Type: multipart/mixed;boundary={inner}\r\n\r\n")
                    } else {
                        String::new()
                    };
                    (kind + &part_head(&inner, answered), Some(Coding::Plain))
                }
            },
            Self::Json => object_head(answered, is_first),
        }
    }

    /// What is after the last response of a change set that is answered as one.
    pub(super) fn end_of_set(&self) -> String {
        match self {
            Self::Multipart(boundary) => format!("--{}--\r\n", inner(boundary)),
            Self::Json => String::new(),
        }
    }

    /// What is after the body of a response.
    pub(super) const fn foot(&self, coding: Option<&Coding>) -> &'static str {
        match (self, coding) {
            (Self::Multipart(_), _) => "\r\n",
            (Self::Json, Some(Coding::Text | Coding::Base64(_))) => "\"}",
            (Self::Json, Some(Coding::Plain) | None) => "}",
        }
    }
}

/// The boundary within a change set, which nobody could guess either.
fn inner(boundary: &str) -> String {
    format!("changeset_{}", boundary.trim_start_matches("batch_"))
}

fn part_head(boundary: &str, answered: &Answered) -> String {
    let Answered { id, response, .. } = answered;
    let status = response.status();
    let mut head =
        format!("--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n");
    if let Some(id) = id {
        // Writing into a string cannot fail.
        let _ = write!(head, "Content-ID: {id}\r\n");
    }
    let reason = status.canonical_reason().unwrap_or_default();
    let _ = write!(head, "\r\nHTTP/1.1 {} {reason}\r\n", status.as_u16());
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = write!(head, "{}: {value}\r\n", in_common_case(name));
    }
    let length =
        response.body().size_hint().exact().filter(|_| !response.headers().contains_key(CONTENT_LENGTH));
    if let Some(length) = length.filter(|_| response.headers().contains_key(CONTENT_TYPE)) {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    head.push_str("\r\n");
    head
}

/// The name of a header as people write it: some clients compare it so.
fn in_common_case(name: &HeaderName) -> String {
    match name.as_str() {
        "etag" => return "ETag".to_owned(),
        "www-authenticate" => return "WWW-Authenticate".to_owned(),
        _ => {}
    }
    let words = name.as_str().split('-').map(|word| {
        if word == "odata" {
            return "OData".to_owned();
        }
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    words.collect::<Vec<_>>().join("-")
}

fn object_head(answered: &Answered, is_first: bool) -> (String, Option<Coding>) {
    let Answered { id, group, response, .. } = answered;
    let mut head = String::from(if is_first { "{" } else { ",{" });
    for (name, text) in [("id", id), ("atomicityGroup", group)] {
        if let Some(text) = text {
            let _ = write!(head, "\"{name}\":{},", quoted(text));
        }
    }
    let _ =
        write!(head, "\"status\":{},\"headers\":{}", response.status().as_u16(), headers(response.headers()));
    let coding = coding_of(response);
    match coding {
        Some(Coding::Plain) => head.push_str(",\"body\":"),
        Some(Coding::Text | Coding::Base64(_)) => head.push_str(",\"body\":\""),
        None => {}
    }
    (head, coding)
}

fn headers(headers: &HeaderMap) -> String {
    let mut object = serde_json::Map::new();
    for name in headers.keys().filter(|name| **name != CONTENT_LENGTH) {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        object.insert(name.as_str().to_owned(), values.collect::<Vec<_>>().join(", ").into());
    }
    serde_json::Value::Object(object).to_string()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// How the body is written, by its media type; `None` if there is none ([JSON
/// §19.4](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_BatchResponse)).
fn coding_of(response: &Response) -> Option<Coding> {
    let kind = response.headers().get(CONTENT_TYPE)?.to_str().unwrap_or_default();
    if response.body().size_hint().exact() == Some(0) {
        return None;
    }
    let is_text = kind.starts_with("text/");
    Some(if MediaType::read(kind).is("application/json") {
        Coding::Plain
    } else if is_text {
        Coding::Text
    } else {
        Coding::Base64(Vec::new())
    })
}

impl Coding {
    /// The next bytes of the body as they are written; `None` at its end.
    pub(super) fn write(&mut self, bytes: Option<&[u8]>) -> Vec<u8> {
        match self {
            Self::Plain => bytes.unwrap_or_default().to_vec(),
            Self::Text => escaped(bytes.unwrap_or_default()),
            Self::Base64(waiting) => {
                waiting.extend_from_slice(bytes.unwrap_or_default());
                let whole = if bytes.is_some() { waiting.len() - waiting.len() % 3 } else { waiting.len() };
                let encoded = URL_SAFE_NO_PAD.encode(&waiting[..whole]);
                waiting.drain(..whole);
                encoded.into_bytes()
            }
        }
    }
}

/// The content of a JSON string. A character may continue in the next bytes, so each byte is judged alone.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_pieces() {
        let all = |mut coding: Coding, pieces: &[&str]| {
            let mut out = Vec::new();
            for piece in pieces {
                out.extend(coding.write(Some(piece.as_bytes())));
            }
            out.extend(coding.write(None));
            String::from_utf8(out).unwrap()
        };
        assert_eq!(all(Coding::Plain, &["{\"a\"", ":1}"]), "{\"a\":1}");
        let text = all(Coding::Text, &["a\"\\", "\r\n\u{1}ä"]);
        assert_eq!(serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap(), "a\"\\\r\n\u{1}ä");
        for whole in ["", "a", "ab", "abc", "abcdefgh"] {
            for at in 0..=whole.len() {
                let (first, second) = whole.split_at(at);
                assert_eq!(all(Coding::Base64(Vec::new()), &[first, second]), URL_SAFE_NO_PAD.encode(whole));
            }
        }
    }

    #[test]
    fn headers_have_the_case_that_clients_expect() {
        for (name, expected) in [
            ("odata-version", "OData-Version"),
            ("content-type", "Content-Type"),
            ("etag", "ETag"),
            ("www-authenticate", "WWW-Authenticate"),
            ("retry-after", "Retry-After"),
        ] {
            assert_eq!(in_common_case(&HeaderName::from_static(name)), expected);
        }
    }
}
