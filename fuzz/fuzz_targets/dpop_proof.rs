#![no_main]
//! No claims of a proof make its rules panic, and an accepted proof names the method and the token of the request.

use domain::time::Timestamp;
use oauth::dpop::{ProvedRequest, check, check_nonce, may_name_content};
use oauth::jwt::Claims;
use oauth::proof::NO_CONTENT;

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let _ = may_name_content(json);
    let Ok(claims) = Claims::parse(json) else { return };
    let request = ProvedRequest {
        method: "POST",
        url: "https://gate.example/oauth2/token",
        alias: Some("https://gate.example:8443/oauth2/token"),
        access_token_digest: Some("digest"),
        content_digest: &NO_CONTENT,
        now: Timestamp::from_secs(1_800_000_000),
    };
    if let Ok(id) = check(&claims, request) {
        assert!(!id.is_empty() && id.len() <= 512);
        assert_eq!(claims.text("htm"), Ok(Some("POST")));
        assert_eq!(claims.text("ath"), Ok(Some("digest")));
    }
    if check_nonce(&claims, true, |nonce| nonce == "fresh").is_ok() {
        assert_eq!(claims.text("nonce"), Ok(Some("fresh")));
    }
});
