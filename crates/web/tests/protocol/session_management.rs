//! What clients learn of the state of the browser, and the frame that they ask about it ([OpenID Connect Session
//! Management](https://openid.net/specs/openid-connect-session-1_0.html)).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::{Answer, Browser, OTHER, Setup, TestServer, USER, challenge_of};
use url::Url;

use crate::client::{CALLBACK, Client, S256, allow, parameter};
use crate::openid::{decoded, server};

const STATE: &str = "sluicegate-browser-state";
const OPENID: (&str, &str) = ("scope", "openid");
const SILENT: (&str, &str) = ("prompt", "none");

async fn client(server: &TestServer) -> Client {
    client_with(server, json!({})).await
}

async fn client_with(server: &TestServer, mut members: Value) -> Client {
    members["scopes"] = json!(["openid", "odata"]);
    Client::register_with(server, members).await
}

/// The lines of a response that set the state of the browser.
fn set(answer: &Answer) -> Vec<String> {
    let lines = answer.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
    lines.filter(|line| line.contains("browser-state")).collect()
}

/// The only one.
fn set_once(answer: &Answer) -> String {
    let lines = set(answer);
    let [line] = &lines[..] else { panic!("{lines:?} of {:?}", answer.headers()) };
    line.clone()
}

fn state(browser: &Browser<'_>) -> String {
    browser.cookie(STATE).expect("the browser has a state").to_owned()
}

/// Whether the session frame would report that nothing has changed: it computes the session state again, as its script does.
fn is_unchanged(session_state: &str, client: &Client, state: &str) -> bool {
    assert!(!session_state.contains(' '));
    let (_, salt) = session_state.split_once('.').unwrap();
    let content = format!("{} https://client.example {state} {salt}", client.identifier);
    session_state == format!("{}.{salt}", challenge_of(&content))
}

/// The session state of a response.
fn session_state_of(answer: &Answer) -> String {
    parameter(answer, "session_state").unwrap_or_else(|| panic!("no session state: {}", answer.location()))
}

/// The session state that the browser brings to the client with a code.
async fn observe(browser: &mut Browser<'_>, client: &Client) -> String {
    let answer = allow(browser, &USER, &client.authorize_url(&[OPENID])).await;
    assert!(parameter(&answer, "code").is_some(), "{}", answer.location());
    session_state_of(&answer)
}

async fn sign_out(browser: &mut Browser<'_>) -> Answer {
    browser.get("/account").await.expect(200);
    browser.submit(browser.form_with_button("logout-submit")).await.expect(200)
}

async fn sign_in(browser: &mut Browser<'_>, user: &testkit::TestUser) {
    browser.get("/login").await.expect(200);
    browser.sign_in(user).await.expect(200);
}

async fn signed_in(server: &TestServer) -> Browser<'_> {
    let mut browser = server.browser();
    sign_in(&mut browser, &USER).await;
    browser
}

#[tokio::test]
async fn scripts_can_read_the_state_of_the_browser_and_it_signs_nobody_in() {
    let server = server().await;
    let mut browser = server.browser();
    assert_eq!(set(&browser.get("/login").await.expect(200)), [] as [String; 0], "nobody has signed in");
    let form = browser.form("/login").fill("username", USER.name).fill("password", USER.password);
    let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let call = server.post("/login").header("cookie", browser.cookie_line()).form(&fields);
    let answer = call.send().await.expect(303);
    let line = set_once(&answer);
    let (pair, attributes) = line.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; SameSite=Lax");
    let value = pair.split_once('=').unwrap().1;
    let session = answer.header("set-cookie");
    assert!(session.starts_with("sluicegate=") && !session.contains(value), "{value} is of {session}");
    for cookie in [pair.to_owned(), format!("sluicegate={value}")] {
        let page = server.get("/account").header("cookie", cookie).send().await.expect(200);
        assert!(page.text().contains("login-submit"), "{}", page.text());
    }
}

#[tokio::test]
async fn the_state_of_the_browser_needs_tls_if_users_connect_over_tls() {
    for (url, name, path) in [
        ("https://gate.example", "__Host-sluicegate-browser-state", "/"),
        ("https://gate.example/gate", "__Secure-sluicegate-browser-state", "/gate"),
    ] {
        let mut setup = Setup::default();
        setup.web.tls = true;
        setup.app.public_url = url.to_owned();
        let server = TestServer::start_with(setup).await;
        let mut browser = signed_in(&server).await;
        let before = browser.cookie(name).expect("a state").to_owned();
        let frame = browser.get("/oauth2/check_session").await.expect(200);
        assert!(frame.text().contains(&format!("data-cookie=\"{name}\"")), "{}", frame.text());
        let answer = sign_out(&mut browser).await;
        let line = set_once(&answer);
        assert!(line.ends_with(&format!("; Path={path}; SameSite=Lax; Secure")), "{line}");
        assert_ne!(browser.cookie(name), Some(before.as_str()));
    }
}

#[tokio::test]
async fn the_state_of_the_browser_is_replaced_at_sign_in_sign_out_and_a_new_password() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = signed_in(&server).await;
    let mut seen = vec![state(&browser)];
    for page in ["/", "/account", "/account/password", "/logout", "/login", "/oauth2/check_session"] {
        browser.get(page).await.expect(200);
        assert_eq!(state(&browser), seen[0], "{page} changes nothing");
    }
    observe(&mut browser, &client).await;
    assert_eq!(state(&browser), seen[0], "an answer to a client changes nothing");

    sign_in(&mut browser, &USER).await;
    seen.push(state(&browser));
    sign_in(&mut browser, &OTHER).await;
    seen.push(state(&browser));
    browser.get("/login").await.expect(200);
    browser.submit(browser.form("/login").fill("username", "user").fill("password", "x")).await.expect(401);
    assert_eq!(state(&browser), seen[2], "a refused sign-in changes nothing");
    browser.get("/account/password").await.expect(200);
    let form = browser.form("/account/password").fill("current", OTHER.password);
    let next = "a longer rope holds better";
    browser.submit(form.fill("new", next).fill("again", next)).await.expect(200);
    seen.push(state(&browser));
    sign_out(&mut browser).await;
    seen.push(state(&browser));
    browser.get("/logout").await.expect(200);
    assert_eq!(state(&browser), seen[4], "nobody is signed out twice");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[tokio::test]
async fn a_logout_by_a_client_replaces_the_state_of_the_browser() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = server.browser();
    let answer = allow(&mut browser, &USER, &client.authorize_url(&[OPENID])).await;
    let tokens = client.exchange(&server, &parameter(&answer, "code").unwrap()).await.expect(200).json();
    let before = state(&browser);
    browser.get(&format!("/oauth2/logout?id_token_hint={}", tokens["id_token"].as_str().unwrap())).await;
    assert_ne!(state(&browser), before, "with a hint");

    sign_in(&mut browser, &USER).await;
    let before = state(&browser);
    browser.get("/oauth2/logout").await.expect(200);
    assert_eq!(state(&browser), before, "the user has not agreed yet");
    browser.submit(browser.form("/oauth2/logout/confirm")).await.expect(200);
    assert_ne!(state(&browser), before, "after the question");
}

#[tokio::test]
async fn the_session_state_tells_of_a_sign_out_and_of_another_user() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = server.browser();
    let (first, second) = (observe(&mut browser, &client).await, observe(&mut browser, &client).await);
    assert_ne!(first, second, "each has a salt of its own");
    let before = state(&browser);
    assert!(is_unchanged(&first, &client, &before) && is_unchanged(&second, &client, &before));
    sign_in(&mut browser, &OTHER).await;
    assert!(!is_unchanged(&first, &client, &state(&browser)), "another user");
    let third = observe(&mut browser, &client).await;
    assert!(is_unchanged(&third, &client, &state(&browser)));
    sign_out(&mut browser).await;
    assert!(!is_unchanged(&third, &client, &state(&browser)), "signed out");
}

#[tokio::test]
async fn every_response_mode_carries_the_session_state() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = signed_in(&server).await;
    for mode in ["query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
        for button in ["consent-deny", "consent-allow"] {
            let more = [&S256[..], &[OPENID, ("response_mode", mode), ("prompt", "consent")]].concat();
            browser.get(&client.authorize_url(&more)).await.expect(200);
            let answer = browser.submit(browser.form_with_button(button).press(button)).await;
            let members = members(&browser, &answer);
            let result = if button == "consent-deny" { "error" } else { "code" };
            assert!(members.contains_key(result), "{mode}: {members:?}");
            assert!(is_unchanged(&members["session_state"], &client, &state(&browser)), "{mode} {button}");
            assert_eq!(members["iss"], "http://127.0.0.1:8080", "{mode} {button}");
        }
    }
}

/// The members of a response, in whatever way it travels.
fn members(browser: &Browser<'_>, answer: &Answer) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = if answer.status() == 303 {
        let url = Url::parse(answer.location()).unwrap();
        let text = url.query().or_else(|| url.fragment()).unwrap();
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    } else {
        browser.form_with_button("form-post-submit").fields
    };
    match &pairs[..] {
        [(name, jwt)] if name == "response" => {
            let claims = decoded(jwt).1.as_object().unwrap().clone();
            let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
            claims.into_iter().filter_map(text).collect()
        }
        _ => pairs.into_iter().collect(),
    }
}

#[tokio::test]
async fn an_error_carries_the_session_state_of_a_browser_that_gets_one_with_it() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = server.browser();
    let silent = client.authorize_url(&[OPENID, SILENT]);
    let answer = browser.get(&silent).await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("login_required"));
    let first = state(&browser);
    assert!(is_unchanged(&session_state_of(&answer), &client, &first));
    let again = browser.get(&silent).await.expect(303);
    assert_eq!((set(&again), state(&browser)), (Vec::new(), first.clone()), "the state stays");
    assert!(is_unchanged(&session_state_of(&again), &client, &first));

    sign_in(&mut browser, &USER).await;
    assert!(!is_unchanged(&session_state_of(&again), &client, &state(&browser)), "somebody has signed in");
    for (more, error) in [
        (vec![OPENID, SILENT], "consent_required"),
        (vec![("scope", "openid nonsense")], "invalid_scope"),
        (vec![OPENID, ("prompt", "nonsense")], "invalid_request"),
        (vec![OPENID, ("nonce", "a"), ("nonce", "b")], "invalid_request"),
    ] {
        let answer = browser.get(&client.authorize_url(&more)).await.expect(303);
        assert_eq!(parameter(&answer, "error").as_deref(), Some(error));
        assert!(is_unchanged(&session_state_of(&answer), &client, &state(&browser)), "{error}");
    }
}

#[tokio::test]
async fn a_session_without_a_state_gets_one_with_the_next_response() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = server.browser();
    observe(&mut browser, &client).await;
    for unusable in ["", "a value of somebody else"] {
        browser.set_cookie(STATE, unusable);
        let session_state = observe(&mut browser, &client).await;
        assert!(is_unchanged(&session_state, &client, &state(&browser)), "{unusable}");
    }
}

#[tokio::test]
async fn basic_credentials_set_the_state_that_the_response_is_about() {
    let server = server().await;
    let client = client(&server).await;
    observe(&mut server.browser(), &client).await;
    for cookie in ["a=b".to_owned(), format!("{STATE}=AAAAAAAAAAAAAAAAAAAAAA")] {
        let call = server.get(&client.authorize_url(&[OPENID])).basic(&USER).header("cookie", cookie);
        let answer = call.send().await.expect(303);
        let line = set_once(&answer);
        let state = line.split(['=', ';']).nth(1).unwrap();
        assert!(is_unchanged(&session_state_of(&answer), &client, state));
    }
}

#[tokio::test]
async fn a_request_without_openid_or_of_a_native_application_learns_no_session_state() {
    let server = server().await;
    let web = client(&server).await;
    let native = client_with(&server, json!({ "redirectUrls": ["com.example.harbour:/cb"] })).await;
    let mut browser = signed_in(&server).await;
    let of_native = |more: &[(&str, &str)]| {
        native.authorize_url(more).replace("https%3A%2F%2Fclient.example%2Fcb", "com.example.harbour%3A%2Fcb")
    };
    for url in [
        web.authorize_url(&[("scope", "odata")]),
        web.authorize_url(&[("scope", "odata"), SILENT]),
        web.authorize_url(&[("scope", "nonsense")]),
        of_native(&[OPENID]),
        of_native(&[OPENID, SILENT]),
        of_native(&[("scope", "openid nonsense")]),
    ] {
        browser.set_cookie(STATE, "");
        let answer = allow(&mut browser, &USER, &url).await;
        assert_eq!(parameter(&answer, "session_state"), None, "{}", answer.location());
        let result = parameter(&answer, "code").or(parameter(&answer, "error"));
        assert!(result.is_some(), "{}", answer.location());
        assert_eq!(browser.cookie(STATE), Some(""), "no state is set that nobody learns");
    }
}

/// The accident: a frame on another site, from which the browser withholds our cookies, replaces them.
#[tokio::test]
async fn a_frame_on_another_site_replaces_no_state() {
    let server = server().await;
    let client = client(&server).await;
    let call = server.get(&client.authorize_url(&[OPENID, SILENT]));
    let call = call.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
    let answer = call.header("sec-fetch-dest", "iframe").send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("login_required"));
    assert!(!session_state_of(&answer).is_empty());
    assert_eq!(answer.header("set-cookie"), "");
}

#[tokio::test]
async fn a_pushed_request_learns_the_session_state() {
    let server = server().await;
    let client = client(&server).await;
    let mut browser = signed_in(&server).await;
    let fields = [("response_type", "code"), ("redirect_uri", CALLBACK), OPENID];
    let pushed = client.post(&server, "/oauth2/par", &fields).await.expect(201).json();
    let reference = pushed["request_uri"].as_str().unwrap();
    let url = format!("/oauth2/authorize?client_id={}&request_uri={reference}", client.identifier);
    let answer = allow(&mut browser, &USER, &url).await;
    assert!(is_unchanged(&session_state_of(&answer), &client, &state(&browser)));
}

#[tokio::test]
async fn only_the_session_frame_may_be_framed() {
    let server = server().await;
    let frame = server.get("/oauth2/check_session").send().await.expect(200);
    assert_eq!(frame.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(frame.header("x-frame-options"), "");
    let policy = "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'";
    assert_eq!(frame.header("content-security-policy"), policy);
    let script = server.get("/assets/check_session.js").send().await.expect(200);
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    let refused = server.post("/oauth2/check_session").form(&[("a", "b")]).send().await.expect(405);
    let mut pages = vec![refused];
    for path in ["/", "/login", "/logout", "/docs", "/oauth2/logout", "/oauth2/authorize"] {
        pages.push(server.get(path).send().await);
    }
    for page in pages {
        assert_eq!(page.header("x-frame-options"), "DENY", "{}", page.text());
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
}
