//! Tests of clients that authenticate with an assertion ([RFC 7523
//! §2.2](https://www.rfc-editor.org/rfc/rfc7523#section-2.2)).

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{Answer, ClientKey, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, TOKEN};

const ISSUER: &str = "http://127.0.0.1:8080";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application with a key, and its key.
struct Keyed {
    client: Client,
    key: ClientKey,
}

fn jwks(key: &ClientKey) -> Value {
    let mut jwk = key.jwk();
    jwk["kid"] = json!("a");
    json!({ "keys": [jwk] })
}

impl Keyed {
    async fn register(server: &TestServer) -> Self {
        let key = ClientKey::new(1);
        let members = json!({
            "tokenEndpointAuthMethod": "private_key_jwt", "jwks": jwks(&key),
            "grantTypes": ["client_credentials"],
        });
        Self { client: Client::register_with(server, members).await, key }
    }

    /// An assertion with these claims replaced.
    fn assertion(&self, server: &TestServer, changes: &Value) -> String {
        let id = &self.client.identifier;
        let mut claims = json!({
            "iss": id, "sub": id, "aud": ISSUER, "jti": "1", "exp": server.clock().now().as_secs() + 60,
        });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.key.sign_with_header(&json!({ "alg": "EdDSA", "kid": "a" }), &claims)
    }
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

async fn is_refused(server: &TestServer, assertion: &str, more: &[(&str, &str)]) -> String {
    let answer = send(server, TOKEN, assertion, more).await.expect(400).json();
    assert_eq!(answer["error"], "invalid_client");
    answer["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_with_a_key_authenticates_at_every_endpoint() {
    let server = TestServer::start().await;
    let keyed = Keyed::register(&server).await;
    assert_eq!(keyed.client.secret, None, "it has no secret");
    let tokens = send(&server, TOKEN, &keyed.assertion(&server, &json!({})), &[]).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    let second = keyed.assertion(&server, &json!({ "jti": "2", "aud": [ISSUER] }));
    let id = ("client_id", keyed.client.identifier.as_str());
    let reply = send(&server, "/oauth2/introspect", &second, &[("token", token), id]).await.expect(200);
    assert_eq!(reply.json()["active"], true);
    let third = keyed.assertion(&server, &json!({ "jti": "3", "aud": format!("{ISSUER}/oauth2/revoke") }));
    send(&server, "/oauth2/revoke", &third, &[("token", token)]).await.expect(200);
    let fourth = keyed.assertion(&server, &json!({ "jti": "4", "aud": format!("{ISSUER}/oauth2/token") }));
    let reply = send(&server, "/oauth2/introspect", &fourth, &[("token", token)]).await.expect(200);
    assert_eq!(reply.json(), json!({ "active": false }));
}

#[tokio::test]
async fn an_assertion_cannot_be_replayed() {
    let server = TestServer::start().await;
    let keyed = Keyed::register(&server).await;
    let assertion = keyed.assertion(&server, &json!({}));
    send(&server, TOKEN, &assertion, &[]).await.expect(200);
    let again = is_refused(&server, &assertion, &[]).await;
    assert_eq!(again, "the assertion was used before; each request needs a new one");
    let same_id = keyed.assertion(&server, &json!({ "iat": server.clock().now().as_secs() }));
    assert_eq!(is_refused(&server, &same_id, &[]).await, again);
}

#[tokio::test]
async fn an_assertion_of_another_key_client_or_server_is_refused() {
    let server = TestServer::start().await;
    let keyed = Keyed::register(&server).await;
    let other = Client::register(&server).await;
    let id = keyed.client.identifier.as_str();
    let claims = json!({
        "iss": id, "sub": id, "aud": ISSUER, "jti": "1", "exp": server.clock().now().as_secs() + 60,
    });
    let stranger = ClientKey::new(2);
    let eddsa = json!({ "alg": "EdDSA", "kid": "a" });
    let typed = |typ: &str| json!({ "alg": "EdDSA", "kid": "a", "typ": typ });
    let own_key = json!({ "alg": "EdDSA", "jwk": jwks(&stranger)["keys"][0] });
    for assertion in [
        stranger.sign_with_header(&eddsa, &claims),
        stranger.sign_with_header(&own_key, &claims),
        keyed.key.sign_with_header(&json!({ "alg": "none" }), &claims),
        keyed.key.sign_with_header(&json!({ "alg": "HS256" }), &claims),
        keyed.key.sign_with_header(&typed("at+jwt"), &claims),
        keyed.key.sign_with_header(&json!({ "alg": "EdDSA", "crit": ["x"] }), &claims),
        keyed.assertion(&server, &json!({ "sub": other.identifier })),
        "a.b".to_owned(),
    ] {
        is_refused(&server, &assertion, &[]).await;
    }
    for changes in [
        json!({ "iss": other.identifier }),
        json!({ "aud": "https://other.example" }),
        json!({ "exp": server.clock().now().as_secs() }),
        json!({ "jti": null }),
    ] {
        is_refused(&server, &keyed.assertion(&server, &changes), &[]).await;
    }
    let fresh = keyed.assertion(&server, &json!({}));
    is_refused(&server, &fresh, &[("client_id", &other.identifier)]).await;
    send(&server, TOKEN, &fresh, &[]).await.expect(200);
}

#[tokio::test]
async fn an_application_with_a_key_needs_an_assertion() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "grantTypes": ["client_credentials"] })).await;
    let ask = [("grant_type", "client_credentials")];
    client.token(&server, &ask).await.expect(200);
    let path = format!("{APPLICATIONS}/{}", client.id);
    let update = async |members: Value| {
        let mut body = json!({ "name": "Harbour Reports", "description": "", "redirectUrls": [CALLBACK] });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        server.put(&path).basic(&USER).json(&body).send().await
    };
    let keyed = json!({ "tokenEndpointAuthMethod": "private_key_jwt", "jwks": jwks(&ClientKey::new(1)) });
    let updated = update(keyed.clone()).await.expect(200).json();
    assert_eq!(
        (&updated["tokenEndpointAuthMethod"], &updated["jwks"]),
        (&json!("private_key_jwt"), &keyed["jwks"])
    );
    let refused = client.token(&server, &ask).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_client");
    update(json!({ "tokenEndpointAuthMethod": "client_secret_basic", "jwks": { "keys": [] } }))
        .await
        .expect(200);
    client.token(&server, &ask).await.expect(200);
}

#[tokio::test]
async fn only_the_registered_algorithm_signs_assertions() {
    let server = TestServer::start().await;
    for (algorithm, status) in [("EdDSA", 200), ("ES256", 400), ("RS256", 400)] {
        let key = ClientKey::new(1);
        let members = json!({
            "tokenEndpointAuthMethod": "private_key_jwt", "jwks": jwks(&key),
            "tokenEndpointAuthSigningAlg": algorithm, "grantTypes": ["client_credentials"],
        });
        let keyed = Keyed { client: Client::register_with(&server, members).await, key };
        let answer = send(&server, TOKEN, &keyed.assertion(&server, &json!({})), &[]).await;
        assert_eq!(answer.status(), status, "{algorithm}");
    }
}

#[tokio::test]
async fn a_private_key_is_not_registered() {
    let server = TestServer::start().await;
    let mut private = jwks(&ClientKey::new(1));
    private["keys"][0]["d"] = json!("AA");
    for keys in [private, json!({ "keys": [{ "kty": "oct" }] }), json!({}), json!("keys")] {
        let body = json!({
            "name": "Keys", "redirectUrls": [CALLBACK], "tokenEndpointAuthMethod": "private_key_jwt", "jwks": keys,
        });
        let answer = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
        assert!(answer.text().contains("jwks"), "{}", answer.text());
    }
}

/// The keys of an application may be for its request objects, or be left from an earlier method.
#[tokio::test]
async fn an_assertion_authenticates_no_client_that_is_registered_for_something_else() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    for members in [
        json!({}),
        json!({ "tokenEndpointAuthMethod": "client_secret_basic" }),
        json!({ "tokenEndpointAuthMethod": "client_secret_jwt" }),
        json!({ "tokenEndpointAuthMethod": "self_signed_tls_client_auth" }),
        json!({
            "tokenEndpointAuthMethod": "tls_client_auth", "tlsClientAuth": { "subjectDn": "CN=crane 7" },
        }),
    ] {
        let mut all = members;
        all["jwks"] = jwks(&key);
        all["grantTypes"] = json!(["client_credentials"]);
        let client = Client::register_with(&server, all.clone()).await;
        let keyed = Keyed { client, key: ClientKey::new(1) };
        let words = is_refused(&server, &keyed.assertion(&server, &json!({})), &[]).await;
        assert_eq!(words, "the client is unknown or its credentials are wrong", "{all}");
    }
}
