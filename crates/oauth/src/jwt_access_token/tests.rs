//! Tests of the claims of signed access tokens.

use serde_json::{Value, json};

use super::*;
use crate::proof::Thumbprint;
use crate::scope::BuiltInScope;

const ISSUER: &str = "https://gate.example";

fn claims<'a>(audience: &'a [Cow<'a, str>]) -> AccessTokenClaims<'a> {
    AccessTokenClaims {
        issuer: ISSUER,
        audience,
        subject: "4",
        client_id: "the-client",
        id: TokenId::compose(Timestamp::from_secs(1_000), [7; 8]),
        expires_at: Timestamp::from_secs(4_600),
        scope: "api.mgmt api.access.odata",
        auth_time: None,
        acr: None,
        authorization_details: None,
        act: None,
        binding: None,
        sealed: "sgj_abc",
    }
}

#[test]
fn a_token_has_the_claims_of_the_specification() {
    let own = [Cow::from(ISSUER)];
    let written: Value = serde_json::from_slice(&claims(&own).to_json()).unwrap();
    let expected = json!({
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "4",
        "client_id": "the-client",
        "iat": 1_000,
        "exp": 4_600,
        "jti": "000000003b9aca000707070707070707",
        "scope": "api.mgmt api.access.odata",
        "sluicegate": "sgj_abc",
    });
    assert_eq!(written, expected);
}

#[test]
fn what_is_known_of_the_sign_in_and_of_the_binding_is_told() {
    let two = [Cow::from(ISSUER), Cow::from("https://orders.example")];
    let key = KeyBinding::Key(Thumbprint::from_bytes([0; 32]));
    let more = AccessTokenClaims {
        auth_time: Some(Timestamp::from_secs(900)),
        acr: Some("pwd"),
        act: None,
        binding: Some(key),
        ..claims(&two)
    };
    let written: Value = serde_json::from_slice(&more.to_json()).unwrap();
    assert_eq!(written["aud"], json!([ISSUER, "https://orders.example"]));
    assert_eq!((&written["auth_time"], &written["acr"]), (&json!(900), &json!("pwd")));
    assert_eq!(written["cnf"], json!({ "jkt": "A".repeat(43) }));
    let certificate = KeyBinding::Certificate(Thumbprint::from_bytes([0; 32]));
    let bound = AccessTokenClaims { binding: Some(certificate), ..more };
    let written: Value = serde_json::from_slice(&bound.to_json()).unwrap();
    assert_eq!(written["cnf"], json!({ "x5t#S256": "A".repeat(43) }));
}

#[test]
fn only_the_claims_of_the_own_issuer_are_read() {
    let own = [Cow::from(ISSUER)];
    let json = claims(&own).to_json();
    let read = read(&json, ISSUER).unwrap();
    assert_eq!((read.audience, read.sealed), (r#""https://gate.example""#, "sgj_abc"));
    for other in ["https://gate.example.org", "https://gate.exampl", "https://gate.example/", ""] {
        assert!(super::read(&json, other).is_none(), "{other}");
    }
    for text in [
        "",
        "{}",
        r#"{"iss":"https://gate.example"}"#,
        r#"{"iss":"https://gate.example","aud":"x","sub":"4"}"#,
    ] {
        assert!(super::read(text.as_bytes(), ISSUER).is_none(), "{text}");
    }
}

#[test]
fn a_text_with_quotes_adds_no_claim() {
    let odd = r#"x","sub":"1","sluicegate":"sgj_other"#;
    let audience = [Cow::from(odd)];
    let hostile = AccessTokenClaims { subject: odd, scope: "a\\b\n", ..claims(&audience) };
    let json = hostile.to_json();
    let written: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        (&written["aud"], &written["sub"], &written["scope"]),
        (&json!(odd), &json!(odd), &json!("a\\b\n"))
    );
    assert_eq!(read(&json, ISSUER).unwrap().sealed, "sgj_abc");
}

#[test]
fn an_audience_is_this_server_or_an_address_below_it() {
    for (audience, ours) in [
        (json!(ISSUER), true),
        (json!("https://gate.example/api/odata4/ships"), true),
        (json!(["https://orders.example", ISSUER]), true),
        (json!(["https://orders.example"]), false),
        (json!("https://gate.example.org"), false),
        (json!(r#"x","https://gate.example"#), false),
        (json!([]), false),
        (json!(null), false),
    ] {
        assert_eq!(is_for(&audience.to_string(), ISSUER), ours, "{audience}");
    }
}

#[test]
fn the_audience_is_that_of_the_scopes() {
    let registry = ScopeRegistry::built_in();
    let scopes = ScopeSet::from(BuiltInScope::OData);
    assert_eq!(audience_of(&scopes, &registry, ISSUER), [ISSUER]);
}
