//! The device flow: a device polls while its user decides in a browser.

use app::node::clock::Clock as _;
use domain::audit::Action;
use domain::id::ApplicationId;
use serde_json::{Value, json};
use testkit::{Answer, Browser, OTHER, TestServer, USER};

use crate::client::{Client, Fields, Tokens, assert_refused, is_alive};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ENDPOINT: &str = "/oauth2/device_authorization";

/// The codes of a device.
struct Codes {
    device: String,
    user: String,
    complete: String,
}

async fn television(server: &TestServer) -> Client {
    let members = json!({ "clientType": "public", "grantTypes": [GRANT_TYPE, "refresh_token"] });
    Client::register_with(server, members).await
}

async fn codes(server: &TestServer, client: &Client) -> Codes {
    let answer: Value = client.post(server, ENDPOINT, &[]).await.expect(200).json();
    let text = |member: &str| answer[member].as_str().unwrap().to_owned();
    assert_eq!((answer["expires_in"].as_i64(), answer["interval"].as_i64()), (Some(600), Some(5)));
    assert!(text("verification_uri").ends_with("/device"));
    Codes {
        device: text("device_code"),
        user: text("user_code"),
        complete: text("verification_uri_complete"),
    }
}

async fn poll(server: &TestServer, client: &Client, device_code: &str) -> Answer {
    client.token(server, &[("grant_type", GRANT_TYPE), ("device_code", device_code)]).await
}

/// A browser of the user that shows what the device with this code asks for.
async fn consent_page<'a>(server: &'a TestServer, typed: &str) -> Browser<'a> {
    let mut browser = server.browser();
    browser.get("/device").await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    type_code(&mut browser, typed).await.expect(200);
    browser
}

/// The token response after the user has allowed the device these scopes.
pub(crate) async fn allowed_tokens(server: &TestServer, client: &Client, scope: &str) -> Value {
    let codes: Value = client.post(server, ENDPOINT, &[("scope", scope)]).await.expect(200).json();
    allow(server, codes["user_code"].as_str().unwrap()).await;
    poll(server, client, codes["device_code"].as_str().unwrap()).await.expect(200).json()
}

/// The user allows what the device with this code asks for.
pub(crate) async fn allow(server: &TestServer, user_code: &str) {
    let mut browser = consent_page(server, user_code).await;
    press(&mut browser, "consent-allow").await.expect(200);
}

async fn type_code(browser: &mut Browser<'_>, typed: &str) -> Answer {
    let form = browser.form_with_button("device-continue").fill("user_code", typed);
    browser.submit(form).await
}

async fn press(browser: &mut Browser<'_>, button: &str) -> Answer {
    let form = browser.form_with_button(button).press(button);
    browser.submit(form).await
}

#[tokio::test]
async fn a_device_gets_tokens_after_its_user_has_allowed_it() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "authorization_pending");
    let mut browser = consent_page(&server, &codes.user).await;
    let page = browser.page().text().to_owned();
    assert!(page.contains("Harbour Reports") && page.contains(&codes.user), "{page}");
    assert!(page.contains("device-warning") && page.contains("somebody sent you this code"), "{page}");
    let done = press(&mut browser, "consent-allow").await.expect(200);
    assert!(done.text().contains("device-allowed"), "{}", done.text());
    server.clock().advance_secs(5);
    let tokens = Tokens::of(&poll(&server, &client, &codes.device).await);
    assert!(is_alive(&server, &tokens.access).await);
    let refreshed = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    let connected = browser.get("/account/applications").await.expect(200);
    assert!(connected.text().contains("Harbour Reports"));
    let audit = server.audit_of(ApplicationId::new(client.id)).await;
    assert!(audit.iter().any(|event| event.action == Action::AllowApplication
        && event.detail.as_deref() == Some("on a device, data: all, including later ones")));
    for _ in 0..2 {
        assert_refused(&poll(&server, &client, &codes.device).await, 400, "invalid_grant");
    }
    assert!(!is_alive(&server, &refreshed.access).await, "a second use ends the grant");
}

#[tokio::test]
async fn codes_are_answered_as_json_that_is_not_cached() {
    let server = TestServer::start().await;
    let answer = television(&server).await.post(&server, ENDPOINT, &[]).await.expect(200);
    assert_eq!(
        (answer.header("cache-control"), answer.header("content-type")),
        ("no-store", "application/json")
    );
    assert!(answer.json()["expires_in"].as_i64().is_some_and(|seconds| (1..=1_800).contains(&seconds)));
}

#[tokio::test]
async fn every_spelling_of_a_user_code_is_the_same_code() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = consent_page(&server, &codes.user.replace('-', " ").to_lowercase()).await;
    assert!(browser.page().text().contains("consent-allow"));
    browser.get("/device").await.expect(200);
    let page = type_code(&mut browser, &codes.user.replace('-', "")).await.expect(200);
    assert!(page.text().contains("consent-allow"));
}

#[tokio::test]
async fn a_complete_address_leads_to_its_code_across_the_sign_in() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = server.browser();
    browser.get(&codes.complete).await.expect(200);
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains(&format!("value=\"{}\"", codes.user)), "{}", page.text());
    assert!(!page.text().contains("consent-allow"), "the user compares the code first");
    let form = browser.form_with_button("device-continue");
    assert!(browser.submit(form).await.expect(200).text().contains("consent-allow"));
}

#[tokio::test]
async fn a_denied_device_is_told_so() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = consent_page(&server, &codes.user).await;
    assert!(press(&mut browser, "consent-deny").await.expect(200).text().contains("device-denied"));
    for _ in 0..2 {
        assert_refused(&poll(&server, &client, &codes.device).await, 400, "access_denied");
    }
    browser.get("/device").await;
    let page = type_code(&mut browser, &codes.user).await.expect(400);
    assert!(page.text().contains("used before"), "{}", page.text());
}

#[tokio::test]
async fn the_interval_counts_from_the_last_accepted_poll() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "authorization_pending");
    for secs in [2, 1] {
        server.clock().advance_secs(secs);
        assert_refused(&poll(&server, &client, &codes.device).await, 400, "slow_down");
    }
    server.clock().advance_secs(2);
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "authorization_pending");
}

#[tokio::test]
async fn an_expired_code_is_refused_on_the_page_and_at_the_device() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = consent_page(&server, &codes.user).await;
    server.clock().advance_secs(600);
    let page = press(&mut browser, "consent-allow").await.expect(400);
    assert!(page.text().contains("has expired") && page.text().contains("device-problem"));
    let page = type_code(&mut browser, &codes.user).await.expect(400);
    assert!(page.text().contains("has expired"), "{}", page.text());
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "expired_token");
    server.clock().advance_secs(601);
    server.app().node().maintain().await.unwrap();
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "invalid_grant");
}

#[tokio::test]
async fn wrong_user_codes_are_limited_for_the_user_and_the_network() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = consent_page(&server, &codes.user).await;
    browser.get("/device").await.expect(200);
    for wrong in ["BBBB-BBBB", "nothing", "", "🦊"].into_iter().cycle().take(20) {
        let page = type_code(&mut browser, wrong).await.expect(400);
        assert!(page.text().contains("No device shows this code"), "{}", page.text());
    }
    let page = type_code(&mut browser, &codes.user).await.expect(429);
    assert!((1..=60).contains(&page.header("retry-after").parse::<u32>().unwrap()));
    let mut other = server.browser();
    other.get("/device").await.expect(200);
    other.sign_in(&OTHER).await.expect(200);
    type_code(&mut other, "BBBB-BBBB").await.expect(429);
    server.clock().advance_secs(60);
    assert!(type_code(&mut browser, &codes.user).await.expect(200).text().contains("consent-allow"));
}

#[tokio::test]
async fn requests_of_devices_are_refused_like_those_of_other_clients() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let unregistered = Client::register(&server).await;
    assert_refused(&unregistered.post(&server, ENDPOINT, &[]).await, 400, "unauthorized_client");
    assert_refused(&client.post(&server, ENDPOINT, &[("scope", "nothing")]).await, 400, "invalid_scope");
    assert_refused(&server.post(ENDPOINT).form(&[("scope", "odata")]).send().await, 401, "invalid_client");
    let with_secret = Client { secret: Some("sgs_x".to_owned()), ..client.clone() };
    assert_refused(&with_secret.post(&server, ENDPOINT, &[]).await, 400, "invalid_client");
    let codes = codes(&server, &client).await;
    let other = television(&server).await;
    let missing: Fields<'_> = &[("grant_type", GRANT_TYPE)];
    assert_refused(&client.token(&server, missing).await, 400, "invalid_request");
    assert_refused(&poll(&server, &other, &codes.device).await, 400, "invalid_grant");
    assert_refused(&poll(&server, &client, "sgd_x").await, 400, "invalid_grant");
    assert_refused(&poll(&server, &client, &codes.user).await, 400, "invalid_grant");
    assert_refused(&poll(&server, &unregistered, &codes.device).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn a_device_form_of_another_browser_is_refused() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let browser = consent_page(&server, &codes.user).await;
    let fields = [("csrf", "forged"), ("user_code", codes.user.as_str()), ("decision", "allow")];
    for path in ["/device", "/device/consent"] {
        let post = || server.post(path).header("cookie", browser.cookie_line()).form(&fields);
        post().send().await.expect(403);
        post().header("origin", "https://evil.example").send().await.expect(403);
        let anonymous = server.post(path).form(&fields).send().await;
        assert!(!anonymous.text().contains("consent-allow"), "{}", anonymous.text());
    }
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "authorization_pending");
}

#[tokio::test]
async fn revoking_what_was_allowed_ends_the_code_of_a_device_too() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = consent_page(&server, &codes.user).await;
    press(&mut browser, "consent-allow").await.expect(200);
    browser.get(&format!("/account/applications/{}/revoke", client.id)).await.expect(200);
    let form = browser.form("/account/applications/");
    browser.submit(form).await.expect(200);
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_metadata_names_the_endpoint_and_the_grant_type() {
    let server = TestServer::start().await;
    let path = "/.well-known/oauth-authorization-server";
    let metadata = server.get(path).send().await.expect(200).json();
    assert!(metadata["device_authorization_endpoint"].as_str().unwrap().ends_with(ENDPOINT));
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE)));
    let client = television(&server).await;
    client.post(&server, "/api/mgmt/oauth2/device_authorization", &[]).await.expect(200);
}

#[tokio::test]
async fn global_revocation_reaches_the_codes_of_devices() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let user = server.user(&USER).await.id.get();
    for access in [json!({ "user": user }), json!({ "application": client.id }), Value::Null] {
        let codes = codes(&server, &client).await;
        let mut browser = consent_page(&server, &codes.user).await;
        press(&mut browser, "consent-allow").await.expect(200);
        server.clock().advance_secs(6);
        let now = jiff::Timestamp::from_microsecond(server.clock().now().as_micros()).unwrap().to_string();
        let access = if access.is_null() { json!({ "issuedBefore": now }) } else { access };
        crate::ended_access::revoke(&server, access).await;
        assert_refused(&poll(&server, &client, &codes.device).await, 400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_device_gets_tokens_for_the_resources_that_it_named() {
    let server = crate::openid::server().await;
    let members = json!({ "grantTypes": [GRANT_TYPE], "tokenFormat": "jwt", "redirectUrls": [] });
    let client = Client::register_with(&server, members).await;
    for unknown in ["https://elsewhere.example", "/api/odata4", "http://127.0.0.1:8080/#a"] {
        assert_refused(
            &client.post(&server, ENDPOINT, &[("resource", unknown)]).await,
            400,
            "invalid_target",
        );
    }
    let resource = "http://127.0.0.1:8080/api/odata4";
    let answer: Value = client.post(&server, ENDPOINT, &[("resource", resource)]).await.expect(200).json();
    let mut browser = consent_page(&server, answer["user_code"].as_str().unwrap()).await;
    press(&mut browser, "consent-allow").await.expect(200);
    let polled = poll(&server, &client, answer["device_code"].as_str().unwrap()).await.expect(200).json();
    let access = polled["access_token"].as_str().unwrap();
    assert_eq!(crate::openid::decoded(access).1["aud"], resource);
    server.get("/api/odata4").bearer(access).send().await.expect(200);
}

#[tokio::test]
async fn one_network_starts_so_many_devices_of_public_clients() {
    let server = TestServer::start().await;
    let television = television(&server).await;
    for _ in 0..60 {
        codes(&server, &television).await;
    }
    let refused = television.post(&server, ENDPOINT, &[]).await.expect(429);
    assert_eq!(refused.header("retry-after"), "2");
    let confidential =
        Client::register_with(&server, json!({ "grantTypes": [GRANT_TYPE], "redirectUrls": [] })).await;
    codes(&server, &confidential).await;
    server.clock().advance_secs(1);
    codes(&server, &television).await;
}

#[tokio::test]
async fn looking_for_other_data_sources_on_the_page_of_a_device_decides_nothing() {
    let server = TestServer::start().await;
    let client = television(&server).await;
    let codes = codes(&server, &client).await;
    let mut browser = consent_page(&server, &codes.user).await;
    for button in ["find", "previous", "next"] {
        let form = browser.form_with_button("consent-allow").with("decision", button);
        let page = browser.submit(form).await.expect(200);
        assert!(page.text().contains("device-code"), "{}", page.text());
    }
    assert_refused(&poll(&server, &client, &codes.device).await, 400, "authorization_pending");
    press(&mut browser, "consent-allow").await.expect(200);
    server.clock().advance_secs(5);
    poll(&server, &client, &codes.device).await.expect(200);
}
