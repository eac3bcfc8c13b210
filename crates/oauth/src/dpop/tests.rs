use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const URL: &str = "https://gate.example/oauth2/token";
const ALIAS: &str = "https://mtls.gate.example/oauth2/token";

fn judge(json: &str, digest: Option<&str>) -> Result<String, Refusal> {
    let claims = Claims::parse(json.as_bytes()).unwrap();
    let request = ProvedRequest {
        method: "POST",
        url: URL,
        alias: Some(ALIAS),
        access_token_digest: digest,
        content_digest: &crate::proof::NO_CONTENT,
        now: NOW,
    };
    check(&claims, request).map(str::to_owned)
}

fn claims(jti: &str, htm: &str, htu: &str, iat: i64) -> String {
    format!(r#"{{"jti":"{jti}","htm":"{htm}","htu":"{htu}","iat":{iat}}}"#)
}

#[test]
fn a_proof_names_the_method_and_the_url() {
    for url in [URL, ALIAS] {
        assert_eq!(judge(&claims("a", "POST", url, 1_800_000_000), None).as_deref(), Ok("a"));
    }
    for (htm, htu, refusal) in [
        ("GET", URL, Refusal::DpopMethodDiffers),
        ("post", URL, Refusal::DpopMethodDiffers),
        ("POST", "https://gate.example/oauth2/introspect", Refusal::DpopUrlDiffers),
        ("POST", "https://other.example/oauth2/token", Refusal::DpopUrlDiffers),
    ] {
        assert_eq!(judge(&claims("a", htm, htu, 1_800_000_000), None), Err(refusal), "{htm} {htu}");
    }
}

#[test]
fn a_proof_is_accepted_within_its_window() {
    for (offset, accepted) in [(0, true), (60, true), (61, false), (-300, true), (-301, false)] {
        let judged = judge(&claims("a", "POST", URL, 1_800_000_000 + offset), None);
        let expected = if accepted { Ok("a".to_owned()) } else { Err(Refusal::DpopTimeWrong) };
        assert_eq!(judged, expected, "{offset}");
    }
    let ended = format!(r#"{{"jti":"a","htm":"POST","htu":"{URL}","iat":1800000000,"exp":1799999999}}"#);
    assert_eq!(judge(&ended, None), Err(Refusal::DpopTimeWrong));
    let from = |nbf: i64| {
        judge(&format!(r#"{{"jti":"a","htm":"POST","htu":"{URL}","iat":1800000000,"nbf":{nbf}}}"#), None)
    };
    assert_eq!(from(1_800_000_000), Ok("a".to_owned()));
    assert_eq!(from(1_800_001_000), Err(Refusal::DpopTimeWrong));
}

#[test]
fn every_required_claim_is_present_in_its_type() {
    let complete = claims("a", "POST", URL, 1_800_000_000);
    for name in ["jti", "htm", "htu", "iat"] {
        let other = complete.replace(&format!("\"{name}\""), "\"other\"");
        assert_eq!(judge(&other, None), Err(Refusal::DpopClaimMissing), "without {name}");
    }
    let long = claims(&"j".repeat(513), "POST", URL, 1_800_000_000);
    for json in [claims("", "POST", URL, 0), complete.replace("\"a\"", "7"), long] {
        assert_eq!(judge(&json, None), Err(Refusal::DpopClaimMissing), "{json}");
    }
}

#[test]
fn a_proof_at_a_resource_names_the_access_token() {
    let with =
        |ath: &str| format!(r#"{{"jti":"a","htm":"POST","htu":"{URL}","iat":1800000000,"ath":{ath}}}"#);
    assert_eq!(judge(&with("\"digest\""), Some("digest")).as_deref(), Ok("a"));
    assert_eq!(judge(&with("\"other\""), Some("digest")), Err(Refusal::DpopTokenDiffers));
    assert_eq!(judge(&with("7"), Some("digest")), Err(Refusal::DpopClaimMissing));
    let without = claims("a", "POST", URL, 1_800_000_000);
    assert_eq!(judge(&without, Some("digest")), Err(Refusal::DpopClaimMissing));
}

#[test]
fn a_nonce_is_checked_where_it_is_required_or_sent() {
    for (json, is_required, expected) in [
        ("{}", false, Ok(false)),
        ("{}", true, Err(Refusal::DpopNonceMissing)),
        (r#"{"nonce":"fresh"}"#, false, Ok(true)),
        (r#"{"nonce":"fresh"}"#, true, Ok(true)),
        (r#"{"nonce":"old"}"#, false, Err(Refusal::DpopNonceStale)),
        (r#"{"nonce":7}"#, false, Err(Refusal::DpopClaimMissing)),
    ] {
        let claims = Claims::parse(json.as_bytes()).unwrap();
        assert_eq!(check_nonce(&claims, is_required, |nonce| nonce == "fresh"), expected, "{json}");
    }
}
