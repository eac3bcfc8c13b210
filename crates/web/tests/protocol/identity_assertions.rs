//! The grant `jwt-bearer` with identity assertions (ID-JAG) and other assertions of trusted issuers.

use app::node::clock::Clock as _;
use base64::Engine as _;
use serde_json::{Value, json};
use testkit::host::{Reply, TestHost};
use testkit::{ADMIN, Answer, ClientKey, OTHER, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, assert_refused, is_alive};

pub(crate) const ISSUERS: &str = "/api/admin/trustedissuers";
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(crate) const IDP: &str = "https://idp.example";
const SERVER: &str = "http://127.0.0.1:8080";
const DATA: &str = "http://127.0.0.1:8080/api/odata4";

/// An issuer that the server trusts, with its key.
pub(crate) struct Issuer {
    pub(crate) key: ClientKey,
    pub(crate) url: String,
}

impl Issuer {
    /// Trusts [`IDP`] for identity assertions about listed users, with these members replaced.
    pub(crate) async fn trust(server: &TestServer, members: &Value) -> Self {
        let issuer = Self { key: ClientKey::new(9), url: IDP.to_owned() };
        issuer.record(server, members).await.expect(201);
        issuer
    }

    pub(crate) async fn record(&self, server: &TestServer, members: &Value) -> Answer {
        let mut body = json!({
            "issuer": self.url, "jwks": self.jwks(), "purposes": ["identity_assertion"], "clients": ["*"],
            "subjects": { "employee-7": USER.name, "employee-8": OTHER.name },
        });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        server.post(ISSUERS).basic(&ADMIN).json(&body).send().await
    }

    pub(crate) fn jwks(&self) -> Value {
        let mut jwk = self.key.jwk();
        jwk["kid"] = json!("i");
        json!({ "keys": [jwk] })
    }

    /// A token with these claims and this `typ`.
    pub(crate) fn sign(&self, typ: Option<&str>, claims: &Value) -> String {
        let mut header = json!({ "alg": "EdDSA", "kid": "i" });
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        self.key.sign_with_header(&header, claims)
    }

    /// An identity assertion for the client, with these claims replaced; `null` removes one.
    fn assertion(&self, server: &TestServer, client: &Client, changes: &Value) -> String {
        let now = server.clock().now().as_secs();
        let claims = json!({
            "iss": self.url, "sub": "employee-7", "aud": SERVER, "client_id": client.identifier,
            "resource": DATA, "scope": "api.access.odata", "jti": "1", "iat": now, "exp": now + 300,
        });
        self.sign(Some("oauth-id-jag+jwt"), &changed(claims, changes))
    }
}

/// The claims with these replaced; `null` removes one.
pub(crate) fn changed(mut claims: Value, changes: &Value) -> Value {
    let all = claims.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    claims
}

/// An application that may present assertions.
async fn client(server: &TestServer) -> Client {
    Client::register_with(server, json!({ "grantTypes": [GRANT, "authorization_code"] })).await
}

async fn present(server: &TestServer, client: &Client, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let own = [("grant_type", GRANT), ("assertion", assertion)];
    client.token(server, &[&own[..], more].concat()).await
}

fn access(answer: &Answer) -> String {
    answer.clone().expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

fn reason(answer: &Answer) -> String {
    answer.json()["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_identity_assertion_gives_a_token_of_its_user_for_its_resource() {
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let answer = present(&server, &client, &issuer.assertion(&server, &client, &json!({})), &[]).await;
    let body = answer.clone().expect(200).json();
    assert_eq!(body["scope"], "api.access.odata");
    assert!(body["refresh_token"].is_null(), "the issuer decides each time: {body}");
    let token = access(&answer);
    assert!(is_alive(&server, &token).await);
    assert_eq!(client.introspect(&server, &token).await["username"], USER.name);
}

/// The audience of a signed access token.
fn audience(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["aud"].clone()
}

#[tokio::test]
async fn the_token_is_bound_to_the_resource_of_the_assertion() {
    let server = TestServer::start().await;
    let issuer = Issuer::trust(&server, &json!({})).await;
    let client = Client::register_with(&server, json!({ "grantTypes": [GRANT], "tokenFormat": "jwt" })).await;
    let token =
        access(&present(&server, &client, &issuer.assertion(&server, &client, &json!({})), &[]).await);
    assert_eq!(audience(&token), DATA);
}

#[tokio::test]
async fn the_metadata_names_the_grant_and_its_profile() {
    let server = TestServer::start().await;
    let document = server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    let profiles = json!(["urn:ietf:params:oauth:grant-profile:id-jag"]);
    assert_eq!(document["authorization_grant_profiles_supported"], profiles);
    assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
}

#[tokio::test]
async fn an_identity_assertion_cannot_be_replayed() {
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let assertion = issuer.assertion(&server, &client, &json!({}));
    present(&server, &client, &assertion, &[]).await.expect(200);
    let again = present(&server, &client, &assertion, &[]).await;
    assert_refused(&again, 400, "invalid_grant");
    let same_id = issuer.assertion(&server, &client, &json!({ "sub": "employee-8" }));
    assert_eq!(reason(&present(&server, &client, &same_id, &[]).await), reason(&again));
}

#[tokio::test]
async fn an_identity_assertion_that_breaks_a_rule_is_refused_and_not_used_up() {
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let now = server.clock().now().as_secs();
    for changes in [
        json!({ "iss": "https://idp.example/" }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": [SERVER, "https://other.example"] }),
        json!({ "aud": format!("{SERVER}/oauth2/token") }),
        json!({ "aud": null }),
        json!({ "client_id": "somebody" }),
        json!({ "client_id": null }),
        json!({ "resource": "https://other.example" }),
        json!({ "resource": null }),
        json!({ "resource": [] }),
        json!({ "resource": [DATA, "https://other.example"] }),
        json!({ "exp": now }),
        json!({ "exp": now + 7_200 }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "iat": now + 120 }),
        json!({ "nbf": now + 120 }),
        json!({ "jti": null }),
        json!({ "jti": 7 }),
        json!({ "sub": null }),
        json!({ "sub": "nobody" }),
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "authorization_details": [] }),
        json!({ "scope": 7 }),
    ] {
        let assertion = issuer.assertion(&server, &client, &changes);
        let answer = present(&server, &client, &assertion, &[]).await;
        assert_eq!(
            (answer.status(), &answer.json()["error"]),
            (400.try_into().unwrap(), &json!("invalid_grant")),
            "{changes}"
        );
    }
    let fresh = issuer.assertion(&server, &client, &json!({ "aud": [SERVER] }));
    present(&server, &client, &fresh, &[]).await.expect(200);
}

#[tokio::test]
async fn an_assertion_of_another_type_key_or_algorithm_is_refused() {
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let now = server.clock().now().as_secs();
    let claims = json!({
        "iss": IDP, "sub": "employee-7", "aud": SERVER, "client_id": client.identifier, "resource": DATA,
        "jti": "1", "iat": now, "exp": now + 300,
    });
    let stranger = ClientKey::new(2);
    let typed = json!({ "alg": "EdDSA", "kid": "i", "typ": "oauth-id-jag+jwt" });
    let changed = |changes: Value| self::changed(typed.clone(), &changes);
    for assertion in [
        issuer.sign(None, &claims),
        issuer.sign(Some("JWT"), &claims),
        issuer.sign(Some("at+jwt"), &claims),
        stranger.sign_with_header(&typed, &claims),
        stranger.sign_with_header(&changed(json!({ "jwk": stranger.jwk() })), &claims),
        issuer.key.sign_with_header(&changed(json!({ "alg": "none" })), &claims),
        issuer.key.sign_with_header(&changed(json!({ "alg": "HS256" })), &claims),
        issuer.key.sign_with_header(&changed(json!({ "alg": "ES256" })), &claims),
        issuer.key.sign_with_header(&changed(json!({ "crit": ["exp"] })), &claims),
        "a.b.c".to_owned(),
        "x".to_owned(),
    ] {
        assert_refused(&present(&server, &client, &assertion, &[]).await, 400, "invalid_grant");
    }
    present(&server, &client, &issuer.key.sign_with_header(&typed, &claims), &[]).await.expect(200);
}

#[tokio::test]
async fn only_clients_that_authenticate_and_are_accepted_present_assertions() {
    let server = TestServer::start().await;
    let client = client(&server).await;
    let issuer = Issuer::trust(&server, &json!({ "clients": [client.identifier] })).await;
    let other = self::client(&server).await;
    let assertion = issuer.assertion(&server, &other, &json!({}));
    assert_refused(&present(&server, &other, &assertion, &[]).await, 400, "invalid_grant");
    let public =
        json!({ "name": "a", "redirectUrls": [CALLBACK], "clientType": "public", "grantTypes": [GRANT] });
    server.post(APPLICATIONS).basic(&USER).json(&public).send().await.expect(400);
    let unregistered = Client::register(&server).await;
    let assertion = issuer.assertion(&server, &unregistered, &json!({}));
    assert_refused(&present(&server, &unregistered, &assertion, &[]).await, 400, "unauthorized_client");
    let assertion = issuer.assertion(&server, &client, &json!({}));
    let stranger = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    assert_refused(&present(&server, &stranger, &assertion, &[]).await, 400, "invalid_client");
    let fields = [("grant_type", GRANT), ("assertion", &assertion)];
    assert_refused(&server.post("/oauth2/token").form(&fields).send().await, 401, "invalid_client");
    present(&server, &client, &assertion, &[]).await.expect(200);
}

#[tokio::test]
async fn scopes_and_resources_are_only_narrowed() {
    let server = TestServer::start().await;
    let members = json!({ "scopes": ["api.access.odata"], "resources": [DATA] });
    let (issuer, client) = (Issuer::trust(&server, &members).await, client(&server).await);
    let all = json!({ "scope": "api.mgmt api.access.odata unknown" });
    let answer = present(&server, &client, &issuer.assertion(&server, &client, &all), &[]).await;
    assert_eq!(answer.expect(200).json()["scope"], "api.access.odata");
    let more = issuer.assertion(&server, &client, &json!({ "scope": "api.mgmt" }));
    assert_refused(&present(&server, &client, &more, &[]).await, 400, "invalid_scope");
    let wide = issuer.assertion(&server, &client, &json!({ "resource": SERVER, "jti": "3" }));
    assert_refused(&present(&server, &client, &wide, &[]).await, 400, "invalid_grant");
    let fresh = issuer.assertion(&server, &client, &json!({ "jti": "4" }));
    let wider = present(&server, &client, &fresh, &[("resource", SERVER)]).await;
    assert_refused(&wider, 400, "invalid_target");
    let answer =
        present(&server, &client, &fresh, &[("resource", DATA), ("scope", "api.access.odata api.mgmt")])
            .await;
    assert_eq!(answer.expect(200).json()["scope"], "api.access.odata");
}

#[tokio::test]
async fn the_user_sees_the_access_and_ends_it() {
    const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let token =
        access(&present(&server, &client, &issuer.assertion(&server, &client, &json!({})), &[]).await);
    let listed = server.get(ALLOWED).basic(&USER).send().await.expect(200).json();
    assert_eq!(listed["applications"][0]["id"], client.id, "{listed}");
    server.delete(&format!("{ALLOWED}/{}", client.id)).basic(&USER).send().await.expect(204);
    assert!(!is_alive(&server, &token).await);
    let next = issuer.assertion(&server, &client, &json!({ "jti": "2" }));
    let token = access(&present(&server, &client, &next, &[]).await);
    let everything = json!({ "user": server.user(&USER).await.id.get() });
    server.post("/api/admin/revocations").basic(&ADMIN).json(&everything).send().await.expect(204);
    assert!(!is_alive(&server, &token).await);
}

#[tokio::test]
async fn a_disabled_user_gets_nothing() {
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let id = server.user(&USER).await.id;
    let disabled = json!({ "userName": USER.name, "statusInfo": { "status": 0 } });
    server.put(&format!("/api/admin/users/{id}")).basic(&ADMIN).json(&disabled).send().await.expect(200);
    let answer = present(&server, &client, &issuer.assertion(&server, &client, &json!({})), &[]).await;
    assert_refused(&answer, 400, "invalid_grant");
    assert_eq!(reason(&answer), "the subject of the assertion is not an active user here");
}

#[tokio::test]
async fn a_user_is_found_by_a_mail_address_that_both_sides_verify() {
    let server = TestServer::start().await;
    let members = json!({ "subjectIs": "email", "subjectClaim": "email", "subjects": {} });
    let (issuer, client) = (Issuer::trust(&server, &members).await, client(&server).await);
    let say = async |verified: bool| {
        let id = server.user(&USER).await.id;
        let body = json!({
            "userName": USER.name, "attributes": { "email": "zoe@example.com", "emailVerified": verified },
        });
        server.put(&format!("/api/admin/users/{id}")).basic(&ADMIN).json(&body).send().await.expect(200);
    };
    let verified = json!({ "email": "Zoe@example.com", "email_verified": true });
    let unverified = json!({ "email": "zoe@example.com" });
    say(false).await;
    let assertion = issuer.assertion(&server, &client, &verified);
    assert_refused(&present(&server, &client, &assertion, &[]).await, 400, "invalid_grant");
    say(true).await;
    let assertion = issuer.assertion(&server, &client, &unverified);
    assert_refused(&present(&server, &client, &assertion, &[]).await, 400, "invalid_grant");
    let token = access(&present(&server, &client, &issuer.assertion(&server, &client, &verified), &[]).await);
    assert_eq!(client.introspect(&server, &token).await["username"], USER.name);
}

#[tokio::test]
async fn an_issuer_that_is_not_trusted_any_more_gets_nothing() {
    let server = TestServer::start().await;
    let (issuer, client) = (Issuer::trust(&server, &json!({})).await, client(&server).await);
    let listed = server.get(ISSUERS).basic(&ADMIN).send().await.expect(200).json();
    let one = format!("{ISSUERS}/{}", listed["trustedIssuers"][0]["id"]);
    server.delete(&one).basic(&ADMIN).send().await.expect(204);
    let assertion = issuer.assertion(&server, &client, &json!({}));
    assert_refused(&present(&server, &client, &assertion, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_plain_assertion_needs_an_issuer_that_is_trusted_for_it() {
    let server = TestServer::start().await;
    let members = json!({ "purposes": ["jwt_bearer"], "audience": "token_endpoint", "resources": [DATA] });
    let issuer = Issuer::trust(&server, &members).await;
    let client = Client::register_with(&server, json!({ "grantTypes": [GRANT], "tokenFormat": "jwt" })).await;
    let now = server.clock().now().as_secs();
    let claims = json!({
        "iss": IDP, "sub": "employee-7", "aud": format!("{SERVER}/oauth2/token"), "iat": now, "exp": now + 60,
    });
    let assertion = issuer.sign(Some("JWT"), &claims);
    let token = access(&present(&server, &client, &assertion, &[]).await);
    assert_eq!(audience(&token), DATA, "what its issuer may name");
    let again = present(&server, &client, &assertion, &[]).await;
    assert_refused(&again, 400, "invalid_grant");
    assert!(reason(&again).contains("used before"), "an assertion without jti is known by its content");
    for changes in [json!({ "aud": SERVER }), json!({ "client_id": "somebody" }), json!({ "cnf": {} })] {
        let assertion = issuer.sign(None, &changed(claims.clone(), &changes));
        assert_refused(&present(&server, &client, &assertion, &[]).await, 400, "invalid_grant");
    }
    let identity = issuer.assertion(&server, &client, &json!({}));
    assert_refused(&present(&server, &client, &identity, &[]).await, 400, "invalid_grant");
}

#[tokio::test]
async fn keys_are_discovered_and_looked_up_again_at_a_bounded_rate() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let issuer = Issuer { key: ClientKey::new(9), url: host.url("issuer.test", "") };
    issuer.record(&server, &json!({ "jwks": null })).await.expect(201);
    let client = client(&server).await;
    let stranger = ClientKey::new(4);
    let mut old = stranger.jwk();
    old["kid"] = json!("old");
    let keys = |set: &Value| host.reply("/keys", Reply::json(set).header("cache-control", "max-age=600"));
    keys(&json!({ "keys": [old] }));
    let document = json!({ "issuer": issuer.url, "jwks_uri": host.url("issuer.test", "/keys") });
    host.reply("/.well-known/openid-configuration", Reply::json(&document));
    let assertion = issuer.assertion(&server, &client, &json!({}));
    for _ in 0..3 {
        assert_refused(&present(&server, &client, &assertion, &[]).await, 400, "invalid_grant");
    }
    assert_eq!(host.received("/keys").len(), 1, "an unknown kid does not fetch again at once");
    keys(&issuer.jwks());
    server.clock().advance_secs(31);
    present(&server, &client, &assertion, &[]).await.expect(200);
    assert_eq!(host.received("/keys").len(), 2);
    assert_eq!(host.received("/.well-known/openid-configuration").len(), 1);
    let next = issuer.assertion(&server, &client, &json!({ "jti": "2" }));
    present(&server, &client, &next, &[]).await.expect(200);
    assert_eq!(host.received("/keys").len(), 2, "keys are cached");
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_used() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let issuer = Issuer { key: ClientKey::new(9), url: host.url("issuer.test", "") };
    issuer.record(&server, &json!({ "jwks": null })).await.expect(201);
    let client = client(&server).await;
    host.reply("/keys", Reply::json(&issuer.jwks()));
    let document = json!({ "issuer": "https://other.example", "jwks_uri": host.url("issuer.test", "/keys") });
    host.reply("/.well-known/openid-configuration", Reply::json(&document));
    let assertion = issuer.assertion(&server, &client, &json!({}));
    let refused = present(&server, &client, &assertion, &[]).await;
    assert_eq!(reason(&refused), "the issuer of the assertion publishes no keys that can be used");
    assert_refused(&refused, 400, "invalid_grant");
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_now_are_temporary() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let issuer = Issuer { key: ClientKey::new(9), url: host.url("issuer.test", "") };
    issuer.record(&server, &json!({ "jwks": null })).await.expect(201);
    let client = client(&server).await;
    let assertion = issuer.assertion(&server, &client, &json!({}));
    let document = json!({ "issuer": issuer.url, "jwks_uri": host.url("issuer.test", "/keys") });
    let discovery = "/.well-known/openid-configuration";
    for (at, good) in [(discovery, &document), ("/keys", &issuer.jwks())] {
        host.reply(at, Reply::text("no").status(503));
        for _ in 0..2 {
            let refused = present(&server, &client, &assertion, &[]).await;
            assert_refused(&refused, 400, "invalid_grant");
            assert_eq!(refused.headers()["retry-after"], "5");
        }
        assert_eq!(host.received(at).len(), 1, "the host is not asked again at once");
        host.reply(at, Reply::json(good));
        server.clock().advance_secs(6);
    }
    present(&server, &client, &assertion, &[]).await.expect(200);
}

#[tokio::test]
async fn what_cannot_be_trusted_is_refused_with_all_faults() {
    let server = TestServer::start().await;
    let private = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA" }] });
    for (body, fields) in [
        (json!({}), &["issuer", "purposes"][..]),
        (json!({ "issuer": "http://idp.example", "purposes": ["x"] }), &["purposes[0]"]),
        (
            json!({ "issuer": "http://idp.example?a#b", "purposes": ["access_token"], "subjectIs": "user_name" }),
            &["issuer", "clients", "service"],
        ),
        (
            json!({
                "issuer": "https://idp.example?a", "purposes": ["workload"], "jwks": private,
                "jwksUri": "ftp://x", "workloads": [{ "subject": "*", "client": "x" }], "scopes": ["nothing"],
            }),
            &["issuer", "jwksUri", "jwksUri", "workloads[0].subject", "workloads[0].client", "jwks"],
        ),
    ] {
        let refused = server.post(ISSUERS).basic(&ADMIN).json(&body).send().await.expect(400).json();
        let named: Vec<&str> = refused["error"]["details"]
            .as_array()
            .unwrap()
            .iter()
            .map(|detail| detail["field"].as_str().unwrap())
            .collect();
        for field in fields {
            assert!(named.contains(field), "{body}: {refused}");
        }
    }
    let listed = server.get(ISSUERS).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(listed, json!({ "trustedIssuers": [] }));
}
