//! Rules that mask columns.

use http::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::{Answer, OTHER, USER};

use crate::fixture::{Fixture, code, ids};

const TABLES: &str = "
    CREATE TABLE Branches (Id INTEGER PRIMARY KEY, Name TEXT);
    CREATE TABLE Staff (Id INTEGER PRIMARY KEY, Name TEXT, Iban TEXT, Salary INTEGER NOT NULL DEFAULT 5,
        Branch INTEGER REFERENCES Branches (Id));
    INSERT INTO Branches VALUES (1, 'North');
    INSERT INTO Staff VALUES (1, 'Ann', 'NO9386011117947', 30, 1), (2, 'Ben', 'x', 20, 1), (3, 'Cleo', NULL, 10, NULL);
";

struct Bank(Fixture);

impl Bank {
    /// The staff, of which others see masks.
    async fn open() -> Self {
        let fixture = Fixture::open().await;
        let bank = fixture.add_source("Bank", TABLES).await;
        fixture.set_writable(&bank, true).await;
        fixture.share(&bank, &OTHER).await;
        let masks = json!([{ "column": "name", "text": "***" }, { "column": "Iban", "lastCharacters": 4 }, { "column": "Salary" }]);
        let document = json!({ "formatVersion": 1, "rules": [
            { "users": [USER.name], "actions": ["read"] },
            { "tables": [{ "table": "Staff" }], "actions": ["read", "update", "insert"], "maskedColumns": masks },
            { "tables": [{ "table": "Branches" }], "actions": ["read"] }] });
        let path = format!("/api/mgmt/datasources/{}/model", bank.id);
        fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
        let stored =
            fixture.server.get(&format!("{path}?compiled=false")).basic(&USER).send().await.expect(200);
        assert!(stored.text().contains("lastCharacters"), "{}", stored.text());
        Self(fixture)
    }

    async fn get(&self, rest: &str) -> Answer {
        let path = format!("/api/odata4/Bank{}", rest.replace(' ', "%20"));
        self.0.server.get(&path).basic(&OTHER).send().await
    }

    async fn send(&self, method: Method, rest: &str, body: &Value) -> Answer {
        self.0.server.call(method, &format!("/api/odata4/Bank{rest}")).basic(&OTHER).json(body).send().await
    }

    /// A value in the file.
    fn stored(&self, column: &str, id: i64) -> String {
        let file = Connection::open(self.0.server.folder().join("Bank.db")).unwrap();
        let text = format!("SELECT CAST({column} AS TEXT) FROM Staff WHERE Id = {id}");
        file.query_row(&text, [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test]
async fn whoever_reads_by_a_mask_cannot_find_out_what_is_behind_it() {
    let bank = Bank::open().await;
    let mut staff = bank.get("/Staff?$select=Name,Iban,Salary").await.expect(200).json();
    for row in staff["value"].as_array_mut().unwrap() {
        row.as_object_mut().unwrap().remove("@odata.etag");
    }
    assert_eq!(
        staff["value"],
        json!([
            { "Name": "***", "Iban": "7947", "Salary": null },
            { "Name": "***", "Iban": null, "Salary": null },
            { "Name": "***", "Iban": null, "Salary": null },
        ])
    );
    for (rest, expected) in [
        ("/Staff?$filter=Name eq 'Ann'", vec![]),
        ("/Staff?$filter=Name eq '***' and Iban eq '7947'", vec![1]),
        ("/Staff?$filter=startswith(Iban,'NO')", vec![]),
        ("/Staff?$filter=Salary gt 0", vec![]),
        ("/Staff?$filter=Salary eq null", vec![1, 2, 3]),
        ("/Staff?$orderby=Salary", vec![1, 2, 3]),
        ("/Staff?$orderby=Name desc,Id desc", vec![3, 2, 1]),
        ("/Staff?$search=Ann", vec![]),
        ("/Branches?$filter=Staff/any(s:s/Salary gt 0)", vec![]),
        ("/Branches?$filter=Staff/any(s:s/Salary eq null)", vec![1]),
    ] {
        assert_eq!(ids(&bank.get(rest).await.expect(200)), expected, "{rest}");
    }
    let total =
        bank.get("/Staff?$apply=aggregate(Salary with sum as Total,Name with countdistinct as Names)").await;
    assert_eq!(total.expect(200).json()["value"], json!([{ "Total": null, "Names": 1 }]));
    let metadata = bank.get("/$metadata").await.expect(200).text().to_owned();
    assert!(
        metadata.contains("<Property Name=\"Salary\" Type=\"Edm.Int64\"")
            && !metadata.contains("<Property Name=\"Salary\" Type=\"Edm.Int64\" Nullable=\"false\""),
        "{metadata}"
    );
    let owner = bank.0.server.get("/api/odata4/Bank/Staff(1)").basic(&USER).send().await.expect(200).json();
    assert_eq!((&owner["Name"], &owner["Salary"]), (&json!("Ann"), &json!(30)));
}

#[tokio::test]
async fn what_is_masked_is_neither_written_nor_told_by_a_tag() {
    let bank = Bank::open().await;
    let masked = json!({ "Name": "***", "Iban": "7947", "Salary": 1, "Branch": null });
    let before = bank.send(Method::PATCH, "/Staff(1)", &json!({ "Branch": 1 })).await.expect(204);
    bank.send(Method::PUT, "/Staff(1)", &masked).await.expect(204);
    assert_eq!(
        (bank.stored("Name", 1), bank.stored("Iban", 1), bank.stored("Salary", 1)),
        ("Ann".into(), "NO9386011117947".into(), "30".into())
    );
    for rest in ["/Staff(1)/Name", "/Staff(1)/Salary"] {
        assert_eq!(
            code(&bank.send(Method::PUT, rest, &json!({ "value": null })).await.expect(405)),
            "NotChangeable"
        );
    }
    bank.send(Method::POST, "/Staff", &json!({ "Id": 9, "Name": "Eve", "Salary": 99 })).await.expect(201);
    assert_eq!(bank.stored("Salary || coalesce(Name, '-')", 9), "5-");
    let file = Connection::open(bank.0.server.folder().join("Bank.db")).unwrap();
    file.execute_batch("UPDATE Staff SET Salary = 31, Name = 'Anna'").unwrap();
    let after = bank.send(Method::PATCH, "/Staff(1)", &json!({ "Branch": 1 })).await.expect(204);
    assert_eq!(before.header("etag"), after.header("etag"));
}
