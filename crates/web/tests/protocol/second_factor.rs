//! The second factor: setting it up, signing in with it, and what a password alone is still good for.

use app::node::clock::Clock as _;
use domain::audit::{Action, Outcome};
use serde_json::json;
use store::{Audit as _, AuditFilter, SecondFactors as _};
use testkit::{ADMIN, Answer, Browser, OTHER, TestServer, TestUser, USER, totp};

use crate::client::{APPLICATIONS, Client, Tokens, allow, assert_refused, parameter};
use crate::openid::{decoded, server};

const NEW: &str = "/account/security/new";

/// A person with an authenticator.
pub(crate) struct Holder {
    pub(crate) secret: String,
    recovery: Vec<String>,
}

/// What is in the element with this id.
fn text_of(page: &str, id: &str) -> String {
    let from = page.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("no {id} in {page}")).1;
    from.split_once('<').unwrap().0.to_owned()
}

pub(crate) fn now_code(server: &TestServer, secret: &str) -> String {
    totp(secret, server.clock().now())
}

/// Sets up an authenticator in a browser in which the user is signed in.
async fn set_up(server: &TestServer, browser: &mut Browser<'_>, user: &TestUser) -> Holder {
    browser.get(NEW).await.expect(200);
    let form = browser.form_with_button("second-factor-begin").fill("password", user.password);
    let page = browser.submit(form.press("second-factor-begin")).await.expect(200);
    let secret = text_of(page.text(), "totp-secret");
    let form = browser.form_with_button("second-factor-confirm").fill("code", &now_code(server, &secret));
    let page = browser.submit(form.press("second-factor-confirm")).await.expect(200).text().to_owned();
    let list = page.split_once("id=\"recovery-codes\"").unwrap().1.split_once("</ul>").unwrap().0;
    let recovery =
        list.split("<code>").skip(1).map(|one| one.split_once('<').unwrap().0.to_owned()).collect();
    // The code that confirmed it is used up.
    server.clock().advance_secs(30);
    Holder { secret, recovery }
}

/// Sets up an authenticator on the page that demands one, and goes on.
pub(crate) async fn set_up_as_demanded(
    server: &TestServer,
    browser: &mut Browser<'_>,
    user: &TestUser,
) -> Answer {
    let page = browser.page().text();
    assert!(page.contains("id=\"second-factor-needed\""), "{page}");
    let form = browser.form_with_button("second-factor-begin").fill("password", user.password);
    let page = browser.submit(form.press("second-factor-begin")).await.expect(200);
    let code = now_code(server, &text_of(page.text(), "totp-secret"));
    let form = browser.form_with_button("second-factor-confirm").fill("code", &code);
    let page = browser.submit(form.press("second-factor-confirm")).await.expect(200);
    let link = page.text().split_once("id=\"recovery-done\" href=\"").unwrap().1;
    let link = link.split_once('"').unwrap().0.replace("&amp;", "&").replace("&#38;", "&");
    browser.get(&link).await
}

pub(crate) async fn holder(server: &TestServer, user: &TestUser) -> Holder {
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(user).await.expect(200);
    set_up(server, &mut browser, user).await
}

/// Types a code on the second page.
pub(crate) async fn type_code(browser: &mut Browser<'_>, code: &str) -> Answer {
    let form = browser.form_with_button("factor-submit").fill("code", code);
    browser.submit(form.press("factor-submit")).await
}

pub(crate) async fn half_signed_in<'a>(server: &'a TestServer, user: &TestUser) -> Browser<'a> {
    let mut browser = server.browser();
    browser.get("/login").await;
    let page = browser.sign_in(user).await.expect(200);
    assert!(page.text().contains("id=\"factor-submit\""), "{}", page.text());
    browser
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").await.text().contains("id=\"logout-submit\"")
}

#[tokio::test]
async fn a_sign_in_needs_the_password_and_a_code_that_was_not_used() {
    let server = TestServer::start().await;
    let holder = holder(&server, &USER).await;
    let mut browser = half_signed_in(&server, &USER).await;
    assert!(!is_signed_in(&mut browser).await, "the password is half of a sign-in");
    let mut browser = half_signed_in(&server, &USER).await;
    let code = now_code(&server, &holder.secret);
    type_code(&mut browser, &code).await.expect(200);
    assert!(is_signed_in(&mut browser).await);
    let mut thief = half_signed_in(&server, &USER).await;
    let page = type_code(&mut thief, &code).await.expect(401);
    assert!(page.text().contains("used already"), "{}", page.text());
    server.clock().advance_secs(30);
    let late = totp(&holder.secret, server.clock().now().minus_secs(60));
    type_code(&mut thief, &late).await.expect(401);
    // A clock that is ahead.
    let early = totp(&holder.secret, server.clock().now().plus_secs(30));
    type_code(&mut thief, &early).await.expect(200);
    let filter = AuditFilter { action: Some(Action::SignIn), limit: 50, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.unwrap();
    let detail =
        |outcome| events.iter().find(|one| one.event.outcome == outcome).unwrap().event.detail.clone();
    assert_eq!(detail(Outcome::Success).as_deref(), Some("with a code of an authenticator"));
    assert_eq!(detail(Outcome::Refused).as_deref(), Some("wrong code of the second factor"));
}

#[tokio::test]
async fn a_ticket_is_of_one_browser_and_of_ten_minutes() {
    let server = TestServer::start().await;
    let holder = holder(&server, &USER).await;
    let browser = half_signed_in(&server, &USER).await;
    let stolen = browser.form_with_button("factor-submit");
    let ticket = stolen.fields.iter().find(|(name, _)| name == "ticket").unwrap().1.clone();
    let mut other = half_signed_in(&server, &USER).await;
    let form = other.form_with_button("factor-submit").fill("ticket", &ticket);
    let form = form.fill("code", &now_code(&server, &holder.secret));
    let page = other.submit(form.press("factor-submit")).await.expect(401);
    assert!(page.text().contains("Too much time has passed"), "{}", page.text());
    let mut slow = half_signed_in(&server, &USER).await;
    server.clock().advance_secs(601);
    type_code(&mut slow, &now_code(&server, &holder.secret)).await.expect(401);
    assert!(!is_signed_in(&mut slow).await);
}

/// Whoever knows only the password signs in half again and again: that must not clear the failures of codes.
#[tokio::test]
async fn wrong_codes_lock_the_account_whatever_the_password_does_between() {
    let server = TestServer::start().await;
    let holder = holder(&server, &USER).await;
    for _ in 0..3 {
        let mut guesser = half_signed_in(&server, &USER).await;
        type_code(&mut guesser, "abcde").await.expect(401);
    }
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(401);
    server.clock().advance_secs(1_801);
    let mut browser = half_signed_in(&server, &USER).await;
    type_code(&mut browser, &now_code(&server, &holder.secret)).await.expect(200);
}

#[tokio::test]
async fn a_recovery_code_takes_the_place_of_a_code_once() {
    let server = TestServer::start().await;
    let holder = holder(&server, &USER).await;
    assert_eq!(holder.recovery.len(), 10);
    let code = holder.recovery[3].to_uppercase().replace('-', " ");
    let mut browser = half_signed_in(&server, &USER).await;
    type_code(&mut browser, &code).await.expect(200);
    assert!(browser.get("/account/security").await.text().contains("9 recovery codes left"));
    let mut again = half_signed_in(&server, &USER).await;
    type_code(&mut again, &code).await.expect(401);
    browser.get("/account/security/recovery").await;
    let form = browser.form_with_button("proof-submit").fill("password", USER.password);
    let form = form.fill("code", &now_code(&server, &holder.secret)).press("proof-submit");
    browser.submit(form).await.expect(200);
    let mut old = half_signed_in(&server, &USER).await;
    type_code(&mut old, &holder.recovery[0]).await.expect(401);
}

#[tokio::test]
async fn a_password_alone_reaches_nothing_any_more() {
    let server = TestServer::start().await;
    let client =
        Client::register_with(&server, json!({ "grantTypes": ["password"], "redirectUrls": [] })).await;
    let url = Client::register(&server).await.authorize_url(&[]);
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    let mut earlier = server.browser();
    earlier.get("/login").await;
    earlier.sign_in(&USER).await.expect(200);
    holder(&server, &USER).await;
    let refused = server.get(APPLICATIONS).basic(&USER).send().await.expect(401);
    assert!(refused.text().contains("second factor"), "{}", refused.text());
    let refused = server.get("/api/odata4/shop").basic(&USER).send().await.expect(401);
    assert!(refused.text().contains("personal access token"), "{}", refused.text());
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_grant");
    server.get(&url).basic(&USER).send().await.expect(401);
    assert!(!is_signed_in(&mut earlier).await, "other browsers are signed out");
    let wrong = TestUser { name: USER.name, password: "wrong" };
    let refused = server.get(APPLICATIONS).basic(&wrong).send().await.expect(401);
    assert!(!refused.text().contains("second factor"), "a wrong password learns nothing");
}

#[tokio::test]
async fn tokens_say_that_a_second_factor_was_shown() {
    let server = server().await;
    let members = json!({ "scopes": ["odata", "openid"], "tokenFormat": "jwt" });
    let client = Client::register_with(&server, members).await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    set_up(&server, &mut browser, &USER).await;
    let url = client.authorize_url(&[("scope", "openid api.access.odata")]);
    let answer = allow(&mut browser, &USER, &url).await;
    let code = parameter(&answer, "code").unwrap();
    let reply = client.exchange(&server, &code).await.expect(200).json();
    let claims = decoded(reply["id_token"].as_str().unwrap()).1;
    let acr = json!("https://refeds.org/profile/mfa");
    assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd", "otp", "mfa"]), &acr));
    let access = reply["access_token"].as_str().unwrap();
    assert_eq!(decoded(access).1["acr"], acr);
    assert_eq!(client.introspect(&server, access).await["acr"], acr);
    let refreshed = Tokens::of(&client.refresh(&server, reply["refresh_token"].as_str().unwrap()).await);
    assert_eq!(decoded(&refreshed.access).1["acr"], acr);
}

#[tokio::test]
async fn setting_up_needs_the_password_and_a_right_code() {
    let server = TestServer::start().await;
    let user = server.user(&USER).await.id;
    let mut browser = server.browser();
    browser.get(NEW).await;
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("second-factor-begin").fill("password", "wrong");
    let page = browser.submit(form.press("second-factor-begin")).await.expect(400);
    assert!(page.text().contains("id=\"second-factor-problem\"") && !page.text().contains("totp-secret"));
    let form = browser.form_with_button("second-factor-begin").fill("password", USER.password);
    let page = browser.submit(form.press("second-factor-begin")).await.expect(200);
    let secret = text_of(page.text(), "totp-secret");
    assert_eq!(secret.len(), 39, "32 characters in groups of four");
    assert!(page.text().contains(&format!("secret={}", secret.replace(' ', ""))));
    let form = browser.form_with_button("second-factor-confirm").fill("code", "abc");
    let page = browser.submit(form.press("second-factor-confirm")).await.expect(400);
    assert_eq!(text_of(page.text(), "totp-secret"), secret, "the same secret again");
    assert!(server.store().find_second_factor(user).await.unwrap().is_none());
    let late = browser.form_with_button("second-factor-confirm").fill("code", &now_code(&server, &secret));
    server.clock().advance_secs(1_801);
    browser.submit(late.press("second-factor-confirm")).await.expect(400);
    assert!(server.store().find_second_factor(user).await.unwrap().is_none());
    let holder = set_up(&server, &mut browser, &USER).await;
    let stored = server.store().find_second_factor(user).await.unwrap().unwrap();
    let in_clear = stored.secret.as_bytes().windows(20).any(|part| part == holder.secret.as_bytes());
    assert!(!in_clear);
    assert!(!browser.get(NEW).await.text().contains("second-factor-begin"), "there is one already");
}

#[tokio::test]
async fn a_secret_that_was_removed_does_not_come_back() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    browser.get(NEW).await.expect(200);
    let form = browser.form_with_button("second-factor-begin").fill("password", USER.password);
    let page = browser.submit(form.press("second-factor-begin")).await.expect(200);
    let secret = text_of(page.text(), "totp-secret");
    let form = browser.form_with_button("second-factor-confirm").press("second-factor-confirm");
    browser.submit(form.clone().fill("code", &now_code(&server, &secret))).await.expect(200);
    server.clock().advance_secs(30);
    browser.get("/account/security/remove").await;
    let proof = browser.form_with_button("proof-submit").fill("password", USER.password);
    let proof = proof.fill("code", &now_code(&server, &secret)).press("proof-submit");
    browser.submit(proof).await.expect(200);
    server.clock().advance_secs(30);
    let page = browser.submit(form.fill("code", &now_code(&server, &secret))).await;
    assert!(!page.text().contains("recovery-codes"), "{}", page.text());
    let path = format!("/api/admin/users/{}/secondfactor", server.user(&USER).await.id);
    let found = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(found["enrolled"], json!(false));
}

#[tokio::test]
async fn it_is_removed_with_the_password_and_a_code_or_by_an_administrator() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await.expect(200);
    let holder = set_up(&server, &mut browser, &USER).await;
    browser.get("/account/security/remove").await;
    let form = browser.form_with_button("proof-submit").fill("password", USER.password).fill("code", "1");
    browser.submit(form.press("proof-submit")).await.expect(400);
    let form = browser.form_with_button("proof-submit").fill("password", USER.password);
    let form = form.fill("code", &now_code(&server, &holder.secret)).press("proof-submit");
    assert!(browser.submit(form).await.expect(200).text().contains("was removed"));
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    set_up(&server, &mut browser, &USER).await;
    let path = format!("/api/admin/users/{}/secondfactor", server.user(&USER).await.id);
    let found = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!((&found["enrolled"], &found["recoveryCodesLeft"]), (&json!(true), &json!(10)));
    server.delete(&path).basic(&OTHER).send().await.expect(403);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.delete(&path).basic(&ADMIN).send().await.expect(404);
    let found = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(found, json!({ "enrolled": false, "recoveryCodesLeft": 0 }));
    server.get(APPLICATIONS).basic(&USER).send().await.expect(200);
    let filter = AuditFilter { action: Some(Action::RemoveSecondFactor), limit: 9, ..AuditFilter::default() };
    assert_eq!(server.store().list_audit(filter).await.unwrap().len(), 2);
}
