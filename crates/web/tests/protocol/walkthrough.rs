//! The main use case from beginning to end.

use serde_json::json;
use testkit::{TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, Tokens, allow, assert_refused, is_alive, parameter};

const HARBOUR: &str = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);
    INSERT INTO Ships VALUES (1, 'Argo'), (2, 'Fram');";
const READ: &str = "/api/odata4/harbour/Ships?$filter=Name%20eq%20'Fram'";
const ALLOWED: &str = "/api/mgmt/oauth/client/allowedapplications";

#[tokio::test]
async fn an_application_is_registered_allowed_used_refreshed_revoked_and_refused() {
    let server = TestServer::start().await;
    let path = server.sqlite_file("sample.db", HARBOUR);
    let source = json!({
        "name": "harbour", "dataStore": 1, "connectionType": "Cloud",
        "options": { "path": path },
    });
    server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    let client = Client::register(&server).await;
    let listed = server.get(APPLICATIONS).basic(&USER).send().await.expect(200).json();
    assert_eq!(listed["applications"][0]["id"], client.id);

    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[("state", "s 1&2"), ("scope", "odata")])).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let page = browser.page().text();
    for said in ["Harbour Reports", USER.name, "Allow data access via OData", "client.example", "harbour"] {
        assert!(page.contains(said), "{said} is missing in {page}");
    }
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    let answer = browser.submit(form).await.expect(303);
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert_eq!(parameter(&answer, "state").unwrap(), "s 1&2");
    assert_eq!(parameter(&answer, "iss").unwrap(), "http://127.0.0.1:8080");

    let exchanged = client.exchange(&server, &parameter(&answer, "code").unwrap()).await.expect(200);
    let body = exchanged.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(body["scope"], "api.access.odata");
    assert_eq!((exchanged.header("cache-control"), exchanged.header("pragma")), ("no-store", "no-cache"));
    let tokens = Tokens::of(&exchanged);
    assert!(tokens.access.starts_with("sga_") && tokens.refresh.starts_with("sgr_"));
    let read = server.get(READ).bearer(&tokens.access).send().await.expect(200).json();
    assert_eq!(read["value"][0]["Name"], "Fram", "{read}");
    let metadata = server.get("/api/odata4/harbour/$metadata").bearer(&tokens.access).send().await;
    assert!(metadata.expect(200).text().contains("Ships"));

    server.clock().advance_secs(3_600);
    let expired = server.get(READ).bearer(&tokens.access).send().await.expect(401);
    assert!(expired.header("www-authenticate").contains("error=\"invalid_token\""));
    let refreshed = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    server.get(READ).bearer(&refreshed.access).send().await.expect(200);
    assert_eq!(refreshed.refresh, tokens.refresh, "it stays valid until revoked");

    let allowed = server.get(ALLOWED).basic(&USER).send().await.expect(200).json();
    let entry = &allowed["applications"][0];
    assert_eq!((&entry["id"], &entry["name"]), (&json!(client.id), &json!("Harbour Reports")));
    assert_eq!(entry["scopes"], json!(["api.access.odata"]));

    server.delete(&format!("{ALLOWED}/{}", client.id)).basic(&USER).send().await.expect(204);
    server.get(READ).bearer(&refreshed.access).send().await.expect(401);
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
    let allowed = server.get(ALLOWED).basic(&USER).send().await.expect(200).json();
    assert_eq!(allowed["applications"], json!([]));
}

#[tokio::test]
async fn both_prefixes_lead_to_the_same_endpoints() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let url = format!("/api/mgmt{}", client.authorize_url(&[]));
    let answer = allow(&mut server.browser(), &USER, &url).await;
    let code = parameter(&answer, "code").unwrap();
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let tokens = Tokens::of(&client.post(&server, "/api/mgmt/oauth2/token", &fields).await);
    let token = [("token", tokens.access.as_str())];
    let response = client.post(&server, "/api/mgmt/oauth2/introspect", &token).await.expect(200).json();
    assert_eq!(response["active"], true);
    let ended = client.post(&server, "/api/mgmt/oauth2/revoke", &token).await.expect(200);
    assert_eq!(ended.json(), json!({}));
    assert!(!is_alive(&server, &tokens.access).await);
}
