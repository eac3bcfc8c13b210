//! The published keys for signatures, and their rotation.

use app::identity::caller::RequestOrigin;
use app::node::clock::Clock as _;
use app::node::signing_keys::{Activation, SigningKeyState};
use oauth::signing::{JwtType, SigningAlgorithm};
use serde_json::Value;
use testkit::TestServer;

const DAY_SECS: i64 = 86_400;

async fn published(server: &TestServer) -> Vec<Value> {
    let keys = server.get("/oauth2/jwks").send().await.expect(200).json();
    keys["keys"].as_array().unwrap().clone()
}

fn ids(keys: &[Value], algorithm: &str) -> Vec<String> {
    let of_algorithm = keys.iter().filter(|key| key["alg"] == algorithm);
    of_algorithm.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The `kid` of the key that signs now.
async fn signs(server: &TestServer, algorithm: SigningAlgorithm) -> String {
    let keys = server.app().signing_keys().list().await.unwrap();
    let signs = |key: &&app::node::signing_keys::SigningKeyEntry| {
        key.algorithm == algorithm && key.state == SigningKeyState::Signs
    };
    keys.iter().find(signs).unwrap().key_id.clone()
}

#[tokio::test]
async fn the_keys_of_each_algorithm_are_published_and_may_be_cached() {
    // A new installation, whose keys nobody has created yet: a client must not keep a part of them for an hour.
    let server = TestServer::start().await;
    assert!(server.app().signing_keys().list().await.unwrap().len() < SigningAlgorithm::ALL.len());
    for path in ["/oauth2/jwks", "/api/mgmt/oauth2/jwks"] {
        let answer = server.get(path).header("origin", "https://page.example").send().await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "public, max-age=3600");
        let tag = answer.header("etag").to_owned();
        let again = server.get(path).header("if-none-match", &tag).send().await.expect(304);
        assert!(!again.headers().contains_key("content-length"), "{again:?}");
        assert_eq!(again.header("etag"), tag);
        server.get(path).header("if-none-match", "\"other\"").send().await.expect(200);
    }
    let keys = published(&server).await;
    let kinds: Vec<_> =
        keys.iter().map(|key| (key["alg"].as_str().unwrap(), key["kty"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("EdDSA", "OKP"), ("ES256", "EC"), ("RS256", "RSA"), ("PS256", "RSA")]);
    assert!(keys.iter().all(|key| key["use"] == "sig" && key.get("d").is_none()));
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_an_old_one_until_its_signatures_are_over() {
    let server = TestServer::start().await;
    let maintain = async || server.app().node().maintain().await.unwrap();
    maintain().await;
    let first = signs(&server, SigningAlgorithm::EdDsa).await;
    server.clock().advance_secs(90 * DAY_SECS);
    maintain().await;
    maintain().await;
    let announced = ids(&published(&server).await, "EdDSA");
    assert_eq!(announced.len(), 2);
    assert_eq!(signs(&server, SigningAlgorithm::EdDsa).await, first);
    server.clock().advance_secs(DAY_SECS);
    assert_eq!(signs(&server, SigningAlgorithm::EdDsa).await, announced[1]);
    let text = |at| {
        let signed = server.vault().sign_jwt(JwtType::Plain, SigningAlgorithm::EdDsa, at, b"{}");
        signed.unwrap().unwrap().signed().unwrap()
    };
    let old = text(server.clock().now().minus_secs(1));
    maintain().await;
    assert!(server.vault().verify_own_jwt(JwtType::Plain, &old).is_ok(), "the overlap");
    server.clock().advance_secs(DAY_SECS + 2 * 3_600);
    maintain().await;
    assert_eq!(ids(&published(&server).await, "EdDSA"), announced[1..]);
    assert!(server.vault().verify_own_jwt(JwtType::Plain, &old).is_err());
}

#[tokio::test]
async fn a_leaked_key_is_replaced_at_once() {
    let server = TestServer::start().await;
    let origin = RequestOrigin::command_line();
    let (keys, algorithm) = (server.app().signing_keys(), SigningAlgorithm::Es256);
    let leaked = signs(&server, algorithm).await;
    keys.rotate(algorithm, Activation::Soon, &origin).await.unwrap();
    assert_eq!(signs(&server, algorithm).await, leaked, "until every node knows the new one");
    server.clock().advance_secs(5);
    assert_ne!(signs(&server, algorithm).await, leaked);
    assert_eq!(keys.retire(algorithm, &origin).await.unwrap(), 1);
    assert_eq!(keys.retire(algorithm, &origin).await.unwrap(), 0);
    assert!(!ids(&published(&server).await, "ES256").contains(&leaked));
    assert_eq!(ids(&published(&server).await, "EdDSA").len(), 1, "other algorithms keep their keys");
}

#[tokio::test]
async fn a_key_that_one_node_has_added_is_published_and_used_by_the_other() {
    let one = TestServer::start().await;
    one.app().node().maintain().await.unwrap();
    let other = one.another_node(app::AppSettings::default()).await;
    let algorithm = SigningAlgorithm::EdDsa;
    let first = signs(&one, algorithm).await;
    one.app()
        .signing_keys()
        .rotate(algorithm, Activation::Announced, &RequestOrigin::command_line())
        .await
        .unwrap();
    let claims = br#"{"iss":"x"}"#;
    let sign = async |node: &TestServer| {
        node.app().node().refresh().await.unwrap();
        node.app().signing_keys().sign(JwtType::Plain, algorithm, claims).await.unwrap()
    };
    let kid = |text: &str| crate::signed_tokens::part(text, 0)["kid"].as_str().unwrap().to_owned();
    assert_eq!(kid(&sign(&other).await), first, "for a day");
    let announced = ids(&published(&other).await, "EdDSA");
    assert_eq!((announced.len(), announced), (2, ids(&published(&one).await, "EdDSA")));
    one.clock().advance_secs(DAY_SECS);
    let (by_one, by_other) = (sign(&one).await, sign(&other).await);
    assert_eq!(kid(&by_one), kid(&by_other));
    assert_ne!(kid(&by_one), first);
    assert!(other.vault().verify_own_jwt(JwtType::Plain, &by_one).is_ok());
    assert!(one.vault().verify_own_jwt(JwtType::Plain, &by_other).is_ok());
}
