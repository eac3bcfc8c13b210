#![no_main]
//! No headers make the search for the initiator panic. A request is ours only if the browser says so or its origin is one of
//! this server, and what another page caused may change nothing.

use fuzz::{first_line, headers};
use http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::{Method, Uri};
use web::fuzzing::{initiator, named_host, withholds_cookies};
use web::http::initiator::Initiator;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (address, rest) = first_line(bytes);
    let Ok(uri) = address.parse::<Uri>() else { return };
    let headers = headers(rest);
    for public_url in ["http://127.0.0.1:8080", "https://gate.example/gate"] {
        let found = initiator(&uri, &headers, public_url);
        if found == Initiator::Ours {
            let said = headers.get(SITE).is_some_and(|site| site == "same-origin");
            assert!(said || origin_is_this_server(&uri, &headers, public_url));
        }
        assert!(found.may_change_by_cookie() || !found.may_change_by_basic());
        assert!(found.may_change_by_basic() || !found.may_open_session_by_basic());
        let withholds = withholds_cookies(found, &Method::GET, &headers);
        assert!(!withholds || withholds_cookies(found, &Method::POST, &headers));
        assert!(!withholds || matches!(found, Initiator::Another | Initiator::Hidden));

        let with = |name: HeaderName, value: &'static str| {
            let mut headers: HeaderMap = headers.clone();
            headers.append(name, HeaderValue::from_static(value));
            initiator(&uri, &headers, public_url)
        };
        assert_eq!(with(SITE, "cross-site"), Initiator::Another);
        if !headers.contains_key(SITE) {
            assert_eq!(with(SITE, "same-origin"), Initiator::Ours);
            let is_evil =
                named_host(&uri, &headers).is_some_and(|host| host.eq_ignore_ascii_case("evil.example"));
            assert!(is_evil || with(ORIGIN, "https://evil.example") == Initiator::Another);
        }
    }
});

fn origin_is_this_server(uri: &Uri, headers: &HeaderMap, public_url: &str) -> bool {
    let Some(origin) = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()) else { return false };
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let is_asked = named_host(uri, headers).is_some_and(|host| host.eq_ignore_ascii_case(authority));
    let is_safe = scheme == "https" || !public_url.starts_with("https:");
    is_asked && is_safe || public_url.trim_end_matches("/gate") == origin
}
