//! A revocation covers everything at once, and what is issued afterwards is valid, even in the same
//! microsecond: the clock of these tests stands still.

use std::sync::Arc;

use app::identity::caller::RequestOrigin;
use app::management::users::UserDraft;
use app::node::clock::Clock as _;
use domain::secret::Password;
use serde_json::json;
use testkit::{ADMIN, Answer, TestServer, TestUser, USER};
use tokio::task::JoinSet;

use crate::client::{APPLICATIONS, Client, Tokens, assert_refused, is_alive};

/// Everything that a client can hold of a user.
struct Held {
    code: String,
    tokens: Tokens,
    by_password: Tokens,
}

async fn hold(server: &TestServer, client: &Client) -> Held {
    let tokens = client.tokens(server).await;
    let by_password = Tokens::of(&client.password(server, &USER).await);
    Held { code: client.code(server).await, tokens, by_password }
}

async fn assert_dead(server: &TestServer, client: &Client, held: &Held) {
    for tokens in [&held.tokens, &held.by_password] {
        assert!(!is_alive(server, &tokens.access).await);
        assert_refused(&client.refresh(server, &tokens.refresh).await, 400, "invalid_grant");
        assert_eq!(client.introspect(server, &tokens.access).await, json!({ "active": false }));
        assert_eq!(client.introspect(server, &tokens.refresh).await, json!({ "active": false }));
    }
    assert_refused(&client.exchange(server, &held.code).await, 400, "invalid_grant");
}

async fn assert_new_ones_live(server: &TestServer, client: &Client, user: &TestUser) {
    let code = client.code_with(server, user, &[]).await;
    let by_password = Tokens::of(&client.password(server, user).await);
    for tokens in [Tokens::of(&client.exchange(server, &code).await), by_password] {
        assert!(is_alive(server, &tokens.access).await);
        let next = Tokens::of(&client.refresh(server, &tokens.refresh).await);
        assert!(is_alive(server, &next.access).await);
    }
}

#[tokio::test]
async fn resetting_the_secret_revokes_all_access_of_the_application() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let other = Client::register(&server).await;
    let untouched = other.tokens(&server).await;
    let held = hold(&server, &client).await;
    let path = format!("{APPLICATIONS}/{}/reset", client.id);
    let reset = server.put(&path).basic(&USER).send().await.expect(200).json();
    let renewed = Client { secret: reset["clientSecret"].as_str().map(str::to_owned), ..client.clone() };
    assert_refused(&client.exchange(&server, &held.code).await, 400, "invalid_client");
    assert_dead(&server, &renewed, &held).await;
    assert!(is_alive(&server, &untouched.access).await);
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await;
    assert!(browser.sign_in(&USER).await.text().contains("consent-allow"), "the consent has ended too");
    assert_new_ones_live(&server, &renewed, &USER).await;
}

#[tokio::test]
async fn deleting_an_application_revokes_all_its_access() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let held = hold(&server, &client).await;
    server.delete(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).send().await.expect(204);
    assert!(!is_alive(&server, &held.tokens.access).await);
    assert!(!is_alive(&server, &held.by_password.access).await);
    assert_refused(&client.exchange(&server, &held.code).await, 400, "invalid_client");
    assert_refused(&client.refresh(&server, &held.tokens.refresh).await, 400, "invalid_client");
    let page = server.get(&client.authorize_url(&[])).send().await.expect(400);
    assert!(page.text().contains("error-title"));
}

#[tokio::test]
async fn revoking_an_allowed_application_affects_only_that_user() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code_with(&server, &testkit::OTHER, &[]).await;
    let of_other = Tokens::of(&client.exchange(&server, &code).await);
    let held = hold(&server, &client).await;
    let path = format!("/api/mgmt/oauth/client/allowedapplications/{}", client.id);
    server.delete(&path).basic(&USER).send().await.expect(204);
    assert_dead(&server, &client, &held).await;
    assert!(is_alive(&server, &of_other.access).await);
    assert_new_ones_live(&server, &client, &USER).await;
    assert_dead(&server, &client, &held).await;
}

async fn change_user(server: &TestServer, draft: UserDraft) {
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    server.app().users().update(&operator, id, draft, &RequestOrigin::command_line()).await.unwrap();
}

#[tokio::test]
async fn disabling_a_user_revokes_all_access_of_the_user() {
    let server = TestServer::start().await;
    let client = Client::register_as(&server, &testkit::ADMIN, json!({})).await;
    let held = hold(&server, &client).await;
    let mut browser = server.browser();
    browser.get("/account").await;
    browser.sign_in(&USER).await.expect(200);
    change_user(&server, UserDraft { active: Some(false), ..UserDraft::default() }).await;
    assert_dead(&server, &client, &held).await;
    assert!(browser.get("/account").await.text().contains("login-submit"), "the session has ended");
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_grant");
    change_user(&server, UserDraft { active: Some(true), ..UserDraft::default() }).await;
    assert_dead(&server, &client, &held).await;
    assert_new_ones_live(&server, &client, &USER).await;
}

#[tokio::test]
async fn a_password_set_by_an_administrator_revokes_all_access_of_the_user() {
    let server = TestServer::start().await;
    let client = Client::register_as(&server, &testkit::ADMIN, json!({})).await;
    let held = hold(&server, &client).await;
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    let renewed = TestUser { name: USER.name, password: "a buoy in the fog at six" };
    let draft = UserDraft { password: Some(Password::new(renewed.password)), ..UserDraft::default() };
    change_user(&server, draft).await;
    assert_dead(&server, &client, &held).await;
    server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_grant");
    assert_new_ones_live(&server, &client, &renewed).await;
}

#[tokio::test]
async fn a_service_token_becomes_invalid_with_its_application_and_owner() {
    let server = TestServer::start().await;
    let grants = json!({ "grantTypes": ["client_credentials"] });
    let client = Client::register_with(&server, grants).await;
    let issue = async |client: &Client| {
        Tokens::of(&client.token(&server, &[("grant_type", "client_credentials")]).await).access
    };
    let first = issue(&client).await;
    let path = format!("{APPLICATIONS}/{}/reset", client.id);
    let reset = server.put(&path).basic(&USER).send().await.expect(200).json();
    assert!(!is_alive(&server, &first).await);
    let client = Client { secret: reset["clientSecret"].as_str().map(str::to_owned), ..client };
    let second = issue(&client).await;
    assert!(is_alive(&server, &second).await);
    change_user(&server, UserDraft { active: Some(false), ..UserDraft::default() }).await;
    assert!(!is_alive(&server, &second).await);
    let refused = client.token(&server, &[("grant_type", "client_credentials")]).await;
    assert_refused(&refused, 400, "invalid_grant");
}

/// The access tokens in the responses to many parallel requests.
async fn access_of(requests: JoinSet<Answer>) -> Vec<String> {
    let answers = requests.join_all().await;
    let issued = answers.iter().filter(|answer| answer.json().get("access_token").is_some());
    issued.map(|answer| Tokens::of(answer).access).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_issued_during_the_revocation_of_a_grant_are_invalid() {
    let server = Arc::new(TestServer::start().await);
    for client in [Client::register(&server).await, Client::strict(&server).await] {
        for _ in 0..8 {
            let tokens = client.tokens(&server).await;
            let mut requests = JoinSet::new();
            for number in 0..12 {
                let (server, client, token) = (server.clone(), client.clone(), tokens.refresh.clone());
                requests.spawn(async move {
                    match number {
                        5 => client.post(&server, "/oauth2/revoke", &[("token", &token)]).await,
                        _ => client.refresh(&server, &token).await,
                    }
                });
            }
            for access in access_of(requests).await {
                assert!(!is_alive(&server, &access).await);
            }
            assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_issued_during_the_revocation_of_a_consent_are_invalid() {
    let server = Arc::new(TestServer::start().await);
    let client = Client::register(&server).await;
    let path = format!("/api/mgmt/oauth/client/allowedapplications/{}", client.id);
    for _ in 0..8 {
        let code = client.code(&server).await;
        let ended = {
            let (server, path) = (server.clone(), path.clone());
            async move { server.delete(&path).basic(&USER).send().await.expect(204) }
        };
        let mut requests = JoinSet::new();
        let exchanged = {
            let (server, client) = (server.clone(), client.clone());
            async move { client.exchange(&server, &code).await }
        };
        requests.spawn(exchanged);
        let (_, issued) = tokio::join!(ended, access_of(requests));
        for access in issued {
            assert!(!is_alive(&server, &access).await);
        }
    }
}

pub(crate) async fn revoke(server: &TestServer, payload: serde_json::Value) {
    server.post("/api/admin/revocations").basic(&ADMIN).json(&payload).send().await.expect(204);
}

#[tokio::test]
async fn an_administrator_revokes_everything_of_a_user_or_of_an_application() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let user = server.user(&USER).await.id.get();
    for payload in [
        json!({ "user": user }),
        json!({ "application": client.id }),
        json!({ "user": user, "application": client.id }),
    ] {
        let held = hold(&server, &client).await;
        revoke(&server, payload).await;
        assert_dead(&server, &client, &held).await;
        assert_new_ones_live(&server, &client, &USER).await;
    }
}

#[tokio::test]
async fn an_administrator_revokes_everything_that_is_older_than_an_instant() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let held = hold(&server, &client).await;
    let mut browser = server.browser();
    browser.get("/account").await;
    browser.sign_in(&USER).await;
    server.clock().advance_secs(10);
    let now = server.clock().now();
    let later = client.tokens(&server).await;
    let instant = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap().to_string();
    revoke(&server, json!({ "issuedBefore": instant })).await;
    assert_dead(&server, &client, &held).await;
    assert!(is_alive(&server, &later.access).await, "issued at the instant, not before it");
    assert!(!browser.get("/account").await.text().contains("sign-out"), "the session has ended");
    assert_new_ones_live(&server, &client, &USER).await;
}

#[tokio::test]
async fn a_revocation_names_something_that_exists_and_has_passed() {
    let server = TestServer::start().await;
    for (payload, status) in [
        (json!({}), 400),
        (json!({ "user": 1, "issuedBefore": "2001-01-01T00:00:00Z" }), 400),
        (json!({ "issuedBefore": "yesterday" }), 400),
        (json!({ "issuedBefore": "9999-01-01T00:00:00Z" }), 400),
        (json!({ "user": "1" }), 400),
        (json!({ "user": 4242 }), 404),
        (json!({ "application": 4242 }), 404),
        (json!({ "user": 1, "application": 4242 }), 404),
    ] {
        let answer = server.post("/api/admin/revocations").basic(&ADMIN).json(&payload).send().await;
        assert_eq!(answer.status(), status, "{payload}");
    }
}
