//! The registry of scopes: two nodes with one database know the same, and a restore brings back that of its backup.

use serde_json::{Value, json};
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Installation, USER, Wire, WireClient};

use crate::BINARY;
use crate::stage::{add_shop, authenticates, good, serve};

const SERVERS: &str = "/api/admin/resourceservers";

/// Registers a resource server, and returns the path of its scopes.
fn add_server(wire: &Wire) -> String {
    let body = json!({ "identifier": "https://orders.example.com", "name": "Orders" });
    let answer = wire.post_json(SERVERS, &ADMIN, &body).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("{SERVERS}/{}/scopes", answer.json()["id"])
}

fn add_scope(wire: &Wire, scopes: &str, name: &str) {
    let body = json!({ "name": name, "description": "Read the orders", "assignableBy": "anyone" });
    let answer = wire.post_json(scopes, &ADMIN, &body).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
}

fn client_with(wire: &Wire, name: &str, scope: &str) -> WireClient {
    let more = json!({ "scopes": [scope], "grantTypes": ["client_credentials"] });
    WireClient::register(wire, &USER, name, &more).unwrap()
}

/// The scope of a token that the client requests, or the error.
fn scope_of_token(wire: &Wire, client: &WireClient, scope: &str) -> Value {
    let fields = [("grant_type", "client_credentials"), ("scope", scope)];
    let answer = client.post(wire, "/oauth2/token", &fields).unwrap().json();
    if answer["error"].is_null() { answer["scope"].clone() } else { answer["error"].clone() }
}

fn names(wire: &Wire, scopes: &str) -> Vec<String> {
    let listed = wire.get(scopes, Some(&ADMIN)).unwrap().json();
    let all = listed["scopes"].as_array().unwrap_or_else(|| panic!("{listed}"));
    all.iter().map(|scope| scope["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_scope_that_one_node_has_added_is_known_on_the_other() {
    let database = PostgresServer::shared().create_database();
    let installation = Installation::shared(BINARY, &database.url());
    let nodes = [installation.serve(), installation.serve()];
    let [here, there] = nodes.each_ref().map(|node| Wire::new(node.url()));
    assert_eq!(there.get("/.well-known/oauth-authorization-server", None).unwrap().status, 200);
    let scopes = add_server(&here);
    add_scope(&here, &scopes, "orders.read");
    // The other node has its registry in memory, and learns of the change before it decides.
    let client = client_with(&there, "There", "orders.read");
    assert_eq!(scope_of_token(&there, &client, "orders.read"), "orders.read");
    assert_eq!(scope_of_token(&here, &client, "orders.read"), "orders.read");
    let metadata = there.get("/.well-known/oauth-authorization-server", None).unwrap().json();
    assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("orders.read")), "{metadata}");
}

#[test]
fn a_restore_brings_back_the_scopes_of_its_backup() {
    let installation = Installation::new(BINARY);
    add_shop(&installation);
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let scopes = add_server(&wire);
    add_scope(&wire, &scopes, "orders.read");
    let kept = client_with(&wire, "Kept", "orders.read");
    let backup = installation.folder().join("backup.db");
    good(&installation, &["backup", "--to", backup.to_str().unwrap()], &[]);
    add_scope(&wire, &scopes, "orders.delete");
    let late = client_with(&wire, "Late", "orders.delete");
    let fields = [("grant_type", "client_credentials"), ("scope", "orders.delete")];
    let token = late.post(&wire, "/oauth2/token", &fields).unwrap().json();
    let token = token["access_token"].as_str().unwrap().to_owned();
    assert!(served.terminate().0.success());

    good(&installation, &["restore", "--from", backup.to_str().unwrap()], &[]);
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert_eq!(names(&wire, &scopes), ["orders.read"]);
    assert!(authenticates(&wire, &kept) && !authenticates(&wire, &late));
    assert_eq!(scope_of_token(&wire, &kept, "orders.read"), "orders.read");
    assert_eq!(scope_of_token(&wire, &kept, "orders.delete"), "invalid_scope");
    // A scope that gets the number of one that is gone gives nothing to a token of that time.
    add_scope(&wire, &scopes, "orders.write");
    assert!(!kept.is_active(&wire, &token).unwrap());
}
