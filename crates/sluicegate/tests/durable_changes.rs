//! A change of data that was answered is still there after the server was killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Installation, Wire};
use url::Url;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const TABLE: &str = "CREATE TABLE ships (id integer PRIMARY KEY, name varchar(40))";
const SHIPS: &str = "/api/odata4/fleet/ships";
const HOSTS: (&str, &str) = ("SLUICEGATE_DATA_SOURCES__ALLOWED_HOSTS", "127.0.0.1");
const KILLS: i64 = 3;

/// Creates, changes and deletes, and kills the server after each answer. `ask` is asked for the ids and names that the database
/// has while no server runs.
fn survives(installation: &Installation, data_store: i64, options: &Value, ask: impl Fn() -> String) {
    let mut served = installation.serve_with(&[], &[HOSTS]);
    let source = json!({
        "name": "fleet", "dataStore": data_store, "connectionType": "Cloud", "options": options, "writable": true,
    });
    let made = Wire::new(served.url()).post_json("/api/mgmt/datasources", &ADMIN, &source).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    for id in 1..=KILLS {
        let row = json!({ "id": id, "name": format!("ship {id}") });
        let made = Wire::new(served.url()).post_json(SHIPS, &ADMIN, &row).unwrap();
        served.kill();
        assert_eq!(made.status, 201, "{made:?}");
        assert!(ask().contains(&format!("ship {id}")), "the database itself has it: {}", ask());
        served = installation.serve_with(&[], &[HOSTS]);
        let read = Wire::new(served.url()).get(&format!("{SHIPS}({id})"), Some(&ADMIN)).unwrap();
        assert_eq!((read.status.as_u16(), &read.json()["name"]), (200, &row["name"]));
    }
    let gone = Wire::new(served.url()).delete(&format!("{SHIPS}(1)"), &ADMIN).unwrap();
    served.kill();
    assert_eq!(gone.status, 204, "{gone:?}");
    assert!(!ask().contains("ship 1"), "{}", ask());
}

#[test]
fn a_change_of_a_file_survives_kill_9() {
    let installation = Installation::new(BINARY);
    let file = installation.folder().join("fleet.sqlite");
    rusqlite::Connection::open(&file).unwrap().execute_batch(TABLE).unwrap();
    let ask = || {
        let file = rusqlite::Connection::open(&file).unwrap();
        file.query_row("SELECT group_concat(name) FROM ships", [], |row| row.get(0)).unwrap()
    };
    survives(&installation, 1, &json!({ "path": file.to_str().unwrap() }), ask);
}

#[test]
fn so_does_one_of_a_database_of_postgresql() {
    let database = PostgresServer::shared().create_database();
    database.run(TABLE);
    let url = Url::parse(&database.url()).unwrap();
    let options = json!({
        "ServerName": "127.0.0.1", "PortNumber": url.port().unwrap().to_string(), "Database": database.name(),
        "User": url.username(), "Password": url.password().unwrap(), "EncryptionMethod": "noEncryption",
    });
    let ask = || database.run("SELECT string_agg(name, ',') FROM ships");
    survives(&Installation::new(BINARY), 2, &options, ask);
}

#[test]
fn and_one_of_a_database_of_mariadb() {
    let database = MariaDbServer::shared().create_database();
    database.run(TABLE);
    let (user, password) = database.server().owner();
    let options = json!({
        "ServerName": "127.0.0.1", "PortNumber": database.server().port().to_string(), "Database": database.name(),
        "User": user, "Password": password, "EncryptionMethod": "noEncryption",
    });
    let ask = || database.run("SELECT group_concat(name) FROM ships");
    survives(&Installation::new(BINARY), 3, &options, ask);
}
