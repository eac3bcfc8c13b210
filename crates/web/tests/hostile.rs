//! Requests of malicious and broken programs: they get the right error, and nothing is changed.

use http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN, Setup, TestServer, USER};

const PATH: &str = "/api/mgmt/oauth/client/applications";

/// Checks the format of every error of the management API.
fn assert_envelope(answer: &testkit::Answer, status: u16, code: u64) {
    assert_eq!(answer.status(), status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body["error"]["code"], code, "{body}");
    assert_eq!(body["error"]["message"]["lang"], "en-US");
    assert!(!body["error"]["message"]["value"].as_str().expect("a sentence").is_empty());
}

async fn nothing_is_registered(server: &TestServer) {
    let list = server.get(PATH).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(list["applications"], json!([]));
}

#[tokio::test]
async fn malformed_json_is_named_with_line_and_column() {
    let server = TestServer::start().await;
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let bodies: [&[u8]; 11] = [
        b"",
        b"{",
        b"nonsense",
        b"{\"name\":\"a\"} trailing",
        b"{\"name\":\"a\",}",
        b"{\"name\":\"a\",\"name\":\"b\"}",
        b"{\"name\":\"\xff\xfe\"}",
        b"{\"name\":\"\\ud800\"}",
        b"{\"accessTokenLifetime\":1e400}",
        b"{'name':'a'}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let answer = server.post(PATH).basic(&USER).body("application/json", body).send().await;
        assert_envelope(&answer, 400, 222_207_007);
        let message = answer.error_message();
        assert!(message.starts_with("Invalid JSON Input: "), "{message}");
        assert!(message.contains("line ") && message.contains("column "), "{message}");
    }
    nothing_is_registered(&server).await;
}

#[tokio::test]
async fn every_invalid_field_of_a_payload_is_named() {
    let server = TestServer::start().await;
    let urls = json!(["https://a.example/"]);
    let cases = [
        (json!([]), ""),
        (json!("text"), ""),
        (json!(null), ""),
        (json!({ "redirectUrls": urls }), "name"),
        (json!({ "name": null, "redirectUrls": urls }), "name"),
        (json!({ "name": "", "redirectUrls": urls }), "name"),
        (json!({ "name": " \t ", "redirectUrls": urls }), "name"),
        (json!({ "name": "a\u{0}b", "redirectUrls": urls }), "name"),
        (json!({ "name": "a\nb", "redirectUrls": urls }), "name"),
        (json!({ "name": "é".repeat(129), "redirectUrls": urls }), "name"),
        (json!({ "name": ["a"], "redirectUrls": urls }), "name"),
        (json!({ "name": "a", "description": "d".repeat(257), "redirectUrls": urls }), "description"),
        (json!({ "name": "a", "description": "a\u{1b}[2J", "redirectUrls": urls }), "description"),
        (json!({ "name": "a" }), "redirectUrls"),
        (json!({ "name": "a", "redirectUrls": [] }), "redirectUrls"),
        (json!({ "name": "a", "redirectUrls": "https://a.example/" }), "redirectUrls"),
        (json!({ "name": "a", "redirectUrls": ["https://a.example/#x"] }), "redirectUrls[0]"),
        (json!({ "name": "a", "redirectUrls": ["https://u:p@a.example/"] }), "redirectUrls[0]"),
        (json!({ "name": "a", "redirectUrls": ["javascript:alert(1)"] }), "redirectUrls[0]"),
        (json!({ "name": "a", "redirectUrls": ["data:text/html,x"] }), "redirectUrls[0]"),
        (json!({ "name": "a", "redirectUrls": ["file:///etc/passwd"] }), "redirectUrls[0]"),
        (json!({ "name": "a", "redirectUrls": [""] }), "redirectUrls[0]"),
        (json!({ "name": "a", "redirectUrls": urls, "accessTokenLifetime": 86401 }), "accessTokenLifetime"),
        (json!({ "name": "a", "redirectUrls": urls, "accessTokenLifetime": 1.5 }), "accessTokenLifetime"),
        (json!({ "name": "a", "redirectUrls": urls, "accessTokenLifetime": "600" }), "accessTokenLifetime"),
        (
            json!({ "name": "a", "redirectUrls": urls, "accessTokenLifetime": u64::MAX }),
            "accessTokenLifetime",
        ),
        (json!({ "name": "a", "redirectUrls": urls, "accessTokenLifetime": 1e300 }), "accessTokenLifetime"),
        (json!({ "name": "a", "redirectUrls": urls, "__proto__": {} }), "__proto__"),
        (json!({ "name": "a", "redirectUrls": urls, "applications": [] }), "applications"),
    ];
    for (body, field) in cases {
        let answer = server.post(PATH).basic(&USER).json(&body).send().await;
        assert_envelope(&answer, 400, 222_298_001);
        assert_eq!(answer.faulty_fields(), [field], "{body}");
    }
    nothing_is_registered(&server).await;
}

#[tokio::test]
async fn the_response_to_a_payload_full_of_faults_is_short() {
    let server = TestServer::start().await;
    let members: serde_json::Map<String, Value> =
        (0..50_000).map(|at| (format!("m{at}"), json!(0))).collect();
    let mut body = Value::Object(members);
    body["contacts"] = json!(vec![0; 50_000]);
    body["redirectUrls"] = json!(vec!["#"; 50_000]);
    let answer = server.post(PATH).basic(&USER).json(&body).send().await;
    assert_envelope(&answer, 400, 222_298_001);
    assert!(answer.bytes().len() < 50_000, "{} bytes", answer.bytes().len());
    assert!(answer.text().contains("more faults"), "{}", answer.text());
}

#[tokio::test]
async fn the_longest_name_is_counted_in_characters() {
    let server = TestServer::start().await;
    let body = json!({ "name": "🚢".repeat(128), "description": "é".repeat(256), "redirectUrls": ["https://a.example/"] });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    assert_eq!((&made["name"], &made["description"]), (&body["name"], &body["description"]));
}

#[tokio::test]
async fn a_body_of_another_type_is_415_and_one_that_is_too_long_413() {
    let server = TestServer::start().await;
    let body = br#"{"name":"a","redirectUrls":["https://a.example/"]}"#.as_slice();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "", "x"]
    {
        let answer = server.post(PATH).basic(&USER).body(kind, body).send().await;
        assert_envelope(&answer, 415, 222_299_415);
    }
    let packed =
        server.post(PATH).basic(&USER).body("application/json", body).header("content-encoding", "gzip");
    assert_envelope(&packed.send().await, 415, 222_299_415);
    nothing_is_registered(&server).await;
    for kind in ["application/json", "Application/JSON; charset=\"UTF-8\"", "application/json;charset=utf-8"]
    {
        server.post(PATH).basic(&USER).body(kind, body).send().await.expect(201);
    }
    let long = vec![b' '; 2 * 1024 * 1024];
    let answer = server.post(PATH).basic(&USER).body("application/json", long).send().await;
    assert_envelope(&answer, 413, 222_299_413);
}

#[tokio::test]
async fn unknown_addresses_wrong_methods_and_overlong_addresses_get_the_envelope() {
    let server = TestServer::start().await;
    let unknown = server.get("/api/mgmt/oauth/client/nothing").basic(&USER).send().await;
    assert_envelope(&unknown, 404, 222_299_404);
    for method in [Method::PATCH, Method::DELETE, Method::PUT] {
        let answer = server.call(method, PATH).basic(&USER).send().await;
        assert_envelope(&answer, 405, 222_299_405);
        assert!(answer.header("allow").contains("GET"), "{}", answer.header("allow"));
    }
    let long = format!("{PATH}?query={}", "x".repeat(40_000));
    assert_envelope(&server.get(&long).basic(&USER).send().await, 414, 222_299_414);
}

#[tokio::test]
async fn a_put_that_is_refused_changes_nothing() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "redirectUrls": ["https://a.example/"] });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    let path = format!("{PATH}/{}", made["id"]);
    let before = server.get(&path).basic(&USER).send().await.expect(200).json();
    let refused = [
        json!({ "name": "b" }),
        json!({ "name": "b", "redirectUrls": ["https://b.example/#f"] }),
        json!({ "name": "b", "redirectUrls": ["https://b.example/"], "clientType": "public" }),
        json!({ "name": "b", "redirectUrls": ["https://b.example/"], "scopes": ["api.mgmt"] }),
        json!({ "name": "b", "redirectUrls": ["https://b.example/"], "unknown": 1 }),
    ];
    for body in refused {
        assert_envelope(&server.put(&path).basic(&USER).json(&body).send().await, 400, 222_298_001);
    }
    let wrapped = json!({ "applications": [{ "name": "b", "redirectUrls": ["https://b.example/"] }] });
    assert_eq!(
        server.put(&path).basic(&USER).json(&wrapped).send().await.status(),
        400,
        "the older form registers only"
    );
    let after: Value = server.get(&path).basic(&USER).send().await.expect(200).json();
    assert_eq!(before, after);
}

#[tokio::test]
async fn arbitrary_bytes_in_queries_cause_no_failure() {
    let server = TestServer::start().await;
    for query in [
        "%ff",
        "query=%ff%fe",
        "query=%00",
        "query=%27%20OR%201=1--",
        "limit=1&limit=1",
        "limit=%F0%9F%9A%A2",
        "&&&=&==",
    ] {
        let answer = server.get(&format!("{PATH}?{query}")).basic(&USER).send().await;
        assert!(matches!(answer.status(), 200 | 400), "{query} {}", answer.status());
    }
}

#[tokio::test]
async fn guessing_passwords_is_rate_limited() {
    let mut setup = Setup::default();
    setup.app.rates.failures_per_address_per_minute = 3;
    let server = TestServer::start_with(setup).await;
    let guess = || server.get(PATH).basic_as("nobody", "a guess of a password");
    for _ in 0..3 {
        assert_envelope(&guess().send().await, 401, 222_299_401);
    }
    let limited = guess().send().await;
    assert_envelope(&limited, 429, 222_299_429);
    assert!(limited.header("retry-after").parse::<u32>().unwrap() > 0);
    server.get(PATH).basic(&USER).from_address([192, 0, 2, 7]).send().await.expect(200);
    server.clock().advance_secs(60);
    server.get(PATH).basic(&USER).send().await.expect(200);
}

#[tokio::test]
async fn a_locked_account_is_refused_even_with_the_right_password() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        server.get(PATH).basic_as(USER.name, "a guess of a password").send().await.expect(401);
    }
    let locked = server.get(PATH).basic(&USER).send().await;
    assert_envelope(&locked, 401, 222_299_401);
    server.clock().advance_secs(1_800);
    server.get(PATH).basic(&USER).send().await.expect(200);
}

#[tokio::test]
async fn changes_by_session_cookie_require_the_csrf_token() {
    let server = TestServer::start().await;
    let cookie = server.session(&USER).await;
    let body = json!({ "name": "a", "redirectUrls": ["https://a.example/"] });
    let line = format!("sluicegate={cookie}");
    server.get(PATH).header("cookie", &line).send().await.expect(200);
    let without = server.post(PATH).header("cookie", &line).json(&body).send().await;
    assert_envelope(&without, 403, 222_298_003);
    let other = server.session(&ADMIN).await;
    let foreign = server.app().authentication().csrf_token(&other);
    let wrong =
        server.post(PATH).header("cookie", &line).header("x-csrf-token", foreign.expose()).json(&body);
    assert_envelope(&wrong.send().await, 403, 222_298_003);
    nothing_is_registered(&server).await;
    let token = server.app().authentication().csrf_token(&cookie);
    let right = server.post(PATH).header("cookie", &line).header("x-csrf-token", token.expose()).json(&body);
    right.send().await.expect(201);
    let forged = format!("sluicegate={cookie}x");
    assert_envelope(&server.get(PATH).header("cookie", forged).send().await, 401, 222_299_401);
}

#[tokio::test]
async fn remembered_credentials_cannot_make_changes_for_another_site() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "redirectUrls": ["https://a.example/"] });
    let lured =
        server.post(PATH).basic(&USER).header("sec-fetch-site", "cross-site").json(&body).send().await;
    assert_envelope(&lured, 403, 222_298_003);
    nothing_is_registered(&server).await;
    server.post(PATH).basic(&USER).header("sec-fetch-site", "none").json(&body).send().await.expect(201);
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let server = TestServer::start().await;
    let twice = server.get(PATH).basic(&USER).basic(&ADMIN).send().await;
    assert_envelope(&twice, 400, 222_299_400);
}
