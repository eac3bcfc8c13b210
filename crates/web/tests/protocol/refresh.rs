//! Refreshing if the token stays valid until it is revoked, and which scopes a refresh may request.

use serde_json::json;
use testkit::{ADMIN, Setup, TestServer, USER};

use crate::client::{Client, S256, Tokens, assert_refused, is_alive};

#[tokio::test]
async fn a_refresh_token_stays_valid_until_it_is_revoked() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let first = client.tokens(&server).await;
    for _ in 0..3 {
        server.clock().advance_secs(400 * 86_400);
        let next = Tokens::of(&client.refresh(&server, &first.refresh).await);
        assert_eq!(next.refresh, first.refresh);
        assert_ne!(next.access, first.access);
        assert!(is_alive(&server, &next.access).await);
    }
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_but_not_widen_it() {
    let server = TestServer::start().await;
    let both = json!({ "scopes": ["api.access.odata", "api.mgmt"] });
    let client = Client::register_as(&server, &ADMIN, both).await;
    let code = client.code_with(&server, &USER, &[("scope", "api.access.odata api.mgmt")]).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    let ask = async |scope: &str, token: &str| {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        client.token(&server, &fields).await
    };
    let narrow = ask("odata", &tokens.refresh).await.expect(200).json();
    assert_eq!(narrow["scope"], "api.access.odata");
    let again = client.refresh(&server, &tokens.refresh).await.expect(200).json();
    assert_eq!(again["scope"], "api.access.odata api.mgmt", "narrowing was for that one access token");

    let code = client.code_with(&server, &USER, &[("scope", "odata")]).await;
    let narrow = Tokens::of(&client.exchange(&server, &code).await);
    assert_refused(&ask("api.access.odata api.mgmt", &narrow.refresh).await, 400, "invalid_scope");
    assert_refused(&ask("api.mgmt", &narrow.refresh).await, 400, "invalid_scope");
    assert_refused(&ask("openid", &narrow.refresh).await, 400, "invalid_scope");
}

#[tokio::test]
async fn a_refresh_token_is_invalid_for_another_client() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let thief = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    assert_refused(&thief.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
}

#[tokio::test]
async fn tokens_are_not_accepted_as_another_kind() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let tokens = client.tokens(&server).await;
    for wrong in [&tokens.access, &code, client.secret.as_ref().unwrap()] {
        assert_refused(&client.refresh(&server, wrong).await, 400, "invalid_grant");
    }
    for wrong in [&tokens.access, &tokens.refresh] {
        assert_refused(&client.exchange(&server, wrong).await, 400, "invalid_grant");
    }
    for wrong in [&tokens.refresh, &code] {
        assert!(!is_alive(&server, wrong).await);
    }
}

/// A server whose refresh tokens are limited.
async fn limited(lifetime_secs: u32, idle_secs: u32) -> TestServer {
    let mut setup = Setup::default();
    setup.app.refresh_lifetime_secs = lifetime_secs;
    setup.app.refresh_idle_secs = idle_secs;
    TestServer::start_with(setup).await
}

#[tokio::test]
async fn a_refresh_token_ends_with_the_lifetime_of_its_grant() {
    let server = limited(1_000, 0).await;
    let client = Client::public(&server).await;
    let code = client.code_with(&server, &USER, &S256).await;
    let answer = client.exchange_verified(&server, &code).await;
    let reply = answer.json();
    assert_eq!(reply["refresh_token_expires_in"], 1_000, "{reply}");
    assert_eq!(reply["authorization_expires_in"], 1_000);
    assert!(reply["refresh_token_timeout"].is_null(), "{reply}");
    let types = server.get("/.well-known/oauth-authorization-server").send().await.json();
    assert_eq!(types["refresh_token_expiration_types_supported"], json!(["authorization", "token_timeout"]));
    server.clock().advance_secs(900);
    let answer = client.refresh(&server, &Tokens::of(&answer).refresh).await;
    let reply = answer.json();
    assert_eq!(
        (reply["refresh_token_expires_in"].as_i64(), reply["expires_in"].as_i64()),
        (Some(100), Some(100))
    );
    server.clock().advance_secs(100);
    assert_refused(&client.refresh(&server, &Tokens::of(&answer).refresh).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_that_is_not_used_in_time_ends() {
    let server = limited(0, 1_000).await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    for _ in 0..3 {
        server.clock().advance_secs(900);
        let answer = client.refresh(&server, &tokens.refresh).await.expect(200);
        assert_eq!(answer.json()["refresh_token_timeout"], 1_000);
        assert_eq!(answer.json()["refresh_token_expires_in"], 1_000);
        server.app().node().maintain().await.unwrap();
    }
    server.clock().advance_secs(400);
    for _ in 0..2 {
        let described = client.introspect(&server, &tokens.refresh).await;
        assert!(described["exp"].is_i64() && described["authorization_expires_in"].is_null(), "{described}");
        assert_eq!(described["refresh_token_timeout"], 600, "it does not count as a use");
    }
    server.clock().advance_secs(600);
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
    assert_eq!(client.introspect(&server, &tokens.refresh).await["active"], false);
}

#[tokio::test]
async fn without_limits_nothing_is_said_about_the_end_of_refresh_tokens() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let reply = client.password(&server, &USER).await.json();
    for member in ["refresh_token_expires_in", "refresh_token_timeout", "authorization_expires_in"] {
        assert!(reply[member].is_null(), "{reply}");
    }
}
