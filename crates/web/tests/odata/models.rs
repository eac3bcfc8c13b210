//! The model document of a data source: who may change it, and what readers see of it.

use std::pin::pin;

use axum::body::Body;
use domain::account::DataSource;
use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, OTHER, TestUser, USER};

use crate::fixture::{Fixture, code, token};

const TABLES: &str = "
    CREATE TABLE Ports (Id INTEGER PRIMARY KEY, Name TEXT);
    CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT, Port INTEGER REFERENCES Ports (Id), Secret TEXT);
    CREATE TABLE Salaries (Id INTEGER PRIMARY KEY, Amount REAL);
    CREATE TABLE Logs (Id INTEGER PRIMARY KEY, Ship INTEGER, At INTEGER);
    CREATE VIEW Fleet AS SELECT Id AS Ship, Name FROM Ships;
    INSERT INTO Ports VALUES (1, 'Kiel');
    INSERT INTO Ships VALUES (1, 'Anna', 1, 'gold'), (2, 'Berta', NULL, NULL);
    INSERT INTO Logs VALUES (1, 1, 0);
";

struct Scene {
    fixture: Fixture,
    pier: DataSource,
}

impl Scene {
    async fn new() -> Self {
        let fixture = Fixture::open().await;
        let pier = fixture.add_source("Pier", TABLES).await;
        Self { fixture, pier }
    }

    fn path(&self) -> String {
        format!("/api/mgmt/datasources/{}/model", self.pier.id)
    }

    async fn put(
        &self,
        user: &TestUser,
        condition: Option<(&'static str, &str)>,
        document: &Value,
    ) -> Answer {
        let mut call = self.fixture.server.put(&self.path()).basic(user).json(document);
        if let Some((name, value)) = condition {
            call = call.header(name, value);
        }
        call.send().await
    }

    /// Replaces the document, whatever it was.
    async fn shape(&self, document: &Value) {
        self.put(&USER, Some(("if-match", "*")), document).await.expect(200);
    }

    async fn read(&self, rest: &str) -> Answer {
        let path = format!("/api/odata4/Pier{rest}");
        self.fixture.server.get(&path).bearer(&self.fixture.token).send().await
    }

    async fn metadata(&self) -> String {
        self.read("/$metadata").await.expect(200).text().to_owned()
    }

    async fn model(&self, user: &TestUser, query: &str) -> Answer {
        self.fixture.server.get(&format!("{}{query}", self.path())).basic(user).send().await
    }
}

fn names() -> Value {
    json!({
        "formatVersion": 1,
        "tables": { "exclude": [{ "table": "Salaries" }] },
        "entities": [
            { "table": "Ships", "entitySet": "Vessels", "entityType": "Vessel", "hiddenColumns": ["Secret"],
                "columns": [{ "column": "Name", "property": "Title" }] },
            { "table": "Fleet", "key": ["Ship"] },
            { "table": "Logs", "columns": [{ "column": "At", "storageForm": "unix-seconds" }] },
        ],
        "relations": [
            { "from": { "table": "Ships" }, "columns": ["Port"], "to": { "table": "Ports" }, "navigation": "Home" },
            { "from": { "table": "Logs" }, "columns": ["Ship"], "to": { "table": "Ships" }, "navigation": "Vessel",
                "inverse": "Entries" },
        ],
        "pageSize": 1,
    })
}

#[tokio::test]
async fn a_document_shapes_what_readers_see() {
    let scene = Scene::new().await;
    scene.read("/Ships?$select=Secret").await.expect(200);
    scene.shape(&names()).await;
    let metadata = scene.metadata().await;
    for (text, is_there) in [
        (r#"<EntityType Name="Vessel">"#, true),
        (r#"<EntitySet Name="Vessels" EntityType="Pier.Vessel">"#, true),
        (r#"<NavigationProperty Name="Home" Type="Pier.Ports" Partner="Vessels""#, true),
        (r#"<NavigationProperty Name="Entries" Type="Collection(Pier.Logs)" Partner="Vessel""#, true),
        (r#"<EntitySet Name="Fleet""#, true),
        (r#"Name="At" Type="Edm.DateTimeOffset""#, true),
        ("Secret", false),
        ("Salaries", false),
        (r#"Name="Ships""#, false),
    ] {
        assert_eq!(metadata.contains(text), is_there, "{text} in {metadata}");
    }
    for gone in [
        "/Ships",
        "/Salaries",
        "/Vessels?$select=Secret",
        "/Vessels?$filter=Secret eq 'gold'",
        "/Vessels?$orderby=Secret",
        "/Ports?$expand=Vessels($select=Secret)",
        "/Vessels(1)/Secret",
        "/Vessels(1)/Name",
    ] {
        let answer = scene.read(&gone.replace(' ', "%20")).await;
        assert!(matches!(answer.status(), 400 | 404), "{gone}: {}", answer.status());
        assert!(!answer.text().contains("gold"), "{gone}");
    }
    let page = scene.read("/Vessels?$expand=Home,Entries").await.expect(200).json();
    let vessel = &page["value"][0];
    assert_eq!((&vessel["Title"], &vessel["Home"]["Name"]), (&json!("Anna"), &json!("Kiel")));
    assert_eq!(vessel["Entries"][0]["At"], "1970-01-01T00:00:00Z");
    assert_eq!(vessel.get("Secret"), None);
    assert_eq!(page["value"].as_array().unwrap().len(), 1, "the page size of the document");
    assert!(page.get("@odata.nextLink").is_some());
    assert_eq!(scene.read("/Fleet(2)/Name").await.expect(200).json()["value"], "Berta");
    let full =
        scene.read("/Vessels(1)?$format=application/json;odata.metadata=full").await.expect(200).json();
    assert_eq!(full["@odata.type"], "#Pier.Vessel");
}

#[tokio::test]
async fn a_deleted_document_shapes_nothing_any_more() {
    let scene = Scene::new().await;
    scene.shape(&names()).await;
    scene.read("/Ships").await.expect(404);
    let server = &scene.fixture.server;
    server.delete(&scene.path()).basic(&USER).header("if-match", "\"9\"").send().await.expect(412);
    server.delete(&scene.path()).basic(&USER).send().await.expect(204);
    scene.read("/Ships?$select=Secret").await.expect(200);
    let model = scene.model(&USER, "").await.expect(200);
    assert_eq!(model.json().get("entities"), None);
    assert_eq!(model.header("etag"), "\"2\"", "no version comes twice");
}

#[tokio::test]
async fn two_editors_do_not_overwrite_each_other() {
    let scene = Scene::new().await;
    let empty = json!({ "formatVersion": 1 });
    let fresh = scene.model(&USER, "").await.expect(200);
    assert_eq!(fresh.header("etag"), "\"0\"");
    assert_eq!(fresh.json()["formatVersion"], 1);
    let first = scene.put(&USER, None, &empty).await.expect(200);
    assert_eq!(first.header("etag"), "\"1\"");
    for (condition, status, code) in [
        (None, 428, 222_299_428),
        (Some(("if-none-match", "*")), 412, 222_299_412),
        (Some(("if-match", "\"0\"")), 412, 222_299_412),
        (Some(("if-match", "W/\"1\"")), 412, 222_299_412),
        (Some(("if-match", "\"1\", \"0\"")), 400, 222_299_400),
        (Some(("if-match", "1")), 400, 222_299_400),
    ] {
        let refused = scene.put(&USER, condition, &names()).await.expect(status);
        assert_eq!(refused.error_code(), code, "{condition:?}");
    }
    let mut read = scene.model(&USER, "").await.expect(200);
    assert_eq!(read.json().get("entities"), None, "nothing was written");
    let tag = read.header("etag").to_owned();
    let second = scene.put(&ADMIN, Some(("if-match", &tag)), &names()).await.expect(200);
    assert_eq!(second.header("etag"), "\"2\"");
    read = scene.model(&USER, "").await.expect(200);
    assert_eq!(read.json()["entities"][0]["entitySet"], "Vessels");
    let same = scene.put(&USER, Some(("if-match", "\"2\"")), &read.json()).await;
    same.expect(200);
}

#[tokio::test]
async fn a_faulty_document_is_refused_with_the_path_of_each_fault() {
    let scene = Scene::new().await;
    let body = json!({ "formatVersion": 1, "colour": 1, "entities": [{ "table": "a", "entitySet": "1st", "key": [5] }] });
    let refused = scene.put(&USER, None, &body).await.expect(400);
    assert_eq!(refused.error_code(), 222_298_001);
    let details = refused.json()["error"]["details"].clone();
    let fields: Vec<&str> =
        details.as_array().unwrap().iter().map(|detail| detail["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["entities[0].key[0]", "colour"]);
    let body = json!({ "formatVersion": 1, "entities": [{ "table": "a", "entitySet": "1st" }] });
    let refused = scene.put(&USER, None, &body).await.expect(400).json();
    assert_eq!(refused["error"]["details"][0]["field"], "entities[0].entitySet");
}

#[tokio::test]
async fn only_who_manages_the_source_sees_the_document_and_the_findings() {
    let scene = Scene::new().await;
    let gone = json!({ "formatVersion": 1, "tables": { "exclude": [{ "table": "Salaries" }, { "table": "Gone" }] } });
    scene.shape(&gone).await;
    scene.fixture.share(&scene.pier, &OTHER).await;
    let findings = format!("{}/findings", scene.path());
    let server = &scene.fixture.server;
    let own = server.get(&findings).basic(&USER).send().await.expect(200).json();
    let subjects: Vec<&str> =
        own["findings"].as_array().unwrap().iter().map(|f| f["subject"].as_str().unwrap()).collect();
    assert!(subjects.contains(&"Gone"), "{subjects:?}");
    server.get(&findings).basic(&OTHER).send().await.expect(403);
    let foreign = scene.model(&OTHER, "").await.expect(200);
    assert_eq!(foreign.header("etag"), "");
    let foreign = foreign.json();
    assert_eq!(foreign["findings"], json!([]));
    assert_eq!(foreign["entitySets"], json!(["Logs", "Ports", "Ships"]));
    assert_eq!(foreign.get("tables"), None);
    scene.put(&OTHER, Some(("if-match", "*")), &gone).await.expect(403);
    let tested = server.post(&format!("/api/mgmt/datasources/{}/test", scene.pier.id));
    let tested = tested.basic(&OTHER).send().await.expect(200).json();
    assert_eq!((&tested["findings"], &tested["tables"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn the_document_can_be_read_while_the_database_cannot() {
    let scene = Scene::new().await;
    scene.shape(&names()).await;
    std::fs::remove_file(scene.fixture.server.folder().join("Pier.db")).unwrap();
    scene.fixture.server.clock().advance_secs(2);
    scene.model(&USER, "").await.expect(400);
    let document = scene.model(&USER, "?compiled=false").await.expect(200).json();
    assert_eq!((&document["pageSize"], document.get("entitySets")), (&json!(1), None));
    scene.put(&USER, Some(("if-match", "\"1\"")), &json!({ "formatVersion": 1 })).await.expect(200);
    scene.model(&USER, "?compiled=maybe").await.expect(400);
}

#[tokio::test]
async fn a_next_link_of_another_shape_is_refused() {
    let scene = Scene::new().await;
    let mut document = json!({ "formatVersion": 1, "pageSize": 1 });
    scene.shape(&document).await;
    let page = scene.read("/Ships").await.expect(200).json();
    let next = page["@odata.nextLink"].as_str().unwrap().to_owned();
    let rest = next.split_once("/Pier").unwrap().1.to_owned();
    document["pageSize"] = json!(5);
    scene.shape(&document).await;
    scene.read(&rest).await.expect(200);
    document["entities"] = json!([{ "table": "Ships", "hiddenColumns": ["Secret"] }]);
    scene.shape(&document).await;
    let status = scene.read(&rest).await.status();
    assert!((400..500).contains(&status), "{status}");
}

#[tokio::test]
async fn a_response_on_its_way_ends_when_the_document_changes() {
    let scene = Scene::new().await;
    let rows = "
        CREATE TABLE T (Id INTEGER PRIMARY KEY, Text TEXT);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO T SELECT i, 'some text that fills the chunks of the stream' FROM n;";
    let long = scene.fixture.add_source("Long", rows).await;
    let call = Request::get("/api/odata4/Long/T").header("prefer", "maxpagesize=100000");
    let bearer = format!("Bearer {}", token(&scene.fixture.server, &USER).await);
    let call = call.header("authorization", bearer).body(Body::empty()).unwrap();
    let response = scene.fixture.server.service().answer(call).await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    let hidden = json!({ "formatVersion": 1, "entities": [{ "table": "T", "hiddenColumns": ["Text"] }] });
    let path = format!("/api/mgmt/datasources/{}/model", long.id);
    scene.fixture.server.put(&path).basic(&USER).json(&hidden).send().await.expect(200);
    scene.fixture.server.clock().advance_secs(2);
    let mut body = pin!(body);
    let mut ended = None;
    while let Some(frame) = body.frame().await {
        if let Err(error) = frame {
            ended = Some(error);
            break;
        }
    }
    assert!(ended.is_some(), "the rest was sent");
}

#[tokio::test]
async fn a_schema_map_of_hybrid_data_pipeline_is_converted() {
    let scene = Scene::new().await;
    let map = json!({ "odata_mapping_v3": { "timeAsString": true, "schemas": [{ "name": null, "tables": {
        "Ships": { "ODataAlias": "Ship", "ODataPluralAlias": "Fleet", "excludedColumns": ["Secret"] },
        "Ports": { "ODataPluralAlias": "Ports", "columns": { "Id": { "alias": "Number" } } } } }] } });
    let stored = scene.put(&USER, None, &map).await.expect(200).json();
    assert_eq!(stored["importFindings"][0]["subject"], "odata_mapping_v3");
    let model = scene.model(&USER, "").await.expect(200).json();
    assert_eq!(model["entitySets"], json!(["Ports", "Fleet"]));
    let subjects = model["findings"].as_array().unwrap().iter();
    assert!(subjects.filter(|finding| finding["subject"] == "odata_mapping_v3").count() == 1, "{model}");
    let ports = scene.read("/Ports").await.expect(200).json();
    assert_eq!(ports["value"], json!([{ "Number": 1 }]));
    assert!(!scene.metadata().await.contains("Secret"));
    let again = scene.put(&USER, Some(("if-match", "\"1\"")), &model).await.expect(200).json();
    assert_eq!(again["importFindings"], stored["importFindings"]);
}

/// Whatever else allows changes, the document has the last word: for all tables, or for one.
#[tokio::test]
async fn what_the_document_makes_read_only_is_not_changed() {
    let scene = Scene::new().await;
    scene.fixture.set_writable(&scene.pier, true).await;
    let send = async |method: Method, set: &str, key: &str| {
        let path = format!("/api/odata4/Pier/{set}{key}");
        let call = scene.fixture.server.call(method, &path).basic(&USER);
        call.json(&json!({ "Name": "new" })).send().await
    };
    for (document, ships, ports) in [
        (json!({ "formatVersion": 1, "entities": [{ "table": "Ships", "readOnly": true }] }), false, true),
        (json!({ "formatVersion": 1, "readOnly": true }), false, false),
        (json!({ "formatVersion": 1 }), true, true),
    ] {
        scene.shape(&document).await;
        for (set, can_be_changed) in [("Ships", ships), ("Ports", ports)] {
            for (method, key, status) in [
                (Method::POST, "", 201),
                (Method::PATCH, "(2)", 204),
                (Method::PUT, "(2)", 204),
                (Method::DELETE, "(2)", 204),
            ] {
                let answer = send(method.clone(), set, key).await;
                if can_be_changed {
                    answer.expect(status);
                } else {
                    let refused = answer.expect(405);
                    assert_eq!(code(&refused), "NotChangeable", "{method} {set} {document}");
                }
            }
        }
    }
}
