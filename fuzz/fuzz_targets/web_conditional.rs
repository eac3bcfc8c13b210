#![no_main]
//! No `If-None-Match` makes its reader panic. A tag is found wherever it stands, weak or strong, and only if it is there.

use fuzz::header_values;
use http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use web::fuzzing::none_match_fails;

const TAG: &str = "\"sluicegate-1\"";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let headers = header_values(IF_NONE_MATCH, bytes);
    let fails = none_match_fails(&headers, TAG);
    let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(!fails || holds(TAG.as_bytes()) || holds(b"*"));
    let with = |more: &str| {
        let mut headers: HeaderMap = headers.clone();
        headers.append(IF_NONE_MATCH, HeaderValue::from_str(more).expect("a tag"));
        none_match_fails(&headers, TAG)
    };
    assert!(with(TAG) && with(&format!("W/{TAG}")) && with(&format!("\"a,b\" ,, {TAG}")) && with("*"));
    assert_eq!(with("\"another\""), fails);
});
