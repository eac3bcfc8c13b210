//! Tests of operations 1 to 6 and the two for secrets, rule by rule.

use domain::account::Permission;
use domain::id::ApplicationId;
use oauth::scope::{BuiltInScope, ScopeSet};
use serde_json::{Value, json};
use testkit::{ADMIN, OTHER, Setup, TestServer, TestUser, USER};

const PATH: &str = "/api/mgmt/oauth/client/applications";

async fn register(server: &TestServer, user: &TestUser, name: &str) -> Value {
    let body = json!({ "name": name, "redirectUrls": ["https://app.example/cb"] });
    server.post(PATH).basic(user).json(&body).send().await.expect(201).json()
}

fn at(application: &Value) -> String {
    format!("{PATH}/{}", application["id"])
}

fn names(list: &Value) -> Vec<&str> {
    list["applications"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["name"].as_str().expect("a name"))
        .collect()
}

async fn list(server: &TestServer, user: &TestUser, query: &str) -> Value {
    server.get(&format!("{PATH}{query}")).basic(user).send().await.expect(200).json()
}

/// Everything that is stored, as far as it is visible, to prove that a refused request changed nothing.
async fn everything(server: &TestServer) -> Value {
    list(server, &ADMIN, "").await
}

#[tokio::test]
async fn registering_returns_location_client_id_and_secret() {
    let server = TestServer::start().await;
    let body = json!({ "name": " Tide table ", "description": "when to sail", "redirectUrls": ["https://tide.example/cb"] });
    let answer = server.post(PATH).basic(&USER).json(&body).send().await.expect(201);
    let made = answer.json();
    assert!(answer.location().ends_with(&at(&made)), "{}", answer.location());
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(made["name"], "Tide table", "trimmed");
    assert_eq!(made["description"], "when to sail");
    assert_eq!(made["redirectUrls"], json!(["https://tide.example/cb"]));
    assert_eq!(made["createdBy"], "d2cuser");
    assert_eq!(made["clientId"].as_str().unwrap().len(), 36);
    let secret = made["clientSecret"].as_str().unwrap();
    assert!(secret.starts_with("sgs_"));
    assert_eq!(made["secrets"][0]["hint"], secret[secret.len() - 4..]);
    assert_eq!(made["grantTypes"], json!(["authorization_code", "refresh_token", "password"]));
    assert_eq!(made["scopes"], json!(["api.access.odata"]));
    assert_eq!((&made["profile"], &made["clientType"]), (&json!("compatible"), &json!("confidential")));
}

#[tokio::test]
async fn the_older_wrapped_form_registers_exactly_one() {
    let server = TestServer::start().await;
    let one = json!({ "id": 0, "clientId": "", "clientSecret": null, "name": "a", "redirectUrls": ["https://a.example/"] });
    let wrapped = json!({ "applications": [one] });
    assert_eq!(server.post(PATH).basic(&USER).json(&wrapped).send().await.expect(201).json()["name"], "a");
    for faulty in
        [json!({ "applications": [] }), json!({ "applications": [one, one] }), json!({ "applications": one })]
    {
        let answer = server.post(PATH).basic(&USER).json(&faulty).send().await.expect(400);
        assert_eq!(answer.faulty_fields()[0], "applications", "{}", answer.text());
    }
    assert_eq!(names(&everything(&server).await), ["a"]);
}

#[tokio::test]
async fn every_fault_of_a_payload_is_reported_at_once() {
    let server = TestServer::start().await;
    let body = json!({
        "name": "n".repeat(131), "description": 7, "redirectUrls": ["https://a.example/#f", 5, "javascript:alert(1)"],
        "colour": "red", "size": 1, "accessTokenLifetime": 59, "grantTypes": ["magic"],
    });
    let answer = server.post(PATH).basic(&USER).json(&body).send().await.expect(400);
    let fields = answer.faulty_fields();
    for field in ["name", "description", "redirectUrls[1]", "colour", "size", "accessTokenLifetime"] {
        assert!(fields.iter().any(|named| named == field), "{field} in {fields:?}");
    }
    assert!(fields.iter().any(|named| named.starts_with("grantTypes")), "{fields:?}");
    let text = answer.text();
    assert!(text.contains("131 characters long; at most 128 are allowed"), "{text}");
    assert_eq!(answer.error_code(), 222_298_001);
    assert_eq!(everything(&server).await["applications"], json!([]));
}

#[tokio::test]
async fn a_list_shows_neither_client_id_nor_secret() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let listed = list(&server, &USER, "").await;
    let text = listed.to_string();
    assert!(!text.contains(made["clientId"].as_str().unwrap()) && !text.contains("sgs_"), "{text}");
    let one = listed["applications"][0].as_object().unwrap();
    assert!(
        !one.contains_key("clientId") && !one.contains_key("clientSecret") && !one.contains_key("secrets")
    );
}

#[tokio::test]
async fn a_user_sees_only_their_own_applications_and_an_administrator_all() {
    let server = TestServer::start().await;
    register(&server, &USER, "mine").await;
    register(&server, &OTHER, "theirs").await;
    assert_eq!(names(&list(&server, &USER, "").await), ["mine"]);
    assert_eq!(names(&list(&server, &ADMIN, "").await), ["mine", "theirs"]);
    assert_eq!(names(&list(&server, &ADMIN, "?user=OTHER").await), ["theirs"]);
}

#[tokio::test]
async fn a_list_is_paged_by_the_last_id_seen() {
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(register(&server, &USER, name).await["id"].as_i64().unwrap());
    }
    assert!(ids.is_sorted());
    assert_eq!(names(&list(&server, &USER, "?limit=2").await), ["a", "b"]);
    assert_eq!(names(&list(&server, &USER, &format!("?limit=2&after={}", ids[1])).await), ["c"]);
    assert_eq!(names(&list(&server, &USER, &format!("?after={}", ids[2])).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_search_covers_name_and_description_ignoring_case() {
    let server = TestServer::start().await;
    register(&server, &USER, "Ärger 100%").await;
    let body =
        json!({ "name": "b", "description": "for the HARBOUR", "redirectUrls": ["https://b.example/"] });
    server.post(PATH).basic(&USER).json(&body).send().await.expect(201);
    assert_eq!(names(&list(&server, &USER, "?query=harbour").await), ["b"]);
    assert_eq!(names(&list(&server, &USER, "?query=%C3%A4RG").await), ["Ärger 100%"]);
    assert_eq!(
        names(&list(&server, &USER, "?query=100%25").await),
        ["Ärger 100%"],
        "a percent sign is itself"
    );
    assert_eq!(names(&list(&server, &USER, "?query=_").await), Vec::<&str>::new(), "an underscore is itself");
}

#[tokio::test]
async fn parameters_of_a_list_are_checked() {
    let server = TestServer::start().await;
    for query in [
        "?limit=0",
        "?limit=1001",
        "?limit=x",
        "?limit=-1",
        "?after=x",
        "?after=99999999999999999999",
        "?limit=1&limit=2",
    ] {
        let answer = server.get(&format!("{PATH}{query}")).basic(&USER).send().await.expect(400);
        assert_eq!(answer.error_code(), 222_298_002, "{query}");
        assert_eq!(answer.faulty_fields().len(), 1, "{query}");
    }
}

#[tokio::test]
async fn get_shows_the_client_id_but_not_the_secret() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    assert_eq!(shown["clientId"], made["clientId"]);
    assert!(shown.get("clientSecret").is_none());
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn get_shows_the_secret_if_the_configuration_allows_it() {
    let mut setup = Setup::default();
    setup.app.reveal_client_secret = true;
    let server = TestServer::start_with(setup).await;
    let made = register(&server, &USER, "a").await;
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    assert_eq!(shown["clientSecret"], made["clientSecret"]);
    let reset = server.put(&format!("{}/reset", at(&made))).basic(&USER).send().await.expect(200).json();
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    assert_eq!(shown["clientSecret"], reset["clientSecret"]);
}

#[tokio::test]
async fn an_id_may_be_written_with_leading_zeros_but_not_otherwise() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let digits = made["id"].to_string();
    server.get(&format!("{PATH}/00{digits}")).basic(&USER).send().await.expect(200);
    for wrong in ["x", "-1", "+1", "1.0", "1e0", "%31%00", "99999999999999999999", "9223372036854775807", "0"]
    {
        let unknown = server.get(&format!("{PATH}/{wrong}")).basic(&USER).send().await.expect(404);
        assert_eq!(unknown.error_code(), 222_299_404, "{wrong}");
    }
}

#[tokio::test]
async fn an_application_of_another_user_looks_like_an_unknown_one() {
    let server = TestServer::start().await;
    let theirs = register(&server, &OTHER, "theirs").await;
    let foreign = server.get(&at(&theirs)).basic(&USER).send().await.expect(404);
    let unknown = server.get(&format!("{PATH}/424242")).basic(&USER).send().await.expect(404);
    let no_id = server.get(&format!("{PATH}/nonsense")).basic(&USER).send().await.expect(404);
    assert_eq!((foreign.bytes(), foreign.bytes()), (unknown.bytes(), no_id.bytes()));
}

#[tokio::test]
async fn put_replaces_three_members_and_keeps_the_others() {
    let server = TestServer::start().await;
    let body = json!({
        "name": "a", "description": "old", "redirectUrls": ["https://a.example/"], "accessTokenLifetime": 600,
        "contacts": ["ada@example.org"], "grantTypes": ["authorization_code"],
    });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    server.clock().advance_secs(60);
    let change = json!({ "name": "b", "redirectUrls": ["https://b.example/"] });
    let changed = server.put(&at(&made)).basic(&USER).json(&change).send().await.expect(200).json();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("b"), &json!("")));
    assert_eq!(changed["redirectUrls"], json!(["https://b.example/"]));
    assert_eq!(changed["accessTokenLifetime"], 600);
    assert_eq!(changed["contacts"], json!(["ada@example.org"]));
    assert_eq!(changed["grantTypes"], json!(["authorization_code"]));
    assert_eq!(changed["clientId"], made["clientId"]);
    assert_ne!(changed["updatedAt"], made["updatedAt"]);
    assert!(changed.get("clientSecret").is_none());
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    assert_eq!(shown, changed);
}

#[tokio::test]
async fn the_result_of_get_can_be_put_back() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    let put = server.put(&at(&made)).basic(&USER).json(&shown).send().await.expect(200).json();
    assert_eq!(put["name"], "a");
    assert_eq!(put["clientId"], made["clientId"]);
    server.put(&at(&made)).basic(&USER).json(&made).send().await.expect(200);
}

#[tokio::test]
async fn put_requires_the_members_that_it_replaces() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let answer = server.put(&at(&made)).basic(&USER).json(&json!({})).send().await.expect(400);
    assert_eq!(answer.faulty_fields(), ["name", "redirectUrls"]);
    assert_eq!(names(&everything(&server).await), ["a"]);
}

#[tokio::test]
async fn delete_removes_the_application_and_revokes_its_tokens() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let id = ApplicationId::new(made["id"].as_i64().unwrap());
    let token = server.access_token(&USER, id, ScopeSet::from(BuiltInScope::Management)).await;
    server.get(PATH).bearer(&token).send().await.expect(200);
    let answer = server.delete(&at(&made)).basic(&USER).send().await.expect(204);
    assert!(answer.bytes().is_empty());
    server.get(PATH).bearer(&token).send().await.expect(401);
    server.get(&at(&made)).basic(&USER).send().await.expect(404);
    server.delete(&at(&made)).basic(&USER).send().await.expect(404);
    let next = register(&server, &USER, "b").await;
    assert!(next["id"].as_i64() > made["id"].as_i64(), "ids are never used again");
}

#[tokio::test]
async fn reset_returns_a_new_secret_and_revokes_everything() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let id = ApplicationId::new(made["id"].as_i64().unwrap());
    server.allow(&OTHER, id, ScopeSet::from(BuiltInScope::OData)).await;
    let token = server.access_token(&USER, id, ScopeSet::from(BuiltInScope::Management)).await;
    server.post(&format!("{}/secrets", at(&made))).basic(&USER).send().await.expect(201);
    let reset = server.put(&format!("{}/reset", at(&made))).basic(&USER).send().await.expect(200).json();
    assert_eq!(reset["clientId"], made["clientId"]);
    assert_ne!(reset["clientSecret"], made["clientSecret"]);
    assert_eq!(reset["secrets"].as_array().unwrap().len(), 1, "both old secrets are gone");
    server.get(PATH).bearer(&token).send().await.expect(401);
    let allowed =
        server.get("/api/mgmt/oauth/client/allowedapplications").basic(&OTHER).send().await.expect(200);
    assert_eq!(allowed.json()["applications"], json!([]), "consents ended too");
    let later = server.access_token(&USER, id, ScopeSet::from(BuiltInScope::Management)).await;
    server.get(PATH).bearer(&later).send().await.expect(200);
}

#[tokio::test]
async fn two_secrets_are_valid_during_the_overlap() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let secrets = format!("{}/secrets", at(&made));
    let answer = server.post(&secrets).basic(&USER).send().await.expect(201);
    let added = answer.json();
    assert!(added["clientSecret"].as_str().unwrap().starts_with("sgs_"));
    assert_eq!(added["expiresAt"], Value::Null);
    assert!(answer.location().ends_with(&format!("{secrets}/{}", added["id"])));
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 2);
    assert_eq!(shown["secrets"][0]["expiresAt"], "2026-01-02T12:00:00Z", "a day later");
    let third = server.post(&secrets).basic(&USER).send().await.expect(409);
    assert_eq!(third.error_code(), 222_298_010);
    server.clock().advance_secs(86_400);
    server.post(&secrets).basic(&USER).send().await.expect(201);
}

#[tokio::test]
async fn revoking_one_of_two_secrets_keeps_the_other() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let secrets = format!("{}/secrets", at(&made));
    let added = server.post(&secrets).basic(&USER).send().await.expect(201).json();
    server.delete(&format!("{secrets}/{}", added["id"])).basic(&USER).send().await.expect(204);
    let shown = server.get(&at(&made)).basic(&USER).send().await.expect(200).json();
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 1);
    assert!(shown["secrets"][0].get("expiresAt").is_none(), "the older one lives on without expiry");
    let last = format!("{secrets}/{}", shown["secrets"][0]["id"]);
    assert_eq!(server.delete(&last).basic(&USER).send().await.expect(409).error_code(), 222_298_011);
    for unknown in ["4242", "x", &added["id"].to_string()] {
        server.delete(&format!("{secrets}/{unknown}")).basic(&USER).send().await.expect(404);
    }
}

#[tokio::test]
async fn a_secret_of_another_application_cannot_be_revoked() {
    let server = TestServer::start().await;
    let mine = register(&server, &USER, "mine").await;
    let theirs = register(&server, &OTHER, "theirs").await;
    let added =
        server.post(&format!("{}/secrets", at(&theirs))).basic(&OTHER).send().await.expect(201).json();
    server.delete(&format!("{}/secrets/{}", at(&mine), added["id"])).basic(&USER).send().await.expect(404);
    let shown = server.get(&at(&theirs)).basic(&OTHER).send().await.expect(200).json();
    assert_eq!(shown["secrets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_public_application_has_no_secret() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "clientType": "public", "redirectUrls": ["com.example.app:/cb"] });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    assert!(made.get("clientSecret").is_none());
    assert_eq!(made["secrets"], json!([]));
    let reset = server.put(&format!("{}/reset", at(&made))).basic(&USER).send().await.expect(400);
    assert_eq!(reset.error_code(), 222_298_012);
    server.post(&format!("{}/secrets", at(&made))).basic(&USER).send().await.expect(400);
}

#[tokio::test]
async fn the_payload_for_adding_a_secret_has_no_members() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let secrets = format!("{}/secrets", at(&made));
    let answer = server.post(&secrets).basic(&USER).json(&json!({ "days": 3 })).send().await.expect(400);
    assert_eq!(answer.faulty_fields(), ["days"]);
    server.post(&secrets).basic(&USER).json(&json!({})).send().await.expect(201);
}

#[tokio::test]
async fn only_an_administrator_assigns_the_management_scope() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "redirectUrls": ["https://a.example/"], "scopes": ["api.access.odata", "api.mgmt"] });
    let refused = server.post(PATH).basic(&USER).json(&body).send().await.expect(400);
    assert!(refused.faulty_fields()[0].starts_with("scopes"), "{}", refused.text());
    let on_behalf = format!("{PATH}?user=d2cuser");
    let made = server.post(&on_behalf).basic(&ADMIN).json(&body).send().await.expect(201).json();
    assert_eq!((&made["createdBy"], &made["scopes"]), (&json!("d2cuser"), &body["scopes"]));
    let renamed = json!({ "name": "b", "redirectUrls": ["https://a.example/"] });
    let kept = server.put(&at(&made)).basic(&USER).json(&renamed).send().await.expect(200).json();
    assert_eq!(kept["scopes"], body["scopes"], "what was given stays when its owner changes something else");
}

#[tokio::test]
async fn unavailable_features_are_refused_by_name() {
    let server = TestServer::start().await;
    for (member, value) in
        [("profile", "fapi1"), ("tokenFormat", "xml"), ("profile", "strict"), ("clientType", "secret")]
    {
        let body = json!({ "name": "a", "redirectUrls": ["https://a.example/"], member: value });
        let answer = server.post(PATH).basic(&USER).json(&body).send().await.expect(400);
        assert_eq!(answer.faulty_fields(), [member], "{}", answer.text());
    }
}

#[tokio::test]
async fn plain_http_is_accepted_with_a_warning_only_in_the_compatible_profile() {
    let server = TestServer::start().await;
    let body = json!({
        "name": "a", "redirectUrls": ["http://intranet.example/cb"], "grantTypes": ["authorization_code"],
    });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    assert_eq!(made["warnings"].as_array().unwrap().len(), 1);
    let strict = json!({ "name": "a", "profile": "oauth21", "redirectUrls": ["http://intranet.example/cb"] });
    server.post(PATH).basic(&USER).json(&strict).send().await.expect(400);
}

#[tokio::test]
async fn only_administrators_act_on_behalf_of_others() {
    let server = TestServer::start().await;
    let theirs = register(&server, &OTHER, "theirs").await;
    let refused = server.get(&format!("{}?user=other", at(&theirs))).basic(&USER).send().await.expect(403);
    assert_eq!(refused.error_code(), 222_208_103);
    server.get(&format!("{PATH}?user=nobody")).basic(&USER).send().await.expect(403);
    server.get(&format!("{PATH}?user=nobody")).basic(&ADMIN).send().await.expect(404);
    server.get(&format!("{PATH}?user=")).basic(&ADMIN).send().await.expect(404);
    server.get(&format!("{}?user=other", at(&theirs))).basic(&ADMIN).send().await.expect(200);
    server.get(&format!("{}?user=d2cuser", at(&theirs))).basic(&ADMIN).send().await.expect(404);
}

#[tokio::test]
async fn the_permission_on_behalf_of_does_not_reach_administrators() {
    let server = TestServer::start().await;
    let deputy = TestUser { name: "deputy", password: "stands in for the others" };
    let role = server.add_role("deputies", &[Permission::MgmtAPI, Permission::OnBehalfOf]).await;
    server.add_user(&deputy, &[role]).await;
    register(&server, &USER, "mine").await;
    assert_eq!(names(&list(&server, &deputy, "?user=d2cuser").await), ["mine"]);
    assert_eq!(names(&list(&server, &deputy, "").await), Vec::<&str>::new());
    server.get(&format!("{PATH}?user=d2cadmin")).basic(&deputy).send().await.expect(403);
}

#[tokio::test]
async fn who_acts_for_another_gets_no_credentials_that_act_as_that_user() {
    let server = TestServer::start().await;
    let deputy = TestUser { name: "deputy", password: "stands in for the others" };
    let role = server.add_role("deputies", &[Permission::MgmtAPI, Permission::OnBehalfOf]).await;
    server.add_user(&deputy, &[role]).await;
    let service = json!({ "name": "job", "grantTypes": ["client_credentials"] });
    let on_behalf = format!("{PATH}?user=d2cuser");
    let refused = server.post(&on_behalf).basic(&deputy).json(&service).send().await.expect(403);
    assert!(refused.text().contains("client_credentials"), "{}", refused.text());
    let made = server.post(PATH).basic(&USER).json(&service).send().await.expect(201).json();
    let reset = format!("{}/reset?user=d2cuser", at(&made));
    server.put(&reset).basic(&deputy).send().await.expect(403);
    server.put(&reset).basic(&ADMIN).send().await.expect(200);
    let interactive = json!({ "name": "page", "redirectUrls": ["https://page.example/"] });
    server.post(&on_behalf).basic(&deputy).json(&interactive).send().await.expect(201);
}

#[tokio::test]
async fn every_operation_on_an_application_is_audited() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let change = json!({ "name": "b", "redirectUrls": ["https://b.example/"] });
    server.put(&at(&made)).basic(&USER).json(&change).send().await.expect(200);
    let secrets = format!("{}/secrets", at(&made));
    let added = server.post(&secrets).basic(&USER).send().await.expect(201).json();
    server.delete(&format!("{secrets}/{}", added["id"])).basic(&USER).send().await.expect(204);
    server.put(&format!("{}/reset?user=d2cuser", at(&made))).basic(&ADMIN).send().await.expect(200);
    server.delete(&at(&made)).basic(&USER).send().await.expect(204);
    let events = server.audit_of(ApplicationId::new(made["id"].as_i64().unwrap())).await;
    let lines: Vec<(&str, &str)> =
        events.iter().map(|event| (event.action.as_str(), event.actor_name.as_deref().unwrap())).collect();
    assert_eq!(
        lines,
        [
            ("application.register", "d2cuser"),
            ("application.update", "d2cuser"),
            ("application.add_secret", "d2cuser"),
            ("application.end_secret", "d2cuser"),
            ("application.reset_secret", "d2cadmin"),
            ("application.delete", "d2cuser"),
        ]
    );
    assert!(
        events
            .iter()
            .all(|event| event.address.as_deref() == Some("127.0.0.1") && event.request_id.is_some())
    );
    assert_eq!(events[4].detail.as_deref(), Some("on behalf of d2cuser"));
}

/// The response of the token endpoint to an application that presents this secret.
async fn client_credentials(server: &TestServer, application: &Value, secret: &Value) -> u16 {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", application["clientId"].as_str().expect("a client id")),
        ("client_secret", secret.as_str().expect("a secret")),
    ];
    server.post("/oauth2/token").form(&form).send().await.status()
}

#[tokio::test]
async fn a_revoked_secret_is_refused_at_once() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "grantTypes": ["client_credentials"] });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    assert_eq!(client_credentials(&server, &made, &made["clientSecret"]).await, 200);
    let added = server.post(&format!("{}/secrets", at(&made))).basic(&USER).send().await.expect(201).json();
    assert_eq!(client_credentials(&server, &made, &made["clientSecret"]).await, 200);
    assert_eq!(client_credentials(&server, &made, &added["clientSecret"]).await, 200);
    let older = format!("{}/secrets/{}", at(&made), made["secrets"][0]["id"]);
    server.delete(&older).basic(&USER).send().await.expect(204);
    assert_eq!(client_credentials(&server, &made, &made["clientSecret"]).await, 400);
    assert_eq!(client_credentials(&server, &made, &added["clientSecret"]).await, 200);
    let reset = server.put(&format!("{}/reset", at(&made))).basic(&USER).send().await.expect(200).json();
    assert_eq!(client_credentials(&server, &made, &added["clientSecret"]).await, 400);
    assert_eq!(client_credentials(&server, &made, &reset["clientSecret"]).await, 200);
    server.delete(&at(&made)).basic(&USER).send().await.expect(204);
    assert_eq!(client_credentials(&server, &made, &reset["clientSecret"]).await, 400);
}

#[tokio::test]
async fn the_older_secret_expires_at_the_end_of_the_overlap() {
    let server = TestServer::start().await;
    let body = json!({ "name": "a", "grantTypes": ["client_credentials"] });
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    let added = server.post(&format!("{}/secrets", at(&made))).basic(&USER).send().await.expect(201).json();
    server.clock().advance_secs(86_399);
    assert_eq!(client_credentials(&server, &made, &made["clientSecret"]).await, 200);
    server.clock().advance_secs(1);
    assert_eq!(client_credentials(&server, &made, &made["clientSecret"]).await, 400);
    assert_eq!(client_credentials(&server, &made, &added["clientSecret"]).await, 200);
}

#[tokio::test]
async fn concurrent_additions_never_give_three_live_secrets() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let secrets = format!("{}/secrets", at(&made));
    let add = || server.post(&secrets).basic(&USER).send();
    let (one, other, third) = tokio::join!(add(), add(), add());
    let mut statuses = [one.status(), other.status(), third.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
}

#[tokio::test]
async fn refusals_are_audited_too() {
    let server = TestServer::start().await;
    let made = register(&server, &USER, "a").await;
    let id = ApplicationId::new(made["id"].as_i64().expect("an id"));
    let data_token = server.access_token(&USER, id, ScopeSet::from(BuiltInScope::OData)).await;
    server.get(PATH).bearer(&data_token).send().await.expect(403);
    let noted = server.audit_of(id).await.pop().expect("an event");
    assert_eq!((noted.action.as_str(), noted.outcome.as_str()), ("access.refuse", "refused"));
    assert_eq!(noted.actor_name.as_deref(), Some("d2cuser"));
    server.get(&format!("{PATH}?user=other")).basic(&USER).send().await.expect(403);
    let log = server.get("/api/admin/audit").basic(&ADMIN).send().await.expect(200);
    assert!(log.text().contains("may not act for another user"), "{}", log.text());
}
