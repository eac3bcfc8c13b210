//! Errors of the authorization endpoint and who sees them first ([RFC 9700
//! §4.11.2](https://www.rfc-editor.org/rfc/rfc9700#section-4.11.2)): the attack is a link to this server that leads to a stranger's
//! page, which its victims trust because of our host.

use serde_json::json;
use testkit::host::TestHost;
use testkit::{Answer, Browser, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, Fields, S256, allow, parameter};
use crate::client_documents::publish;
use crate::client_registration::{open_server, send};
use crate::openid::with_signing_keys;

const EVIL: &str = "https://evil.example/phish";

/// Requests that fail, in every way in which an error leaves.
const FAILING: [(Fields<'static>, &str); 8] = [
    (&[("scope", "zz")], "invalid_scope"),
    (&[("scope", "zz"), ("scope", "zz")], "invalid_request"),
    (&[("scope", "zz"), ("prompt", "login")], "invalid_scope"),
    (&[("scope", "zz"), ("response_mode", "fragment")], "invalid_scope"),
    (&[("scope", "zz"), ("response_mode", "form_post")], "invalid_scope"),
    (&[("scope", "zz"), ("response_mode", "jwt")], "invalid_scope"),
    (&[("scope", "zz"), ("response_mode", "form_post.jwt")], "invalid_scope"),
    (&[("request", "x")], "invalid_request_object"),
];
/// Requests that show nothing to a user.
const SILENT: [(Fields<'static>, &str); 3] = [
    (&[("prompt", "none")], "login_required"),
    (&[("prompt", "none"), ("scope", "zz")], "invalid_scope"),
    (&[("prompt", "none"), ("response_mode", "form_post")], "login_required"),
];

/// A client by document and one that registered itself, both with the address of the attacker.
async fn strangers(server: &TestServer, host: &TestHost) -> [Client; 2] {
    let addresses = json!({ "redirect_uris": [EVIL] });
    let described = publish(host, &addresses);
    let registered = send(server, &addresses).await.expect(201).json();
    let identifier = registered["client_id"].as_str().unwrap().to_owned();
    [described, Client { id: 0, identifier, secret: None }]
}

fn url(client: &Client, more: Fields<'_>) -> String {
    let url = client.authorize_url(&[more, &S256, &[("state", "s")]].concat());
    url.replace("client.example%2Fcb", "evil.example%2Fphish")
}

fn assert_stays_here(answer: &Answer) {
    assert_eq!((answer.status(), answer.location()), (200, ""), "{}", answer.text());
    assert!(!answer.text().contains("<script"), "{}", answer.text());
    assert!(answer.headers().get("refresh").is_none());
}

/// The page that names destination and error, from which only the user goes on.
fn assert_asks(answer: &Answer, error: &str) {
    assert_stays_here(answer);
    for part in [
        "the web site <code id=\"destination\">https://evil.example</code>",
        &format!("<code id=\"error-code\">{error}</code>"),
        "id=\"error-continue\"",
    ] {
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
}

async fn signed_in(server: &TestServer) -> Browser<'_> {
    let mut browser = server.browser();
    browser.get("/account").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    browser
}

#[tokio::test]
async fn a_link_with_a_failing_request_redirects_nobody_to_a_stranger() {
    let (server, host) = (with_signing_keys(open_server().await).await, TestHost::start().await);
    for client in strangers(&server, &host).await {
        for (more, error) in FAILING {
            let mut browser = server.browser();
            let page = browser.get(&url(&client, more)).await;
            assert_stays_here(&page);
            assert!(page.text().contains("login-submit"), "{more:?}: {}", page.text());
            for part in ["to continue to <strong>", "<code>https://evil.example</code>", "Not verified"] {
                assert!(page.text().contains(part), "{part}: {more:?}: {}", page.text());
            }
            assert_asks(&browser.sign_in(&USER).await, error);
        }
        let token = url(&client, &[]).replace("response_type=code", "response_type=token");
        assert_stays_here(&server.get(&token).send().await);
        assert_asks(&server.get(&token).basic(&USER).send().await, "unsupported_response_type");
    }
}

#[tokio::test]
async fn a_link_with_a_silent_request_redirects_nobody_to_a_stranger() {
    let (server, host) = (with_signing_keys(open_server().await).await, TestHost::start().await);
    for client in strangers(&server, &host).await {
        for (more, error) in SILENT {
            assert_asks(&server.get(&url(&client, more)).send().await, error);
            let error = if error == "login_required" { "consent_required" } else { error };
            assert_asks(&signed_in(&server).await.get(&url(&client, more)).await, error);
        }
    }
}

#[tokio::test]
async fn the_user_decides_whether_an_error_goes_to_a_stranger() {
    let (server, host) = (with_signing_keys(open_server().await).await, TestHost::start().await);
    let [client, _] = strangers(&server, &host).await;
    let mut browser = signed_in(&server).await;
    let page = browser.get(&url(&client, &[("scope", "zz")])).await;
    let link = format!("<a href=\"{EVIL}?error=invalid_scope&#38;error_description=");
    assert!(page.text().contains(&link), "{}", page.text());
    browser.get(&url(&client, &[("scope", "zz"), ("response_mode", "form_post")])).await;
    let form = browser.form_with_button("error-continue");
    assert_eq!(form.action, EVIL);
    for (name, value) in [("error", "invalid_scope"), ("state", "s"), ("iss", "http://127.0.0.1:8080")] {
        assert!(form.fields.contains(&(name.to_owned(), value.to_owned())), "{name}: {:?}", form.fields);
    }
}

#[tokio::test]
async fn an_error_goes_at_once_to_a_stranger_whom_the_user_allows_something() {
    let (server, host) = (with_signing_keys(open_server().await).await, TestHost::start().await);
    for client in strangers(&server, &host).await {
        let mut browser = server.browser();
        let allowed = allow(&mut browser, &USER, &url(&client, &[])).await;
        assert!(allowed.location().starts_with(EVIL), "{}", allowed.location());
        for more in [&[("scope", "zz")][..], &[("scope", "zz"), ("prompt", "none")]] {
            let answer = browser.get(&url(&client, more)).await.expect(303);
            assert!(answer.location().starts_with(EVIL), "{}", answer.location());
            assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_scope"));
            assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
        }
    }
}

#[tokio::test]
async fn an_error_for_a_registered_application_is_delivered_after_the_sign_in() {
    let server = with_signing_keys(TestServer::start().await).await;
    let client = Client::register(&server).await;
    for (more, error) in FAILING {
        let url = client.authorize_url(&[more, &[("state", "s")]].concat());
        let mut browser = server.browser();
        let page = browser.get(&url).await;
        assert_stays_here(&page);
        assert!(page.text().contains("to continue to <strong><bdi>Harbour Reports</bdi>"), "{more:?}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(!policy.contains("form-action"), "the redirect that follows is not blocked: {policy}");
        let answer = browser.sign_in(&USER).await;
        let mode = more.iter().find(|(name, _)| *name == "response_mode").map_or("query", |(_, mode)| mode);
        if mode.starts_with("form_post") {
            let form = browser.form_with_button("form-post-submit");
            assert_eq!((answer.status(), form.action.as_str()), (200, CALLBACK));
            continue;
        }
        let answer = answer.expect(303);
        match mode {
            "jwt" => assert!(answer.location().starts_with("https://client.example/cb?response=")),
            "fragment" => {
                assert!(answer.location().starts_with("https://client.example/cb#error=invalid_scope"));
                assert!(answer.location().contains("&state=s&iss="));
            }
            _ => {
                assert_eq!(parameter(&answer, "error").as_deref(), Some(error), "{more:?}");
                assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
                assert_eq!(parameter(&answer, "iss").as_deref(), Some("http://127.0.0.1:8080"));
            }
        }
        let again = browser.get(&url).await.expect(303);
        assert_eq!(
            again.location().split('=').next(),
            answer.location().split('=').next(),
            "no second sign-in"
        );
    }
}

#[tokio::test]
async fn a_silent_request_of_a_registered_application_is_answered_at_once() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let answer =
        server.get(&client.authorize_url(&[("prompt", "none"), ("state", "s")])).send().await.expect(303);
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert_eq!(parameter(&answer, "error").as_deref(), Some("login_required"));
    let posted = [("prompt", "none"), ("response_mode", "form_post")];
    let page = server.get(&client.authorize_url(&posted)).send().await.expect(200);
    assert!(page.text().contains("form-post-submit"), "{}", page.text());
}

/// The sign-in page may be loaded again meanwhile; only the error answers the request.
#[tokio::test]
async fn a_pushed_request_that_fails_is_answered_once_and_after_the_sign_in() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "scopes": ["odata", "openid"] })).await;
    let fields = [("response_type", "code"), ("redirect_uri", CALLBACK), ("scope", "openid")];
    let pushed = client.post(&server, "/oauth2/par", &fields).await.expect(201).json();
    let fewer = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "scopes": ["odata"] });
    server.put(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).json(&fewer).send().await.expect(200);
    let reference = pushed["request_uri"].as_str().unwrap();
    let url = format!("/oauth2/authorize?client_id={}&request_uri={reference}", client.identifier);
    let mut browser = server.browser();
    for _ in 0..2 {
        assert!(browser.get(&url).await.expect(200).text().contains("login-submit"));
    }
    let answer = browser.sign_in(&USER).await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_scope"));
    browser.get(&url).await.expect(400);
}
