//! Pushed authorization requests ([RFC 9126](https://www.rfc-editor.org/rfc/rfc9126)).

use app::node::clock::Clock as _;
use serde_json::json;
use testkit::{Answer, ClientKey, Setup, TestServer, USER};

use crate::client::{
    APPLICATIONS, CALLBACK, CHALLENGE, Client, Fields, S256, Tokens, allow, assert_refused, parameter,
    password_fields,
};

const PAR: &str = "/oauth2/par";

/// A complete request.
const REQUEST: Fields<'_> = &[
    ("response_type", "code"),
    ("redirect_uri", CALLBACK),
    ("state", "s"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// Pushes the request with these further parameters, and returns its reference.
async fn push(server: &TestServer, client: &Client, more: Fields<'_>) -> String {
    let answer = client.post(server, PAR, &[REQUEST, more].concat()).await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!(body["expires_in"], 60);
    body["request_uri"].as_str().unwrap().to_owned()
}

fn url(client: &Client, reference: &str, more: Fields<'_>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("client_id", &client.identifier).append_pair("request_uri", reference);
    format!("/oauth2/authorize?{}", query.extend_pairs(more).finish())
}

fn assert_unknown(answer: &Answer) {
    assert_eq!(answer.status(), 400, "{}", answer.location());
    assert!(answer.text().contains("id=\"error-code\">invalid_request_uri<"), "{}", answer.text());
}

#[tokio::test]
async fn a_pushed_request_yields_one_code() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for path in [PAR, "/api/mgmt/oauth2/par"] {
        let answer = client.post(&server, path, REQUEST).await.expect(201);
        let reference = answer.json()["request_uri"].as_str().unwrap().to_owned();
        assert!(reference.starts_with("urn:ietf:params:oauth:request_uri:"), "{reference}");
        let url = url(&client, &reference, &[]);
        let mut browser = server.browser();
        let answer = allow(&mut browser, &USER, &url).await;
        assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
        assert_eq!(parameter(&answer, "iss").as_deref(), Some("http://127.0.0.1:8080"));
        Tokens::of(&client.exchange_verified(&server, &parameter(&answer, "code").unwrap()).await);
        assert_unknown(&browser.get(&url).await);
    }
}

#[tokio::test]
async fn a_new_reference_is_told_with_its_lifetime_and_not_cached() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let answer = client.post(&server, PAR, REQUEST).await.expect(201);
    assert_eq!(
        (answer.header("cache-control"), answer.header("content-type")),
        ("no-store", "application/json")
    );
    let body = answer.json();
    let members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["expires_in", "request_uri"]);
    assert_eq!(body["expires_in"], 60);
}

#[tokio::test]
async fn a_pushed_request_survives_a_reload_and_a_slow_sign_in() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = url(&client, &push(&server, &client, &[]).await, &[]);
    let mut browser = server.browser();
    for _ in 0..2 {
        assert!(browser.get(&url).await.expect(200).text().contains("login-submit"));
    }
    server.clock().advance_secs(600);
    browser.sign_in(&USER).await.expect(200);
    assert!(browser.get(&url).await.expect(200).text().contains("consent-allow"));
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let (first, second) = (browser.submit(form.clone()).await, browser.submit(form).await);
    assert!(parameter(&first, "code").is_some());
    assert_unknown(&second);
}

#[tokio::test]
async fn a_pushed_request_expires_if_no_browser_presents_it() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = url(&client, &push(&server, &client, &[]).await, &[]);
    server.clock().advance_secs(60);
    assert_unknown(&server.get(&url).send().await);
}

#[tokio::test]
async fn a_pushed_request_belongs_to_its_client() {
    let server = TestServer::start().await;
    let (client, other) = (Client::register(&server).await, Client::register(&server).await);
    let reference = push(&server, &client, &[]).await;
    assert_unknown(&server.get(&url(&other, &reference, &[])).send().await);
    for forged in [
        format!("{reference}A"),
        reference.replace("request_uri:", "request_uri:1"),
        "urn:ietf:params:oauth:request_uri:".to_owned(),
    ] {
        assert_unknown(&server.get(&url(&client, &forged, &[])).send().await);
    }
    server.get(&url(&client, &reference, &[])).send().await.expect(200);
    let without_client = server.get(&format!("/oauth2/authorize?request_uri={reference}")).send().await;
    assert_eq!(without_client.status(), 400);
}

#[tokio::test]
async fn parameters_beside_a_reference_are_ignored() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let reference = push(&server, &client, &[]).await;
    let beside = [
        ("redirect_uri", "https://evil.example/"),
        ("state", "evil"),
        ("scope", "api.mgmt"),
        ("response_type", "token"),
        ("prompt", "none"),
    ];
    let answer = allow(&mut server.browser(), &USER, &url(&client, &reference, &beside)).await;
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
}

#[tokio::test]
async fn an_invalid_request_is_refused_when_it_is_pushed() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let reference = push(&server, &client, &[]).await;
    let with = |name: &'static str, value: &'static str| -> Vec<(&'static str, &'static str)> {
        let rest = REQUEST.iter().copied().filter(|(other, _)| *other != name);
        rest.chain([(name, value)]).collect()
    };
    let reused = [REQUEST, &[("request_uri", reference.as_str())]].concat();
    assert_refused(&client.post(&server, PAR, &reused).await, 400, "invalid_request");
    for (fields, error) in [
        (with("redirect_uri", "https://evil.example/"), "invalid_request"),
        (with("response_type", "token"), "unsupported_response_type"),
        (with("response_type", ""), "invalid_request"),
        (with("scope", "nonsense"), "invalid_scope"),
        (with("code_challenge_method", "plain"), "invalid_request"),
        (with("response_mode", "web_message"), "invalid_request"),
        (with("prompt", "none login"), "invalid_request"),
        (with("request_uri", "https://client.example/object"), "invalid_request"),
    ] {
        assert_refused(&client.post(&server, PAR, &fields).await, 400, error);
    }
    let strict = Client::strict(&server).await;
    let without_challenge = [("response_type", "code"), ("redirect_uri", CALLBACK)];
    assert_refused(&strict.post(&server, PAR, &without_challenge).await, 400, "invalid_request");
    let twice = [REQUEST, &[("state", "again")]].concat();
    assert_refused(&client.post(&server, PAR, &twice).await, 400, "invalid_request");
    server.get(PAR).send().await.expect(405);
}

#[tokio::test]
async fn a_client_authenticates_to_push() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let wrong = Client { secret: Some("sgs_wrong".to_owned()), ..client.clone() };
    assert_refused(&wrong.post(&server, PAR, REQUEST).await, 400, "invalid_client");
    let nameless = Client { secret: None, ..client.clone() };
    assert_refused(&nameless.post(&server, PAR, REQUEST).await, 400, "invalid_client");
    let secret = client.secret.as_deref().unwrap();
    let by_header = server.post(PAR).basic_as(&client.identifier, secret).form(REQUEST).send().await;
    assert!(by_header.expect(201).json()["request_uri"].is_string());
    let public = Client::public(&server).await;
    let answer =
        allow(&mut server.browser(), &USER, &url(&public, &push(&server, &public, &[]).await, &[])).await;
    Tokens::of(&public.exchange_verified(&server, &parameter(&answer, "code").unwrap()).await);
}

#[tokio::test]
async fn a_denial_and_an_error_also_answer_a_pushed_request() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let silent = url(&client, &push(&server, &client, &[("prompt", "none")]).await, &[]);
    let answer = server.get(&silent).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("login_required"));
    assert_unknown(&server.get(&silent).send().await);
    let url = url(&client, &push(&server, &client, &[]).await, &[]);
    let mut browser = server.browser();
    browser.get(&url).await;
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("consent-deny").press("consent-deny");
    let denied = browser.submit(form).await.expect(303);
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    assert_unknown(&browser.get(&url).await);
}

#[tokio::test]
async fn a_pushed_prompt_asks_for_one_sign_in() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get("/account").await;
    browser.sign_in(&USER).await.expect(200);
    server.clock().advance_secs(5);
    let url = url(&client, &push(&server, &client, &[("prompt", "login")]).await, &[]);
    assert!(browser.get(&url).await.expect(200).text().contains("login-submit"));
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains("consent-allow"), "{}", page.text());
}

#[tokio::test]
async fn pushing_can_be_required_of_everybody() {
    let mut setup = Setup::default();
    setup.app.require_pushed_requests = true;
    let server = TestServer::start_with(setup).await;
    let client = Client::register(&server).await;
    let metadata = server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    assert_eq!(metadata["require_pushed_authorization_requests"], json!(true));
    let answer = server.get(&client.authorize_url(&S256)).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_request"));
    let answer =
        allow(&mut server.browser(), &USER, &url(&client, &push(&server, &client, &[]).await, &[])).await;
    Tokens::of(&client.exchange_verified(&server, &parameter(&answer, "code").unwrap()).await);
    Tokens::of(&client.token(&server, &password_fields(&USER)).await);
}

#[tokio::test]
async fn global_revocation_reaches_pushed_requests() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let kept = Client::register(&server).await;
    let (reference, of_other) = (push(&server, &client, &[]).await, push(&server, &kept, &[]).await);
    crate::ended_access::revoke(&server, json!({ "application": client.id })).await;
    let mut browser = server.browser();
    assert_unknown(&browser.get(&url(&client, &reference, &[])).await);
    browser.get(&url(&kept, &of_other, &[])).await.expect(200);
    server.clock().advance_secs(1);
    let now = jiff::Timestamp::from_microsecond(server.clock().now().as_micros()).unwrap().to_string();
    crate::ended_access::revoke(&server, json!({ "issuedBefore": now })).await;
    assert_unknown(&browser.get(&url(&kept, &of_other, &[])).await);
    let next = push(&server, &kept, &[]).await;
    browser.get(&url(&kept, &next, &[])).await.expect(200);
}

#[tokio::test]
async fn open_requests_are_limited() {
    let mut setup = Setup::default();
    setup.app.pushed_request_limits.of_application = 2;
    let server = TestServer::start_with(setup).await;
    let key = ClientKey::new(1);
    let client = Client::register_with(&server, json!({ "jwks": { "keys": [key.jwk()] } })).await;
    let first = url(&client, &push(&server, &client, &[]).await, &[]);
    push(&server, &client, &[]).await;
    let refused = client.post(&server, PAR, REQUEST).await.expect(429);
    assert_eq!(refused.header("retry-after"), "60");
    let claims = json!({
        "iss": client.identifier, "client_id": client.identifier, "aud": "http://127.0.0.1:8080",
        "exp": server.clock().now().as_secs() + 60, "response_type": "code", "redirect_uri": CALLBACK,
    });
    let object = key.sign_with_header(&json!({ "alg": "EdDSA", "typ": "oauth-authz-req+jwt" }), &claims);
    let replayed = format!("/oauth2/authorize?client_id={}&request={object}", client.identifier);
    for _ in 0..2 {
        server.get(&replayed).send().await.expect(200);
    }
    assert!(parameter(&allow(&mut server.browser(), &USER, &first).await, "code").is_some());
    push(&server, &client, &[]).await;
    push(&server, &Client::register(&server).await, &[]).await;
}

#[tokio::test]
async fn a_form_cannot_skip_the_sign_in_that_a_request_demands() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await;
    for demand in [("prompt", "login"), ("max_age", "300")] {
        // The page of a request without demands has a form that the session accepts.
        browser.get(&client.authorize_url(&[("prompt", "consent")])).await.expect(200);
        let form = browser.form_with_button("consent-allow").press("consent-allow");
        server.clock().advance_secs(400);
        let reference = push(&server, &client, &[demand]).await;
        let query = url(&client, &reference, &[]);
        let answer = browser.submit(form.fill("request", query.split_once('?').unwrap().1)).await;
        assert!(
            answer.text().contains("login-submit"),
            "{demand:?}: {} {}",
            answer.location(),
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_sign_in_that_becomes_too_old_on_the_consent_page_is_asked_for_again() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await;
    browser.get(&client.authorize_url(&[("max_age", "300")])).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    server.clock().advance_secs(301);
    let answer = browser.submit(form).await;
    assert!(answer.text().contains("login-submit"), "{}", answer.text());
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    assert!(parameter(&browser.submit(form).await, "code").is_some());
}

#[tokio::test]
async fn strangers_do_not_stop_the_requests_of_others() {
    let mut setup = Setup::default();
    setup.app.pushed_request_limits.strangers_of_application = 2;
    setup.app.pushed_request_limits.strangers = 3;
    let server = TestServer::start_with(setup).await;
    let confidential = Client::register(&server).await;
    let first = url(&confidential, &push(&server, &confidential, &[]).await, &[]);
    let public = Client::register_with(&server, json!({ "clientType": "public" })).await;
    let other = Client::register_with(&server, json!({ "clientType": "public" })).await;
    let mut references = Vec::new();
    for _ in 0..4 {
        references.push(url(&public, &push(&server, &public, &[]).await, &[]));
    }
    let of_other = url(&other, &push(&server, &other, &[]).await, &[]);
    let mut browser = server.browser();
    for (reference, status) in references.iter().zip([400, 400, 200, 200]) {
        assert_eq!(browser.get(reference).await.status(), status);
    }
    let third = url(&public, &push(&server, &public, &[]).await, &[]);
    for open in [&of_other, &third, &first] {
        browser.get(open).await.expect(200);
    }
    server.clock().advance_secs(61);
    for kept in [&references[3], &of_other, &first] {
        browser.get(kept).await.expect(200);
    }
    assert_unknown(&browser.get(&third).await);
}

#[tokio::test]
async fn one_network_pushes_so_many_requests_of_public_clients() {
    let server = TestServer::start().await;
    let public = Client::register_with(&server, json!({ "clientType": "public" })).await;
    for _ in 0..600 {
        push(&server, &public, &[]).await;
    }
    let refused = public.post(&server, PAR, REQUEST).await.expect(429);
    assert_eq!(refused.header("retry-after"), "1");
    push(&server, &Client::register(&server).await, &[]).await;
    server.clock().advance_secs(1);
    push(&server, &public, &[]).await;
}

#[tokio::test]
async fn a_hint_that_is_no_id_token_is_refused_when_it_is_pushed() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let fields = [REQUEST, &[("id_token_hint", "zz")]].concat();
    assert_refused(&client.post(&server, PAR, &fields).await, 400, "invalid_request");
}

#[tokio::test]
async fn a_code_of_a_pushed_request_is_held_to_a_binding_that_is_demanded_since() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = url(&client, &push(&server, &client, &[]).await, &[]);
    let demand = json!({
        "name": "Harbour Reports", "redirectUrls": [CALLBACK], "dpopBoundAccessTokens": true,
    });
    server.put(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).json(&demand).send().await.expect(200);
    let code = parameter(&allow(&mut server.browser(), &USER, &url).await, "code").unwrap();
    assert_refused(&client.exchange_verified(&server, &code).await, 400, "invalid_dpop_proof");
}
