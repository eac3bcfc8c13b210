//! A server whose public URL has a path: everything is below it, and nothing leads out of it.

use http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN, ClientKey, Setup, TestServer, USER};
use web::WebSettings;

use crate::client::{CALLBACK, Client, Tokens, VERIFIER, assert_refused, parameter};
use crate::openid::decoded;

const PUBLIC_URL: &str = "https://data.example/gate";
const HARBOUR: &str = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);
    INSERT INTO Ships VALUES (1, 'Argo'), (2, 'Fram'), (3, 'Vega');";

async fn server() -> TestServer {
    let mut setup = Setup::default();
    PUBLIC_URL.clone_into(&mut setup.app.public_url);
    setup.app.odata_page_size = 2;
    setup.web = WebSettings { tls: true, ..WebSettings::default() };
    let server = TestServer::start_with(setup).await;
    let origin = app::identity::caller::RequestOrigin::command_line();
    server.app().signing_keys().create_missing(&origin).await.unwrap();
    let path = server.sqlite_file("sample.db", HARBOUR);
    let source = json!({
        "name": "harbour", "dataStore": 1, "connectionType": "Cloud",
        "options": { "path": path },
    });
    let created = server.post("/api/mgmt/datasources").basic(&USER).json(&source).send().await.expect(201);
    assert!(created.location().starts_with("/gate/api/mgmt/datasources/"), "{}", created.location());
    server
}

/// The path and query of an address that the server names.
fn target(url: &Value) -> String {
    let url = url.as_str().unwrap_or_else(|| panic!("no address: {url}"));
    let path = url.strip_prefix("https://data.example").unwrap_or_else(|| panic!("{url} is elsewhere"));
    assert!(path.starts_with("/gate/"), "{url}");
    path.to_owned()
}

async fn json_at(server: &TestServer, target: &str) -> Value {
    server.call_at(Method::GET, target).send().await.expect(200).json()
}

#[tokio::test]
async fn a_client_walks_from_discovery_to_the_logout() {
    let server = server().await;
    let client =
        Client::register_with(&server, json!({ "scopes": ["odata", "openid", "offline_access"] })).await;
    let metadata = json_at(&server, "/.well-known/oauth-authorization-server/gate").await;
    assert_eq!(metadata["issuer"], PUBLIC_URL);

    let mut browser = server.browser();
    let query = client.authorize_url(&[
        ("scope", "odata openid offline_access"),
        ("state", "s"),
        ("code_challenge", crate::client::CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let query = query.split_once('?').unwrap().1.to_owned();
    let endpoint = metadata["authorization_endpoint"].as_str().unwrap();
    browser.get(&format!("{endpoint}?{query}")).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    assert_eq!(browser.address().path(), "/gate/oauth2/authorize");
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    assert_eq!(form.action, "/gate/oauth2/consent");
    let answer = browser.submit(form).await.expect(303);
    assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
    assert_eq!(parameter(&answer, "iss").unwrap(), PUBLIC_URL);
    let code = parameter(&answer, "code").unwrap();

    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", &client.identifier),
        ("client_secret", client.secret.as_deref().unwrap()),
    ];
    let token_endpoint = target(&metadata["token_endpoint"]);
    let issued = server.call_at(Method::POST, &token_endpoint).form(&fields).send().await.expect(200);
    let claims = decoded(issued.json()["id_token"].as_str().unwrap()).1;
    assert_eq!(claims["iss"], PUBLIC_URL);
    let tokens = Tokens::of(&issued);
    let userinfo = target(&metadata["userinfo_endpoint"]);
    let reply = server.call_at(Method::GET, &userinfo).bearer(&tokens.access).send().await.expect(200).json();
    assert_eq!(reply["sub"], claims["sub"]);
    let keys = json_at(&server, &target(&metadata["jwks_uri"])).await;
    assert!(!keys["keys"].as_array().unwrap().is_empty());

    let refreshed = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    read_every_page(&server, &refreshed.access).await;

    let listed = browser.get("/account/applications").await.expect(200);
    let revoke = format!("href=\"/gate/account/applications/{}/revoke\"", client.id);
    assert!(listed.text().contains(&revoke), "{}", listed.text());
    let revocation = target(&metadata["revocation_endpoint"]);
    let fields = [
        ("token", &*tokens.refresh),
        ("client_id", &client.identifier),
        ("client_secret", client.secret.as_deref().unwrap()),
    ];
    server.call_at(Method::POST, &revocation).form(&fields).send().await.expect(200);
    assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");

    let hint = issued.json()["id_token"].as_str().unwrap().to_owned();
    let end_session = metadata["end_session_endpoint"].as_str().unwrap();
    browser.get(&format!("{end_session}?id_token_hint={hint}")).await.expect(200);
    browser.get("/account").await.expect(200);
    assert!(browser.page().text().contains("id=\"login-submit\""), "{}", browser.page().text());
}

async fn read_every_page(server: &TestServer, token: &str) {
    let catalogue = server.get("/api/odata4").bearer(token).send().await.expect(200).json();
    assert_eq!(catalogue["value"][0]["url"], "https://data.example/gate/api/odata4/harbour/");
    let mut names = Vec::new();
    let mut next = json!("https://data.example/gate/api/odata4/harbour/Ships");
    while !next.is_null() {
        let page = server.call_at(Method::GET, &target(&next)).bearer(token).send().await.expect(200).json();
        let context = "https://data.example/gate/api/odata4/harbour/$metadata#Ships";
        assert_eq!(page["@odata.context"], context);
        names.extend(page["value"].as_array().unwrap().iter().map(|ship| ship["Name"].clone()));
        next = page["@odata.nextLink"].clone();
    }
    assert_eq!(names, ["Argo", "Fram", "Vega"]);
}

#[tokio::test]
async fn the_metadata_are_at_both_forms_of_their_address_and_at_no_other() {
    let server = server().await;
    for name in ["oauth-authorization-server", "openid-configuration"] {
        for address in [format!("/.well-known/{name}/gate"), format!("/gate/.well-known/{name}")] {
            let document = json_at(&server, &address).await;
            assert_eq!(document["issuer"], PUBLIC_URL, "{address}");
            for (member, value) in document.as_object().unwrap() {
                if member.ends_with("_endpoint") || member.ends_with("_uri") {
                    target(value);
                }
            }
        }
        for address in [format!("/.well-known/{name}"), format!("/.well-known/{name}/gatehouse")] {
            server.call_at(Method::GET, &address).send().await.expect(404);
        }
    }
}

#[tokio::test]
async fn a_challenge_leads_to_the_metadata_of_the_resource() {
    let server = server().await;
    let refused = server.get("/api/odata4/harbour/Ships").send().await.expect(401);
    let address = "/.well-known/oauth-protected-resource/gate/api/odata4/harbour";
    let challenge = refused.header("www-authenticate");
    assert!(
        challenge.contains(&format!("resource_metadata=\"https://data.example{address}\"")),
        "{challenge}"
    );
    for path in ["", "/", "/api/odata4", "/api/odata4/", "/api/odata4/harbour", "/api/odata4/harbour/"] {
        let address = format!("/.well-known/oauth-protected-resource/gate{path}");
        let document = json_at(&server, &address).await;
        assert_eq!(document["resource"], format!("{PUBLIC_URL}{path}"));
        assert_eq!(document["authorization_servers"], json!([PUBLIC_URL]));
    }
    server.call_at(Method::GET, "/.well-known/oauth-protected-resource").send().await.expect(404);
}

#[tokio::test]
async fn a_token_for_a_resource_below_the_path_reaches_it() {
    let server = server().await;
    let client = Client::register(&server).await;
    let resource = format!("{PUBLIC_URL}/api/odata4/harbour/");
    let code = client.code_with(&server, &USER, &[("resource", &resource)]).await;
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    server.get("/api/odata4/harbour/Ships").bearer(&tokens.access).send().await.expect(200);
    server.get("/api/mgmt/datasources").bearer(&tokens.access).send().await.expect(403);
    for foreign in
        ["https://data.example", "https://data.example/gatehouse", "https://data.example/api/odata4"]
    {
        let mut browser = server.browser();
        browser.get("/login").await;
        browser.sign_in(&USER).await;
        let answer = browser.get(&client.authorize_url(&[("resource", foreign)])).await.expect(303);
        assert_eq!(parameter(&answer, "error").as_deref(), Some("invalid_target"), "{foreign}");
    }
}

#[tokio::test]
async fn a_proof_of_possession_names_the_address_with_the_path() {
    let server = server().await;
    let client = Client::register(&server).await;
    let code = client.code(&server).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("client_id", &client.identifier),
        ("client_secret", client.secret.as_deref().unwrap()),
    ];
    let key = ClientKey::new(7);
    let send =
        async |proof: String| server.post("/oauth2/token").header("dpop", &proof).form(&fields).send().await;
    let mut claims = key.claims(&server, "POST", "/oauth2/token");
    assert_eq!(claims["htu"], "https://data.example/gate/oauth2/token");
    claims["htu"] = json!("https://data.example/oauth2/token");
    assert_refused(&send(key.sign(&claims)).await, 400, "invalid_dpop_proof");
    let issued = send(key.proof(&server, "POST", "/oauth2/token")).await.expect(200).json();
    assert_eq!(issued["token_type"], "DPoP");
    let token = issued["access_token"].as_str().unwrap();
    let proof = key.proof_with(&server, "GET", "/api/odata4/harbour/Ships", token);
    let authorization = format!("DPoP {token}");
    let read = server.get("/api/odata4/harbour/Ships").header("dpop", &proof);
    read.header("authorization", &authorization).send().await.expect(200);
}

#[tokio::test]
async fn cookies_are_for_the_path_only_and_need_tls() {
    let server = server().await;
    let mut browser = server.browser();
    let page = browser.get("/login").await.expect(200);
    let visitor = page.header("set-cookie");
    assert!(visitor.starts_with("__Secure-sluicegate-visitor="), "{visitor}");
    assert!(
        visitor.contains("; Path=/gate; HttpOnly; SameSite=Lax") && visitor.ends_with("; Secure"),
        "{visitor}"
    );
    browser.sign_in(&USER).await.expect(200);
    assert_eq!(browser.address().path(), "/gate/account");
    assert!(browser.cookie("__Secure-sluicegate").is_some());
    let form = browser.form_with_button("logout-submit");
    browser.submit(form).await.expect(200);
    assert!(browser.cookie("__Secure-sluicegate").is_none());
}

#[tokio::test]
async fn nothing_is_outside_but_the_probes() {
    let server = server().await;
    for address in [
        "/",
        "/login",
        "/gatehouse/login",
        "/gate%2flogin",
        "/g%61te/login",
        "//gate/login",
        "/x/../gate/login",
        "/api/odata4/harbour",
        "/oauth2/token",
        "/assets/style.css",
        "/metrics",
    ] {
        let answer = server.call_at(Method::GET, address).send().await.expect(404);
        assert!(answer.location().is_empty(), "{address}");
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8", "{address}");
        assert!(answer.text().contains("below /gate\n"), "{}", answer.text());
        let posted = server.call_at(Method::POST, address).form(&[("a", "b")]).send().await;
        posted.expect(404);
    }
    for address in ["/gate/../login", "/gate//login", "/gate/%2e%2e/login", "/gate/healthz/"] {
        server.call_at(Method::GET, address).send().await.expect(404);
    }
    for address in ["/healthz", "/readyz", "/gate/healthz", "/gate/readyz"] {
        server.call_at(Method::GET, address).send().await.expect(200);
    }
    server.call_at(Method::GET, "/gate").send().await.expect(200);
}

/// Every address on every page that a person meets.
#[tokio::test]
async fn every_address_on_a_page_is_below_the_path() {
    let server = server().await;
    let mut browser = server.browser();
    browser.get("/login").await;
    browser.sign_in(&ADMIN).await.expect(200);
    for page in [
        "",
        "/",
        "/login",
        "/logout",
        "/device",
        "/account",
        "/account/applications",
        "/account/password",
        "/account/profile",
        "/docs",
        "/nothing",
        "/oauth2/authorize",
    ] {
        let answer = browser.get(&format!("{PUBLIC_URL}{page}")).await;
        let text = answer.text();
        for attribute in [" href=\"", " action=\"", " src=\""] {
            let addresses = text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next());
            for address in addresses.filter(|address| address.starts_with('/')) {
                assert!(address.starts_with("/gate/"), "{address} on {page}");
                let found = server.call_at(Method::GET, address).send().await;
                assert_ne!(found.status(), 404, "{address} on {page}");
            }
        }
        assert!(text.contains("href=\"/gate/assets/style.css\""), "{page}: {text}");
    }
    let document = json_at(&server, "/gate/openapi.json").await;
    assert_eq!(document["servers"], json!([{ "url": "/gate" }]));
}

#[tokio::test]
async fn a_page_of_another_origin_reads_metadata_and_tokens_below_the_path_only() {
    let server = server().await;
    let foreign =
        |address: &str| server.call_at(Method::GET, address).header("origin", "https://app.example").send();
    let open = foreign("/.well-known/openid-configuration/gate").await.expect(200);
    assert_eq!(open.header("access-control-allow-origin"), "*");
    let outside = foreign("/oauth2/token").await.expect(404);
    assert_eq!(outside.header("access-control-allow-origin"), "");
}
