//! Every page and every flow with the plainest browser: it knows links, forms, cookies and redirects, and nothing of scripts.
//! Each page names what a tool must press by an id that does not change.

use std::collections::BTreeSet;

use testkit::{Browser, TestServer, USER};

use crate::client::{CALLBACK, Client, Tokens, assert_refused, parameter};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The addresses of the links of the current page that lead to pages of this server.
fn links(browser: &Browser<'_>) -> BTreeSet<String> {
    let page = browser.page().text();
    let found = page.split("<a ").skip(1).filter_map(|tag| tag.split('>').next()?.split("href=\"").nth(1));
    let found = found.filter_map(|rest| rest.split('"').next());
    found
        .filter(|href| href.starts_with('/'))
        .map(|href| href.replace("&amp;", "&").replace("&#38;", "&"))
        .collect()
}

/// Presses a button of the current page.
async fn press(browser: &mut Browser<'_>, id: &str) -> testkit::Answer {
    let form = browser.form_with_button(id).press(id);
    browser.submit(form).await
}

#[tokio::test]
async fn every_page_is_reached_by_links_from_the_start_page() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    client.tokens(&server).await;
    let mut browser = server.browser();
    browser.get("/login").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let (mut open, mut seen) = (vec!["/".to_owned()], BTreeSet::new());
    while let Some(address) = open.pop() {
        if !seen.insert(address.clone()) {
            continue;
        }
        let page = browser.get(&address).await.expect(200);
        if page.header("content-type").starts_with("text/html") {
            assert!(!page.text().contains("<script") && !page.text().contains("<noscript"), "{address}");
            assert_eq!(page.text().matches("<h1").count(), 1, "{address}");
            open.extend(links(&browser));
        }
    }
    let revoke = format!("/account/applications/{}/revoke", client.id);
    for expected in [
        "/account",
        "/account/applications",
        "/account/password",
        "/account/profile",
        "/docs",
        revoke.as_str(),
    ] {
        assert!(seen.contains(expected), "no link leads to {expected}: {seen:?}");
    }
}

#[tokio::test]
async fn an_application_is_allowed_and_revoked_by_forms_alone() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[("state", "s")])).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let answer = press(&mut browser, "consent-deny").await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("access_denied"));
    browser.get(&client.authorize_url(&[("state", "s")])).await.expect(200);
    let answer = press(&mut browser, "consent-allow").await.expect(303);
    assert!(answer.location().starts_with(CALLBACK));
    let tokens = Tokens::of(&client.exchange(&server, &parameter(&answer, "code").unwrap()).await);
    browser.get(&format!("/account/applications/{}/revoke", client.id)).await.expect(200);
    let page = press(&mut browser, "revoke-submit").await.expect(200);
    assert!(page.text().contains("was revoked"), "{}", page.text());
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn an_answer_by_a_posted_form_has_a_button() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[("response_mode", "form_post"), ("state", "s")])).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    press(&mut browser, "consent-allow").await.expect(200);
    let form = browser.form_with_button("form-post-submit");
    assert_eq!((form.action.as_str(), form.method.as_str()), (CALLBACK, "post"));
    let names: Vec<&str> = form.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
}

#[tokio::test]
async fn a_device_is_allowed_by_forms_alone() {
    let server = TestServer::start().await;
    let members =
        serde_json::json!({ "clientType": "public", "grantTypes": [DEVICE_GRANT, "refresh_token"] });
    let television = Client::register_with(&server, members).await;
    let asked = television.post(&server, "/oauth2/device_authorization", &[]).await.expect(200).json();
    let mut browser = server.browser();
    browser.get("/device").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("device-continue").fill("user_code", "BBBB-BBBB");
    let page = browser.submit(form.press("device-continue")).await.expect(400);
    assert!(page.text().contains("id=\"device-problem\""), "{}", page.text());
    let code = asked["user_code"].as_str().unwrap().to_lowercase().replace('-', " ");
    let form = browser.form_with_button("device-continue").fill("user_code", &code);
    browser.submit(form.press("device-continue")).await.expect(200);
    let page = press(&mut browser, "consent-allow").await.expect(200);
    assert!(page.text().contains("id=\"device-allowed\""), "{}", page.text());
    let poll = [("grant_type", DEVICE_GRANT), ("device_code", asked["device_code"].as_str().unwrap())];
    Tokens::of(&television.token(&server, &poll).await);
}

#[tokio::test]
async fn an_account_is_managed_by_forms_alone() {
    let server = TestServer::start().await;
    let mut browser = server.browser();
    browser.get("/account/profile").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("profile-submit").fill("given_name", "Ada").press("profile-submit");
    let page = browser.submit(form).await.expect(200);
    assert!(page.text().contains("value=\"Ada\""), "{}", page.text());
    browser.get("/account/password").await.expect(200);
    let form = browser.form_with_button("password-submit").fill("current", USER.password);
    let form = form.fill("new", "a longer rope holds better").fill("again", "a longer rope holds worse");
    let page = browser.submit(form.press("password-submit")).await.expect(400);
    assert!(page.text().contains("id=\"password-problem\""), "{}", page.text());
    browser.get("/logout").await.expect(200);
    let page = press(&mut browser, "logout-submit").await.expect(200);
    assert!(page.text().contains("You are signed out"), "{}", page.text());
    browser.get("/oauth2/logout").await.expect(200);
}
