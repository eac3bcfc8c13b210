#![no_main]
//! No `Cookie` makes its readers panic. Cookies of other programs change nothing, a repeated one is nobody's, and what we set is
//! what we read.

use fuzz::header_values;
use http::header::{COOKIE, HeaderMap, HeaderValue};
use web::BasePath;
use web::http::cookies::{CookieScope, is_there, set, value};

const NAME: &str = "sluicegate";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let headers = header_values(COOKIE, bytes);
    let found = value(&headers, NAME);
    assert!(found.is_none() || is_there(&headers, NAME));
    let with = |more: &str| {
        let mut headers: HeaderMap = headers.clone();
        headers.append(COOKIE, HeaderValue::from_str(more).expect("a cookie"));
        headers
    };
    assert_eq!(value(&with("another=1; sluicegate2=2; Sluicegate=3"), NAME), found);
    let expected = if is_there(&headers, NAME) { None } else { Some("1") };
    assert_eq!(value(&with("sluicegate=1"), NAME), expected);
    assert_eq!(value(&in_one_line(&headers), NAME), found);
    std::str::from_utf8(bytes).into_iter().for_each(|text| is_read_as_it_was_set(text, &headers));
});

/// The same cookies as a proxy for HTTP/2 passes them on ([RFC 9113
/// §8.2.3](https://www.rfc-editor.org/rfc/rfc9113#section-8.2.3)).
fn in_one_line(headers: &HeaderMap) -> HeaderMap {
    let lines: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    let line = HeaderValue::from_bytes(&lines.join(&b"; "[..])).expect("a value");
    HeaderMap::from_iter([(COOKIE, line)])
}

fn is_read_as_it_was_set(text: &str, others: &HeaderMap) {
    let base = BasePath::root();
    for tls in [false, true] {
        let scope = CookieScope { tls, base: &base };
        let Some(header) = set("fresh", text, Some(60), scope) else { continue };
        let (pair, attributes) = header.to_str().expect("text").split_once(';').expect("attributes");
        assert!(attributes.starts_with(" Path=/; HttpOnly; SameSite=Lax; Max-Age=60"));
        let mut headers: HeaderMap = others.clone();
        headers.append(COOKIE, pair.parse().expect("a cookie"));
        if !is_there(others, "fresh") {
            assert_eq!(value(&headers, "fresh"), Some(text));
        }
    }
}
