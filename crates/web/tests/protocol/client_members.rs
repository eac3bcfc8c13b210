//! The members that clients give of themselves, by registration and by document: each is reported and has an effect.

use serde_json::{Value, json};
use testkit::host::TestHost;
use testkit::{Answer, Setup, TestServer, USER};

use crate::client::{CALLBACK, Client, S256, allow, assert_refused, parameter};
use crate::client_documents::publish;
use crate::client_registration::{REGISTER, members, openly};
use crate::openid::decoded;

const PAGE: &str = "https://client.example/page";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The members with a value each.
fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("require_pushed_authorization_requests", json!(true)),
        ("require_signed_request_object", json!(true)),
        ("dpop_bound_access_tokens", json!(true)),
        ("tls_client_certificate_bound_access_tokens", json!(true)),
        ("authorization_signed_response_alg", json!("ES256")),
        ("id_token_signed_response_alg", json!("ES256")),
        ("userinfo_signed_response_alg", json!("ES256")),
        ("subject_type", json!("pairwise")),
        ("default_max_age", json!(60)),
        ("post_logout_redirect_uris", json!([PAGE])),
        ("frontchannel_logout_uri", json!(PAGE)),
        ("initiate_login_uri", json!(PAGE)),
        ("authorization_details_types", json!([])),
    ]
}

async fn start() -> TestServer {
    let mut setup = Setup::default();
    setup.app.client_registration = openly();
    setup.app.client_certificates.accepted = true;
    let server = TestServer::start_with(setup).await;
    let origin = app::identity::caller::RequestOrigin::command_line();
    server.app().signing_keys().create_missing(&origin).await.unwrap();
    server
}

/// The error of a request, which its user sees before the client, because nobody here registered the client.
async fn assert_page_says(server: &TestServer, address: &str, error: &str, name: &str) {
    let page = server.get(address).basic(&USER).send().await.expect(200);
    assert!(
        page.text().contains(&format!("<code id=\"error-code\">{error}</code>")),
        "{name}: {}",
        page.text()
    );
}

async fn tokens(server: &TestServer, client: &Client) -> Value {
    let asked = [("scope", "openid api.access.odata"), S256[0], S256[1]];
    let code = client.code_with(server, &USER, &asked).await;
    client.exchange_verified(server, &code).await.expect(200).json()
}

async fn redeemed(server: &TestServer, client: &Client) -> Answer {
    let code = client.code_with(server, &USER, &S256).await;
    client.exchange_verified(server, &code).await
}

fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// Sends the request of a client that has the member, and checks what the server does differently.
async fn assert_effect(server: &TestServer, client: &Client, name: &str) {
    match name {
        "require_pushed_authorization_requests" | "require_signed_request_object" => {
            assert_page_says(server, &client.authorize_url(&S256), "invalid_request", name).await;
        }
        "dpop_bound_access_tokens" => {
            assert_refused(&redeemed(server, client).await, 400, "invalid_dpop_proof");
        }
        "tls_client_certificate_bound_access_tokens" => {
            assert_refused(&redeemed(server, client).await, 400, "invalid_request");
        }
        "authorization_signed_response_alg" => {
            let asked = [("response_mode", "jwt"), S256[0], S256[1]];
            let answer = allow(&mut server.browser(), &USER, &client.authorize_url(&asked)).await;
            assert_eq!(decoded(&parameter(&answer, "response").unwrap()).0["alg"], "ES256");
        }
        "id_token_signed_response_alg" => {
            let id_token = text(&tokens(server, client).await, "id_token");
            assert_eq!(decoded(&id_token).0["alg"], "ES256");
        }
        "userinfo_signed_response_alg" => {
            let access = text(&tokens(server, client).await, "access_token");
            let shown = server.get("/oauth2/userinfo").bearer(&access).send().await.expect(200);
            assert_eq!(decoded(shown.text()).0["alg"], "ES256");
        }
        "subject_type" => {
            let public = Client::register_with(server, json!({ "scopes": ["openid", "odata"] })).await;
            let sub = |answer: &Value| decoded(&text(answer, "id_token")).1["sub"].clone();
            assert_ne!(sub(&tokens(server, client).await), sub(&tokens(server, &public).await));
        }
        "default_max_age" => {
            let mut browser = server.browser();
            let address = client.authorize_url(&[("scope", "openid"), S256[0], S256[1]]);
            allow(&mut browser, &USER, &address).await;
            server.clock().advance_secs(61);
            let answer = browser.get(&address).await.expect(200);
            assert!(answer.text().contains("login-submit"), "{}", answer.text());
        }
        "post_logout_redirect_uris" | "frontchannel_logout_uri" => assert_logout(server, client, name).await,
        "initiate_login_uri" => {
            let mut browser = server.browser();
            allow(&mut browser, &USER, &client.authorize_url(&S256)).await;
            let page = browser.get("/account/applications").await.expect(200).text().to_owned();
            let link = format!("href=\"{PAGE}?iss=http%3A%2F%2F127.0.0.1%3A8080\"");
            assert!(page.contains(&link) && page.contains("<bdi>client.example</bdi>"), "{page}");
        }
        "authorization_details_types" => assert_no_details(server, client).await,
        other => panic!("no effect of {other} is tested"),
    }
}

async fn assert_logout(server: &TestServer, client: &Client, name: &str) {
    let mut browser = server.browser();
    let asked = [("scope", "openid"), S256[0], S256[1]];
    let answer = allow(&mut browser, &USER, &client.authorize_url(&asked)).await;
    let code = parameter(&answer, "code").unwrap();
    let hint = text(&client.exchange_verified(server, &code).await.expect(200).json(), "id_token");
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("id_token_hint", &hint);
    if name == "post_logout_redirect_uris" {
        query.append_pair("post_logout_redirect_uri", PAGE);
    }
    let answer = browser.get(&format!("/oauth2/logout?{}", query.finish())).await;
    if name == "post_logout_redirect_uris" {
        assert_eq!(answer.location(), PAGE);
    } else {
        assert!(answer.text().contains(&format!("<iframe src=\"{PAGE}")), "{}", answer.text());
    }
}

async fn assert_no_details(server: &TestServer, client: &Client) {
    let wanted = ("authorization_details", r#"[{"type":"data_source"}]"#);
    let invalid = "invalid_authorization_details";
    let address = client.authorize_url(&[wanted, S256[0], S256[1]]);
    assert_page_says(server, &address, invalid, "authorization_details_types").await;
    let asked = client.post(server, "/oauth2/device_authorization", &[wanted]).await;
    assert_refused(&asked, 400, invalid);
    let code = client.code_with(server, &USER, &S256).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", crate::client::VERIFIER),
        wanted,
    ];
    assert_refused(&client.token(server, &fields).await, 400, invalid);
}

#[tokio::test]
async fn each_member_of_a_registration_is_reported_and_has_its_effect() {
    let server = start().await;
    for (name, value) in all() {
        let sent = json!({
            name: value, "grant_types": ["authorization_code", "refresh_token", DEVICE],
            "redirect_uris": [CALLBACK],
        });
        let reported = server.post(REGISTER).json(&members(&sent)).send().await.expect(201).json();
        assert_eq!(reported[name], value, "{name}");
        let token = text(&reported, "registration_access_token");
        let client = Client { id: 0, identifier: text(&reported, "client_id"), secret: None };
        let path = format!("{REGISTER}/{}", client.identifier);
        let read = server.get(&path).bearer(&token).send().await.expect(200).json();
        assert_eq!(read[name], value, "{name}");
        assert_effect(&server, &client, name).await;
    }
}

#[tokio::test]
async fn each_member_of_a_document_has_its_effect() {
    let origin = TestHost::start().await;
    for (name, value) in all() {
        let server = start().await;
        let grants = ["authorization_code", "refresh_token", DEVICE];
        let client = publish(&origin, &json!({ name: value, "grant_types": grants }));
        assert_effect(&server, &client, name).await;
    }
}

/// Types that the server does not know are left out, and the answer says so.
#[tokio::test]
async fn types_of_authorization_details_are_those_that_the_server_knows() {
    let server = start().await;
    let sent = json!({ "authorization_details_types": ["payment", "data_source"] });
    let reported = server.post(REGISTER).json(&members(&sent)).send().await.expect(201).json();
    assert_eq!(reported["authorization_details_types"], json!(["data_source"]));
    let client = Client { id: 0, identifier: text(&reported, "client_id"), secret: None };
    let wanted = ("authorization_details", r#"[{"type":"data_source"}]"#);
    client.code_with(&server, &USER, &[wanted, S256[0], S256[1]]).await;
}

/// What an administrator has set survives when the client replaces its registration.
#[tokio::test]
async fn a_replaced_registration_keeps_the_members_of_administrators() {
    let server = start().await;
    let sent = members(&json!({ "token_endpoint_auth_method": "client_secret_basic" }));
    let reported = server.post(REGISTER).json(&sent).send().await.expect(201).json();
    let listed = crate::client_registration::applications(&server).await.remove(0);
    let path = format!("{}/{}", crate::client::APPLICATIONS, listed["id"]);
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    let changed = json!({
        "name": "Harbour Agent", "redirectUrls": [CALLBACK], "description": "checked", "tokenFormat": "jwt",
        "accessTokenLifetime": 60, "corsOrigins": ["https://pages.example"],
        "grantTypes": ["authorization_code", "refresh_token", exchange],
        "tokenExchange": { "clients": [reported["client_id"]], "delegation": true },
    });
    let before = server.put(&path).basic(&testkit::ADMIN).json(&changed).send().await.expect(200).json();
    let mut next = sent;
    next["client_id"] = reported["client_id"].clone();
    next["client_name"] = json!("Harbour Agent 2");
    let own = format!("{REGISTER}/{}", text(&reported, "client_id"));
    let token = text(&reported, "registration_access_token");
    server.put(&own).bearer(&token).json(&next).send().await.expect(200);
    let after = server.get(&path).basic(&testkit::ADMIN).send().await.expect(200).json();
    assert_eq!(after["name"], "Harbour Agent 2");
    for name in
        ["description", "tokenFormat", "accessTokenLifetime", "corsOrigins", "grantTypes", "tokenExchange"]
    {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert!(before["grantTypes"].as_array().unwrap().contains(&json!(exchange)));
}
