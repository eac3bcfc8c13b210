//! Authorization codes: single use, short-lived, bound to the client, and to the verifier of the request.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::ApplicationId;
use testkit::{TestServer, USER};
use tokio::task::JoinSet;

use crate::client::{CALLBACK, CHALLENGE, Client, Fields, S256, Tokens, VERIFIER, assert_refused, is_alive};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_parallel_exchanges_one_succeeds_and_its_tokens_are_revoked() {
    let server = Arc::new(TestServer::start().await);
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let mut exchanges = JoinSet::new();
    for _ in 0..32 {
        let (server, client, code) = (server.clone(), client.clone(), code.clone());
        exchanges.spawn(async move { client.exchange(&server, &code).await });
    }
    let answers = exchanges.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status() == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        assert_refused(answer, 400, "invalid_grant");
    }
    let tokens = Tokens::of(won[0]);
    assert!(!is_alive(&server, &tokens.access).await, "the replay has revoked it");
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_code_cannot_be_exchanged_twice_and_a_replay_revokes_its_grant() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    let other = client.tokens(&server).await;
    assert_refused(&client.exchange(&server, &code).await, 400, "invalid_grant");
    assert!(!is_alive(&server, &tokens.access).await);
    assert!(is_alive(&server, &other.access).await, "another grant is no concern of the replay");
}

#[tokio::test]
async fn a_code_is_valid_for_a_minute() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    server.clock().advance_micros(59_999_999);
    Tokens::of(&client.exchange(&server, &code).await);
    let code = client.code(&server).await;
    server.clock().advance_secs(60);
    assert_refused(&client.exchange(&server, &code).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_replay_of_an_expired_code_revokes_its_grant() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let thief = Client::register(&server).await;
    let code = client.code_with(&server, &USER, &S256).await;
    let tokens = Tokens::of(&client.exchange_verified(&server, &code).await);
    let other = client.tokens(&server).await;
    server.clock().advance_secs(600);
    assert_refused(&thief.exchange_verified(&server, &code).await, 400, "invalid_grant");
    assert_refused(&client.exchange(&server, &code).await, 400, "invalid_grant");
    assert!(is_alive(&server, &tokens.access).await, "neither could have redeemed it");
    assert_refused(&client.exchange_verified(&server, &code).await, 400, "invalid_grant");
    assert!(!is_alive(&server, &tokens.access).await);
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
    assert!(is_alive(&server, &other.access).await, "another grant is no concern of the replay");
}

#[tokio::test]
async fn an_expired_unused_code_creates_and_revokes_nothing() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let tokens = client.tokens(&server).await;
    server.clock().advance_secs(60);
    for _ in 0..2 {
        assert_refused(&client.exchange(&server, &code).await, 400, "invalid_grant");
    }
    assert!(is_alive(&server, &tokens.access).await);
    let events = server.audit_of(ApplicationId::new(client.id)).await;
    assert!(events.iter().all(|event| event.action != Action::ReplayCode), "{events:?}");
}

#[tokio::test]
async fn a_code_is_invalid_for_another_client() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let thief = Client::register(&server).await;
    let code = client.code(&server).await;
    assert_refused(&thief.exchange(&server, &code).await, 400, "invalid_grant");
    Tokens::of(&client.exchange(&server, &code).await);
}

#[tokio::test]
async fn the_exchange_must_repeat_the_redirect_url_of_the_request() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let grant = ("grant_type", "authorization_code");
    for wrong in ["https://client.example/cb/", "https://client.example/CB", "https://evil.example/cb"] {
        let code = client.code(&server).await;
        let answer = client.token(&server, &[grant, ("code", &code), ("redirect_uri", wrong)]).await;
        assert_refused(&answer, 400, "invalid_grant");
    }
    let code = client.code(&server).await;
    assert_refused(&client.token(&server, &[grant, ("code", &code)]).await, 400, "invalid_grant");

    let mut browser = server.browser();
    let url = format!("/oauth2/authorize?response_type=code&client_id={}", client.identifier);
    let answer = crate::client::allow(&mut browser, &USER, &url).await;
    assert!(answer.location().starts_with(CALLBACK));
    let code = crate::client::parameter(&answer, "code").unwrap();
    Tokens::of(&client.token(&server, &[grant, ("code", &code)]).await);
}

#[tokio::test]
async fn the_verifier_must_match_the_challenge_of_the_code() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let wrong = VERIFIER.replace('d', "e");
    let challenge = &S256[..];
    let cases: [(Fields<'_>, Option<&str>, Option<&str>); 7] = [
        (&[], None, None),
        (challenge, Some(VERIFIER), None),
        (&[], Some(VERIFIER), Some("invalid_grant")),
        (challenge, None, Some("invalid_grant")),
        (challenge, Some(&wrong), Some("invalid_grant")),
        (challenge, Some(CHALLENGE), Some("invalid_grant")),
        (challenge, Some("short"), Some("invalid_request")),
    ];
    for (asked, verifier, error) in cases {
        let code = client.code_with(&server, &USER, asked).await;
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let answer = client.token(&server, &fields).await;
        match error {
            None => assert!(is_alive(&server, &Tokens::of(&answer).access).await),
            Some(error) => assert_refused(&answer, 400, error),
        }
    }
}

#[tokio::test]
async fn a_failed_exchange_does_not_consume_the_code() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code_with(&server, &USER, &S256).await;
    assert_refused(&client.exchange(&server, &code).await, 400, "invalid_grant");
    Tokens::of(&client.exchange_verified(&server, &code).await);
}
