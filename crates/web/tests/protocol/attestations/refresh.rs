//! Refresh tokens of instances.

use serde_json::json;
use testkit::USER;

use super::scene;
use crate::client::{APPLICATIONS, CALLBACK, Client, Fields, TOKEN, Tokens, assert_refused};

#[tokio::test]
async fn a_refresh_token_is_bound_to_the_key_of_its_instance() {
    let (server, app) = scene().await;
    let (owner, thief) = (app.instance(1), app.instance(2));
    let tokens = owner.tokens(&server).await;
    assert_eq!(tokens["token_type"], "Bearer", "the attestation binds no access token");
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields: Fields<'_> = &[("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_refused(&thief.post(&server, TOKEN, fields).await, 400, "invalid_grant");
    let next = Tokens::of(&owner.post(&server, TOKEN, fields).await);
    let fields: Fields<'_> = &[("grant_type", "refresh_token"), ("refresh_token", &next.refresh)];
    assert_refused(&thief.post(&server, TOKEN, fields).await, 400, "invalid_grant");
    owner.post(&server, TOKEN, fields).await.expect(200);
}

#[tokio::test]
async fn a_refresh_needs_the_same_key_and_not_the_same_attestation() {
    let (server, app) = scene().await;
    let owner = app.instance(1);
    let tokens = owner.tokens(&server).await;
    server.clock().advance_secs(86_400);
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields: Fields<'_> = &[("grant_type", "refresh_token"), ("refresh_token", refresh)];
    owner.post(&server, TOKEN, fields).await.expect(200);
}

#[tokio::test]
async fn an_application_without_attestations_does_not_refresh_what_an_instance_got() {
    let (server, app) = scene().await;
    let tokens = app.instance(1).tokens(&server).await;
    let path = format!("{}/{}", APPLICATIONS, app.client.id);
    let body = json!({
        "name": "Harbour Reports", "redirectUrls": [CALLBACK],
        "tokenEndpointAuthMethod": "client_secret_post",
    });
    server.put(&path).basic(&USER).json(&body).send().await.expect(200);
    let reset = server.put(&format!("{path}/reset")).basic(&USER).send().await.expect(200).json();
    let secret = reset["clientSecret"].as_str().map(str::to_owned);
    let client = Client { secret, ..app.client.clone() };
    let answer = client.refresh(&server, tokens["refresh_token"].as_str().unwrap()).await;
    assert_refused(&answer, 400, "invalid_grant");
}
