//! Tests of `POST /api/mgmt/datasources/test` and `…/{id}/test`: what is wrong with a database, in codes and words.

use std::net::TcpListener;

use serde_json::{Value, json};
use sources::{AllowedHosts, HostRule};
use testkit::postgres::{PostgresServer, PostgresSettings, PostgresTls};
use testkit::{ADMIN, OTHER, Setup, TestServer, USER};

const PATH: &str = "/api/mgmt/datasources";
const TEST: &str = "/api/mgmt/datasources/test";

async fn server() -> TestServer {
    let rule = |text: &str| text.parse::<HostRule>().expect("a rule");
    let hosts = AllowedHosts::new(vec![rule("127.0.0.1"), rule("gone.invalid")]);
    TestServer::start_with(Setup { hosts, ..Setup::default() }).await
}

fn payload(store: i64, options: &Value) -> Value {
    json!({ "name": "fleet", "dataStore": store, "connectionType": "Cloud", "options": options })
}

/// The options of a source, from the address `postgres://user:password@host:port/name`, with changes.
fn options(url: &str, changes: &Value) -> Value {
    let url = url::Url::parse(url).expect("a URL");
    let mut options = json!({
        "ServerName": url.host_str(),
        "PortNumber": url.port().expect("a port").to_string(),
        "Database": url.path().trim_start_matches('/'),
        "User": url.username(),
        "Password": url.password(),
        "EncryptionMethod": "noEncryption",
    });
    for (key, value) in changes.as_object().expect("changes") {
        options[key] = value.clone();
    }
    options
}

async fn tested(server: &TestServer, store: i64, options: &Value) -> Value {
    let answer =
        server.post(TEST).basic(&USER).json(&payload(store, options)).send().await.expect(200).json();
    let message = answer["message"].as_str().expect("a message");
    assert!(message.ends_with('.') && message.starts_with(char::is_uppercase), "{message}");
    assert_eq!(answer["ok"], json!(answer["code"] == "Usable"));
    let document: Value = serde_json::from_str(web::reference::OPENAPI).expect("JSON");
    let described = &document["components"]["schemas"]["DataSourceTest"]["properties"];
    assert!(described["code"]["enum"].as_array().expect("codes").contains(&answer["code"]), "{answer}");
    assert!(
        answer.as_object().expect("an object").keys().all(|name| described.get(name).is_some()),
        "{answer}"
    );
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_database_server_has_a_code() {
    let server = server().await;
    let database = PostgresServer::shared().create_database();
    let role = format!("without_{}", database.name());
    let empty = PostgresServer::shared().create_database();
    database.run(&format!(
        "CREATE TABLE ships (id integer PRIMARY KEY); CREATE VIEW seen AS SELECT 1 AS a UNION ALL SELECT 1; \
         CREATE ROLE {role} LOGIN PASSWORD 'poor'"
    ));
    for (changes, code) in [
        (json!({ "ServerName": "gone.invalid" }), "NameNotResolved"),
        (json!({ "ServerName": "10.9.9.9" }), "HostNotAllowed"),
        (json!({ "PortNumber": "1" }), "ConnectionRefused"),
        (json!({ "EncryptionMethod": "SSL" }), "NoTls"),
        (json!({ "Password": "wrong" }), "SignInRefused"),
        (json!({ "Database": "nowhere" }), "NoSuchDatabase"),
        (json!({ "User": role, "Password": "poor" }), "NoReadableTable"),
        (json!({ "Database": empty.name() }), "NoTable"),
        (json!({ "keys": { "seen": ["a"] } }), "DeclarationRefused"),
        (json!({}), "Usable"),
    ] {
        let answer = tested(&server, 2, &options(&database.url(), &changes)).await;
        assert_eq!(answer["code"], code, "{answer}");
        let text = answer.to_string();
        let password =
            url::Url::parse(&database.url()).expect("a URL").password().expect("a password").to_owned();
        assert!(!text.contains(&password) && !text.contains("wrong\""), "{text}");
    }
    let usable = tested(&server, 2, &options(&database.url(), &json!({}))).await;
    assert_eq!(usable["tables"], 1);
    assert!(usable["server"].as_str().expect("a product").starts_with("PostgreSQL "), "{usable}");
    assert_eq!(usable["findings"][0]["subject"], "public.seen", "{usable}");
    assert!(server.get(PATH).basic(&ADMIN).send().await.text().contains("[]"), "nothing is stored");
    database.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_named_and_a_silent_server_is_given_up() {
    let server = server().await;
    let file = |name: &str| {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../sluicegate/tests/certificates").join(name)
    };
    let tls = PostgresTls { certificate: file("expired.pem"), key: file("expired.key") };
    let expired = PostgresServer::start(&PostgresSettings { tls: Some(tls), ..PostgresSettings::default() });
    let changes = json!({ "EncryptionMethod": "SSL", "HostNameInCertificate": "localhost" });
    let answer = tested(&server, 2, &options(&expired.url("postgres"), &changes)).await;
    assert_eq!(answer["code"], "CertificateExpired");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let url = format!("postgres://reader:secret@127.0.0.1:{port}/sales");
    assert_eq!(tested(&server, 2, &options(&url, &json!({}))).await["code"], "NoAnswer");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_has_a_code() {
    let server = server().await;
    let sources = server.folder().join("sources");
    std::fs::write(sources.join("text.db"), "this is not a database, however long it is ".repeat(100))
        .unwrap();
    server.sqlite_file("empty.db", "");
    server.sqlite_file(
        "good.db",
        "CREATE TABLE Ships (Id INTEGER PRIMARY KEY); CREATE VIEW Seen AS SELECT 1 AS A",
    );
    for (path, code) in [
        ("missing.db", "FileMissing"),
        ("text.db", "NotADatabase"),
        (".", "NotAFile"),
        ("/etc/passwd", "PathNotAllowed"),
        ("good.db", "Usable"),
    ] {
        let answer = tested(&server, 1, &json!({ "path": path })).await;
        assert_eq!(answer["code"], code, "{path}: {answer}");
        assert!(!answer.to_string().contains(sources.to_str().unwrap()), "no path in {answer}");
    }
    let good = tested(&server, 1, &json!({ "path": "good.db" })).await;
    assert!(good["server"].as_str().unwrap().starts_with("SQLite 3."), "{good}");
    assert_eq!((&good["tables"], good["findings"].as_array().unwrap().len()), (&json!(1), 1));
}

#[tokio::test]
async fn a_test_needs_the_rights_of_what_it_tries() {
    let server = server().await;
    let path = server.sqlite_file("good.db", "CREATE TABLE Ships (Id INTEGER PRIMARY KEY)");
    let body = payload(1, &json!({ "path": path }));
    let made = server.post(PATH).basic(&USER).json(&body).send().await.expect(201).json();
    let test = format!("{PATH}/{}/test", made["id"]);
    let mine = server.post(&test).basic(&USER).send().await.expect(200).json();
    assert_eq!((&mine["code"], mine["server"].is_string()), (&json!("Usable"), true));
    server.post(&test).basic(&OTHER).send().await.expect(404);
    server.post(&format!("{PATH}/999/test")).basic(&USER).send().await.expect(404);
    server.post(&test).send().await.expect(401);
    let shared = json!({ "sharedUsers": [{ "userName": OTHER.name }] });
    server
        .put(&format!("{PATH}/{}/sharedUsers", made["id"]))
        .basic(&USER)
        .json(&shared)
        .send()
        .await
        .expect(200);
    let theirs = server.post(&test).basic(&OTHER).send().await.expect(200).json();
    assert_eq!((&theirs["code"], &theirs["server"]), (&json!("Usable"), &Value::Null), "only who manages it");
    assert_eq!(theirs.get("tables"), None, "the number of tables tells of those that rules hide");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(server.post(&test).basic(&USER).send().await.expect(200).json()["code"], "FileMissing");

    for (refused, status) in [
        (json!({ "dataStore": 1, "connectionType": "Cloud", "options": { "path": "a" } }), 400),
        (json!({ "name": "a", "dataStore": 77, "connectionType": "Cloud", "options": {} }), 400),
        (json!({ "name": "a", "dataStore": 1, "options": { "path": "a" } }), 400),
        (json!({ "name": "a", "dataStore": 1, "connectionType": "Cloud", "options": { "where": "a" } }), 400),
    ] {
        let tested = server.post(TEST).basic(&USER).json(&refused).send().await.expect(status);
        let created = server.post(PATH).basic(&USER).json(&refused).send().await.expect(status);
        assert_eq!(tested.json(), created.json(), "the same as for creating it");
    }
    server.get(TEST).basic(&USER).send().await.expect(405);
}

#[tokio::test]
async fn each_test_is_in_the_audit_log_within_bounds() {
    let server = server().await;
    let path = server.sqlite_file("good.db", "CREATE TABLE Ships (Id INTEGER PRIMARY KEY)");
    for number in 0..15 {
        let mut body = payload(1, &json!({ "path": path }));
        body["name"] = json!(format!("fleet{number}"));
        server.post(TEST).basic(&USER).json(&body).send().await.expect(200);
    }
    let events =
        server.get("/api/admin/audit?action=data_source.test").basic(&ADMIN).send().await.expect(200).json();
    let events = events["events"].as_array().unwrap();
    assert_eq!(events.len(), 10, "no more in a minute, whatever the names");
    assert_eq!((&events[9]["subject"], &events[9]["detail"]), (&json!("fleet0"), &json!("Usable")));
}
