//! Lists: every one accepts `limit`, `after` and `query`, and none is kept in memory as a whole.

use app::node::clock::Clock as _;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::account::one_time_link::LinkPurpose;
use domain::account::{ADMINISTRATOR_ROLE, Permission, USER_ROLE};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::UserId;
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use http::Request;
use http_body_util::BodyExt;
use oauth::scope::BuiltInScope;
use serde_json::{Value, json};
use store::{NewLink, NewOneTimeLink, NewUser, OneTimeLinks as _, UserChange, Users};
use testkit::{ADMIN, OTHER, TestServer, TestUser, USER};

const AT: Timestamp = Timestamp::from_secs(1_767_268_800);

fn event(action: Action) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, AT)
}

async fn add_users(server: &TestServer, count: usize) {
    for n in 0..count {
        let new = NewUser {
            name: format!("crew{n}"),
            password: PasswordHash::new("$argon2id$none"),
            active: true,
            password_expires_at: None,
            roles: vec![USER_ROLE],
            attributes: domain::account::attributes::UserAttributes::default(),
            at: AT,
        };
        let made = server.store().insert_user(new, event(Action::CreateUser)).await;
        made.expect("the store answers").expect("the name is free");
    }
}

/// Gives the first user a link for each purpose.
async fn add_links(server: &TestServer) {
    let user = server.store().find_user(UserId::new(1)).await.expect("the store answers").expect("a user");
    for (number, purpose) in (1..).zip([LinkPurpose::Invitation, LinkPurpose::Reset, LinkPurpose::Forgotten])
    {
        let link = NewLink {
            purpose,
            digest: Digest::from_bytes([number; 32]),
            sent_to: None,
            continue_to: None,
            mail: None,
            expires_at: server.clock().now().plus_secs(3_600),
        };
        let new = NewOneTimeLink { user: user.id, user_epoch: user.epoch, link, unless_since: None };
        let made = server.store().insert_one_time_link(new, event(Action::CreateOneTimeLink)).await;
        made.expect("the store answers").expect("it is made");
    }
}

fn basic(user: &TestUser) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", user.name, user.password)))
}

async fn begin(server: &TestServer, path: &str, user: &TestUser) -> axum::response::Response {
    let call = Request::get(path).header("authorization", basic(user)).body(Body::empty());
    let call = call.expect("it is a request");
    server.service().answer(call).await
}

/// A server with three elements in every list; the middle one is called "Middle" if the test can name it.
async fn furnished() -> (TestServer, Vec<(String, &'static str, &'static str)>) {
    let server = TestServer::start().await;
    let names = ["First", "Middle", "Last"];
    for name in names {
        server.add_role(name, &[]).await;
        let application = server.add_application(&ADMIN, |new| name.clone_into(&mut new.name)).await;
        server.allow(&ADMIN, application.id, BuiltInScope::OData.into()).await;
        let api = json!({ "identifier": format!("https://{name}.example"), "name": name });
        server.post("/api/admin/resourceservers").basic(&ADMIN).json(&api).send().await.expect(201);
        let issuer = json!({
            "issuer": format!("https://{}.example", name.to_lowercase()),
            "purposes": ["identity_assertion"], "clients": ["*"], "subjectIs": "email", "subjectClaim": "email",
        });
        server.post("/api/admin/trustedissuers").basic(&ADMIN).json(&issuer).send().await.expect(201);
        let token = json!({ "description": name });
        server.post("/api/admin/initialaccesstokens").basic(&ADMIN).json(&token).send().await.expect(201);
        let file = server.sqlite_file(&format!("{name}.db"), "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
        let source =
            json!({ "name": name, "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
        server.post("/api/mgmt/datasources").basic(&ADMIN).json(&source).send().await.expect(201);
    }
    let mut browser = server.browser();
    browser.get("/account/tokens").await;
    browser.sign_in(&ADMIN).await.expect(200);
    for name in names {
        browser.get("/account/tokens/new").await.expect(200);
        let form = browser.form_with_button("token-submit").fill("name", name).press("token-submit");
        browser.submit(form).await.expect(200);
    }
    for _ in 0..2 {
        let mut browser = server.browser();
        browser.call_itself("Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0");
        browser.get("/account").await;
        browser.sign_in(&ADMIN).await.expect(200);
    }
    add_links(&server).await;
    let trusted = ["first", "middle", "last"];
    let trusted = trusted.map(|name| json!({ "domain": format!("https://{name}.example.org") }));
    let trusted = json!({ "whitelist": trusted });
    server.post("/api/admin/security/cors/whitelist").basic(&ADMIN).json(&trusted).send().await.expect(201);
    let shared = json!({ "sharedUsers": [{ "userName": USER.name }, { "userName": OTHER.name }] });
    server.put("/api/mgmt/datasources/1/sharedUsers").basic(&ADMIN).json(&shared).send().await.expect(200);
    let lists = [
        ("/api/mgmt/oauth/client/applications", "applications", "MIDDLE"),
        ("/api/mgmt/oauth/client/allowedapplications", "applications", "middle"),
        ("/api/admin/users", "users", "OTHER"),
        ("/api/admin/users/1/sessions", "sessions", "FIREFOX"),
        ("/api/admin/users/1/onetimelinks", "oneTimeLinks", "RESET"),
        ("/api/admin/roles", "roles", "midd"),
        ("/api/mgmt/datasources", "dataSources", "iddle"),
        ("/api/mgmt/datasources/1/sharedUsers", "sharedUsers", "othe"),
        ("/api/admin/audit", "events", "Middle"),
        ("/api/admin/permissions", "permissions", "webui"),
        ("/api/mgmt/permissions", "permissions", "administrator"),
        ("/api/mgmt/datastores", "dataStores", "sqlite"),
        ("/api/admin/resourceservers", "resourceServers", "MIDDLE"),
        ("/api/admin/resourceservers/1/scopes", "scopes", "introspect"),
        ("/api/admin/limits", "limits", "cors"),
        ("/api/admin/limits/system", "limits", "cors"),
        ("/api/admin/security/cors/whitelist", "whitelist", "MIDDLE.example"),
        ("/api/admin/initialaccesstokens", "initialAccessTokens", "MIDDLE"),
        ("/api/admin/trustedissuers", "trustedIssuers", "MIDDLE.example"),
        ("/api/mgmt/personalaccesstokens", "personalAccessTokens", "MIDDLE"),
    ];
    (server, lists.into_iter().map(|(path, member, query)| (path.to_owned(), member, query)).collect())
}

async fn elements(server: &TestServer, path: &str, member: &str) -> Vec<Value> {
    let answer = server.get(path).basic(&ADMIN).send().await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json", "{path}");
    answer.json()[member].as_array().unwrap_or_else(|| panic!("{path}: {}", answer.text())).clone()
}

fn id(element: &Value) -> i64 {
    element["id"].as_i64().or_else(|| element["userId"].as_i64()).expect("every element has an id")
}

#[tokio::test]
async fn every_list_supports_limit_after_and_query() {
    let (server, lists) = furnished().await;
    for (path, member, query) in &lists {
        // The log grows with each request, so the test uses a part that does not change.
        let bound = if *member == "events" { "?until=2999-01-01T00:00:00Z&limit=1000" } else { "" };
        let all = elements(&server, &format!("{path}{bound}"), member).await;
        assert!(!all.is_empty(), "{path}");
        let first = elements(&server, &format!("{path}?limit=1"), member).await;
        assert_eq!(first, all[..1], "{path}");
        let rest = elements(&server, &format!("{path}?limit=1000&after={}", id(&all[0])), member).await;
        assert_eq!(rest, all[1..], "{path}");
        let found = elements(&server, &format!("{path}?query={query}"), member).await;
        assert!(!found.is_empty() && found.len() <= all.len(), "{path}: {found:?}");
        let none = elements(&server, &format!("{path}?query=nothing-is-called-so"), member).await;
        assert_eq!(none, Vec::<Value>::new(), "{path}");
        for wrong in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "after=x",
            "after=-1",
            "Limit=1",
            "offset=3",
            "limit=1&limit=2",
        ] {
            let refused = server.get(&format!("{path}?{wrong}")).basic(&ADMIN).send().await.expect(400);
            assert_eq!(refused.error_code(), 222_298_002, "{path}?{wrong}");
        }
    }
}

/// Paths below these that GET can read but that are not lists.
const NO_LISTS: [&str; 9] = [
    "/api/admin/security/whitelist/",
    "/api/mgmt/security/whitelist/",
    "/api/mgmt/oauth/client/applications/{id}/whitelist",
    "/api/admin/users/{id}/secondfactor",
    "/api/mgmt/oauth2/",
    "/api/odata4",
    "/api/mgmt/datasources/{id}/members",
    "/api/mgmt/datasources/{id}/model",
    "/api/mgmt/datasources/{id}/schemas",
];

#[tokio::test]
async fn every_list_is_covered_by_these_tests() {
    let (server, lists) = furnished().await;
    let described = server.get("/openapi.json").send().await.expect(200).json();
    let paths = described["paths"].as_object().expect("paths").iter();
    let read = paths.filter(|(path, operations)| {
        let is_one = path.ends_with('}') || NO_LISTS.iter().any(|known| path.starts_with(known));
        path.starts_with("/api/") && operations.get("get").is_some() && !is_one
    });
    for (path, operations) in read {
        let is_tested = lists.iter().any(|(tested, ..)| tested.replace("/1/", "/{id}/") == *path);
        assert!(is_tested, "{path} has no row among the lists");
        let named = operations["get"]["parameters"].as_array().expect("parameters");
        for name in ["limit", "after", "query"] {
            assert!(
                named.iter().any(|parameter| parameter["name"] == name),
                "{path} does not describe {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_search_finds_elements_many_pages_later() {
    let server = TestServer::start().await;
    add_users(&server, 1_200).await;
    let found = elements(&server, "/api/admin/users?query=CREW1199&limit=5", "users").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["userName"], "crew1199");
}

/// The elements of a list that arrives in `frames` pages.
async fn read_in_pages(server: &TestServer, path: &str, member: &str, frames: usize) -> Vec<Value> {
    let answer = begin(server, path, &ADMIN).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let mut body = answer.into_body();
    let (mut text, mut read) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.expect("it goes on").into_data().expect("data");
        assert!(data.len() < 200_000, "one page at a time");
        text.extend_from_slice(&data);
        read += 1;
    }
    assert_eq!(read, frames, "{path}");
    let listed: Value = serde_json::from_slice(&text).expect("JSON");
    listed[member].as_array().expect("a list").clone()
}

#[tokio::test]
async fn shared_users_and_allowed_applications_are_read_page_by_page() {
    let server = TestServer::start().await;
    add_users(&server, 999).await;
    let file = server.sqlite_file("shop.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let source =
        json!({ "name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    server.post("/api/mgmt/datasources").basic(&ADMIN).json(&source).send().await.expect(201);
    let crew: Vec<Value> = (0..999).map(|n| json!({ "userName": format!("crew{n}") })).collect();
    let path = "/api/mgmt/datasources/1/sharedUsers";
    let shared =
        server.put(path).basic(&ADMIN).json(&json!({ "sharedUsers": crew })).send().await.expect(200);
    assert_eq!(shared.json()["sharedUsers"].as_array().map(Vec::len), Some(999), "the answer is the list");
    let users = read_in_pages(&server, path, "sharedUsers", 2).await;
    assert_eq!((users.len(), &users[998]["userName"]), (999, &json!("crew998")));
    assert!(users.windows(2).all(|pair| id(&pair[0]) < id(&pair[1])));

    for n in 0..520 {
        let application = server.add_application(&ADMIN, |new| new.name = format!("App {n}")).await;
        server.allow(&ADMIN, application.id, BuiltInScope::OData.into()).await;
    }
    let path = "/api/mgmt/oauth/client/allowedapplications";
    let allowed = read_in_pages(&server, path, "applications", 2).await;
    assert_eq!((allowed.len(), &allowed[519]["name"]), (520, &json!("App 519")));
}

#[tokio::test]
async fn a_list_without_limit_is_streamed() {
    let server = TestServer::start().await;
    add_users(&server, 1_300).await;
    let users = read_in_pages(&server, "/api/admin/users", "users", 3).await;
    assert_eq!(users.len(), 1_303);
    assert!(users.windows(2).all(|pair| id(&pair[0]) < id(&pair[1])));
    let whole = server.get("/api/admin/users?limit=3").basic(&ADMIN).send().await.expect(200);
    assert!(whole.text().starts_with(r#"{"users":[{"id":1,"userName":"d2cadmin","statusInfo":{"#));
}

#[tokio::test]
async fn a_list_is_aborted_when_its_reader_loses_the_right() {
    const SECOND: TestUser = TestUser { name: "second", password: "second to none at sea" };
    let server = TestServer::start().await;
    add_users(&server, 600).await;
    server.add_user(&SECOND, &[ADMINISTRATOR_ROLE]).await;
    let mut body = begin(&server, "/api/admin/users", &SECOND).await.into_body();
    body.frame().await.unwrap().unwrap();
    let demotion = UserChange { roles: Some(vec![USER_ROLE]), at: AT, ..UserChange::default() };
    let id = server.user(&SECOND).await.id;
    server.store().update_user(id, demotion, event(Action::UpdateUser)).await.unwrap().unwrap();
    server.app().node().refresh().await.unwrap();
    assert!(body.collect().await.is_err());
}

#[tokio::test]
async fn a_list_is_aborted_when_its_reader_loses_a_right_that_it_demanded() {
    use Permission::{MgmtAPI, ViewDataSource, ViewUsers};
    const SECOND: TestUser = TestUser { name: "second", password: "second to none at sea" };
    let server = TestServer::start().await;
    add_users(&server, 600).await;
    let all = server.add_role("all", &[MgmtAPI, ViewDataSource, ViewUsers]).await;
    server.add_user(&SECOND, &[all]).await;
    let file = server.sqlite_file("shop.db", "CREATE TABLE T (Id INTEGER PRIMARY KEY)");
    let source =
        json!({ "name": "shop", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    let create = server.post("/api/mgmt/datasources?user=second").basic(&ADMIN).json(&source);
    create.send().await.expect(201);
    let crew: Vec<Value> = (0..600).map(|n| json!({ "userName": format!("crew{n}") })).collect();
    let path = "/api/mgmt/datasources/1/sharedUsers";
    let share = server.put(&format!("{path}?user=second")).basic(&ADMIN);
    share.json(&json!({ "sharedUsers": crew })).send().await.expect(200);
    let id = server.user(&SECOND).await.id;
    let assign = async |role| {
        let change = UserChange { roles: Some(vec![role]), at: AT, ..UserChange::default() };
        server.store().update_user(id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
        server.app().node().refresh().await.unwrap();
    };
    for (name, left) in [("blind", [MgmtAPI, ViewDataSource]), ("elsewhere", [MgmtAPI, ViewUsers])] {
        assign(all).await;
        let left = server.add_role(name, &left).await;
        let mut body = begin(&server, path, &SECOND).await.into_body();
        body.frame().await.unwrap().unwrap();
        assign(left).await;
        assert!(body.collect().await.is_err(), "{name}");
    }
    assign(all).await;
    let body = begin(&server, path, &SECOND).await.into_body();
    body.collect().await.unwrap();
}
