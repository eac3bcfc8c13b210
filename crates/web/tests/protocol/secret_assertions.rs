//! Tests of clients that authenticate with an assertion by their secret, `client_secret_jwt` ([OpenID Connect Core
//! §9](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication)).

use app::node::clock::Clock as _;
use app::protocol::client_registration::RegistrationMode;
use serde_json::{Value, json};
use testkit::{Answer, ClientKey, Setup, TestServer, USER, hmac_jwt};

use crate::client::{APPLICATIONS, CALLBACK, Client, TOKEN};

const ISSUER: &str = "http://127.0.0.1:8080";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application that proves its secret.
async fn register(server: &TestServer) -> Client {
    let members =
        json!({ "tokenEndpointAuthMethod": "client_secret_jwt", "grantTypes": ["client_credentials"] });
    Client::register_with(server, members).await
}

fn secret(client: &Client) -> &str {
    client.secret.as_deref().expect("a secret")
}

/// The claims of an assertion of the client, with these replaced.
fn claims(server: &TestServer, client: &Client, changes: &Value) -> Value {
    let id = &client.identifier;
    let mut claims = json!({
        "iss": id, "sub": id, "aud": ISSUER, "jti": "1", "exp": server.clock().now().as_secs() + 60,
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims
}

/// An assertion by a secret.
fn assertion(server: &TestServer, client: &Client, secret: &str, jti: &str) -> String {
    hmac_jwt(&json!({ "alg": "HS256" }), &claims(server, client, &json!({ "jti": jti })), secret.as_bytes())
}

async fn send(server: &TestServer, path: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    fields.extend(more);
    server.post(path).form(&fields).send().await
}

async fn is_refused(server: &TestServer, assertion: &str) -> String {
    let answer = send(server, TOKEN, assertion, &[]).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_client");
    answer["error_description"].as_str().unwrap().to_owned()
}

async fn update(server: &TestServer, client: &Client, members: Value) -> Value {
    let mut body = json!({ "name": "Harbour Reports", "description": "", "redirectUrls": [CALLBACK] });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = format!("{APPLICATIONS}/{}", client.id);
    server.put(&path).basic(&USER).json(&body).send().await.expect(200).json()
}

#[tokio::test]
async fn a_client_proves_its_secret_at_every_endpoint() {
    let server = TestServer::start().await;
    let client = register(&server).await;
    let made = |jti: &str, audience: &str| {
        let changes = json!({ "jti": jti, "aud": audience });
        let claims = claims(&server, &client, &changes);
        hmac_jwt(&json!({ "alg": "HS256", "typ": "JWT" }), &claims, secret(&client).as_bytes())
    };
    let tokens = send(&server, TOKEN, &made("1", ISSUER), &[]).await.expect(200).json();
    let token = ("token", tokens["access_token"].as_str().unwrap());
    let endpoint = format!("{ISSUER}/oauth2/introspect");
    let reply = send(&server, "/oauth2/introspect", &made("2", &endpoint), &[token]).await.expect(200);
    assert_eq!(reply.json()["active"], true);
    let endpoint = format!("{ISSUER}/oauth2/token");
    send(&server, "/oauth2/revoke", &made("3", &endpoint), &[token]).await.expect(200);
    let reply = send(&server, "/oauth2/introspect", &made("4", ISSUER), &[token]).await.expect(200);
    assert_eq!(reply.json(), json!({ "active": false }));
    let replayed = is_refused(&server, &made("1", ISSUER)).await;
    assert_eq!(replayed, "the assertion was used before; each request needs a new one");
    let path = format!("{APPLICATIONS}/{}", client.id);
    let shown = server.get(&path).basic(&USER).send().await.expect(200).json();
    assert!(shown.get("clientSecret").is_none(), "it is sealed, and not shown");
    assert_eq!(shown["tokenEndpointAuthSigningAlg"], "HS256");
}

#[tokio::test]
async fn an_assertion_by_anything_but_the_secret_is_refused() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let client = register(&server).await;
    let other = register(&server).await;
    // The keys of such a client are for other purposes than authentication.
    update(&server, &client, json!({ "jwks": { "keys": [key.jwk()] } })).await;
    let claims = claims(&server, &client, &json!({}));
    let hs256 = json!({ "alg": "HS256" });
    let by = |header: &Value, secret: &str| hmac_jwt(header, &claims, secret.as_bytes());
    let own = secret(&client);
    for (what, assertion) in [
        ("the secret of another client", by(&hs256, secret(&other))),
        ("a part of the secret", by(&hs256, &own[..40])),
        ("no secret", by(&hs256, "")),
        ("the public key", by(&hs256, key.jwk()["x"].as_str().unwrap())),
        ("the public key as JSON", by(&hs256, &key.jwk().to_string())),
        ("its key", key.sign_with_header(&json!({ "alg": "EdDSA" }), &claims)),
        ("its key as an HMAC", key.sign_with_header(&hs256, &claims)),
        ("no algorithm", by(&json!({ "alg": "none" }), own)),
        ("a longer HMAC", by(&json!({ "alg": "HS512" }), own)),
        ("the name of a signature", by(&json!({ "alg": "EdDSA" }), own)),
        ("another type", by(&json!({ "alg": "HS256", "typ": "at+jwt" }), own)),
        ("an extension", by(&json!({ "alg": "HS256", "crit": ["x"] }), own)),
    ] {
        let refused = is_refused(&server, &assertion).await;
        assert!(!refused.contains("used before"), "{what}: {refused}");
    }
    for changes in [
        json!({ "iss": other.identifier }),
        json!({ "sub": other.identifier }),
        json!({ "aud": "https://other.example" }),
        json!({ "exp": server.clock().now().as_secs() }),
        json!({ "exp": server.clock().now().as_secs() + 4_000 }),
        json!({ "jti": null }),
    ] {
        let claims = self::claims(&server, &client, &changes);
        is_refused(&server, &hmac_jwt(&hs256, &claims, own.as_bytes())).await;
    }
    let ask = [("grant_type", "client_credentials")];
    let plain = client.token(&server, &ask).await.expect(400).json();
    assert_eq!(plain["error"], "invalid_client", "the secret itself is not accepted");
    send(&server, TOKEN, &by(&hs256, own), &[]).await.expect(200);
}

#[tokio::test]
async fn only_a_registered_method_makes_a_secret_a_key() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "grantTypes": ["client_credentials"] })).await;
    is_refused(&server, &assertion(&server, &client, secret(&client), "1")).await;
}

#[tokio::test]
async fn both_live_secrets_of_a_rotation_are_keys() {
    let server = TestServer::start().await;
    let client = register(&server).await;
    let path = format!("{APPLICATIONS}/{}/secrets", client.id);
    let added = server.post(&path).basic(&USER).json(&json!({})).send().await.expect(201).json();
    let newer = added["clientSecret"].as_str().unwrap();
    let made = |secret: &str, jti: &str| assertion(&server, &client, secret, jti);
    send(&server, TOKEN, &made(secret(&client), "1"), &[]).await.expect(200);
    send(&server, TOKEN, &made(newer, "2"), &[]).await.expect(200);
    let overlap = server.app().node().settings().secret_overlap_secs;
    server.clock().advance_secs(i64::from(overlap) + 1);
    is_refused(&server, &made(secret(&client), "3")).await;
    send(&server, TOKEN, &made(newer, "4"), &[]).await.expect(200);
    let reset = format!("{APPLICATIONS}/{}/reset", client.id);
    let reset = server.put(&reset).basic(&USER).send().await.expect(200).json();
    is_refused(&server, &made(newer, "5")).await;
    send(&server, TOKEN, &made(reset["clientSecret"].as_str().unwrap(), "6"), &[]).await.expect(200);
}

#[tokio::test]
async fn a_change_to_the_method_makes_a_new_secret_in_the_same_act() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "grantTypes": ["client_credentials"] })).await;
    let changed = update(&server, &client, json!({ "tokenEndpointAuthMethod": "client_secret_jwt" })).await;
    let new = changed["clientSecret"].as_str().expect("the new secret");
    assert_eq!(changed["secrets"].as_array().unwrap().len(), 1);
    is_refused(&server, &assertion(&server, &client, secret(&client), "1")).await;
    send(&server, TOKEN, &assertion(&server, &client, new, "2"), &[]).await.expect(200);
    let again = update(&server, &client, json!({ "tokenEndpointAuthMethod": "client_secret_jwt" })).await;
    assert!(again.get("clientSecret").is_none(), "only once");
    send(&server, TOKEN, &assertion(&server, &client, new, "3"), &[]).await.expect(200);
    update(&server, &client, json!({ "tokenEndpointAuthMethod": "client_secret_basic" })).await;
    is_refused(&server, &assertion(&server, &client, new, "4")).await;
    let basic = Client { secret: Some(new.to_owned()), ..client };
    basic.token(&server, &[("grant_type", "client_credentials")]).await.expect(200);
}

#[tokio::test]
async fn a_client_that_registers_itself_may_prove_its_secret() {
    let mut setup = Setup::default();
    setup.app.client_registration.mode = RegistrationMode::Open;
    let server = TestServer::start_with(setup).await;
    let members = json!({
        "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "client_secret_jwt",
        "token_endpoint_auth_signing_alg": "HS256",
    });
    let reply = server.post("/oauth2/register").json(&members).send().await.expect(201).json();
    assert_eq!(reply["token_endpoint_auth_signing_alg"], "HS256");
    let client = Client {
        id: 0,
        identifier: reply["client_id"].as_str().unwrap().to_owned(),
        secret: reply["client_secret"].as_str().map(str::to_owned),
    };
    let token = ("token", "unknown");
    let made = |jti: &str| assertion(&server, &client, secret(&client), jti);
    send(&server, "/oauth2/revoke", &made("1"), &[token]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[token]).await.expect(400);
    let path = format!("/oauth2/register/{}", client.identifier);
    let mut replaced = members;
    replaced["client_id"] = json!(client.identifier);
    replaced["token_endpoint_auth_method"] = json!("client_secret_basic");
    replaced["token_endpoint_auth_signing_alg"] = json!(null);
    let bearer = reply["registration_access_token"].as_str().unwrap();
    let refused = server.put(&path).bearer(bearer).json(&replaced).send().await.expect(400).json();
    assert_eq!(refused["error"], "invalid_client_metadata");
    send(&server, "/oauth2/revoke", &made("2"), &[token]).await.expect(200);
}
