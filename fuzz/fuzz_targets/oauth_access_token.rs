#![no_main]
//! No claims make the reader of signed access tokens panic; what it reads is of the own issuer and part of the claims, and an
//! audience is for this server only if it names it.

use oauth::jwt_access_token::{is_for, read};

const ISSUER: &str = "https://gate.example";

libfuzzer_sys::fuzz_target!(|claims: &[u8]| {
    let Some(found) = read(claims, ISSUER) else { return };
    let text = std::str::from_utf8(claims).expect("claims that are read are text");
    assert!(text.starts_with(&format!("{{\"iss\":\"{ISSUER}\",\"aud\":{}", found.audience)));
    assert!(text.ends_with(&format!("{}\"}}", found.sealed)));
    if is_for(found.audience, ISSUER) {
        let audience: serde_json::Value = serde_json::from_str(found.audience).expect("an audience is JSON");
        assert!(audience.is_string() || audience.is_array());
    }
});
