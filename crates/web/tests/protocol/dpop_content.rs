//! Proofs that cover the body of their request (`content_digest`).

use serde_json::{Value, json};
use testkit::{ADMIN, Answer, ClientKey, TestServer, content_digest};

use crate::client::{APPLICATIONS, TOKEN, assert_refused};
use crate::dpop::{DATA, SERVICE, bound, challenges, read, service};

fn application(name: &str) -> Value {
    json!({ "name": name, "redirectUrls": ["https://a.example/cb"] })
}

/// Registers an application with a bound token and this proof.
async fn register(server: &TestServer, token: &str, proof: &str, body: &Value) -> Answer {
    let call = server.post(APPLICATIONS).header("authorization", format!("DPoP {token}"));
    call.header("dpop", proof).json(body).send().await
}

#[tokio::test]
async fn a_token_request_is_refused_if_its_proof_names_another_body() {
    let server = TestServer::start().await;
    let (client, key) = (service(&server).await, ClientKey::new(1));
    let form = |scope: &str| {
        let secret = client.secret.as_deref().unwrap();
        let (name, grant) = SERVICE[0];
        format!("client_id={}&client_secret={secret}&{name}={grant}&scope={scope}", client.identifier)
    };
    let ask = async |body: &str, named: Value| {
        let mut claims = key.claims(&server, "POST", TOKEN);
        claims["content_digest"] = named;
        let call = server.post(TOKEN).header("dpop", key.sign(&claims));
        call.body("application/x-www-form-urlencoded", body).send().await
    };
    let body = form("api.access.odata");
    ask(&body, json!(content_digest(&body))).await.expect(200);
    let others =
        [json!(content_digest(form("api.mgmt"))), json!(content_digest("")), json!("md5=:eA==:"), json!(7)];
    for named in others {
        assert_refused(&ask(&body, named).await, 400, "invalid_dpop_proof");
    }
    let long = format!("{body}&state={}", "x".repeat(70_000));
    ask(&long, json!(content_digest(&long))).await.expect(413);
}

#[tokio::test]
async fn a_stolen_proof_carries_no_other_body() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let token = bound(&server, &key).await;
    let mut claims = key.claims_with(&server, "POST", APPLICATIONS, &token);
    claims["content_digest"] = json!(content_digest(application("Meant").to_string()));
    let proof = key.sign(&claims);
    let refused = register(&server, &token, &proof, &application("Other")).await.expect(401);
    assert!(
        challenges(&refused).iter().any(|challenge| challenge.contains("invalid_dpop_proof")),
        "{refused:?}"
    );
    register(&server, &token, &proof, &application("Meant")).await.expect(201);
    let list = server.get(APPLICATIONS).basic(&ADMIN).send().await.expect(200);
    assert!(!list.text().contains("\"Other\""), "{}", list.text());
}

#[tokio::test]
async fn an_escape_does_not_hide_that_a_proof_names_its_body() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let token = bound(&server, &key).await;
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.jwk() });
    for (named, status) in [(application("Other"), 401), (application("Meant"), 201)] {
        let mut claims = key.claims_with(&server, "POST", APPLICATIONS, &token);
        claims["content_digest"] = json!(content_digest(named.to_string()));
        let text = claims.to_string().replace("content_digest", r"content\u005fdigest");
        let proof = key.sign_text(&header, &text);
        register(&server, &token, &proof, &application("Meant")).await.expect(status);
    }
}

#[tokio::test]
async fn a_request_without_a_body_has_the_digest_of_an_empty_one() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let token = bound(&server, &key).await;
    let proof = |body: &str| {
        let mut claims = key.claims_with(&server, "GET", DATA, &token);
        claims["content_digest"] = json!(content_digest(body));
        key.sign(&claims)
    };
    read(&server, "DPoP", &token, Some(&proof(""))).await.expect(200);
    let refused = read(&server, "DPoP", &token, Some(&proof("x"))).await.expect(401);
    assert!(challenges(&refused)[0].starts_with("DPoP error=\"invalid_dpop_proof\""));
}
