//! Tests of introspection ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)).

use oauth::user_authentication::PASSWORD_ACR;
use serde_json::json;
use testkit::{ADMIN, TestServer, USER};

use crate::client::{Client, Tokens, assert_refused};

const PATH: &str = "/oauth2/introspect";

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
