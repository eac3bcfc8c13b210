//! Lockout: one counter for the sign-in page, Basic credentials and the password grant.

use app::identity::caller::RequestOrigin;
use app::management::users::UserDraft;
use domain::account::network::Network;
use domain::audit::{Action, Outcome};
use domain::secret::Password;
use domain::time::Timestamp;
use store::{Audit, AuditFilter, ComesFrom, SignIns};
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

/// Whether the account is locked for sign-ins from this address.
async fn is_locked_from(server: &TestServer, address: [u8; 4]) -> bool {
    let network = Some(Network::of(address.into()));
    let from = ComesFrom { network, familiar_since: Timestamp::from_secs(0) };
    let facts = server.store().find_sign_in(USER.name, from).await.unwrap().unwrap();
    facts.lockout().is_locked(server.app().node().now())
}

/// The address of all calls that do not set one.
const HERE: [u8; 4] = [127, 0, 0, 1];
const OFFICE: [u8; 4] = [192, 0, 2, 1];
const ELSEWHERE: [u8; 4] = [203, 0, 113, 9];

async fn is_locked(server: &TestServer) -> bool {
    is_locked_from(server, HERE).await
}

async fn with_basic(server: &TestServer, user: &TestUser, address: [u8; 4]) -> testkit::Answer {
    server.get(APPLICATIONS).from_address(address).basic(user).send().await
}

/// A stranger guesses until the account is locked.
async fn guess_from_elsewhere(server: &TestServer) {
    for _ in 0..3 {
        with_basic(server, &WRONG, ELSEWHERE).await.expect(401);
    }
}

#[tokio::test]
async fn guesses_from_unknown_networks_do_not_lock_familiar_ones() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    with_basic(&server, &USER, OFFICE).await.expect(200);
    guess_from_elsewhere(&server).await;
    assert!(is_locked_from(&server, ELSEWHERE).await && !is_locked_from(&server, OFFICE).await);
    with_basic(&server, &USER, ELSEWHERE).await.expect(401);
    with_basic(&server, &USER, [203, 0, 113, 10]).await.expect(401);
    for _ in 0..3 {
        with_basic(&server, &USER, OFFICE).await.expect(200);
        server.clock().advance_secs(301);
        let grant = server.post(crate::client::TOKEN).from_address(OFFICE);
        let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
        Tokens::of(&grant.basic_as(id, secret).form(&crate::client::password_fields(&USER)).send().await);
        guess_from_elsewhere(&server).await;
    }
    let metrics = server.app().node().encode_metrics();
    assert!(metrics.contains("sluicegate_account_locks_total{network=\"other\"} 1"), "{metrics}");
    server.clock().advance_secs(1_800);
    with_basic(&server, &USER, ELSEWHERE).await.expect(200);
}

#[tokio::test]
async fn a_familiar_network_has_the_same_limit_and_its_message_says_how_to_continue() {
    let server = TestServer::start().await;
    with_basic(&server, &USER, OFFICE).await.expect(200);
    with_basic(&server, &USER, HERE).await.expect(200);
    for _ in 0..2 {
        with_basic(&server, &WRONG, OFFICE).await.expect(401);
    }
    let locked = with_basic(&server, &WRONG, OFFICE).await.expect(401);
    assert!(
        locked.text().contains("in 30 minutes") && locked.text().contains("administrator"),
        "{}",
        locked.text()
    );
    let right = with_basic(&server, &USER, OFFICE).await.expect(401);
    assert_eq!(locked.text(), right.text(), "a lock reveals nothing about the password");
    with_basic(&server, &USER, HERE).await.expect(200);
    with_basic(&server, &USER, ELSEWHERE).await.expect(200);
    server.clock().advance_secs(1_800);
    with_basic(&server, &USER, OFFICE).await.expect(200);
}

/// To a stranger, a refusal looks the same whether or not the name exists, and says what holds for every
/// account.
#[tokio::test]
async fn the_response_about_a_lock_reveals_nothing_to_a_stranger() {
    let server = TestServer::start().await;
    guess_from_elsewhere(&server).await;
    let mut pages = Vec::new();
    for user in [USER, WRONG, TestUser { name: "nobody", password: "wrong" }] {
        let mut browser = server.browser();
        browser.get("/login").await;
        let page = browser.sign_in(&user).await.expect(401).text().replace(user.name, "");
        assert!(page.contains("30 minutes") && page.contains("administrator"), "{page}");
        let csrf = browser.form("/login").fields.iter().find(|(name, _)| name == "csrf").unwrap().1.clone();
        pages.push(page.replace(&csrf, ""));
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
}

#[tokio::test]
async fn a_password_change_clears_the_familiar_networks() {
    let server = TestServer::start().await;
    with_basic(&server, &USER, ELSEWHERE).await.expect(200);
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    let draft =
        UserDraft { password: Some(Password::new("a new one from the office")), ..UserDraft::default() };
    server.app().users().update(&operator, id, draft, &RequestOrigin::command_line()).await.unwrap();
    guess_from_elsewhere(&server).await;
    assert!(is_locked_from(&server, OFFICE).await, "the thief's network has no counter of its own");
}

/// A client that disconnects before the response has still guessed.
#[tokio::test]
async fn a_guess_whose_client_disconnects_is_counted_and_audited() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        let mut guess = Box::pin(server.get(APPLICATIONS).basic(&WRONG).send());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(guess.as_mut().poll(&mut context).is_pending(), "the hash takes its time");
        drop(guess);
    }
    while !is_locked(&server).await {
        tokio::task::yield_now().await;
    }
    let filter = AuditFilter { action: Some(Action::SignIn), limit: 100, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.outcome == Outcome::Refused).count(), 3);
}

#[tokio::test]
async fn three_failures_at_any_endpoints_lock_the_account_everywhere() {
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
async fn a_success_resets_the_counter_even_for_a_remembered_password() {
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
async fn an_administrator_can_unlock_an_account() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        fail_with_basic(&server).await;
    }
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    let draft = UserDraft { locked: Some(false), ..UserDraft::default() };
    server.app().users().update(&operator, id, draft, &RequestOrigin::command_line()).await.unwrap();
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
}

#[tokio::test]
async fn an_expired_password_is_refused_everywhere_and_recorded() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    let end = server.app().node().now().plus_secs(60);
    let draft =
        UserDraft { password_expiry: Some(app::management::users::Expiry::At(end)), ..UserDraft::default() };
    server.app().users().update(&operator, id, draft, &RequestOrigin::command_line()).await.unwrap();
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
