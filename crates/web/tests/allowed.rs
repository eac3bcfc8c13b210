//! Tests of operations 7 and 8: the applications that the caller has allowed.

use domain::id::ApplicationId;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::json;
use testkit::{ADMIN, OTHER, TestServer, TestUser, USER};

const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";

async fn register(server: &TestServer, user: &TestUser, name: &str) -> ApplicationId {
    let body = json!({ "name": name, "redirectUrls": ["https://app.example/cb"] });
    let made = server.post("/api/mgmt/oauth/client/applications").basic(user).json(&body).send().await;
    ApplicationId::new(made.expect(201).json()["id"].as_i64().expect("an id"))
}

async fn allowed(server: &TestServer, user: &TestUser) -> serde_json::Value {
    server.get(ALLOWED).basic(user).send().await.expect(200).json()["applications"].clone()
}

#[tokio::test]
async fn the_list_contains_id_name_and_scopes_of_the_callers_own_applications() {
    let server = TestServer::start().await;
    let id = register(&server, &OTHER, "theirs").await;
    assert_eq!(allowed(&server, &USER).await, json!([]));
    server.allow(&USER, id, ScopeSet::from(BuiltInScope::OData)).await;
    let expected = json!([{
        "id": id.get(), "name": "theirs", "scopes": ["api.access.odata"], "laterDataSources": true,
    }]);
    assert_eq!(allowed(&server, &USER).await, expected);
    assert_eq!(allowed(&server, &OTHER).await, json!([]), "who registered it has not allowed it");
    assert_eq!(allowed(&server, &ADMIN).await, json!([]), "an administrator sees own allowances");
}

#[tokio::test]
async fn revoking_affects_only_the_caller() {
    let server = TestServer::start().await;
    let id = register(&server, &USER, "a").await;
    for user in [&USER, &OTHER] {
        server.allow(user, id, ScopeSet::from(BuiltInScope::OData)).await;
    }
    let path = format!("{ALLOWED}/{id}");
    let answer = server.delete(&path).basic(&OTHER).send().await.expect(204);
    assert!(answer.bytes().is_empty());
    assert_eq!(allowed(&server, &OTHER).await, json!([]));
    assert_eq!(allowed(&server, &USER).await.as_array().unwrap().len(), 1);
    server.delete(&path).basic(&OTHER).send().await.expect(404);
    let events = server.audit_of(id).await;
    let revoked: Vec<_> = events.iter().filter(|event| event.action.as_str() == "consent.revoke").collect();
    assert_eq!(revoked.len(), 1, "the second attempt changed nothing");
    assert_eq!(revoked[0].actor_name.as_deref(), Some("other"));
}

#[tokio::test]
async fn an_application_that_was_not_allowed_looks_like_an_unknown_one() {
    let server = TestServer::start().await;
    let id = register(&server, &USER, "a").await;
    let never = server.delete(&format!("{ALLOWED}/{id}")).basic(&USER).send().await.expect(404);
    let unknown = server.delete(&format!("{ALLOWED}/424242")).basic(&USER).send().await.expect(404);
    let no_id = server.delete(&format!("{ALLOWED}/abc")).basic(&USER).send().await.expect(404);
    assert_eq!((never.bytes(), never.bytes()), (unknown.bytes(), no_id.bytes()));
}

#[tokio::test]
async fn an_administrator_lists_and_revokes_what_another_user_has_allowed() {
    let server = TestServer::start().await;
    let id = register(&server, &USER, "a").await;
    server.allow(&OTHER, id, ScopeSet::from(BuiltInScope::OData)).await;
    let list = server.get(&format!("{ALLOWED}?user=other")).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(list["applications"].as_array().unwrap().len(), 1);
    server.delete(&format!("{ALLOWED}/{id}?user=other")).basic(&USER).send().await.expect(403);
    server.delete(&format!("{ALLOWED}/{id}?user=other")).basic(&ADMIN).send().await.expect(204);
    assert_eq!(allowed(&server, &OTHER).await, json!([]));
}
