//! Nonces of the server in `DPoP` proofs ([RFC 9449 §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)).

use serde_json::json;
use testkit::{Answer, ClientKey, Setup, TestServer};

use crate::client::{CALLBACK, S256, TOKEN, assert_refused};
use crate::dpop::{DATA, SERVICE, ask, bound, challenges, read, service};

/// A server that requires nonces.
async fn strict() -> TestServer {
    let mut setup = Setup::default();
    setup.app.require_dpop_nonce = true;
    TestServer::start_with(setup).await
}

/// A proof for the token endpoint with this nonce.
fn proof_with(key: &ClientKey, server: &TestServer, nonce: &str) -> String {
    let mut claims = key.claims(server, "POST", TOKEN);
    claims["nonce"] = json!(nonce);
    key.sign(&claims)
}

fn nonce_of(answer: &Answer) -> String {
    answer.header("dpop-nonce").to_owned()
}

#[tokio::test]
async fn nonces_can_be_required_of_every_proof() {
    let server = strict().await;
    let client = service(&server).await;
    let key = ClientKey::new(1);
    let refused = ask(&server, &client, &SERVICE, &[&key.proof(&server, "POST", TOKEN)]).await;
    assert_refused(&refused, 400, "use_dpop_nonce");
    let nonce = nonce_of(&refused);
    let issued = ask(&server, &client, &SERVICE, &[&proof_with(&key, &server, &nonce)]).await.expect(200);
    assert_eq!(nonce_of(&issued), nonce, "the next proof may use it too");
    let token = issued.json()["access_token"].as_str().unwrap().to_owned();
    let without = key.proof_with(&server, "GET", DATA, &token);
    let refused = read(&server, "DPoP", &token, Some(&without)).await.expect(401);
    assert!(challenges(&refused)[0].starts_with("DPoP error=\"use_dpop_nonce\""));
    let nonce = nonce_of(&refused);
    let with = key.proof_with_nonce(&server, "GET", DATA, &token, &nonce);
    read(&server, "DPoP", &token, Some(&with)).await.expect(200);
    let push = async |nonce: Option<&str>| {
        let fields = [("response_type", "code"), ("redirect_uri", CALLBACK), S256[0], S256[1]];
        let mut claims = key.claims(&server, "POST", "/oauth2/par");
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let credentials =
            [("client_id", &*client.identifier), ("client_secret", client.secret.as_deref().unwrap())];
        let call = server.post("/oauth2/par").form(&[&credentials[..], &fields].concat());
        call.header("dpop", key.sign(&claims)).send().await
    };
    let refused = push(None).await;
    assert_refused(&refused, 400, "use_dpop_nonce");
    assert_ne!(push(Some(&nonce_of(&refused))).await.json()["error"], "use_dpop_nonce");
}

#[tokio::test]
async fn a_nonce_that_is_not_required_is_checked_and_replaced() {
    let server = TestServer::start().await;
    let client = service(&server).await;
    let key = ClientKey::new(1);
    let plain = ask(&server, &client, &SERVICE, &[&key.proof(&server, "POST", TOKEN)]).await.expect(200);
    assert!(!plain.headers().contains_key("dpop-nonce"), "it does not ask for what it does not need");
    let foreign = ask(&server, &client, &SERVICE, &[&proof_with(&key, &server, "foreign")]).await;
    assert_refused(&foreign, 400, "use_dpop_nonce");
    let nonce = nonce_of(&foreign);
    ask(&server, &client, &SERVICE, &[&proof_with(&key, &server, &nonce)]).await.expect(200);
    server.clock().advance_secs(601);
    let stale = ask(&server, &client, &SERVICE, &[&proof_with(&key, &server, &nonce)]).await;
    assert_refused(&stale, 400, "use_dpop_nonce");
    let next = nonce_of(&stale);
    assert_ne!(next, nonce);
    ask(&server, &client, &SERVICE, &[&proof_with(&key, &server, &next)]).await.expect(200);
}

#[tokio::test]
async fn a_refused_nonce_does_not_use_up_the_proof_of_a_bound_token() {
    let server = TestServer::start().await;
    let key = ClientKey::new(1);
    let token = bound(&server, &key).await;
    let stale = key.proof_with_nonce(&server, "GET", DATA, &token, "stale");
    for _ in 0..2 {
        let refused = read(&server, "DPoP", &token, Some(&stale)).await.expect(401);
        assert!(challenges(&refused)[0].starts_with("DPoP error=\"use_dpop_nonce\""));
    }
}
