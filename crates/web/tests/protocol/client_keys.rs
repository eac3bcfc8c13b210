//! Tests of clients whose keys are at an address that they registered ([RFC 7591
//! §2](https://www.rfc-editor.org/rfc/rfc7591#section-2), `jwks_uri`).

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::host::{INSIDE, Reply, TestHost};
use testkit::{Answer, ClientKey, TestServer, USER};

use crate::client::{CALLBACK, Client, S256, TOKEN, VERIFIER, assert_refused};

const ISSUER: &str = "http://127.0.0.1:8080";
const KEYS: &str = "/keys";

/// Publishes one key with this id.
fn publish(host: &TestHost, key: &ClientKey, id: &str) {
    let mut jwk = key.jwk();
    jwk["kid"] = json!(id);
    let reply = Reply::json(&json!({ "keys": [jwk] })).header("cache-control", "max-age=600");
    host.reply(KEYS, reply);
}

async fn register(server: &TestServer, host: &TestHost) -> Client {
    let members = json!({
        "tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": host.url("client.test", KEYS),
        "grantTypes": ["client_credentials"],
    });
    Client::register_with(server, members).await
}

fn assertion(server: &TestServer, client: &str, key: &ClientKey, (kid, jti): (&str, &str)) -> String {
    let claims = json!({
        "iss": client, "sub": client, "aud": ISSUER, "jti": jti, "exp": server.clock().now().as_secs() + 60,
    });
    key.sign_with_header(&json!({ "alg": "EdDSA", "kid": kid }), &claims)
}

async fn send(server: &TestServer, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    fields.extend(more);
    server.post(TOKEN).form(&fields).send().await
}

async fn authenticate(server: &TestServer, client: &str, key: &ClientKey, ids: (&str, &str)) -> Answer {
    let assertion = assertion(server, client, key, ids);
    send(server, &assertion, &[("grant_type", "client_credentials")]).await
}

#[tokio::test]
async fn keys_are_fetched_from_the_registered_address_and_kept() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let (key, stranger) = (ClientKey::new(1), ClientKey::new(2));
    publish(&host, &key, "a");
    let client = register(&server, &host).await;
    assert_eq!(client.secret, None, "it has no secret");
    assert_eq!(host.received(KEYS).len(), 0, "registration fetches nothing");
    for jti in ["1", "2"] {
        authenticate(&server, &client.identifier, &key, ("a", jti)).await.expect(200);
    }
    assert_eq!(host.received(KEYS).len(), 1);
    let refused = authenticate(&server, &client.identifier, &stranger, ("a", "3")).await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_client");
}

#[tokio::test]
async fn a_new_key_is_found_by_one_more_request_and_unknown_ones_cause_few() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let (key, next) = (ClientKey::new(1), ClientKey::new(2));
    publish(&host, &key, "a");
    let client = register(&server, &host).await;
    let id = &client.identifier;
    authenticate(&server, id, &key, ("a", "1")).await.expect(200);
    publish(&host, &next, "b");
    authenticate(&server, id, &next, ("b", "2")).await.expect(400);
    assert_eq!(host.received(KEYS).len(), 1, "the set is younger than a minute");
    server.clock().advance_secs(61);
    authenticate(&server, id, &next, ("b", "3")).await.expect(200);
    for kid in ["c", "d", "e"] {
        authenticate(&server, id, &ClientKey::new(3), (kid, kid)).await.expect(400);
    }
    assert_eq!(host.received(KEYS).len(), 2);
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_asked_for_at_a_bounded_rate() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let key = ClientKey::new(1);
    host.reply(KEYS, Reply::text("no").status(503));
    let client = register(&server, &host).await;
    for jti in 0..20 {
        let ids = ("a", jti.to_string());
        let refused = authenticate(&server, &client.identifier, &key, (ids.0, &ids.1)).await;
        assert_refused(&refused, 400, "invalid_client");
        assert_eq!(refused.headers()["retry-after"], "5");
    }
    assert_eq!(host.received(KEYS).len(), 6);
    publish(&host, &key, "a");
    server.clock().advance_secs(61);
    authenticate(&server, &client.identifier, &key, ("a", "x")).await.expect(200);
}

#[tokio::test]
async fn a_set_with_a_private_key_or_at_an_address_of_the_inside_is_not_used() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let key = ClientKey::new(1);
    let mut private = key.jwk();
    private["d"] = json!("AAAA");
    host.reply(KEYS, Reply::json(&json!({ "keys": [private] })));
    let client = register(&server, &host).await;
    authenticate(&server, &client.identifier, &key, ("a", "1")).await.expect(400);
    let members = json!({
        "tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": format!("https://{INSIDE}/keys"),
        "grantTypes": ["client_credentials"],
    });
    let client = Client::register_with(&server, members).await;
    let refused = authenticate(&server, &client.identifier, &key, ("a", "1")).await;
    assert_refused(&refused, 400, "invalid_client");
}

/// What a host answers and what it does not are different: only the client can mend the first. Neither is a failure of this
/// server, whoever registered the client.
#[tokio::test]
async fn keys_at_a_dead_address_are_no_failure_of_the_server_and_only_what_may_pass_says_when_to_try_again() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    for (reply, may_pass) in [
        (Reply::text("no").status(500), true),
        (Reply::text("no").status(429), true),
        (Reply::text("no").status(404), false),
        (Reply::json(&json!({ "keys": [] })), false),
        (Reply::text("<html>").header("content-type", "text/html"), false),
    ] {
        let host = TestHost::start().await;
        host.reply(KEYS, reply);
        let client = register(&server, &host).await;
        let refused = authenticate(&server, &client.identifier, &key, ("a", "1")).await;
        assert_refused(&refused, 400, "invalid_client");
        assert_eq!(refused.headers().contains_key("retry-after"), may_pass, "{}", refused.text());
        publish(&host, &key, "a");
        authenticate(&server, &client.identifier, &key, ("a", "2")).await.expect(200);
    }
}

/// A client may have replaced its keys, and its host may be out of order for a moment.
#[tokio::test]
async fn an_unknown_key_is_refused_only_after_the_keys_were_fetched_again() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let (key, next) = (ClientKey::new(1), ClientKey::new(2));
    publish(&host, &key, "a");
    let client = register(&server, &host).await;
    authenticate(&server, &client.identifier, &key, ("a", "1")).await.expect(200);
    host.reply(KEYS, Reply::text("no").status(503));
    server.clock().advance_secs(61);
    let refused = authenticate(&server, &client.identifier, &next, ("b", "2")).await;
    assert_refused(&refused, 400, "invalid_client");
    assert_eq!(refused.headers()["retry-after"], "5");
    authenticate(&server, &client.identifier, &key, ("a", "3")).await.expect(200);
    publish(&host, &next, "b");
    authenticate(&server, &client.identifier, &next, ("b", "4")).await.expect(200);
}

#[tokio::test]
async fn a_client_by_document_authenticates_with_the_keys_that_its_document_names() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let key = ClientKey::new(1);
    publish(&host, &key, "a");
    let id = host.url("client.test", "/client.json");
    let document = json!({
        "client_id": id, "client_name": "Harbour Agent", "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": host.url("client.test", KEYS),
    });
    host.reply("/client.json", Reply::json(&document));
    let client = Client { id: 0, identifier: id.clone(), secret: None };
    let code = client.code_with(&server, &USER, &S256).await;
    let exchange: [(&str, &str); 4] = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let bare: Vec<(&str, &str)> = exchange.into_iter().chain([("client_id", id.as_str())]).collect();
    let refused: Value = server.post(TOKEN).form(&bare).send().await.expect(400).json();
    assert_eq!(refused["error"], "invalid_client");
    let signed = assertion(&server, &id, &key, ("a", "1"));
    send(&server, &signed, &exchange).await.expect(200);
}

#[tokio::test]
async fn stale_keys_serve_for_a_while_when_the_budget_of_requests_is_used_up() {
    for (status, served) in [(503, 200), (404, 400)] {
        let (server, host) = (TestServer::start().await, TestHost::start().await);
        let key = ClientKey::new(1);
        publish(&host, &key, "a");
        let client = register(&server, &host).await;
        let attempt = async |jti: &str| authenticate(&server, &client.identifier, &key, ("a", jti)).await;
        attempt("0").await.expect(200);
        host.reply(KEYS, Reply::text("no").status(status));
        server.clock().advance_secs(601);
        attempt("1").await.expect(400);
        for jti in ["2", "3", "4", "5", "6"] {
            attempt(jti).await;
        }
        assert_eq!(attempt("7").await.status(), served, "the host answers {status}");
        assert_eq!(host.received(KEYS).len(), 7);
    }
}
