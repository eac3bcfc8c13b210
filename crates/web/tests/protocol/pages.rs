//! The account pages: what has access, revoking it, a new password, signing out.

use testkit::{Browser, TestServer, TestUser, USER};

use crate::client::{Client, Tokens, allow, assert_refused, is_alive};

async fn signed_in(server: &TestServer) -> Browser<'_> {
    let mut browser = server.browser();
    browser.get("/account").await.expect(200);
    assert!(browser.sign_in(&USER).await.expect(200).text().contains("Your account"));
    browser
}

#[tokio::test]
async fn account_pages_require_a_sign_in_and_return_afterwards() {
    let server = TestServer::start().await;
    for path in ["/account", "/account/applications", "/account/password"] {
        let mut browser = server.browser();
        browser.get(path).await.expect(200);
        browser.sign_in(&USER).await.expect(200);
        assert_eq!(browser.address().path(), path);
    }
}

#[tokio::test]
async fn connected_applications_are_listed_with_their_last_use_and_can_be_revoked() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let mut browser = signed_in(&server).await;
    let page = browser.get("/account/applications").await.expect(200);
    for said in ["Harbour Reports", "Allow data access via OData", "1 January 2026, 12:00 UTC", "not yet"] {
        assert!(page.text().contains(said), "{said} is missing in {}", page.text());
    }
    server.clock().advance_secs(600);
    assert!(is_alive(&server, &tokens.access).await);
    server.app().node().maintain().await.unwrap();
    let page = browser.get("/account/applications").await.expect(200);
    assert!(page.text().contains("1 January 2026, 12:10 UTC"), "{}", page.text());

    let ask = format!("/account/applications/{}/revoke", client.id);
    assert!(page.text().contains(&ask), "{}", page.text());
    let page = browser.get(&ask).await.expect(200);
    assert!(page.text().contains("Revoke the access of") && page.text().contains("Harbour Reports"));
    assert!(is_alive(&server, &tokens.access).await, "asking ends nothing");
    let form = browser.form_with_button("revoke-submit");
    let page = browser.submit(form).await.expect(200);
    assert!(
        page.text().contains("The access of <q><bdi>Harbour Reports</bdi></q> was revoked."),
        "{}",
        page.text()
    );
    assert!(page.text().contains("No application has access"), "{}", page.text());
    let message = browser.address().to_string();
    let other = message.replace("Harbour+Reports", "Your+account");
    for (address, is_told) in [(&message, true), (&other, false)] {
        let page = browser.get(address).await.expect(200);
        assert_eq!(page.text().contains("was revoked"), is_told, "a link puts no words on our page");
    }
    browser.get(&ask).await.expect(404);
    assert!(!is_alive(&server, &tokens.access).await);
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_counts_as_a_use() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    server.clock().advance_secs(1_200);
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    server.app().node().flush_usage().await.unwrap();
    let page = signed_in(&server).await.get("/account/applications").await.expect(200);
    assert!(page.text().contains("12:20 UTC"), "{}", page.text());
}

#[tokio::test]
async fn account_forms_are_bound_to_their_session() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let browser = signed_in(&server).await;
    let cookie = browser.cookie_line();
    let revoke = format!("/account/applications/{}/revoke", client.id);
    for path in [revoke.as_str(), "/account/password", "/logout"] {
        for csrf in ["", "AAAA"] {
            let call = server.post(path).header("cookie", &cookie).form(&[("csrf", csrf)]);
            call.send().await.expect(403);
        }
    }
    let csrf = browser.form("/logout").fields[0].1.clone();
    for path in [revoke.as_str(), "/account/password", "/logout"] {
        let call = server.post(path).header("cookie", &cookie).header("sec-fetch-site", "cross-site");
        call.form(&[("csrf", &csrf)]).send().await.expect(403);
    }
    assert!(is_alive(&server, &tokens.access).await);
    let page = server.get("/account").header("cookie", &cookie).send().await.expect(200);
    assert!(page.text().contains("Your account"));
    let unknown = server.post("/account/applications/999/revoke").header("cookie", &cookie);
    unknown.form(&[("csrf", &csrf)]).send().await.expect(303);
    let nonsense = server.post("/account/applications/x/revoke").header("cookie", &cookie);
    nonsense.form(&[("csrf", &csrf)]).send().await.expect(404);
}

#[tokio::test]
async fn a_new_password_revokes_everything_but_this_session() {
    let server = TestServer::start().await;
    let client = Client::register_as(&server, &testkit::ADMIN, serde_json::json!({})).await;
    let tokens = client.tokens(&server).await;
    let mut here = signed_in(&server).await;
    let mut elsewhere = signed_in(&server).await;
    let renewed = TestUser { name: USER.name, password: "a lantern over the lock" };
    here.get("/account/password").await.expect(200);
    let form = here.form("/account/password").fill("current", USER.password);
    let form = form.fill("new", renewed.password).fill("again", renewed.password);
    let page = here.submit(form).await.expect(200);
    assert!(page.text().contains("Your password was changed."), "{}", page.text());

    assert!(here.get("/account").await.text().contains("Your account"));
    assert!(elsewhere.get("/account").await.text().contains("login-submit"));
    assert!(!is_alive(&server, &tokens.access).await);
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_grant");
    Tokens::of(&client.password(&server, &renewed).await);
    let answer = allow(&mut here, &renewed, &client.authorize_url(&[])).await;
    let code = crate::client::parameter(&answer, "code").unwrap();
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    assert!(is_alive(&server, &tokens.access).await, "the kept session belongs to the new epoch");
}

#[tokio::test]
async fn a_password_that_breaks_a_rule_is_refused_and_nothing_changes() {
    let server = TestServer::start().await;
    let mut browser = signed_in(&server).await;
    let long = "x".repeat(129);
    for (current, new, again) in [
        (USER.password, "short", "short"),
        (USER.password, long.as_str(), long.as_str()),
        (USER.password, "passwordpassword", "passwordpassword"),
        (USER.password, "one good long secret", "another good secret"),
        (USER.password, "", ""),
        ("wrong", "one good long secret", "one good long secret"),
    ] {
        browser.get("/account/password").await.expect(200);
        let form = browser.form("/account/password").fill("current", current);
        let page = browser.submit(form.fill("new", new).fill("again", again)).await.expect(400);
        assert!(page.text().contains("password-problem"), "{new}: {}", page.text());
    }
    browser.get("/account/password").await;
    let far_too_long = "x".repeat(5_000);
    let form = browser.form("/account/password").fill("current", USER.password);
    let page = browser.submit(form.fill("new", &far_too_long).fill("again", &far_too_long)).await.expect(400);
    assert!(page.text().contains("128"), "it is refused for its length: {}", page.text());
    assert!(!page.text().contains("maxlength"), "a browser would cut a pasted password without a word");
    let mut other = server.browser();
    other.get("/login").await;
    other.sign_in(&USER).await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let server = TestServer::start().await;
    let mut browser = signed_in(&server).await;
    let cookie = browser.cookie_line();
    assert!(browser.get("/logout").await.expect(200).text().contains("Sign out?"));
    let form = browser.form("/logout");
    let page = browser.submit(form).await.expect(200);
    assert!(page.text().contains("You are signed out"));
    assert_eq!(browser.cookie("sluicegate"), None);
    let page = server.get("/account").header("cookie", cookie).send().await.expect(200);
    assert!(page.text().contains("login-submit"), "the old cookie is worthless");
    browser.get("/logout").await.expect(200);
}

#[tokio::test]
async fn every_error_page_has_a_link_to_continue() {
    let server = TestServer::start().await;
    let session = format!("sluicegate={}", server.session(&USER).await);
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let errors = [
        (
            server.get("/account/applications/99/revoke").header("cookie", &session),
            404,
            "/account/applications",
        ),
        (
            server.get("/account/applications/x/revoke").header("cookie", &session),
            404,
            "/account/applications",
        ),
        (server.get("/nowhere"), 404, "/"),
        (server.call(http::Method::DELETE, "/login"), 405, "/"),
        (server.get("/oauth2/authorize?client_id=nobody&response_type=code"), 400, "/"),
        (server.post("/login").form(&[("username", "a")]), 403, "/"),
        (server.post("/login").header("sec-fetch-site", "cross-site").form(&[("username", "a")]), 403, "/"),
        (server.post("/login").header(kind.0, "text/plain"), 415, "/"),
        (server.get(&format!("/login?{}", "x".repeat(40_000))), 414, "/"),
    ];
    for (call, status, way) in errors {
        let page = call.send().await.expect(status);
        let main =
            page.text().split("id=\"error-title\"").nth(1).unwrap_or_else(|| panic!("{}", page.text()));
        assert!(main.contains(&format!("href=\"{way}\">")), "{main}");
    }
}

#[tokio::test]
async fn many_connected_applications_are_shown_a_page_at_a_time() {
    let server = TestServer::start().await;
    for n in 0..101 {
        let application = server.add_application(&USER, |new| new.name = format!("App {n}.")).await;
        server.allow(&USER, application.id, oauth::scope::BuiltInScope::OData.into()).await;
    }
    let mut browser = signed_in(&server).await;
    let page = browser.get("/account/applications").await.expect(200).text().to_owned();
    assert!(page.contains("App 99.") && !page.contains("App 100."), "{page}");
    let more = page.split("href=\"").find(|rest| rest.starts_with("/account/applications?after=")).unwrap();
    let more = more.split('"').next().unwrap().to_owned();
    let page = browser.get(&more).await.expect(200).text().to_owned();
    assert!(page.contains("App 100.") && !page.contains("App 99.") && !page.contains("?after="), "{page}");
    assert!(browser.get("/account/applications?after=x").await.expect(200).text().contains("App 0."));
}
