//! Changes by the command line, or by another node, take effect within a second in a server that runs on the same database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Installation, Random, USER, Wire, WireClient};

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");

fn good(installation: &Installation, arguments: &[&str]) -> String {
    let message = installation.command(arguments).output().unwrap();
    assert!(message.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&message.stderr));
    String::from_utf8(message.stdout).unwrap()
}

/// Whether the condition becomes true within a second.
fn within_a_second(mut holds: impl FnMut() -> bool) -> bool {
    (0..20).any(|_| {
        let held = holds();
        if !held {
            std::thread::sleep(Duration::from_millis(50));
        }
        held
    })
}

fn tokens(wire: &Wire, client: &WireClient) -> (String, String) {
    let verifier = Random::new(7).verifier();
    let code = client.code(wire, &USER, &verifier).unwrap();
    let answer = client.exchange(wire, &code, &verifier).unwrap();
    let text = |name: &str| answer.json()[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

#[test]
fn disabling_a_user_takes_effect_within_a_second() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({})).unwrap();
    let (access, refresh) = tokens(&wire, &client);
    let opens = || wire.get_with_token("/api/odata4", &access).unwrap().status == 200;
    assert!(opens());
    good(&installation, &["user", "disable", USER.name]);
    assert!(within_a_second(|| !opens()), "the access token is still good");
    assert!(within_a_second(|| client.refresh(&wire, &refresh).unwrap().status == 400));
    assert!(wire.get("/account", None).unwrap().body.contains("login-submit"), "the session is still good");
    good(&installation, &["user", "enable", USER.name]);
    let allowed = "/api/mgmt/oauth/client/allowedapplications";
    assert!(within_a_second(|| wire.get(allowed, Some(&USER)).unwrap().status == 200));
    assert!(!opens(), "what ended does not come back");
}

#[test]
fn resetting_a_secret_takes_effect_within_a_second() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let mut client = WireClient::register(&wire, &USER, "Reports", &json!({})).unwrap();
    let (access, refresh) = tokens(&wire, &client);
    let printed = good(&installation, &["application", "reset-secret", &client.id.to_string(), "--yes"]);
    assert!(within_a_second(|| client.refresh(&wire, &refresh).unwrap().status == 401));
    assert!(within_a_second(|| wire.get_with_token("/api/odata4", &access).unwrap().status == 401));
    let secret = printed.split_whitespace().find(|word| word.starts_with("sgs_")).unwrap();
    secret.clone_into(&mut client.client_secret);
    assert_eq!(
        client.refresh(&wire, &refresh).unwrap().status,
        400,
        "the new secret, but a grant that ended"
    );
    tokens(&wire, &client);
    good(&installation, &["application", "delete", &client.id.to_string(), "--yes"]);
    assert!(within_a_second(|| client.refresh(&wire, &refresh).unwrap().status == 401));
}

#[test]
fn a_running_server_seals_with_a_new_key_and_opens_with_the_old_one() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let client = WireClient::register(&wire, &USER, "Reports", &json!({"profile": "oauth21"})).unwrap();
    let (access, refresh) = tokens(&wire, &client);
    good(&installation, &["keys", "rotate"]);
    // Every node must know a key before it seals, hence the wait; a token starts with the key that sealed it.
    let named = |token: &str| URL_SAFE_NO_PAD.decode(&token[4..12]).unwrap()[..4].to_owned();
    let mut newest = refresh.clone();
    let mut changed = false;
    for _ in 0..150 {
        let answer = client.refresh(&wire, &newest).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        newest = answer.json()["refresh_token"].as_str().unwrap().to_owned();
        let fresh = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(wire.get_with_token("/api/odata4", &fresh).unwrap().status, 200);
        changed = named(&fresh) != named(&access);
        if changed {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(changed, "the new key seals nothing");
    assert_eq!(wire.get_with_token("/api/odata4", &access).unwrap().status, 200, "the old key opens no more");
    assert!(client.is_active(&wire, &newest).unwrap());
}

#[test]
fn a_new_scope_is_known_within_a_second() {
    let installation = Installation::new(BINARY);
    let served = installation.serve();
    let wire = Wire::new(served.url());
    let supported = || {
        let metadata = wire.get("/.well-known/oauth-authorization-server", None).unwrap();
        metadata.json()["scopes_supported"].to_string()
    };
    assert!(!supported().contains("orders.read"));
    good(&installation, &["resource-server", "add", "https://orders.example.com", "Orders"]);
    let add = ["scope", "add", "https://orders.example.com", "orders.read", "Read your orders"];
    good(&installation, &[&add[..], &["--assignable-by", "anyone"]].concat());
    assert!(within_a_second(|| supported().contains("orders.read")), "the server does not know it");
    let client = WireClient::register(&wire, &USER, "Reports", &json!({ "scopes": ["orders.read"] }));
    assert!(client.is_ok(), "{client:?}");
}

#[test]
fn a_group_that_one_node_changes_is_changed_on_the_other_within_a_second() {
    let database = PostgresServer::shared().create_database();
    let installation = Installation::shared(BINARY, &database.url());
    let nodes = [installation.serve(), installation.serve()];
    let [here, there] = nodes.each_ref().map(|node| Wire::new(node.url()));
    let file = installation.sample_data("harbour.sqlite");
    let post = |path: &str, body| {
        let made = here.post_json(path, &ADMIN, &body).unwrap();
        assert!(made.status.is_success(), "{made:?}");
        made.json()["id"].as_i64()
    };
    let source = json!({
        "name": "harbour", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file.to_str().unwrap() },
    });
    let member = post("/api/mgmt/datasources", source).unwrap();
    let group = post("/api/mgmt/datasources", json!({ "name": "all", "isGroup": true })).unwrap();
    let members = format!("/api/mgmt/datasources/{group}/members");
    let status = |prefix: &str| {
        let path = format!("/api/odata4/all/{prefix}_Ships(1)");
        there.get(&path, Some(&ADMIN)).unwrap().status.as_u16()
    };
    assert_eq!(status("east"), 404);
    post(&members, json!({ "members": [{ "id": member, "entityPrefix": "east" }] }));
    assert!(within_a_second(|| status("east") == 200), "the other node does not know the member");
    let west = json!({ "members": [{ "id": member, "entityPrefix": "west" }] });
    assert_eq!(here.put_json(&members, &ADMIN, &west).unwrap().status, 200);
    assert!(within_a_second(|| status("west") == 200 && status("east") == 404), "nor the new prefix");
    assert_eq!(here.put_json(&members, &ADMIN, &json!({ "members": [] })).unwrap().status, 200);
    assert!(within_a_second(|| status("west") == 404), "nor that the member has gone");
}
