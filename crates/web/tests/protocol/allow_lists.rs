//! Allow-lists of addresses: where they are asked, who sets them, and who cannot.

use domain::account::Permission;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, OTHER, Setup, TestServer, TestUser, USER};
use web::WebSettings;

use crate::client::{Client, TOKEN, Tokens, assert_refused};
use crate::second_factor::{half_signed_in, holder, now_code, type_code};

const SYSTEM: &str = "/api/admin/security/whitelist/system";
const OF_USER: &str = "/api/mgmt/security/whitelist/user";
const DATA: &str = "/api/odata4";

const INSIDE: [u8; 4] = [10, 0, 0, 5];
const OUTSIDE: [u8; 4] = [192, 0, 2, 7];

fn network(resource: &str, network: &str) -> Value {
    json!({ resource: [{ "network": network }] })
}

async fn set(server: &TestServer, path: &str, lists: Value) -> Answer {
    server.put(path).basic(&ADMIN).from_address(INSIDE).json(&lists).send().await
}

/// The status of a request for data with this token, and its code if it was refused.
async fn data(server: &TestServer, token: &str, address: [u8; 4]) -> (u16, String) {
    let answer = server.get(DATA).bearer(token).from_address(address).send().await;
    let code = if answer.status() == 200 { Value::Null } else { answer.json()["error"]["code"].clone() };
    (answer.status(), code.as_str().unwrap_or_default().to_owned())
}

fn refused() -> (u16, String) {
    (403, "AddressNotAllowed".to_owned())
}

fn allowed() -> (u16, String) {
    (200, String::new())
}

#[tokio::test]
async fn data_and_tokens_are_for_listed_addresses() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    set(&server, SYSTEM, network("dataAccess", "10.0.0.0/8")).await.expect(200);
    assert_eq!(data(&server, &tokens.access, INSIDE).await, allowed());
    assert_eq!(data(&server, &tokens.access, OUTSIDE).await, refused());
    let basic = async |address| server.get(DATA).basic(&USER).from_address(address).send().await.status();
    assert_eq!((basic(INSIDE).await, basic(OUTSIDE).await), (200, 403));
    let userinfo = async |address| {
        let call = server.get("/oauth2/userinfo").bearer(&tokens.access).from_address(address);
        call.send().await
    };
    assert_refused(&userinfo(OUTSIDE).await, 403, "access_denied");
    assert_ne!(userinfo(INSIDE).await.json()["error"], "access_denied");
    let agent =
        server.post("/mcp").bearer(&tokens.access).from_address(OUTSIDE).json(&json!({})).send().await;
    assert!(agent.expect(403).text().contains("requests from this address are not allowed"));

    let secret = client.secret.as_deref().unwrap();
    let refresh = async |address| {
        let fields = [
            ("client_id", client.identifier.as_str()),
            ("client_secret", secret),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_str()),
        ];
        server.post(TOKEN).form(&fields).from_address(address).send().await
    };
    assert_refused(&refresh(OUTSIDE).await, 400, "access_denied");
    let issued = Tokens::of(&refresh(INSIDE).await);
    assert_eq!(data(&server, &issued.access, INSIDE).await, allowed(), "the refresh token was not used up");
    let log =
        server.get("/api/admin/audit?action=token.refuse").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(log["events"][0]["detail"], "requests from this address are not allowed");
    let log =
        server.get("/api/admin/audit?action=access.refuse").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(log["events"][0]["detail"], "an address that is not on the allow-list");

    server.delete(SYSTEM).basic(&ADMIN).send().await.expect(204);
    assert_eq!(data(&server, &issued.access, OUTSIDE).await, allowed());
}

#[tokio::test]
async fn only_trusted_proxies_say_where_a_request_comes_from() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let web = WebSettings { trusted_proxies, ..WebSettings::default() };
    let server = TestServer::start_with(Setup { web, ..Setup::default() }).await;
    set(&server, SYSTEM, network("dataAccess", "10.0.0.0/8")).await.expect(200);
    for (peer, said, status) in [
        ([127, 0, 0, 1], "10.0.0.5", 200),
        ([127, 0, 0, 1], "::ffff:10.0.0.5", 200),
        ([127, 0, 0, 1], "192.0.2.7", 403),
        ([127, 0, 0, 1], "10.0.0.5, 192.0.2.7", 403),
        ([192, 0, 2, 7], "10.0.0.5", 403),
    ] {
        let call = server.get(DATA).basic(&USER).from_address(peer).header("x-forwarded-for", said);
        call.send().await.expect(status);
    }
}

#[tokio::test]
async fn lists_of_a_user_and_of_an_application_apply_beside_those_of_the_installation() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let token = client.tokens(&server).await.access;
    let of_application = format!("/api/mgmt/oauth/client/applications/{}/whitelist", client.id);
    set(&server, &of_application, network("dataAccess", "10.0.0.0/24")).await.expect(200);
    assert_eq!(data(&server, &token, OUTSIDE).await, refused());
    server.get(DATA).basic(&USER).from_address(OUTSIDE).send().await.expect(200);
    let of_user = format!("{OF_USER}?user={}", USER.name);
    set(&server, &of_user, network("dataAccess", "10.0.0.0/30")).await.expect(200);
    assert_eq!(data(&server, &token, [10, 0, 0, 9]).await, refused(), "the user's list does not contain it");
    server.get(DATA).basic(&USER).from_address([10, 0, 0, 9]).send().await.expect(403);
    server.get(DATA).basic(&OTHER).from_address(OUTSIDE).send().await.expect(200);
    assert_eq!(data(&server, &token, [10, 0, 0, 2]).await, allowed());
    let pages = set(&server, &of_application, network("webUI", "10.0.0.0/24")).await;
    assert!(pages.expect(400).text().contains("is not for applications"));
    let read = server.get(&of_application).basic(&USER).send().await.expect(200).json();
    assert_eq!(
        read,
        json!({
            "managementAPI": [], "adminAPI": [], "webUI": [],
            "dataAccess": [{ "startAddress": "10.0.0.0", "endAddress": "10.0.0.255" }],
        })
    );
}

#[tokio::test]
async fn nobody_locks_themselves_out_of_the_management_api() {
    let server = TestServer::start().await;
    for resource in ["managementAPI", "adminAPI", "webUI"] {
        let call = server.put(SYSTEM).basic(&ADMIN).from_address(OUTSIDE);
        let answer = call.json(&network(resource, "10.0.0.0/8")).send().await.expect(400);
        assert!(answer.text().contains("your own address, 192.0.2.7"), "{}", answer.text());
        assert_eq!(answer.json()["error"]["details"][0]["field"], resource);
    }
    let both = json!({
        "managementAPI": [{ "startAddress": "10.0.0.1", "endAddress": "10.0.0.9" }],
        "adminAPI": [{ "startAddress": "10.0.0.5" }, { "startAddress": "2001:db8::", "endAddress": "2001:db8::ff" }],
    });
    let answer = set(&server, SYSTEM, both.clone()).await.expect(200).json();
    assert_eq!((&answer["adminAPI"], &answer["managementAPI"]), (&both["adminAPI"], &both["managementAPI"]));
    let status = async |path: &str, address| {
        let answer = server.get(path).basic(&ADMIN).from_address(address).send().await;
        (answer.status(), if answer.status() == 403 { answer.error_code() } else { 0 })
    };
    let (admin, own) = ("/api/admin/users", "/api/mgmt/permissions");
    assert_eq!((status(admin, INSIDE).await, status(own, INSIDE).await), ((200, 0), (200, 0)));
    assert_eq!(status(admin, [10, 0, 0, 6]).await, (403, 222_298_030));
    assert_eq!(status(own, [10, 0, 0, 6]).await, (200, 0));
    assert_eq!(status(own, OUTSIDE).await, (403, 222_298_030));
    server.delete(SYSTEM).basic(&ADMIN).from_address(OUTSIDE).send().await.expect(403);
    server.delete(SYSTEM).basic(&ADMIN).from_address(INSIDE).send().await.expect(204);
    assert_eq!(status(own, OUTSIDE).await, (200, 0));
    let log =
        server.get("/api/admin/audit?action=allow_lists.set").basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(log["events"][0]["subject"], "the installation");
    assert_eq!(
        log["events"][0]["detail"],
        "managementAPI from 10.0.0.1 to 10.0.0.9; adminAPI from 10.0.0.5, 2001:db8::/120"
    );
}

#[tokio::test]
async fn a_user_signs_in_from_listed_addresses_only() {
    let server = TestServer::start().await;
    let mut before = server.browser_of(&USER, "/account").await;
    let of_user = format!("{OF_USER}?user={}", USER.name);
    set(&server, &of_user, network("webUI", "10.0.0.0/8")).await.expect(200);
    assert!(
        before.get("/account").await.expect(200).text().contains("login-submit"),
        "a session does not help"
    );
    let mut browser = server.browser();
    browser.get("/account/activity").await;
    let wrong = TestUser { name: USER.name, password: "not the password" };
    assert!(!browser.sign_in(&wrong).await.expect(401).text().contains("from your address"));
    let answer = browser.sign_in(&USER).await.expect(403);
    assert!(answer.text().contains("Sign-ins from your address are not allowed"), "{}", answer.text());
    server.browser_of(&OTHER, "/account").await;
    server.delete(&of_user).basic(&ADMIN).send().await.expect(204);
    let page = browser.sign_in(&USER).await.expect(200);
    assert!(page.text().contains("an address that is not on the allow-list"), "{}", page.text());
}

/// A session counts where the pages may be used, and a code is not used up elsewhere.
#[tokio::test]
async fn neither_a_cookie_nor_a_code_is_of_use_elsewhere() {
    let server = TestServer::start().await;
    let owner = holder(&server, &USER).await;
    let admin = server.browser_of(&ADMIN, "/account").await.cookie_line();
    let users = async |address| {
        let call = server.get("/api/admin/users").header("cookie", admin.as_str()).from_address(address);
        call.send().await.status()
    };
    assert_eq!(users(OUTSIDE).await, 200);
    server.clock().advance_secs(30);
    let mut half = half_signed_in(&server, &USER).await;
    set(&server, SYSTEM, network("webUI", "10.0.0.0/8")).await.expect(200);
    assert_eq!((users(INSIDE).await, users(OUTSIDE).await), (200, 403));
    let code = now_code(&server, &owner.secret);
    let refused = type_code(&mut half, &code).await.expect(403);
    assert!(refused.text().contains("Sign-ins from your address are not allowed"), "{}", refused.text());
    let mut browser = server.browser();
    browser.get("/login").await;
    let refused = browser.sign_in(&USER).await.expect(403);
    assert!(
        refused.text().contains("Sign-ins from your address are not allowed"),
        "the code is not asked for"
    );
    server.delete(SYSTEM).basic(&ADMIN).from_address(INSIDE).send().await.expect(204);
    let mut half = half_signed_in(&server, &USER).await;
    assert_eq!(type_code(&mut half, &code).await.status(), 200, "the code was not used up");
}

#[tokio::test]
async fn one_user_does_not_use_up_the_lists_of_applications() {
    let server = TestServer::start().await;
    let register = async |name: String| {
        let members = json!({ "name": name, "redirectUrls": ["https://client.example.com/back"] });
        let made =
            server.post("/api/mgmt/oauth/client/applications").basic(&USER).json(&members).send().await;
        format!("/api/mgmt/oauth/client/applications/{}/whitelist", made.expect(201).json()["id"])
    };
    let limit = async |path: &str, network_of: &str| {
        let call = server.put(path).basic(&ADMIN).json(&network("dataAccess", network_of));
        call.send().await.status()
    };
    let first = register("first".to_owned()).await;
    assert_eq!(limit(&first, "10.0.0.0/8").await, 200);
    for number in 1..50 {
        let path = register(format!("application {number}")).await;
        assert_eq!(limit(&path, "10.0.0.0/8").await, 200, "{number}");
    }
    let one_more = register("one more".to_owned()).await;
    assert_eq!(limit(&one_more, "10.0.0.0/8").await, 409);
    assert_eq!(limit(&first, "10.0.0.0/16").await, 200, "a list that exists can be changed");
    assert_eq!(limit(&format!("{OF_USER}?user={}", OTHER.name), "10.0.0.0/8").await, 200);
}

#[tokio::test]
async fn users_with_the_permission_set_their_own_lists() {
    let server = TestServer::start().await;
    let role = server.add_role("careful", &[Permission::MgmtAPI, Permission::IPWhiteList]).await;
    let careful = TestUser { name: "careful", password: "close the hatches, please" };
    server.add_user(&careful, &[role]).await;
    let put = |address, lists: Value| server.put(OF_USER).basic(&careful).from_address(address).json(&lists);
    let answer = put(OUTSIDE, network("managementAPI", "10.0.0.0/8")).send().await.expect(400);
    assert!(answer.text().contains("lock yourself out"), "{}", answer.text());
    put(INSIDE, network("managementAPI", "10.0.0.0/8")).send().await.expect(200);
    server.get(OF_USER).basic(&careful).from_address(OUTSIDE).send().await.expect(403);
    let own = server.get(OF_USER).basic(&careful).from_address(INSIDE).send().await.expect(200).json();
    assert_eq!(own["managementAPI"][0]["startAddress"], "10.0.0.0");
    server.get(SYSTEM).basic(&careful).from_address(INSIDE).send().await.expect(403);
    let other = format!("{OF_USER}?user={}", USER.name);
    server.get(&other).basic(&careful).from_address(INSIDE).send().await.expect(403);
    server.get(OF_USER).basic(&USER).send().await.expect(403);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_refused_with_all_its_faults() {
    let server = TestServer::start().await;
    let entries = [
        json!({ "network": "10.0.0.1/8" }),
        json!({ "network": "0.0.0.0/0" }),
        json!({ "network": "::/80" }),
        json!({ "network": "::fffe:0:0/95" }),
        json!({ "startAddress": "10.0.0.9", "endAddress": "10.0.0.1" }),
        json!({ "startAddress": "10.0.0.9", "endAddress": "::1" }),
        json!({ "startAddress": "everywhere" }),
        json!({ "endAddress": "10.0.0.9" }),
        json!({ "network": "10.0.0.0/8", "startAddress": "10.0.0.9" }),
        json!({ "startAddress": "10.0.0.9", "note": "" }),
        json!("10.0.0.9"),
    ];
    let body = json!({ "dataAccess": entries, "everything": [] });
    let answer = set(&server, SYSTEM, body).await.expect(400).json();
    let details = answer["error"]["details"].as_array().unwrap().clone();
    for index in 0..entries.len() {
        let is_of = |detail: &Value| detail["field"].as_str().unwrap().contains(&format!("[{index}]"));
        assert!(details.iter().any(is_of), "{index} in {details:?}");
    }
    let many: Vec<Value> = (0..101).map(|last| json!({ "startAddress": format!("10.0.0.{last}") })).collect();
    let answer = set(&server, SYSTEM, json!({ "dataAccess": many })).await.expect(400);
    assert!(answer.text().contains("at most 100 are allowed"), "{}", answer.text());
    let read = server.get(SYSTEM).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(read["dataAccess"], json!([]));
}
