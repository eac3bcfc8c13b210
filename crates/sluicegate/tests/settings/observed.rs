//! The effects of settings, as clients observe them.

use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Random, Served, TestUser, USER, Wire, WireAnswer, WireClient};

use crate::BINARY;

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

fn listed(installation: &Installation, what: &[&str]) -> Value {
    let output = installation.command(what).output().expect("the binary runs");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn seconds_between(from: &Value, to: &Value) -> i64 {
    let moment = |value: &Value| value.as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time");
    moment(to).as_second() - moment(from).as_second()
}

fn register(served: &Served, more: &Value) -> WireAnswer {
    let mut body = json!({ "name": "Reports", "redirectUrls": ["http://127.0.0.1:9/callback"] });
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    Wire::new(served.url()).post_json(APPLICATIONS, &USER, &body).expect("an answer")
}

/// What an application observes: its profile, whether its secret is shown, whether a refresh token is accepted twice, and
/// the lifetimes of the older of two secrets and of its user's session.
fn met(installation: &Installation, served: &Served) -> Value {
    let wire = Wire::new(served.url());
    let registered = register(served, &json!({})).json();
    let laxest = register(served, &json!({ "profile": "compatible" })).status.as_u16();
    let client =
        WireClient::register(&wire, &USER, "Strict", &json!({ "profile": "oauth21" })).expect("it is made");
    let verifier = Random::new(7).verifier();
    let code = client.code(&Wire::new(served.url()), &USER, &verifier).expect("a code");
    let tokens = client.exchange(&wire, &code, &verifier).expect("an answer").json();
    let first = tokens["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(client.refresh(&wire, first).expect("an answer").status, 200);
    let again = client.refresh(&wire, first).expect("an answer").status.as_u16();
    let shown = wire.get(&client.path(), Some(&USER)).expect("an answer").json();
    let added = wire.post_json(&format!("{}/secrets", client.path()), &USER, &json!({})).expect("an answer");
    let secrets = wire.get(&client.path(), Some(&USER)).expect("an answer").json()["secrets"].clone();
    let sessions = listed(installation, &["session", "list", USER.name, "--json"]);
    json!({
        "profile": registered["profile"],
        "laxest": laxest,
        "again": again,
        "revealed": shown["clientSecret"].is_string(),
        "overlap": seconds_between(&added.json()["createdAt"], &secrets[0]["expiresAt"]),
        "session": seconds_between(&sessions[0]["signedInAt"], &sessions[0]["expiresAt"]),
    })
}

#[test]
fn tokens_and_secrets_follow_the_settings() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let expected = json!({
        "profile": "compatible", "laxest": 201, "again": 200, "revealed": false, "overlap": 86_400, "session": 43_200,
    });
    assert_eq!(met(&installation, &served), expected);
    drop(served);
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(
        &[],
        &[
            ("SLUICEGATE_COMPATIBILITY__REVEAL_CLIENT_SECRET", "true"),
            ("SLUICEGATE_PROFILES__DEFAULT", "oauth21"),
            ("SLUICEGATE_PROFILES__MINIMUM", "oauth21"),
            ("SLUICEGATE_TOKENS__REFRESH_GRACE_SECS", "0"),
            ("SLUICEGATE_CLIENT_SECRETS__OVERLAP_SECS", "120"),
            ("SLUICEGATE_SESSIONS__LIFETIME_SECS", "90"),
        ],
    );
    let set = json!({ "profile": "oauth21", "laxest": 400, "again": 400, "revealed": true, "overlap": 120, "session": 90 });
    assert_eq!(met(&installation, &served), set);
}

/// The statuses of attempts with a secret, in order.
fn tries(variables: &[(&str, &str)], secret: Option<&str>, count: usize) -> Vec<u16> {
    let installation = Installation::new(BINARY);
    let variables = [&[("SLUICEGATE_RATE_LIMIT__ENABLED", "true")][..], variables].concat();
    let served = installation.serve_with(&[], &variables);
    let wire = Wire::new(served.url());
    let mut client = WireClient::register(&wire, &USER, "Tried", &json!({})).expect("it is made");
    if let Some(wrong) = secret {
        wrong.clone_into(&mut client.client_secret);
    }
    let answers = (0..count).map(|_| client.post(&wire, "/oauth2/introspect", &[("token", "x")]));
    answers.map(|answer| answer.expect("an answer").status.as_u16()).collect()
}

#[test]
fn rate_limits_follow_the_settings() {
    const FAILURES: (&str, &str) = ("SLUICEGATE_RATE_LIMIT__FAILURES_PER_ADDRESS_PER_MINUTE", "2");
    assert_eq!(tries(&[], Some("wrong"), 4), [401; 4]);
    let limited = tries(&[FAILURES], Some("wrong"), 4);
    assert_eq!((limited[0], limited[3]), (401, 429), "{limited:?}");
    assert_eq!(tries(&[FAILURES, ("SLUICEGATE_RATE_LIMIT__ENABLED", "false")], Some("wrong"), 4), [401; 4]);
    assert_eq!(tries(&[], None, 4), [200; 4]);
    for limit in ["PER_ADDRESS_PER_MINUTE", "PER_APPLICATION_PER_MINUTE"] {
        let variable = format!("SLUICEGATE_RATE_LIMIT__{limit}");
        let limited = tries(&[(&variable, "2")], None, 4);
        assert_eq!((limited[0], limited[3]), (200, 429), "{limit}: {limited:?}");
    }
}

#[test]
fn a_server_behind_a_proxy_uses_its_public_url() {
    let installation = Installation::new(BINARY);
    let seen = |variables: &[(&str, &str)]| {
        let served = installation.serve_with(&[], variables);
        let wire = Wire::new(served.url());
        let metadata = wire.get("/.well-known/oauth-authorization-server", None).expect("an answer").json();
        let page = wire.get("/login", None).expect("an answer");
        let cookie = page.headers["set-cookie"].to_str().expect("text").to_owned();
        let wrong = testkit::basic(USER.name, "wrong");
        let headers = [("x-forwarded-for", "198.51.100.7"), ("authorization", &wrong)];
        assert_eq!(wire.send("GET", APPLICATIONS, &headers, None).expect("an answer").status, 401);
        drop(served);
        let events = listed(&installation, &["audit", "list", "--action", "user.sign_in", "--json"]);
        (metadata["issuer"].as_str().expect("an issuer").to_owned(), cookie, events[0]["address"].clone())
    };
    let (issuer, cookie, address) = seen(&[]);
    assert!(issuer.starts_with("http://127.0.0.1:"), "{issuer}");
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(address, "127.0.0.1");
    let (issuer, cookie, address) = seen(&[
        ("SLUICEGATE_PUBLIC_URL", "https://gate.example.org"),
        ("SLUICEGATE_BEHIND_TLS_PROXY", "true"),
        ("SLUICEGATE_TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    assert_eq!(issuer, "https://gate.example.org");
    assert!(cookie.starts_with("__Host-") && cookie.contains("Secure"), "{cookie}");
    assert_eq!(address, "198.51.100.7");
}

#[test]
fn the_log_follows_the_settings() {
    let installation = Installation::new(BINARY);
    let printed = |variables: &[(&str, &str)]| {
        let served = installation.serve_with(&[], variables);
        Wire::new(served.url()).get("/login", None).expect("an answer");
        served.terminate().1
    };
    let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok();
    let human = printed(&[("SLUICEGATE_LOG__FORMAT", "human")]);
    assert!(human.contains("/login") && !human.lines().any(is_json), "{human}");
    let machine = printed(&[("SLUICEGATE_LOG__FORMAT", "json")]);
    assert!(machine.lines().any(|line| line.contains("/login") && is_json(line)), "{machine}");
    let quiet = printed(&[("SLUICEGATE_LOG__LEVEL", "info,access=warn")]);
    assert!(!quiet.contains("/login"), "{quiet}");
}

#[test]
fn limits_of_data_sources_follow_the_settings() {
    let installation = Installation::new(BINARY);
    let folder = installation.folder().join("open");
    std::fs::create_dir(&folder).expect("a folder");
    let file = installation.sample_data("open/harbour.sqlite");
    let (folder, file) = (folder.to_str().expect("a path"), file.to_str().expect("a path"));
    let read = |variables: &[(&str, &str)], name: &str, user: &TestUser| {
        let served = installation.serve_with(&[], variables);
        let wire = Wire::new(served.url());
        let body =
            json!({ "name": name, "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
        let made = wire.post_json("/api/mgmt/datasources", user, &body).expect("an answer").status.as_u16();
        let page = wire.get(&format!("/api/odata4/{name}/Ships"), Some(user)).expect("an answer");
        let rows = (page.status == 200).then(|| page.json()["value"].as_array().map_or(0, Vec::len));
        (made, rows)
    };
    let (made, all) = read(&[], "whole", &ADMIN);
    assert!(made == 201 && all > Some(3), "{all:?}");
    assert_eq!(read(&[], "closed", &USER), (400, None), "it lies elsewhere than sources do");
    let set =
        [("SLUICEGATE_DATA_SOURCES__SQLITE_FOLDERS", folder), ("SLUICEGATE_DATA_SOURCES__PAGE_SIZE", "3")];
    assert_eq!(read(&set, "opened", &USER), (201, Some(3)));
}

#[test]
fn request_size_limits_follow_the_settings() {
    let installation = Installation::new(BINARY);
    let statuses = |variables: &[(&str, &str)]| {
        let served = installation.serve_with(&[], variables);
        let wire = Wire::new(served.url());
        let long = "x".repeat(10_000);
        let body = json!({ "name": "Reports", "description": long }).to_string();
        let authorization = testkit::basic(USER.name, USER.password);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = wire.send("POST", APPLICATIONS, &headers, Some(&body));
        let address = wire.get(&format!("/login?{long}"), None);
        let head = wire.send("GET", "/login", &[("x-long", &long)], None);
        [body, address, head].map(|answer| answer.expect("an answer").status.as_u16())
    };
    assert_eq!(statuses(&[]), [400, 200, 200]);
    let set = [
        ("SLUICEGATE_LIMITS__MAX_BODY_BYTES", "2048"),
        ("SLUICEGATE_LIMITS__MAX_URI_BYTES", "2048"),
        ("SLUICEGATE_LIMITS__MAX_HEADER_BYTES", "8192"),
    ];
    // The URL is part of the head, and the limit of the head is checked first.
    let [body, address, head] = statuses(&set);
    assert_eq!((body, head), (413, 431));
    assert!(matches!(address, 414 | 431), "{address}");
    assert_eq!(statuses(&set[..2]), [413, 414, 200]);
}

#[test]
fn a_draining_server_serves_and_reports_that_it_is_not_ready() {
    let installation = Installation::new(BINARY);
    let served = installation.serve_with(&[], &[("SLUICEGATE_LIMITS__DRAIN_SECS", "2")]);
    let wire = Wire::new(served.url());
    assert_eq!(wire.get("/readyz", None).expect("an answer").status, 200);
    let url = served.url().to_owned();
    let ending = std::thread::spawn(move || served.terminate());
    let drains = (0..100_000).any(|_| {
        let wire = Wire::new(&url);
        wire.get("/readyz", None).is_ok_and(|answer| answer.status == 503)
            && wire.get("/login", None).is_ok_and(|answer| answer.status == 200)
    });
    assert!(drains, "it says that it is not ready and still serves");
    assert!(ending.join().expect("it ends").0.success());
}
