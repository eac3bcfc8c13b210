//! What web pages of other origins may read: preflights, responses and errors, under each value of limit 5.

use http::Method;
use serde_json::json;
use testkit::{ADMIN, Answer, Call, OTHER, TestServer, USER};

use crate::client::{CALLBACK, Client, S256, TOKEN, Tokens, VERIFIER, allow, assert_refused};

const LIST: &str = "/api/admin/security/cors/whitelist";
const PAGE: &str = "https://pages.example";
/// The origin of the redirect URL of all applications in these tests.
const CLIENT: &str = "https://client.example";
const REVOKE: &str = "/oauth2/revoke";
const DATA: &str = "/api/odata4";
const APPLICATIONS: &str = "/api/mgmt/oauth/client/applications";
const ALLOWED: &str = "access-control-allow-origin";

async fn limit(server: &TestServer, value: i64) {
    let path = "/api/admin/limits/system/5";
    server.put(path).basic(&ADMIN).json(&json!({ "value": value })).send().await.expect(200);
}

async fn list(server: &TestServer, domains: &[&str]) -> Answer {
    let entries: Vec<_> = domains.iter().map(|domain| json!({ "domain": domain })).collect();
    server.post(LIST).basic(&ADMIN).json(&json!({ "whitelist": entries })).send().await
}

fn preflight<'a>(server: &'a TestServer, path: &'a str, origin: &str) -> Call<'a> {
    let call = server.call(Method::OPTIONS, path).header("origin", origin);
    call.header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
}

/// Whether a response is for the page; checks its headers in both cases.
fn is_for(answer: &Answer, origin: &str) -> bool {
    let names: Vec<_> = answer.headers().get_all(ALLOWED).iter().collect();
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    let varies: Vec<_> = answer.headers().get_all("vary").iter().collect();
    assert!(varies.iter().any(|value| *value == "Origin"), "{varies:?}");
    match names.as_slice() {
        [] => {
            let ours = answer.headers().keys().filter(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(ours.count(), 0);
            false
        }
        [one] => {
            assert_eq!(one, &origin);
            true
        }
        several => panic!("{several:?}"),
    }
}

async fn passes(server: &TestServer, path: &str, origin: &str) -> bool {
    let before = preflight(server, path, origin).send().await.expect(204);
    assert_eq!(before.bytes().len(), 0);
    let after = server.post(path).header("origin", origin).form(&[("a", "b")]).send().await;
    assert!(after.status() >= 400, "nothing was proved");
    let (before, after) = (is_for(&before, origin), is_for(&after, origin));
    assert_eq!(before, after, "{path} {origin}");
    before
}

/// The tokens of a public client, requested by a page.
async fn exchange(server: &TestServer, client: &Client, origin: &str) -> Answer {
    let code = client.code_with(server, &USER, &S256).await;
    let fields = [
        ("client_id", client.identifier.as_str()),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    server.post(TOKEN).header("origin", origin).form(&fields).send().await.expect(200)
}

#[tokio::test]
async fn by_default_pages_of_applications_read_only_token_revocation_and_data() {
    let server = TestServer::start().await;
    for path in [TOKEN, REVOKE, DATA] {
        assert!(!passes(&server, path, CLIENT).await && !passes(&server, path, PAGE).await, "{path}");
    }
    let client =
        Client::register_with(&server, json!({ "corsOrigins": [PAGE], "clientType": "public" })).await;
    for origin in [CLIENT, PAGE] {
        for path in [
            TOKEN,
            "/api/mgmt/oauth2/token",
            "/oauth2/par",
            "/oauth2/device_authorization",
            "/oauth2/userinfo",
            REVOKE,
            "/api/mgmt/oauth2/revoke",
            DATA,
            "/api/odata4/x/Y(1)",
        ] {
            assert!(passes(&server, path, origin).await, "{path}");
        }
        for path in [APPLICATIONS, "/oauth2/introspect", LIST] {
            assert!(!passes(&server, path, origin).await, "{path}");
        }
    }
    for other in
        ["https://client.example:8443", "http://client.example", "https://a.client.example", "null", ""]
    {
        assert!(!passes(&server, TOKEN, other).await, "{other}");
    }
    server.delete(&format!("{APPLICATIONS}/{}", client.id)).basic(&USER).send().await.expect(204);
    assert!(!passes(&server, TOKEN, PAGE).await, "the application has gone");
}

#[tokio::test]
async fn a_public_client_in_a_web_page_can_complete_the_flow_and_read_data() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    let answer = exchange(&server, &client, CLIENT).await;
    assert!(is_for(&answer, CLIENT));
    let tokens = Tokens::of(&answer);
    let exposed = answer.header("access-control-expose-headers");
    assert!(exposed.contains("DPoP-Nonce") && exposed.contains("WWW-Authenticate"));
    let data = server.get(DATA).header("origin", CLIENT).bearer(&tokens.access).send().await.expect(200);
    assert!(is_for(&data, CLIENT));
    let exposed = data.header("access-control-expose-headers");
    assert_eq!(
        exposed,
        "OData-Version, WWW-Authenticate, DPoP-Nonce, OAuth-Client-Attestation-Challenge, Retry-After, Location, ETag, \
         OData-EntityId, Preference-Applied, Link"
    );
    let missing = server
        .get("/api/odata4/none/T")
        .header("origin", CLIENT)
        .bearer(&tokens.access)
        .send()
        .await
        .expect(404);
    assert!(is_for(&missing, CLIENT), "errors are for the page too");
    let end = [("client_id", client.identifier.as_str()), ("token", &tokens.refresh)];
    assert!(is_for(
        &server.post(REVOKE).header("origin", CLIENT).form(&end).send().await.expect(200),
        CLIENT
    ));
    let dead = server.get(DATA).header("origin", CLIENT).bearer(&tokens.access).send().await.expect(401);
    assert!(is_for(&dead, CLIENT) && !dead.header("www-authenticate").is_empty());
}

#[tokio::test]
async fn the_response_to_a_preflight_lists_methods_and_headers() {
    let server = TestServer::start().await;
    Client::register(&server).await;
    for (path, methods) in [(TOKEN, "POST"), (DATA, "GET"), ("/api/odata4/crm/People", "GET")] {
        let answer = preflight(&server, path, CLIENT).send().await.expect(204);
        assert!(answer.header("access-control-allow-methods").contains(methods), "{path}");
        let headers = answer.header("access-control-allow-headers").to_ascii_lowercase();
        for name in ["authorization", "content-type", "odata-maxversion", "prefer", "if-none-match"] {
            assert!(headers.split(", ").any(|allowed| allowed == name), "{name}");
        }
        assert_eq!(answer.header("access-control-max-age"), "600");
    }
    preflight(&server, "/oauth2/nothing", CLIENT).send().await.expect(404);
    let plain = server.call(Method::OPTIONS, TOKEN).send().await;
    assert_refused(&plain, 405, "invalid_request");
    assert!(!plain.headers().contains_key("vary"));
    let large = vec![b'a'; 2 * 1024 * 1024];
    let refused = server.post(TOKEN).header("origin", CLIENT).body("application/json", large).send().await;
    assert!(is_for(&refused.expect(413), CLIENT));
}

#[tokio::test]
async fn limit_5_trusts_every_origin_or_those_in_the_list() {
    let server = TestServer::start().await;
    list(&server, &[PAGE, "https://*.trusted.example"]).await.expect(201);
    let everywhere = [TOKEN, REVOKE, "/oauth2/introspect", DATA, APPLICATIONS, LIST, "/api/mgmt/permissions"];
    let unlisted = "https://unlisted.example";
    for path in everywhere {
        assert!(!passes(&server, path, PAGE).await, "the list has no effect without the limit");
    }
    limit(&server, 2).await;
    for path in everywhere {
        for origin in [PAGE, "https://a.trusted.example", "https://a.b.trusted.example"] {
            assert!(passes(&server, path, origin).await, "{path} {origin}");
        }
        for origin in [unlisted, "https://trusted.example", "http://a.trusted.example", "null"] {
            assert!(!passes(&server, path, origin).await, "{path} {origin}");
        }
    }
    limit(&server, 1).await;
    for path in everywhere {
        for origin in [unlisted, "http://localhost:3000", "capacitor://localhost"] {
            assert!(passes(&server, path, origin).await, "{path}");
        }
        for origin in ["null", "nonsense", "https://a/b", "file://", "https://a, https://b"] {
            assert!(!passes(&server, path, origin).await, "{path} {origin}");
        }
    }
    limit(&server, 0).await;
    assert!(!passes(&server, TOKEN, PAGE).await);
}

#[tokio::test]
async fn an_unlisted_origin_gets_the_same_response_without_the_headers() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    for origin in ["https://unknown.example", "null", "https://oauth.powerbi.com"] {
        let answer = exchange(&server, &client, origin).await;
        assert!(!is_for(&answer, origin));
        let data = server.get(DATA).header("origin", origin).bearer(&Tokens::of(&answer).access).send().await;
        assert!(!is_for(&data.expect(200), origin));
    }
}

#[tokio::test]
async fn cookie_and_basic_never_work_across_origins_whatever_the_limit() {
    let server = TestServer::start().await;
    limit(&server, 1).await;
    let session = server.session(&USER).await;
    let cookie = format!("sluicegate={session}");
    for path in [DATA, APPLICATIONS, "/api/mgmt/permissions"] {
        for scheme in ["Basic", "basic", "BASIC", "Basic\t", "Negotiate", "Digest"] {
            let pair = "ZDJjdXNlcjp3cm9uZw==";
            let call =
                server.get(path).header("origin", PAGE).header("authorization", format!("{scheme} {pair}"));
            assert!(!is_for(&call.send().await, PAGE), "{path}");
        }
        assert!(!is_for(&server.get(path).header("origin", PAGE).basic(&USER).send().await, PAGE));
        let by_cookie = server.get(path).header("origin", PAGE).header("cookie", &cookie).send().await;
        assert!(!is_for(&by_cookie, PAGE), "{path}");
    }
    let twice = server.get(DATA).header("origin", PAGE).bearer("sga_x").basic(&USER).send().await;
    assert!(!is_for(&twice, PAGE));
    let two = server.get(DATA).header("origin", PAGE).header("origin", CLIENT).bearer("sga_x").send().await;
    assert!(!is_for(&two, PAGE));
}

#[tokio::test]
async fn pages_for_people_are_never_readable_across_origins() {
    let server = TestServer::start().await;
    limit(&server, 1).await;
    let client = Client::register(&server).await;
    let authorize = client.authorize_url(&[]);
    for path in [authorize.as_str(), "/api/mgmt/oauth2/authorize", "/login", "/account", "/logout"] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = server
                .call(method, path)
                .header("origin", CLIENT)
                .header("access-control-request-method", "GET")
                .send()
                .await;
            assert!(!answer.headers().contains_key(ALLOWED), "{path}");
        }
    }
    allow(&mut server.browser(), &USER, &authorize).await;
}

#[tokio::test]
async fn every_origin_may_read_the_metadata() {
    let server = TestServer::start().await;
    let path = "/.well-known/oauth-authorization-server";
    for origin in [PAGE, "null"] {
        let answer = server.get(path).header("origin", origin).send().await.expect(200);
        assert_eq!(answer.headers().get_all(ALLOWED).iter().collect::<Vec<_>>(), ["*"]);
        assert_eq!(preflight(&server, path, origin).send().await.expect(204).header(ALLOWED), "*");
    }
}

#[tokio::test]
async fn the_list_of_trusted_origins_works_as_in_hybrid_data_pipeline() {
    let server = TestServer::start().await;
    let empty = server.get(LIST).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(empty, json!({ "whitelist": [] }));
    let body = json!({ "whitelist": [
        { "domain": "https://*.Example.com", "description": "The example group" },
        { "domain": "http://bar.test.com" },
    ]});
    let added = server.post(LIST).basic(&ADMIN).json(&body).send().await.expect(201);
    assert_eq!(added.location(), LIST);
    let entries = added.json()["whitelist"].clone();
    let first = entries[0]["id"].as_i64().unwrap();
    assert_eq!(entries[0]["domain"], "https://*.example.com");
    assert_eq!(entries[0]["description"], "The example group");
    assert_eq!(entries[0]["lastModifiedBy"], ADMIN.name);
    assert!(entries[0]["lastModifiedTime"].as_str().unwrap().ends_with('Z'));
    assert_eq!(entries[1]["description"], "");
    let all = server.get(LIST).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(all["whitelist"], entries);
    assert_eq!(all["lastModifiedTime"], entries[0]["lastModifiedTime"]);

    let path = format!("{LIST}/{first}");
    assert_eq!(server.get(&path).basic(&ADMIN).send().await.expect(200).json(), entries[0]);
    let mut back = entries[0].clone();
    back["domain"] = json!("https://*.example.org");
    let changed = server.put(&path).basic(&ADMIN).json(&back).send().await.expect(200).json();
    assert_eq!((&changed["id"], &changed["domain"]), (&json!(first), &json!("https://*.example.org")));
    server.delete(&path).basic(&ADMIN).send().await.expect(204);
    server.get(&path).basic(&ADMIN).send().await.expect(404);
    server.put(&path).basic(&ADMIN).json(&back).send().await.expect(404);
    server.delete(&path).basic(&ADMIN).send().await.expect(404);
    server.get(&format!("{LIST}/x")).basic(&ADMIN).send().await.expect(404);
}

#[tokio::test]
async fn every_fault_of_an_entry_is_reported_and_nothing_is_added() {
    let server = TestServer::start().await;
    list(&server, &[PAGE]).await.expect(201);
    let body = json!({ "whitelist": [
        { "domain": "https://ok.example" },
        { "domain": "https://a.*.example" },
        { "domain": "*" , "description": "a".repeat(257) },
        { "domain": "https://*.com" },
        { "domain": "https://a.example/path" },
        { "domain": "null" },
        { "domain": "nope" },
        { "domain": "https://*.co.uk" },
    ]});
    let answer = server.post(LIST).basic(&ADMIN).json(&body).send().await.expect(400);
    assert_eq!(
        answer.faulty_fields(),
        [
            "whitelist[1].domain",
            "whitelist[2].domain",
            "whitelist[2].description",
            "whitelist[3].domain",
            "whitelist[4].domain",
            "whitelist[5].domain",
            "whitelist[6].domain",
            "whitelist[7].domain"
        ]
    );
    let taken = list(&server, &["https://new.example", PAGE]).await.expect(400);
    assert_eq!(taken.faulty_fields(), ["whitelist[1].domain"]);
    for body in [
        json!({}),
        json!({ "whitelist": [] }),
        json!({ "whitelist": {} }),
        json!({ "whitelist": ["https://a.example"] }),
        json!({ "whitelist": [{ "description": "x" }] }),
        json!({ "whitelist": [{ "domain": "https://a.example", "colour": "red" }] }),
        json!({ "domain": "https://a.example" }),
    ] {
        server.post(LIST).basic(&ADMIN).json(&body).send().await.expect(400);
    }
    let all = server.get(LIST).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(all["whitelist"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_list_of_trusted_origins_requires_the_permission() {
    let server = TestServer::start().await;
    let role = server
        .add_role("Web", &[domain::account::Permission::CORSwhitelist, domain::account::Permission::MgmtAPI]);
    let role = role.await;
    let keeper = testkit::TestUser { name: "keeper", password: "a good long password" };
    server.add_user(&keeper, &[role]).await;
    let body = json!({ "whitelist": [{ "domain": PAGE }] });
    let made = server.post(LIST).basic(&keeper).json(&body).send().await.expect(201);
    let path = made.location().to_owned();
    assert_eq!(made.json()["whitelist"][0]["lastModifiedBy"], "keeper");
    for user in [&USER, &OTHER] {
        server.get(LIST).basic(user).send().await.expect(403);
        server.post(LIST).basic(user).json(&body).send().await.expect(403);
        server.get(&path).basic(user).send().await.expect(403);
        server.put(&path).basic(user).json(&json!({ "domain": PAGE })).send().await.expect(403);
        server.delete(&path).basic(user).send().await.expect(403);
    }
    server.get(LIST).send().await.expect(401);
    server.delete(&path).basic(&keeper).send().await.expect(204);
}

/// No application has the origin of a page whose client is about to register.
#[tokio::test]
async fn any_page_may_register_a_client_and_manage_it_with_its_token() {
    let server = crate::client_registration::open_server().await;
    let members = json!({
        "client_name": "Inspector", "redirect_uris": ["http://localhost:6274/oauth/callback"],
        "token_endpoint_auth_method": "none",
    });
    let page = "http://localhost:6274";
    let before = preflight(&server, "/oauth2/register", page).send().await.expect(204);
    assert!(is_for(&before, page));
    assert_eq!(before.header("access-control-allow-methods"), "POST");
    assert!(before.header("access-control-allow-headers").contains("Content-Type"));
    let registered = server.post("/oauth2/register").header("origin", page).json(&members).send().await;
    assert!(is_for(&registered, page));
    let reported = registered.expect(201).json();
    let (id, token) =
        (reported["client_id"].as_str().unwrap(), reported["registration_access_token"].as_str().unwrap());
    let path = format!("/oauth2/register/{id}");
    let before = preflight(&server, &path, page).send().await.expect(204);
    let methods = before.header("access-control-allow-methods");
    assert!(is_for(&before, page) && methods.contains("PUT") && methods.contains("DELETE"), "{methods}");
    assert!(is_for(&server.get(&path).header("origin", page).bearer(token).send().await.expect(200), page));
    let refused = server.get(&path).header("origin", page).bearer("x").send().await.expect(401);
    assert!(is_for(&refused, page), "errors too");
    let remembered = server.get(&path).header("origin", page).basic(&USER).send().await.expect(401);
    assert!(!is_for(&remembered, page), "never with what a browser sends by itself");
    let cookie = server.get(&path).header("origin", page).header("cookie", "a=b").bearer(token).send().await;
    assert!(!is_for(&cookie, page));
    assert!(!is_for(&server.get(&path).header("origin", "null").bearer(token).send().await, "null"));
    assert!(!passes(&server, "/oauth2/introspect", page).await, "other endpoints are as before");
}
