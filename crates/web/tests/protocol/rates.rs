//! Rate limits on what checks credentials.

use app::identity::caller::RequestOrigin;
use app::management::users::{Expiry, UserDraft};
use domain::audit::Action;
use testkit::{OTHER, Setup, TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client, TOKEN, Tokens, assert_refused, password_fields};

async fn tight() -> TestServer {
    let mut setup = Setup::default();
    setup.app.rates.failures_per_address_per_minute = 3;
    TestServer::start_with(setup).await
}

const ELSEWHERE: [u8; 4] = [192, 0, 2, 7];
const NOBODY: TestUser = TestUser { name: "nobody", password: "wrong" };

/// Many people behind one address share its failures, and one of them may be guessing.
#[tokio::test]
async fn above_the_limit_wrong_secrets_get_no_verdict_and_the_right_one_is_accepted() {
    let server = tight().await;
    let client = Client::register(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    for _ in 0..3 {
        assert_refused(&wrong.password(&server, &USER).await, 400, "invalid_client");
    }
    for path in [TOKEN, "/oauth2/introspect", "/oauth2/revoke"] {
        let answer = wrong.post(&server, path, &[("token", "x")]).await;
        assert_refused(&answer, 429, "temporarily_unavailable");
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
        if path != TOKEN {
            client.post(&server, path, &[("token", "x")]).await.expect(200);
        }
    }
    Tokens::of(&client.password(&server, &USER).await);
    let failures = server.audit_of(domain::id::ApplicationId::new(client.id)).await;
    let failures = failures.iter().filter(|event| event.action == Action::AuthenticateClient).count();
    assert_eq!(failures, 3, "what gets no verdict is not written down");
    let metrics = server.app().node().encode_metrics();
    assert!(metrics.contains("sluicegate_rate_limited_total 3"), "{metrics}");
    let elsewhere = server.post(TOKEN).from_address(ELSEWHERE).basic_as(&client.identifier, "wrong");
    assert_refused(&elsewhere.form(&password_fields(&USER)).send().await, 401, "invalid_client");
    server.clock().advance_secs(60);
    assert_refused(&wrong.password(&server, &USER).await, 400, "invalid_client");
}

#[tokio::test]
async fn above_the_limit_wrong_passwords_get_no_verdict_and_the_right_one_is_accepted() {
    let server = tight().await;
    let client = Client::register(&server).await;
    for _ in 0..3 {
        server.get(APPLICATIONS).basic(&NOBODY).send().await.expect(401);
    }
    let page = server.get(APPLICATIONS).basic(&NOBODY).send().await.expect(429);
    assert!((1..=60).contains(&page.header("retry-after").parse::<u32>().unwrap()));
    assert_refused(&client.password(&server, &NOBODY).await, 429, "temporarily_unavailable");
    let mut browser = server.browser();
    browser.get("/login").await;
    let page = browser.sign_in(&NOBODY).await.expect(429);
    assert!(!page.header("retry-after").is_empty() && page.text().contains("login-submit"));
    let basic = server.get(&client.authorize_url(&[])).basic(&NOBODY).send().await.expect(429);
    assert!(!basic.header("retry-after").is_empty());
    let session = server.session(&OTHER).await;
    browser.set_cookie("sluicegate", &session);
    browser.get("/account/password").await.expect(200);
    let form = browser.form("/account/password").fill("current", NOBODY.password);
    let page =
        browser.submit(form.fill("new", "one good long secret").fill("again", "one good long secret")).await;
    assert!(!page.expect(429).header("retry-after").is_empty());

    Tokens::of(&client.password(&server, &USER).await);
    server.get(APPLICATIONS).basic(&OTHER).send().await.expect(200);
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    server.get(APPLICATIONS).from_address(ELSEWHERE).basic(&NOBODY).send().await.expect(401);
}

#[tokio::test]
async fn endless_guessing_stops_hashing_except_for_familiar_users() {
    let server = tight().await;
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    for _ in 0..3 + 30 {
        server.get(APPLICATIONS).basic(&NOBODY).send().await;
    }
    server.get(APPLICATIONS).basic(&OTHER).send().await.expect(429);
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    let client = Client::register(&server).await;
    Tokens::of(&client.password(&server, &USER).await);
    server.clock().advance_secs(60);
    server.get(APPLICATIONS).basic(&OTHER).send().await.expect(200);
}

#[tokio::test]
async fn an_expired_password_counts_as_a_failure_of_its_address() {
    let server = tight().await;
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let end = server.app().node().now();
    let draft = UserDraft { password_expiry: Some(Expiry::At(end)), ..UserDraft::default() };
    let id = server.user(&USER).await.id;
    server.app().users().update(&operator, id, draft, &RequestOrigin::command_line()).await.unwrap();
    for _ in 0..3 {
        server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
    }
    server.get(APPLICATIONS).basic(&USER).send().await.expect(429);
}

/// Otherwise anybody who knows a client id could block the application.
#[tokio::test]
async fn guesses_from_many_addresses_do_not_block_an_application() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for last in 1..=200 {
        let call = server.post(TOKEN).from_address([192, 0, 2, last]).basic_as(&client.identifier, "wrong");
        assert_refused(&call.form(&password_fields(&USER)).send().await, 401, "invalid_client");
    }
    Tokens::of(&client.password(&server, &USER).await);
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        client.post(&server, path, &[("token", "x")]).await.expect(200);
    }
}

#[tokio::test]
async fn requests_of_strangers_do_not_use_up_the_limit_of_a_public_application() {
    let mut setup = Setup::default();
    setup.app.rates.per_application_per_minute = 2;
    let server = TestServer::start_with(setup).await;
    let client = Client::public(&server).await;
    for last in 1..=20 {
        let call = server.post(TOKEN).from_address([192, 0, 2, last]);
        let fields = [
            ("client_id", client.identifier.as_str()),
            ("grant_type", "refresh_token"),
            ("refresh_token", "x"),
        ];
        assert_refused(&call.form(&fields).send().await, 400, "invalid_grant");
    }
    client.tokens(&server).await;
}

#[tokio::test]
async fn rate_limits_can_be_disabled() {
    let mut setup = Setup::default();
    setup.app.rates.failures_per_address_per_minute = 1;
    setup.app.rates.enabled = false;
    let server = TestServer::start_with(setup).await;
    let client = Client::register(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    for _ in 0..20 {
        assert_refused(&wrong.refresh(&server, "x").await, 400, "invalid_client");
    }
    Tokens::of(&client.password(&server, &USER).await);
}

#[tokio::test]
async fn successful_authentications_have_a_generous_limit() {
    let mut setup = Setup::default();
    setup.app.rates.per_application_per_minute = 5;
    let server = TestServer::start_with(setup).await;
    let client = Client::register(&server).await;
    let mut tokens = client.tokens(&server).await;
    for _ in 0..4 {
        tokens = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    }
    let refused = client.refresh(&server, &tokens.refresh).await;
    assert_refused(&refused, 429, "temporarily_unavailable");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    server.clock().advance_secs(wait);
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
}
