//! Software statements of trusted issuers ([RFC 7591 §2.3](https://www.rfc-editor.org/rfc/rfc7591#section-2.3)).

use app::node::clock::Clock as _;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use oauth::client_registration::ClientPolicy;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, ClientKey, TestServer};

use crate::client::{CALLBACK, Client};
use crate::client_registration::{REGISTER, applications, members, start_with};
use crate::identity_assertions::{IDP, Issuer, changed};

const ISSUER: &str = "http://127.0.0.1:8080";

async fn server(requires_software_statement: bool) -> TestServer {
    let policy = ClientPolicy { requires_software_statement, ..ClientPolicy::default() };
    let mode = RegistrationMode::Open;
    start_with(ClientRegistrationSettings { mode, policy, ..ClientRegistrationSettings::default() }).await
}

/// Trusts [`IDP`] for software statements only.
async fn vendor(server: &TestServer) -> Issuer {
    Issuer::trust(server, &json!({"purposes": ["software_statement"], "clients": null, "subjects": null}))
        .await
}

fn claims(changes: &Value) -> Value {
    changed(json!({"iss": IDP, "software_id": "crane", "client_name": "Crane"}), changes)
}

async fn register(server: &TestServer, statement: &str) -> Answer {
    let members = members(&json!({"software_statement": statement}));
    server.post(REGISTER).json(&members).send().await
}

/// The error of a registration with this statement.
async fn refused(server: &TestServer, statement: &str) -> String {
    let refused = register(server, statement).await.expect(400).json();
    refused["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_registers_with_a_statement_which_is_returned_unmodified() {
    let server = server(true).await;
    let vendor = vendor(&server).await;
    let statement = vendor.sign(Some("JWT"), &claims(&json!({"software_version": "7"})));
    for _ in 0..2 {
        let reply = register(&server, &statement).await.expect(201).json();
        assert_eq!(reply["software_statement"], statement);
        let named = [&reply["client_name"], &reply["software_id"], &reply["software_version"]];
        assert_eq!(named, ["Crane", "crane", "7"], "every copy of the software presents the same statement");
        let identifier = reply["client_id"].as_str().unwrap().to_owned();
        let client = Client { id: 0, identifier, secret: None };
        client.tokens(&server).await;
        let path = format!("{REGISTER}/{}", client.identifier);
        let token = reply["registration_access_token"].as_str().unwrap();
        assert_eq!(server.get(&path).bearer(token).send().await.expect(200).json(), reply);
    }
    let audit = server.get("/api/admin/audit").basic(&ADMIN).send().await.expect(200);
    assert!(audit.text().contains(&format!("it registered itself with a software statement of {IDP}")));
    assert!(!audit.text().contains(&statement));
}

#[tokio::test]
async fn a_statement_of_a_stranger_is_not_approved() {
    let server = server(false).await;
    let vendor = vendor(&server).await;
    let of_another = vendor.sign(None, &claims(&json!({"iss": "https://other.example"})));
    let of_nobody = vendor.sign(None, &claims(&json!({"iss": null})));
    for statement in [&of_another, &of_nobody] {
        assert_eq!(refused(&server, statement).await, "unapproved_software_statement");
    }
    let statement = vendor.sign(None, &claims(&json!({})));
    register(&server, &statement).await.expect(201);
    let issuers = server.get("/api/admin/trustedissuers").basic(&ADMIN).send().await.expect(200).json();
    let path = format!("/api/admin/trustedissuers/{}", issuers["trustedIssuers"][0]["id"]);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    assert_eq!(refused(&server, &statement).await, "unapproved_software_statement");
    assert_eq!(applications(&server).await.len(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_trusted_for_assertions_cannot_sign_statements() {
    let server = server(false).await;
    let purposes = json!({"purposes": ["identity_assertion", "jwt_bearer"]});
    let issuer = Issuer::trust(&server, &purposes).await;
    let statement = issuer.sign(None, &claims(&json!({})));
    assert_eq!(refused(&server, &statement).await, "unapproved_software_statement");
}

#[tokio::test]
async fn a_statement_that_nobody_has_signed_properly_is_invalid() {
    let server = server(false).await;
    let vendor = vendor(&server).await;
    let now = server.clock().now().as_secs();
    let stranger = ClientKey::new(2);
    let header = |alg: &str| json!({"alg": alg, "kid": "i"});
    let mut statements = vec![
        stranger.sign_with_header(&header("EdDSA"), &claims(&json!({}))),
        vendor.key.sign_with_header(&header("none"), &claims(&json!({}))),
        vendor.key.sign_with_header(&header("HS256"), &claims(&json!({}))),
        stranger.sign_with_header(&json!({"alg": "EdDSA", "jwk": stranger.jwk()}), &claims(&json!({}))),
        vendor.sign(Some("at+jwt"), &claims(&json!({}))),
        "a.b.c".to_owned(),
        "x".to_owned(),
        String::new(),
        "x".repeat(20_000),
    ];
    for changes in [
        json!({"exp": now}),
        json!({"nbf": now + 61}),
        json!({"aud": "https://other.example"}),
        json!({"software_id": null}),
    ] {
        statements.push(vendor.sign(None, &claims(&changes)));
    }
    let unsigned = vendor.sign(None, &claims(&json!({})));
    statements.push(format!("{}.", unsigned.rsplit_once('.').unwrap().0));
    for statement in statements {
        assert_eq!(refused(&server, &statement).await, "invalid_software_statement", "{statement}");
    }
    let no_text = members(&json!({"software_statement": {"a": 1}}));
    let answer = server.post(REGISTER).json(&no_text).send().await.expect(400);
    assert_eq!(answer.json()["error"], "invalid_software_statement");
    assert!(applications(&server).await.is_empty());
    register(&server, &vendor.sign(None, &claims(&json!({"aud": ISSUER, "exp": now + 1})))).await.expect(201);
}

#[tokio::test]
async fn a_statement_may_be_required_and_a_replaced_registration_keeps_one() {
    let server = server(true).await;
    let vendor = vendor(&server).await;
    let without = server.post(REGISTER).json(&members(&json!({}))).send().await.expect(400).json();
    assert_eq!(without["error"], "invalid_client_metadata");
    let reply = register(&server, &vendor.sign(None, &claims(&json!({})))).await.expect(201).json();
    let path = format!("{REGISTER}/{}", reply["client_id"].as_str().unwrap());
    let token = reply["registration_access_token"].as_str().unwrap();
    let mut replacement = json!({
        "client_id": reply["client_id"], "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none",
        "client_name": "Mine",
    });
    let replace = async |members: &Value| server.put(&path).bearer(token).json(members).send().await;
    replace(&replacement).await.expect(400);
    replacement["software_statement"] = json!(vendor.sign(None, &claims(&json!({"client_name": "Crane 2"}))));
    assert_eq!(replace(&replacement).await.expect(200).json()["client_name"], "Crane 2");
}
