//! Parts of requests from the bytes of an input, one to a line; what cannot be in a request is left out.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The first line as text, empty if it is none, and the other lines.
pub fn first_line(bytes: &[u8]) -> (&str, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (first, rest) = bytes.split_at(end);
    (std::str::from_utf8(first).unwrap_or_default(), rest.strip_prefix(b"\n").unwrap_or(rest))
}

/// Headers such as `accept: */*`. As from a connection, a value has no space around it.
pub fn headers(bytes: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (HeaderName::from_bytes(&line[..colon]), value(&line[colon + 1..]));
        if let (Ok(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

/// The lines as values of one header.
pub fn header_values(name: HeaderName, bytes: &[u8]) -> HeaderMap {
    let values = bytes.split(|byte| *byte == b'\n').filter_map(value);
    values.map(|value| (name.clone(), value)).collect()
}

fn value(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::from_bytes(bytes.trim_ascii()).ok()
}
