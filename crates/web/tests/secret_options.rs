//! Tests of data sources with secret options, with a kind of database that is reached over a network.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::collections::BTreeMap;
use std::path::Path;

use app::identity::caller::RequestOrigin;
use serde_json::{Value, json};
use sources::SourceKinds;
use sources::testing::{FakeDatabase, FakeKind};
use store::{Audit, AuditFilter, DataSources};
use testkit::{ADMIN, Setup, TestServer, USER};

const PATH: &str = "/api/mgmt/datasources";
const SHIPS: &str = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);
    INSERT INTO Ships VALUES (1, 'Argo'), (2, 'Beagle');";

struct Scene {
    database: FakeDatabase,
    server: TestServer,
}

/// A server that offers the kind of the database, and may connect to these hosts.
async fn scene(hosts: &[&str]) -> Scene {
    let database = FakeDatabase::new(SHIPS);
    let kind = std::sync::Arc::new(FakeKind(database.clone()));
    let hosts = sources::AllowedHosts::new(hosts.iter().map(|host| host.parse().unwrap()).collect());
    let setup = Setup { kinds: SourceKinds::new(vec![kind]), hosts, ..Setup::default() };
    Scene { server: TestServer::start_with(setup).await, database }
}

impl Scene {
    fn secret(&self) -> String {
        self.database.options()["password"].clone()
    }

    fn payload(&self, change: &[(&str, Option<&str>)]) -> Value {
        let mut options: BTreeMap<String, String> = self.database.options();
        for (key, value) in change {
            match value {
                Some(value) => options.insert((*key).to_owned(), (*value).to_owned()),
                None => options.remove(*key),
            };
        }
        json!({ "name": "ships", "dataStore": 99, "connectionType": "Cloud", "options": options })
    }

    async fn create(&self) -> Value {
        let payload = self.payload(&[("token", Some("a second secret"))]);
        self.server.post(PATH).basic(&USER).json(&payload).send().await.expect(201).json()
    }

    async fn ships(&self) -> Value {
        let answer = self.server.get("/api/odata4/ships/Ships?$orderby=Id").basic(&USER).send().await;
        answer.expect(200).json()["value"].clone()
    }

    /// No file of the server has a secret.
    fn assert_sealed(&self) {
        for file in std::fs::read_dir(self.server.folder()).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                assert_lacks(&path, self.secret().as_bytes());
                assert_lacks(&path, b"a second secret");
            }
        }
    }
}

fn assert_lacks(path: &Path, needle: &[u8]) {
    let bytes = std::fs::read(path).unwrap();
    assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", path.display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_reaches_the_driver_and_nothing_else() {
    let scene = scene(&["127.0.0.1"]).await;
    let made = scene.create().await;
    let options = made["options"].as_object().unwrap();
    assert_eq!(options.keys().collect::<Vec<_>>(), ["host", "port"], "{made}");
    assert_eq!(scene.ships().await, json!([{ "Id": 1, "Name": "Argo" }, { "Id": 2, "Name": "Beagle" }]));
    assert!(!scene.database.passwords().is_empty());
    assert!(scene.database.passwords().iter().all(|password| *password == scene.secret()));
    let at = format!("{PATH}/{}", made["id"]);
    let mut answers = vec![made.to_string()];
    for target in [PATH, &at, "/api/admin/audit?limit=100", "/api/mgmt/datastores", "/metrics"] {
        answers.push(scene.server.get(target).basic(&ADMIN).send().await.text().to_owned());
    }
    let events = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    answers.push(format!("{:?}", scene.server.store().list_audit(events).await.unwrap()));
    answers.push(format!("{:?}", scene.server.store().find_data_source_by_name("ships").await.unwrap()));
    for answer in answers {
        assert!(!answer.contains(&scene.secret()) && !answer.contains("a second secret"), "{answer}");
    }
    scene.assert_sealed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_omits_a_secret_keeps_it_unless_it_leads_elsewhere() {
    let scene = scene(&["127.0.0.0/8"]).await;
    let at = format!("{PATH}/{}", scene.create().await["id"]);
    let stored = async || {
        let found = scene.server.store().find_data_source_by_name("ships").await.unwrap().unwrap();
        found.sealed_options
    };
    let before = stored().await;
    assert_eq!(before.keys().collect::<Vec<_>>(), ["password", "token"]);
    let put = |payload: Value| scene.server.put(&at).basic(&USER).json(&payload).send();
    put(scene.payload(&[("password", None), ("mode", Some("careful"))])).await.expect(200);
    assert_eq!(stored().await, before, "kept as they are");
    let moved = put(scene.payload(&[("token", None), ("host", Some("127.0.0.2"))])).await.expect(400).json();
    assert_eq!(moved["error"]["details"][0]["field"], "options.token", "{moved}");
    put(scene.payload(&[("password", None), ("token", Some(""))])).await.expect(200);
    assert_eq!(stored().await.keys().collect::<Vec<_>>(), ["password"], "an empty one is removed");
    assert_eq!(scene.ships().await.as_array().unwrap().len(), 2);
    // Whoever does not know the password cannot have it sent to another machine.
    let tries = scene.database.passwords().len();
    for moved in [("host", Some("127.0.0.2")), ("port", None)] {
        let refused = put(scene.payload(&[("password", None), moved])).await.expect(400);
        assert!(refused.text().contains("because the host or the port changes"), "{}", refused.text());
    }
    assert_eq!(scene.database.passwords().len(), tries, "nobody has signed in");
    assert_eq!(stored().await["password"], before["password"]);
    scene.assert_sealed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_or_option_is_refused_without_being_shown() {
    let scene = scene(&["127.0.0.1"]).await;
    for (change, code) in [
        ([("password", Some("hunter2"))], 222_207_003),
        ([("password", None)], 222_207_002),
        ([("mode", Some("hunter2"))], 222_207_002),
        ([("patience", Some("61"))], 222_207_002),
        ([("port", Some("hunter2"))], 222_207_002),
        ([("host", Some("hunter2 hunter2"))], 222_207_002),
    ] {
        let refused = scene.server.post(PATH).basic(&USER).json(&scene.payload(&change)).send().await;
        let refused = refused.expect(400);
        assert!(!refused.text().contains("hunter2"), "{}", refused.text());
        assert_eq!(refused.error_code(), code, "{change:?}: {}", refused.text());
    }
    let none = scene.server.store().find_data_source_by_name("ships").await.unwrap();
    assert!(none.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_not_listed_is_refused_also_for_administrators() {
    for hosts in [&[][..], &["10.0.0.0/8"], &["127.0.0.1:1"]] {
        let scene = scene(hosts).await;
        for user in [&USER, &ADMIN] {
            let refused = scene.server.post(PATH).basic(user).json(&scene.payload(&[])).send().await;
            let message = refused.expect(400).error_message();
            assert!(message.contains("not among those that data sources may use"), "{message}");
        }
        assert_eq!(scene.database.connections(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_structure_of_a_database_server_is_noticed() {
    let scene = scene(&["127.0.0.1"]).await;
    scene.create().await;
    assert_eq!(scene.ships().await[0], json!({ "Id": 1, "Name": "Argo" }));
    scene.database.execute("ALTER TABLE Ships ADD COLUMN Length INTEGER");
    scene.server.clock().advance_secs(2);
    assert_eq!(scene.ships().await[0], json!({ "Id": 1, "Name": "Argo", "Length": null }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_opened_after_the_ring_keys_were_rotated() {
    let scene = scene(&["127.0.0.1"]).await;
    let at = format!("{PATH}/{}", scene.create().await["id"]);
    for _ in 0..3 {
        scene.server.app().keys().rotate(&RequestOrigin::command_line()).await.unwrap();
        scene.server.clock().advance_secs(400 * 86_400);
        scene.server.app().node().maintain().await.unwrap();
    }
    let tries = scene.database.passwords().len();
    let changed = scene.payload(&[("password", None), ("mode", Some("careful"))]);
    scene.server.put(&at).basic(&USER).json(&changed).send().await.expect(200);
    assert_eq!(scene.ships().await.as_array().unwrap().len(), 2);
    let passwords = scene.database.passwords();
    assert!(passwords.len() > tries, "the driver has signed in again");
    assert!(passwords.iter().all(|password| *password == scene.secret()), "with the secret that was sealed");
    scene.assert_sealed();
}
