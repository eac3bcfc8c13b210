//! Clients that registered themselves: a restore ends the token by which they manage their registration.

use serde_json::{Value, json};
use testkit::{ADMIN, Installation, Served, Wire};

use crate::BINARY;
use crate::stage::good;

const REGISTER: &str = "/oauth2/register";

/// Anybody may register.
fn serve(installation: &Installation) -> Served {
    installation.serve_with(&[], &[("SLUICEGATE_REGISTRATION__MODE", "open")])
}

fn register(wire: &Wire) -> Value {
    let metadata = json!({ "client_name": "Agent", "redirect_uris": ["http://127.0.0.1/cb"] }).to_string();
    let answer =
        wire.send("POST", REGISTER, &[("content-type", "application/json")], Some(&metadata)).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// The status of the answer to a client that reads its registration.
fn read(wire: &Wire, client: &Value) -> u16 {
    let token = client["registration_access_token"].as_str().unwrap();
    let path = format!("{REGISTER}/{}", client["client_id"].as_str().unwrap());
    wire.get_with_token(&path, token).unwrap().status.into()
}

#[test]
fn a_client_that_registered_itself_stays_and_its_token_ends() {
    let installation = Installation::new(BINARY);
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let client = register(&wire);
    assert_eq!(read(&wire, &client), 200);
    let backup = installation.folder().join("backup.db");
    good(&installation, &["backup", "--to", backup.to_str().unwrap()], &[]);
    assert!(served.terminate().0.success());
    good(&installation, &["restore", "--from", backup.to_str().unwrap()], &[]);
    let served = serve(&installation);
    let wire = wire.at(served.url());
    assert_eq!(read(&wire, &client), 401);
    let listed = wire.get("/api/mgmt/oauth/client/applications", Some(&ADMIN)).unwrap().json();
    let [stays] = listed["applications"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&stays["name"], &stays["selfRegistered"]), (&json!("Agent"), &json!(true)));
    assert_eq!(read(&wire, &register(&wire)), 200, "it can register again");
}
