//! What was verified is what is used: a password that was changed opens nothing, whatever was in progress
//! meanwhile.

use app::identity::caller::RequestOrigin;
use app::identity::sign_in::{SignInCredentials, SignInRefusal};
use app::management::users::UserDraft;
use domain::secret::Password;
use testkit::{TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client};

const RENEWED: TestUser = TestUser { name: USER.name, password: "a buoy in the fog at six" };

async fn change_password(server: &TestServer) {
    let draft = UserDraft { password: Some(Password::new(RENEWED.password)), ..UserDraft::default() };
    change_user(server, draft).await;
}

async fn change_user(server: &TestServer, draft: UserDraft) {
    let operator = server.app().operator().caller().await.unwrap().unwrap();
    let id = server.user(&USER).await.id;
    server.app().users().update(&operator, id, draft, &RequestOrigin::command_line()).await.unwrap();
}

async fn opens(server: &TestServer, cookie: &str) -> bool {
    let page =
        server.get("/account").header("cookie", format!("sluicegate={cookie}")).send().await.expect(200);
    !page.text().contains("login-submit")
}

#[tokio::test]
async fn a_sign_in_during_a_password_change_opens_no_session() {
    let server = TestServer::start().await;
    let credentials =
        SignInCredentials { name: USER.name.to_owned(), password: Password::new(USER.password) };
    let origin = RequestOrigin::command_line();
    let account = server.app().sign_in().sign_in(&credentials, &origin).await.unwrap();
    change_password(&server).await;
    let opened = server.app().sessions().open(account, None, None, None, &origin).await;
    assert!(matches!(opened, Err(SignInRefusal::Refused)), "{opened:?}");
}

#[tokio::test]
async fn concurrent_sign_ins_with_the_old_password_leave_no_session() {
    for seed in 0..8 {
        let server = TestServer::start_with(testkit::Setup { seed, ..testkit::Setup::default() }).await;
        let client = Client::register_as(&server, &testkit::ADMIN, serde_json::json!({})).await;
        let mut browsers: Vec<_> = (0..3).map(|_| server.browser()).collect();
        for browser in &mut browsers {
            browser.get("/login").await;
        }
        let [first, second, third] = &mut browsers[..] else { panic!("three browsers") };
        let (_, _, _, grant, ()) = tokio::join!(
            first.sign_in(&USER),
            second.sign_in(&USER),
            third.sign_in(&USER),
            client.password(&server, &USER),
            change_password(&server),
        );
        for browser in &browsers {
            assert!(!opens(&server, browser.cookie("sluicegate").unwrap_or_default()).await);
        }
        if grant.status() == 200 {
            let token = grant.json()["access_token"].as_str().unwrap().to_owned();
            assert!(!crate::client::is_alive(&server, &token).await);
        }
        server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
        change_user(&server, UserDraft { locked: Some(false), ..UserDraft::default() }).await;
        server.get(APPLICATIONS).basic(&RENEWED).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_password_change_invalidates_copied_cookies_and_keeps_the_browser_signed_in() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    browser.get("/account/password").await;
    browser.sign_in(&USER).await.expect(200);
    let copied = browser.cookie("sluicegate").unwrap().to_owned();
    let form = browser.form("/account/password").fill("current", USER.password);
    let form = form.fill("new", RENEWED.password).fill("again", RENEWED.password);
    browser.submit(form).await.expect(200);
    assert!(browser.page().text().contains("Your password was changed"));
    assert!(!opens(&server, &copied).await);
    assert!(opens(&server, browser.cookie("sluicegate").unwrap()).await);
}

#[tokio::test]
async fn signing_in_again_ends_the_previous_session() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    for user in [&USER, &testkit::OTHER, &USER] {
        let before = browser.cookie("sluicegate").unwrap_or_default().to_owned();
        browser.get("/login").await;
        browser.sign_in(user).await.expect(200);
        assert!(!opens(&server, &before).await);
        assert!(opens(&server, browser.cookie("sluicegate").unwrap()).await);
    }
}

#[tokio::test]
async fn a_consent_in_an_ended_session_does_not_count() {
    let server = TestServer::start().await;
    let client = Client::register_as(&server, &testkit::ADMIN, serde_json::json!({})).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await;
    assert!(browser.sign_in(&USER).await.expect(200).text().contains("consent-allow"));
    let cookie = domain::secret::SessionCookie::new(browser.cookie("sluicegate").unwrap());
    let live = server.app().authentication().caller_by_session(&cookie).await.unwrap().unwrap();
    change_password(&server).await;
    let url = client.authorize_url(&[]);
    let query = url.split_once('?').unwrap().1;
    let parameters = oauth::parameters::Parameters::from_form(query.as_bytes()).unwrap();
    let decision = app::protocol::authorize::ConsentDecision::Allow;
    let signed_in = app::protocol::authorize::SignedInBrowser { session: &live, state: None };
    let answer = server
        .app()
        .authorization()
        .decide_consent(&parameters, signed_in, decision, None, &RequestOrigin::command_line())
        .await;
    assert!(matches!(answer.unwrap(), app::protocol::authorize::AuthorizeAnswer::SignIn { .. }));
    let page = browser.get(&url).await;
    assert!(page.text().contains("login-submit"));
    assert!(browser.sign_in(&RENEWED).await.text().contains("consent-allow"), "nothing was allowed");
}

#[tokio::test]
async fn a_password_matches_in_every_normal_form() {
    let server = TestServer::start().await;
    let composed = TestUser { name: "Jörg", password: "eine Brücke über den Fluß" };
    server.add_user(&composed, &[domain::account::USER_ROLE]).await;
    let decomposed = TestUser { name: "jo\u{308}rg", password: "eine Bru\u{308}cke u\u{308}ber den Fluß" };
    for user in [&composed, &decomposed] {
        server.get(APPLICATIONS).basic(user).send().await.expect(200);
        let mut browser = server.browser();
        browser.get("/login").await;
        assert!(browser.sign_in(user).await.expect(200).text().contains("Jörg"));
    }
}
