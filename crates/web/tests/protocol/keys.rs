//! Rotation of the keys that seal tokens.

use app::identity::caller::RequestOrigin;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use testkit::TestServer;

use crate::client::{Client, Tokens, is_alive};

/// The id of the key that sealed a token: its first four bytes.
fn key_of(token: &str) -> Vec<u8> {
    let (_, body) = token.split_once('_').unwrap();
    URL_SAFE_NO_PAD.decode(&body[..8]).unwrap()[..4].to_vec()
}

/// Adds a key and waits until it seals.
async fn rotate(server: &TestServer) {
    server.app().keys().rotate(&RequestOrigin::command_line()).await.unwrap();
    server.clock().advance_secs(5);
}

#[tokio::test]
async fn tokens_of_an_older_key_stay_valid() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let code = client.code(&server).await;
    rotate(&server).await;
    assert!(is_alive(&server, &tokens.access).await);
    assert!(is_alive(&server, &Tokens::of(&client.exchange(&server, &code).await).access).await);
    let next = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    assert!(is_alive(&server, &next.access).await);
    let again = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    assert_ne!(key_of(&tokens.access), key_of(&next.access), "the new key seals");
    assert_eq!(key_of(&again.access), key_of(&next.access));
}

#[tokio::test]
async fn a_lost_response_is_repeated_identically_after_a_key_rotation() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let successor = Tokens::of(&client.refresh(&server, &first.refresh).await).refresh;
    rotate(&server).await;
    let again = Tokens::of(&client.refresh(&server, &first.refresh).await).refresh;
    assert_eq!(again, successor);
    let third = Tokens::of(&client.refresh(&server, &successor).await).refresh;
    assert_eq!(Tokens::of(&client.refresh(&server, &successor).await).refresh, third);
}

#[tokio::test]
async fn a_key_that_a_live_refresh_token_needs_is_never_deleted() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    for _ in 0..3 {
        rotate(&server).await;
        server.clock().advance_secs(3 * 86_400);
        server.app().node().maintain().await.unwrap();
    }
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    let before = server.app().keys().list().await.unwrap().len();
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.refresh)]).await.expect(200);
    server.clock().advance_secs(3 * 86_400);
    server.app().node().maintain().await.unwrap();
    server.app().node().maintain().await.unwrap();
    assert!(server.app().keys().list().await.unwrap().len() < before, "nothing needs the first key now");
}

#[tokio::test]
async fn tokens_are_issued_even_if_the_clock_is_before_the_first_key() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for back in [60, 86_400] {
        server.clock().advance_secs(-back);
        let tokens = client.tokens(&server).await;
        assert!(is_alive(&server, &tokens.access).await, "{back} s");
        let next = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
        assert!(is_alive(&server, &next.access).await, "{back} s");
    }
    server.clock().advance_secs(2 * 86_400);
    Tokens::of(&client.password(&server, &testkit::USER).await);
}
