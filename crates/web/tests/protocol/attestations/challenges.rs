//! Challenges of the server in proofs of attestations.

use app::AppSettings;
use serde_json::{Value, json};
use testkit::{Answer, Setup, TestServer};

use super::{ATTESTATION, App, Instance, PROOF, SERVICE, scene};
use crate::client::{TOKEN, assert_refused};

const CHALLENGE: &str = "oauth-client-attestation-challenge";
const ENDPOINT: &str = "/oauth2/challenge";

fn demanding() -> AppSettings {
    AppSettings { require_dpop_nonce: true, ..Setup::default().app }
}

async fn with_challenge(server: &TestServer, instance: &Instance<'_>, challenge: Value) -> Answer {
    let attestation = instance.attestation(server, &json!({}));
    let proof = instance.proof(server, &json!({ "challenge": challenge }));
    let headers = [(ATTESTATION, attestation.as_str()), (PROOF, proof.as_str())];
    instance.send(server, TOKEN, &headers, &SERVICE).await
}

#[tokio::test]
async fn a_challenge_can_be_required_and_comes_with_the_refusal() {
    let server = TestServer::start_with(Setup { app: demanding(), ..Setup::default() }).await;
    let app = App::start(&server, &json!({})).await;
    let instance = app.instance(1);
    // More than the wrong credentials that one address may send in a minute: these are not wrong.
    for _ in 0..65 {
        let refused = with_challenge(&server, &instance, Value::Null).await;
        assert_refused(&refused, 400, "use_attestation_challenge");
    }
    let refused = with_challenge(&server, &instance, json!("stale")).await;
    assert_refused(&refused, 400, "use_attestation_challenge");
    let challenge = refused.header(CHALLENGE).to_owned();
    let answer = with_challenge(&server, &instance, json!(challenge)).await.expect(200);
    assert_eq!(answer.header(CHALLENGE), challenge, "the next proof may use it too");
    // Another process over the same database.
    let server = server.restart_with(demanding()).await;
    with_challenge(&server, &instance, json!(challenge)).await.expect(200);
    server.clock().advance_secs(601);
    let refused = with_challenge(&server, &instance, json!(challenge)).await;
    assert_refused(&refused, 400, "use_attestation_challenge");
    assert_ne!(refused.header(CHALLENGE), challenge);
}

#[tokio::test]
async fn a_challenge_that_nobody_requires_is_checked_all_the_same() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let plain = with_challenge(&server, &instance, Value::Null).await.expect(200);
    assert!(!plain.headers().contains_key(CHALLENGE), "it does not ask for what it does not need");
    let refused = with_challenge(&server, &instance, json!("of another server")).await;
    assert_refused(&refused, 400, "use_attestation_challenge");
    with_challenge(&server, &instance, json!(refused.header(CHALLENGE))).await.expect(200);
}

#[tokio::test]
async fn the_endpoint_gives_a_challenge_and_a_nonce_that_are_not_cached() {
    let (server, app) = scene().await;
    let answer = server.post(ENDPOINT).send().await.expect(200);
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        ("application/json", "no-store")
    );
    assert!(!answer.header("dpop-nonce").is_empty());
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let challenge = body["attestation_challenge"].clone();
    with_challenge(&server, &app.instance(1), challenge).await.expect(200);
    server.get(ENDPOINT).send().await.expect(405);
}
