//! Rotation of refresh tokens survives lost responses and never forks.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ApplicationId;
use oauth::token_payload::RefreshToken;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use store::{Grants as _, Rotated};
use testkit::TestServer;
use tokio::task::JoinSet;

use crate::client::{Client, Tokens, assert_refused, is_alive};

#[tokio::test]
async fn refresh_tokens_of_strict_and_public_clients_rotate() {
    let server = TestServer::start().await;
    for client in [Client::strict(&server).await, Client::public(&server).await] {
        let first = client.tokens(&server).await;
        let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
        assert_ne!(first.refresh, second.refresh);
        let third = Tokens::of(&client.refresh(&server, &second.refresh).await);
        assert_ne!(second.refresh, third.refresh);
    }
}

#[tokio::test]
async fn a_lost_response_is_repeated_identically_within_the_grace_period() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let successor = Tokens::of(&client.refresh(&server, &first.refresh).await);
    for secs in [0, 30, 29] {
        server.clock().advance_secs(secs);
        let again = Tokens::of(&client.refresh(&server, &first.refresh).await);
        assert_eq!(again.refresh, successor.refresh);
        assert!(is_alive(&server, &again.access).await);
    }
    assert!(Tokens::of(&client.refresh(&server, &successor.refresh).await).refresh != successor.refresh);
}

async fn assert_family_is_dead(server: &TestServer, client: &Client, tokens: &[&Tokens]) {
    for tokens in tokens {
        assert!(!is_alive(server, &tokens.access).await);
        assert_refused(&client.refresh(server, &tokens.refresh).await, 400, "invalid_grant");
    }
    let audit = server.audit_of(ApplicationId::new(client.id)).await;
    let replays = audit.iter().filter(|event| event.action == Action::ReplayRefreshToken).count();
    assert_eq!(replays, 1, "one replay, one event");
}

#[tokio::test]
async fn an_old_token_after_the_grace_period_revokes_the_family() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
    server.clock().advance_secs(60);
    assert_refused(&client.refresh(&server, &first.refresh).await, 400, "invalid_grant");
    assert_family_is_dead(&server, &client, &[&first, &second]).await;
}

#[tokio::test]
async fn an_old_token_whose_successor_was_used_revokes_the_family() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
    let third = Tokens::of(&client.refresh(&server, &second.refresh).await);
    assert_refused(&client.refresh(&server, &first.refresh).await, 400, "invalid_grant");
    assert_family_is_dead(&server, &client, &[&first, &second, &third]).await;
}

#[tokio::test]
async fn a_refused_refresh_rotates_nothing() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let fields = [("grant_type", "refresh_token"), ("refresh_token", first.refresh.as_str()), ("scope", "x")];
    assert_refused(&client.token(&server, &fields).await, 400, "invalid_scope");
    assert_eq!(client.introspect(&server, &first.refresh).await["active"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_refreshes_of_one_token_give_one_successor() {
    let server = Arc::new(TestServer::start().await);
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let mut refreshes = JoinSet::new();
    for _ in 0..50 {
        let (server, client, token) = (server.clone(), client.clone(), first.refresh.clone());
        refreshes.spawn(async move { client.refresh(&server, &token).await });
    }
    let answers = refreshes.join_all().await;
    let mut successors: Vec<_> = answers.iter().map(|answer| Tokens::of(answer).refresh).collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_ne!(successors[0], first.refresh);
    Tokens::of(&client.refresh(&server, &successors[0]).await);
}

/// The next operation of somebody who holds tokens of the family.
#[derive(Debug, Clone)]
enum Step {
    /// Presents the token that was issued this many generations before the newest one.
    Refresh(usize),
    /// Waits.
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Refresh(0)),
        4 => Just(Step::Refresh(1)),
        1 => (2_usize..4).prop_map(Step::Refresh),
        2 => (1_i64..61).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..14)
}

/// The family as the contract describes it: every token that was sent, of which the last is the valid one.
struct Family {
    texts: Vec<String>,
    rotated_secs_ago: i64,
    dead: bool,
}

impl Family {
    /// The expected result of presenting the token at `at`: the index of the token in the response, or `None`
    /// for a refusal.
    fn present(&mut self, at: usize) -> Option<usize> {
        let newest = self.texts.len() - 1;
        if self.dead {
            return None;
        }
        if at == newest {
            self.rotated_secs_ago = 0;
            return Some(newest + 1);
        }
        if at + 1 == newest && self.rotated_secs_ago < 60 {
            return Some(newest);
        }
        self.dead = true;
        None
    }
}

async fn play(server: &TestServer, client: &Client, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let first = client.tokens(server).await.refresh;
    let mut family = Family { texts: vec![first], rotated_secs_ago: 0, dead: false };
    for step in steps {
        match step {
            Step::Wait(secs) => {
                server.clock().advance_secs(secs);
                family.rotated_secs_ago += secs;
            }
            Step::Refresh(behind) => {
                let at = (family.texts.len() - 1).saturating_sub(behind);
                let answer = client.refresh(server, &family.texts[at].clone()).await;
                match family.present(at) {
                    None => prop_assert_eq!(answer.status(), 400),
                    Some(expected) => {
                        let text = Tokens::of(&answer).refresh;
                        if expected == family.texts.len() {
                            prop_assert!(!family.texts.contains(&text));
                            family.texts.push(text);
                        } else {
                            prop_assert_eq!(&text, &family.texts[expected]);
                        }
                    }
                }
            }
        }
    }
    // A public client may not introspect, so valid tokens are counted through a resource server.
    let client = Client::register_as(
        server,
        &testkit::ADMIN,
        serde_json::json!({ "scopes": ["api.access.odata", "token.introspect"] }),
    )
    .await;
    let mut live = Vec::new();
    for text in &family.texts {
        if client.introspect(server, text).await["active"] == true {
            live.push(text);
        }
    }
    let expected: Vec<_> = family.texts.last().filter(|_| !family.dead).into_iter().collect();
    prop_assert_eq!(live, expected);
    Ok(())
}

#[test]
fn a_family_never_has_two_live_successors() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut setup = testkit::Setup::default();
    setup.app.rates.enabled = false;
    let (server, client) = runtime.block_on(async {
        let server = TestServer::start_with(setup).await;
        let client = Client::public(&server).await;
        (server, client)
    });
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&steps(), |steps| runtime.block_on(play(&server, &client, steps)));
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Another node, or the command line, writes into the same database, so the state that this server last saw
/// may be outdated.
#[tokio::test]
async fn a_grant_that_another_node_rotated_or_revoked_is_not_rotated_from_the_cache() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
    let grant = server.vault().open_refresh_token(&second.refresh).unwrap().grant;

    let now = server.app().node().now();
    let moved = server.store().rotate_grant(grant, 1, 1, now).await.unwrap();
    assert_eq!(moved, Rotated::Done);
    let repeated = Tokens::of(&client.refresh(&server, &second.refresh).await);
    let elsewhere = RefreshToken { grant, generation: 2 };
    let successor = server.vault().seal_refresh_token(elsewhere, 1).unwrap();
    assert_eq!(repeated.refresh, successor.expose(), "the successor that the other node gave");

    let third = Tokens::of(&client.refresh(&server, &repeated.refresh).await);
    let audit = NewAuditEvent::new(Action::RevokeGrant, Outcome::Success, now);
    server.store().revoke_grant(grant, now.plus_secs(86_400), audit).await.unwrap();
    assert_refused(&client.refresh(&server, &third.refresh).await, 400, "invalid_grant");
}
