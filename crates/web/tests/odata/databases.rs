//! Databases as found in practice: rows of any size, tables without keys, collations of other programs,
//! changing structures, and clients that do not read.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::{Answer, USER};

use crate::fixture::{Fixture, code};

/// A page of the source, with the rest of the next link's path.
async fn page(fixture: &Fixture, source: &str, rest: &str) -> Answer {
    fixture.server.get(&format!("/api/odata4/{source}{rest}")).bearer(&fixture.token).send().await
}

fn rest_of_link(body: &Value, source: &str) -> Option<String> {
    let link = body["@odata.nextLink"].as_str()?;
    let (_, rest) = link.split_once(&format!("/api/odata4/{source}")).expect("it leads to the same source");
    Some(rest.to_owned())
}

/// Walks through all pages, with `size` rows each.
async fn walk(fixture: &Fixture, source: &str, rest: &str, page_size: usize) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), Some(rest.to_owned()));
    while let Some(rest) = next {
        let call = fixture.server.get(&format!("/api/odata4/{source}{rest}")).bearer(&fixture.token);
        let answer = call.header("prefer", format!("maxpagesize={page_size}")).send().await.expect(200);
        let body = answer.json();
        rows.extend(body["value"].as_array().unwrap().iter().cloned());
        next = rest_of_link(&body, source);
    }
    rows
}

async fn findings(fixture: &Fixture, id: i64) -> String {
    let path = format!("/api/mgmt/datasources/{id}/model");
    fixture.server.get(&path).basic(&USER).send().await.expect(200).json()["findings"].to_string()
}

/// Rows whose total length exceeds all stream buffers.
const LONG: &str = "CREATE TABLE Long (Id INTEGER PRIMARY KEY, Text TEXT NOT NULL);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO Long SELECT i, printf('%.2000c', 'x') FROM n;";

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_do_not_read_delay_nobody_and_lose_no_row() {
    let fixture = Fixture::open().await;
    fixture.add_source("Long", LONG).await;
    let begin = async |accept: &str| {
        let request = Request::get("/api/odata4/Long/Long").header("prefer", "maxpagesize=100000");
        let request = request.header("accept", accept);
        let request = request.header("authorization", format!("Bearer {}", fixture.token));
        fixture.server.service().answer(request.body(Body::empty()).unwrap()).await
    };
    let (mut idle, mut idle_rows) = (Vec::new(), Vec::new());
    for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8) {
        idle.push(begin("application/json").await);
        idle_rows.push(begin("text/csv").await);
    }
    let ordinary = page(&fixture, "Long", "/Long?$top=300").await.expect(200);
    assert_eq!(ordinary.json()["value"].as_array().unwrap().len(), 300);
    for response in idle {
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.expect("the page ends as a page does").to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let mut rows = body["value"].as_array().unwrap().clone();
        if let Some(rest) = rest_of_link(&body, "Long") {
            assert!(rows.len() < 20_000);
            rows.extend(walk(&fixture, "Long", &rest, 20_000).await);
        }
        let ids: Vec<i64> = rows.iter().map(|row| row["Id"].as_i64().unwrap()).collect();
        assert!(ids == (1..=20_000).collect::<Vec<_>>(), "{} rows", ids.len());
    }
    // Rows alone have no place for a link to the rest, so they are whole or aborted.
    for response in idle_rows {
        assert_eq!(response.status(), 200);
        if let Ok(body) = response.into_body().collect().await {
            assert_eq!(body.to_bytes().split(|byte| *byte == b'\n').count(), 20_002);
        }
    }
}

#[tokio::test]
async fn a_row_above_its_budget_is_refused_before_the_response_starts() {
    let fixture = Fixture::open().await;
    let columns = (0..60).map(|n| format!(", C{n} TEXT AS (hex(zeroblob(1500000 + {n} * Id)))"));
    let columns = columns.collect::<Vec<_>>().concat();
    let tables =
        format!("CREATE TABLE Wide (Id INTEGER PRIMARY KEY{columns}); INSERT INTO Wide VALUES (1), (2);");
    fixture.add_source("Wide", &tables).await;
    for rest in ["/Wide", "/Wide(1)", "/Wide?$orderby=C1,C2", "/Wide?$filter=contains(C1,C2)"] {
        let answer = page(&fixture, "Wide", rest).await.expect(502);
        assert_eq!(code(&answer), "RowTooLarge", "{rest}");
    }
    let narrow = page(&fixture, "Wide", "/Wide?$select=C1").await.expect(200);
    assert_eq!(narrow.json()["value"][0]["C1"].as_str().unwrap().len(), 3_000_002);
    assert_eq!(page(&fixture, "Wide", "/Wide(2)/C2/$value").await.expect(200).text().len(), 3_000_008);
}

#[tokio::test]
async fn tables_without_a_key_are_served_by_their_row_number() {
    let fixture = Fixture::open().await;
    let rows = "CREATE TABLE Bare (Name TEXT); INSERT INTO Bare VALUES ('a'), ('a'), (NULL), ('b'), ('a');";
    fixture.add_source("Bare", rows).await;
    for order in ["", "?$orderby=Name", "?$orderby=Name%20desc"] {
        for page_size in [1, 2] {
            let found = walk(&fixture, "Bare", &format!("/Bare{order}"), page_size).await;
            let mut numbers: Vec<i64> = found.iter().map(|row| row["rowid"].as_i64().unwrap()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, [1, 2, 3, 4, 5], "{order} by {page_size}");
        }
    }
    let one = page(&fixture, "Bare", "/Bare(4)").await.expect(200).json();
    assert_eq!((&one["Name"], &one["rowid"]), (&json!("b"), &json!(4)));
    let metadata = page(&fixture, "Bare", "/$metadata").await.expect(200).text().to_owned();
    assert!(metadata.contains(r#"<PropertyRef Name="rowid"/>"#), "{metadata}");
    let skipped =
        page(&fixture, "Bare", "/Bare?$orderby=Name&$skip=4&$filter=rowid%20gt%200").await.expect(200);
    assert_eq!(skipped.json()["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_view_is_served_by_the_key_that_its_owner_declares() {
    let fixture = Fixture::open().await;
    let path = fixture.server.sqlite_file(
        "views.db",
        "CREATE TABLE T (A TEXT, B INTEGER, C TEXT); INSERT INTO T VALUES ('x', 1, 'p'), ('x', 2, 'q'), ('y', 1, 'r');
         CREATE VIEW V AS SELECT A, B, C FROM T; CREATE TABLE Gone (A); CREATE VIEW Broken AS SELECT A FROM Gone;
         DROP TABLE Gone;",
    );
    let payload = |options: Value| json!({ "name": "Views", "dataStore": 1, "connectionType": "Cloud", "options": options });
    let post = async |options: Value| {
        fixture.server.post("/api/mgmt/datasources").basic(&USER).json(&payload(options)).send().await
    };
    for (keys, status) in [
        (json!({ "V": ["A"] }), 400),
        (json!({ "V": ["A", "Gone"] }), 400),
        (json!({ "Gone": ["A"] }), 400),
        (json!({ "Broken": ["A"] }), 400),
        (json!({ "V": ["A", "B"], "v": ["B", "A"] }), 400),
        (json!({ "V": "A" }), 400),
        (json!(["V"]), 400),
    ] {
        post(json!({ "path": path, "keys": keys })).await.expect(status);
    }
    let made = post(json!({ "path": path, "keys": { "V": ["A", "B"] } })).await.expect(201).json();
    assert_eq!(made["options"]["keys"], json!({ "V": ["A", "B"] }));
    fixture.server.app().node().refresh().await.unwrap();
    assert_eq!(walk(&fixture, "Views", "/V", 1).await.len(), 3);
    assert_eq!(page(&fixture, "Views", "/V(A='y',B=1)/C/$value").await.expect(200).text(), "r");
    let id = made["id"].as_i64().unwrap();
    let at = format!("/api/mgmt/datasources/{id}");
    // The result of a GET may be sent back.
    let seen = fixture.server.get(&at).basic(&USER).send().await.expect(200).json();
    fixture.server.put(&at).basic(&USER).json(&seen).send().await.expect(200);
    let without = payload(json!({ "path": path }));
    fixture.server.put(&at).basic(&USER).json(&without).send().await.expect(200);
    fixture.server.app().node().refresh().await.unwrap();
    page(&fixture, "Views", "/V").await.expect(404);
    let response = findings(&fixture, id).await;
    assert!(response.contains("option keys"), "{response}");
}

#[tokio::test]
async fn a_declared_key_that_became_ambiguous_hides_only_the_ambiguous_rows() {
    let fixture = Fixture::open().await;
    let tables = "CREATE TABLE T (A TEXT, B INTEGER); INSERT INTO T VALUES ('x', 1), ('y', 2); CREATE VIEW V AS SELECT * FROM T;";
    let path = fixture.server.sqlite_file("declared.db", tables);
    let options = json!({ "path": path, "keys": { "V": ["A"], "T": ["B"] } });
    let payload =
        json!({ "name": "Declared", "dataStore": 1, "connectionType": "Cloud", "options": options });
    let made = fixture.server.post("/api/mgmt/datasources").basic(&USER).json(&payload).send().await;
    let id = made.expect(201).json()["id"].as_i64().unwrap();
    fixture.server.app().node().refresh().await.unwrap();
    let maker = rusqlite::Connection::open(&path).unwrap();
    for (later, views, tables) in [
        ("SELECT 1", vec!["x", "y"], vec![1, 2]),
        ("INSERT INTO T VALUES ('x', 3), ('z', 4)", vec!["y", "z"], vec![1, 2, 3, 4]),
        ("INSERT INTO T VALUES ('q', 4)", vec!["q", "y", "z"], vec![1, 2, 3]),
    ] {
        maker.execute_batch(later).unwrap();
        // It makes no difference whether the model is compiled again.
        for reload in [false, true] {
            if reload {
                let path = format!("/api/mgmt/datasources/{id}/model");
                fixture.server.post(&path).basic(&USER).send().await.expect(200);
            }
            let found = walk(&fixture, "Declared", "/V?$orderby=A", 1).await;
            let found: Vec<&str> = found.iter().map(|row| row["A"].as_str().unwrap()).collect();
            assert_eq!(found, views, "{later}");
            let count = page(&fixture, "Declared", "/V/$count").await.expect(200);
            assert_eq!(count.text(), found.len().to_string());
            let found = walk(&fixture, "Declared", "/T?$orderby=B%20desc", 1).await;
            let mut found: Vec<i64> = found.iter().map(|row| row["B"].as_i64().unwrap()).collect();
            found.reverse();
            assert_eq!(found, tables, "{later}");
            let shared = page(&fixture, "Declared", "/V('x')").await;
            assert_eq!(shared.status(), if later == "SELECT 1" { 200 } else { 404 });
        }
    }
    let response = findings(&fixture, id).await;
    assert!(
        response.contains("share the values") && response.contains("2 rows are not served"),
        "{response}"
    );
}

#[tokio::test]
async fn a_key_with_a_nul_has_an_address_a_filter_and_a_next_link() {
    let fixture = Fixture::open().await;
    let rows = "CREATE TABLE T (Id TEXT PRIMARY KEY, N INTEGER);
        INSERT INTO T VALUES ('a' || char(0) || 'b', 1), ('a' || char(0), 2), ('a', 3), ('b', 4);";
    fixture.add_source("Nul", rows).await;
    assert_eq!(walk(&fixture, "Nul", "/T", 1).await.len(), 4);
    for (key, number) in [("a%00b", 1), ("a%00", 2), ("a", 3)] {
        let entity = page(&fixture, "Nul", &format!("/T('{key}')")).await.expect(200).json();
        assert_eq!(entity["N"], number, "{key}");
        let found = walk(&fixture, "Nul", &format!("/T?$filter=Id%20eq%20'{key}'"), 1).await;
        assert_eq!(found.len(), 1, "{key}");
    }
    assert_eq!(walk(&fixture, "Nul", "/T?$filter=contains(Id,'%00')", 1).await.len(), 2);
    assert_eq!(walk(&fixture, "Nul", "/T?$filter=startswith(Id,'a%00b')", 1).await.len(), 1);
    assert_eq!(walk(&fixture, "Nul", "/T?$filter=endswith(Id,'%00')&$orderby=Id%20desc", 1).await.len(), 1);
    let full =
        page(&fixture, "Nul", "/T?$format=application/json;odata.metadata=full").await.expect(200).json();
    let ids: Vec<&str> =
        full["value"].as_array().unwrap().iter().map(|row| row["@odata.id"].as_str().unwrap()).collect();
    assert!(ids.contains(&"T('a%00b')"), "{ids:?}");
    for wrong in ["/T%00", "/T?$select=Id%00", "/T?$filter=%00", "/T?$orderby=N%00"] {
        let status = page(&fixture, "Nul", wrong).await.status();
        assert!(status == 400 || status == 404, "{wrong}: {status}");
    }
}

/// If another program breaks a promise of the metadata, the model is compiled again, whichever request meets
/// the row.
#[tokio::test]
async fn an_unexpected_null_updates_the_metadata() {
    let fixture = Fixture::open().await;
    let metadata =
        async |source: &str| page(&fixture, source, "/$metadata").await.expect(200).text().to_owned();
    let expected = [("/T", 200), ("/T(1)", 200), ("/T(1)/A", 204), ("/T(1)/A/$value", 204)];
    for (at, (rest, status)) in expected.into_iter().enumerate() {
        for (kind, update) in [("text", "UPDATE T SET A = 'much'"), ("null", "UPDATE T SET A = NULL")] {
            let source = format!("P{at}{kind}");
            let table =
                "CREATE TABLE T (Id INTEGER PRIMARY KEY, A REAL NOT NULL); INSERT INTO T VALUES (1, 1.5)";
            fixture.add_source(&source, table).await;
            let property = r#"<Property Name="A" Type="Edm.Double""#;
            let before = metadata(&source).await;
            assert!(before.contains(&format!("{property} Nullable=\"false\"/>")), "{before}");
            let file = fixture.server.folder().join(format!("{source}.db"));
            let declare = |from: &str, to: &str| {
                format!(
                    "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}')"
                )
            };
            // The same for a cell that is read as null: a number that is NaN, which no statement can store.
            for batch in [&declare("NOT NULL", "/*NULL*/"), update, &declare("/*NULL*/", "NOT NULL")] {
                rusqlite::Connection::open(&file).unwrap().execute_batch(batch).unwrap();
            }
            page(&fixture, &source, rest).await.expect(status);
            let after = metadata(&source).await;
            assert!(after.contains(&format!("{property}/>")), "{rest} {kind}: {after}");
        }
    }
}

#[tokio::test]
async fn after_a_column_is_renamed_the_new_structure_applies() {
    let fixture = Fixture::open().await;
    fixture
        .add_source(
            "Moving",
            "CREATE TABLE T (Id INTEGER PRIMARY KEY, A TEXT); INSERT INTO T VALUES (1, 'x')",
        )
        .await;
    page(&fixture, "Moving", "/T?$select=A").await.expect(200);
    let maker = rusqlite::Connection::open(fixture.server.folder().join("Moving.db")).unwrap();
    maker.execute_batch("ALTER TABLE T RENAME COLUMN A TO B").unwrap();
    let renamed = page(&fixture, "Moving", "/T").await.expect(200).json();
    assert_eq!(renamed["value"][0]["B"], "x");
    page(&fixture, "Moving", "/T?$select=A").await.expect(400);
    maker.execute_batch("DROP TABLE T").unwrap();
    page(&fixture, "Moving", "/T").await.expect(404);
}

#[tokio::test]
async fn text_with_a_missing_collation_is_compared_byte_by_byte() {
    let fixture = Fixture::open().await;
    let maker = "PRAGMA writable_schema = ON;
        CREATE TABLE Named (Id INTEGER PRIMARY KEY, Name TEXT COLLATE NOCASE, N INT COLLATE NOCASE, Day DATE COLLATE NOCASE);
        CREATE INDEX Named_name ON Named (Name); CREATE INDEX Named_n ON Named (N);
        INSERT INTO Named VALUES (1, 'x', 5, '2024-05-01'), (2, 'X', 6, '2024-05-02'), (3, 'a', NULL, NULL);
        CREATE TABLE Keyed (Name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL, N INT); INSERT INTO Keyed VALUES ('b', 1), ('A', 2), ('c', 3);
        CREATE TABLE Beside (Id INTEGER PRIMARY KEY, N INT, Name TEXT); CREATE INDEX Beside_n ON Beside (N, Name COLLATE NOCASE);
        INSERT INTO Beside VALUES (1, 1, 'x'), (2, 2, 'y');
        CREATE TABLE Bare (Name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL) WITHOUT ROWID;
        UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'german');";
    let source = fixture.add_source("Named", maker).await;
    let response = findings(&fixture, source.id.get()).await;
    assert!(
        response.contains("Named.Name") && response.contains("german") && response.contains("byte by byte"),
        "{response}"
    );
    assert!(response.contains("Bare"), "{response}");
    for (rest, ids) in [
        ("/Named", vec![1, 2, 3]),
        ("/Named?$orderby=Name", vec![2, 3, 1]),
        ("/Named?$orderby=Name%20desc", vec![1, 3, 2]),
        ("/Named?$orderby=N%20desc", vec![2, 1, 3]),
        ("/Named?$orderby=Day%20desc&$skip=1", vec![1, 3]),
        ("/Named?$filter=Name%20eq%20'x'", vec![1]),
        ("/Named?$filter=Name%20in%20('x','X')", vec![1, 2]),
        ("/Named?$filter=Name%20ge%20'a'", vec![1, 3]),
        ("/Named?$filter=startswith(Name,'X')", vec![2]),
        ("/Named?$filter=tolower(Name)%20eq%20'x'", vec![1, 2]),
        ("/Named?$filter=N%20eq%205%20or%20N%20eq%206", vec![1, 2]),
        ("/Named?$filter=N%20ne%205", vec![2, 3]),
        ("/Named?$filter=N%20eq%20null", vec![3]),
        ("/Named?$filter=N%20add%201%20gt%206", vec![2]),
        ("/Named?$filter=Day%20gt%202024-05-01", vec![2]),
        ("/Named?$filter=Day%20in%20(2024-05-01,2024-05-03)", vec![1]),
        ("/Beside?$filter=N%20ge%202&$orderby=N,Name", vec![2]),
    ] {
        let rows = walk(&fixture, "Named", rest, 1).await;
        let found: Vec<i64> = rows.iter().map(|row| row["Id"].as_i64().unwrap()).collect();
        assert_eq!(found, ids, "{rest}");
    }
    for (rest, names) in [
        ("/Keyed", json!(["A", "b", "c"])),
        ("/Keyed?$skip=1", json!(["b", "c"])),
        ("/Keyed?$orderby=N%20desc&$skip=1", json!(["A", "b"])),
        ("/Keyed?$filter=Name%20gt%20'A'", json!(["b", "c"])),
    ] {
        let rows = walk(&fixture, "Named", rest, 1).await;
        let found: Vec<&Value> = rows.iter().map(|row| &row["Name"]).collect();
        assert_eq!(json!(found), names, "{rest}");
    }
    assert_eq!(page(&fixture, "Named", "/Keyed('b')").await.expect(200).json()["N"], 1);
    page(&fixture, "Named", "/Keyed('B')").await.expect(404);
    for (set, rows) in [("Named", "3"), ("Keyed", "3"), ("Beside", "2")] {
        assert_eq!(
            page(&fixture, "Named", &format!("/{set}/$count")).await.expect(200).text(),
            rows,
            "{set}"
        );
    }
    let counted = page(&fixture, "Named", "/Named?$count=true&$filter=Name%20ne%20'x'").await.expect(200);
    assert_eq!(counted.json()["@odata.count"], 2);
}

#[tokio::test]
async fn queries_that_need_a_missing_function_are_not_implemented() {
    let fixture = Fixture::open().await;
    let maker = "PRAGMA writable_schema = ON;
        CREATE TABLE Named (Id INTEGER PRIMARY KEY, Name TEXT, Twice TEXT AS (lower(Name))); INSERT INTO Named (Id) VALUES (1);
        CREATE VIEW Seen AS SELECT lower(Name) AS Name FROM Named;
        UPDATE sqlite_schema SET sql = replace(sql, 'lower', 'their_own');";
    let source = fixture.add_source("Named", maker).await;
    let response = findings(&fixture, source.id.get()).await;
    assert!(
        response.contains("Named.Twice") && response.contains("Seen") && response.contains("their_own"),
        "{response}"
    );
    let shown =
        page(&fixture, "Named", "/Named?$orderby=Name&$filter=Name%20eq%20null").await.expect(200).json();
    assert_eq!(shown["value"], json!([{ "Id": 1, "Name": null }]));
    page(&fixture, "Named", "/Seen").await.expect(404);
}

/// Text is compared byte by byte, and in such a file the bytes have another order.
#[tokio::test]
async fn a_utf_16_file_gives_the_same_responses_as_a_utf_8_file() {
    let fixture = Fixture::open().await;
    let tables = "CREATE TABLE T (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL);
        INSERT INTO T VALUES (1, 'Bergen'), (2, 'Berÿx'), (3, 'BerĀ'), (4, 'Åland'), (5, 'ÿ'), (6, 'ÿa'), (7, '🚢 a'),
            (8, 'ﬁ'), (9, ''), (10, 'b');";
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        fixture
            .add_source(&encoding.replace('-', "_"), &format!("PRAGMA encoding = '{encoding}'; {tables}"))
            .await;
    }
    for filter in [
        "startswith(Name,'Ber')",
        "startswith(Name,'Ber%C3%BF')",
        "startswith(Name,'%C3%BF')",
        "startswith(Name,'%F0%9F%9A%A2')",
        "contains(Name,'r%C4%80')",
        "endswith(Name,'%C4%80')",
        "Name%20eq%20'%C3%BF'",
        "length(Name)%20eq%203",
        "indexof(Name,'a')%20eq%202",
        "toupper(Name)%20eq%20'%C3%85LAND'",
        "Name%20in%20('b','%C3%85land')",
    ] {
        let ask = async |source: &str| {
            let rest = format!("/T?$filter={filter}&$orderby=Id&$select=Id,Name");
            page(&fixture, source, &rest).await.expect(200).json()["value"].clone()
        };
        let expected = ask("UTF_8").await;
        assert_ne!(expected, json!([]), "{filter}");
        for source in ["UTF_16le", "UTF_16be"] {
            assert_eq!(ask(source).await, expected, "{filter} in {source}");
        }
    }
    for source in ["UTF_8", "UTF_16le", "UTF_16be"] {
        for order in ["Name", "Name%20desc"] {
            let rows = walk(&fixture, source, &format!("/T?$orderby={order}"), 1).await;
            assert_eq!(rows.len(), 10, "{order} in {source}");
        }
        let groups = "/T?$apply=compute(concat(Name,'x')%20as%20More)/groupby((Name,More))&$orderby=";
        for order in ["Name", "More", "Name%20desc"] {
            let expected = walk(&fixture, "UTF_8", &format!("{groups}{order}"), 100).await;
            assert_eq!(
                walk(&fixture, source, &format!("{groups}{order}"), 3).await,
                expected,
                "{order} in {source}"
            );
        }
    }
}
