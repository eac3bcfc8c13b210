//! Lockout: one counter for the sign-in page, Basic and the password grant.

use app::caller::Origin;
use app::users::UserDraft;
use oauth::audit::{Action, Outcome};
use store::{Audit, AuditFilter};
use testkit::{TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client, Tokens, assert_refused, is_alive};

const WRONG: TestUser = TestUser { name: USER.name, password: "wrong" };

async fn fail_on_the_page(server: &TestServer) {
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&WRONG).await.expect(401);
}

async fn fail_with_basic(server: &TestServer) {
    server.get(APPLICATIONS).basic(&WRONG).send().await.expect(401);
}

async fn fail_with_the_password_grant(server: &TestServer, client: &Client) {
    assert_refused(&client.password(server, &WRONG).await, 400, "invalid_grant");
}

async fn is_locked(server: &TestServer) -> bool {
    server.user(&USER).await.lockout.is_locked(app::App::now(server.app()))
}

#[tokio::test]
async fn three_failures_wherever_they_happen_lock_the_account_everywhere() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    fail_on_the_page(&server).await;
    fail_with_basic(&server).await;
    assert!(!is_locked(&server).await);
    fail_with_the_password_grant(&server, &client).await;
    assert!(is_locked(&server).await);

    server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_grant");
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(401);

    assert!(is_alive(&server, &tokens.access).await, "a lock stops signing in, not tokens already issued");
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    server.clock().advance_secs(1_800);
    Tokens::of(&client.password(&server, &USER).await);
}

#[tokio::test]
async fn the_lock_is_recorded_once_with_its_failures() {
    let server = TestServer::start().await;
    for _ in 0..5 {
        fail_with_basic(&server).await;
    }
    let count = async |action| {
        let filter = AuditFilter { action: Some(action), limit: 100, ..AuditFilter::default() };
        server.store().list_audit(filter).await.unwrap().len()
    };
    assert_eq!(count(Action::LockAccount).await, 1);
    let filter = AuditFilter { action: Some(Action::SignIn), limit: 100, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.outcome == Outcome::Refused).count(), 5);
}

#[tokio::test]
async fn a_success_resets_the_counter_also_where_the_password_was_remembered() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
        fail_with_basic(&server).await;
        fail_on_the_page(&server).await;
    }
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    assert!(!is_locked(&server).await);
    assert_eq!(server.user(&USER).await.lockout.failures, 0);
}

#[tokio::test]
async fn a_remembered_password_does_not_pass_a_lock() {
    let server = TestServer::start().await;
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    for _ in 0..3 {
        fail_with_basic(&server).await;
    }
    server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
}

#[tokio::test]
async fn an_administrator_unlocks() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        fail_with_basic(&server).await;
    }
    let operator = server.app().operator().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    let draft = UserDraft { locked: Some(false), ..UserDraft::default() };
    server.app().update_user(&operator, id, draft, &Origin::command_line()).await.unwrap();
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
}

#[tokio::test]
async fn an_expired_password_is_refused_everywhere_and_recorded() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let operator = server.app().operator().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    let end = server.app().now().plus_secs(60);
    let draft = UserDraft { password_expiry: Some(app::users::Expiry::At(end)), ..UserDraft::default() };
    server.app().update_user(&operator, id, draft, &Origin::command_line()).await.unwrap();
    Tokens::of(&client.password(&server, &USER).await);
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    server.clock().advance_secs(60);
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_grant");
    server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
    let mut browser = server.browser();
    browser.get("/login").await;
    assert!(browser.sign_in(&USER).await.expect(401).text().contains("expired"));
    let filter = AuditFilter { action: Some(Action::SignIn), limit: 100, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.outcome == Outcome::Refused).count(), 3);
}
