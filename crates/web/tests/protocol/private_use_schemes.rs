//! Redirect URIs with private-use schemes without a dot, as editors with AI agents have them.

use app::AppSettings;
use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use oauth::redirect::PrivateUseScheme;
use serde_json::{Value, json};
use testkit::host::TestHost;
use testkit::{Answer, Setup, TestServer, USER};
use url::form_urlencoded::Serializer;

use crate::client::{APPLICATIONS, CALLBACK, Client, S256, TOKEN, Tokens, VERIFIER, allow, parameter};
use crate::client_documents::publish;
use crate::client_registration::{REGISTER, applications};

const CURSOR: &str = "cursor://anysphere.cursor-mcp/oauth/callback";

/// The registration of the editor Cursor, with the type that its library gives every client.
const CURSOR_REGISTRATION: &str = r#"{"redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"Cursor","application_type":"web"}"#;

/// A server where anybody may register clients with these schemes.
async fn server(private_use_schemes: Vec<PrivateUseScheme>) -> TestServer {
    let mut setup = Setup::default();
    let mode = RegistrationMode::Open;
    let client_registration = ClientRegistrationSettings { mode, ..ClientRegistrationSettings::default() };
    setup.app = AppSettings { client_registration, private_use_schemes, ..setup.app };
    TestServer::start_with(setup).await
}

async fn send(server: &TestServer, body: &str) -> Answer {
    server.post(REGISTER).body("application/json", body).send().await
}

/// The address of an authorization request that returns to this URI.
fn authorize(client: &Client, redirect_uri: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("response_type", "code").append_pair("client_id", &client.identifier);
    query.append_pair("redirect_uri", redirect_uri).append_pair("state", "s");
    format!("/oauth2/authorize?{}", query.extend_pairs(S256).finish())
}

#[tokio::test]
async fn an_editor_registers_with_its_private_use_scheme_and_gets_tokens_there() {
    let server = server(PrivateUseScheme::known()).await;
    let sent: Value = serde_json::from_str(CURSOR_REGISTRATION).unwrap();
    let response = send(&server, CURSOR_REGISTRATION).await.expect(201).json();
    assert_eq!(response["application_type"], "native", "the answer says what the server made of it");
    for member in ["redirect_uris", "token_endpoint_auth_method", "grant_types", "client_name"] {
        assert_eq!(response[member], sent[member], "{member}");
    }
    let identifier = response["client_id"].as_str().unwrap().to_owned();
    let client = Client { id: 0, identifier, secret: None };
    for uri in sent["redirect_uris"].as_array().unwrap() {
        let uri = uri.as_str().unwrap();
        let mut browser = server.browser();
        let answer = allow(&mut browser, &USER, &authorize(&client, uri)).await;
        assert_eq!(answer.location().split('?').next(), Some(uri));
        let code = parameter(&answer, "code").unwrap();
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &client.identifier),
            ("code", &code),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
        ];
        let without = server.post(TOKEN).form(&fields[..4]).send().await.expect(400).json();
        assert_eq!(without["error"], "invalid_grant", "whoever took the redirect has no verifier");
        let code = parameter(&allow(&mut browser, &USER, &authorize(&client, uri)).await, "code").unwrap();
        let fields = fields.map(|(name, value)| (name, if name == "code" { code.as_str() } else { value }));
        let tokens = Tokens::of(&server.post(TOKEN).form(&fields).send().await);
        server.get("/api/odata4/").bearer(&tokens.access).send().await.expect(200);
    }
}

#[tokio::test]
async fn the_consent_page_says_that_an_application_on_the_device_gets_the_answer() {
    let server = server(PrivateUseScheme::known()).await;
    let response = send(&server, CURSOR_REGISTRATION).await.expect(201).json();
    let identifier = response["client_id"].as_str().unwrap().to_owned();
    let client = Client { id: 0, identifier, secret: None };
    let mut browser = server.browser();
    browser.get(&authorize(&client, CURSOR)).await.expect(200);
    let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
    assert!(page.contains("an app on this device that answers to"), "{page}");
    assert!(
        page.contains("<code id=\"destination\">cursor:</code>") && page.contains("id=\"caution\""),
        "{page}"
    );
    for other in ["cursor://anysphere.cursor-mcp/oauth/other", "cursor://other/oauth/callback", "vscode://cb"]
    {
        let refused = server.get(&authorize(&client, other)).send().await.expect(400);
        assert!(refused.headers().get("location").is_none(), "{other}");
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_listed_is_refused_in_each_way_of_registering() {
    let host = TestHost::start().await;
    for (schemes, is_listed) in [(Vec::new(), false), (PrivateUseScheme::known(), true)] {
        let server = server(schemes).await;
        let answer = send(&server, CURSOR_REGISTRATION).await.expect(if is_listed { 201 } else { 400 });
        assert_eq!(answer.json()["error"] == "invalid_redirect_uri", !is_listed);
        let body = json!({ "name": "Cursor", "redirectUrls": [CURSOR, CALLBACK], "clientType": "public" });
        let answer = server.post(APPLICATIONS).basic(&USER).json(&body).send().await;
        assert_eq!(answer.status(), if is_listed { 201 } else { 400 }, "{}", answer.text());
        let client = publish(&host, &json!({ "redirect_uris": [CURSOR, CALLBACK] }));
        let mut browser = server.browser();
        let answer = browser.get(&authorize(&client, CURSOR)).await;
        assert_eq!(answer.status(), if is_listed { 200 } else { 400 }, "{}", answer.text());
        server.browser().get(&authorize(&client, CALLBACK)).await.expect(200);
    }
}

#[tokio::test]
async fn a_confidential_application_has_no_private_use_scheme_without_a_dot() {
    let server = server(PrivateUseScheme::known()).await;
    let mut sent: Value = serde_json::from_str(CURSOR_REGISTRATION).unwrap();
    sent["token_endpoint_auth_method"] = "client_secret_post".into();
    let refused = send(&server, &sent.to_string()).await.expect(400).json();
    assert_eq!(refused["error"], "invalid_redirect_uri");
    let body = json!({ "name": "Cursor", "redirectUrls": [CURSOR] });
    let refused = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
    assert_eq!(refused.faulty_fields(), ["redirectUrls[0]"], "{}", refused.text());
    assert!(applications(&server).await.is_empty());
}
