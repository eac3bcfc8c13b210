//! Rate limits on what checks credentials.

use app::caller::Origin;
use app::users::{Expiry, UserDraft};
use testkit::{OTHER, Setup, TestServer, USER};

use crate::client::{APPLICATIONS, Client, TOKEN, Tokens, assert_refused, password_fields};

async fn tight() -> TestServer {
    let mut setup = Setup::default();
    setup.app.rates.failures_per_address_per_minute = 3;
    setup.app.rates.failures_per_application_per_minute = 4;
    TestServer::start_with(setup).await
}

const ELSEWHERE: [u8; 4] = [192, 0, 2, 7];

#[tokio::test]
async fn an_address_that_guesses_secrets_has_to_wait() {
    let server = tight().await;
    let client = Client::register(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    for _ in 0..3 {
        assert_refused(&wrong.password(&server, &USER).await, 400, "invalid_client");
    }
    for path in [TOKEN, "/oauth2/introspect", "/oauth2/revoke"] {
        let answer = client.post(&server, path, &[("token", "x")]).await;
        assert_refused(&answer, 429, "temporarily_unavailable");
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
    }
    let page = server.get(APPLICATIONS).basic(&OTHER).send().await.expect(429);
    assert!(!page.header("retry-after").is_empty());
    let mut browser = server.browser();
    browser.get("/login").await;
    let page = browser.sign_in(&USER).await.expect(429);
    assert!(!page.header("retry-after").is_empty() && page.text().contains("login-submit"));
    let session = server.session(&USER).await;
    browser.set_cookie("sluicegate", &session);
    browser.get("/account/password").await.expect(200);
    let form = browser.form("/account/password").fill("current", USER.password);
    let page =
        browser.submit(form.fill("new", "one good long secret").fill("again", "one good long secret")).await;
    assert!(!page.expect(429).header("retry-after").is_empty());
    let basic = server.get(&client.authorize_url(&[])).basic(&USER).send().await.expect(429);
    assert!(!basic.header("retry-after").is_empty());

    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let other = server.post(TOKEN).from_address(ELSEWHERE).basic_as(id, secret).form(&password_fields(&USER));
    Tokens::of(&other.send().await);
    let metrics = server.app().encode_metrics();
    assert!(metrics.contains("sluicegate_rate_limited_total 7"), "{metrics}");
    server.clock().advance_secs(60);
    Tokens::of(&client.password(&server, &USER).await);
}

#[tokio::test]
async fn an_expired_password_counts_as_a_failure_of_its_address() {
    let server = tight().await;
    let operator = server.app().operator().await.unwrap().unwrap();
    let end = server.app().now();
    let draft = UserDraft { password_expiry: Some(Expiry::At(end)), ..UserDraft::default() };
    let id = server.user(&USER).await.id;
    server.app().update_user(&operator, id, draft, &Origin::command_line()).await.unwrap();
    for _ in 0..3 {
        server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
    }
    server.get(APPLICATIONS).basic(&USER).send().await.expect(429);
}

#[tokio::test]
async fn an_application_whose_secret_is_guessed_from_everywhere_has_to_wait() {
    let server = tight().await;
    let client = Client::register(&server).await;
    for last in 1..=4 {
        let call = server.post(TOKEN).from_address([192, 0, 2, last]).basic_as(&client.identifier, "wrong");
        assert_refused(&call.form(&password_fields(&USER)).send().await, 401, "invalid_client");
    }
    let right = server.post(TOKEN).from_address(ELSEWHERE);
    let right = right.basic_as(&client.identifier, client.secret.as_deref().unwrap());
    let answer = right.form(&password_fields(&USER)).send().await;
    assert_refused(&answer, 429, "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    let other = Client::register(&server).await;
    Tokens::of(&other.password(&server, &USER).await);
}

#[tokio::test]
async fn limits_can_be_switched_off() {
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
async fn successes_are_limited_too_but_generously() {
    let mut setup = Setup::default();
    setup.app.rates.per_application_per_minute = 5;
    let server = TestServer::start_with(setup).await;
    let client = Client::public(&server).await;
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
