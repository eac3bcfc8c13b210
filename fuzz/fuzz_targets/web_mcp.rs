#![no_main]
//! No message of an agent makes the readers panic; what they accept has an id that can be repeated. Whatever a page of rows
//! contains, rows that are JSON stay JSON.

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|input: (&[u8], &[u8])| {
    let (header, body) = input;
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(header) {
        for name in ["mcp-protocol-version", "mcp-method", "mcp-name"] {
            headers.insert(name, value.clone());
        }
    }
    for headers in [headers, HeaderMap::new()] {
        if let Some((id, _)) = web::fuzzing::mcp_message(&headers, body) {
            assert!(id.is_string() || id.is_i64() || id.is_u64());
        }
    }
    let is_json = serde_json::from_slice::<Value>(body).is_ok();
    for row in web::fuzzing::mcp_rows(body).unwrap_or_default() {
        assert!(!is_json || serde_json::from_str::<Value>(&row).is_ok());
    }
});
