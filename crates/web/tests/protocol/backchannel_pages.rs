//! The pages on which a user decides about requests of applications, and what they protect.

use serde_json::{Value, json};
use testkit::{OTHER, USER};

use crate::backchannel::{ask, decide, newest, poll, press, requests_of, till, till_with};
use crate::client::assert_refused;
use crate::openid::{decoded, server};

#[tokio::test]
async fn every_account_page_tells_of_waiting_requests() {
    let server = server().await;
    let client = till(&server).await;
    let mut browser = requests_of(&server, &USER).await;
    let pages = ["/account", "/account/applications", "/account/profile", "/account/password"];
    for page in pages {
        assert!(!browser.get(page).await.expect(200).text().contains("waiting-requests"));
    }
    ask(&server, &client, &[]).await;
    for page in pages {
        let text = browser.get(page).await.expect(200).text().to_owned();
        assert!(text.contains("waiting-requests") && text.contains("A request is waiting"), "{text}");
    }
    ask(&server, &client, &[]).await;
    assert!(browser.get("/account").await.expect(200).text().contains("2 requests are waiting"));
    let mut other = requests_of(&server, &OTHER).await;
    assert!(!other.get("/account").await.expect(200).text().contains("waiting-requests"));
}

#[tokio::test]
async fn nobody_else_can_see_or_answer_a_request() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    let mut browser = requests_of(&server, &USER).await;
    let address = newest(&browser);
    let mut other = requests_of(&server, &OTHER).await;
    assert!(other.page().text().contains("no-requests"));
    other.get(&address).await.expect(404);
    for unknown in ["/account/requests/999999", "/account/requests/x", "/account/requests/-1"] {
        browser.get(unknown).await.expect(404);
    }
    other.get("/account/password").await.expect(200);
    let csrf = other
        .form_with_button("password-submit")
        .fields
        .into_iter()
        .find(|(name, _)| name == "csrf")
        .unwrap()
        .1;
    let fields = [("csrf", csrf.as_str()), ("decision", "allow")];
    let foreign = server.post(&address).header("cookie", other.cookie_line()).form(&fields);
    foreign.send().await.expect(404);
    assert_refused(&poll(&server, &client, &id).await, 400, "authorization_pending");
}

#[tokio::test]
async fn a_forged_answer_is_refused() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    let browser = requests_of(&server, &USER).await;
    let address = newest(&browser);
    let fields = [("csrf", "forged"), ("decision", "allow")];
    let post = || server.post(&address).header("cookie", browser.cookie_line()).form(&fields);
    post().send().await.expect(403);
    post().header("origin", "https://evil.example").send().await.expect(403);
    let anonymous = server.post(&address).form(&fields).send().await;
    assert!(!anonymous.text().contains("consent-allow"), "{}", anonymous.text());
    assert_refused(&poll(&server, &client, &id).await, 400, "authorization_pending");
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    let mut first = requests_of(&server, &USER).await;
    let address = newest(&first);
    first.get(&address).await.expect(200);
    decide(&server, "consent-deny").await;
    let page = press(&mut first, "consent-allow").await.expect(400);
    assert!(page.text().contains("answered before"), "{}", page.text());
    assert_refused(&poll(&server, &client, &id).await, 400, "access_denied");
}

#[tokio::test]
async fn a_request_may_demand_a_new_sign_in() {
    let server = server().await;
    let client = till(&server).await;
    let mut browser = requests_of(&server, &USER).await;
    server.clock().advance_secs(120);
    let id = ask(&server, &client, &[("max_age", "60")]).await;
    browser.get("/account/requests").await.expect(200);
    let address = newest(&browser);
    let page = browser.get(&address).await.expect(200);
    assert!(page.text().contains("sign-in-first") && page.text().contains("consent-deny"), "{}", page.text());
    assert!(!page.text().contains("consent-allow") && !page.text().contains("data-choice"));
    let mut forced = browser.form_with_button("consent-deny");
    forced.fields.push(("decision".to_owned(), "allow".to_owned()));
    let page = browser.submit(forced).await.expect(200);
    assert!(page.text().contains("Enter your password again"), "{}", page.text());
    assert_refused(&poll(&server, &client, &id).await, 400, "authorization_pending");
    browser.get(&address).await.expect(200);
    let page = press(&mut browser, "sign-in-again").await.expect(200);
    assert!(page.text().contains("Enter your password again"), "{}", page.text());
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains("consent-allow"), "{}", page.text());
    server.clock().advance_secs(90);
    press(&mut browser, "consent-allow").await.expect(200);
    let issued: Value = poll(&server, &client, &id).await.expect(200).json();
    let claims = decoded(issued["id_token"].as_str().unwrap()).1;
    let age = claims["iat"].as_i64().unwrap() - claims["auth_time"].as_i64().unwrap();
    assert!((90..120).contains(&age), "{claims}");
}

#[tokio::test]
async fn the_default_max_age_of_the_application_counts() {
    let server = server().await;
    let client = till_with(&server, json!({ "openid": { "defaultMaxAge": 60 } })).await;
    let mut browser = requests_of(&server, &USER).await;
    server.clock().advance_secs(120);
    ask(&server, &client, &[]).await;
    browser.get("/account/requests").await.expect(200);
    let address = newest(&browser);
    assert!(browser.get(&address).await.expect(200).text().contains("sign-in-first"));
    press(&mut browser, "consent-deny").await.expect(200);
}

#[tokio::test]
async fn a_changed_password_ends_the_request() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    let mut browser = requests_of(&server, &USER).await;
    let address = newest(&browser);
    browser.get("/account/password").await.expect(200);
    let form = browser.form_with_button("password-submit");
    let form = form
        .fill("current", USER.password)
        .fill("new", "another good one 7")
        .fill("again", "another good one 7");
    browser.submit(form).await.expect(200);
    browser.get(&address).await.expect(400);
    assert!(browser.get("/account/requests").await.expect(200).text().contains("no-requests"));
    assert_refused(&poll(&server, &client, &id).await, 400, "authorization_pending");
}

#[tokio::test]
async fn looking_for_other_data_sources_decides_nothing_about_a_request() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    let mut browser = requests_of(&server, &USER).await;
    let address = newest(&browser);
    browser.get(&address).await.expect(200);
    let form = browser.form_with_button("consent-allow").with("decision", "find");
    let page = browser.submit(form).await.expect(200);
    assert!(page.text().contains("request-warning"), "{}", page.text());
    assert_refused(&poll(&server, &client, &id).await, 400, "authorization_pending");
}
