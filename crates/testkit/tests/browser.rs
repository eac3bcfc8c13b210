//! The browser works with our pages like a person.

use domain::id::ApplicationId;
use serde_json::json;
use testkit::{OTHER, TestServer, USER};

#[tokio::test]
async fn a_user_signs_in_allows_and_is_redirected_to_the_application() {
    let server = TestServer::start().await;
    let body = json!({ "name": "Tides", "redirectUrls": ["https://tides.example/cb"] });
    let made = server.post("/api/mgmt/oauth/client/applications").basic(&USER).json(&body).send().await;
    let made = made.expect(201).json();
    let client = made["clientId"].as_str().expect("a client id");
    let address = format!("/oauth2/authorize?response_type=code&client_id={client}&state=s1");

    let mut browser = server.browser();
    browser.get(&address).await.expect(200);
    browser.sign_in(&OTHER).await.expect(200);
    assert!(browser.cookie("sluicegate").is_some());
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let called = browser.submit(form).await;
    assert!(called.location().starts_with("https://tides.example/cb?"), "{}", called.location());
    assert!(called.location().contains("state=s1") && called.location().contains("code=sgc_"));

    let id = ApplicationId::new(made["id"].as_i64().expect("an id"));
    let events = server.audit_of(id).await;
    assert!(events.iter().any(|event| event.action.as_str() == "consent.allow"));
}
