//! Tokens that are bound to a key ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449)).

use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, ClientKey, TestServer, USER};

use crate::client::{
    APPLICATIONS, CALLBACK, Client, S256, TOKEN, Tokens, VERIFIER, allow, assert_refused, parameter,
};

pub(crate) const DATA: &str = "/api/odata4";

/// A token request with these proofs.
pub(crate) async fn ask(
    server: &TestServer,
    client: &Client,
    fields: &[(&str, &str)],
    proofs: &[&str],
) -> Answer {
    let mut all = vec![("client_id", client.identifier.as_str())];
    all.extend(client.secret.as_deref().map(|secret| ("client_secret", secret)));
    all.extend(fields);
    let call = server.post(TOKEN).form(&all);
    proofs.iter().fold(call, |call, proof| call.header("dpop", proof)).send().await
}

async fn exchange(server: &TestServer, client: &Client, code: &str, proof: &str) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    ask(server, client, &fields, &[proof]).await
}

pub(crate) async fn service(server: &TestServer) -> Client {
    let members = json!({ "grantTypes": ["client_credentials"], "scopes": ["api.access.odata", "api.mgmt"] });
    Client::register_as(server, &testkit::ADMIN, members).await
}

pub(crate) const SERVICE: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// A bound access token for client credentials.
pub(crate) async fn bound(server: &TestServer, key: &ClientKey) -> String {
    let client = service(server).await;
    let fields = [SERVICE[0], ("scope", "api.access.odata api.mgmt")];
    let answer = ask(server, &client, &fields, &[&key.proof(server, "POST", TOKEN)]).await;
    let body = answer.expect(200).json();
    assert_eq!(body["token_type"], "DPoP");
    body["access_token"].as_str().unwrap().to_owned()
}

/// A request for data with this scheme and proof.
pub(crate) async fn read(server: &TestServer, scheme: &str, token: &str, proof: Option<&str>) -> Answer {
    let call = server.get(DATA).header("authorization", format!("{scheme} {token}"));
    match proof {
        Some(proof) => call.header("dpop", proof).send().await,
        None => call.send().await,
    }
}

pub(crate) fn challenges(answer: &Answer) -> Vec<&str> {
    answer.headers().get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_bound_token_reads_data_and_calls_the_management_api() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let token = bound(&server, &key).await;
    for path in [DATA, APPLICATIONS] {
        let proof = key.proof_with(&server, "GET", path, &token);
        let call = server.get(path).header("authorization", format!("DPoP {token}"));
        call.header("dpop", proof).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_bound_token_is_no_bearer_token_and_a_bearer_token_is_not_bound() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let token = bound(&server, &key).await;
    let proof = key.proof_with(&server, "GET", DATA, &token);
    for proof in [None, Some(proof.as_str())] {
        let refused = read(&server, "Bearer", &token, proof).await.expect(401);
        assert!(challenges(&refused)[0].starts_with("Bearer error=\"invalid_token\""));
        assert!(challenges(&refused)[1].starts_with("DPoP ") && challenges(&refused)[1].contains("algs="));
    }
    let plain = service(&server).await.token(&server, &SERVICE).await.expect(200).json();
    assert_eq!(plain["token_type"], "Bearer");
    let plain = plain["access_token"].as_str().unwrap();
    let proof = key.proof_with(&server, "GET", DATA, plain);
    let refused = read(&server, "DPoP", plain, Some(&proof)).await.expect(401);
    assert!(challenges(&refused)[0].starts_with("DPoP error=\"invalid_token\""));
    read(&server, "Bearer", plain, None).await.expect(200);
}

#[tokio::test]
async fn every_resource_challenges_with_the_scheme_of_the_token() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let client = service(&server).await;
    let fields = [SERVICE[0], ("scope", "api.access.odata")];
    let answer = ask(&server, &client, &fields, &[&key.proof(&server, "POST", TOKEN)]).await.expect(200);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    for path in [DATA, APPLICATIONS, "/oauth2/userinfo"] {
        let as_bearer = server.get(path).bearer(&token).send().await.expect(401);
        let reply = challenges(&as_bearer);
        assert!(reply.iter().any(|text| text.starts_with("DPoP ")), "{path}: {reply:?}");
        let call = || server.get(path).header("authorization", format!("DPoP {token}"));
        for (proof, error) in [
            (key.proof_with(&server, "POST", path, &token), "invalid_dpop_proof"),
            (key.proof_with_nonce(&server, "GET", path, &token, "stale"), "use_dpop_nonce"),
        ] {
            let refused = call().header("dpop", proof).send().await.expect(401);
            let reply = challenges(&refused);
            assert_eq!(reply.len(), 1, "{path}: {reply:?}");
            assert!(reply[0].starts_with(&format!("DPoP error=\"{error}\"")), "{path}: {reply:?}");
            assert!(reply[0].contains("algs=\"EdDSA "), "{path}: {reply:?}");
        }
        if path != DATA {
            let proof = key.proof_with(&server, "GET", path, &token);
            let narrow = call().header("dpop", proof).send().await.expect(403);
            let reply = challenges(&narrow);
            assert_eq!(reply.len(), 1, "{path}: {reply:?}");
            assert!(reply[0].starts_with("DPoP error=\"insufficient_scope\""), "{path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_resource_refuses_a_wrong_proof() {
    let server = TestServer::start().await;
    let (key, other) = (ClientKey::new(1), ClientKey::new(2));
    let token = bound(&server, &key).await;
    let good = key.proof_with(&server, "GET", DATA, &token);
    read(&server, "DPoP", &token, Some(&good)).await.expect(200);
    for (what, proof) in [
        ("replayed", Some(good)),
        ("missing", None),
        ("of another key", Some(other.proof_with(&server, "GET", DATA, &token))),
        ("without ath", Some(key.proof(&server, "GET", DATA))),
        ("of another token", Some(key.proof_with(&server, "GET", DATA, "sga_other"))),
        ("of another method", Some(key.proof_with(&server, "POST", DATA, &token))),
        ("of another path", Some(key.proof_with(&server, "GET", "/api/odata4/a", &token))),
        ("no token", Some("x".to_owned())),
    ] {
        let refused = read(&server, "DPoP", &token, proof.as_deref()).await;
        assert_eq!(refused.status(), 401, "{what}");
        assert!(challenges(&refused)[0].starts_with("DPoP error=\"invalid_dpop_proof\""), "{what}");
    }
    let proof = key.proof_with(&server, "GET", DATA, "sga_dead");
    let dead = read(&server, "DPoP", "sga_dead", Some(&proof)).await.expect(401);
    assert!(challenges(&dead)[0].starts_with("DPoP error=\"invalid_token\""));
}

#[tokio::test]
async fn the_token_endpoint_refuses_a_wrong_proof() {
    let server = TestServer::start().await;
    let client = service(&server).await;
    let key = ClientKey::new(1);
    let claims = |member: &str, value: Value| {
        let mut claims = key.claims(&server, "POST", TOKEN);
        claims[member] = value;
        key.sign(&claims)
    };
    let with_header = |member: &str, value: Value| {
        let mut header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.jwk() });
        header[member] = value;
        key.sign_with_header(&header, &key.claims(&server, "POST", TOKEN))
    };
    let now = server.app().node().now().as_secs();
    let mut private = key.jwk();
    private["d"] = json!("AAAA");
    let used = key.proof(&server, "POST", TOKEN);
    ask(&server, &client, &SERVICE, &[&used]).await.expect(200);
    for (what, proof) in [
        ("used before", used),
        ("empty", String::new()),
        ("of the wrong type", with_header("typ", json!("jwt"))),
        ("unsigned", with_header("alg", json!("none"))),
        ("with a shared secret", with_header("alg", json!("HS256"))),
        ("with a private key", with_header("jwk", private)),
        ("with another key", with_header("jwk", ClientKey::new(2).jwk())),
        ("without a key", with_header("jwk", Value::Null)),
        ("with a critical extension", with_header("crit", json!(["exp"]))),
        ("for another method", claims("htm", json!("GET"))),
        ("for another URL", claims("htu", json!("https://other.example/oauth2/token"))),
        ("too old", claims("iat", json!(now - 301))),
        ("too early", claims("iat", json!(now + 61))),
        ("without an id", claims("jti", json!(""))),
    ] {
        let refused = ask(&server, &client, &SERVICE, &[&proof]).await;
        assert_eq!((refused.status(), what), (400, what));
        assert_refused(&refused, 400, "invalid_dpop_proof");
    }
    let two = [key.proof(&server, "POST", TOKEN), key.proof(&server, "POST", TOKEN)];
    let refused = ask(&server, &client, &SERVICE, &[&two[0], &two[1]]).await;
    assert_refused(&refused, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn the_url_of_a_proof_is_normalized() {
    let server = TestServer::start().await;
    let client = service(&server).await;
    let key = ClientKey::new(1);
    let mut claims = key.claims(&server, "POST", TOKEN);
    claims["htu"] = json!("HTTP://127.0.0.1:8080/oauth2/x/../%74oken?query#fragment");
    ask(&server, &client, &SERVICE, &[&key.sign(&claims)]).await.expect(200);
}

#[tokio::test]
async fn introspection_names_the_key() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let client = service(&server).await;
    let answer = ask(&server, &client, &SERVICE, &[&key.proof(&server, "POST", TOKEN)]).await;
    let body = answer.expect(200).json();
    let reply = client.introspect(&server, body["access_token"].as_str().unwrap()).await;
    assert_eq!(reply["token_type"], "DPoP");
    assert_eq!(reply["cnf"], json!({ "jkt": key.thumbprint() }));
    let plain = client.token(&server, &SERVICE).await.expect(200).json();
    let reply = client.introspect(&server, plain["access_token"].as_str().unwrap()).await;
    assert!(reply.get("cnf").is_none() && reply["token_type"] == "Bearer");
}

#[tokio::test]
async fn refresh_tokens_of_public_clients_are_bound_to_the_key() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    let (key, other) = (ClientKey::new(1), ClientKey::new(2));
    let proof = |key: &ClientKey| key.proof(&server, "POST", TOKEN);
    let code = client.code_with(&server, &USER, &S256).await;
    let tokens = Tokens::of(&exchange(&server, &client, &code, &proof(&key)).await);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    for proofs in [vec![], vec![proof(&other)]] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        assert_refused(&ask(&server, &client, &fields, &proofs).await, 400, "invalid_grant");
    }
    let next = ask(&server, &client, &fields, &[&proof(&key)]).await;
    assert_eq!(next.json()["token_type"], "DPoP", "the refusals ended nothing");
}

#[tokio::test]
async fn a_confidential_client_may_refresh_with_another_key() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let proof = |seed| ClientKey::new(seed).proof(&server, "POST", TOKEN);
    let code = client.code_with(&server, &USER, &S256).await;
    let tokens = Tokens::of(&exchange(&server, &client, &code, &proof(1)).await);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    let next = ask(&server, &client, &fields, &[&proof(2)]).await.expect(200).json();
    let reply = client.introspect(&server, next["access_token"].as_str().unwrap()).await;
    assert_eq!(reply["cnf"]["jkt"], ClientKey::new(2).thumbprint());
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_of_the_authorization_request() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    let (key, other) = (ClientKey::new(1), ClientKey::new(2));
    let thumbprint = key.thumbprint();
    let request = [S256[0], S256[1], ("dpop_jkt", thumbprint.as_str())];
    let code = client.code_with(&server, &USER, &request).await;
    let wrong = exchange(&server, &client, &code, &other.proof(&server, "POST", TOKEN)).await;
    assert_refused(&wrong, 400, "invalid_grant");
    assert_refused(&client.exchange_verified(&server, &code).await, 400, "invalid_grant");
    Tokens::of(&exchange(&server, &client, &code, &key.proof(&server, "POST", TOKEN)).await);
}

#[tokio::test]
async fn a_pushed_request_with_a_proof_binds_the_code_to_its_key() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    let (key, other) = (ClientKey::new(1), ClientKey::new(2));
    let push = async |more: &[(&str, &str)]| {
        let request = [
            ("client_id", client.identifier.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            S256[0],
            S256[1],
        ];
        let call = server.post("/oauth2/par").form(&[&request, more].concat());
        call.header("dpop", key.proof(&server, "POST", "/oauth2/par")).send().await
    };
    let thumbprint = other.thumbprint();
    assert_refused(&push(&[("dpop_jkt", &thumbprint)]).await, 400, "invalid_dpop_proof");
    let reference = push(&[]).await.expect(201).json()["request_uri"].as_str().unwrap().to_owned();
    let url = format!("/oauth2/authorize?client_id={}&request_uri={reference}", client.identifier);
    let answer = allow(&mut server.browser(), &USER, &url).await;
    let code = parameter(&answer, "code").unwrap();
    let wrong = exchange(&server, &client, &code, &other.proof(&server, "POST", TOKEN)).await;
    assert_refused(&wrong, 400, "invalid_grant");
    Tokens::of(&exchange(&server, &client, &code, &key.proof(&server, "POST", TOKEN)).await);
}

#[tokio::test]
async fn an_application_can_demand_proofs() {
    let server = TestServer::start().await;
    let members = json!({ "grantTypes": ["client_credentials"], "dpopBoundAccessTokens": true });
    let client = Client::register_with(&server, members).await;
    let path = format!("{APPLICATIONS}/{}", client.id);
    assert_eq!(server.get(&path).basic(&USER).send().await.json()["dpopBoundAccessTokens"], true);
    assert_refused(&client.token(&server, &SERVICE).await, 400, "invalid_dpop_proof");
    let proof = ClientKey::new(1).proof(&server, "POST", TOKEN);
    ask(&server, &client, &SERVICE, &[&proof]).await.expect(200);
}

#[tokio::test]
async fn the_metadata_name_the_algorithms_of_proofs() {
    let server = TestServer::start().await;
    let call = server.call(Method::GET, "/.well-known/oauth-authorization-server");
    let metadata = call.send().await.expect(200).json();
    let expected =
        json!(["EdDSA", "ES256", "RS256", "PS256", "ES384", "ES512", "RS384", "RS512", "PS384", "PS512"]);
    assert_eq!(metadata["dpop_signing_alg_values_supported"], expected);
}
