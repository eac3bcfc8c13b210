//! Tests of roles, permissions, limits and the audit log, rule by rule.

use domain::account::Permission;
use serde_json::{Value, json};
use testkit::{ADMIN, OTHER, TestServer, TestUser, USER};

const ROLES: &str = "/api/admin/roles";
const LIMITS: &str = "/api/admin/limits/system";
const AUDIT: &str = "/api/admin/audit";

/// May manage roles and limits, and nothing else.
const CLERK: TestUser = TestUser { name: "clerk", password: "stamps and paper, daily" };
const CLERK_MAY: [Permission; 6] = [
    Permission::MgmtAPI,
    Permission::CreateRole,
    Permission::ViewRole,
    Permission::ModifyRole,
    Permission::DeleteRole,
    Permission::Limits,
];

async fn with_clerk() -> TestServer {
    let server = TestServer::start().await;
    let role = server.add_role("clerks", &CLERK_MAY).await;
    server.add_user(&CLERK, &[role]).await;
    server
}

fn at(role: &Value) -> String {
    format!("{ROLES}/{}", role["id"])
}

#[tokio::test]
async fn the_built_in_roles_are_one_and_two() {
    let server = TestServer::start().await;
    let roles = server.get(ROLES).basic(&ADMIN).send().await.expect(200).json();
    let roles = roles["roles"].as_array().unwrap().clone();
    assert_eq!((&roles[0]["id"], &roles[0]["name"]), (&json!(1), &json!("Administrator")));
    assert_eq!((&roles[1]["id"], &roles[1]["name"]), (&json!(2), &json!("User")));
    assert!(roles[0]["permissions"].as_array().unwrap().contains(&json!(12)));
    for id in [1, 2] {
        let refused = server.delete(&format!("{ROLES}/{id}")).basic(&ADMIN).send().await.expect(400);
        assert_eq!(refused.error_code(), 222_298_023);
    }
    let stripped = json!({ "name": "Administrator", "permissions": [11] });
    let refused = server.put("/api/admin/roles/1").basic(&ADMIN).json(&stripped).send().await.expect(400);
    assert_eq!(refused.faulty_fields(), ["permissions"]);
}

#[tokio::test]
async fn a_role_is_created_listed_replaced_and_deleted() {
    let server = TestServer::start().await;
    let body = json!({ "name": " Pilots ", "description": "read only", "permissions": [11, 7, 2, 7] });
    let answer = server.post(ROLES).basic(&ADMIN).json(&body).send().await.expect(201);
    let made = answer.json();
    assert!(answer.location().ends_with(&at(&made)));
    assert_eq!(
        made,
        json!({ "id": made["id"], "name": "Pilots", "description": "read only", "permissions": [2, 7, 11] })
    );
    assert_eq!(server.get(&at(&made)).basic(&ADMIN).send().await.expect(200).json(), made);
    let body = json!({ "name": "pilots", "permissions": [2] });
    let replaced = server.put(&at(&made)).basic(&ADMIN).json(&body).send().await.expect(200).json();
    assert_eq!(
        replaced,
        json!({ "id": made["id"], "name": "pilots", "description": "", "permissions": [2] })
    );
    server.delete(&at(&made)).basic(&ADMIN).send().await.expect(204);
    server.get(&at(&made)).basic(&ADMIN).send().await.expect(404);
}

#[tokio::test]
async fn faulty_roles_are_refused() {
    let server = TestServer::start().await;
    for (body, field) in [
        (json!({ "permissions": [] }), "name"),
        (json!({ "name": "  ", "permissions": [] }), "name"),
        (json!({ "name": "x".repeat(129), "permissions": [] }), "name"),
        (json!({ "name": "a\nb", "permissions": [] }), "name"),
        (json!({ "name": "a" }), "permissions"),
        (json!({ "name": "a", "permissions": [5] }), "permissions"),
        (json!({ "name": "a", "permissions": [1.5] }), "permissions[0]"),
        (json!({ "name": "a", "permissions": [], "description": "x".repeat(257) }), "description"),
        (json!({ "name": "a", "permissions": [], "colour": 1 }), "colour"),
    ] {
        let refused = server.post(ROLES).basic(&ADMIN).json(&body).send().await.expect(400);
        assert_eq!(refused.faulty_fields(), [field], "{body}");
    }
    let taken = json!({ "name": "ADMINISTRATOR", "permissions": [] });
    assert_eq!(
        server.post(ROLES).basic(&ADMIN).json(&taken).send().await.expect(400).error_code(),
        222_298_020
    );
}

#[tokio::test]
async fn an_assigned_role_cannot_be_deleted() {
    let server = with_clerk().await;
    let roles = server.get(ROLES).basic(&ADMIN).send().await.expect(200).json();
    let clerks =
        roles["roles"].as_array().unwrap().iter().find(|role| role["name"] == "clerks").unwrap().clone();
    let refused = server.delete(&at(&clerks)).basic(&ADMIN).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_298_022);
}

#[tokio::test]
async fn managing_roles_does_not_raise_ones_own_permissions() {
    let server = with_clerk().await;
    let roles = server.get(ROLES).basic(&CLERK).send().await.expect(200).json();
    let clerks =
        roles["roles"].as_array().unwrap().iter().find(|role| role["name"] == "clerks").unwrap().clone();
    let administrator = json!({ "name": "a", "permissions": [12] });
    let mut risen = clerks.clone();
    risen["permissions"].as_array_mut().unwrap().push(json!(12));
    let weakened = json!({ "name": "Administrator", "permissions": [11, 12] });
    for call in [
        server.post(ROLES).json(&administrator),
        server.put(&at(&clerks)).json(&risen),
        server.put("/api/admin/roles/1").json(&weakened),
        server.delete("/api/admin/roles/1"),
    ] {
        assert_eq!(call.basic(&CLERK).send().await.expect(403).error_code(), 222_208_103);
    }
    let within = json!({ "name": "a", "permissions": [11, 18] });
    server.post(ROLES).basic(&CLERK).json(&within).send().await.expect(201);
}

#[tokio::test]
async fn a_removed_permission_is_gone_with_the_next_request() {
    let server = with_clerk().await;
    let roles = server.get(ROLES).basic(&CLERK).send().await.expect(200).json();
    let mut clerks =
        roles["roles"].as_array().unwrap().iter().find(|role| role["name"] == "clerks").unwrap().clone();
    clerks["permissions"] = json!([11]);
    server.put(&at(&clerks)).basic(&ADMIN).json(&clerks).send().await.expect(200);
    server.get(ROLES).basic(&CLERK).send().await.expect(403);
}

#[tokio::test]
async fn permissions_are_listed_with_their_numbers_and_names() {
    let server = TestServer::start().await;
    let all = server.get("/api/admin/permissions").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(all["permissions"].as_array().unwrap().len(), Permission::ALL.len());
    assert_eq!(all["permissions"][0], json!({ "id": 1, "name": "CreateDataSource" }));
    server.get("/api/admin/permissions").basic(&USER).send().await.expect(403);

    let own = server.get("/api/mgmt/permissions").basic(&USER).send().await.expect(200).json();
    let own = own["permissions"].as_array().unwrap().clone();
    assert!(own.contains(&json!({ "id": 7, "name": "UseDataSourceWithOData" })));
    assert!(!own.iter().any(|permission| permission["id"] == 12));
    let of_user =
        server.get("/api/mgmt/permissions?user=D2CUser").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(of_user["permissions"].as_array().unwrap(), &own);
    server.get("/api/mgmt/permissions?user=d2cadmin").basic(&USER).send().await.expect(403);
}

#[tokio::test]
async fn a_limit_has_its_default_until_it_is_set_and_after_it_is_reset() {
    let server = TestServer::start().await;
    let limit = format!("{LIMITS}/100");
    let default = json!({ "id": 100, "name": "OAuthAccessTokenLifetime", "value": 3600 });
    assert_eq!(server.get(&limit).basic(&ADMIN).send().await.expect(200).json(), default);
    for (method, value) in [("post", 120), ("put", 240)] {
        let call = if method == "post" { server.post(&limit) } else { server.put(&limit) };
        let set = call.basic(&ADMIN).json(&json!({ "value": value })).send().await.expect(200).json();
        assert_eq!(set["value"], value);
        assert_eq!(server.get(&limit).basic(&ADMIN).send().await.expect(200).json()["value"], value);
    }
    server.delete(&limit).basic(&ADMIN).send().await.expect(204);
    assert_eq!(server.get(&limit).basic(&ADMIN).send().await.expect(200).json(), default);
}

#[tokio::test]
async fn limits_are_described_and_listed() {
    let server = with_clerk().await;
    let described = server.get("/api/admin/limits").basic(&CLERK).send().await.expect(200).json();
    let lockout =
        json!({ "id": 3, "name": "PasswordLockoutLimit", "default": 3, "minimum": 0, "maximum": 1_000_000 });
    assert!(described["limits"].as_array().unwrap().contains(&lockout));
    let listed = server.get(LIMITS).basic(&CLERK).send().await.expect(200).json();
    let ids: Vec<i64> =
        listed["limits"].as_array().unwrap().iter().map(|limit| limit["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 24, 25, 100]);
}

#[tokio::test]
async fn a_limit_accepts_only_integers_within_its_range() {
    let server = TestServer::start().await;
    let limit = format!("{LIMITS}/100");
    for value in [json!(59), json!(86_401), json!(-1), json!("60"), json!(60.5), json!(null), json!(1e30)] {
        let refused =
            server.put(&limit).basic(&ADMIN).json(&json!({ "value": value })).send().await.expect(400);
        assert_eq!(refused.faulty_fields(), ["value"], "{value}");
    }
    for id in ["7", "0", "-1", "x", "99999999999999999999"] {
        let path = format!("{LIMITS}/{id}");
        server.get(&path).basic(&ADMIN).send().await.expect(404);
        server.put(&path).basic(&ADMIN).json(&json!({ "value": 1 })).send().await.expect(404);
        server.delete(&path).basic(&ADMIN).send().await.expect(404);
    }
    assert_eq!(server.get(&limit).basic(&ADMIN).send().await.expect(200).json()["value"], 3600);
}

#[tokio::test]
async fn a_lockout_limit_applies_at_once() {
    let server = TestServer::start().await;
    server.put(&format!("{LIMITS}/3")).basic(&ADMIN).json(&json!({ "value": 1 })).send().await.expect(200);
    server.get("/api/mgmt/permissions").basic_as(OTHER.name, "wrong wrong wrong").send().await.expect(401);
    server.get("/api/mgmt/permissions").basic(&OTHER).send().await.expect(401);
}

#[tokio::test]
async fn only_administrators_read_the_audit_log() {
    let server = with_clerk().await;
    server.get(AUDIT).basic(&CLERK).send().await.expect(403);
    server.get(AUDIT).basic(&USER).send().await.expect(403);
    server.get(AUDIT).basic(&ADMIN).send().await.expect(200);
}

#[tokio::test]
async fn the_audit_log_is_paged_and_filtered() {
    let server = TestServer::start().await;
    for value in [61, 62, 63] {
        let body = json!({ "value": value });
        server.put(&format!("{LIMITS}/100")).basic(&ADMIN).json(&body).send().await.expect(200);
        server.clock().advance_secs(60);
    }
    let events = async |query: &str| -> Vec<Value> {
        let list = server.get(&format!("{AUDIT}?{query}")).basic(&ADMIN).send().await.expect(200).json();
        list["events"].as_array().unwrap().clone()
    };
    let details = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["detail"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let first = events("action=limit.set&limit=2").await;
    assert_eq!(details(&first), ["63", "62"]);
    assert_eq!(first[0]["actor"], "d2cadmin");
    assert_eq!(first[0]["outcome"], "success");
    assert_eq!(first[0]["address"], "127.0.0.1");
    assert_eq!(first[0]["at"], "2026-01-01T12:02:00Z");
    let second = events(&format!("action=limit.set&limit=2&before={}", first[1]["id"])).await;
    assert_eq!(details(&second), ["61"]);
    let between = events("action=limit.set&since=2026-01-01T12:01:00Z&until=2026-01-01T12:02:00Z").await;
    assert_eq!(details(&between), ["62"]);
    assert_eq!(events("actor=nobody").await, [] as [Value; 0]);
    for query in [
        "limit=0",
        "limit=1001",
        "before=x",
        "action=no.such",
        "since=yesterday",
        "application=x",
        "limit=1&limit=1",
    ] {
        let refused = server.get(&format!("{AUDIT}?{query}")).basic(&ADMIN).send().await.expect(400);
        assert_eq!(refused.error_code(), 222_298_002, "{query}");
    }
}
