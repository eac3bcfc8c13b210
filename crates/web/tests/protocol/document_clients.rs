//! Clients by document at endpoints other than that of authorization requests, and those that have keys.

use app::AppSettings;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ClientId;
use oauth::client_document::DocumentHosts;
use serde_json::{Value, json};
use store::{Amendment, Applications as _};
use testkit::host::{Reply, TestHost};
use testkit::{Answer, ClientKey, Setup, TestServer, USER};
use url::form_urlencoded::Serializer;

use crate::client::{CALLBACK, Client, S256, TOKEN, Tokens, VERIFIER, allow, parameter};
use crate::client_documents::{ASSERTION_TYPE, PATH, applications, assertion, publish, publish_at};

#[tokio::test]
async fn an_administrator_chooses_the_hosts_of_documents() {
    let host = TestHost::start().await;
    let client = publish(&host, &json!({}));
    let hosts = |allowed: &[&str], forbidden: &[&str]| {
        let parsed = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        DocumentHosts { allowed: parsed(allowed), forbidden: parsed(forbidden) }
    };
    for (document_hosts, is_accepted) in [
        (hosts(&["client.test"], &[]), true),
        (hosts(&["*.test"], &["other.test"]), true),
        (hosts(&["other.test"], &[]), false),
        (hosts(&[], &["client.test"]), false),
    ] {
        let mut setup = Setup::default();
        setup.app = AppSettings { document_hosts, ..setup.app };
        let server = TestServer::start_with(setup).await;
        let fetched = host.received(PATH).len();
        let page = server.get(&client.authorize_url(&S256)).send().await;
        assert_eq!(page.status() == 200, is_accepted, "{}", page.text());
        assert_eq!(page.text().contains("accepts no metadata documents of the host"), !is_accepted);
        assert_eq!(host.received(PATH).len() - fetched, usize::from(is_accepted), "nothing else is fetched");
    }
}

#[tokio::test]
async fn a_client_pushes_its_request_before_anybody_has_allowed_it() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let fields = [("response_type", "code"), ("redirect_uri", CALLBACK), S256[0], S256[1]];
    let pushed = client.post(&server, "/oauth2/par", &fields).await.expect(201).json();
    assert_eq!(applications(&server).await.len(), 1);
    let request_uri = pushed["request_uri"].as_str().unwrap();
    let reference = [("client_id", client.identifier.as_str()), ("request_uri", request_uri)];
    let query = Serializer::new(String::new()).extend_pairs(reference).finish();
    let answer = allow(&mut server.browser(), &USER, &format!("/oauth2/authorize?{query}")).await;
    let code = parameter(&answer, "code").unwrap();
    let tokens = Tokens::of(&client.exchange_verified(&server, &code).await);
    server.get("/api/odata4/").bearer(&tokens.access).send().await.expect(200);
    assert_eq!(applications(&server).await.len(), 1);
}

#[tokio::test]
async fn a_device_is_connected_by_a_client_that_nobody_has_allowed() {
    const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({"grant_types": ["authorization_code", DEVICE]}));
    let codes = client.post(&server, "/oauth2/device_authorization", &[]).await.expect(200).json();
    let mut browser = server.browser();
    let address = codes["verification_uri_complete"].as_str().unwrap();
    browser.get(address.split_once("8080").unwrap().1).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("device-continue");
    let page = browser.submit(form).await.expect(200);
    assert!(page.text().contains("<code id=\"document-host\">client.test</code>"), "{}", page.text());
    assert!(!page.text().contains("Registered by"), "{}", page.text());
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    browser.submit(form).await.expect(200);
    let code = codes["device_code"].as_str().unwrap();
    client.token(&server, &[("grant_type", DEVICE), ("device_code", code)]).await.expect(200);
}

#[tokio::test]
async fn endpoints_know_a_client_before_anybody_has_allowed_it() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let error = |answer: Answer| answer.json()["error"].as_str().unwrap().to_owned();
    let exchange = client.exchange_verified(&server, "sgc_nothing").await.expect(400);
    assert_eq!(error(exchange), "invalid_grant");
    assert_eq!(error(client.refresh(&server, "sgr_nothing").await.expect(400)), "invalid_grant");
    client.post(&server, "/oauth2/revoke", &[("token", "sga_nothing")]).await.expect(200);
    assert!(applications(&server).await.is_empty(), "nothing refers to it");
    assert_eq!(host.received(PATH).len(), 1, "the document is fetched once");
    let url = "https://169.254.169.254/latest/meta-data".to_owned();
    let inside = Client { id: 0, identifier: url, secret: None };
    let refused = inside.refresh(&server, "sgr_nothing").await.expect(400);
    assert_eq!(error(refused), "invalid_client");
    let broken = publish(&host, &json!({"client_secret": "s"}));
    server.clock().advance_secs(301);
    let refused = broken.post(&server, "/oauth2/par", &[("response_type", "code")]).await.expect(400);
    assert_eq!(error(refused), "invalid_client");
}

/// The members of a document for a client with this key.
fn keyed(key: &ClientKey) -> Value {
    json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] } })
}

/// A token request with an assertion of this client.
async fn exchange_signed(
    server: &TestServer,
    client: &Client,
    key: &ClientKey,
    code: &str,
    jti: &str,
) -> Answer {
    let assertion = assertion(server, client, key, jti);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", &assertion),
    ];
    server.post(TOKEN).form(&fields).send().await
}

#[tokio::test]
async fn a_client_whose_document_has_keys_must_sign() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let key = ClientKey::new(1);
    let client = publish(&host, &keyed(&key));
    let mut browser = server.browser();
    let answer = allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
    let code = parameter(&answer, "code").unwrap();
    let unsigned = client.exchange_verified(&server, &code).await.expect(400);
    assert_eq!(unsigned.json()["error"], "invalid_client");
    let foreign = exchange_signed(&server, &client, &ClientKey::new(2), &code, "1").await.expect(400);
    assert_eq!(foreign.json()["error"], "invalid_client");
    exchange_signed(&server, &client, &key, &code, "2").await.expect(200);
}

#[tokio::test]
async fn a_new_key_of_a_document_counts_from_the_next_request_on() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let (old, new) = (ClientKey::new(1), ClientKey::new(2));
    let client = publish(&host, &keyed(&old));
    let mut browser = server.browser();
    allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
    let both = json!({ "keys": [old.jwk(), new.jwk()] });
    publish(&host, &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": both }));
    server.clock().advance_secs(61);
    let answer = allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
    let code = parameter(&answer, "code").unwrap();
    exchange_signed(&server, &client, &new, &code, "1").await.expect(200);
}

/// Each node keeps documents as long as their headers allow.
#[tokio::test]
async fn an_older_document_does_not_replace_what_another_node_has_stored() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({ "client_name": "Older" }));
    let mut browser = server.browser();
    allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
    let now = server.app().node().now();
    let id: ClientId = client.identifier.parse().unwrap();
    let stored = server.store().find_application_by_client_id(&id).await.unwrap().unwrap();
    assert_eq!(stored.settings.client_metadata.described_at, Some(now));
    let mut settings = stored.settings;
    settings.name = "Newer".to_owned();
    settings.client_metadata.described_at = Some(now.plus_secs(10));
    let audit = NewAuditEvent::new(Action::UpdateApplication, Outcome::Success, now);
    let updated = server.store().update_application(stored.id, Amendment::to(settings), audit).await;
    updated.unwrap().unwrap();
    server.app().node().refresh().await.unwrap();
    for (secs, name) in [(20, "Newer"), (61, "Older")] {
        server.clock().advance_secs(secs);
        let page = browser.get(&client.authorize_url(&S256)).await.expect(200);
        assert!(page.text().contains(name), "{name}: {}", page.text());
        assert_eq!(applications(&server).await[0]["name"], name);
    }
}

#[tokio::test]
async fn the_token_endpoint_looks_for_a_new_key_in_the_document() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let (old, new) = (ClientKey::new(1), ClientKey::new(2));
    let client = publish(&host, &keyed(&old));
    let answer = allow(&mut server.browser(), &USER, &client.authorize_url(&S256)).await;
    let code = parameter(&answer, "code").unwrap();
    let both = json!({ "keys": [old.jwk(), new.jwk()] });
    publish(&host, &json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": both }));
    exchange_signed(&server, &client, &new, &code, "1").await.expect(400);
    assert_eq!(host.received(PATH).len(), 1, "it was fetched a moment ago");
    // A code is valid for a minute, and so is the document that was fetched with it.
    let mut browser = server.browser();
    server.clock().advance_secs(30);
    let answer = allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
    let code = parameter(&answer, "code").unwrap();
    server.clock().advance_secs(31);
    exchange_signed(&server, &client, &new, &code, "2").await.expect(200);
    assert_eq!(host.received(PATH).len(), 2);
}

#[tokio::test]
async fn a_client_that_nobody_allows_is_forgotten_after_a_day_though_it_is_named() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let fields = [("response_type", "code"), ("redirect_uri", CALLBACK), S256[0], S256[1]];
    client.post(&server, "/oauth2/par", &fields).await.expect(201);
    server.app().node().maintain().await.unwrap();
    assert_eq!(applications(&server).await.len(), 1);
    server.clock().advance_secs(2 * 86_400);
    let wrong = [("grant_type", "authorization_code"), ("code", "x"), ("code_verifier", VERIFIER)];
    client.token(&server, &wrong).await.expect(400);
    server.app().node().maintain().await.unwrap();
    assert!(applications(&server).await.is_empty());
}

#[tokio::test]
async fn many_clients_of_one_host_lock_nobody_out() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let fields = [("response_type", "code"), ("redirect_uri", CALLBACK), S256[0], S256[1]];
    let push = async |number: usize| {
        let path = format!("/clients/{number}.json");
        let client = publish_at(&host, &path, &json!({ "client_name": format!("Agent {number}") }));
        client.post(&server, "/oauth2/par", &fields).await.status()
    };
    for number in 0..60 {
        if number % 20 == 0 {
            server.clock().advance_secs(60);
        }
        assert_eq!(push(number).await, 201, "{number}");
    }
    assert_eq!(push(60).await, 429, "twenty in a minute");
    let names = applications(&server).await;
    assert_eq!(names.len(), 50);
    let is_stored = |number: usize| {
        let name = format!("Agent {number}");
        names.iter().any(|application| application["name"] == name.as_str())
    };
    assert!(!is_stored(9) && is_stored(10) && is_stored(59), "the oldest are gone");
}

#[tokio::test]
async fn strangers_with_slow_documents_do_not_stop_clients_that_users_have_allowed() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({}));
    let answer = allow(&mut server.browser(), &USER, &client.authorize_url(&S256)).await;
    assert!(parameter(&answer, "code").is_some());
    server.clock().advance_secs(61);
    let slow = |number: usize| {
        let path = format!("/slow/{number}.json");
        host.reply(&path, Reply::text("").held_back());
        let identifier = host.url(&format!("{}.clients.test", number / 4), &path);
        Client { id: 0, identifier, secret: None }.authorize_url(&S256)
    };
    let urls: Vec<String> = (0..12).map(slow).collect();
    let get = |number: usize| server.get(&urls[number]).send();
    let is_running = |number: usize| !host.received(&format!("/slow/{number}.json")).is_empty();
    let strangers = async {
        tokio::join!(
            get(0),
            get(1),
            get(2),
            get(3),
            get(4),
            get(5),
            get(6),
            get(7),
            get(8),
            get(9),
            get(10),
            get(11)
        );
        std::future::pending::<()>().await;
    };
    let others = async {
        while !(0..12).all(is_running) {
            tokio::task::yield_now().await;
        }
        server.get(&client.authorize_url(&S256)).send().await
    };
    let allowed = tokio::select! {
        biased;
        () = strangers => unreachable!("it never ends"),
        allowed = others => allowed,
    };
    assert_eq!(allowed.status(), 200);
    assert!(host.received(PATH).len() > 1, "the document was fetched again");
}
