#![no_main]
//! No `Authorization` header makes its readers panic. A scheme reads the same in either case, credentials are of one kind, and a
//! header that is there twice is nobody's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use web::fuzzing::{client, may_be_remembered, token, user};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    password_is_read_as_it_was_sent(bytes);
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value.clone())]);
    let facts = facts(&headers);
    assert_eq!(facts.token.is_some(), !may_be_remembered(&headers));
    assert!(facts.token.is_none() || facts.user.is_none() && !facts.is_client);
    assert_eq!(facts, self::facts(&with_other_case_of_scheme(&headers, bytes)));

    let twice = HeaderMap::from_iter([(AUTHORIZATION, value.clone()), (AUTHORIZATION, value)]);
    assert_eq!(self::facts(&twice), Facts::default());
    assert_eq!(may_be_remembered(&twice), may_be_remembered(&headers));
});

#[derive(Debug, Default, PartialEq)]
struct Facts {
    token: Option<String>,
    user: Option<(String, String)>,
    is_client: bool,
}

fn facts(headers: &HeaderMap) -> Facts {
    Facts {
        token: token(headers).map(|token| token.text.to_owned()),
        user: user(headers).map(|user| (user.name, user.password.expose().to_owned())),
        is_client: client(headers).is_some_and(|client| client.is_ok()),
    }
}

fn with_other_case_of_scheme(headers: &HeaderMap, bytes: &[u8]) -> HeaderMap {
    let mut other = bytes.to_vec();
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let end = bytes[start..].iter().position(|byte| *byte == b' ').map_or(bytes.len(), |end| start + end);
    for byte in &mut other[start..end] {
        *byte ^= if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
    }
    let mut headers = headers.clone();
    headers.insert(AUTHORIZATION, HeaderValue::from_bytes(&other).expect("letters stay letters"));
    headers
}

fn password_is_read_as_it_was_sent(pair: &[u8]) {
    let header = format!("Basic {}", STANDARD.encode(pair));
    let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().expect("base64"))]);
    let sent = std::str::from_utf8(pair).ok().and_then(|pair| pair.split_once(':'));
    let sent = sent.map(|(name, password)| (name.to_owned(), password.to_owned()));
    assert_eq!(facts(&headers).user, sent);
}
