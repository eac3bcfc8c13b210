//! A real server whose public URL has a path, as a person with a browser meets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use testkit::{Installation, Served, USER, Wire, WireAnswer, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const VERIFIER: &str = "a verifier that is forty-three characters long, or more";

/// Follows the redirects of the server to a page.
fn follow(wire: &Wire, mut answer: WireAnswer) -> WireAnswer {
    while let Some(location) = answer.location {
        assert!(location.starts_with("/gate/"), "{location} leads out of the path");
        answer = wire.get(&location, None).unwrap();
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// A person signs in, allows an application, looks at the account and signs out; the cookies have the prefix.
fn walk(served: &Served, wire: &Wire, prefix: &str) {
    let client = WireClient::register(wire, &USER, "Tide table", &serde_json::json!({})).unwrap();
    let back = wire.allow(&client.authorize(VERIFIER), &USER).unwrap();
    let back = url::Url::parse(&back).unwrap();
    let issuer = back.query_pairs().find(|(name, _)| name == "iss").unwrap().1.into_owned();
    assert_eq!(issuer, served.url());

    let account = wire.get("/account", None).unwrap();
    assert!(account.body.contains("Your account"), "{account:?}");
    let allowed = wire.get("/account/applications", None).unwrap();
    assert!(allowed.body.contains("Tide table"), "{allowed:?}");
    let style = wire.get("/assets/style.css", None).unwrap();
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");

    let out = follow(wire, wire.press(&account, "logout-submit").unwrap());
    assert!(out.body.contains("You are signed out"), "{out:?}");
    let login = follow(wire, wire.get("/account", None).unwrap());
    assert!(login.body.contains("id=\"login-submit\""), "{login:?}");

    let seen = wire.seen();
    let cookies: Vec<_> = seen.iter().flat_map(|answer| answer.headers.get_all("set-cookie")).collect();
    assert!(cookies.len() >= 3, "of a visitor, of a session, and its end: {cookies:?}");
    for cookie in cookies {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.starts_with(prefix) && cookie.contains("; Path=/gate;"), "{cookie}");
        assert_eq!(cookie.ends_with("; Secure"), prefix.starts_with("__Secure-"), "{cookie}");
    }
    let root = served.url().strip_suffix("/gate").unwrap();
    for outside in ["/", "/login", "/account", "/gatehouse/login"] {
        let answer = wire.get(&format!("{root}{outside}"), None).unwrap();
        assert_eq!((answer.status.as_u16(), answer.location), (404, None), "{outside}");
    }
    assert_eq!(wire.get(&format!("{root}/readyz"), None).unwrap().status, 200);
}

#[test]
fn a_person_signs_in_allows_and_signs_out_below_a_path() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_below("/gate", &[], &[]);
    walk(&served, &Wire::new(served.url()).recording(), "sluicegate");
    let (status, printed) = served.terminate();
    assert!(status.success(), "{printed}");
}

#[test]
fn a_person_signs_in_allows_and_signs_out_below_a_path_over_tls() {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    let [chain, key] = ["first.pem", "first.key"].map(|name| certificates.join(name));
    let arguments = ["--tls-cert", chain.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let installation = Installation::new(BINARY);
    let served = installation.serve_below("/gate", &arguments, &[]);
    assert!(served.url().starts_with("https://"));
    let wire = Wire::trusting(served.url(), &std::fs::read(&chain).unwrap());
    walk(&served, &wire.recording(), "__Secure-sluicegate");
}
