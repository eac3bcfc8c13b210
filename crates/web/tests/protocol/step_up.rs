//! Step-up authentication at data sources ([RFC 9470](https://www.rfc-editor.org/rfc/rfc9470)).

use app::node::clock::Clock as _;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, TestServer, USER};

use crate::client::{Client, Tokens, allow, parameter, password_fields};
use crate::openid::{decoded, server};
use crate::second_factor::set_up_as_demanded;

const SOURCES: &str = "/api/mgmt/datasources";
const ROWS: &str = "/api/odata4/shop/Items";
const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// A data source of the user, with these members; returns its number.
async fn add_source(server: &TestServer, members: Value) -> i64 {
    let path = server.sqlite_file(
        "shop.sqlite",
        "CREATE TABLE Items (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Items VALUES (1, 'rope');",
    );
    let mut body =
        json!({ "name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": { "path": path } });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let path = format!("{SOURCES}?user={}", USER.name);
    server.post(&path).basic(&ADMIN).json(&body).send().await.expect(201).json()["id"].as_i64().unwrap()
}

async fn read(server: &TestServer, access: &str) -> Answer {
    server.get(ROWS).bearer(access).send().await
}

fn challenge(refused: &Answer) -> String {
    assert_eq!(refused.status(), 401, "{refused:?}");
    assert_eq!(refused.json()["error"]["code"], "SignInTooOld");
    refused.headers().get("www-authenticate").unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_source_that_demands_a_recent_sign_in_is_read_after_a_new_one() {
    let server = TestServer::start().await;
    add_source(&server, json!({ "maxAuthenticationAge": 300 })).await;
    let client = Client::register(&server).await;
    let first = client.tokens(&server).await;
    read(&server, &first.access).await.expect(200);
    server.clock().advance_secs(301);

    let refused = read(&server, &first.access).await;
    let expected = "Bearer error=\"insufficient_user_authentication\", max_age=\"300\", scope=\"api.access.odata\", \
                    resource_metadata=\"";
    assert!(challenge(&refused).starts_with(expected), "{}", challenge(&refused));
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("300 seconds"));

    let refreshed = Tokens::of(&client.refresh(&server, &first.refresh).await);
    challenge(&read(&server, &refreshed.access).await);

    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&USER).await;
    server.clock().advance_secs(301);
    let page = browser.get(&client.authorize_url(&[("max_age", "300")])).await;
    assert!(
        page.text().contains("name=\"password\""),
        "the sign-in is too old: the page asks for the password"
    );
    let answer = allow(&mut browser, &USER, &client.authorize_url(&[("max_age", "300")])).await;
    let code = parameter(&answer, "code").unwrap();
    let again = Tokens::of(&client.exchange(&server, &code).await);
    read(&server, &again.access).await.expect(200);
}

#[tokio::test]
async fn a_password_counts_as_a_sign_in_and_a_service_never_signed_in() {
    let server = TestServer::start().await;
    add_source(&server, json!({ "maxAuthenticationAge": 60 })).await;
    let grants =
        json!({ "grantTypes": ["password", "client_credentials", "refresh_token"], "redirectUrls": [] });
    let client = Client::register_with(&server, grants).await;
    let by_password = Tokens::of(&client.token(&server, &password_fields(&USER)).await);
    read(&server, &by_password.access).await.expect(200);
    server.clock().advance_secs(61);
    challenge(&read(&server, &by_password.access).await);
    server.get(ROWS).basic(&USER).send().await.expect(200);
    let service = client.token(&server, &[("grant_type", "client_credentials")]).await.expect(200).json();
    challenge(&read(&server, service["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn introspection_and_signed_tokens_say_when_and_how_the_user_signed_in() {
    let server = server().await;
    let client = Client::register_with(&server, json!({ "tokenFormat": "jwt" })).await;
    let started = server.clock().now().as_secs();
    let tokens = client.tokens(&server).await;
    server.clock().advance_secs(30);
    let refreshed = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    for access in [&tokens.access, &refreshed.access] {
        let claims = decoded(access).1;
        let reply = client.introspect(&server, access).await;
        for reply in [&claims, &reply] {
            assert_eq!((&reply["auth_time"], &reply["acr"]), (&json!(started), &json!(PASSWORD)), "{reply}");
        }
    }
    let grants = json!({ "grantTypes": ["client_credentials"], "redirectUrls": [], "tokenFormat": "jwt" });
    let service = Client::register_with(&server, grants).await;
    let issued = service.token(&server, &[("grant_type", "client_credentials")]).await.expect(200).json();
    let access = issued["access_token"].as_str().unwrap();
    for reply in [decoded(access).1, service.introspect(&server, access).await] {
        assert!(reply.get("auth_time").is_none() && reply.get("acr").is_none(), "{reply}");
    }
}

#[tokio::test]
async fn the_demand_is_set_kept_and_ended_by_who_manages_the_source() {
    let server = TestServer::start().await;
    let id = add_source(&server, json!({})).await;
    let path = format!("{SOURCES}/{id}");
    let change = async |body: Value| server.put(&path).basic(&USER).json(&body).send().await;
    let demand = async || {
        let source = server.get(&path).basic(&USER).send().await.expect(200).json();
        source.get("maxAuthenticationAge").cloned()
    };
    assert_eq!(demand().await, None);
    for wrong in [json!(59), json!(2_592_001), json!(-1), json!(1.5), json!("300"), json!(true), json!(1e30)]
    {
        change(json!({ "maxAuthenticationAge": wrong })).await.expect(400);
        assert_eq!(demand().await, None, "{wrong}");
    }
    change(json!({ "maxAuthenticationAge": 60 })).await.expect(200);
    assert_eq!(demand().await, Some(json!(60)));
    change(json!({ "description": "Things" })).await.expect(200);
    assert_eq!(demand().await, Some(json!(60)), "a member that is left out stays");
    change(json!({ "maxAuthenticationAge": 0 })).await.expect(200);
    assert_eq!(demand().await, None);
}

#[tokio::test]
async fn a_device_gets_the_sign_in_of_its_user_and_an_id_token() {
    let server = server().await;
    add_source(&server, json!({ "maxAuthenticationAge": 300 })).await;
    let members = json!({ "scopes": ["odata", "openid"], "redirectUrls": [],
        "grantTypes": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"] });
    let client = Client::register_with(&server, members).await;
    let response = crate::device::allowed_tokens(&server, &client, "odata openid").await;
    read(&server, response["access_token"].as_str().unwrap()).await.expect(200);
    let claims = decoded(response["id_token"].as_str().unwrap()).1;
    assert_eq!((&claims["aud"], &claims["acr"]), (&json!(client.identifier), &json!(PASSWORD)));
    server.clock().advance_secs(301);
    challenge(&read(&server, response["access_token"].as_str().unwrap()).await);
}

/// The whole way of RFC 9470: the challenge of the resource, the request that it asks for, the second page, and the token.
#[tokio::test]
async fn a_source_that_demands_a_second_factor_is_read_after_one_was_shown() {
    let server = server().await;
    let id = add_source(&server, json!({ "requireSecondFactor": true, "maxAuthenticationAge": 300 })).await;
    let members = json!({ "tokenFormat": "jwt", "grantTypes": ["authorization_code", "refresh_token", "client_credentials"] });
    let client = Client::register_with(&server, members).await;
    let mut browser = server.browser();
    let answer = allow(&mut browser, &USER, &client.authorize_url(&[])).await;
    let first = Tokens::of(&client.exchange(&server, &parameter(&answer, "code").unwrap()).await);
    let refused = read(&server, &first.access).await.expect(401);
    assert_eq!(refused.json()["error"]["code"], "SecondFactorMissing");
    let challenge = refused.headers().get("www-authenticate").unwrap().to_str().unwrap();
    let expected = "Bearer error=\"insufficient_user_authentication\", acr_values=\"https://refeds.org/profile/mfa\", \
                    max_age=\"300\", scope=\"api.access.odata\", resource_metadata=\"";
    assert!(challenge.starts_with(expected), "{challenge}");
    let acr = challenge.split_once("acr_values=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    let refreshed = Tokens::of(&client.refresh(&server, &first.refresh).await);
    read(&server, &refreshed.access).await.expect(401);
    server.get(ROWS).basic(&USER).send().await.expect(401);
    let service = client.token(&server, &[("grant_type", "client_credentials")]).await.expect(200).json();
    read(&server, service["access_token"].as_str().unwrap()).await.expect(401);

    browser.get(&client.authorize_url(&[("acr_values", &acr), ("max_age", "300")])).await;
    let page = set_up_as_demanded(&server, &mut browser, &USER).await;
    let answer = match page.status() {
        303 => page,
        _ => browser.submit(browser.form_with_button("consent-allow").press("consent-allow")).await,
    };
    let again = Tokens::of(&client.exchange(&server, &parameter(&answer, "code").unwrap()).await);
    assert_eq!(decoded(&again.access).1["acr"], acr);
    read(&server, &again.access).await.expect(200);
    server.clock().advance_secs(301);
    assert_eq!(read(&server, &again.access).await.expect(401).json()["error"]["code"], "SignInTooOld");

    let path = format!("{SOURCES}/{id}");
    let shown = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(shown["requireSecondFactor"], true);
    let kept = server.put(&path).basic(&ADMIN).json(&json!({ "description": "Things" })).send().await;
    assert_eq!(kept.expect(200).json()["requireSecondFactor"], true, "a member that is left out stays");
    let ended = json!({ "requireSecondFactor": false, "maxAuthenticationAge": 0 });
    let ended = server.put(&path).basic(&ADMIN).json(&ended).send().await.expect(200).json();
    assert!(ended.get("requireSecondFactor").is_none());
    read(&server, &first.access).await.expect(200);
}
