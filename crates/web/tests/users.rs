//! Tests of `/api/admin/users`, rule by rule.

use domain::account::{Permission, USER_ROLE};
use domain::id::ApplicationId;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::{Value, json};
use testkit::{ADMIN, OTHER, TestServer, TestUser, USER};

const PATH: &str = "/api/admin/users";
const PASSWORD: &str = "seven seas and no more";

/// May manage users, and nothing else.
const CLERK: TestUser = TestUser { name: "clerk", password: "stamps and paper, daily" };
const CLERK_MAY: [Permission; 6] = [
    Permission::MgmtAPI,
    Permission::WebUI,
    Permission::CreateUsers,
    Permission::ViewUsers,
    Permission::ModifyUsers,
    Permission::DeleteUsers,
];

async fn with_clerk() -> (TestServer, i64) {
    let server = TestServer::start().await;
    let role = server.add_role("clerks", &CLERK_MAY).await;
    server.add_user(&CLERK, &[role]).await;
    (server, role.get())
}

fn payload(name: &str, roles: &[i64]) -> Value {
    json!({
        "userName": name,
        "statusInfo": { "status": 1, "accountLocked": false },
        "passwordInfo": { "password": PASSWORD, "passwordStatus": 1, "passwordExpiration": null },
        "permissions": { "roles": roles },
    })
}

async fn create(server: &TestServer, body: &Value) -> Value {
    server.post(PATH).basic(&ADMIN).json(body).send().await.expect(201).json()
}

fn at(user: &Value) -> String {
    format!("{PATH}/{}", user["id"])
}

async fn id_of(server: &TestServer, user: &TestUser) -> String {
    format!("{PATH}/{}", server.user(user).await.id)
}

/// Whether the user can sign in with the password.
async fn gets_in(server: &TestServer, name: &str, password: &str) -> bool {
    let answer = server.get("/api/mgmt/permissions").basic_as(name, password).send().await;
    assert!([200, 401].contains(&answer.status()), "{}", answer.status());
    answer.status() == 200
}

#[tokio::test]
async fn a_user_is_created_in_hdps_format_and_can_sign_in() {
    let server = TestServer::start().await;
    let answer = server.post(PATH).basic(&ADMIN).json(&payload("Mate", &[2])).send().await.expect(201);
    let made = answer.json();
    assert!(answer.location().ends_with(&at(&made)), "{}", answer.location());
    assert_eq!(
        made,
        json!({
            "id": made["id"],
            "userName": "Mate",
            "statusInfo": { "status": 1, "accountLocked": false },
            "passwordInfo": { "passwordStatus": 1, "passwordExpiration": null },
            "permissions": { "roles": [2] },
        }),
        "and no password in it"
    );
    assert_eq!(server.get(&at(&made)).basic(&ADMIN).send().await.expect(200).json(), made);
    assert!(gets_in(&server, "mATE", PASSWORD).await, "names are compared without case");
}

#[tokio::test]
async fn a_user_with_only_name_and_password_is_active_and_has_the_role_user() {
    let server = TestServer::start().await;
    let body = json!({ "userName": "mate", "passwordInfo": { "password": PASSWORD } });
    let made = create(&server, &body).await;
    assert_eq!(made["statusInfo"]["status"], 1);
    assert_eq!(made["permissions"]["roles"], json!([2]));
}

#[tokio::test]
async fn every_fault_of_a_payload_is_reported_and_nothing_is_created() {
    let server = TestServer::start().await;
    let body = json!({
        "userName": "a:b",
        "statusInfo": { "status": 2, "accountLocked": true },
        "passwordInfo": { "password": "short", "passwordExpiration": "tomorrow" },
        "permissions": { "roles": ["User"] },
        "colour": "red",
    });
    let refused = server.post(PATH).basic(&ADMIN).json(&body).send().await.expect(400);
    let fields = refused.faulty_fields();
    for field in
        ["statusInfo.status", "passwordInfo.passwordExpiration", "permissions.roles[0]", "colour", "userName"]
    {
        assert!(fields.iter().any(|named| named == field), "{field} in {fields:?}");
    }
    let users = server.get(PATH).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(users["users"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn malformed_payloads_are_refused_with_the_field() {
    let server = TestServer::start().await;
    let long = "x".repeat(129);
    for (body, field) in [
        (json!({}), "userName"),
        (json!({ "userName": null, "passwordInfo": { "password": PASSWORD } }), "userName"),
        (json!({ "userName": "", "passwordInfo": { "password": PASSWORD } }), "userName"),
        (json!({ "userName": long, "passwordInfo": { "password": PASSWORD } }), "userName"),
        (json!({ "userName": "a\u{0}b", "passwordInfo": { "password": PASSWORD } }), "userName"),
        (json!({ "userName": "mate" }), "passwordInfo.password"),
        (
            json!({ "userName": "mate", "passwordInfo": { "password": "matematemate" } }),
            "passwordInfo.password",
        ),
        (
            json!({ "userName": "mate", "passwordInfo": { "password": "password1234" } }),
            "passwordInfo.password",
        ),
        (
            json!({ "userName": "mate", "passwordInfo": { "password": "ö".repeat(129) } }),
            "passwordInfo.password",
        ),
        (json!({ "userName": "mate", "passwordInfo": [] }), "passwordInfo"),
        (
            json!({ "userName": "mate", "passwordInfo": { "password": PASSWORD }, "permissions": { "roles": [99] } }),
            "permissions.roles",
        ),
    ] {
        let refused = server.post(PATH).basic(&ADMIN).json(&body).send().await.expect(400);
        let fields = refused.faulty_fields();
        assert!(fields.iter().any(|named| named == field), "{body}: {fields:?}");
        assert!(!refused.text().contains(PASSWORD), "a password is never repeated");
    }
    let twice =
        server.post(PATH).basic(&ADMIN).body("application/json", r#"{"userName":"a","userName":"b"}"#);
    assert_eq!(twice.send().await.expect(400).error_code(), 222_207_007);
    for id in ["0", "-1", "abc", "99999999999999999999", "1%00"] {
        server.get(&format!("{PATH}/{id}")).basic(&ADMIN).send().await.expect(404);
    }
}

#[tokio::test]
async fn user_names_are_unique_ignoring_case() {
    let server = TestServer::start().await;
    let refused = server.post(PATH).basic(&ADMIN).json(&payload("D2CUSER", &[2])).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_298_020);
    let other = id_of(&server, &OTHER).await;
    let refused =
        server.put(&other).basic(&ADMIN).json(&json!({ "userName": "D2cUser" })).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_298_020);
    let kept = json!({ "userName": "Other" });
    server.put(&other).basic(&ADMIN).json(&kept).send().await.expect(200);
}

#[tokio::test]
async fn the_list_is_paged_by_id() {
    let server = TestServer::start().await;
    let names = async |query: &str| -> Vec<String> {
        let list = server.get(&format!("{PATH}{query}")).basic(&ADMIN).send().await.expect(200).json();
        let name = |user: &Value| user["userName"].as_str().unwrap().to_owned();
        list["users"].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(names("").await, ["d2cadmin", "d2cuser", "other"]);
    assert_eq!(names("?limit=2").await, ["d2cadmin", "d2cuser"]);
    let second = server.user(&USER).await.id;
    assert_eq!(names(&format!("?limit=2&after={second}")).await, ["other"]);
    for query in ["?limit=0", "?limit=1001", "?limit=x", "?after=x"] {
        server.get(&format!("{PATH}{query}")).basic(&ADMIN).send().await.expect(400);
    }
}

#[tokio::test]
async fn a_put_keeps_omitted_members() {
    let server = TestServer::start().await;
    let made = create(&server, &payload("mate", &[2])).await;
    let changed =
        server.put(&at(&made)).basic(&ADMIN).json(&json!({ "userName": "first mate" })).send().await;
    let changed = changed.expect(200).json();
    assert_eq!(changed["userName"], "first mate");
    assert_eq!(changed["permissions"], made["permissions"]);
    assert!(gets_in(&server, "first mate", PASSWORD).await, "the password is kept");
    assert!(!gets_in(&server, "mate", PASSWORD).await);
    let sent_back = server.put(&at(&made)).basic(&ADMIN).json(&changed).send().await.expect(200).json();
    assert_eq!(sent_back, changed, "what GET answers can be sent back");
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one_at_once() {
    let server = TestServer::start().await;
    let other = id_of(&server, &OTHER).await;
    let token =
        server.access_token(&OTHER, ApplicationId::new(1), ScopeSet::from(BuiltInScope::Management)).await;
    assert!(gets_in(&server, OTHER.name, OTHER.password).await, "and it is remembered now");
    let body = json!({ "passwordInfo": { "password": PASSWORD } });
    server.put(&other).basic(&ADMIN).json(&body).send().await.expect(200);
    assert!(!gets_in(&server, OTHER.name, OTHER.password).await);
    assert!(gets_in(&server, OTHER.name, PASSWORD).await);
    server.get("/api/mgmt/permissions").bearer(&token).send().await.expect(401);
}

#[tokio::test]
async fn status_0_disables_password_session_and_tokens_and_1_enables_the_password() {
    let server = TestServer::start().await;
    let other = id_of(&server, &OTHER).await;
    let token =
        server.access_token(&OTHER, ApplicationId::new(1), ScopeSet::from(BuiltInScope::Management)).await;
    assert!(gets_in(&server, OTHER.name, OTHER.password).await);
    server.get("/api/mgmt/permissions").bearer(&token).send().await.expect(200);
    let off = json!({ "statusInfo": { "status": 0 } });
    let shown = server.put(&other).basic(&ADMIN).json(&off).send().await.expect(200).json();
    assert_eq!(shown["statusInfo"]["status"], 0);
    server.get("/api/mgmt/permissions").bearer(&token).send().await.expect(401);
    assert!(!gets_in(&server, OTHER.name, OTHER.password).await);
    let on = json!({ "statusInfo": { "status": 1 } });
    server.put(&other).basic(&ADMIN).json(&on).send().await.expect(200);
    assert!(gets_in(&server, OTHER.name, OTHER.password).await);
    server.get("/api/mgmt/permissions").bearer(&token).send().await.expect(401);
}

#[tokio::test]
async fn a_locked_account_is_shown_and_unlocked() {
    let server = TestServer::start().await;
    let other = id_of(&server, &OTHER).await;
    for _ in 0..3 {
        assert!(!gets_in(&server, OTHER.name, "wrong wrong wrong").await);
    }
    assert!(!gets_in(&server, OTHER.name, OTHER.password).await, "locked");
    let shown = server.get(&other).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(shown["statusInfo"], json!({ "status": 1, "accountLocked": true }));
    let unchanged = json!({ "statusInfo": shown["statusInfo"] });
    server.put(&other).basic(&ADMIN).json(&unchanged).send().await.expect(200);
    assert!(!gets_in(&server, OTHER.name, OTHER.password).await, "still locked");
    let unlock = json!({ "statusInfo": { "accountLocked": false } });
    server.put(&other).basic(&ADMIN).json(&unlock).send().await.expect(200);
    assert!(gets_in(&server, OTHER.name, OTHER.password).await);
    let lock = json!({ "statusInfo": { "accountLocked": true } });
    let refused = server.put(&other).basic(&ADMIN).json(&lock).send().await.expect(400);
    assert_eq!(refused.faulty_fields(), ["statusInfo.accountLocked"]);
}

#[tokio::test]
async fn a_password_is_valid_until_it_expires() {
    let server = TestServer::start().await;
    let other = id_of(&server, &OTHER).await;
    let soon = json!({ "passwordInfo": { "passwordExpiration": "2026-01-01T12:01:00Z" } });
    let shown = server.put(&other).basic(&ADMIN).json(&soon).send().await.expect(200).json();
    assert_eq!(
        shown["passwordInfo"],
        json!({ "passwordStatus": 1, "passwordExpiration": "2026-01-01T12:01:00Z" })
    );
    assert!(gets_in(&server, OTHER.name, OTHER.password).await);
    server.clock().advance_secs(60);
    assert!(!gets_in(&server, OTHER.name, OTHER.password).await);
    let never = json!({ "passwordInfo": { "passwordExpiration": null } });
    server.put(&other).basic(&ADMIN).json(&never).send().await.expect(200);
    assert!(gets_in(&server, OTHER.name, OTHER.password).await);
    let over = json!({ "passwordInfo": { "passwordStatus": 0 } });
    let shown = server.put(&other).basic(&ADMIN).json(&over).send().await.expect(200).json();
    assert_eq!(shown["passwordInfo"]["passwordStatus"], 0);
    assert!(!gets_in(&server, OTHER.name, OTHER.password).await);
}

#[tokio::test]
async fn the_last_active_administrator_stays() {
    let server = TestServer::start().await;
    let admin = id_of(&server, &ADMIN).await;
    for body in [json!({ "statusInfo": { "status": 0 } }), json!({ "permissions": { "roles": [2] } })] {
        let refused = server.put(&admin).basic(&ADMIN).json(&body).send().await.expect(400);
        assert_eq!(refused.error_code(), 222_298_021);
    }
    assert_eq!(server.delete(&admin).basic(&ADMIN).send().await.expect(400).error_code(), 222_298_021);
    create(&server, &payload("second", &[1])).await;
    server.delete(&admin).basic(&ADMIN).send().await.expect(204);
    assert!(!gets_in(&server, ADMIN.name, ADMIN.password).await);
}

#[tokio::test]
async fn a_user_who_owns_something_cannot_be_deleted() {
    let server = TestServer::start().await;
    let user = id_of(&server, &USER).await;
    let application = json!({ "name": "crane", "redirectUrls": ["https://crane.example/cb"] });
    let applications = "/api/mgmt/oauth/client/applications";
    let made = server.post(applications).basic(&USER).json(&application).send().await.expect(201).json();
    assert_eq!(server.delete(&user).basic(&ADMIN).send().await.expect(409).error_code(), 222_298_024);
    server.delete(&format!("{applications}/{}", made["id"])).basic(&USER).send().await.expect(204);
    server.delete(&user).basic(&ADMIN).send().await.expect(204);
    assert!(!gets_in(&server, USER.name, USER.password).await);
    server.get(&user).basic(&ADMIN).send().await.expect(404);
    server.delete(&user).basic(&ADMIN).send().await.expect(404);
}

#[tokio::test]
async fn ordinary_users_neither_see_nor_change_users() {
    let server = TestServer::start().await;
    let own = id_of(&server, &USER).await;
    for call in [
        server.get(PATH),
        server.get(&own),
        server.get(&format!("{PATH}/999999")),
        server.post(PATH).json(&payload("mate", &[2])),
        server.put(&own).json(&json!({ "permissions": { "roles": [1] } })),
        server.delete(&own),
    ] {
        assert_eq!(call.basic(&USER).send().await.expect(403).error_code(), 222_208_103);
    }
}

#[tokio::test]
async fn managing_users_does_not_raise_ones_own_permissions() {
    let (server, clerks) = with_clerk().await;
    let clerk = id_of(&server, &CLERK).await;
    let admin = id_of(&server, &ADMIN).await;
    let made =
        server.post(PATH).basic(&CLERK).json(&payload("mate", &[clerks])).send().await.expect(201).json();
    for call in [
        // A role with more permissions than the clerk has: for a new user, for another user, for the clerk's
        // own account.
        server.post(PATH).json(&payload("boss", &[1])),
        server.put(&at(&made)).json(&json!({ "permissions": { "roles": [1] } })),
        server.put(&clerk).json(&json!({ "permissions": { "roles": [clerks, 1] } })),
        // Taking over, disabling or deleting a user with more permissions.
        server.put(&admin).json(&json!({ "passwordInfo": { "password": PASSWORD } })),
        server.put(&admin).json(&json!({ "statusInfo": { "status": 0 } })),
        server.put(&admin).json(&json!({ "userName": "nobody" })),
        server.delete(&admin),
    ] {
        assert_eq!(call.basic(&CLERK).send().await.expect(403).error_code(), 222_208_103);
    }
    assert!(gets_in(&server, ADMIN.name, ADMIN.password).await, "nothing of it happened");
    server.delete(&at(&made)).basic(&CLERK).send().await.expect(204);
    let refusals = server.get("/api/admin/audit?action=access.refuse&actor=clerk").basic(&ADMIN).send().await;
    assert_eq!(refusals.expect(200).json()["events"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_changed_role_applies_from_the_next_request_on() {
    let (server, clerks) = with_clerk().await;
    let other = id_of(&server, &OTHER).await;
    server.get(PATH).basic(&OTHER).send().await.expect(403);
    let both = json!({ "permissions": { "roles": [USER_ROLE.get(), clerks] } });
    server.put(&other).basic(&ADMIN).json(&both).send().await.expect(200);
    server.get(PATH).basic(&OTHER).send().await.expect(200);
    server
        .put(&other)
        .basic(&ADMIN)
        .json(&json!({ "permissions": { "roles": [2] } }))
        .send()
        .await
        .expect(200);
    server.get(PATH).basic(&OTHER).send().await.expect(403);
}

#[tokio::test]
async fn each_operation_on_a_user_is_audited_without_the_password() {
    let server = TestServer::start().await;
    let made = create(&server, &payload("mate", &[2])).await;
    let body = json!({ "passwordInfo": { "password": "another sea, another ship" } });
    server.put(&at(&made)).basic(&ADMIN).json(&body).send().await.expect(200);
    server.delete(&at(&made)).basic(&ADMIN).send().await.expect(204);
    let log = server.get("/api/admin/audit?actor=D2CADMIN").basic(&ADMIN).send().await.expect(200);
    let events = log.json();
    let actions: Vec<&str> =
        events["events"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["user.delete", "user.update", "user.create"], "newest first");
    assert_eq!(events["events"][1]["subject"], "mate");
    assert_eq!(events["events"][1]["detail"], "password, password expiry");
    assert!(!log.text().contains("another sea"));
}
