#![no_main]
//! No headers of another server make the reader of the lifetime of a document panic; a document that must not be kept is not.

use fetch::lifetime_secs;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    let before = lifetime_secs(&headers);
    headers.append(CACHE_CONTROL, HeaderValue::from_static("public, no-store"));
    assert_eq!(lifetime_secs(&headers), Some(0), "it was {before:?}");
});
