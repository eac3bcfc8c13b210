#![no_main]
//! No header and no address makes the readers of OData panic. A version and a page size are read again from the response, and an
//! address ends with the text that is passed on.

use fuzz::{first_line, headers};
use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use web::fuzzing::{odata_address, odata_version, page_size};

const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const PREFER: HeaderName = HeaderName::from_static("prefer");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (address, rest) = first_line(bytes);
    if let Ok(uri) = address.parse::<Uri>() {
        address_is_split_once(&uri);
    }
    let headers = headers(rest);
    if let Some(version) = odata_version(&headers) {
        let own = HeaderMap::from_iter([(MAX_VERSION, HeaderValue::from_static(version))]);
        assert_eq!(odata_version(&own), Some(version));
    }
    let Some((rows, applied)) = page_size(&headers) else { return };
    assert!(rows > 0);
    let again = HeaderMap::from_iter([(PREFER, applied.clone())]);
    assert_eq!(page_size(&again), Some((rows, applied)));
    let mut later: HeaderMap = headers.clone();
    later.append(PREFER, HeaderValue::from_static("maxpagesize=7"));
    assert_eq!(page_size(&later).map(|(rows, _)| rows), Some(rows), "the first one counts");
});

fn address_is_split_once(uri: &Uri) {
    let Some((source, rest)) = odata_address(uri) else { return };
    let whole = uri.path_and_query().expect("it has a path").as_str();
    let before = whole.strip_suffix(rest).expect("the rest is its end");
    assert!(rest.is_empty() || rest.starts_with(['/', '?']));
    let encoded = before.rsplit('/').next().unwrap_or_default();
    assert_eq!(before.strip_suffix(encoded), Some("/api/odata4/"));
    assert!(source.is_none_or(|source| source.len() <= encoded.len()));
}
