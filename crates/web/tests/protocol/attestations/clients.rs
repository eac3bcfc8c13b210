//! Which clients may be registered for attestations, and what the server promises.

use app::AppSettings;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use serde_json::{Value, json};
use testkit::host::TestHost;
use testkit::{ClientKey, Setup, TestServer, USER};

use super::{App, METHOD};
use crate::client::{APPLICATIONS, CALLBACK, Client, TOKEN, assert_refused};
use crate::client_documents::publish;
use crate::identity_assertions::Issuer;

async fn metadata(server: &TestServer) -> Value {
    server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json()
}

async fn trust(server: &TestServer, clients: &[&str]) -> Issuer {
    let attester = Issuer { key: ClientKey::new(9), url: "https://attester.example".to_owned() };
    let members = json!({ "purposes": ["client_attestation"], "clients": clients });
    attester.record(server, &members).await.expect(201);
    attester
}

#[tokio::test]
async fn the_metadata_promise_attestations_once_an_attester_is_trusted() {
    let server = TestServer::start().await;
    let lists = |document: &Value| {
        let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
        (methods.contains(&json!(METHOD)), document.get("challenge_endpoint").cloned())
    };
    assert_eq!(lists(&metadata(&server).await), (false, None));
    trust(&server, &["*"]).await;
    let document = metadata(&server).await;
    let endpoint = json!("http://127.0.0.1:8080/oauth2/challenge");
    assert_eq!(lists(&document), (true, Some(endpoint)));
    for member in [
        "client_attestation_signing_alg_values_supported",
        "client_attestation_pop_signing_alg_values_supported",
    ] {
        assert!(document[member].as_array().unwrap().contains(&json!("EdDSA")), "{member}");
    }
}

#[tokio::test]
async fn an_application_without_an_attester_gets_a_warning() {
    let server = TestServer::start().await;
    let body = json!({ "name": "x", "redirectUrls": [CALLBACK], "tokenEndpointAuthMethod": METHOD });
    let register =
        async || server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(201).json();
    let made = register().await;
    let warned = |answer: &Value| answer.to_string().contains("none is trusted for this application");
    assert!(warned(&made), "{made}");
    trust(&server, &[made["clientId"].as_str().unwrap()]).await;
    let path = format!("{APPLICATIONS}/{}", made["id"]);
    let updated = server.put(&path).basic(&USER).json(&body).send().await.expect(200).json();
    assert!(!warned(&updated), "{updated}");
    assert!(warned(&register().await), "the attester is trusted for the other one only");
}

#[tokio::test]
async fn a_client_registers_itself_for_attestations_where_every_client_has_an_attester() {
    let app = AppSettings {
        client_registration: ClientRegistrationSettings {
            mode: RegistrationMode::Open,
            ..ClientRegistrationSettings::default()
        },
        ..Setup::default().app
    };
    let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
    let members = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": METHOD });
    let register = async || server.post("/oauth2/register").json(&members).send().await;
    assert_refused(&register().await, 400, "invalid_client_metadata");
    let attester = trust(&server, &["*"]).await;
    let made = register().await.expect(201).json();
    assert_eq!((&made["token_endpoint_auth_method"], &made["client_secret"]), (&json!(METHOD), &Value::Null));
    let identifier = made["client_id"].as_str().unwrap().to_owned();
    let app = App { client: Client { id: 0, identifier, secret: None }, attester };
    let tokens = app.instance(1).tokens(&server).await;
    assert!(tokens["access_token"].is_string(), "{tokens}");
}

#[tokio::test]
async fn a_client_with_a_document_uses_attestations_where_an_attester_is_trusted_for_its_url() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let client = publish(&host, &json!({ "token_endpoint_auth_method": METHOD }));
    let attester = Issuer { key: ClientKey::new(9), url: "https://attester.example".to_owned() };
    let app = App { client: client.clone(), attester };
    let refused = app.instance(1).post(&server, TOKEN, &[("grant_type", "authorization_code")]).await;
    assert_refused(&refused, 400, "invalid_client");
    trust(&server, &[&client.identifier]).await;
    let tokens = app.instance(1).tokens(&server).await;
    assert!(tokens["access_token"].is_string(), "{tokens}");
    let bare = client.token(&server, &[("grant_type", "authorization_code")]).await;
    assert_refused(&bare, 400, "invalid_client");
}
