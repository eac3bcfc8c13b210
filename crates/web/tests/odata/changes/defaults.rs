//! Values that a file of SQLite gives by itself.

use http::Method;
use rusqlite::types::Value;
use serde_json::json;
use testkit::USER;

use crate::fixture::{Fixture, code};

const TABLES: &str = r#"
    CREATE TABLE Odd (Id INTEGER PRIMARY KEY, Name TEXT, Secret TEXT DEFAULT 'none', "true" TEXT DEFAULT 'yes', A TEXT DEFAULT Secret,
        B TEXT DEFAULT "Secret", C TEXT DEFAULT [Sec"ret], D TEXT DEFAULT `it's`, E INTEGER DEFAULT true, F INTEGER DEFAULT (true + 1),
        G INTEGER DEFAULT (1 -- one )
        ), H INTEGER DEFAULT (2 /* ) */ + 3), I TEXT DEFAULT ')''', J INTEGER DEFAULT -5, K BLOB DEFAULT x'00ff', L TEXT DEFAULT NULL,
        M TEXT DEFAULT (substr(CURRENT_TIMESTAMP, 1, 2)), N REAL DEFAULT 1e3, default5 TEXT DEFAULT 'own', O TEXT DEFAULT "TRUE");
    INSERT INTO Odd (Id, Secret, "true", A, default5) VALUES (1, 'hush', 'hush', 'a', 'b');
    CREATE TABLE Older (Id INTEGER PRIMARY KEY, Name TEXT, Other TEXT DEFAULT (of_another_program()));
    INSERT INTO Older (Id, Other) VALUES (1, 'x');
    CREATE TABLE Bounded (Id INTEGER PRIMARY KEY, N INTEGER, Size INTEGER AS (abs(N)), Short TEXT CHECK (length(Short) < 5));
    CREATE TABLE Loose (Id INTEGER PRIMARY KEY, Code STRING);
    CREATE TABLE Strict (Id INTEGER PRIMARY KEY, N INT, Twice INT AS (N * 2.5) STORED) STRICT;
"#;

#[tokio::test]
async fn put_gives_each_property_the_default_that_a_new_row_has() {
    let fixture = Fixture::open().await;
    let source = fixture.add_source("Odd", TABLES).await;
    fixture.set_writable(&source, true).await;
    let put = |rest: &str| fixture.server.call(Method::PUT, &format!("/api/odata4/Odd{rest}")).basic(&USER);
    put("/Odd(1)").json(&json!({ "Name": "n" })).send().await.expect(204);
    let file = rusqlite::Connection::open(fixture.server.folder().join("Odd.db")).unwrap();
    file.execute("INSERT INTO Odd (Id, Name) VALUES (2, 'n')", []).unwrap();
    let mut rows = file.prepare("SELECT * FROM Odd ORDER BY Id").unwrap();
    let columns = rows.column_count();
    let rows = rows.query_map([], |row| (1..columns).map(|at| row.get(at)).collect()).unwrap();
    let rows: Vec<Vec<Value>> = rows.collect::<Result<_, _>>().unwrap();
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0][3], Value::Text("Secret".to_owned()), "a word is a text");

    let unknown = put("/Older(1)").json(&json!({ "Name": "n" })).send().await.expect(501);
    assert_eq!(code(&unknown), "NotImplemented");
    put("/Older(1)").json(&json!({ "Name": "n", "Other": null })).send().await.expect(204);
}

#[tokio::test]
async fn a_file_that_has_no_number_left_says_so() {
    let fixture = Fixture::open().await;
    let counted = "CREATE TABLE Counted (Id INTEGER PRIMARY KEY AUTOINCREMENT, Name TEXT);
        INSERT INTO Counted VALUES (9223372036854775807, 'last')";
    let source = fixture.add_source("Odd", counted).await;
    fixture.set_writable(&source, true).await;
    let post = fixture.server.post("/api/odata4/Odd/Counted").basic(&USER).json(&json!({ "Name": "next" }));
    assert_eq!(code(&post.send().await.expect(507)), "NumbersUsedUp");
    let given = fixture.server.post("/api/odata4/Odd/Counted").basic(&USER);
    given.json(&json!({ "Id": 5, "Name": "given" })).send().await.expect(201);
}

#[tokio::test]
async fn values_that_a_file_refuses_are_bad_requests() {
    let fixture = Fixture::open().await;
    let source = fixture.add_source("Odd", TABLES).await;
    fixture.set_writable(&source, true).await;
    for (set, body, expected) in [
        ("Bounded", json!({ "Id": 1, "N": i64::MIN }), "BadValue"),
        ("Bounded", json!({ "Id": 1, "Short": "longer" }), "ConditionBroken"),
        ("Strict", json!({ "Id": 1, "N": 1 }), "BadValue"),
        // SQLite takes the type for one of numbers.
        ("Loose", json!({ "Id": 1, "Code": "007" }), "BadValue"),
        ("Loose", json!({ "Id": 1, "Code": "1e3" }), "BadValue"),
    ] {
        let path = format!("/api/odata4/Odd/{set}");
        let refused = fixture.server.post(&path).basic(&USER).json(&body).send().await.expect(400);
        assert_eq!(code(&refused), expected, "{body}");
    }
    for (id, text) in (1..).zip(["7", "-1.5", "A7", "0x7", ""]) {
        let body = json!({ "Id": id, "Code": text });
        let created =
            fixture.server.post("/api/odata4/Odd/Loose").basic(&USER).json(&body).send().await.expect(201);
        assert_eq!(created.json()["Code"], text);
    }
}
