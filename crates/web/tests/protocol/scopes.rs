//! Scopes of resource servers that administrators register.

use serde_json::{Value, json};
use testkit::{ADMIN, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, Tokens, allow, assert_refused, parameter};

const SERVERS: &str = "/api/admin/resourceservers";
const WORDS: &str = "Read the orders that you have placed";

/// Registers a resource server, and returns the path of its scopes.
async fn add_server(server: &TestServer) -> String {
    let body = json!({ "identifier": "https://orders.example.com", "name": "Orders" });
    let answer = server.post(SERVERS).basic(&ADMIN).json(&body).send().await.expect(201);
    assert!(answer.location().ends_with(&format!("{SERVERS}/{}", answer.json()["id"])));
    format!("{SERVERS}/{}/scopes", answer.json()["id"])
}

async fn add_scope(server: &TestServer, scopes: &str, name: &str, assignable_by: &str) -> Value {
    let body = json!({ "name": name, "description": WORDS, "assignableBy": assignable_by });
    let answer = server.post(scopes).basic(&ADMIN).json(&body).send().await.expect(201);
    let made = answer.json();
    assert!(answer.location().ends_with(&format!("{scopes}/{}", made["id"])));
    made
}

#[tokio::test]
async fn an_own_api_is_registered_allowed_and_introspected_and_odata_stays_closed() {
    let server = TestServer::start().await;
    let scopes = add_server(&server).await;
    let scope = add_scope(&server, &scopes, "orders.read", "anyone").await;
    assert_eq!((&scope["risk"], &scope["builtIn"]), (&json!("low"), &json!(false)));

    let client = Client::register_with(&server, json!({ "scopes": ["orders.read", "odata"] })).await;
    let shown = server.get(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).send().await.expect(200);
    assert_eq!(shown.json()["scopes"], json!(["api.access.odata", "orders.read"]));

    let mut browser = server.browser();
    let wanted = [("scope", "orders.read")];
    browser.get(&client.authorize_url(&wanted)).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let page = browser.page().text().to_owned();
    assert!(page.contains(WORDS) && !page.contains("Allow data access via OData"), "{page}");
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let answer = browser.submit(form).await.expect(303);
    let exchanged = client.exchange(&server, &parameter(&answer, "code").unwrap()).await.expect(200);
    assert_eq!(exchanged.json()["scope"], "orders.read");
    let tokens = Tokens::of(&exchanged);
    let again = allow(&mut browser, &USER, &client.authorize_url(&wanted)).await;
    assert!(parameter(&again, "code").is_some(), "the consent is remembered");

    let api = Client::register_as(&server, &ADMIN, json!({ "scopes": ["token.introspect"] })).await;
    let introspected = api.introspect(&server, &tokens.access).await;
    assert_eq!((&introspected["active"], &introspected["scope"]), (&json!(true), &json!("orders.read")));
    assert_eq!(introspected["username"], USER.name);

    let refused = server.get("/api/odata4").bearer(&tokens.access).send().await.expect(403);
    assert!(refused.header("www-authenticate").contains("insufficient_scope"));
    server.get(APPLICATIONS).bearer(&tokens.access).send().await.expect(403);

    let refreshed = client.refresh(&server, &tokens.refresh).await.expect(200);
    assert_eq!(refreshed.json()["scope"], "orders.read");
    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("scope", "orders.read odata"),
    ];
    assert_refused(&client.token(&server, &wider).await, 400, "invalid_scope");

    let metadata = server.get("/.well-known/oauth-authorization-server").send().await.expect(200).json();
    let supported = metadata["scopes_supported"].as_array().unwrap();
    assert_eq!(supported.first(), Some(&json!("api.access.odata")));
    assert_eq!(supported.last(), Some(&json!("orders.read")));
    let allowed = server.get("/api/mgmt/oauth/client/allowedapplications").basic(&USER).send().await.json();
    assert_eq!(allowed["applications"][0]["scopes"], json!(["orders.read"]));
}

#[tokio::test]
async fn a_scope_that_applications_have_is_kept_and_a_deleted_one_gives_nothing() {
    let server = TestServer::start().await;
    let scopes = add_server(&server).await;
    let scope = add_scope(&server, &scopes, "orders.read", "anyone").await;
    let at = format!("{scopes}/{}", scope["id"]);
    let client = Client::register_with(&server, json!({ "scopes": ["orders.read", "odata"] })).await;
    let code = client.code_with(&server, &USER, &[("scope", "orders.read odata")]).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);

    let refused = server.delete(&at).basic(&ADMIN).send().await.expect(409);
    assert_eq!(refused.error_code(), 222_298_026);
    assert!(refused.error_message().contains("1 application is registered"), "{}", refused.error_message());
    let refused = server.delete(scopes.trim_end_matches("/scopes")).basic(&ADMIN).send().await.expect(409);
    assert!(refused.error_message().contains("1 scope"), "{}", refused.error_message());

    let narrower = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "scopes": ["odata"] });
    let path = format!("{APPLICATIONS}/{}", client.id);
    server.put(&path).basic(&USER).json(&narrower).send().await.expect(200);
    server.delete(&at).basic(&ADMIN).send().await.expect(204);
    server.get(&at).basic(&ADMIN).send().await.expect(404);
    assert_eq!(client.introspect(&server, &tokens.access).await["scope"], "api.access.odata");
    let refreshed = client.refresh(&server, &tokens.refresh).await.expect(200);
    assert_eq!(refreshed.json()["scope"], "api.access.odata");
    let url = client.authorize_url(&[("scope", "orders.read")]);
    let answer = server.get(&url).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_scope"));

    let anew = add_scope(&server, &scopes, "orders.read", "anyone").await;
    assert_ne!(anew["id"], scope["id"]);
    let wide = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "scopes": ["orders.read"] });
    server.put(&path).basic(&USER).json(&wide).send().await.expect(200);
    let introspected = client.introspect(&server, &tokens.access).await;
    assert_eq!(introspected, json!({ "active": false }), "the old token names another number");
}

#[tokio::test]
async fn only_administrators_manage_resource_servers_and_reserved_scopes() {
    let server = TestServer::start().await;
    let scopes = add_server(&server).await;
    add_scope(&server, &scopes, "orders.write", "Administrator").await;
    for path in [SERVERS, scopes.as_str()] {
        server.get(path).basic(&USER).send().await.expect(403);
        server.get(path).send().await.expect(401);
        server.post(path).basic(&USER).json(&json!({})).send().await.expect(403);
    }
    let body = json!({ "name": "Harbour", "redirectUrls": [CALLBACK], "scopes": ["orders.write"] });
    let refused = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
    assert_eq!(refused.faulty_fields(), ["scopes[0]"]);
    server.post(APPLICATIONS).basic(&ADMIN).json(&body).send().await.expect(201);
}

#[tokio::test]
async fn faulty_resource_servers_and_scopes_are_refused() {
    let server = TestServer::start().await;
    let scopes = add_server(&server).await;
    add_scope(&server, &scopes, "orders.read", "anyone").await;
    for (body, fields) in [
        (json!({ "name": "Orders" }), vec!["identifier"]),
        (json!({ "identifier": "orders", "name": "" }), vec!["identifier", "name"]),
        (json!({ "identifier": "https://a.example.com#x", "name": "A" }), vec!["identifier"]),
        (json!({ "identifier": "https://orders.example.com", "name": "Again" }), vec!["identifier"]),
        (json!({ "identifier": "https://a.example.com", "name": "A", "colour": 1 }), vec!["colour"]),
    ] {
        let refused = server.post(SERVERS).basic(&ADMIN).json(&body).send().await.expect(400);
        assert_eq!(refused.faulty_fields(), fields, "{body}");
    }
    for (body, fields) in [
        (json!({ "name": "a" }), vec!["description"]),
        (json!({ "name": "a b", "description": "x" }), vec!["name"]),
        (json!({ "name": "odata", "description": "x" }), vec!["name"]),
        (json!({ "name": "api.mgmt", "description": "x" }), vec!["name"]),
        (json!({ "name": "orders.read", "description": "x" }), vec!["name"]),
        (json!({ "name": "a", "description": "x\ny" }), vec!["description"]),
        (json!({ "name": "a", "description": "x", "risk": "huge" }), vec!["risk"]),
        (json!({ "name": "a", "description": "x", "assignableBy": "me" }), vec!["assignableBy"]),
    ] {
        let refused = server.post(&scopes).basic(&ADMIN).json(&body).send().await.expect(400);
        assert_eq!(refused.faulty_fields(), fields, "{body}");
    }
    server.post(&format!("{SERVERS}/99/scopes")).basic(&ADMIN).json(&json!({})).send().await.expect(404);
}

#[tokio::test]
async fn built_in_rows_keep_everything_except_the_description() {
    let server = TestServer::start().await;
    let refused = server.delete(&format!("{SERVERS}/1")).basic(&ADMIN).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_298_027);
    let path = format!("{SERVERS}/1/scopes/1");
    server.delete(&path).basic(&ADMIN).send().await.expect(400);
    let mut scope = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!((&scope["name"], &scope["builtIn"]), (&json!("api.access.odata"), &json!(true)));
    scope["description"] = json!("Read your tables");
    let changed = server.put(&path).basic(&ADMIN).json(&scope).send().await.expect(200).json();
    assert_eq!(changed["description"], "Read your tables");
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    assert!(browser.page().text().contains("Read your tables"));
    scope["name"] = json!("data");
    let refused = server.put(&path).basic(&ADMIN).json(&scope).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_298_027);
    let more = json!({ "name": "api.more", "description": "x" });
    let refused = server.post(&format!("{SERVERS}/1/scopes")).basic(&ADMIN).json(&more).send().await;
    assert_eq!(refused.expect(400).error_code(), 222_298_027);
}

#[tokio::test]
async fn lists_of_resource_servers_and_scopes_are_paged_and_searched() {
    let server = TestServer::start().await;
    let scopes = add_server(&server).await;
    for name in ["orders.read", "orders.write", "orders.delete"] {
        add_scope(&server, &scopes, name, "anyone").await;
    }
    let names = async |query: &str| -> Vec<Value> {
        let answer = server.get(&format!("{scopes}?{query}")).basic(&ADMIN).send().await.expect(200).json();
        answer["scopes"].as_array().unwrap().iter().map(|scope| scope["name"].clone()).collect()
    };
    assert_eq!(names("limit=1&after=100").await, ["orders.write"]);
    assert_eq!(names("query=DELETE").await, ["orders.delete"]);
    let servers = server.get(&format!("{SERVERS}?query=orders")).basic(&ADMIN).send().await.expect(200);
    assert_eq!(servers.json()["resourceServers"].as_array().unwrap().len(), 1);
}

/// `orders.all` implies `orders.write`, which implies `orders.read`.
async fn add_hierarchy(server: &TestServer) -> String {
    let scopes = add_server(server).await;
    let mut implied = Vec::new();
    for name in ["orders.read", "orders.write", "orders.all"] {
        let body = json!({ "name": name, "description": name, "assignableBy": "anyone", "implies": implied });
        let made = server.post(&scopes).basic(&ADMIN).json(&body).send().await.expect(201).json();
        assert_eq!(made["implies"], json!(implied));
        implied = vec![name];
    }
    scopes
}

#[tokio::test]
async fn a_broad_scope_gives_what_it_implies() {
    let server = TestServer::start().await;
    let scopes = add_hierarchy(&server).await;
    let client = Client::register_with(&server, json!({ "scopes": ["orders.all"] })).await;
    let mut browser = server.browser();
    let code = allow(&mut browser, &USER, &client.authorize_url(&[("scope", "orders.all")])).await;
    let exchanged = client.exchange(&server, &parameter(&code, "code").unwrap()).await.expect(200);
    assert_eq!(exchanged.json()["scope"], "orders.all", "the answer names what was asked");
    let tokens = Tokens::of(&exchanged);
    let effective = "orders.read orders.write orders.all";
    assert_eq!(client.introspect(&server, &tokens.access).await["scope"], effective);

    let url = client.authorize_url(&[("scope", "orders.read")]);
    let answer = browser.get(&url).await.expect(303);
    assert!(parameter(&answer, "code").is_some(), "the consent to the broad scope covers it");

    let narrow = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh.as_str()),
        ("scope", "orders.read"),
    ];
    let narrowed = client.token(&server, &narrow).await.expect(200);
    assert_eq!(narrowed.json()["scope"], "orders.read");
    let narrowed = Tokens::of(&narrowed);
    assert_eq!(client.introspect(&server, &narrowed.access).await["scope"], "orders.read");

    let path = format!("{APPLICATIONS}/{}", client.id);
    let less = json!({ "name": "Harbour Reports", "redirectUrls": [CALLBACK], "scopes": ["orders.write"] });
    server.put(&path).basic(&USER).json(&less).send().await.expect(200);
    let left = client.introspect(&server, &tokens.access).await;
    assert_eq!(left["scope"], "orders.read orders.write", "an application that loses the broad scope");
    let wide = [("scope", "orders.all")];
    let refused = browser.get(&client.authorize_url(&wide)).await.expect(303);
    assert_eq!(parameter(&refused, "error").as_deref(), Some("invalid_scope"));

    let list = server.get(&scopes).basic(&ADMIN).send().await.expect(200).json();
    let write = format!("{scopes}/{}", list["scopes"][1]["id"]);
    let alone = json!({ "name": "orders.write", "description": "x", "assignableBy": "anyone" });
    server.put(&write).basic(&ADMIN).json(&alone).send().await.expect(200);
    let left = client.introspect(&server, &tokens.access).await;
    assert_eq!(left["scope"], "orders.write", "what is implied no more is given no more");
}

#[tokio::test]
async fn a_signed_token_names_what_its_scopes_imply() {
    let server = TestServer::start().await;
    add_hierarchy(&server).await;
    let members =
        json!({ "scopes": ["orders.write"], "tokenFormat": "jwt", "grantTypes": ["client_credentials"] });
    let client = Client::register_with(&server, members).await;
    let asked = [("grant_type", "client_credentials"), ("scope", "orders.write")];
    let token =
        client.token(&server, &asked).await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(crate::signed_tokens::part(&token, 1)["scope"], "orders.read orders.write");
    let narrow = [("grant_type", "client_credentials"), ("scope", "orders.read")];
    client.token(&server, &narrow).await.expect(200);
}

#[tokio::test]
async fn implications_that_cannot_be_are_refused() {
    let server = TestServer::start().await;
    let scopes = add_hierarchy(&server).await;
    let list = server.get(&scopes).basic(&ADMIN).send().await.expect(200).json();
    let read = format!("{scopes}/{}", list["scopes"][0]["id"]);
    let body = |who: &str, implies: &[&str]| json!({ "name": "orders.read", "description": "x", "assignableBy": who, "implies": implies });
    for (body, fields) in [
        (body("anyone", &["orders.all"]), vec!["implies"]),
        (body("anyone", &["orders.read"]), vec!["implies"]),
        (body("anyone", &["api.mgmt", "nothing"]), vec!["implies[0]", "implies[1]"]),
        (body("anyone", &["orders.write"; 21]), vec!["implies"]),
        (body("Administrator", &[]), vec!["implies"]),
    ] {
        let refused = server.put(&read).basic(&ADMIN).json(&body).send().await.expect(400);
        assert_eq!(refused.faulty_fields(), fields, "{body}");
    }
    let refused = server.delete(&read).basic(&ADMIN).send().await.expect(409);
    assert!(refused.error_message().contains("implied by 1 other scope"), "{}", refused.error_message());
    assert_eq!(server.get(&scopes).basic(&ADMIN).send().await.json(), list, "nothing has changed");
}
