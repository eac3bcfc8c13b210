//! The headers of an attestation.

use serde_json::json;
use testkit::{ClientKey, TestServer};

use super::{ATTESTATION, METHOD, PROOF, SERVICE, scene, send};
use crate::client::{Client, TOKEN, assert_refused};

#[tokio::test]
async fn there_is_exactly_one_of_each_header() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let (one, other) =
        (instance.attestation(&server, &json!({})), instance.attestation(&server, &json!({ "x": 1 })));
    let proof = instance.proof(&server, &json!({}));
    let (one, other, proof) = (one.as_str(), other.as_str(), proof.as_str());
    let joined = format!("{one}, {other}");
    let with_parameter = format!("{one};a=1");
    for (headers, error) in [
        (vec![], "invalid_client"),
        (vec![(ATTESTATION, one)], "invalid_client_attestation"),
        (vec![(PROOF, proof)], "invalid_client_attestation"),
        (vec![(ATTESTATION, one), (ATTESTATION, one), (PROOF, proof)], "invalid_client_attestation"),
        (vec![(ATTESTATION, one), (ATTESTATION, other), (PROOF, proof)], "invalid_client_attestation"),
        (vec![(ATTESTATION, one), (PROOF, proof), (PROOF, proof)], "invalid_client_attestation"),
        (vec![(ATTESTATION, joined.as_str()), (PROOF, proof)], "invalid_client_attestation"),
        (vec![(ATTESTATION, with_parameter.as_str()), (PROOF, proof)], "invalid_client_attestation"),
        (vec![(ATTESTATION, proof), (PROOF, one)], "invalid_client_attestation"),
        (vec![(ATTESTATION, "\u{e9}"), (PROOF, proof)], "invalid_client_attestation"),
    ] {
        let answer = instance.send(&server, TOKEN, &headers, &SERVICE).await;
        assert_refused(&answer, 400, error);
    }
    instance.send(&server, TOKEN, &[(ATTESTATION, one), (PROOF, proof)], &SERVICE).await.expect(200);
}

/// Only a proof of the combined mode, which has a method of its own, replaces the one of the attestation.
#[tokio::test]
async fn a_dpop_proof_is_no_proof_of_the_attestation_but_binds_the_tokens() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let attestation = instance.attestation(&server, &json!({}));
    let combined = instance.key.proof(&server, "POST", TOKEN);
    let headers = [(ATTESTATION, attestation.as_str()), ("dpop", combined.as_str())];
    let refused = instance.send(&server, TOKEN, &headers, &SERVICE).await;
    assert_refused(&refused, 400, "invalid_client_attestation");
    let (proof, another) = (instance.proof(&server, &json!({})), ClientKey::new(5));
    let dpop = another.proof(&server, "POST", TOKEN);
    let headers = [(ATTESTATION, attestation.as_str()), (PROOF, proof.as_str()), ("dpop", dpop.as_str())];
    let tokens = instance.send(&server, TOKEN, &headers, &SERVICE).await.expect(200).json();
    assert_eq!(tokens["token_type"], "DPoP");
}

#[tokio::test]
async fn another_credential_besides_is_refused_and_without_the_method_the_headers_say_nothing() {
    let (server, app) = scene().await;
    let instance = app.instance(1);
    let attestation = instance.attestation(&server, &json!({}));
    let proof = instance.proof(&server, &json!({}));
    let headers = [(ATTESTATION, attestation.as_str()), (PROOF, proof.as_str())];
    let with_secret = [SERVICE[0], ("client_secret", "sgs_x")];
    let answer = instance.send(&server, TOKEN, &headers, &with_secret).await;
    assert_refused(&answer, 400, "invalid_client");
    assert!(answer.text().contains("another credential"), "{}", answer.text());
    let plain = Client::register_with(&server, json!({ "grantTypes": ["client_credentials"] })).await;
    let (id, secret) = (plain.identifier.as_str(), plain.secret.as_deref().unwrap());
    let fields = [SERVICE[0], ("client_id", id), ("client_secret", secret)];
    send(&server, TOKEN, &[(ATTESTATION, "junk"), (PROOF, "junk")], &fields).await.expect(200);
    let wrong = [SERVICE[0], ("client_id", id)];
    assert_refused(&send(&server, TOKEN, &headers, &wrong).await, 400, "invalid_client");
    instance.send(&server, TOKEN, &headers, &SERVICE).await.expect(200);
}

#[tokio::test]
async fn a_client_of_the_profile_fapi2_has_no_attestations() {
    let server = TestServer::start().await;
    let body = json!({
        "name": "x", "redirectUrls": [], "profile": "fapi2", "grantTypes": ["client_credentials"],
        "tokenEndpointAuthMethod": METHOD,
    });
    let call = server.post("/api/mgmt/oauth/client/applications").basic(&testkit::USER).json(&body);
    let answer = call.send().await.expect(400);
    assert!(answer.text().contains("private key"), "{}", answer.text());
}
