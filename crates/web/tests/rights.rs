//! Withdrawn rights: they are gone at once, everywhere, and permanently.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::account::{Permission, USER_ROLE};
use http::{Method, Request};
use http_body::Frame;
use http_body_util::BodyExt;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::{Value, json};
use store::{Audit, AuditFilter};
use testkit::{ADMIN, OTHER, TestServer, TestUser, USER};

const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";

/// Manages users and roles, until the right is withdrawn.
const CLERK: TestUser = TestUser { name: "clerk", password: "stamps and paper, daily" };
const CLERK_MAY: [Permission; 11] = [
    Permission::CreateDataSource,
    Permission::ViewDataSource,
    Permission::ModifyDataSource,
    Permission::UseDataSourceWithOData,
    Permission::WebUI,
    Permission::ChangePassword,
    Permission::MgmtAPI,
    Permission::CreateUsers,
    Permission::ModifyUsers,
    Permission::CreateRole,
    Permission::ModifyRole,
];

fn role(name: &str, permissions: &[Permission]) -> Value {
    let numbers: Vec<i64> = permissions.iter().map(|permission| permission.id()).collect();
    json!({ "name": name, "description": "", "permissions": numbers })
}

/// A body whose last bytes arrive when something else has been done.
struct Late {
    text: String,
    before: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl http_body::Body for Late {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(before) = &mut self.before else { return Poll::Ready(None) };
        std::task::ready!(before.as_mut().poll(context));
        self.before = None;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(std::mem::take(&mut self.text))))))
    }
}

fn request(user: &TestUser, method: &Method, path: &str, body: Body) -> Request<Body> {
    let pair = STANDARD.encode(format!("{}:{}", user.name, user.password));
    let call = Request::builder().method(method).uri(path).header("content-type", "application/json");
    call.header("authorization", format!("Basic {pair}")).body(body).expect("it is a request")
}

/// Sends a request of the clerk; while its body is being sent, an administrator replaces the clerk's role.
async fn send_while_role_changes(
    server: &TestServer,
    method: Method,
    path: &str,
    body: &Value,
    (role_path, weaker): (&str, &Value),
) -> (u16, String) {
    let service = server.service();
    let withdrawal = request(&ADMIN, &Method::PUT, role_path, Body::from(weaker.to_string()));
    let before = Box::pin(async move {
        assert_eq!(service.answer(withdrawal).await.status(), 200);
    });
    let late = Body::new(Late { text: body.to_string(), before: Some(before) });
    let answer = server.service().answer(request(&CLERK, &method, path, late)).await;
    let status = answer.status().as_u16();
    let text = answer.into_body().collect().await.expect("the answer ends").to_bytes();
    (status, String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
async fn an_operation_is_not_written_once_its_rights_are_withdrawn() {
    let server = TestServer::start().await;
    let clerks = server.add_role("clerks", &CLERK_MAY).await;
    server.add_user(&CLERK, &[clerks]).await;
    let file = server.sqlite_file("pier.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let made = json!({ "name": "Own", "redirectUrls": ["https://own.example/cb"] });
    let own = server.post(APPLICATIONS).basic(&CLERK).json(&made).send().await.expect(201).json();
    let role_path = format!("/api/admin/roles/{clerks}");
    let other = format!("/api/admin/users/{}", server.user(&OTHER).await.id);
    let password = json!({ "password": "taken over by the clerk" });
    let source =
        json!({ "name": "pier", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    let everything = role("clerks", &CLERK_MAY);
    let acts = [
        (Method::PUT, role_path.clone(), everything.clone()),
        (Method::POST, "/api/admin/roles".to_owned(), role("another", &CLERK_MAY)),
        (
            Method::POST,
            "/api/admin/users".to_owned(),
            json!({ "userName": "friend", "passwordInfo": password, "permissions": { "roles": [clerks.get()] } }),
        ),
        (Method::PUT, other, json!({ "passwordInfo": password })),
        (Method::POST, APPLICATIONS.to_owned(), made),
        (
            Method::PUT,
            format!("{APPLICATIONS}/{}", own["id"]),
            json!({ "name": "New", "redirectUrls": ["https://own.example/cb"] }),
        ),
        (Method::POST, "/api/mgmt/datasources".to_owned(), source),
    ];
    // Still enough to be admitted, and to see the result.
    let weaker = role("clerks", &[Permission::MgmtAPI]);
    for (method, path, body) in acts {
        server.put(&role_path).basic(&ADMIN).json(&everything).send().await.expect(200);
        let (status, text) =
            send_while_role_changes(&server, method.clone(), &path, &body, (&role_path, &weaker)).await;
        assert!([403, 409].contains(&status), "{method} {path}: {status} {text}");
        let left = server.get(&role_path).basic(&ADMIN).send().await.expect(200).json();
        assert_eq!(left["permissions"], weaker["permissions"], "{method} {path}");
    }
    let users = server.get("/api/admin/users").basic(&ADMIN).send().await.expect(200).text().to_owned();
    assert!(!users.contains("friend"));
    server.get("/api/mgmt/permissions").basic(&OTHER).send().await.expect(200);
    let kept =
        server.get(&format!("{APPLICATIONS}/{}", own["id"])).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(kept["name"], "Own");
}

#[tokio::test]
async fn a_demoted_administrator_cannot_appoint_another() {
    let server = TestServer::start().await;
    let strong = server.add_role("strong", &[Permission::Administrator]).await;
    server.add_user(&CLERK, &[strong]).await;
    let role_path = format!("/api/admin/roles/{strong}");
    let body = json!({
        "userName": "heir", "passwordInfo": { "password": "an heir to the throne" }, "permissions": { "roles": [1] },
    });
    let weaker = role("strong", &[Permission::MgmtAPI, Permission::CreateUsers]);
    let (status, text) =
        send_while_role_changes(&server, Method::POST, "/api/admin/users", &body, (&role_path, &weaker))
            .await;
    assert_eq!(status, 409, "{text}");
    assert!(text.contains("222298025") && text.contains("Your rights changed"), "{text}");
    let filter = AuditFilter { actor_name: Some(CLERK.name.to_owned()), limit: 10, ..AuditFilter::default() };
    let events = server.store().list_audit(filter).await.expect("a database");
    let why = "a right of the caller was withdrawn during the request";
    assert_eq!(events[0].event.detail.as_deref(), Some(why));
}

/// An owner sends the application back unchanged, again and again, while an administrator narrows it.
#[tokio::test]
async fn a_withdrawn_scope_does_not_return_through_concurrent_updates() {
    let server = TestServer::start().await;
    let scopes: ScopeSet = [BuiltInScope::OData, BuiltInScope::Introspect].into_iter().collect();
    let application = server.add_application(&USER, |new| new.scopes = scopes).await;
    let path = format!("{APPLICATIONS}/{}", application.id);
    let wide = json!({
        "name": "Crane", "redirectUrls": ["https://client.example/cb"],
        "scopes": ["api.access.odata", "token.introspect"],
    });
    let narrow = json!({
        "name": "Crane", "redirectUrls": ["https://client.example/cb"], "scopes": ["api.access.odata"],
    });
    server.put(&path).basic(&USER).json(&wide).send().await.expect(200);
    let service = server.service();
    let withdrawal = request(&ADMIN, &Method::PUT, &path, Body::from(narrow.to_string()));
    let before = Box::pin(async move {
        assert_eq!(service.answer(withdrawal).await.status(), 200);
    });
    let late = Body::new(Late { text: wide.to_string(), before: Some(before) });
    let answer = server.service().answer(request(&USER, &Method::PUT, &path, late)).await;
    assert_eq!(answer.status(), 400, "what is not there any more cannot be kept");
    server.put(&path).basic(&USER).json(&wide).send().await.expect(400);
    let kept = server.get(&path).basic(&USER).send().await.expect(200).json();
    assert_eq!(kept["scopes"], json!(["api.access.odata"]));
}

#[tokio::test]
async fn a_withdrawn_scope_is_removed_from_every_token_at_once() {
    let server = TestServer::start().await;
    let all: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let application = server.add_application(&USER, |new| new.scopes = all.clone()).await;
    let token = server.access_token(&USER, application.id, all).await;
    let (managed, data) = ("/api/mgmt/permissions", "/api/odata4");
    server.get(managed).bearer(&token).send().await.expect(200);
    server.get(data).bearer(&token).send().await.expect(200);
    let with = |scopes: &[&str]| json!({ "name": "Crane", "redirectUrls": ["https://client.example/cb"], "scopes": scopes });
    let put = async |body: Value| {
        let path = format!("{APPLICATIONS}/{}", application.id);
        server.put(&path).basic(&ADMIN).json(&body).send().await.expect(200);
    };
    put(with(&["api.access.odata"])).await;
    server.get(managed).bearer(&token).send().await.expect(403);
    server.get(data).bearer(&token).send().await.expect(200);
    put(with(&["api.mgmt"])).await;
    server.get(managed).bearer(&token).send().await.expect(200);
    let refused = server.get(data).bearer(&token).send().await.expect(403);
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
    server.delete(&format!("{APPLICATIONS}/{}", application.id)).basic(&ADMIN).send().await.expect(204);
    server.get(managed).bearer(&token).send().await.expect(401);
}

#[tokio::test]
async fn nothing_is_written_if_the_scope_is_withdrawn_before_the_body_arrives() {
    let server = TestServer::start().await;
    let all: ScopeSet = [BuiltInScope::OData, BuiltInScope::Management].into_iter().collect();
    let application = server.add_application(&USER, |new| new.scopes = all.clone()).await;
    let token = server.access_token(&USER, application.id, all).await;
    let narrow = json!({
        "name": "Crane", "redirectUrls": ["https://client.example/cb"], "scopes": ["api.access.odata"],
    });
    let path = format!("{APPLICATIONS}/{}", application.id);
    let service = server.service();
    let withdrawal = request(&ADMIN, &Method::PUT, &path, Body::from(narrow.to_string()));
    let before = Box::pin(async move {
        assert_eq!(service.answer(withdrawal).await.status(), 200);
    });
    let text = json!({ "name": "Late", "redirectUrls": ["https://late.example/cb"] }).to_string();
    let late = Body::new(Late { text, before: Some(before) });
    let call = Request::post(APPLICATIONS).header("content-type", "application/json");
    let call = call.header("authorization", format!("Bearer {token}")).body(late).unwrap();
    assert_eq!(server.service().answer(call).await.status(), 409);
    let listed = server.get(APPLICATIONS).basic(&USER).send().await.expect(200).text().to_owned();
    assert!(!listed.contains("Late"));
}

#[tokio::test]
async fn nothing_is_written_if_the_credential_is_revoked_before_the_body_arrives() {
    let server = TestServer::start().await;
    let scopes = ScopeSet::from(BuiltInScope::Management);
    let application = server.add_application(&USER, |new| new.scopes = scopes.clone()).await.id;
    let token = server.access_token(&USER, application, scopes).await;
    let service = server.service();
    let revocation = json!({ "application": application.get() }).to_string();
    let revocation = request(&ADMIN, &Method::POST, "/api/admin/revocations", Body::from(revocation));
    let before = Box::pin(async move {
        assert_eq!(service.answer(revocation).await.status(), 204);
    });
    let text = json!({ "name": "Late", "redirectUrls": ["https://late.example/cb"] }).to_string();
    let late = Body::new(Late { text, before: Some(before) });
    let call = Request::post(APPLICATIONS).header("content-type", "application/json");
    let call = call.header("authorization", format!("Bearer {token}")).body(late).unwrap();
    assert_eq!(server.service().answer(call).await.status(), 409);
    let listed = server.get(APPLICATIONS).basic(&USER).send().await.expect(200).text().to_owned();
    assert!(!listed.contains("Late"));
}

#[tokio::test]
async fn deleting_an_owner_lists_what_they_own() {
    let server = TestServer::start().await;
    for name in ["Crane", "Winch"] {
        server.add_application(&USER, |new| new.name = name.to_owned()).await;
    }
    let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
    let refused = server.delete(&path).basic(&ADMIN).send().await.expect(409).json();
    let message = refused["error"]["message"]["value"].as_str().unwrap();
    for said in ["2 applications (\"Crane\", \"Winch\")", "?transferTo=NAME", "?force=true"] {
        assert!(message.contains(said), "{said} is missing in {message}");
    }
    for wrong in ["?transferto=other", "?force=yes", "?force=true&transferTo=other", "?transferTo=nobody"] {
        server.delete(&format!("{path}{wrong}")).basic(&ADMIN).send().await.expect(400);
    }
    let own = format!("{path}?transferTo={}", USER.name);
    server.delete(&own).basic(&ADMIN).send().await.expect(400);
    server.get("/api/mgmt/permissions").basic(&USER).send().await.expect(200);
}

#[tokio::test]
async fn possessions_of_a_deleted_user_are_handed_over_with_their_tokens() {
    let server = TestServer::start().await;
    let application = server.add_application(&USER, |_| {}).await;
    let of_owner = server.access_token(&USER, application.id, BuiltInScope::OData.into()).await;
    let of_other = server.access_token(&OTHER, application.id, BuiltInScope::OData.into()).await;
    let path = format!("/api/admin/users/{}?transferTo=OTHER", server.user(&USER).await.id);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.get("/api/odata4").bearer(&of_owner).send().await.expect(401);
    server.get("/api/odata4").bearer(&of_other).send().await.expect(200);
    let shown = server.get(&format!("{APPLICATIONS}/{}", application.id)).basic(&OTHER).send().await;
    let shown = shown.expect(200).json();
    assert_eq!((&shown["createdBy"], &shown["handedOverTo"]), (&json!("d2cuser"), &json!("other")));
    assert!(shown["handedOverAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{shown}");
    // The result of a read can be sent back.
    let path = format!("{APPLICATIONS}/{}", application.id);
    let updated = server.put(&path).basic(&OTHER).json(&shown).send().await.expect(200).json();
    assert_eq!(
        (&updated["createdBy"], &updated["handedOverAt"]),
        (&shown["createdBy"], &shown["handedOverAt"])
    );
}

#[tokio::test]
async fn possessions_are_handed_over_only_to_a_user_who_can_use_them() {
    let server = TestServer::start().await;
    let file = server.sqlite_file("pier.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let source =
        json!({ "name": "pier", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    let managers = server.add_role("managers", &[Permission::MgmtAPI]).await;
    server.add_user(&CLERK, &[managers]).await;
    let path = format!("/api/admin/users/{}?transferTo=clerk", server.user(&USER).await.id);
    let refused = server.delete(&path).basic(&ADMIN).send().await.expect(400);
    assert_eq!(refused.faulty_fields(), ["transferTo"]);
    for lacking in ["ViewDataSource", "UseDataSourceWithOData"] {
        assert!(refused.text().contains(lacking), "{}", refused.text());
    }
    assert!(!refused.text().contains("MgmtAPI"), "that one the clerk has: {}", refused.text());
    server.get("/api/odata4/pier/T").basic(&USER).send().await.expect(200);
    let readers = [Permission::ViewDataSource, Permission::UseDataSourceWithOData];
    let readers = server.add_role("readers", &readers).await;
    let roles = json!({ "permissions": { "roles": [managers.get(), readers.get()] } });
    let clerk = format!("/api/admin/users/{}", server.user(&CLERK).await.id);
    server.put(&clerk).basic(&ADMIN).json(&roles).send().await.expect(200);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.get("/api/odata4/pier/T").basic(&CLERK).send().await.expect(200);
}

#[tokio::test]
async fn deleting_the_possessions_of_a_user_revokes_their_tokens() {
    let server = TestServer::start().await;
    let file = server.sqlite_file("pier.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let source =
        json!({ "name": "pier", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    let application = server.add_application(&USER, |_| {}).await;
    let of_other = server.access_token(&OTHER, application.id, BuiltInScope::OData.into()).await;
    let path = format!("/api/admin/users/{}?force=true", server.user(&USER).await.id);
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.get("/api/odata4").bearer(&of_other).send().await.expect(401);
    let sources = server.get("/api/mgmt/datasources").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(sources["dataSources"], json!([]));
}

#[tokio::test]
async fn only_an_administrator_disposes_of_possessions_of_others() {
    let server = TestServer::start().await;
    let mut may = CLERK_MAY.to_vec();
    may.extend([Permission::DeleteUsers, Permission::DeleteDataSource, Permission::OAuth]);
    let clerks = server.add_role("clerks", &may).await;
    server.add_user(&CLERK, &[clerks]).await;
    server.add_application(&USER, |_| {}).await;
    let path = format!("/api/admin/users/{}", server.user(&USER).await.id);
    server.delete(&path).basic(&CLERK).send().await.expect(409);
    for more in ["?force=true", "?transferTo=clerk"] {
        server.delete(&format!("{path}{more}")).basic(&CLERK).send().await.expect(403);
    }
    let unowned = server.user(&OTHER).await;
    assert_eq!(unowned.roles, [USER_ROLE]);
    server.delete(&format!("/api/admin/users/{}", unowned.id)).basic(&CLERK).send().await.expect(204);
}

#[tokio::test]
async fn only_confidential_applications_get_the_password_grant_and_a_warning_if_they_name_it() {
    let server = TestServer::start().await;
    let register = async |more: Value, status: u16| {
        let mut body = json!({ "name": "Crane", "redirectUrls": ["https://client.example/cb"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(status).json()
    };
    let confidential = register(json!({}), 201).await;
    assert_eq!(confidential["grantTypes"], json!(["authorization_code", "refresh_token", "password"]));
    assert!(confidential.get("warnings").is_none(), "nobody asked for it");
    let named = register(json!({ "grantTypes": ["authorization_code", "password"] }), 201).await;
    assert!(named["warnings"][0].as_str().unwrap().starts_with("grantTypes holds password"));
    let without = register(json!({ "grantTypes": ["authorization_code"] }), 201).await;
    assert!(without.get("warnings").is_none());
    let public = register(json!({ "clientType": "public" }), 201).await;
    assert_eq!(public["grantTypes"], json!(["authorization_code", "refresh_token"]));
    register(json!({ "clientType": "public", "grantTypes": ["password"] }), 400).await;
    // An application that was registered before the rule is no exception.
    let grant_types =
        vec![oauth::application::GrantType::AuthorizationCode, oauth::application::GrantType::Password];
    let old = server.add_application(&USER, |new| new.grant_types = grant_types).await;
    let fields = [
        ("client_id", old.client_id.as_str()),
        ("grant_type", "password"),
        ("username", USER.name),
        ("password", USER.password),
    ];
    let refused = server.post("/oauth2/token").form(&fields).send().await.expect(400).json();
    assert_eq!(refused["error"], "unauthorized_client");
    let path = format!("{APPLICATIONS}/{}", old.id);
    let body = json!({ "name": "Crane", "redirectUrls": ["https://client.example/cb"] });
    let updated = server.put(&path).basic(&USER).json(&body).send().await.expect(200).json();
    assert_eq!(updated["grantTypes"], json!(["authorization_code"]));
}
