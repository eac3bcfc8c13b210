//! A change of data that was answered is still there after the server was killed, and one that is repeated is made once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Installation, Served, Wire, WireAnswer, basic};
use url::Url;

const BINARY: &str = env!("CARGO_BIN_EXE_sluicegate");
const TABLE: &str = "CREATE TABLE ships (id integer PRIMARY KEY, name varchar(40))";
const SHIPS: &str = "/api/odata4/fleet/ships";
const HOSTS: (&str, &str) = ("SLUICEGATE_DATA_SOURCES__ALLOWED_HOSTS", "127.0.0.1");
const KILLS: i64 = 3;

/// The table for records of repeatable requests.
const RECORDS: &str = "CREATE TABLE requests (caller varchar(64) NOT NULL, request varchar(64) NOT NULL, content varchar(64) NOT NULL,
    made bigint NOT NULL, answer text NOT NULL, PRIMARY KEY (caller, request))";

/// All nodes have one public address, wherever they listen.
const PUBLIC: [&str; 2] = ["--public-url", "http://127.0.0.1:9"];

fn serve(installation: &Installation) -> Served {
    installation.serve_with(&PUBLIC, &[HOSTS])
}

/// Sends a request to create a ship, with an id by which it can be repeated; nothing if there was no answer.
fn create(node: &str, first_sent: &str, id: i64) -> Option<WireAnswer> {
    let request = id.to_string();
    let credentials = basic(ADMIN.name, ADMIN.password);
    let headers = [
        ("content-type", "application/json"),
        ("authorization", &credentials),
        ("repeatability-request-id", &request),
        ("repeatability-first-sent", first_sent),
    ];
    let row = json!({ "id": id, "name": format!("ship {id}") });
    Wire::new(node).send("POST", SHIPS, &headers, Some(&row.to_string())).ok()
}

/// Sends requests again to servers that were killed after the answer, and before it. Their rows have keys of their own, so a
/// request that was made and forgotten would be refused.
fn are_made_once(installation: &Installation, ask: impl Fn() -> String) {
    let mut served = serve(installation);
    let wire = Wire::new(served.url());
    let document = json!({ "formatVersion": 1, "repeatableRequests": { "table": "requests" } });
    let put = wire.put_json("/api/mgmt/datasources/1/model", &ADMIN, &document).unwrap();
    assert_eq!(put.status, 200, "{put:?}");
    let first_sent = put.headers["date"].to_str().unwrap().to_owned();
    let made = create(served.url(), &first_sent, 11).unwrap();
    served.kill();
    assert_eq!(made.status, 201, "{made:?}");
    served = serve(installation);
    let again = create(served.url(), &first_sent, 11).unwrap();
    assert_eq!((again.status, &again.location), (made.status, &made.location), "{again:?}");
    let url = served.url().to_owned();
    std::thread::scope(|threads| {
        let sent = threads.spawn(|| create(&url, &first_sent, 12));
        served.kill();
        // Whether it was answered, nobody can say.
        let _ = sent.join().unwrap();
    });
    served = serve(installation);
    let made = create(served.url(), &first_sent, 12).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(ask().matches("ship 1").count(), 2, "{}", ask());
}

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
    are_made_once(installation, ask);
}

#[test]
fn a_request_is_made_once_whichever_of_two_nodes_gets_it() {
    let (postgres, database) = (PostgresServer::shared(), PostgresServer::shared().create_database());
    let system = postgres.create_database();
    database.run(&format!("{TABLE}; {RECORDS}"));
    let installation = Installation::shared(BINARY, &system.url());
    let nodes = [serve(&installation), serve(&installation)];
    let here = Wire::new(nodes[0].url());
    let source = json!({
        "name": "fleet", "dataStore": 2, "connectionType": "Cloud", "options": options(&database.url()), "writable": true,
    });
    let made = here.post_json("/api/mgmt/datasources", &ADMIN, &source).unwrap();
    assert_eq!(made.status, 201, "{made:?}");
    let document = json!({ "formatVersion": 1, "repeatableRequests": { "table": "requests" } });
    let put = here.put_json("/api/mgmt/datasources/1/model", &ADMIN, &document).unwrap();
    let first_sent = put.headers["date"].to_str().unwrap().to_owned();
    // The same request at both nodes at once, and once more: one waits for the other in the database, or is told to come again.
    let urls = [nodes[0].url(), nodes[1].url()];
    for id in 1..=4 {
        let answers: Vec<_> = std::thread::scope(|threads| {
            let sent = urls.map(|url| {
                let first_sent = &first_sent;
                threads.spawn(move || create(url, first_sent, id).unwrap())
            });
            sent.map(|sent| sent.join().unwrap()).into()
        });
        let last = urls.map(|url| create(url, &first_sent, id).unwrap());
        for answer in answers.iter().filter(|answer| answer.status != 503).chain(&last) {
            assert_eq!((answer.status.as_u16(), &answer.location), (201, &last[0].location), "{answer:?}");
        }
    }
    assert_eq!(database.run("SELECT count(*) FROM ships"), "4");
    assert_eq!(database.run("SELECT count(*) FROM requests WHERE answer LIKE 'create %'"), "4");
}

/// The options of a data source in a database of PostgreSQL.
fn options(url: &str) -> Value {
    let url = Url::parse(url).unwrap();
    json!({
        "ServerName": "127.0.0.1", "PortNumber": url.port().unwrap().to_string(),
        "Database": url.path().trim_start_matches('/'), "User": url.username(), "Password": url.password().unwrap(),
        "EncryptionMethod": "noEncryption",
    })
}

#[test]
fn a_change_of_a_file_survives_kill_9() {
    let installation = Installation::new(BINARY);
    let file = installation.folder().join("fleet.sqlite");
    rusqlite::Connection::open(&file).unwrap().execute_batch(&format!("{TABLE}; {RECORDS}")).unwrap();
    let ask = || {
        let file = rusqlite::Connection::open(&file).unwrap();
        file.query_row("SELECT group_concat(name) FROM ships", [], |row| row.get(0)).unwrap()
    };
    survives(&installation, 1, &json!({ "path": file.to_str().unwrap() }), ask);
}

#[test]
fn so_does_one_of_a_database_of_postgresql() {
    let database = PostgresServer::shared().create_database();
    database.run(&format!("{TABLE}; {RECORDS}"));
    let options = options(&database.url());
    let ask = || database.run("SELECT string_agg(name, ',') FROM ships");
    survives(&Installation::new(BINARY), 2, &options, ask);
}

#[test]
fn and_one_of_a_database_of_mariadb() {
    let database = MariaDbServer::shared().create_database();
    database.run(&format!("{TABLE}; {RECORDS}"));
    let (user, password) = database.server().owner();
    let options = json!({
        "ServerName": "127.0.0.1", "PortNumber": database.server().port().to_string(), "Database": database.name(),
        "User": user, "Password": password, "EncryptionMethod": "noEncryption",
    });
    let ask = || database.run("SELECT group_concat(name) FROM ships");
    survives(&Installation::new(BINARY), 3, &options, ask);
}
