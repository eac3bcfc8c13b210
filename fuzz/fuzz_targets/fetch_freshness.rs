#![no_main]
//! No headers of another server make the reader of the lifetime of a document panic; a document that must not be kept is not.

use fetch::lifetime_secs;
use http::header::{CACHE_CONTROL, HeaderValue};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut headers = fuzz::headers(bytes);
    let before = lifetime_secs(&headers);
    headers.append(CACHE_CONTROL, HeaderValue::from_static("public, no-store"));
    assert_eq!(lifetime_secs(&headers), Some(0), "it was {before:?}");
});
