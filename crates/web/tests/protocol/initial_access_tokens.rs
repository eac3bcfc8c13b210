//! Initial access tokens: who creates them, and what clients can do with them ([RFC 7591
//! §3](https://www.rfc-editor.org/rfc/rfc7591#section-3)).

use app::node::clock::Clock as _;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use domain::account::ADMINISTRATOR_ROLE;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, TestServer, TestUser, USER};

use crate::client::{APPLICATIONS, Client};
use crate::client_registration::{REGISTER, applications, members, start_with};

const TOKENS: &str = "/api/admin/initialaccesstokens";
const GRACE: TestUser = TestUser { name: "grace", password: "ships are safe in harbour" };

async fn server(mode: RegistrationMode) -> TestServer {
    start_with(ClientRegistrationSettings { mode, ..ClientRegistrationSettings::default() }).await
}

async fn with_tokens_only() -> TestServer {
    server(RegistrationMode::InitialAccessToken).await
}

/// Creates a token with these members.
async fn create(server: &TestServer, user: &TestUser, members: &Value) -> Value {
    server.post(TOKENS).basic(user).json(members).send().await.expect(201).json()
}

async fn register(server: &TestServer, token: &str) -> Answer {
    server.post(REGISTER).bearer(token).json(&members(&json!({}))).send().await
}

fn value(token: &Value) -> &str {
    token["token"].as_str().unwrap()
}

async fn uses(server: &TestServer, token: &Value) -> Value {
    let path = format!("{TOKENS}/{}", token["id"]);
    server.get(&path).basic(&ADMIN).send().await.expect(200).json()["uses"].clone()
}

/// Takes the rights of an Administrator from a user, and returns the path of the user.
async fn demote(server: &TestServer, user: &TestUser) -> String {
    let path = format!("/api/admin/users/{}", server.user(user).await.id);
    let demoted = json!({"permissions": {"roles": [2]}});
    server.put(&path).basic(&ADMIN).json(&demoted).send().await.expect(200);
    path
}

/// The number of applications of a user, who is not an Administrator from then on, and so sees no others.
async fn owned_by(server: &TestServer, user: &TestUser) -> usize {
    demote(server, user).await;
    let listed = server.get(APPLICATIONS).basic(user).send().await.expect(200).json();
    listed["applications"].as_array().unwrap().len()
}

/// Asserts that the answer is the challenge for an invalid token.
fn assert_is_invalid(answer: Answer) {
    let refused = answer.expect(401);
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"Sluicegate\", error=\"invalid_token\"");
    assert_eq!(refused.json()["error"], "invalid_token");
}

#[tokio::test]
async fn a_client_registers_with_a_token_and_belongs_to_its_creator() {
    let server = with_tokens_only().await;
    server.add_user(&GRACE, &[ADMINISTRATOR_ROLE]).await;
    let token = create(&server, &GRACE, &json!({"description": "Build agents", "maxUses": 2})).await;
    assert_eq!((&token["uses"], &token["createdBy"]), (&json!(0), &json!(GRACE.name)));
    let reply = register(&server, value(&token)).await.expect(201).json();
    let client = Client { id: 0, identifier: reply["client_id"].as_str().unwrap().to_owned(), secret: None };
    let tokens = client.tokens(&server).await;
    server.get("/api/odata4/").bearer(&tokens.access).send().await.expect(200);
    assert_eq!(applications(&server).await[0]["selfRegistered"], true);
    assert_eq!(uses(&server, &token).await, 1);
    assert_eq!(owned_by(&server, &GRACE).await, 1);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_registered() {
    let server = with_tokens_only().await;
    let expired = create(&server, &ADMIN, &json!({})).await;
    let deleted = create(&server, &ADMIN, &json!({})).await;
    let spent = create(&server, &ADMIN, &json!({})).await;
    let path = format!("{TOKENS}/{}", deleted["id"]);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    let reply = register(&server, value(&spent)).await.expect(201).json();
    server.clock().advance_secs(86_400);
    let management = reply["registration_access_token"].as_str().unwrap();
    let foreign = format!("sgi_{}", "A".repeat(43));
    for token in [value(&expired), value(&deleted), value(&spent), management, &foreign, "sgi_x", ""] {
        assert_is_invalid(register(&server, token).await);
    }
    assert_is_invalid(server.post(REGISTER).basic(&ADMIN).json(&members(&json!({}))).send().await);
    let without = server.post(REGISTER).json(&json!({"redirect_uris": 7})).send().await.expect(401);
    assert_eq!(without.header("www-authenticate"), "Bearer realm=\"Sluicegate\"");
    assert_eq!(applications(&server).await.len(), 1);
}

#[tokio::test]
async fn an_open_server_accepts_a_token_and_refuses_an_invalid_one() {
    let server = server(RegistrationMode::Open).await;
    server.add_user(&GRACE, &[ADMINISTRATOR_ROLE]).await;
    let token = create(&server, &GRACE, &json!({})).await;
    register(&server, value(&token)).await.expect(201);
    assert_is_invalid(register(&server, value(&token)).await);
    assert_is_invalid(register(&server, "sga_x").await);
    server.post(REGISTER).json(&members(&json!({}))).send().await.expect(201);
    assert_eq!((owned_by(&server, &GRACE).await, applications(&server).await.len()), (1, 2));
}

#[tokio::test]
async fn a_refused_registration_does_not_use_the_token() {
    let server = with_tokens_only().await;
    let token = create(&server, &ADMIN, &json!({})).await;
    let wrong = members(&json!({"redirect_uris": []}));
    let refused = server.post(REGISTER).bearer(value(&token)).json(&wrong).send().await.expect(400);
    assert_eq!(refused.json()["error"], "invalid_redirect_uri");
    assert_eq!(uses(&server, &token).await, 0);
    register(&server, value(&token)).await.expect(201);
}

#[tokio::test]
async fn a_token_ends_with_the_rights_of_its_creator() {
    let server = with_tokens_only().await;
    server.add_user(&GRACE, &[ADMINISTRATOR_ROLE]).await;
    let token = create(&server, &GRACE, &json!({"maxUses": 0})).await;
    register(&server, value(&token)).await.expect(201);
    let path = demote(&server, &GRACE).await;
    assert_is_invalid(register(&server, value(&token)).await);
    let restored = json!({"permissions": {"roles": [1]}});
    server.put(&path).basic(&ADMIN).json(&restored).send().await.expect(200);
    register(&server, value(&token)).await.expect(201);
    let disabled = json!({"statusInfo": {"status": 0}});
    server.put(&path).basic(&ADMIN).json(&disabled).send().await.expect(200);
    assert_is_invalid(register(&server, value(&token)).await);
}

#[tokio::test]
async fn a_token_is_shown_once_and_audited() {
    let server = with_tokens_only().await;
    let token = create(&server, &ADMIN, &json!({"description": "Build agents", "maxUses": 0})).await;
    assert!(value(&token).starts_with("sgi_"));
    let path = format!("{TOKENS}/{}", token["id"]);
    let shown = server.get(&path).basic(&ADMIN).send().await.expect(200);
    let listed = server.get(TOKENS).basic(&ADMIN).send().await.expect(200);
    for answer in [&shown, &listed] {
        assert!(!answer.text().contains(value(&token)) && answer.text().contains("Build agents"));
    }
    register(&server, value(&token)).await.expect(201);
    register(&server, "sgi_x").await.expect(401);
    server.post(TOKENS).basic(&USER).json(&json!({})).send().await.expect(403);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.delete(&path).basic(&ADMIN).send().await.expect(404);
    let audit = server.get("/api/admin/audit").basic(&ADMIN).send().await.expect(200);
    assert!(!audit.text().contains("sgi_"), "{}", audit.text());
    let events = audit.json()["events"].as_array().unwrap().clone();
    let of = |action: &str| -> Vec<Value> {
        events.iter().filter(|event| event["action"] == action).cloned().collect()
    };
    let (created, deleted) = (of("initial_access_token.create"), of("initial_access_token.delete"));
    assert_eq!((created.len(), deleted.len()), (1, 1), "{events:?}");
    assert_eq!(created[0]["subject"], "1 (Build agents)");
    let registered = of("application.register");
    assert_eq!(registered[0]["detail"], "it registered itself with the initial access token 1");
    let refused: Vec<Value> = events.iter().filter(|event| event["outcome"] != "success").cloned().collect();
    assert_eq!(refused.len(), 2, "the invalid token, and the user without the right: {refused:?}");
}

#[tokio::test]
async fn a_token_that_cannot_be_is_refused_with_every_fault() {
    let server = with_tokens_only().await;
    let now = server.clock().now().as_secs();
    for (members, fields) in [
        (json!({"maxUses": -1}), vec!["maxUses"]),
        (json!({"maxUses": 1_000_001, "description": "x".repeat(257)}), vec!["description", "maxUses"]),
        (json!({"expiresAt": "yesterday"}), vec!["expiresAt"]),
        (json!({"expiresAt": "2001-01-01T00:00:00Z"}), vec!["expiresAt"]),
        (json!({"expiresAt": "9999-01-01T00:00:00Z"}), vec!["expiresAt"]),
        (json!({"token": "sgi_mine"}), vec!["token"]),
    ] {
        let refused = server.post(TOKENS).basic(&ADMIN).json(&members).send().await.expect(400).json();
        let details = refused["error"]["details"].as_array().unwrap();
        let mut named: Vec<&str> = details.iter().map(|detail| detail["field"].as_str().unwrap()).collect();
        named.sort_unstable();
        assert_eq!(named, fields, "{now}: {refused}");
    }
    assert_eq!(server.get(TOKENS).basic(&ADMIN).send().await.json()["initialAccessTokens"], json!([]));
}
