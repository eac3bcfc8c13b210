//! Tests of `/api/mgmt/datasources` and `/api/mgmt/datastores`, rule by rule.

use std::path::Path;
use std::sync::Arc;

use domain::account::Permission;
use domain::audit::{Action, NewAuditEvent, Outcome};
use serde_json::{Value, json};
use store::DataSources;
use testkit::{ADMIN, OTHER, Setup, TestServer, TestUser, USER};

const PATH: &str = "/api/mgmt/datasources";
/// The number of the kind SQLite on the wire.
const SQLITE: i64 = 1;
const HARBOUR: &str = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);
    INSERT INTO Ships VALUES (1, 'Argo');
    CREATE VIEW Notes AS SELECT Name AS Text FROM Ships;";

fn payload(name: &str, path: &Path) -> Value {
    json!({
        "name": name,
        "dataStore": SQLITE,
        "connectionType": "Cloud",
        "description": "ships and berths",
        "options": { "path": path },
    })
}

async fn create(server: &TestServer, user: &TestUser, name: &str) -> Value {
    let path = server.sqlite_file(&format!("{name}.db"), HARBOUR);
    server.post(PATH).basic(user).json(&payload(name, &path)).send().await.expect(201).json()
}

fn at(source: &Value) -> String {
    format!("{PATH}/{}", source["id"])
}

async fn names(server: &TestServer, user: &TestUser, query: &str) -> Vec<String> {
    let list = server.get(&format!("{PATH}{query}")).basic(user).send().await.expect(200).json();
    let name = |source: &Value| source["name"].as_str().expect("a name").to_owned();
    list["dataSources"].as_array().expect("a list").iter().map(name).collect()
}

async fn entity_sets(server: &TestServer, source: &Value) -> Value {
    let model = server.get(&format!("{}/model", at(source))).basic(&ADMIN).send().await;
    model.expect(200).json()["entitySets"].clone()
}

async fn share(server: &TestServer, source: &Value, with: &TestUser) {
    let body =
        json!({ "sharedUsers": [{ "userId": server.user(with).await.id.get(), "permissions": [2, 7] }] });
    server.put(&format!("{}/sharedUsers", at(source))).basic(&USER).json(&body).send().await.expect(200);
}

#[tokio::test]
async fn the_data_stores_are_sqlite_with_a_path_and_two_kinds_of_servers_with_a_host() {
    let server = TestServer::start().await;
    let stores = server.get("/api/mgmt/datastores").basic(&USER).send().await.expect(200).json();
    let [sqlite, postgres, mysql] = stores["dataStores"].as_array().unwrap().as_slice() else {
        panic!("{stores}")
    };
    assert_eq!((&mysql["id"], &mysql["name"]), (&json!(3), &json!("MySQL")));
    assert_eq!(mysql["options"].as_array().unwrap()[..5], postgres["options"].as_array().unwrap()[..5]);
    assert_eq!(mysql["declarations"], json!(["keys"]));
    assert_eq!((&postgres["id"], &postgres["name"]), (&json!(2), &json!("PostgreSQL")));
    assert_eq!(
        postgres["options"],
        json!([
            "ServerName",
            "PortNumber",
            "Database",
            "User",
            "Password",
            "EncryptionMethod",
            "HostNameInCertificate",
            "CertificateAuthorities",
            "Schemas",
            "UserCredentials",
        ])
    );
    assert_eq!(postgres["declarations"], json!(["keys", "UserRoles"]));
    let secrets =
        postgres["optionSchemas"].as_array().unwrap().iter().filter(|option| option["secret"] == true);
    assert_eq!(secrets.map(|option| &option["name"]).collect::<Vec<_>>(), ["Password"]);
    assert_eq!((&sqlite["id"], &sqlite["name"]), (&json!(SQLITE), &json!("SQLite")));
    assert_eq!(sqlite["options"], json!(["path"]));
    assert_eq!(sqlite["declarations"], json!(["keys", "storageForms"]));
    let path = json!({
        "name": "path",
        "type": "text",
        "description": "The database file, as a path of the server's machine.",
        "required": true,
        "secret": false,
        "maxLength": 4096,
    });
    assert_eq!(sqlite["optionSchemas"][0], path);
    let listed = sqlite["optionSchemas"].as_array().unwrap().iter().map(|option| option["name"].clone());
    assert_eq!(listed.collect::<Vec<_>>(), ["path", "keys", "storageForms"]);
    let one = server.get(&format!("/api/mgmt/datastores/{SQLITE}")).basic(&USER).send().await.expect(200);
    assert_eq!(one.json(), *sqlite);
    server.get("/api/mgmt/datastores/99").basic(&USER).send().await.expect(404);
}

#[tokio::test]
async fn a_data_source_is_created_in_hdps_format() {
    let server = TestServer::start().await;
    let path = server.sqlite_file("sample.db", HARBOUR);
    let answer = server.post(PATH).basic(&USER).json(&payload("harbour", &path)).send().await.expect(201);
    let made = answer.json();
    assert!(answer.location().ends_with(&at(&made)), "{}", answer.location());
    assert_eq!(made["name"], "harbour");
    assert_eq!(made["connectionType"], "Cloud");
    assert_eq!(made["dataStore"], SQLITE);
    assert_eq!(made["createdBy"], "d2cuser");
    assert_eq!(made["options"], json!({ "path": path.canonicalize().unwrap() }));
    assert_eq!(server.get(&at(&made)).basic(&USER).send().await.expect(200).json(), made);
}

#[tokio::test]
async fn a_relative_path_is_resolved_in_the_folder_for_data_sources() {
    let server = TestServer::start().await;
    server.sqlite_file("sample.db", HARBOUR);
    server.post(PATH).basic(&USER).json(&payload("harbour", Path::new("sample.db"))).send().await.expect(201);
}

#[tokio::test]
async fn an_unusable_database_is_refused_and_nothing_is_created() {
    let server = TestServer::start().await;
    let folder = server.folder().join("sources");
    std::fs::write(
        folder.join("text.db"),
        "this is not a database, however long the text may be ".repeat(100),
    )
    .unwrap();
    for path in [folder.join("missing.db"), folder.join("text.db"), folder.clone()] {
        let refused =
            server.post(PATH).basic(&USER).json(&payload("harbour", &path)).send().await.expect(400);
        assert_eq!(refused.error_code(), 222_207_003, "{}", path.display());
        assert!(!refused.text().contains(folder.to_str().unwrap()), "no path in {}", refused.text());
    }
    assert_eq!(names(&server, &ADMIN, "").await, [] as [&str; 0]);
}

#[tokio::test]
async fn only_administrators_use_files_outside_the_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("sample.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(HARBOUR).unwrap();
    let server = TestServer::start().await;
    let dotted = server.folder().join("sources").join("..").join("..").join("etc").join("passwd");
    for outside in [
        path.as_path(),
        &dotted,
        Path::new("/etc/passwd"),
        Path::new("/nonexistent"),
        Path::new("../system.db"),
    ] {
        let refused =
            server.post(PATH).basic(&USER).json(&payload("harbour", outside)).send().await.expect(400);
        assert_eq!(refused.error_code(), 222_207_003);
        let whole = "The database cannot be used: the path is outside the folders that data sources may use: give the \
            absolute path of a file below one of data_sources.sqlite_folders, by default the folder sources of the data \
            directory, or a path relative to it.";
        assert_eq!(
            refused.error_message(),
            whole,
            "the same whether it exists or not: {}",
            outside.display()
        );
    }
    server.post(PATH).basic(&ADMIN).json(&payload("harbour", &path)).send().await.expect(201);
}

#[tokio::test]
async fn a_symbolic_link_out_of_the_folder_is_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("sample.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(HARBOUR).unwrap();
    let server = TestServer::start().await;
    let link = server.folder().join("sources").join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let refused = server.post(PATH).basic(&USER).json(&payload("harbour", &link)).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_207_003);
}

#[tokio::test]
async fn the_servers_own_files_are_refused_for_everybody() {
    let own = tempfile::tempdir().unwrap();
    let path = own.path().join("system.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(HARBOUR).unwrap();
    let mut setup = Setup::default();
    setup.app.forbidden_folders.push(own.path().to_owned());
    let server = TestServer::start_with(setup).await;
    let refused = server.post(PATH).basic(&ADMIN).json(&payload("mine", &path)).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_207_003);

    // Nor later, when a link replaces an allowed file.
    let source = create(&server, &ADMIN, "harbour").await;
    let file = server.folder().join("sources").join("harbour.db");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&path, &file).unwrap();
    let model = server.get(&format!("{}/model", at(&source))).basic(&ADMIN).send().await.expect(400);
    assert_eq!(model.error_code(), 222_207_003);
}

#[tokio::test]
async fn faulty_payloads_are_refused_with_hdps_numbers() {
    let server = TestServer::start().await;
    let path = server.sqlite_file("sample.db", HARBOUR);
    let change = |member: &str, value: Value| {
        let mut body = payload("harbour", &path);
        body[member] = value;
        body
    };
    for (body, code) in [
        (change("name", json!(null)), 222_298_001),
        (change("name", json!("har bour")), 222_298_001),
        (change("name", json!("hafen-ä")), 222_298_001),
        (change("name", json!("../x")), 222_298_001),
        (change("name", json!("x".repeat(129))), 222_298_001),
        (change("description", json!("x".repeat(257))), 222_298_001),
        (change("dataStore", json!(99)), 222_298_001),
        (change("dataStore", json!(null)), 222_298_001),
        (change("colour", json!("red")), 222_298_001),
        (change("options", json!({ "path": 5 })), 222_298_001),
        (change("options", json!(null)), 222_207_002),
        (change("options", json!({ "path": "" })), 222_207_002),
        (change("options", json!({ "path": "a\u{0}b" })), 222_207_002),
        (change("options", json!({ "path": path, "password": "x" })), 222_207_002),
        (change("connectionType", json!("OnPremise")), 222_207_005),
        (change("connectionType", json!(null)), 222_207_010),
    ] {
        let refused = server.post(PATH).basic(&USER).json(&body).send().await.expect(400);
        assert_eq!(refused.error_code(), code, "{body}: {}", refused.text());
    }
    let map = format!("{PATH}?map=always");
    let refused = server.post(&map).basic(&USER).json(&payload("harbour", &path)).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_207_009);
    let refused = server.post(PATH).basic(&USER).body("application/json", "{").send().await.expect(400);
    assert_eq!(refused.error_code(), 222_207_007);
    assert_eq!(names(&server, &ADMIN, "").await, [] as [&str; 0]);
}

#[tokio::test]
async fn names_of_data_sources_are_unique() {
    let server = TestServer::start().await;
    let harbour = create(&server, &USER, "harbour").await;
    let path = server.sqlite_file("other.db", HARBOUR);
    let refused = server.post(PATH).basic(&OTHER).json(&payload("HARBOUR", &path)).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_298_020);
    let other = create(&server, &USER, "canal").await;
    let refused = server.put(&at(&other)).basic(&USER).json(&json!({ "name": "Harbour" })).send().await;
    assert_eq!(refused.expect(400).error_code(), 222_298_020);
    server.put(&at(&harbour)).basic(&USER).json(&json!({ "name": "Harbour" })).send().await.expect(200);
}

#[tokio::test]
async fn a_shared_data_source_is_visible_but_not_manageable() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    assert_eq!(names(&server, &OTHER, "").await, [] as [&str; 0]);
    let foreign = server.get(&at(&source)).basic(&OTHER).send().await.expect(404);
    let unknown = server.get(&format!("{PATH}/999999")).basic(&OTHER).send().await.expect(404);
    assert_eq!(foreign.json(), unknown.json(), "the two cannot be distinguished");
    assert_eq!(foreign.error_code(), 222_207_004);

    share(&server, &source, &OTHER).await;
    assert_eq!(names(&server, &OTHER, "").await, ["harbour"]);
    let seen = server.get(&at(&source)).basic(&OTHER).send().await.expect(200).json();
    assert_eq!(seen["options"], json!({}), "where the server keeps it is the owner's business");
    server.get(&format!("{}/model", at(&source))).basic(&OTHER).send().await.expect(200);
    for call in [
        server.put(&at(&source)).json(&json!({ "name": "mine" })),
        server.delete(&at(&source)),
        server.post(&format!("{}/model", at(&source))),
        server.get(&format!("{}/sharedUsers", at(&source))),
        server.put(&format!("{}/sharedUsers", at(&source))).json(&json!({ "sharedUsers": [] })),
    ] {
        assert_eq!(call.basic(&OTHER).send().await.expect(403).error_code(), 222_208_103);
    }
    let nobody = format!("{}/sharedUsers", at(&source));
    server.delete(&nobody).basic(&USER).send().await.expect(204);
    server.get(&at(&source)).basic(&OTHER).send().await.expect(404);
}

#[tokio::test]
async fn sharing_is_replaced_extended_and_stopped() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    let path = format!("{}/sharedUsers", at(&source));
    let other = server.user(&OTHER).await.id.get();
    let admin = server.user(&ADMIN).await.id.get();
    let ids = async || -> Vec<i64> {
        let list = server.get(&path).basic(&USER).send().await.expect(200).json();
        list["sharedUsers"].as_array().unwrap().iter().map(|user| user["userId"].as_i64().unwrap()).collect()
    };
    let body = json!({ "sharedUsers": [{ "userId": other, "permissions": [7, 2] }] });
    server.post(&path).basic(&USER).json(&body).send().await.expect(200);
    let body = json!({ "sharedUsers": [{ "userName": "D2CADMIN" }, { "userId": other }] });
    server.post(&path).basic(&USER).json(&body).send().await.expect(200);
    assert_eq!(ids().await, [admin, other]);
    server.delete(&format!("{path}/{admin}")).basic(&USER).send().await.expect(204);
    assert_eq!(ids().await, [other]);
    server.put(&path).basic(&USER).json(&json!({ "sharedUsers": [] })).send().await.expect(200);
    assert_eq!(ids().await, [] as [i64; 0]);
    let shown = server.put(&path).basic(&ADMIN).json(&body).send().await.expect(200).json();
    let first = json!({ "userId": admin, "userName": "d2cadmin", "permissions": [2, 7] });
    assert_eq!(shown["sharedUsers"][0], first, "a caller who may see users gets their names");
    for (body, field) in [
        (json!({}), "sharedUsers"),
        (json!({ "sharedUsers": {} }), "sharedUsers"),
        (json!({ "sharedUsers": [{}] }), "sharedUsers[0].userId"),
        (json!({ "sharedUsers": [{ "userId": 999 }] }), "sharedUsers[0]"),
        (json!({ "sharedUsers": [{ "userName": "nobody" }] }), "sharedUsers[0]"),
        (json!({ "sharedUsers": [{ "userId": other, "permissions": [3] }] }), "sharedUsers[0].permissions"),
        (json!({ "sharedUsers": vec![json!({ "userId": other }); 1_001] }), "sharedUsers"),
    ] {
        let refused = server.put(&path).basic(&USER).json(&body).send().await.expect(400);
        assert_eq!(refused.faulty_fields(), [field], "{body}");
    }
    assert_eq!(ids().await, [admin, other], "a refused request changes nothing");
}

#[tokio::test]
async fn an_administrator_sees_all_data_sources_and_acts_for_others() {
    let server = TestServer::start().await;
    create(&server, &USER, "harbour").await;
    create(&server, &ADMIN, "canal").await;
    assert_eq!(names(&server, &ADMIN, "").await, ["harbour", "canal"]);
    assert_eq!(names(&server, &ADMIN, "?user=D2CUSER").await, ["harbour"]);
    server.get(&format!("{PATH}?user=nobody")).basic(&ADMIN).send().await.expect(404);
    server.get(&format!("{PATH}?user=d2cadmin")).basic(&USER).send().await.expect(403);
    let path = server.sqlite_file("lock.db", HARBOUR);
    let for_other = format!("{PATH}?user=other");
    let made =
        server.post(&for_other).basic(&ADMIN).json(&payload("lock", &path)).send().await.expect(201).json();
    assert_eq!(made["createdBy"], "other");
    assert_eq!(names(&server, &OTHER, "").await, ["lock"]);
}

#[tokio::test]
async fn each_operation_requires_its_permission() {
    let server = TestServer::start().await;
    let viewer = TestUser { name: "viewer", password: "telescope on the roof" };
    let role = server.add_role("viewers", &[Permission::MgmtAPI, Permission::ViewDataSource]).await;
    server.add_user(&viewer, &[role]).await;
    let path = server.sqlite_file("sample.db", HARBOUR);
    let for_viewer = format!("{PATH}?user=viewer");
    let made = server.post(&for_viewer).basic(&ADMIN).json(&payload("harbour", &path)).send().await;
    let made = made.expect(201).json();
    server.get(&at(&made)).basic(&viewer).send().await.expect(200);
    for call in [
        server.post(PATH).json(&payload("another", &path)),
        server.put(&at(&made)).json(&json!({ "name": "renamed" })),
        server.post(&format!("{}/model", at(&made))),
        server.delete(&at(&made)),
    ] {
        assert_eq!(call.basic(&viewer).send().await.expect(403).error_code(), 222_208_103);
    }
    let blind = TestUser { name: "blind", password: "nothing to be seen here" };
    let role = server.add_role("api only", &[Permission::MgmtAPI]).await;
    server.add_user(&blind, &[role]).await;
    server.get(PATH).basic(&blind).send().await.expect(403);
}

#[tokio::test]
async fn a_put_never_changes_the_data_store() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    let renamed = server.put(&at(&source)).basic(&USER).json(&json!({ "name": "port" })).send().await;
    let renamed = renamed.expect(200).json();
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("port"), &json!("")));
    assert_eq!(renamed["options"], source["options"]);
    server.put(&at(&source)).basic(&USER).json(&renamed).send().await.expect(200);
    for body in [json!({ "dataStore": 2 }), json!({ "connectionType": "OnPremise" })] {
        let refused = server.put(&at(&source)).basic(&USER).json(&body).send().await.expect(400);
        assert_eq!(refused.error_code(), 222_207_008);
    }
    let moved = json!({ "name": "port", "options": { "path": "missing.db" } });
    let refused = server.put(&at(&source)).basic(&USER).json(&moved).send().await.expect(400);
    assert_eq!(refused.error_code(), 222_207_003);
}

#[tokio::test]
async fn an_owner_may_keep_a_file_that_an_administrator_chose() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("sample.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(HARBOUR).unwrap();
    let server = TestServer::start().await;
    let for_user = format!("{PATH}?user=d2cuser");
    let made = server.post(&for_user).basic(&ADMIN).json(&payload("harbour", &path)).send().await;
    let mut made = made.expect(201).json();
    made["description"] = json!("mine");
    server.put(&at(&made)).basic(&USER).json(&made).send().await.expect(200);
}

#[tokio::test]
async fn the_model_lists_what_is_served_and_what_is_not() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    let model = server.get(&format!("{}/model", at(&source))).basic(&USER).send().await.expect(200).json();
    assert_eq!(model["entitySets"], json!(["Ships"]));
    assert_eq!(model["findings"][0]["subject"], "Notes");
    assert_eq!(model["version"].as_str().unwrap().len(), 16);
}

#[tokio::test]
async fn the_owner_sees_the_structure_of_the_database_and_nobody_else() {
    let server = TestServer::start().await;
    let path = server.sqlite_file(
        "fleet.db",
        "CREATE TABLE ports (country TEXT, code TEXT, PRIMARY KEY (code, country));
         CREATE TABLE ships (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, draught DECIMAL(5,2), home TEXT, flag TEXT,
            FOREIGN KEY (home, flag) REFERENCES ports);
         CREATE VIEW \"a/b\" AS SELECT name FROM ships;",
    );
    let source =
        server.post(PATH).basic(&USER).json(&payload("fleet", &path)).send().await.expect(201).json();
    let hidden = json!({ "formatVersion": 1, "tables": { "exclude": [{ "table": "ports" }] } });
    server.put(&format!("{}/model", at(&source))).basic(&USER).json(&hidden).send().await.expect(200);
    let schemas = format!("{}/schemas", at(&source));
    let get = async |path: &str| {
        server.get(&format!("{schemas}{path}")).basic(&USER).send().await.expect(200).json()
    };
    assert_eq!(get("").await, json!({ "schemas": [{ "name": "-" }] }));
    let all = json!({ "tables": [{ "name": "a/b" }, { "name": "ports" }, { "name": "ships" }] });
    assert_eq!(get("/-/tables").await, all, "also what the model document leaves out");
    assert_eq!(get("/public/tables").await, json!({ "tables": [] }), "there is no such schema");
    let columns = json!([
        { "name": "id", "dataType": "Edm.Int64", "nullable": false },
        { "name": "name", "dataType": "Edm.String", "columnSize": 40, "nullable": false },
        { "name": "draught", "dataType": "Edm.Decimal", "columnSize": 5, "scale": 2, "nullable": true },
        { "name": "home", "dataType": "Edm.String", "nullable": true },
        { "name": "flag", "dataType": "Edm.String", "nullable": true },
    ]);
    assert_eq!(get("/-/tables/ships/columns").await, json!({ "columns": columns }));
    let key = json!([{ "name": "code" }, { "name": "country" }]);
    assert_eq!(get("/-/tables/ports/primarykeys").await, json!({ "primaryKeys": key }));
    let reference = json!([{
        "columns": ["home", "flag"], "schema": "-", "table": "ports", "referencedColumns": ["code", "country"],
    }]);
    let table = json!({
        "name": "ships", "schema": "-", "columns": columns, "primaryKeys": [{ "name": "id" }], "foreignKeys": reference,
    });
    assert_eq!(get("/-/tables/ships").await, table);
    let view = get("/-/tables/a%2Fb/columns").await;
    assert_eq!(view["columns"][0]["name"], "name", "a name in the path is decoded");
    server.get(&format!("{schemas}/-/tables/docks")).basic(&USER).send().await.expect(404);
    share(&server, &source, &OTHER).await;
    for path in ["", "/-/tables", "/-/tables/ships", "/-/tables/ships/columns", "/-/tables/ships/primarykeys"]
    {
        server.get(&format!("{schemas}{path}")).basic(&OTHER).send().await.expect(403);
        server.get(&format!("{schemas}{path}")).basic(&ADMIN).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_changed_structure_is_noticed_within_a_second_or_on_request() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    assert_eq!(entity_sets(&server, &source).await, json!(["Ships"]));
    let file = rusqlite::Connection::open(server.folder().join("sources").join("harbour.db")).unwrap();
    file.execute_batch("CREATE TABLE Berths (Id INTEGER PRIMARY KEY)").unwrap();
    let reload = server.post(&format!("{}/model", at(&source))).basic(&USER).send().await.expect(200).json();
    assert_eq!(reload["entitySets"], json!(["Berths", "Ships"]));
    file.execute_batch("CREATE TABLE Cargo (Id INTEGER PRIMARY KEY)").unwrap();
    server.clock().advance_secs(2);
    assert_eq!(entity_sets(&server, &source).await, json!(["Berths", "Cargo", "Ships"]));
}

#[tokio::test]
async fn a_data_source_with_a_new_path_is_read_from_there() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    assert_eq!(entity_sets(&server, &source).await, json!(["Ships"]));
    server.sqlite_file("canal.db", "CREATE TABLE Locks (Id INTEGER PRIMARY KEY)");
    let moved = json!({ "name": "harbour", "options": { "path": "canal.db" } });
    server.put(&at(&source)).basic(&USER).json(&moved).send().await.expect(200);
    assert_eq!(entity_sets(&server, &source).await, json!(["Locks"]));
}

#[tokio::test]
async fn deleting_a_data_source_keeps_its_database() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    entity_sets(&server, &source).await;
    server.delete(&at(&source)).basic(&USER).send().await.expect(204);
    server.get(&at(&source)).basic(&USER).send().await.expect(404);
    server.delete(&at(&source)).basic(&USER).send().await.expect(404);
    assert!(server.folder().join("sources").join("harbour.db").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_first_requests_open_a_source_once() {
    let server = Arc::new(TestServer::start().await);
    create(&server, &USER, "harbour").await;
    let record = server.store().find_data_source_by_name("harbour").await.unwrap().unwrap();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (server, record) = (server.clone(), record.clone());
        all.spawn(async move { server.app().data().open(&record).await.unwrap() });
    }
    let opened = all.join_all().await;
    assert!(opened.iter().all(|one| Arc::ptr_eq(one, &opened[0])));
}

#[tokio::test]
async fn a_source_that_another_node_deletes_is_closed() {
    let server = TestServer::start().await;
    let source = create(&server, &USER, "harbour").await;
    entity_sets(&server, &source).await;
    let record = server.store().find_data_source_by_name("harbour").await.unwrap().unwrap();
    let opened = server.app().data().open(&record).await.unwrap();
    let audit = NewAuditEvent::new(Action::DeleteDataSource, Outcome::Success, server.app().node().now());
    server.store().delete_data_source(record.id, audit).await.unwrap().unwrap();
    server.app().node().refresh().await.unwrap();
    let deadline = sources::Deadline::after(std::time::Duration::from_secs(1));
    assert_eq!(opened.source.version(deadline).await, Err(sources::SourceError::Closed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_puts_of_different_members_lose_nothing() {
    let server = TestServer::start().await;
    let other = server.sqlite_file("other.db", HARBOUR).canonicalize().unwrap();
    for round in 0..10 {
        let source = create(&server, &USER, &format!("before_{round}")).await;
        let (name, options) =
            (json!({ "name": format!("after_{round}") }), json!({ "options": { "path": other } }));
        let path = at(&source);
        let (renamed, moved) = tokio::join!(
            server.put(&path).basic(&USER).json(&name).send(),
            server.put(&path).basic(&USER).json(&options).send(),
        );
        assert_eq!((renamed.status(), moved.status()), (200, 200));
        let after = server.get(&path).basic(&USER).send().await.expect(200).json();
        assert_eq!((&after["name"], &after["options"]), (&name["name"], &options["options"]));
    }
}
