//! Resource indicators ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)) at the authorization and token endpoints.

use serde_json::json;
use testkit::{ADMIN, TestServer, USER};

use crate::client::{Client, Fields, S256, Tokens, assert_refused, is_alive, parameter, password_fields};

const SERVER: &str = "http://127.0.0.1:8080";
const DATA: &str = "http://127.0.0.1:8080/api/odata4";
const ORDERS: &str = "https://orders.example/api";

/// Registers the resource server [`ORDERS`], and returns its path in the management API.
async fn register_orders(server: &TestServer) -> String {
    let body = json!({ "identifier": ORDERS, "name": "Orders" });
    let made = server.post("/api/admin/resourceservers").basic(&ADMIN).json(&body).send().await.expect(201);
    format!("/api/admin/resourceservers/{}", made.json()["id"])
}

async fn exchange(server: &TestServer, client: &Client, code: &str, more: Fields<'_>) -> testkit::Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", crate::client::CALLBACK),
        ("code_verifier", crate::client::VERIFIER),
    ];
    client.token(server, &[&fields[..], more].concat()).await
}

async fn refresh(server: &TestServer, client: &Client, token: &str, more: Fields<'_>) -> testkit::Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
    client.token(server, &[&fields[..], more].concat()).await
}

/// The status of the list of data sources with this token.
async fn status_of_data(server: &TestServer, access: &str) -> u16 {
    server.get("/api/odata4").bearer(access).send().await.status()
}

#[tokio::test]
async fn an_unknown_or_malformed_resource_is_an_invalid_target() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for bad in [
        "https://evil.example/",
        "https://127.0.0.1:8080/api/odata4",
        "/api/odata4",
        "odata",
        "http://127.0.0.1:8080/api/odata4#x",
        "http://127.0.0.1:8080/api/odata4/nothing",
    ] {
        let answer = server
            .get(&client.authorize_url(&[("resource", bad), ("state", "s")]))
            .basic(&USER)
            .send()
            .await
            .expect(303);
        assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_target"), "{bad}");
        assert_eq!(parameter(&answer, "iss").as_deref(), Some(SERVER));
        let fields = [&password_fields(&USER)[..], &[("resource", bad)]].concat();
        assert_refused(&client.token(&server, &fields).await, 400, "invalid_target");
        let pushed = [&[("response_type", "code"), ("resource", bad)], &S256[..]].concat();
        assert_refused(&client.post(&server, "/oauth2/par", &pushed).await, 400, "invalid_target");
    }
}

#[tokio::test]
async fn a_resource_is_accepted_in_every_equal_spelling() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for same in [
        DATA,
        "HTTP://127.0.0.1:8080/api/odata4/",
        "http://127.0.0.1:8080/api/%6fdata4",
        SERVER,
        "http://127.0.0.1:8080/",
    ] {
        let code = client.code_with(&server, &USER, &[&S256[..], &[("resource", same)]].concat()).await;
        let tokens = Tokens::of(&exchange(&server, &client, &code, &[("resource", same)]).await);
        assert_eq!(status_of_data(&server, &tokens.access).await, 200, "{same}");
    }
}

#[tokio::test]
async fn a_token_for_another_resource_server_is_invalid_here() {
    let server = TestServer::start().await;
    register_orders(&server).await;
    let client = Client::register(&server).await;
    let both = [&S256[..], &[("resource", ORDERS), ("resource", DATA)]].concat();
    let code = client.code_with(&server, &USER, &both).await;
    let tokens = Tokens::of(&exchange(&server, &client, &code, &[("resource", ORDERS)]).await);
    assert_eq!(status_of_data(&server, &tokens.access).await, 401);
    let renewed = Tokens::of(&refresh(&server, &client, &tokens.refresh, &[("resource", DATA)]).await);
    assert_eq!(status_of_data(&server, &renewed.access).await, 200);
    let whole = Tokens::of(&refresh(&server, &client, &renewed.refresh, &[]).await);
    assert_eq!(status_of_data(&server, &whole.access).await, 200);
    let wider = refresh(&server, &client, &whole.refresh, &[("resource", SERVER)]).await;
    assert_refused(&wider, 400, "invalid_target");
}

#[tokio::test]
async fn an_exchange_cannot_widen_the_resources_and_keeps_the_code_valid() {
    let server = TestServer::start().await;
    register_orders(&server).await;
    let client = Client::register(&server).await;
    let code = client.code_with(&server, &USER, &[&S256[..], &[("resource", ORDERS)]].concat()).await;
    assert_refused(&exchange(&server, &client, &code, &[("resource", DATA)]).await, 400, "invalid_target");
    let tokens = Tokens::of(&exchange(&server, &client, &code, &[]).await);
    assert_eq!(status_of_data(&server, &tokens.access).await, 401);
}

#[tokio::test]
async fn a_vanished_resource_ends_the_refresh() {
    let server = TestServer::start().await;
    let path = register_orders(&server).await;
    let client = Client::register(&server).await;
    let code = client.code_with(&server, &USER, &[&S256[..], &[("resource", ORDERS)]].concat()).await;
    let tokens = Tokens::of(&exchange(&server, &client, &code, &[]).await);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    assert_refused(&refresh(&server, &client, &tokens.refresh, &[]).await, 400, "invalid_grant");
    let named = refresh(&server, &client, &tokens.refresh, &[("resource", ORDERS)]).await;
    assert_refused(&named, 400, "invalid_grant");
}

#[tokio::test]
async fn a_token_for_data_does_not_reach_the_management_api() {
    let server = TestServer::start().await;
    let wide = json!({ "scopes": ["api.access.odata", "api.mgmt"], "grantTypes": ["password"] });
    let client = Client::register_as(&server, &ADMIN, wide).await;
    let scope = ("scope", "api.access.odata api.mgmt");
    let token = async |more: Fields<'_>| {
        let fields = [&password_fields(&ADMIN)[..], &[scope], more].concat();
        Tokens::of(&client.token(&server, &fields).await).access
    };
    let management = "/api/mgmt/oauth/client/allowedapplications";
    let whole = token(&[]).await;
    server.get(management).bearer(&whole).send().await.expect(200);
    let limited = token(&[("resource", DATA)]).await;
    assert!(is_alive(&server, &limited).await, "403: it lacks the scope there");
    assert_eq!(status_of_data(&server, &limited).await, 200);
}

#[tokio::test]
async fn a_token_for_data_or_for_others_does_not_reach_userinfo() {
    let server = TestServer::start().await;
    register_orders(&server).await;
    for format in ["opaque", "jwt"] {
        let members = json!({ "scopes": ["openid", "api.access.odata"], "tokenFormat": format });
        let client = Client::register_with(&server, members).await;
        for (resources, status) in [
            (&[][..], 200),
            (&[SERVER][..], 200),
            (&["http://127.0.0.1:8080/"][..], 200),
            (&[DATA, SERVER][..], 200),
            (&[DATA][..], 401),
            (&[ORDERS][..], 401),
            (&[ORDERS, DATA][..], 401),
        ] {
            let resources = resources.iter().map(|one| ("resource", *one));
            let scope = ("scope", "openid api.access.odata");
            let fields = [&S256[..], &[scope], &resources.collect::<Vec<_>>()].concat();
            let code = client.code_with(&server, &USER, &fields).await;
            let access = Tokens::of(&exchange(&server, &client, &code, &[]).await).access;
            let answer = server.get("/oauth2/userinfo").bearer(&access).send().await.expect(status);
            if status == 401 {
                assert_eq!(answer.json()["error"], "invalid_token");
                assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
            }
        }
    }
}

#[tokio::test]
async fn a_signed_token_names_its_resources_as_audience() {
    use base64::Engine as _;
    let server = TestServer::start().await;
    register_orders(&server).await;
    let members = json!({ "tokenFormat": "jwt" });
    let client = Client::register_with(&server, members).await;
    let audience = async |more: Fields<'_>| {
        let fields = [&password_fields(&USER)[..], more].concat();
        let access = Tokens::of(&client.token(&server, &fields).await).access;
        let claims = access.split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        (claims["aud"].clone(), status_of_data(&server, &access).await)
    };
    assert_eq!(audience(&[("resource", DATA)]).await, (json!(DATA), 200));
    assert_eq!(audience(&[("resource", ORDERS)]).await, (json!(ORDERS), 401));
    let both = [("resource", ORDERS), ("resource", DATA)];
    assert_eq!(audience(&both).await, (json!([ORDERS, DATA]), 200));
}
