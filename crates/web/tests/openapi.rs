//! The OpenAPI document is written by hand. These tests compare it with the routes, in both directions, and
//! with actual responses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use http::Method;
use oauth::application::GrantType;
use serde_json::{Value, json};
use testkit::{ADMIN, TestServer, USER};

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

fn document() -> Value {
    serde_json::from_str(web::reference::OPENAPI).unwrap()
}

/// Method and path of every operation of the document.
fn described() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        METHODS
            .into_iter()
            .filter(|method| !item[method].is_null())
            .map(|method| (method.to_owned(), path.clone()))
    });
    operations.collect()
}

/// Method and path of every route in the source, which has one route on each line.
fn routed() -> BTreeSet<(String, String)> {
    let routes = include_str!("../src/routes.rs");
    let lines = routes.lines().filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once("\","));
    let operations = lines.flat_map(|(path, handlers)| {
        let has = |method: &str| {
            handlers.trim().starts_with(&format!("{method}(")) || handlers.contains(&format!(".{method}("))
        };
        METHODS
            .into_iter()
            .filter(move |method| has(method))
            .map(move |method| (method.to_owned(), path.to_owned()))
    });
    operations.collect()
}

/// What the document omits: pages for people, and the data, which `$metadata` describes.
fn is_left_out(path: &str) -> bool {
    let pages = [
        "/login",
        "/logout",
        "/account",
        "/docs",
        "/assets/",
        "/openapi.json",
        "/oauth2/consent",
        "/oauth2/logout",
        "/oauth2/check_session",
        "/device",
        "/reset",
        "/forgot",
    ];
    path == "/" || path.starts_with("/api/odata4") || pages.iter().any(|page| path.starts_with(page))
}

#[test]
fn every_operation_of_the_document_has_a_route() {
    let routed = routed();
    assert!(routed.len() > 40, "the routes are read from their source: {routed:?}");
    let missing: Vec<_> = described().into_iter().filter(|operation| !routed.contains(operation)).collect();
    assert_eq!(missing, []);
}

#[test]
fn every_route_of_the_apis_is_documented() {
    let described = described();
    let all = routed().into_iter().filter(|(_, path)| !is_left_out(path));
    let missing: Vec<_> = all.filter(|operation| !described.contains(operation)).collect();
    assert_eq!(missing, []);
}

#[test]
fn the_document_lists_every_grant_type() {
    let document = document();
    let names = GrantType::ALL.map(GrantType::as_str);
    let mut found = 0;
    for schema in document["components"]["schemas"].as_object().unwrap().values() {
        let listed = &schema["properties"]["grantTypes"]["items"]["enum"];
        if !listed.is_null() {
            assert_eq!(*listed, json!(names));
            found += 1;
        }
    }
    assert_eq!(found, 2, "the payload and the record of an application");
}

#[test]
fn the_document_contains_all_ten_operations() {
    let described = described();
    let applications = "/api/mgmt/oauth/client/applications";
    let allowed = "/api/mgmt/oauth/client/allowedapplications";
    let ten = [
        ("get", applications.to_owned()),
        ("post", applications.to_owned()),
        ("get", format!("{applications}/{{id}}")),
        ("put", format!("{applications}/{{id}}")),
        ("delete", format!("{applications}/{{id}}")),
        ("put", format!("{applications}/{{id}}/reset")),
        ("get", allowed.to_owned()),
        ("delete", format!("{allowed}/{{id}}")),
        ("post", "/api/mgmt/oauth2/token".to_owned()),
        ("get", "/api/mgmt/oauth2/authorize".to_owned()),
    ];
    for (method, path) in ten {
        assert!(described.contains(&(method.to_owned(), path.clone())), "{method} {path}");
    }
}

/// The members that an object with that schema may have.
fn members(shape: &str) -> BTreeSet<String> {
    let document = document();
    let properties = document["components"]["schemas"][shape]["properties"].as_object().unwrap();
    properties.keys().cloned().collect()
}

fn assert_described(object: &Value, shape: &str) {
    let described = members(shape);
    for name in object.as_object().unwrap().keys() {
        assert!(described.contains(name), "{shape} does not describe {name}: {object}");
    }
}

#[tokio::test]
async fn responses_have_only_documented_members() {
    let server = TestServer::start().await;
    let application = json!({"name": "crane", "redirectUrls": ["https://crane.example/cb"]});
    let path = "/api/mgmt/oauth/client/applications";
    let registered = server.call(Method::POST, path).basic(&USER).json(&application).send().await.json();
    assert_described(&registered, "Application");
    assert_described(&registered["secrets"][0], "SecretSummary");
    for (path, wrapper, shape) in [
        (path, "applications", "Application"),
        ("/api/admin/users", "users", "User"),
        ("/api/admin/roles", "roles", "Role"),
        ("/api/admin/permissions", "permissions", "Permission"),
        ("/api/admin/limits", "limits", "LimitDescription"),
        ("/api/admin/limits/system", "limits", "LimitValue"),
        ("/api/mgmt/datastores", "dataStores", "DataStore"),
        ("/api/admin/audit", "events", "AuditEvent"),
    ] {
        let listed = server.get(path).basic(&ADMIN).send().await.json();
        let first = &listed[wrapper][0];
        assert!(first.is_object(), "{path} lists something: {listed}");
        assert_described(first, shape);
    }
    let refused = server.call(Method::POST, path).basic(&USER).json(&json!({"name": 7})).send().await.json();
    assert_described(&refused, "ManagementError");
}
