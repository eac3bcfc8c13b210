//! Logout by an application.

use std::pin::Pin;

use serde_json::{Value, json};
use testkit::{Browser, OTHER, TestServer, TestUser, USER};
use url::form_urlencoded::Serializer;

use crate::client::{Client, S256, Tokens, allow, assert_refused, parameter};
use crate::client_registration::{open_server, send};
use crate::openid::with_signing_keys;

const BYE: &str = "https://client.example/bye";

async fn client(server: &TestServer, mut openid: Value) -> Client {
    openid["postLogoutRedirectUris"] = json!([BYE]);
    Client::register_with(server, json!({ "scopes": ["openid"], "openid": openid })).await
}

fn logout(parameters: &[(&str, &str)]) -> String {
    format!("/oauth2/logout?{}", Serializer::new(String::new()).extend_pairs(parameters).finish())
}

/// Signs in at the application, and returns the ID token.
async fn sign_in(server: &TestServer, browser: &mut Browser<'_>, client: &Client, user: &TestUser) -> String {
    let answer = allow(browser, user, &client.authorize_url(&[("scope", "openid")])).await;
    let code = parameter(&answer, "code").unwrap();
    let response = client.exchange(server, &code).await.expect(200).json();
    response["id_token"].as_str().unwrap().to_owned()
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    !browser.get("/account").await.text().contains("login-submit")
}

#[tokio::test]
async fn an_id_token_of_this_session_logs_out_and_returns_also_after_it_has_expired() {
    let server = crate::openid::server().await;
    let client = client(&server, json!({})).await;
    let mut browser = server.browser();
    let hint = sign_in(&server, &mut browser, &client, &USER).await;
    server.clock().advance_secs(3 * 3600);
    assert!(is_signed_in(&mut browser).await);
    let url = logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "x y")]);
    let answer = browser.get(&url).await.expect(303);
    assert_eq!(answer.location(), "https://client.example/bye?state=x+y");
    assert!(!is_signed_in(&mut browser).await);
    let again = browser.get(&url).await.expect(303);
    assert_eq!(again.location(), "https://client.example/bye?state=x+y", "without a session nobody is asked");
}

/// A way to sign out at a browser; the text is an ID token of the session.
type WayOut = for<'a> fn(&'a mut Browser<'_>, &'a str) -> Pin<Box<dyn Future<Output = ()> + 'a>>;

const WAYS_OUT: [WayOut; 3] = [
    |browser, _| {
        Box::pin(async {
            browser.get("/logout").await.expect(200);
            let form = browser.form("/logout");
            browser.submit(form).await;
        })
    },
    |browser, hint| {
        Box::pin(async move {
            browser.get(&logout(&[("id_token_hint", hint)])).await;
        })
    },
    |browser, _| {
        Box::pin(async {
            browser.get("/logout").await.expect(200);
            browser.get("/login").await;
            browser.sign_in(&OTHER).await;
        })
    },
];

#[tokio::test]
async fn a_sign_out_ends_refresh_tokens_without_offline_access() {
    let server = crate::openid::server().await;
    let scopes = json!({ "scopes": ["openid", "offline_access", "odata"] });
    let client = Client::register_with(&server, scopes).await;
    for way_out in WAYS_OUT {
        let mut browser = server.browser();
        let mut elsewhere = server.browser();
        let tokens = async |browser: &mut Browser<'_>, scope: &str| {
            let answer = allow(browser, &USER, &client.authorize_url(&[("scope", scope)])).await;
            let answer = client.exchange(&server, &parameter(&answer, "code").unwrap()).await.expect(200);
            let hint = answer.json()["id_token"].as_str().unwrap_or_default().to_owned();
            (Tokens::of(&answer), hint)
        };
        let (online, hint) = tokens(&mut browser, "openid odata").await;
        let mut staying = Vec::new();
        staying.push(tokens(&mut browser, "openid offline_access odata").await.0);
        staying.push(tokens(&mut browser, "odata").await.0);
        staying.push(tokens(&mut elsewhere, "openid odata").await.0);
        let userinfo =
            async |access: &str| server.get("/oauth2/userinfo").bearer(access).send().await.status();
        assert_eq!(userinfo(&online.access).await, 200);
        way_out(&mut browser, &hint).await;
        server.app().node().refresh().await.unwrap();
        assert_refused(&client.refresh(&server, &online.refresh).await, 400, "invalid_grant");
        assert_eq!(userinfo(&online.access).await, 401);
        for tokens in staying {
            client.refresh(&server, &tokens.refresh).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_foreign_or_missing_hint_asks_first() {
    let server = crate::openid::server().await;
    let client = client(&server, json!({})).await;
    let foreign = sign_in(&server, &mut server.browser(), &client, &OTHER).await;
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    for parameters in [&[("id_token_hint", foreign.as_str())][..], &[("client_id", &client.identifier)], &[]]
    {
        let page = browser.get(&logout(parameters)).await.expect(200).text().to_owned();
        assert!(page.contains("logout-submit"), "{page}");
        assert!(is_signed_in(&mut browser).await);
    }
    let url = logout(&[("id_token_hint", &foreign), ("post_logout_redirect_uri", BYE)]);
    let page = browser.get(&url).await.expect(200).text().to_owned();
    assert!(page.contains("Harbour Reports"), "the page names the application: {page}");
    let form = browser.form("/oauth2/logout/confirm");
    assert_eq!(browser.submit(form).await.expect(303).location(), BYE);
    assert!(!is_signed_in(&mut browser).await);
}

/// The attack: a link to this server that leads to a stranger's page, which its victims trust because of our host.
#[tokio::test]
async fn a_logout_link_without_a_hint_redirects_nobody_to_a_stranger() {
    const EVIL: &str = "https://evil.example/bye";
    let server = with_signing_keys(open_server().await).await;
    let registered = send(&server, &json!({ "post_logout_redirect_uris": [EVIL] })).await.expect(201).json();
    let stranger = registered["client_id"].as_str().unwrap();
    let known = client(&server, json!({})).await;
    for (id, address) in [(stranger, EVIL), (&known.identifier, BYE)] {
        let url = logout(&[("client_id", id), ("post_logout_redirect_uri", address), ("state", "s")]);
        let answer = server.get(&url).send().await.expect(200);
        assert!(answer.headers().get("refresh").is_none());
        let link = format!("<a href=\"{address}?state=s\" id=\"logout-continue\">");
        assert!(answer.text().contains(&link), "{}", answer.text());
        let origin = address.strip_suffix("/bye").unwrap();
        let destination = format!("the web site <code id=\"destination\">{origin}</code>");
        assert!(answer.text().contains(&destination), "{}", answer.text());
        let mut browser = server.browser();
        browser.get("/login").await.expect(200);
        browser.sign_in(&USER).await;
        let page = browser.get(&url).await.expect(200);
        assert!(page.text().contains(&destination) && is_signed_in(&mut browser).await, "{}", page.text());
        browser.get(&url).await.expect(200);
        let form = browser.form("/oauth2/logout/confirm");
        assert_eq!(browser.submit(form).await.expect(303).location(), format!("{address}?state=s"));
    }
}

/// Anybody gets an ID token for an application that registered itself.
#[tokio::test]
async fn an_id_token_of_the_attacker_redirects_nobody_else_to_a_stranger() {
    const EVIL: &str = "https://evil.example/bye";
    let server = with_signing_keys(open_server().await).await;
    let more = json!({ "post_logout_redirect_uris": [EVIL], "scope": "openid" });
    let registered = send(&server, &more).await.expect(201).json();
    let identifier = registered["client_id"].as_str().unwrap().to_owned();
    let stranger = Client { id: 0, identifier, secret: None };
    let mut browser = server.browser();
    let asked = [("scope", "openid"), S256[0], S256[1]];
    let answer = allow(&mut browser, &USER, &stranger.authorize_url(&asked)).await;
    let code = parameter(&answer, "code").unwrap();
    let tokens = stranger.exchange_verified(&server, &code).await.expect(200).json();
    let hint = tokens["id_token"].as_str().unwrap();
    let url = logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", EVIL)]);
    let page = server.get(&url).send().await.expect(200);
    assert!(page.text().contains("id=\"logout-continue\""), "{}", page.text());
    assert_eq!(browser.get(&url).await.expect(303).location(), EVIL, "a hint of the session");
}

#[tokio::test]
async fn a_malformed_logout_request_is_a_page_and_ends_nothing() {
    let server = crate::openid::server().await;
    let client = client(&server, json!({})).await;
    let mut browser = server.browser();
    let hint = sign_in(&server, &mut browser, &client, &USER).await;
    let other = "00000000-0000-4000-8000-000000000000";
    for parameters in [
        &[("id_token_hint", "nonsense")][..],
        &[("id_token_hint", &hint), ("client_id", other)],
        &[("id_token_hint", &hint), ("post_logout_redirect_uri", "https://client.example/bye/")],
        &[("id_token_hint", &hint), ("post_logout_redirect_uri", "https://evil.example/")],
        &[("post_logout_redirect_uri", BYE)],
        &[("client_id", other)],
        &[("client_id", "nobody")],
        &[("state", "a"), ("state", "b")],
    ] {
        let page = browser.get(&logout(parameters)).await.expect(400).text().to_owned();
        assert!(page.contains("error-title"), "{page}");
        assert!(is_signed_in(&mut browser).await, "{parameters:?}");
    }
}

#[tokio::test]
async fn the_pages_of_applications_are_loaded_in_frames() {
    let server = crate::openid::server().await;
    let openid = json!({
        "frontchannelLogoutUri": "https://client.example/out", "frontchannelLogoutSessionRequired": true,
    });
    let client = client(&server, openid).await;
    let mut browser = server.browser();
    let hint = sign_in(&server, &mut browser, &client, &USER).await;
    let sid = crate::openid::decoded(&hint).1["sid"].as_str().unwrap().to_owned();
    let answer = browser
        .get(&logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)]))
        .await
        .expect(200);
    let page = answer.text();
    assert!(page.contains("<iframe src=\"https://client.example/out?iss="), "{page}");
    assert!(page.contains(&format!("sid={sid}")) && page.contains("id=\"logout-continue\""), "{page}");
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-src https://client.example"), "{policy}");
    assert_eq!(answer.headers()["refresh"].to_str().unwrap(), format!("3; url={BYE}"));
    assert!(!is_signed_in(&mut browser).await);
}

#[tokio::test]
async fn signing_out_on_our_own_page_tells_applications_too() {
    let server = crate::openid::server().await;
    let client = client(&server, json!({ "frontchannelLogoutUri": "https://client.example/out" })).await;
    let mut browser = server.browser();
    sign_in(&server, &mut browser, &client, &USER).await;
    browser.get("/logout").await.expect(200);
    let form = browser.form("/logout");
    let page = browser.submit(form).await.expect(200).text().to_owned();
    assert!(page.contains("<iframe src=\"https://client.example/out\""), "{page}");
}

#[tokio::test]
async fn a_posted_logout_request_is_repeated_by_the_browser() {
    let server = crate::openid::server().await;
    let fields = [("post_logout_redirect_uri", BYE), ("state", "x"), ("unknown", "y")];
    let posted = server.post("/oauth2/logout").header("sec-fetch-site", "cross-site").form(&fields);
    let answer = posted.header("sec-fetch-mode", "navigate").send().await.expect(303);
    assert!(answer.location().starts_with("/oauth2/logout?") && !answer.location().contains("unknown"));
    let own = server.post("/oauth2/logout").form(&[("state", "x")]).send().await.expect(200);
    assert!(own.text().contains("You are signed out"));
}
