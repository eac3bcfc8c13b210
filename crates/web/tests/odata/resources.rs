//! Tokens that are limited to data sources ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)).

use serde_json::{Value, json};
use testkit::{Answer, USER};

use crate::fixture::{Fixture, ROOT, code};

/// A token of the password grant for this resource.
async fn token(fixture: &Fixture, resource: &str) -> String {
    let body = json!({ "name": "Reports", "redirectUrls": ["https://client.example/cb"], "grantTypes": ["password"] });
    let path = "/api/mgmt/oauth/client/applications";
    let made = fixture.server.post(path).basic(&USER).json(&body).send().await.expect(201).json();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let (client_id, secret) = (text("clientId"), text("clientSecret"));
    let fields = [
        ("grant_type", "password"),
        ("username", USER.name),
        ("password", USER.password),
        ("client_id", client_id.as_str()),
        ("client_secret", secret.as_str()),
        ("resource", resource),
    ];
    let answer = fixture.server.post("/oauth2/token").form(&fields).send().await.expect(200).json();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_that_is_limited_to_one_source_cannot_read_another() {
    let fixture = Fixture::open().await;
    fixture.add_source("Other", "CREATE TABLE \"Ports\" (\"Id\" INTEGER PRIMARY KEY)").await;
    let token = token(&fixture, "http://127.0.0.1:8080/api/odata4/harbour/").await;
    let get = async |path: &str| -> Answer { fixture.server.get(path).bearer(&token).send().await };
    get(ROOT).await.expect(200);
    get("/api/odata4/HARBOUR/Ships").await.expect(200);
    for path in ["/api/odata4/Other", "/api/odata4/Other/Ports", "/api/odata4/nothing/Ports"] {
        let refused = get(path).await.expect(401);
        assert_eq!(code(&refused), "NotAuthenticated", "{path}");
        assert!(refused.text().contains("limited to other resources"), "{path}: {}", refused.text());
        assert!(refused.header("www-authenticate").contains("invalid_token"), "{path}");
    }
    let listed: Vec<Value> = get("/api/odata4").await.expect(200).json()["value"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 1, "{listed:?}");
}
