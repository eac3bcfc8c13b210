//! Tests of introspection ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)).

use oauth::user_authentication::PASSWORD_ACR;
use serde_json::json;
use testkit::{ADMIN, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, Tokens, assert_refused};

const PATH: &str = "/oauth2/introspect";
const SERVERS: &str = "/api/admin/resourceservers";

#[tokio::test]
async fn a_client_learns_everything_about_its_own_tokens() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let response = client.introspect(&server, &tokens.access).await;
    let iat = response["iat"].as_i64().unwrap();
    let user = server.user(&USER).await.id.to_string();
    assert!(!response["jti"].as_str().unwrap().is_empty());
    let expected = json!({
        "active": true, "client_id": client.identifier, "username": USER.name, "scope": "api.access.odata",
        "aud": "http://127.0.0.1:8080",
        "token_type": "Bearer", "exp": iat + 3600, "iat": iat, "sub": user, "iss": "http://127.0.0.1:8080",
        "jti": response["jti"], "auth_time": response["auth_time"], "acr": PASSWORD_ACR,
    });
    assert_eq!(response, expected);
    assert!((0..60).contains(&(iat - response["auth_time"].as_i64().unwrap())), "{response}");
    let response = client.introspect(&server, &tokens.refresh).await;
    let expected = json!({
        "active": true, "client_id": client.identifier, "username": USER.name, "scope": "api.access.odata",
        "iat": iat, "sub": user, "iss": "http://127.0.0.1:8080",
        "auth_time": response["auth_time"], "acr": PASSWORD_ACR,
    });
    assert_eq!(response, expected);
}

#[tokio::test]
async fn token_type_hints_have_no_effect() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    for hint in ["access_token", "refresh_token", "id_token"] {
        let fields = [("token", tokens.access.as_str()), ("token_type_hint", hint)];
        assert_eq!(client.post(&server, PATH, &fields).await.expect(200).json()["active"], true);
    }
}

#[tokio::test]
async fn tokens_of_other_clients_are_inactive_without_the_introspection_scope() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let stranger = Client::register(&server).await;
    let scopes = json!({ "scopes": ["api.access.odata", "token.introspect"] });
    let resource_server = Client::register_as(&server, &ADMIN, scopes).await;
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(stranger.introspect(&server, token).await, json!({ "active": false }));
        let response = resource_server.introspect(&server, token).await;
        assert_eq!((&response["active"], &response["client_id"]), (&json!(true), &json!(client.identifier)));
    }
}

#[tokio::test]
async fn unauthenticated_and_public_clients_cannot_introspect() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    let tokens = client.tokens(&server).await;
    let answer = client.post(&server, PATH, &[("token", &tokens.access)]).await;
    assert_refused(&answer, 400, "unauthorized_client");
    let answer = server.post(PATH).form(&[("token", &tokens.access)]).send().await;
    assert_refused(&answer, 401, "invalid_client");
    let answer = server.post(PATH).basic(&USER).form(&[("token", &tokens.access)]).send().await;
    assert_refused(&answer, 401, "invalid_client");
}

#[tokio::test]
async fn invalid_and_forged_tokens_are_inactive() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    let first = client.tokens(&server).await;
    let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
    let inactive = json!({ "active": false });
    assert_eq!(client.introspect(&server, &first.refresh).await, inactive, "it was rotated out");
    assert_eq!(client.introspect(&server, &second.refresh).await["active"], true);
    for forged in ["sga_", "sgr_x", "nonsense", "sgc_AAAA", &second.access[..second.access.len() - 1]] {
        assert_eq!(client.introspect(&server, forged).await, inactive, "{forged}");
    }
    server.clock().advance_secs(3_600);
    assert_eq!(client.introspect(&server, &second.access).await, inactive, "it has expired");
    assert_refused(&client.post(&server, PATH, &[]).await, 400, "invalid_request");
}

#[tokio::test]
async fn an_api_that_is_tied_to_resource_servers_learns_of_tokens_for_these_only() {
    const ORDERS: &str = "https://orders.example.com";
    let server = TestServer::start().await;
    let orders = json!({ "identifier": ORDERS, "name": "Orders" });
    let made = server.post(SERVERS).basic(&ADMIN).json(&orders).send().await.expect(201).json();
    let scope = json!({ "name": "orders.read", "description": "Read orders", "assignableBy": "anyone" });
    let scopes = format!("{SERVERS}/{}/scopes", made["id"]);
    server.post(&scopes).basic(&ADMIN).json(&scope).send().await.expect(201);
    let api = async |audiences: serde_json::Value| {
        let members = json!({ "scopes": ["token.introspect"], "introspectionAudiences": audiences });
        Client::register_as(&server, &ADMIN, members).await
    };
    let of_orders = api(json!([ORDERS])).await;
    let of_both = api(json!([ORDERS, "sluicegate"])).await;
    let of_all = api(json!([])).await;
    for format in ["opaque", "jwt"] {
        let members = json!({ "scopes": ["orders.read", "odata"], "tokenFormat": format });
        let client = Client::register_with(&server, members).await;
        let token = async |request: &[(&str, &str)]| {
            let code = client.code_with(&server, &USER, request).await;
            Tokens::of(&client.exchange(&server, &code).await)
        };
        let by_scope = token(&[("scope", "orders.read")]).await;
        let by_resource = token(&[("scope", "orders.read odata"), ("resource", ORDERS)]).await;
        let other = token(&[("scope", "odata")]).await;
        let inactive = json!({ "active": false });
        for (tokens, is_for_orders) in [(&by_scope, true), (&by_resource, true), (&other, false)] {
            assert_eq!(of_all.introspect(&server, &tokens.access).await["active"], true);
            assert_eq!(of_both.introspect(&server, &tokens.access).await["active"], true);
            let response = of_orders.introspect(&server, &tokens.access).await;
            assert_eq!(response["active"], is_for_orders, "{format}: {response}");
            assert!(is_for_orders || response == inactive, "{response}");
            assert_eq!(of_orders.introspect(&server, &tokens.refresh).await, inactive);
        }
        server.delete(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).send().await.expect(204);
    }
}

#[tokio::test]
async fn only_an_administrator_ties_an_application_to_resource_servers() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let path = format!("{APPLICATIONS}/{}", client.id);
    let tie = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "introspectionAudiences": ["sluicegate"] });
    let refused = server.put(&path).basic(&USER).json(&tie).send().await.expect(400);
    assert!(refused.text().contains("may be set only by an Administrator"), "{}", refused.text());
    let shown = server.put(&path).basic(&ADMIN).json(&tie).send().await.expect(200).json();
    assert_eq!(shown["introspectionAudiences"], json!(["sluicegate"]));
    let mut unknown = tie.clone();
    unknown["introspectionAudiences"] = json!(["https://unknown.example"]);
    let refused = server.put(&path).basic(&ADMIN).json(&unknown).send().await.expect(400);
    assert!(refused.text().contains("introspectionAudiences[0]"), "{}", refused.text());
    let mut untied = tie.clone();
    untied["introspectionAudiences"] = json!([]);
    server.put(&path).basic(&USER).json(&untied).send().await.expect(400);
    let shown = server.put(&path).basic(&ADMIN).json(&untied).send().await.expect(200).json();
    assert!(shown["introspectionAudiences"].is_null(), "{shown}");
}
