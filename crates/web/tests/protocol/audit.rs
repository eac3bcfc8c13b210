//! The audit log: an event for everything that changes or refuses access, none for a token that is issued.

use oauth::audit::{Action, Outcome};
use oauth::id::ApplicationId;
use store::{Audit, AuditFilter};
use testkit::{TestServer, USER};

use crate::client::{CALLBACK, Client, Tokens};

async fn all(server: &TestServer) -> Vec<(Action, Outcome)> {
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    events.iter().rev().map(|event| (event.event.action, event.event.outcome)).collect()
}

#[tokio::test]
async fn issuing_and_refreshing_leave_no_event() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let before = all(&server).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    Tokens::of(&client.password(&server, &USER).await);
    client.introspect(&server, &tokens.access).await;
    assert_eq!(all(&server).await, before);
}

#[tokio::test]
async fn every_refusal_of_access_leaves_one_event() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let stranger = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let code = client.code(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    let wrong_user = testkit::TestUser { name: USER.name, password: "wrong" };
    let nobody = testkit::TestUser { name: "nobody", password: "wrong" };
    let mut events = all(&server).await.len();
    let mut added = async |expected: Action| {
        let now = all(&server).await;
        assert_eq!(now[events..], [(expected, Outcome::Refused)]);
        events = now.len();
    };
    wrong.refresh(&server, &tokens.refresh).await.expect(400);
    added(Action::AuthenticateClient).await;
    stranger.refresh(&server, &tokens.refresh).await.expect(400);
    added(Action::RefuseToken).await;
    stranger.exchange(&server, &code).await.expect(400);
    added(Action::RefuseToken).await;
    client.refresh(&server, "sgr_forged").await.expect(400);
    added(Action::RefuseToken).await;
    client.token(&server, &[("grant_type", "client_credentials")]).await.expect(400);
    added(Action::RefuseToken).await;
    client.password(&server, &wrong_user).await.expect(400);
    added(Action::SignIn).await;
    client.password(&server, &nobody).await.expect(400);
    added(Action::SignIn).await;
    Tokens::of(&client.exchange(&server, &code).await);
    client.exchange(&server, &code).await.expect(400);
    added(Action::ReplayCode).await;
    client.token(&server, &[("grant_type", "nonsense")]).await.expect(400);
    assert_eq!(all(&server).await.len(), events, "what is only malformed refuses nobody anything");
}

#[tokio::test]
async fn the_same_refusal_of_a_known_client_is_written_ten_times_a_minute() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let stranger = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let before = all(&server).await.len();
    for _ in 0..20 {
        stranger.refresh(&server, &tokens.refresh).await.expect(400);
        client.refresh(&server, "sgr_forged").await.expect(400);
        stranger.refresh(&server, "sgr_forged").await.expect(400);
    }
    assert_eq!(all(&server).await[before..], [(Action::RefuseToken, Outcome::Refused); 30]);
    assert!(server.app().encode_metrics().contains("sluicegate_audit_repeats_total 30"));
    server.clock().advance_secs(60);
    client.refresh(&server, "sgr_forged").await.expect(400);
    assert_eq!(all(&server).await.len(), before + 31);
}

#[tokio::test]
async fn a_code_that_is_replayed_again_and_again_is_written_ten_times_a_minute() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    Tokens::of(&client.exchange(&server, &code).await);
    let before = all(&server).await.len();
    for written in [10, 20] {
        for _ in 0..20 {
            client.exchange(&server, &code).await.expect(400);
        }
        assert_eq!(all(&server).await[before..], vec![(Action::ReplayCode, Outcome::Refused); written]);
        server.clock().advance_secs(60);
    }
}

#[tokio::test]
async fn every_failure_to_prove_who_one_is_is_written() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    let nobody = testkit::TestUser { name: "nobody", password: "wrong" };
    let before = all(&server).await.len();
    for _ in 0..20 {
        wrong.refresh(&server, "sgr_any").await.expect(400);
        client.password(&server, &nobody).await.expect(400);
    }
    assert_eq!(all(&server).await.len(), before + 40);
}

#[tokio::test]
async fn acts_are_recorded_with_who_what_and_from_where() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.access)]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[("token", &tokens.refresh)]).await.expect(200);
    client.post(&server, "/oauth2/revoke", &[("token", "nonsense")]).await.expect(200);
    let path = format!("/api/mgmt/oauth/client/allowedapplications/{}", client.id);
    server.delete(&path).basic(&USER).send().await.expect(204);
    let events = server.audit_of(ApplicationId::new(client.id)).await;
    let actions: Vec<_> = events.iter().map(|event| event.action).collect();
    let expected = [
        Action::RegisterApplication,
        Action::AllowApplication,
        Action::RevokeToken,
        Action::RevokeGrant,
        Action::RevokeAllowed,
    ];
    assert_eq!(actions, expected);
    for event in &events {
        assert_eq!(event.outcome, Outcome::Success);
        assert_eq!(event.address.as_deref(), Some("127.0.0.1"));
        assert!(event.request_id.as_deref().is_some_and(|id| !id.is_empty()));
    }
    for event in [&events[0], &events[1], &events[4]] {
        assert_eq!(event.actor_name.as_deref(), Some(USER.name), "{event:?}");
    }
}

#[tokio::test]
async fn no_secret_stands_in_the_log() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code_with(&server, &USER, &[("state", "the state")]).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    client.exchange(&server, &code).await.expect(400);
    client.refresh(&server, &tokens.refresh).await.expect(400);
    let misplaced = testkit::TestUser { name: "my pass phrase, typed too early", password: "x" };
    client.password(&server, &misplaced).await.expect(400);
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let log = format!("{:?}", server.store().list_audit(filter).await.unwrap());
    let secret = client.secret.as_deref().unwrap();
    for hidden in [&code, &tokens.access, &tokens.refresh, secret, USER.password, misplaced.name] {
        assert!(!log.contains(hidden), "{hidden}");
    }
    assert!(!log.contains(CALLBACK));
}
