//! Records of requests, in the audit log.

use http::{Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, USER};

use crate::fixture::Fixture;

/// More than one answer holds.
const TABLES: &str = "
    CREATE TABLE Patients (Id INTEGER PRIMARY KEY, Name TEXT, Ward TEXT);
    CREATE TABLE Stays (Id INTEGER PRIMARY KEY, Patient INTEGER REFERENCES Patients (Id));
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO Patients SELECT i, 'a name that fills the chunks of the stream', char(65 + i % 2) FROM n;
    INSERT INTO Stays VALUES (1, 7), (2, 7);
";

struct Clinic {
    fixture: Fixture,
}

impl Clinic {
    /// A clinic whose requests are recorded.
    async fn open() -> Self {
        let fixture = Fixture::open().await;
        let clinic = fixture.add_source("Clinic", TABLES).await;
        fixture.set_writable(&clinic, true).await;
        let document = json!({ "formatVersion": 1, "recordRequests": true });
        let path = format!("/api/mgmt/datasources/{}/model", clinic.id);
        fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
        Self { fixture }
    }

    async fn get(&self, rest: &str) -> Answer {
        let path = format!("/api/odata4/Clinic{}", rest.replace(' ', "%20"));
        self.fixture.server.get(&path).basic(&USER).send().await
    }

    /// The records of an action, oldest first: subject, outcome, detail.
    async fn log(&self, action: &str) -> Vec<(String, String, String)> {
        let path = format!("/api/admin/audit?action={action}");
        let log = self.fixture.server.get(&path).basic(&ADMIN).send().await.expect(200).json();
        let events = log["events"].as_array().unwrap();
        let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        let line = |event: &Value| (text(event, "subject"), text(event, "outcome"), text(event, "detail"));
        events.iter().rev().map(line).collect()
    }
}

#[tokio::test]
async fn each_request_for_recorded_data_is_in_the_audit_log_without_values_of_rows() {
    let clinic = Clinic::open().await;
    let page = clinic.get("/Patients?$filter=Ward eq 'A'&$top=3&secret=x").await.expect(200);
    let bytes = page.text().len();
    clinic.get("/Patients(7)/Stays/$count").await.expect(200);
    clinic.get("/Patients(7)?$expand=Stays&$select=Id").await.expect(200);
    clinic.get("/Patients?$filter=Wart eq 'A'").await.expect(400);
    clinic.get("/Patients(0)").await.expect(404);
    clinic.get("/$metadata").await.expect(200);
    clinic.get("").await.expect(200);
    clinic.fixture.get("/Ships?$top=1").await.expect(200);
    let log = clinic.log("data.read").await;
    let seen: Vec<_> =
        log.iter().map(|(subject, outcome, detail)| [subject, outcome, detail.as_str()]).collect();
    assert_eq!(
        seen,
        [
            [
                "Clinic/Patients",
                "success",
                &format!("Patients?$filter=Ward eq 'A'&$top=3: 3 rows, {bytes} bytes")
            ],
            ["Clinic/Patients", "success", "Patients(…)/Stays/$count: 1 row, 1 byte"],
            ["Clinic/Patients", "success", seen[2][2]],
            ["Clinic/Patients", "refused", seen[3][2]],
            ["Clinic/Patients", "refused", "Patients(…): there is no entity with this key"],
        ]
    );
    assert!(seen[2][2].starts_with("Patients(…)?$expand=Stays&$select=Id: 3 rows, "), "{log:?}");
    assert!(seen[3][2].starts_with("Patients?$filter=Wart eq 'A': "), "{log:?}");
}

#[tokio::test]
async fn nothing_that_is_asked_for_stays_out_of_the_record_and_no_key_gets_into_it() {
    let clinic = Clinic::open().await;
    let padded = format!("/Patients?$filter=Name ne '{}' and Ward eq 'A'&$top=1", "x".repeat(8_000));
    assert_eq!(clinic.get(&padded).await.expect(414).json()["error"]["code"], "UrlTooLong");
    clinic.get("/Patients(@a)?@a=@b&@b=7&@c=1&$select=Id").await.expect(200);
    let log = clinic.log("data.read").await;
    assert_eq!((log[0].1.as_str(), log.len()), ("refused", 2));
    assert!(log[1].2.starts_with("Patients(…)?@a=…&@b=…&@c=1&$select=Id: 1 row, "), "{log:?}");

    let member = |id: &str, method: &str, url: &str| json!({ "id": id, "atomicityGroup": "g", "method": method, "url": url, "body": { "Name": "n" } });
    let set = [member("1", "patch", "Patients(1)"), member("2", "delete", "Patients(0)")];
    let call = clinic.fixture.server.post("/api/odata4/Clinic/$batch").basic(&USER);
    call.json(&json!({ "requests": set })).send().await.expect(200);
    let changes = clinic.log("data.change").await;
    let refused = ("Clinic/Patients".to_owned(), "refused".to_owned(), changes[0].2.clone());
    assert_eq!(changes, [refused.clone(), refused], "also the one that was undone");
}

#[tokio::test]
async fn parts_of_batches_calls_of_tools_and_changes_are_recorded_too() {
    let clinic = Clinic::open().await;
    let server = &clinic.fixture.server;
    let batch = json!({ "requests": [
        { "id": "1", "method": "get", "url": "Stays?$top=1" },
        { "id": "2", "method": "patch", "url": "Patients(1)", "body": { "Name": "Hidden" } },
        { "id": "3", "method": "delete", "url": "Patients(0)" }
    ]});
    server.post("/api/odata4/Clinic/$batch").basic(&USER).json(&batch).send().await.expect(200);
    let read = clinic.log("data.read").await;
    assert!(read[0].2.starts_with("Stays?$top=1: 1 row, ") && read.len() == 1, "{read:?}");
    let changes = clinic.log("data.change").await;
    let changes: Vec<_> =
        changes.iter().map(|(subject, outcome, detail)| [subject, outcome, detail.as_str()]).collect();
    assert_eq!(
        changes,
        [
            ["Clinic", "unknown", "1 change: begun"],
            ["Clinic/Patients", "success", "update: 1 row, 0 bytes"],
            ["Clinic/Patients", "refused", "Patients(…): there is no entity with this key"],
        ]
    );
    let scopes = oauth::scope::BuiltInScope::Mcp.into();
    let token = server.access_token(&USER, domain::id::ApplicationId::new(1), scopes).await;
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "query", "arguments": { "entity": "Stays", "filter": "Patient eq 7" } } });
    let asked = server.call(Method::POST, "/mcp/Clinic").bearer(&token).json(&call);
    asked.header("mcp-protocol-version", "2025-11-25").send().await.expect(200);
    let read = clinic.log("data.read").await;
    assert!(read[1].2.starts_with("Stays?$filter=Patient eq 7"), "{read:?}");
}

#[tokio::test]
async fn a_streamed_response_is_recorded_before_and_after_it_also_if_it_is_cut() {
    let clinic = Clinic::open().await;
    let begin = async || {
        let call = Request::get("/api/odata4/Clinic/Patients").header("prefer", "maxpagesize=100000");
        let call = call
            .header("authorization", testkit::basic(USER.name, USER.password))
            .body(axum::body::Body::empty());
        clinic.fixture.server.service().answer(call.unwrap()).await.into_body()
    };
    let mut cut = begin().await;
    let first = cut.frame().await.unwrap().unwrap().into_data().unwrap();
    let log = clinic.log("data.read").await;
    assert_eq!(log[0].1, "unknown");
    assert_eq!((log[0].2.as_str(), log.len()), ("Patients: begun", 1));
    drop(cut);
    while clinic.log("data.read").await.len() < 2 {
        tokio::task::yield_now().await;
    }
    let log = clinic.log("data.read").await;
    let rows: u64 = log[1].2.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((1..20_000).contains(&rows), "{log:?}");
    assert_eq!(log[1].2, format!("Patients: {rows} rows, {} bytes, cut", first.len()));
    let whole = begin().await.collect().await.unwrap().to_bytes();
    let log = clinic.log("data.read").await;
    assert_eq!(log[3].1, "success");
    assert_eq!((log[3].2.clone(), log.len()), (format!("Patients: 20000 rows, {} bytes", whole.len()), 4));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_sent() {
    let clinic = Clinic::open().await;
    let Clinic { fixture } = &clinic;
    let get = async |rest: &str| {
        let call = fixture.server.get(&format!("/api/odata4/Clinic{rest}")).bearer(&fixture.token);
        call.header("prefer", "maxpagesize=100000").send().await
    };
    get("/Stays").await.expect(200);
    let database = rusqlite::Connection::open(fixture.server.folder().join("system.db")).unwrap();
    database.execute_batch("ALTER TABLE audit_events RENAME TO lost").unwrap();
    for rest in ["/Stays", "/Patients", "/Patients(7)", "/Patients/$count"] {
        let refused = get(rest).await;
        assert!(
            refused.status() >= 500 && !refused.text().contains("value\":["),
            "{rest}: {}",
            refused.text()
        );
    }
    let body = json!({ "Name": "x" });
    let patch = fixture.server.call(Method::PATCH, "/api/odata4/Clinic/Patients(1)").basic(&USER);
    assert!(patch.json(&body).send().await.status() >= 500);
    let file = rusqlite::Connection::open(fixture.server.folder().join("Clinic.db")).unwrap();
    let changed =
        file.query_row("SELECT count(*) FROM Patients WHERE Name = 'x'", [], |row| row.get::<_, i64>(0));
    assert_eq!(changed, Ok(0), "a change that cannot be recorded is not made");
    fixture.get("/Ships?$top=1").await.expect(200);
}
