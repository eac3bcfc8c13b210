//! Requests around registration: without a token, with two, with addresses for people, and in a request for authorization.

use app::protocol::client_registration::{ClientRegistrationSettings, RegistrationMode};
use serde_json::json;
use testkit::host::TestHost;
use testkit::{Answer, TestServer, USER};

use crate::client::{Client, S256, allow, parameter};
use crate::client_documents::publish;
use crate::client_registration::{REGISTER, applications, members, start_with};

async fn server(mode: RegistrationMode) -> TestServer {
    start_with(ClientRegistrationSettings { mode, ..ClientRegistrationSettings::default() }).await
}

/// Asserts that the answer asks for a token and says nothing else.
fn assert_asks_for_a_token(answer: &Answer, what: &str) {
    assert_eq!((answer.status(), answer.text()), (401, ""), "{what}");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer ") && !challenge.contains("error"), "{what}: {challenge}");
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
}

#[tokio::test]
async fn every_endpoint_for_a_bearer_token_asks_for_one_in_the_same_way() {
    let server = server(RegistrationMode::InitialAccessToken).await;
    let body = members(&json!({}));
    let path = format!("{REGISTER}/{}", uuid());
    for (what, call) in [
        ("register", server.post(REGISTER).json(&body)),
        ("read", server.get(&path)),
        ("replace", server.put(&path).json(&body)),
        ("delete", server.delete(&path)),
        ("userinfo", server.get("/oauth2/userinfo")),
    ] {
        assert_asks_for_a_token(&call.send().await, what);
    }
}

#[tokio::test]
async fn two_authorization_headers_are_an_invalid_request_at_every_endpoint_for_a_bearer_token() {
    let server = server(RegistrationMode::Open).await;
    let body = members(&json!({}));
    let response = server.post(REGISTER).json(&body).send().await.expect(201).json();
    let token = response["registration_access_token"].as_str().unwrap();
    let path = format!("{REGISTER}/{}", response["client_id"].as_str().unwrap());
    for call in [
        server.post(REGISTER).json(&body),
        server.get(&path),
        server.put(&path).json(&body),
        server.delete(&path),
        server.get("/oauth2/userinfo"),
    ] {
        let refused = call.bearer(token).bearer(token).send().await.expect(400);
        assert_eq!(refused.json()["error"], "invalid_request");
    }
    assert_eq!(applications(&server).await.len(), 1);
    server.get(&path).bearer(token).send().await.expect(200);
}

fn uuid() -> &'static str {
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
}

#[tokio::test]
async fn the_consent_page_shows_the_pages_of_a_client_that_registered_itself_without_linking_to_them() {
    let server = server(RegistrationMode::Open).await;
    let pages = json!({
        "client_uri": "https://agent.example/", "tos_uri": "https://agent.example/terms",
        "policy_uri": "https://agent.example/privacy?a=1&b=2",
    });
    let response = server.post(REGISTER).json(&members(&pages)).send().await.expect(201).json();
    for (name, value) in pages.as_object().unwrap() {
        assert_eq!(&response[name], value);
    }
    let client =
        Client { id: 0, identifier: response["client_id"].as_str().unwrap().to_owned(), secret: None };
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&S256)).await.expect(200);
    let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
    let said = page.split("<section class=\"said\"").nth(1).unwrap().split("</section>").next().unwrap();
    for part in ["Web site", "https://agent.example/terms", "Privacy policy", "privacy?a=1&#38;b=2"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(!said.contains("href"), "{said}");
}

#[tokio::test]
async fn the_consent_page_shows_the_pages_in_the_document_of_a_client() {
    let (server, host) = (TestServer::start().await, TestHost::start().await);
    let pages = json!({ "client_uri": "https://agent.example/", "tos_uri": "javascript:alert(1)" });
    let client = publish(&host, &pages);
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&S256)).await.expect(200);
    let page = browser.sign_in(&USER).await.expect(200).text().to_owned();
    let said = page.split("<section class=\"said\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(said.contains("https://agent.example/") && !page.contains("javascript:"), "{said}");
}

#[tokio::test]
async fn a_client_cannot_register_within_its_request() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let registration = r#"{"client_name":"Agent","redirect_uris":["https://evil.example/"]}"#;
    let url = client.authorize_url(&[("registration", registration), ("state", "s")]);
    let answer = allow(&mut server.browser(), &USER, &url).await;
    assert_eq!(parameter(&answer, "error").as_deref(), Some("registration_not_supported"));
    assert_eq!(parameter(&answer, "state").as_deref(), Some("s"));
    assert!(answer.location().starts_with("https://client.example/cb?"), "{}", answer.location());
    let pushed = [
        ("response_type", "code"),
        ("redirect_uri", crate::client::CALLBACK),
        ("registration", registration),
    ];
    let refused = client.post(&server, "/oauth2/par", &pushed).await.expect(400).json();
    assert_eq!(refused["error"], "registration_not_supported");
}
