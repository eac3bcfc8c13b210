//! Backchannel authentication: a client names a user, who decides on the account pages while the client polls.

use domain::audit::Action;
use domain::id::ApplicationId;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, Browser, OTHER, TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client, Fields, Tokens, assert_refused, is_alive};
use crate::openid::{decoded, server};

pub(crate) const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
const ENDPOINT: &str = "/oauth2/bc-authorize";

/// A good request.
const ASKING: Fields<'_> = &[("scope", "openid"), ("login_hint", USER.name)];

/// An application of an Administrator that may ask users.
pub(crate) async fn till(server: &TestServer) -> Client {
    till_with(server, json!({})).await
}

pub(crate) async fn till_with(server: &TestServer, members: Value) -> Client {
    let mut all = json!({
        "grantTypes": [GRANT_TYPE, "refresh_token"], "redirectUrls": [], "scopes": ["openid", "odata"],
    });
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Client::register_as(server, &ADMIN, all).await
}

pub(crate) async fn ask_with(server: &TestServer, client: &Client, fields: Fields<'_>) -> Answer {
    client.post(server, ENDPOINT, fields).await
}

/// The `auth_req_id` of a request with these additional parameters.
pub(crate) async fn ask(server: &TestServer, client: &Client, more: Fields<'_>) -> String {
    let answer = ask_with(server, client, &[ASKING, more].concat()).await.expect(200).json();
    answer["auth_req_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn poll(server: &TestServer, client: &Client, id: &str) -> Answer {
    client.token(server, &[("grant_type", GRANT_TYPE), ("auth_req_id", id)]).await
}

/// A browser of a user with the list of requests.
pub(crate) async fn requests_of<'a>(server: &'a TestServer, user: &TestUser) -> Browser<'a> {
    let mut browser = server.browser();
    browser.get("/account/requests").await.expect(200);
    browser.sign_in(user).await.expect(200);
    browser
}

/// The address of the newest request in the list that the browser shows.
pub(crate) fn newest(browser: &Browser<'_>) -> String {
    let text = browser.page().text();
    let (_, rest) =
        text.rsplit_once("href=\"/account/requests/").unwrap_or_else(|| panic!("no request in {text}"));
    format!("/account/requests/{}", rest.split('"').next().unwrap())
}

pub(crate) async fn press(browser: &mut Browser<'_>, button: &str) -> Answer {
    let form = browser.form_with_button(button).press(button);
    browser.submit(form).await
}

/// The user opens the newest request and presses a button.
pub(crate) async fn decide(server: &TestServer, button: &str) -> Answer {
    let mut browser = requests_of(server, &USER).await;
    let address = newest(&browser);
    browser.get(&address).await.expect(200);
    press(&mut browser, button).await.expect(200)
}

#[tokio::test]
async fn a_client_gets_tokens_after_its_user_has_allowed_it() {
    let server = server().await;
    let client = till(&server).await;
    let scope = [("scope", "openid odata"), ("login_hint", USER.name), ("binding_message", "W4SCT")];
    let answer = ask_with(&server, &client, &scope).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer: Value = answer.json();
    assert_eq!((&answer["expires_in"], &answer["interval"]), (&json!(300), &json!(5)));
    let id = answer["auth_req_id"].as_str().unwrap();
    assert_refused(&poll(&server, &client, id).await, 400, "authorization_pending");
    assert_refused(&poll(&server, &client, id).await, 400, "slow_down");
    let mut browser = requests_of(&server, &USER).await;
    assert!(browser.page().text().contains("Harbour Reports") && browser.page().text().contains("W4SCT"));
    let address = newest(&browser);
    let page = browser.get(&address).await.expect(200);
    for part in ["Harbour Reports", "W4SCT", "request-warning", "Did you start this", "data-choice"] {
        assert!(page.text().contains(part), "{part} is missing: {}", page.text());
    }
    assert!(press(&mut browser, "consent-allow").await.expect(200).text().contains("request-allowed"));
    server.clock().advance_secs(5);
    let response: Value = poll(&server, &client, id).await.expect(200).json();
    let claims = decoded(response["id_token"].as_str().unwrap()).1;
    assert_eq!(claims["aud"], client.identifier);
    assert!(claims["nonce"].is_null() && claims["sid"].is_null() && claims["auth_time"].is_i64(), "{claims}");
    let access = response["access_token"].as_str().unwrap();
    assert!(is_alive(&server, access).await);
    let userinfo = server.get("/oauth2/userinfo").bearer(access).send().await.expect(200).json();
    assert_eq!(userinfo["sub"], claims["sub"]);
    let audit = server.audit_of(ApplicationId::new(client.id)).await;
    assert!(audit.iter().any(|event| event.action == Action::AllowApplication
        && event.detail.as_deref() == Some("asked by the application, data: all, including later ones")));
    let refreshed = client.refresh(&server, response["refresh_token"].as_str().unwrap()).await;
    let refreshed_id = decoded(refreshed.clone().expect(200).json()["id_token"].as_str().unwrap()).1;
    assert_eq!(refreshed_id["sub"], claims["sub"]);
    for _ in 0..2 {
        assert_refused(&poll(&server, &client, id).await, 400, "invalid_grant");
    }
    assert!(!is_alive(&server, &Tokens::of(&refreshed).access).await, "a second use ends the grant");
}

#[tokio::test]
async fn a_denied_client_is_told_so() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    assert!(decide(&server, "consent-deny").await.text().contains("request-denied"));
    for _ in 0..2 {
        assert_refused(&poll(&server, &client, &id).await, 400, "access_denied");
    }
    let audit = server.audit_of(ApplicationId::new(client.id)).await;
    assert!(audit.iter().any(|event| event.action == Action::DenyApplication));
}

#[tokio::test]
async fn an_expired_request_is_refused_on_the_page_and_at_the_client() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[("requested_expiry", "60")]).await;
    let mut browser = requests_of(&server, &USER).await;
    let address = newest(&browser);
    browser.get(&address).await.expect(200);
    server.clock().advance_secs(60);
    let page = press(&mut browser, "consent-allow").await.expect(400);
    assert!(page.text().contains("has expired"), "{}", page.text());
    let list = browser.get("/account/requests").await.expect(200);
    assert!(list.text().contains("no-requests"), "{}", list.text());
    assert_refused(&poll(&server, &client, &id).await, 400, "expired_token");
    server.clock().advance_secs(601);
    server.app().node().maintain().await.unwrap();
    assert_refused(&poll(&server, &client, &id).await, 400, "invalid_grant");
}

#[tokio::test]
async fn requests_to_users_are_refused_as_the_specification_says() {
    let server = server().await;
    let client = till(&server).await;
    let refused: &[(Fields<'_>, &str)] = &[
        (&[("login_hint", USER.name)], "invalid_request"),
        (&[("scope", "odata"), ("login_hint", USER.name)], "invalid_scope"),
        (&[("scope", "openid api.mgmt"), ("login_hint", USER.name)], "invalid_scope"),
        (&[("scope", "openid")], "invalid_request"),
        (&[("scope", "openid"), ("login_hint", USER.name), ("id_token_hint", "x")], "invalid_request"),
        (&[("scope", "openid"), ("login_hint_token", "x")], "invalid_request"),
        (&[("scope", "openid"), ("id_token_hint", "x")], "invalid_request"),
        (&[("scope", "openid"), ("login_hint", "nobody")], "unknown_user_id"),
        (&[ASKING[0], ASKING[1], ("binding_message", "a\u{202E}b")], "invalid_binding_message"),
        (&[ASKING[0], ASKING[1], ("binding_message", "a\nb")], "invalid_binding_message"),
        (&[ASKING[0], ASKING[1], ("requested_expiry", "0")], "invalid_request"),
        (&[ASKING[0], ASKING[1], ("request", "e30.e30.e30")], "invalid_request"),
        (&[ASKING[0], ASKING[1], ("max_age", "-1")], "invalid_request"),
        (&[ASKING[0], ASKING[1], ("resource", "https://elsewhere.example/")], "invalid_target"),
        (&[ASKING[0], ASKING[1], ("authorization_details", "[")], "invalid_authorization_details"),
        (
            &[ASKING[0], ASKING[1], ("authorization_details", "[{\"type\":\"data_source\"}]")],
            "invalid_authorization_details",
        ),
    ];
    for (fields, error) in refused {
        assert_refused(&ask_with(&server, &client, fields).await, 400, error);
    }
    assert_refused(&server.post(ENDPOINT).form(ASKING).send().await, 401, "invalid_client");
    let wrong = Client { secret: Some("sgs_x".to_owned()), ..client.clone() };
    assert_refused(&ask_with(&server, &wrong, ASKING).await, 400, "invalid_client");
    let other = Client::register(&server).await;
    assert_refused(&ask_with(&server, &other, ASKING).await, 400, "unauthorized_client");
    let public = Client::public(&server).await;
    assert_refused(&ask_with(&server, &public, ASKING).await, 400, "unauthorized_client");
    assert!(requests_of(&server, &USER).await.page().text().contains("no-requests"));
    client.post(&server, "/api/mgmt/oauth2/bc-authorize", ASKING).await.expect(200);
}

#[tokio::test]
async fn an_auth_req_id_is_for_its_client_alone() {
    let server = server().await;
    let (client, other) = (till(&server).await, till(&server).await);
    let id = ask(&server, &client, &[]).await;
    decide(&server, "consent-allow").await;
    let missing: Fields<'_> = &[("grant_type", GRANT_TYPE)];
    assert_refused(&client.token(&server, missing).await, 400, "invalid_request");
    assert_refused(&poll(&server, &other, &id).await, 400, "invalid_grant");
    assert_refused(&poll(&server, &client, "sgb_x").await, 400, "invalid_grant");
    let as_device =
        [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", id.as_str())];
    assert_refused(&client.token(&server, &as_device).await, 400, "unauthorized_client");
    let unregistered = Client::register(&server).await;
    assert_refused(&poll(&server, &unregistered, &id).await, 400, "unauthorized_client");
    poll(&server, &client, &id).await.expect(200);
}

#[tokio::test]
async fn of_many_polls_at_once_one_gets_tokens() {
    let server = server().await;
    let client = till(&server).await;
    let id = ask(&server, &client, &[]).await;
    decide(&server, "consent-allow").await;
    let answers = [poll(&server, &client, &id), poll(&server, &client, &id), poll(&server, &client, &id)];
    let [one, two, three] = answers;
    let (one, two, three) = tokio::join!(one, two, three);
    let statuses = [one.status(), two.status(), three.status()];
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
}

#[tokio::test]
async fn only_an_administrator_gives_the_grant_type() {
    let server = server().await;
    let body = json!({ "name": "Harbour Reports", "redirectUrls": [], "grantTypes": [GRANT_TYPE] });
    let refused = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
    assert!(
        refused.faulty_fields().iter().any(|field| field.starts_with("grantTypes")),
        "{}",
        refused.text()
    );
    let public = json!({
        "name": "Harbour Reports", "redirectUrls": [], "grantTypes": [GRANT_TYPE], "clientType": "public",
    });
    server.post(APPLICATIONS).basic(&ADMIN).json(&public).send().await.expect(400);
    // Its owner keeps what an Administrator has given.
    let client = Client::register(&server).await;
    let path = format!("{APPLICATIONS}/{}", client.id);
    let given = json!({ "name": "Harbour Reports", "redirectUrls": [], "grantTypes": [GRANT_TYPE] });
    server.put(&path).basic(&USER).json(&given).send().await.expect(400);
    server.put(&path).basic(&ADMIN).json(&given).send().await.expect(200);
    server.put(&path).basic(&USER).json(&given).send().await.expect(200);
    let mut pushed = given.clone();
    pushed["openid"] = json!({ "backchannelTokenDeliveryMode": "push" });
    let refused = server.put(&path).basic(&USER).json(&pushed).send().await.expect(400);
    assert!(refused.text().contains("ping and push are not supported"), "{}", refused.text());
    pushed["openid"] = json!({ "backchannelTokenDeliveryMode": "poll" });
    let reply = server.put(&path).basic(&USER).json(&pushed).send().await.expect(200).json();
    assert_eq!(reply["openid"]["backchannelTokenDeliveryMode"], "poll");
    let registered = server.get(&path).basic(&USER).send().await.expect(200).json();
    assert_eq!(registered["grantTypes"], json!([GRANT_TYPE]));
}

#[tokio::test]
async fn nobody_is_asked_too_often() {
    let server = server().await;
    let client = till(&server).await;
    for _ in 0..3 {
        ask(&server, &client, &[]).await;
    }
    decide(&server, "consent-deny").await;
    let refused = ask_with(&server, &client, ASKING).await.expect(429);
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(wait, 301, "until the first request has expired");
    ask_with(&server, &client, &[("scope", "openid"), ("login_hint", OTHER.name)]).await.expect(200);
    let others = [till(&server).await, till(&server).await, till(&server).await];
    let mut accepted = 3;
    for other in others.iter().cycle().take(9) {
        accepted += usize::from(ask_with(&server, other, ASKING).await.status() == 200);
    }
    assert_eq!(accepted, 10, "ten requests to one user, however many applications ask");
    server.clock().advance_secs(wait);
    ask(&server, &client, &[]).await;
}

#[tokio::test]
async fn an_application_cannot_try_out_names() {
    let server = server().await;
    let client = till(&server).await;
    let hint =
        async |name: &str| ask_with(&server, &client, &[("scope", "openid"), ("login_hint", name)]).await;
    for n in 0..20 {
        assert_refused(&hint(&format!("nobody{n}")).await, 400, "unknown_user_id");
    }
    let refused = hint(USER.name).await.expect(429);
    assert!(!refused.header("retry-after").is_empty());
    server.clock().advance_secs(60);
    hint(USER.name).await.expect(200);
}

#[tokio::test]
async fn an_id_token_of_the_application_names_its_user() {
    let server = server().await;
    let (client, other) = (till(&server).await, till(&server).await);
    let id = ask(&server, &client, &[]).await;
    decide(&server, "consent-allow").await;
    let issued: Value = poll(&server, &client, &id).await.expect(200).json();
    let hint = issued["id_token"].as_str().unwrap();
    server.clock().advance_secs(86_400);
    let by_hint = [("scope", "openid"), ("id_token_hint", hint)];
    assert_refused(&ask_with(&server, &other, &by_hint).await, 400, "invalid_request");
    let access = [("scope", "openid"), ("id_token_hint", issued["access_token"].as_str().unwrap())];
    assert_refused(&ask_with(&server, &client, &access).await, 400, "invalid_request");
    ask_with(&server, &client, &by_hint).await.expect(200);
    assert!(!requests_of(&server, &USER).await.page().text().contains("no-requests"));
    let mut browser = requests_of(&server, &USER).await;
    browser.get(&format!("/account/applications/{}/revoke", client.id)).await.expect(200);
    let form = browser.form("/account/applications/");
    browser.submit(form).await.expect(200);
    assert_refused(&ask_with(&server, &client, &by_hint).await, 400, "unknown_user_id");
}

#[tokio::test]
async fn the_metadata_names_the_endpoint_and_poll_mode() {
    let server = server().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let metadata = server.get(path).send().await.expect(200).json();
        assert!(metadata["backchannel_authentication_endpoint"].as_str().unwrap().ends_with(ENDPOINT));
        assert_eq!(metadata["backchannel_token_delivery_modes_supported"], json!(["poll"]));
        assert_eq!(metadata["backchannel_user_code_parameter_supported"], json!(false));
        assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE)));
    }
}

#[tokio::test]
async fn revoked_access_ends_what_was_allowed_and_not_yet_collected() {
    let server = server().await;
    let client = till(&server).await;
    let user = server.user(&USER).await.id.get();
    for access in [json!({ "user": user }), json!({ "application": client.id })] {
        let id = ask(&server, &client, &[]).await;
        decide(&server, "consent-allow").await;
        crate::ended_access::revoke(&server, access).await;
        assert_refused(&poll(&server, &client, &id).await, 400, "invalid_grant");
    }
}
