//! Changes of references.

use super::*;

const FARM: &str = "
    CREATE TABLE Owners (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);
    CREATE TABLE Vets (Id INTEGER PRIMARY KEY, Name TEXT);
    CREATE TABLE Pets (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL, Owner INTEGER REFERENCES Owners (Id),
        Vet INTEGER NOT NULL DEFAULT 1 REFERENCES Vets (Id));
    CREATE TABLE Toys (Pet INTEGER NOT NULL REFERENCES Pets (Id), Number INTEGER NOT NULL, Name TEXT, PRIMARY KEY (Pet, Number));
    INSERT INTO Owners VALUES (1, 'Ann'), (2, 'Bob');
    INSERT INTO Vets VALUES (1, 'Dr. Quick'), (2, 'Dr. Slow');
    INSERT INTO Pets VALUES (1, 'Rex', 1, 1), (2, 'Tom', NULL, 2), (3, 'Kit', 2, 1);
    INSERT INTO Toys VALUES (1, 1, 'ball');
";

pub(super) struct Farm {
    pub(super) fixture: Fixture,
    pub(super) source: DataSource,
}

impl Farm {
    pub(super) async fn open() -> Self {
        let fixture = Fixture::open().await;
        let source = fixture.add_source("Farm", FARM).await;
        fixture.set_writable(&source, true).await;
        Self { fixture, source }
    }

    pub(super) fn call(&self, method: Method, rest: &str) -> Call<'_> {
        self.fixture.server.call(method, &format!("/api/odata4/Farm{rest}")).basic(&USER)
    }

    pub(super) async fn send(&self, method: Method, rest: &str, body: &Value) -> Answer {
        self.call(method, rest).json(body).send().await
    }

    pub(super) fn text(&self, sql: &str) -> String {
        let file = Connection::open(self.fixture.server.folder().join("Farm.db")).unwrap();
        file.query_row(&format!("SELECT coalesce(group_concat(found, ' '), '') FROM ({sql})"), [], |row| {
            row.get(0)
        })
        .unwrap()
    }

    /// The owners of all pets.
    pub(super) fn owners(&self) -> String {
        self.text("SELECT coalesce(Owner, '-') AS found FROM Pets ORDER BY Id")
    }

    pub(super) async fn rule(&self, rules: Value) {
        let path = format!("/api/mgmt/datasources/{}/model", self.source.id);
        let document = json!({ "formatVersion": 1, "rules": rules });
        self.fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
    }
}

#[tokio::test]
async fn references_are_set_and_removed() {
    let farm = Farm::open().await;
    let to = |id: &str| json!({ "@odata.id": id });
    let none = json!({});
    for (method, rest, body, owners) in [
        (Method::PUT, "/Pets(1)/Owners/$ref", to("Owners(2)"), "2 - 2"),
        (
            Method::PUT,
            "/Pets(2)/Owners/$ref",
            json!({ "@id": "http://127.0.0.1:8080/api/odata4/Farm/Owners(1)" }),
            "2 1 2",
        ),
        (Method::DELETE, "/Pets(2)/Owners/$ref", none.clone(), "2 - 2"),
        (Method::DELETE, "/Pets(2)/Owners/$ref", none.clone(), "2 - 2"),
        (Method::POST, "/Owners(1)/Pets/$ref", to("Pets(2)"), "2 1 2"),
        (Method::POST, "/Owners(1)/Pets/$ref", to("/Pets(3)"), "2 1 1"),
        (Method::DELETE, "/Owners(1)/Pets/$ref?$id=Pets(3)", none.clone(), "2 1 -"),
        (Method::DELETE, "/Owners(2)/Pets(1)/$ref", none.clone(), "- 1 -"),
    ] {
        let call = farm.call(method.clone(), rest).header("prefer", "return=representation");
        let made = if method == Method::DELETE { call.send().await } else { call.json(&body).send().await };
        let made = made.expect(204);
        assert_eq!(
            (farm.owners().as_str(), made.header("preference-applied")),
            (owners, ""),
            "{method} {rest}"
        );
        assert!(made.header("etag").starts_with("W/"), "{method} {rest}");
    }
    let log = farm.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    assert_eq!(log.expect(200).json().to_string().matches("Farm/Pets").count(), 8);
}

#[tokio::test]
async fn references_that_cannot_be_changed_are_refused() {
    let farm = Farm::open().await;
    for (method, rest, body, status, expected) in [
        (Method::DELETE, "/Pets(1)/Vets/$ref", json!({}), 400, "PropertyMissing"),
        (Method::DELETE, "/Toys(Pet=1,Number=1)/Pets/$ref", json!({}), 400, "PropertyMissing"),
        (
            Method::PUT,
            "/Toys(Pet=1,Number=1)/Pets/$ref",
            json!({ "@odata.id": "Pets(2)" }),
            405,
            "NotChangeable",
        ),
        (Method::PUT, "/Pets(1)/Owners/$ref", json!({ "@odata.id": "Owners(9)" }), 409, "ReferenceBroken"),
        (Method::PUT, "/Pets(1)/Owners/$ref", json!({ "@odata.id": "Vets(1)" }), 400, "BadValue"),
        (
            Method::PUT,
            "/Pets(1)/Owners/$ref",
            json!({ "@odata.id": "https://elsewhere.example/Owners(1)" }),
            400,
            "BadValue",
        ),
        (Method::PUT, "/Pets(1)/Owners/$ref", json!({ "Id": 2 }), 400, "BadBody"),
        (Method::PUT, "/Pets(1)/Owners/$ref", json!({ "@odata.id": "Owners(2)", "Id": 2 }), 400, "BadBody"),
        (Method::POST, "/Owners(1)/Pets/$ref", json!({ "@id": "Pets(1)", "Name": "x" }), 400, "BadBody"),
        (
            Method::PUT,
            "/Pets(1)/Owners/$ref?$id=Owners(2)",
            json!({ "@odata.id": "Owners(2)" }),
            400,
            "OptionNotApplicable",
        ),
        (Method::PUT, "/Pets(9)/Owners/$ref", json!({ "@odata.id": "Owners(2)" }), 404, "ResourceNotFound"),
        (Method::POST, "/Pets(1)/Owners/$ref", json!({ "@odata.id": "Owners(2)" }), 405, "NotChangeable"),
        (Method::PATCH, "/Pets(1)/Owners/$ref", json!({ "@odata.id": "Owners(2)" }), 405, "NotChangeable"),
        (Method::POST, "/Owners(9)/Pets/$ref", json!({ "@odata.id": "Pets(1)" }), 404, "ResourceNotFound"),
        (Method::POST, "/Owners(1)/Pets/$ref", json!({ "@odata.id": "Pets(9)" }), 404, "ResourceNotFound"),
        (Method::POST, "/Owners(1)/Pets(3)/$ref", json!({ "@odata.id": "Pets(3)" }), 405, "NotChangeable"),
        (Method::PUT, "/Owners(1)/Pets/$ref", json!({ "@odata.id": "Pets(3)" }), 405, "NotChangeable"),
        (Method::DELETE, "/Owners(1)/Pets/$ref", json!({}), 400, "OptionMissing"),
        (Method::DELETE, "/Owners(1)/Pets(3)/$ref", json!({}), 404, "ResourceNotFound"),
        (Method::DELETE, "/Owners(1)/Pets/$ref?$id=Pets(3)", json!({}), 404, "ResourceNotFound"),
        (Method::DELETE, "/Vets(1)/Pets(1)/$ref", json!({}), 400, "PropertyMissing"),
        (Method::DELETE, "/Pets/$ref", json!({}), 501, "NotImplemented"),
        (Method::DELETE, "/Toys(Pet=1,Number=2)/Pets/Owners/$ref", json!({}), 404, "ResourceNotFound"),
        (Method::DELETE, "/Pets(1)?$id=1", json!({}), 501, "NotImplemented"),
    ] {
        let answer = farm.send(method.clone(), rest, &body).await;
        assert_eq!(
            (answer.status(), code(&answer)),
            (status, expected.to_owned()),
            "{method} {rest} {}",
            answer.text()
        );
    }
    assert_eq!(farm.owners(), "1 - 2");
    let stale = farm.call(Method::PUT, "/Pets(1)/Owners/$ref").header("if-match", "W/\"0\"");
    stale.json(&json!({ "@odata.id": "Owners(2)" })).send().await.expect(412);
    let tag = farm.call(Method::GET, "/Pets(1)").send().await.expect(200).header("etag").to_owned();
    let fresh = farm.call(Method::DELETE, "/Owners(1)/Pets(1)/$ref").header("if-match", &tag);
    fresh.send().await.expect(204);
    assert_eq!(farm.owners(), "- - 2");
    farm.fixture.set_writable(&farm.source, false).await;
    assert_eq!(
        code(&farm.call(Method::DELETE, "/Pets(3)/Owners/$ref").send().await.expect(405)),
        "DataSourceReadOnly"
    );
}

#[tokio::test]
async fn references_obey_rules_of_updates() {
    let farm = Farm::open().await;
    farm.rule(json!([
        { "tables": [{ "table": "Pets" }], "actions": ["read", "insert"] },
        { "tables": [{ "table": "Pets" }], "actions": ["update"], "where": "Owner ne 2" },
        { "tables": [{ "table": "Owners" }], "actions": ["read"], "where": "Id lt 3" },
        { "tables": [{ "table": "Vets" }], "actions": ["read"] },
    ]))
    .await;
    let to = |id: &str| json!({ "@odata.id": id });
    for (method, rest, body, status) in [
        // The row as it was, and as it becomes.
        (Method::PUT, "/Pets(3)/Owners/$ref", to("Owners(1)"), 403),
        (Method::PUT, "/Pets(1)/Owners/$ref", to("Owners(2)"), 403),
        (Method::POST, "/Owners(2)/Pets/$ref", to("Pets(1)"), 403),
        (Method::POST, "/Owners(2)/Pets/%24ref", to("Pets(1)"), 403),
        (Method::POST, "/Owners(2)/Pets/%24re%66", to("Pets(1)"), 403),
        (Method::DELETE, "/Owners(2)/Pets(3)/$ref", json!({}), 403),
        (Method::DELETE, "/Owners(2)/Pets/$ref?$id=Pets(3)", json!({}), 403),
        (Method::POST, "/Owners(1)/Pets/$ref", to("Pets(2)"), 204),
        (Method::DELETE, "/Owners(1)/Pets(2)/$ref", json!({}), 204),
    ] {
        let answer = farm.send(method.clone(), rest, &body).await;
        assert_eq!(answer.status(), status, "{method} {rest} {}", answer.text());
    }
    assert_eq!(farm.owners(), "1 - 2");
}

#[tokio::test]
async fn references_are_changed_in_change_sets() {
    let farm = Farm::open().await;
    let request = |id: &str, method: &str, url: &str, body: Value| json!({ "id": id, "method": method, "url": url, "atomicityGroup": "g", "body": body });
    let batch = json!({ "requests": [
        request("new", "post", "Owners", json!({ "Name": "Eve" })),
        request("2", "post", "$new/Pets/$ref", json!({ "@odata.id": "Pets(2)" })),
        request("3", "put", "Pets(1)/Owners/$ref", json!({ "@odata.id": "$new" })),
        request("pet", "post", "Pets", json!({ "Name": "Jim", "Owners@odata.bind": "$new" })),
        request("5", "delete", "$new/Pets/$ref?$id=$pet", Value::Null),
    ] });
    let answer = farm.send(Method::POST, "/$batch", &batch).await.expect(200).json();
    let statuses: Vec<_> =
        answer["responses"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [201, 204, 204, 201, 204], "{answer}");
    assert_eq!(farm.owners(), "3 3 2 -");
}
