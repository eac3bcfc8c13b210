#![no_main]
//! No header makes the readers of media types and of codings panic. They mean the same in either case and in one line or several, and a body
//! that is compressed or of two types is refused.

use fuzz::headers;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use web::fuzzing::{accept, accepts_gzip, asks_for, body_is_described_plainly, body_type};

const FORM: &str = "application/x-www-form-urlencoded";
const ASKED: &str = "application/token-introspection+jwt";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let headers = headers(bytes);
    let of_body = |headers: &HeaderMap| body_type(headers).map(|(kind, is_utf8)| (kind.is(FORM), is_utf8));
    let facts = |headers: &HeaderMap| {
        let (is_plain, asks) = (body_is_described_plainly(headers), asks_for(headers, ASKED));
        (of_body(headers), is_plain, asks, accepts_gzip(headers))
    };
    assert_eq!(facts(&headers), facts(&in_capitals(&headers)));
    if let Some(whole) = accept(&headers) {
        let one = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(&whole).expect("it was one"))]);
        assert_eq!(asks_for(&one, ASKED), asks_for(&headers, ASKED));
        assert_eq!(accept(&one).as_deref(), Some(&*whole));
    } else {
        assert!(!asks_for(&headers, ASKED));
    }
    let with = |name: HeaderName, value: &'static str| {
        let mut headers: HeaderMap = headers.clone();
        headers.append(name, HeaderValue::from_static(value));
        headers
    };
    assert!(!body_is_described_plainly(&with(CONTENT_ENCODING, "gzip")));
    let is_plain = body_is_described_plainly(&headers);
    let only = is_plain && !headers.contains_key(CONTENT_TYPE);
    assert_eq!(body_is_described_plainly(&with(CONTENT_TYPE, FORM)), only);
    assert_eq!(body_is_described_plainly(&with(CONTENT_ENCODING, "IDENTITY")), is_plain);
});

fn in_capitals(headers: &HeaderMap) -> HeaderMap {
    let capital = |value: &HeaderValue| HeaderValue::from_bytes(&value.as_bytes().to_ascii_uppercase());
    headers.iter().map(|(name, value)| (name.clone(), capital(value).expect("a value"))).collect()
}
