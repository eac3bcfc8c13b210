//! Changes of data, from the request to the file.

use domain::account::DataSource;
use domain::id::ApplicationId;
use http::Method;
use oauth::scope::{BuiltInScope, ScopeSet};
use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, Call, OTHER, TestUser, USER};

use crate::fixture::{Fixture, code};

mod deep;
mod deep_updates;
mod defaults;
mod prevented;
mod references;
mod related;
mod repeatability;
mod rights;
mod servers;
mod sets;
mod single_ends;
mod tags;
mod values;

const ROOT: &str = "/api/odata4/Accounting";

const TABLES: &str = "
    CREATE TABLE Accounts (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL UNIQUE, Note TEXT,
        Balance REAL NOT NULL DEFAULT 0, Doubled REAL AS (Balance * 2), CHECK (Balance >= -100));
    CREATE TABLE Entries (Account INTEGER NOT NULL REFERENCES Accounts (Id) ON DELETE RESTRICT, Number INTEGER NOT NULL,
        At TEXT, Amount DECIMAL(10, 2), Raw BLOB, Paid BOOLEAN, PRIMARY KEY (Account, Number));
    CREATE TABLE Log (Id INTEGER PRIMARY KEY, What TEXT);
    CREATE TRIGGER noted AFTER UPDATE ON Accounts BEGIN INSERT INTO Log (What) VALUES (new.Name); END;
    CREATE VIEW Rich AS SELECT Id, Name FROM Accounts WHERE Balance > 1000;
    INSERT INTO Accounts (Id, Name, Balance) VALUES (1, 'Cash', 10), (2, 'Safe', 20);
    INSERT INTO Entries (Account, Number, At) VALUES (1, 1, '2024-05-01 12:00:00');
";

struct Accounting {
    fixture: Fixture,
    source: DataSource,
}

impl Accounting {
    async fn open() -> Self {
        let fixture = Fixture::open().await;
        let source = fixture.add_source("Accounting", TABLES).await;
        fixture.set_writable(&source, true).await;
        Self { fixture, source }
    }

    fn call(&self, method: Method, rest: &str) -> Call<'_> {
        self.fixture.server.call(method, &format!("{ROOT}{rest}")).basic(&USER)
    }

    async fn send(&self, method: Method, rest: &str, body: &Value) -> Answer {
        self.call(method, rest).json(body).send().await
    }

    async fn get(&self, rest: &str) -> Answer {
        self.call(Method::GET, rest).send().await
    }

    async fn delete(&self, rest: &str) -> Answer {
        self.call(Method::DELETE, rest).send().await
    }

    /// The file itself, as another program reads it.
    fn file(&self) -> Connection {
        Connection::open(self.fixture.server.folder().join("Accounting.db")).unwrap()
    }

    fn count(&self, sql: &str) -> i64 {
        self.file().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test]
async fn an_entity_is_created_changed_and_deleted() {
    let books = Accounting::open().await;
    let made = books
        .send(Method::POST, "/Accounts", &json!({"Name": "Petty", "Note": "ä", "Id": 7}))
        .await
        .expect(201);
    assert_eq!(made.header("location"), "http://127.0.0.1:8080/api/odata4/Accounting/Accounts(7)");
    let body = made.json();
    assert_eq!(
        (&body["Id"], &body["Balance"], &body["Doubled"]),
        (&json!(7), &json!(0.0), &json!(0.0)),
        "{body}"
    );
    assert!(body["@odata.context"].as_str().unwrap().ends_with("$metadata#Accounts/$entity"), "{body}");
    let read = books.get("/Accounts(7)").await.expect(200).json();
    assert_eq!(read, body, "as a read shows it");

    let patched = books.send(Method::PATCH, "/Accounts(7)", &json!({"Balance": 5})).await.expect(204);
    assert!(patched.header("etag").starts_with("W/"));
    assert_eq!(books.get("/Accounts(7)/Balance/$value").await.expect(200).text(), "5.0");
    assert_eq!(
        books.count("SELECT count(*) FROM Log WHERE What = 'Petty'"),
        1,
        "triggers are rules of the database"
    );

    books.delete("/Accounts(7)").await.expect(204);
    assert_eq!(code(&books.get("/Accounts(7)").await.expect(404)), "ResourceNotFound");
    assert_eq!(code(&books.delete("/Accounts(7)").await.expect(404)), "ResourceNotFound");
    assert_eq!(books.count("SELECT count(*) FROM Accounts"), 2);
}

#[tokio::test]
async fn a_key_and_defaults_come_from_the_database() {
    let books = Accounting::open().await;
    let made =
        books.send(Method::POST, "/Accounts?$select=Id,Balance", &json!({"Name": "New"})).await.expect(201);
    let body = made.json();
    assert_eq!((&body["Id"], &body["Balance"], body.get("Name")), (&json!(3), &json!(0.0), None), "{body}");
    let minimal = books
        .call(Method::POST, "/Accounts")
        .header("prefer", "return=minimal")
        .json(&json!({"Name": "More"}));
    let minimal = minimal.send().await.expect(204);
    assert_eq!(minimal.header("preference-applied"), "return=minimal");
    assert_eq!(minimal.header("odata-entityid"), "http://127.0.0.1:8080/api/odata4/Accounting/Accounts(4)");
    assert_eq!(minimal.header("location"), minimal.header("odata-entityid"));
    let shown =
        books.call(Method::PATCH, "/Accounts(4)?$select=Name").header("prefer", "return=representation");
    let shown = shown.json(&json!({"Name": "Less", "Id": 9, "Doubled": 5})).send().await.expect(200);
    assert_eq!(shown.header("preference-applied"), "return=representation");
    assert_eq!(shown.json()["Name"], "Less", "the key and computed properties are ignored");
    assert_eq!(books.count("SELECT count(*) FROM Accounts WHERE Id = 4 AND Name = 'Less'"), 1);
}

#[tokio::test]
async fn values_are_stored_as_the_column_stores_them() {
    let books = Accounting::open().await;
    let body = json!({"Account": 2, "Number": 1, "At": "2024-05-01T14:00:00+02:00", "Amount": 12.5, "Raw": "_w", "Paid": true});
    books.send(Method::POST, "/Entries", &body).await.expect(201);
    let stored =
        books.file().query_row("SELECT At, Amount, Raw, Paid FROM Entries WHERE Account = 2", [], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, f64>(1)?,
                row.get::<_, Vec<u8>>(2)?,
                row.get::<_, i64>(3)?,
            ))
        });
    let at = "2024-05-01T14:00:00+02:00".to_owned();
    let stored = stored.unwrap();
    assert_eq!((stored.1, stored.2, stored.3), (12.5, vec![0xff], 1));
    assert_eq!(stored.0, at, "a text column has the text");
}

#[tokio::test]
async fn put_replaces_all_properties() {
    let books = Accounting::open().await;
    books.send(Method::PATCH, "/Accounts(1)", &json!({"Note": "x", "Balance": 7})).await.expect(204);
    books.send(Method::PUT, "/Accounts(1)", &json!({"Name": "Till"})).await.expect(204);
    let body = books.get("/Accounts(1)").await.expect(200).json();
    assert_eq!(
        (&body["Name"], &body["Note"], &body["Balance"]),
        (&json!("Till"), &Value::Null, &json!(0.0)),
        "{body}"
    );
    let missing = books.send(Method::PUT, "/Accounts(1)", &json!({"Note": "x"})).await.expect(400);
    assert_eq!(code(&missing), "PropertyMissing");
}

#[tokio::test]
async fn an_update_of_what_does_not_exist_creates_it() {
    let books = Accounting::open().await;
    let made = books.send(Method::PATCH, "/Accounts(9)", &json!({"Name": "Nine"})).await.expect(201);
    assert_eq!(made.json()["Id"], 9);
    let made =
        books.send(Method::PUT, "/Entries(Account=9,Number=2)", &json!({"Amount": 1})).await.expect(201);
    assert!(made.header("location").ends_with("/Entries(Account=9,Number=2)"), "{}", made.header("location"));
    for (header, value, rest, status) in [
        ("if-match", "*", "/Accounts(10)", 412),
        ("if-none-match", "*", "/Accounts(9)", 412),
        ("if-none-match", "*", "/Accounts(10)", 201),
        ("if-match", "*", "/Accounts(10)", 204),
        ("if-match", "\"another\"", "/Accounts(10)", 412),
        ("if-none-match", "\"a\"", "/Accounts(10)", 501),
        ("if-match", "unquoted", "/Accounts(10)", 400),
        ("if-match", "\u{e4}", "/Accounts(10)", 400),
    ] {
        let body = json!({"Name": "Ten"});
        let answer = books.call(Method::PATCH, rest).header(header, value).json(&body).send().await;
        answer.expect(status);
    }
}

#[tokio::test]
async fn only_one_of_two_writers_with_the_same_tag_wins() {
    let books = Accounting::open().await;
    let tag = books.send(Method::PATCH, "/Accounts(1)", &json!({"Note": "0"})).await.expect(204);
    let tag = tag.header("etag").to_owned();
    let write = |note: &'static str| {
        let call = books.call(Method::PATCH, "/Accounts(1)").header("if-match", &tag);
        call.json(&json!({ "Note": note })).send()
    };
    let (one, other, third) = tokio::join!(write("1"), write("2"), write("3"));
    let mut statuses = [one.status(), other.status(), third.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 412, 412]);
    let stale = books.call(Method::DELETE, "/Accounts(1)").header("if-match", &tag).send().await;
    assert_eq!(code(&stale.expect(412)), "PreconditionFailed");
}

#[tokio::test]
async fn a_single_property_is_changed() {
    let books = Accounting::open().await;
    books.send(Method::PUT, "/Accounts(1)/Note", &json!({"value": "a"})).await.expect(204);
    assert_eq!(books.get("/Accounts(1)/Note").await.expect(200).json()["value"], "a");
    let raw = books.call(Method::PUT, "/Accounts(1)/Note/$value").body("text/plain", "bc").send().await;
    raw.expect(204);
    assert_eq!(books.get("/Accounts(1)/Note/$value").await.expect(200).text(), "bc");
    books.delete("/Accounts(1)/Note").await.expect(204);
    books.get("/Accounts(1)/Note").await.expect(204);
    for (method, rest, body, status) in [
        (Method::PUT, "/Accounts(1)/Id", json!({"value": 5}), 405),
        (Method::PUT, "/Accounts(1)/Doubled", json!({"value": 5}), 405),
        (Method::PUT, "/Accounts(1)/Name", json!({"value": null}), 400),
        (Method::PUT, "/Accounts(1)/Name", json!({"Name": "x"}), 400),
        (Method::DELETE, "/Accounts(1)/Name", json!({}), 400),
        (Method::PUT, "/Accounts(99)/Name", json!({"value": "x"}), 404),
        (Method::POST, "/Accounts(1)/Name", json!({"value": "x"}), 405),
    ] {
        books.send(method.clone(), rest, &body).await.expect(status);
    }
}

#[tokio::test]
async fn a_reference_sets_the_foreign_key() {
    let books = Accounting::open().await;
    for (number, body) in [
        (2, json!({"Accounts@odata.bind": "Accounts(2)"})),
        (3, json!({"Accounts": {"@id": "http://127.0.0.1:8080/api/odata4/Accounting/Accounts(2)"}})),
        (4, json!({"Accounts@bind": "Accounts(2)", "Account": 2})),
    ] {
        let mut body = body;
        body["Number"] = json!(number);
        let made = books.send(Method::POST, "/Entries", &body).await.expect(201);
        assert_eq!(made.json()["Account"], 2, "{body}");
    }
    for (body, status) in [
        (json!({"Number": 5, "Accounts@odata.bind": "Entries(Account=1,Number=1)"}), 400),
        (json!({"Number": 5, "Accounts@odata.bind": "https://elsewhere.example/Accounts(2)"}), 400),
        (json!({"Number": 5, "Accounts@odata.bind": "Accounts(2)", "Account": 1}), 400),
        (json!({"Number": 5, "Accounts": {"Name": "deep"}}), 201),
    ] {
        books.send(Method::POST, "/Entries", &body).await.expect(status);
    }
    let both = json!({"Number": 5, "Accounts@odata.bind": "Accounts(2)", "Account": 1});
    let refused = books.send(Method::POST, "/Entries", &both).await.expect(400);
    assert!(refused.text().contains("the body gives Account two different values"), "{}", refused.text());
}

#[tokio::test]
async fn broken_rules_are_named_in_the_words_of_the_model() {
    let books = Accounting::open().await;
    for (method, rest, body, status, expected, named) in [
        (Method::POST, "/Accounts", json!({"Name": "Cash"}), 409, "AlreadyExists", "Name"),
        (Method::POST, "/Accounts", json!({"Name": "X", "Id": 1}), 409, "AlreadyExists", "Id"),
        (Method::POST, "/Entries", json!({"Account": 77, "Number": 1}), 409, "ReferenceBroken", "reference"),
        (Method::DELETE, "/Accounts(1)", json!({}), 409, "ReferenceBroken", "reference"),
        (Method::PATCH, "/Accounts(1)", json!({"Balance": -101}), 400, "ConditionBroken", "condition"),
        (Method::POST, "/Accounts", json!({"Note": "x"}), 400, "PropertyMissing", "Name"),
        (Method::PATCH, "/Accounts(1)", json!({"Name": null}), 400, "PropertyMissing", "Name"),
        (Method::PATCH, "/Accounts(1)", json!({"Name": 5}), 400, "BadValue", "Name"),
        (Method::PATCH, "/Accounts(1)", json!({"name": "x"}), 400, "UnknownProperty", "name"),
        (Method::PATCH, "/Entries(Account=1,Number=1)", json!({"Amount": 1.234}), 400, "BadValue", "Amount"),
        (Method::POST, "/Rich", json!({"Id": 1}), 404, "ResourceNotFound", "Rich"),
        (Method::POST, "/Accounts(1)", json!({"Name": "x"}), 405, "NotChangeable", "changed"),
        (Method::PATCH, "/Accounts", json!({"Name": "x"}), 405, "NotChangeable", "changed"),
        (
            Method::POST,
            "/Accounts?$filter=Id eq 1",
            json!({"Name": "x"}),
            400,
            "OptionNotApplicable",
            "filter",
        ),
    ] {
        let rest = rest.replace(' ', "%20");
        let answer = books.send(method.clone(), &rest, &body).await.expect(status);
        assert_eq!(code(&answer), expected, "{method} {rest} {body}");
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(named), "{message}");
        assert!(!message.contains("constraint") && !message.contains("SQL"), "{message}");
    }
    assert_eq!(books.count("SELECT count(*) FROM Accounts"), 2, "nothing was changed");
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let books = Accounting::open().await;
    let post =
        async |kind: &str, body: &str| books.call(Method::POST, "/Accounts").body(kind, body).send().await;
    for (kind, body, status) in [
        ("application/json", r#"{"Name":"a","Name":"b"}"#, 400),
        ("application/json", r#"{"Name":"a""#, 400),
        ("application/json", "[]", 400),
        ("application/json", "", 400),
        ("application/json", "\u{feff}{}", 400),
        ("text/plain", r#"{"Name":"a"}"#, 415),
        ("application/json;charset=latin1", r#"{"Name":"a"}"#, 415),
        ("application/atom+xml", "<a/>", 415),
        (
            "application/json;odata.metadata=minimal",
            r##"{"@odata.type":"#Accounting.Accounts","@odata.etag":"x","Name":"a"}"##,
            201,
        ),
        ("application/json", r##"{"@odata.type":"#Accounting.Entries","Name":"c"}"##, 400),
        ("application/json;IEEE754Compatible=true", r#"{"Name":"b","Id":"11"}"#, 201),
        ("application/json", r#"{"Name":"d","Id":"12"}"#, 400),
    ] {
        post(kind, body).await.expect(status);
    }
    let long = format!("{{\"Name\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    post("application/json", &long).await.expect(413);
    let deep = format!("{{\"Name\":{}}}", "[".repeat(100_000));
    post("application/json", &deep).await.expect(400);
}

#[tokio::test]
async fn methods_are_tunnelled_and_the_metadata_tell_the_truth() {
    let books = Accounting::open().await;
    let tunnel =
        |method: &'static str| books.call(Method::POST, "/Accounts(1)").header("x-http-method", method);
    tunnel("PATCH").json(&json!({"Note": "t"})).send().await.expect(204);
    tunnel("patch").json(&json!({"Note": "u"})).send().await.expect(204);
    tunnel("GET").json(&json!({})).send().await.expect(501);
    let metadata = books.get("/$metadata").await.expect(200).text().to_owned();
    assert!(
        metadata.contains("Insertable\" Bool=\"true") && metadata.contains("Updatable\" Bool=\"true"),
        "{metadata}"
    );
    assert!(
        metadata.contains("Org.OData.Core.V1.Computed\"") && metadata.contains("ComputedDefaultValue"),
        "{metadata}"
    );
    assert!(
        metadata.contains("DeepInsertSupport\"><Record><PropertyValue Property=\"Supported\" Bool=\"true"),
        "{metadata}"
    );
    assert!(
        metadata.contains("DeepUpdateSupport\"><Record><PropertyValue Property=\"Supported\" Bool=\"true"),
        "{metadata}"
    );
    assert!(!metadata.contains("OptimisticConcurrency"), "a change needs no tag");
    books.fixture.set_writable(&books.source, false).await;
    let refused = tunnel("DELETE").send().await.expect(405);
    assert_eq!((code(&refused).as_str(), refused.header("allow")), ("DataSourceReadOnly", "GET,HEAD"));
    let metadata = books.get("/$metadata").await.expect(200).text().to_owned();
    assert!(!metadata.contains("Insertable\" Bool=\"true"), "{metadata}");
}

#[tokio::test]
async fn each_change_is_in_the_audit_log_without_values() {
    let books = Accounting::open().await;
    books.send(Method::POST, "/Accounts", &json!({"Name": "Hidden"})).await.expect(201);
    books.send(Method::PATCH, "/Accounts(1)", &json!({"Note": "Hidden"})).await.expect(204);
    books.delete("/Entries(Account=1,Number=1)").await.expect(204);
    books.delete("/Entries(Account=1,Number=1)").await.expect(404);
    let log = books.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    let log = log.expect(200).json();
    let mut seen: Vec<String> = Vec::new();
    for event in log["events"].as_array().or(log["auditEvents"].as_array()).unwrap_or_else(|| panic!("{log}"))
    {
        seen.push(format!("{} {}", event["subject"].as_str().unwrap(), event["detail"].as_str().unwrap()));
    }
    assert_eq!(
        seen,
        ["Accounting/Entries delete", "Accounting/Accounts update", "Accounting/Accounts create"]
    );
    assert!(!log.to_string().contains("Hidden"));
}

#[tokio::test]
async fn changes_of_a_batch_are_made_alone_and_in_groups() {
    let books = Accounting::open().await;
    let batch = json!({"requests": [
        {"id": "1", "method": "post", "url": "Accounts", "body": {"Name": "A", "Balance": 12_345_678_901.25}},
        {"id": "2", "method": "patch", "url": "Accounts(1)", "atomicityGroup": "g", "body": {"Note": "x"}},
        {"id": "3", "method": "patch", "url": "Accounts(1)", "atomicityGroup": "h", "body": {"Note": "y"}},
        {"id": "4", "method": "delete", "url": "Accounts(2)", "atomicityGroup": "h"},
    ]});
    let answer = books.send(Method::POST, "/$batch", &batch).await.expect(200).json();
    let statuses: Vec<_> =
        answer["responses"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [201, 204, 204, 204], "{answer}");
    assert_eq!(answer["responses"][0]["body"]["Balance"], json!(12_345_678_901.25));
    assert_eq!(books.get("/Accounts(1)/Note/$value").await.expect(200).text(), "y");
    assert_eq!(books.count("SELECT count(*) FROM Accounts"), 2);
}

/// A change that is sent twice would be made twice.
#[tokio::test]
async fn a_change_is_not_promised_to_be_made_once() {
    let books = Accounting::open().await;
    for name in ["repeatability-request-id", "repeatability-first-sent"] {
        let call = books.call(Method::POST, "/Accounts").header(name, "1").json(&json!({"Name": "Twice"}));
        assert_eq!(code(&call.send().await.expect(501)), "NotImplemented");
    }
    assert_eq!(books.count("SELECT count(*) FROM Accounts"), 2);
}

#[tokio::test]
async fn a_body_without_a_type_is_json() {
    let books = Accounting::open().await;
    let call = books.call(Method::PATCH, "/Accounts(1)").untyped(r#"{"Name":"untyped"}"#);
    call.send().await.expect(204);
    assert_eq!(books.count("SELECT count(*) FROM Accounts WHERE Name = 'untyped'"), 1);
}

#[tokio::test]
async fn the_response_of_a_change_reads_no_other_rows() {
    let books = Accounting::open().await;
    for (method, rest) in
        [(Method::PATCH, "/Accounts(1)?$expand=Entries"), (Method::POST, "/Accounts?$expand=Entries")]
    {
        let refused = books.send(method, rest, &json!({"Name": "Chest"})).await.expect(501);
        assert_eq!(code(&refused), "NotImplemented");
    }
    let narrow =
        books.call(Method::PATCH, "/Accounts(1)?$select=Name").header("prefer", "return=representation");
    let shown = narrow.json(&json!({"Name": "Chest"})).send().await.expect(200).json();
    assert_eq!((&shown["Name"], &shown["Balance"]), (&json!("Chest"), &Value::Null));
}
