//! Clients whose instances authenticate with an attestation
//! ([draft-ietf-oauth-attestation-based-client-auth-11](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11)).

use std::sync::atomic::{AtomicU64, Ordering};

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{Answer, ClientKey, TestServer, USER};

use crate::client::{CALLBACK, Client, Fields, S256, TOKEN, VERIFIER, assert_refused};
use crate::identity_assertions::{Issuer, changed};

mod bound_codes;
mod challenges;
mod clients;
mod headers;
mod refresh;

const SERVER: &str = "http://127.0.0.1:8080";
const METHOD: &str = "attest_jwt_client_auth";
const ATTESTATION: &str = "oauth-client-attestation";
const PROOF: &str = "oauth-client-attestation-pop";
const SERVICE: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// An application whose instances an attester attests.
struct App {
    client: Client,
    attester: Issuer,
}

/// An instance of it with its key.
struct Instance<'a> {
    app: &'a App,
    key: ClientKey,
    proofs: AtomicU64,
}

/// A server with an application, and an attester that is trusted for it.
async fn scene() -> (TestServer, App) {
    let server = TestServer::start().await;
    let app = App::start(&server, &json!({})).await;
    (server, app)
}

impl App {
    /// An application and its attester, whose record has these members replaced.
    async fn start(server: &TestServer, members: &Value) -> Self {
        let client = Client::register_with(
            server,
            json!({
                "tokenEndpointAuthMethod": METHOD,
                "grantTypes": ["authorization_code", "refresh_token", "client_credentials"],
            }),
        )
        .await;
        assert_eq!(client.secret, None, "it has no secret");
        let attester = Issuer { key: ClientKey::new(9), url: "https://attester.example".to_owned() };
        let mut own = json!({ "purposes": ["client_attestation"], "clients": [client.identifier] });
        own.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        attester.record(server, &own).await.expect(201);
        Self { client, attester }
    }

    fn instance(&self, seed: u8) -> Instance<'_> {
        Instance { app: self, key: ClientKey::new(seed), proofs: AtomicU64::new(0) }
    }
}

impl Instance<'_> {
    /// The attestation of this instance with these claims replaced; `null` removes one.
    fn attestation(&self, server: &TestServer, changes: &Value) -> String {
        let now = server.clock().now().as_secs();
        let claims = json!({
            "sub": self.app.client.identifier, "iat": now, "exp": now + 3_600, "cnf": { "jwk": self.key.jwk() },
        });
        self.app.attester.sign(Some("oauth-client-attestation+jwt"), &changed(claims, changes))
    }

    /// A new proof of this instance with these claims replaced; `null` removes one.
    fn proof(&self, server: &TestServer, changes: &Value) -> String {
        let id = format!("proof-{}", self.proofs.fetch_add(1, Ordering::Relaxed));
        let claims = json!({ "aud": SERVER, "jti": id, "iat": server.clock().now().as_secs() });
        self.sign_proof(&changed(claims, changes))
    }

    fn sign_proof(&self, claims: &Value) -> String {
        let header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "EdDSA" });
        self.key.sign_with_header(&header, claims)
    }

    /// A request with a good attestation and a new proof.
    async fn post(&self, server: &TestServer, path: &str, fields: Fields<'_>) -> Answer {
        let attestation = self.attestation(server, &json!({}));
        self.send(
            server,
            path,
            &[(ATTESTATION, &attestation), (PROOF, &self.proof(server, &json!({})))],
            fields,
        )
        .await
    }

    /// A request with these headers.
    async fn send(
        &self,
        server: &TestServer,
        path: &str,
        headers: &[(&'static str, &str)],
        fields: Fields<'_>,
    ) -> Answer {
        let id = ("client_id", self.app.client.identifier.as_str());
        send(server, path, headers, &[&[id][..], fields].concat()).await
    }

    /// The token response to a code that the user gave.
    async fn tokens(&self, server: &TestServer) -> Value {
        let code = self.app.client.code_with(server, &USER, &S256).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.post(server, TOKEN, &fields).await.expect(200).json()
    }
}

async fn send(
    server: &TestServer,
    path: &str,
    headers: &[(&'static str, &str)],
    fields: Fields<'_>,
) -> Answer {
    let call = headers.iter().fold(server.post(path), |call, (name, value)| call.header(name, value));
    call.form(fields).send().await
}

#[tokio::test]
async fn an_instance_authenticates_at_every_endpoint_with_one_attestation_and_new_proofs() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let attestation = instance.attestation(&server, &json!({}));
    let post = async |path: &str, fields: Fields<'_>| {
        let proof = instance.proof(&server, &json!({}));
        instance.send(&server, path, &[(ATTESTATION, &attestation), (PROOF, &proof)], fields).await
    };
    let tokens = post(TOKEN, &SERVICE).await.expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(post("/oauth2/introspect", &[("token", token)]).await.expect(200).json()["active"], true);
    post("/oauth2/revoke", &[("token", token)]).await.expect(200);
    let seen = post("/oauth2/introspect", &[("token", token)]).await.expect(200).json();
    assert_eq!(seen, json!({ "active": false }));
    let request =
        [("response_type", "code"), ("redirect_uri", CALLBACK), ("client_id", ""), S256[0], S256[1]];
    let request: Vec<_> = request.into_iter().filter(|(name, _)| *name != "client_id").collect();
    post("/oauth2/par", &request).await.expect(201);
    assert_refused(&post("/oauth2/device_authorization", &[]).await, 400, "unauthorized_client");
    assert_refused(
        &post("/oauth2/bc-authorize", &[("login_hint", USER.name)]).await,
        400,
        "unauthorized_client",
    );
}

#[tokio::test]
async fn an_attestation_names_its_client_where_the_request_does_not() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let attestation = instance.attestation(&server, &json!({}));
    let headers = [(ATTESTATION, attestation.as_str()), (PROOF, &instance.proof(&server, &json!({})))];
    send(&server, TOKEN, &headers, &SERVICE).await.expect(200);
    for unusable in ["", "a.b.c", "x", &instance.attestation(&server, &json!({ "sub": null }))] {
        let headers = [(ATTESTATION, unusable), (PROOF, headers[1].1)];
        assert_refused(&send(&server, TOKEN, &headers, &SERVICE).await, 401, "invalid_client");
    }
    let public = Client::public(&server).await;
    let of_public = instance.attestation(&server, &json!({ "sub": public.identifier }));
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "sgr_x")];
    let answer = send(&server, TOKEN, &[(ATTESTATION, of_public.as_str())], &fields).await;
    assert_refused(&answer, 400, "invalid_client");
    let stranger = instance.attestation(&server, &json!({ "sub": "nobody" }));
    let headers = [(ATTESTATION, stranger.as_str()), (PROOF, headers[1].1)];
    assert_refused(&send(&server, TOKEN, &headers, &SERVICE).await, 400, "invalid_client");
}

#[tokio::test]
async fn a_proof_cannot_be_replayed_not_even_at_another_node() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let attestation = instance.attestation(&server, &json!({}));
    let proof = instance.proof(&server, &json!({ "jti": "same" }));
    let post = async |server: &TestServer, proof: &str| {
        instance.send(server, TOKEN, &[(ATTESTATION, &attestation), (PROOF, proof)], &SERVICE).await
    };
    post(&server, &proof).await.expect(200);
    assert_refused(&post(&server, &proof).await, 400, "invalid_client_attestation");
    let same_id = instance.proof(&server, &json!({ "jti": "same", "nbf": 1 }));
    assert_refused(&post(&server, &same_id).await, 400, "invalid_client_attestation");
    // Another process over the same database, without the memory of the first.
    let server = server.restart_with(testkit::Setup::default().app).await;
    assert_refused(&post(&server, &proof).await, 400, "invalid_client_attestation");
    let other = app.instance(2);
    let theirs = other.attestation(&server, &json!({}));
    let proof = other.proof(&server, &json!({ "jti": "same" }));
    let headers = [(ATTESTATION, theirs.as_str()), (PROOF, proof.as_str())];
    other.send(&server, TOKEN, &headers, &SERVICE).await.expect(200);
}

#[tokio::test]
async fn an_attestation_that_breaks_a_rule_is_refused() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let now = server.clock().now().as_secs();
    let mut private = instance.key.jwk();
    private["d"] = json!("AAAA");
    let another = ClientKey::new(2).jwk();
    for (changes, error) in [
        (json!({ "sub": "another" }), "invalid_client_attestation"),
        (json!({ "sub": null }), "invalid_client_attestation"),
        (json!({ "exp": null }), "invalid_client_attestation"),
        (json!({ "exp": now + 31 * 86_400 }), "invalid_client_attestation"),
        (json!({ "exp": now }), "use_fresh_attestation"),
        (json!({ "iat": now + 100 }), "invalid_client_attestation"),
        (json!({ "nbf": now + 100 }), "invalid_client_attestation"),
        (json!({ "iss": "https://other.example" }), "invalid_client_attestation"),
        (json!({ "cnf": null }), "invalid_client_attestation"),
        (json!({ "cnf": { "jwk": private } }), "invalid_client_attestation"),
        (json!({ "cnf": { "jwk": { "kty": "oct", "k": "AAAA" } } }), "invalid_client_attestation"),
        (json!({ "cnf": { "jwk": another } }), "invalid_client_attestation"),
    ] {
        let attestation = instance.attestation(&server, &changes);
        let proof = instance.proof(&server, &json!({}));
        let headers = [(ATTESTATION, attestation.as_str()), (PROOF, proof.as_str())];
        assert_refused(&instance.send(&server, TOKEN, &headers, &SERVICE).await, 400, error);
    }
    for changes in [json!({ "iss": app.attester.url }), json!({ "iat": null }), json!({ "other": [] })] {
        let attestation = instance.attestation(&server, &changes);
        let proof = instance.proof(&server, &json!({}));
        let headers = [(ATTESTATION, attestation.as_str()), (PROOF, proof.as_str())];
        instance.send(&server, TOKEN, &headers, &SERVICE).await.expect(200);
    }
}

#[tokio::test]
async fn a_proof_that_breaks_a_rule_is_refused() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let attestation = instance.attestation(&server, &json!({}));
    let now = server.clock().now().as_secs();
    let good = json!({ "aud": SERVER, "jti": "1", "iat": now });
    let typed = |typ: Value, alg: &str| {
        let header = json!({ "typ": typ, "alg": alg });
        instance.key.sign_with_header(&changed(header, &json!({})), &good)
    };
    let own_header = json!({ "typ": "oauth-client-attestation-pop+jwt", "alg": "EdDSA" });
    let mut refused = vec![
        ClientKey::new(2).sign_with_header(&own_header, &good),
        typed(Value::Null, "EdDSA"),
        typed(json!("dpop+jwt"), "EdDSA"),
        typed(json!("oauth-client-attestation+jwt"), "EdDSA"),
        typed(json!("oauth-client-attestation-pop+jwt"), "none"),
        typed(json!("oauth-client-attestation-pop+jwt"), "HS256"),
        typed(json!("oauth-client-attestation-pop+jwt"), "ES256"),
        "a.b.c".to_owned(),
    ];
    for changes in [
        json!({ "aud": null }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": [SERVER, "https://other.example"] }),
        json!({ "iat": null }),
        json!({ "iat": now - 301 }),
        json!({ "iat": now + 61 }),
        json!({ "jti": null }),
        json!({ "challenge": 7 }),
    ] {
        refused.push(instance.sign_proof(&changed(good.clone(), &changes)));
    }
    for proof in &refused {
        let headers = [(ATTESTATION, attestation.as_str()), (PROOF, proof.as_str())];
        let answer = instance.send(&server, TOKEN, &headers, &SERVICE).await;
        assert_eq!(answer.status(), 400, "{proof}: {answer:?}");
        assert_eq!(answer.json()["error"], "invalid_client_attestation", "{proof}: {answer:?}");
    }
    let headers = [(ATTESTATION, attestation.as_str()), (PROOF, &instance.sign_proof(&good))];
    instance.send(&server, TOKEN, &headers, &SERVICE).await.expect(200);
}

#[tokio::test]
async fn only_an_attester_that_is_trusted_for_the_client_attests_it() {
    let (server, app) = scene().await;
    let other = Client::register_with(
        &server,
        json!({ "tokenEndpointAuthMethod": METHOD, "grantTypes": ["client_credentials"] }),
    )
    .await;
    let attester = Issuer { key: ClientKey::new(9), url: app.attester.url.clone() };
    let unlisted = App { client: other, attester };
    let answer = unlisted.instance(1).post(&server, TOKEN, &SERVICE).await;
    assert_refused(&answer, 400, "invalid_client_attestation");
    let stranger = Issuer { key: ClientKey::new(8), url: app.attester.url.clone() };
    let forged = App { client: app.client.clone(), attester: stranger };
    assert_refused(
        &forged.instance(1).post(&server, TOKEN, &SERVICE).await,
        400,
        "invalid_client_attestation",
    );
    let members = json!({ "purposes": ["workload", "software_statement"], "workloads": [
        { "subject": "a", "client": app.client.identifier },
    ] });
    let elsewhere = Issuer { key: ClientKey::new(7), url: "https://cluster.example".to_owned() };
    elsewhere.record(&server, &members).await.expect(201);
    let misused = App { client: app.client.clone(), attester: elsewhere };
    assert_refused(
        &misused.instance(1).post(&server, TOKEN, &SERVICE).await,
        400,
        "invalid_client_attestation",
    );
    app.instance(1).post(&server, TOKEN, &SERVICE).await.expect(200);
}

#[tokio::test]
async fn the_key_tells_which_of_several_attesters_has_signed() {
    let (server, app) = scene().await;
    let second = Issuer { key: ClientKey::new(7), url: "https://second.example".to_owned() };
    let members = json!({ "purposes": ["client_attestation"], "clients": ["*"] });
    second.record(&server, &members).await.expect(201);
    let by_second = App { client: app.client.clone(), attester: second };
    app.instance(1).post(&server, TOKEN, &SERVICE).await.expect(200);
    let instance = by_second.instance(2);
    instance.post(&server, TOKEN, &SERVICE).await.expect(200);
    let claims_to_be_of_the_first = instance.attestation(&server, &json!({ "iss": app.attester.url }));
    let proof = instance.proof(&server, &json!({}));
    let headers = [(ATTESTATION, claims_to_be_of_the_first.as_str()), (PROOF, proof.as_str())];
    assert_refused(
        &instance.send(&server, TOKEN, &headers, &SERVICE).await,
        400,
        "invalid_client_attestation",
    );
}

#[tokio::test]
async fn keys_of_an_attester_that_cannot_be_fetched_are_told_apart_from_wrong_ones() {
    let server = TestServer::start().await;
    let members = json!({ "jwks": null, "jwksUri": "https://attester.invalid/keys" });
    let app = App::start(&server, &members).await;
    let answer = app.instance(1).post(&server, TOKEN, &SERVICE).await;
    assert_refused(&answer, 400, "invalid_client_attestation");
    assert!(!answer.header("retry-after").is_empty());
}
