//! Third-party programs, request by request as they send them: Progress's connectors for Power BI, Postman,
//! Tableau, Salesforce.

use serde_json::json;
use testkit::{Answer, TestServer, USER};

use crate::client::{
    CHALLENGE, Client, Fields, TOKEN, Tokens, VERIFIER, allow, assert_refused, is_alive, parameter,
};

const POWER_BI: &str = "https://oauth.powerbi.com/views/oauthredirect.html";
/// As long as the verifier of the connector.
const LONG_VERIFIER: &str = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggggggggghh";
const LONG_CHALLENGE: &str = "6KaJLbzRNJsEyaOjFy7gL6J47vEqSm8m4UTeh9S00dE";

async fn power_bi(server: &TestServer) -> Client {
    Client::register_with(server, json!({ "redirectUrls": [POWER_BI] })).await
}

/// A token request as the connector sends it: every field in the body, with JSON requested.
async fn connector(server: &TestServer, client: &Client, fields: Fields<'_>) -> Answer {
    let mut all =
        vec![("client_id", client.identifier.as_str()), ("client_secret", client.secret.as_deref().unwrap())];
    all.extend(fields);
    server.post(TOKEN).header("accept", "application/json").form(&all).send().await
}

async fn code_at(server: &TestServer, query: &str) -> String {
    let answer = allow(&mut server.browser(), &USER, &format!("/oauth2/authorize?{query}")).await;
    parameter(&answer, "code").unwrap()
}

fn encoded(pairs: Fields<'_>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[tokio::test]
async fn power_bi_connector_2_signs_in_and_refreshes_with_a_redirect_url() {
    let server = TestServer::start().await;
    let client = power_bi(&server).await;
    let id = client.identifier.as_str();
    // The connector sends each of these, with or without a value.
    for (state, scope) in [("x1", "api.access.odata"), ("", "")] {
        let query = [
            ("client_id", id),
            ("state", state),
            ("response_type", "code"),
            ("scope", scope),
            ("redirect_uri", POWER_BI),
        ];
        let code = code_at(&server, &encoded(&query)).await;
        let exchange = [("grant_type", "authorization_code"), ("redirect_uri", POWER_BI), ("code", &code)];
        let tokens = Tokens::of(&connector(&server, &client, &exchange).await);
        let refresh =
            [("grant_type", "refresh_token"), ("redirect_uri", POWER_BI), ("refresh_token", &tokens.refresh)];
        let again = Tokens::of(&connector(&server, &client, &refresh).await);
        assert_eq!(again.refresh, tokens.refresh, "it stays valid until it is revoked");
        assert!(is_alive(&server, &again.access).await);
        let elsewhere =
            [("grant_type", "refresh_token"), ("redirect_uri", "https://elsewhere.example/"), refresh[2]];
        Tokens::of(&connector(&server, &client, &elsewhere).await);
    }
}

#[tokio::test]
async fn power_bi_connector_2_with_pkce_may_send_an_origin() {
    let server = TestServer::start().await;
    let client = power_bi(&server).await;
    let query = [
        ("client_id", client.identifier.as_str()),
        ("state", "s"),
        ("response_type", "code"),
        ("scope", ""),
        ("redirect_uri", POWER_BI),
        ("code_challenge", LONG_CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for origin in ["https://oauth.powerbi.com", "https://unknown.example", "null"] {
        let code = code_at(&server, &encoded(&query)).await;
        let fields = [
            ("client_id", client.identifier.as_str()),
            ("client_secret", client.secret.as_deref().unwrap()),
            ("grant_type", "authorization_code"),
            ("redirect_uri", POWER_BI),
            ("code", &code),
            ("code_verifier", LONG_VERIFIER),
        ];
        let answer = server.post(TOKEN).header("origin", origin).form(&fields).send().await;
        Tokens::of(&answer);
    }
}

#[tokio::test]
async fn power_bi_connector_gets_400_with_the_reason() {
    let server = TestServer::start().await;
    let client = power_bi(&server).await;
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    let fields = [("grant_type", "refresh_token"), ("refresh_token", "sgr_x"), ("redirect_uri", POWER_BI)];
    assert_refused(&connector(&server, &wrong, &fields).await, 400, "invalid_client");
    let empty = Client { secret: Some(String::new()), ..client.clone() };
    assert_refused(&connector(&server, &empty, &fields).await, 400, "invalid_client");
    assert_refused(&connector(&server, &client, &fields).await, 400, "invalid_grant");
}

#[tokio::test]
async fn power_bi_connector_1_refreshes_with_the_code_grant_and_no_scope() {
    let server = TestServer::start().await;
    let client = power_bi(&server).await;
    let query =
        [("client_id", client.identifier.as_str()), ("response_type", "code"), ("redirect_uri", POWER_BI)];
    let code = code_at(&server, &encoded(&query)).await;
    let exchange = [("grant_type", "authorization_code"), ("redirect_uri", POWER_BI), ("code", &code)];
    let refresh = Tokens::of(&connector(&server, &client, &exchange).await).refresh;
    let newer = [("grant_type", "authorization_code"), ("refresh_token", refresh.as_str()), ("code", "")];
    let older = [newer[0], newer[1], ("code", refresh.as_str())];
    for fields in [&newer[..], &older] {
        let tokens = Tokens::of(&connector(&server, &client, fields).await);
        assert!(is_alive(&server, &tokens.access).await);
    }
}

#[tokio::test]
async fn postman_alternates_between_credentials_in_body_and_header() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let raw = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    assert!(raw(id) && raw(secret), "raw and encoded are the same: {id}");
    let tokens = client.tokens(&server).await;
    for _ in 0..2 {
        // It was configured to send credentials in the body, and still refreshes with Basic.
        let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
        Tokens::of(&server.post(TOKEN).basic_as(id, secret).form(&fields).send().await);
        let with_id = [fields[0], fields[1], ("client_id", id)];
        Tokens::of(&server.post(TOKEN).basic_as(id, secret).form(&with_id).send().await);
        let empty = [fields[0], fields[1], ("client_id", id), ("client_secret", "")];
        Tokens::of(&server.post(TOKEN).basic_as(id, secret).form(&empty).send().await);
        Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    }
}

#[tokio::test]
async fn tableau_sends_an_empty_secret_with_pkce() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let code = client.code_with(&server, &USER, &challenge).await;
    let fields = [
        ("client_secret", ""),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", crate::client::CALLBACK),
        ("code_verifier", VERIFIER),
        ("scope", ""),
        ("resource", ""),
    ];
    let tokens = Tokens::of(&client.token(&server, &fields).await);
    let refresh =
        [("client_secret", ""), ("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)];
    Tokens::of(&client.token(&server, &refresh).await);
}

#[tokio::test]
async fn salesforce_gets_a_refresh_token_in_its_first_response() {
    const CALLBACK: &str = "https://example.my.salesforce.com/services/authcallback/Sluicegate";
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "redirectUrls": [CALLBACK] })).await;
    let query = [
        ("response_type", "code"),
        ("client_id", client.identifier.as_str()),
        ("redirect_uri", CALLBACK),
        ("scope", "api.access.odata"),
        ("state", "CAAAAXo0000000000"),
    ];
    let code = code_at(&server, &encoded(&query)).await;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let body = client.token(&server, &fields).await.expect(200).json();
    assert!(body["refresh_token"].as_str().is_some_and(|token| !token.is_empty()), "{body}");
    assert_eq!(body["token_type"], "Bearer");
}
