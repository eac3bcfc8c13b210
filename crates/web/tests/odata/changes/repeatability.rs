//! Requests that a client sends again, because it does not know whether they were made.

use app::node::clock::Clock;
use domain::time::Timestamp;
use http::Method;
use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Answer};

use super::servers::Books;
use super::{Accounting, USER};
use crate::fixture::code;
use crate::{mysql, postgres};

/// The table of the records, which all databases understand.
const RECORDS: &str = "CREATE TABLE requests (caller varchar(64) NOT NULL, request varchar(64) NOT NULL, content varchar(64) NOT NULL,
    made bigint NOT NULL, answer text NOT NULL, PRIMARY KEY (caller, request))";

/// A time in the form of headers, some seconds later.
fn date(now: Timestamp, later: i64) -> String {
    let time = jiff::Timestamp::from_second(now.as_micros() / 1_000_000 + later).unwrap();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn document() -> Value {
    json!({ "formatVersion": 1, "repeatableRequests": { "table": "requests" } })
}

impl Books<'_> {
    /// Sends a request with an id, as the first time.
    async fn again(&self, id: &str, method: Method, rest: &str, body: &Value) -> Answer {
        let first_sent = date(self.server.clock().now(), 0);
        let headers = [("repeatability-request-id", id), ("repeatability-first-sent", &first_sent)];
        self.send(method, rest, &headers, Some(body)).await
    }

    /// Each change is made once, whatever it is and however often and at once it is sent.
    async fn are_made_once(&self) {
        let path = "/api/mgmt/datasources/1/model";
        self.server.put(path).basic(&ADMIN).json(&document()).send().await.expect(200);
        self.send(Method::GET, "/requests", &[], None).await.expect(404);
        let metadata = self.send(Method::GET, "/$metadata", &[], None).await.expect(200);
        assert!(!metadata.text().contains("\"requests\""), "{}", metadata.text());

        let body = json!({ "name": "once" });
        let made = self.again("a", Method::POST, "/accounts", &body).await.expect(201);
        assert_eq!(made.header("repeatability-result"), "accepted");
        let same = self.again("a", Method::POST, "/accounts", &body).await.expect(201);
        let of = |answer: &Answer| {
            (answer.header("location").to_owned(), answer.header("etag").to_owned(), answer.json())
        };
        assert_eq!((of(&same), same.header("repeatability-result")), (of(&made), "accepted"));
        assert_eq!((self.ask)("SELECT count(*) FROM accounts WHERE name = 'once'"), "1");
        let other = self.again("a", Method::POST, "/accounts", &json!({ "name": "other" })).await.expect(400);
        assert_eq!(
            (code(&other).as_str(), other.header("repeatability-result")),
            ("RepeatabilityMismatch", "rejected")
        );

        let address = format!("/accounts({})", made.json()["id"]);
        let change = json!({ "name": "changed" });
        let changed = self.again("b", Method::PATCH, &address, &change).await.expect(204);
        self.send(Method::PATCH, &address, &[], Some(&json!({ "name": "later" }))).await.expect(204);
        let same = self.again("b", Method::PATCH, &address, &change).await.expect(204);
        assert_ne!(same.header("etag"), changed.header("etag"), "the tag is that of the entity as it is");
        assert_eq!((self.ask)("SELECT name FROM accounts WHERE name IN ('changed', 'later')"), "later");
        let delete = async || self.again("c", Method::DELETE, &address, &Value::Null).await;
        delete().await.expect(204);
        delete().await.expect(204);
        self.again("d", Method::DELETE, &address, &Value::Null).await.expect(404);
        let gone = self.again("a", Method::POST, "/accounts", &body).await.expect(204);
        assert_eq!(gone.header("location"), made.header("location"), "made, and deleted since");

        let at_once = json!({ "name": "at once" });
        let send = || self.again("e", Method::POST, "/accounts", &at_once);
        let (one, two, three) = tokio::join!(send(), send(), send());
        let locations = [&one, &two, &three].map(|answer| (answer.status(), answer.header("location")));
        let succeeded: Vec<_> = locations.iter().filter(|(status, _)| *status == 201).collect();
        assert!(!succeeded.is_empty() && succeeded.iter().all(|one| *one == succeeded[0]), "{locations:?}");
        assert!(locations.iter().all(|(status, _)| matches!(status, 201 | 503)), "{locations:?}");
        assert_eq!((self.ask)("SELECT count(*) FROM accounts WHERE name = 'at once'"), "1");
        self.failures_are_not_kept().await;
    }

    /// What has changed nothing can be sent again.
    async fn failures_are_not_kept(&self) {
        let line = json!({ "account": 70, "number": 1 });
        let failed = self.again("f", Method::POST, "/lines", &line).await.expect(409);
        assert_eq!(failed.header("repeatability-result"), "accepted");
        self.send(Method::PUT, "/accounts(70)", &[], Some(&json!({ "name": "owner" }))).await.expect(201);
        self.again("f", Method::POST, "/lines", &line).await.expect(201);
        self.again("f", Method::POST, "/lines", &line).await.expect(201);
        assert_eq!((self.ask)("SELECT count(*) FROM requests"), "5");
        assert_eq!((self.ask)("SELECT count(*) FROM requests WHERE answer = 'begun'"), "0");
    }
}

const TABLES: &str = "name varchar(40) NOT NULL);
    CREATE TABLE lines_ (account bigint NOT NULL, number integer NOT NULL, PRIMARY KEY (account, number),
        FOREIGN KEY (account) REFERENCES accounts (id))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_change_of_postgresql_is_made_once() {
    let database = PostgresServer::shared().create_database();
    let tables = TABLES.replace("lines_", "lines");
    database.run(&format!(
        "CREATE TABLE accounts (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, {tables}; {RECORDS}"
    ));
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    Books::open(payload, |sql| database.run(sql)).await.are_made_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_change_of_mariadb_is_made_once() {
    let database = MariaDbServer::shared().create_database();
    let tables = TABLES.replace("lines_", "`lines`");
    database
        .run(&format!("CREATE TABLE accounts (id bigint AUTO_INCREMENT PRIMARY KEY, {tables}; {RECORDS}"));
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    Books::open(payload, |sql| database.run(sql)).await.are_made_once().await;
}

impl Accounting {
    async fn repeatable(document: Value) -> Self {
        let books = Self::open().await;
        // What the table does with conflicts does not matter.
        let key = "PRIMARY KEY (caller, request)";
        let records = RECORDS.replace(key, &format!("{key} ON CONFLICT REPLACE"));
        books.file().execute_batch(&records).unwrap();
        let path = format!("/api/mgmt/datasources/{}/model", books.source.id);
        books.fixture.server.put(&path).basic(&USER).json(&document).send().await.expect(200);
        books
    }

    async fn post(&self, headers: &[(&'static str, &str)], body: &Value) -> Answer {
        let mut call = self.call(Method::POST, "/Accounts");
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.json(body).send().await
    }
}

#[tokio::test]
async fn a_request_is_repeatable_for_a_day_by_its_caller_alone() {
    let books = Accounting::repeatable(document()).await;
    let now = books.fixture.server.clock().now();
    let body = json!({ "Name": "Petty" });
    for (headers, status, expected) in [
        (vec![("repeatability-request-id", "1")], 400, "RepeatabilityInvalid"),
        (
            vec![("repeatability-first-sent", "yesterday"), ("repeatability-request-id", "1")],
            400,
            "RepeatabilityInvalid",
        ),
        (vec![("repeatability-client-id", "1")], 400, "RepeatabilityInvalid"),
    ] {
        let refused = books.post(&headers, &body).await.expect(status);
        assert_eq!((code(&refused).as_str(), refused.header("repeatability-result")), (expected, "rejected"));
    }
    for later in [-86_500, 400] {
        let sent = date(now, later);
        let headers = [("repeatability-request-id", "1"), ("repeatability-first-sent", &sent)];
        let refused = books.post(&headers, &body).await.expect(412);
        assert_eq!(code(&refused), "RepeatabilityExpired");
    }
    let sent = date(now, -86_000);
    let of = |client| {
        [
            ("repeatability-request-id", "1"),
            ("repeatability-first-sent", sent.as_str()),
            ("repeatability-client-id", client),
        ]
    };
    books.post(&of("x"), &body).await.expect(201);
    books.post(&of("x"), &body).await.expect(201);
    let other = books.post(&of("y"), &body).await.expect(409);
    assert_eq!(code(&other), "AlreadyExists", "another client has ids of its own");
    let log = books.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    assert_eq!(log.expect(200).json()["events"].as_array().unwrap().len(), 1, "one change");
    let secret: String = books
        .file()
        .query_row("SELECT caller || request || content FROM requests", [], |row| row.get(0))
        .unwrap();
    assert!(secret.len() == 192 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()), "{secret}");
}

#[tokio::test]
async fn a_repeated_change_by_a_path_to_one_entity_is_made_once() {
    let books = Accounting::repeatable(document()).await;
    let sent = date(books.fixture.server.clock().now(), 0);
    let change = async |id: &str| {
        let call = books.call(Method::PATCH, "/Entries(Account=1,Number=1)/Accounts");
        let call = call.header("repeatability-request-id", id).header("repeatability-first-sent", &sent);
        call.json(&json!({ "Note": "led", "Entries@delta": [{ "Number": 50 }] })).send().await
    };
    change("1").await.expect(204);
    change("1").await.expect(204);
    assert_eq!(books.count("SELECT count(*) FROM Entries WHERE Account = 1 AND Number = 50"), 1);
    books.call(Method::DELETE, "/Entries(Account=1,Number=1)").send().await.expect(204);
    let again = change("1").await.expect(204);
    assert_eq!(again.header("repeatability-result"), "accepted", "although the path leads to nothing now");
    change("2").await.expect(404);
}

#[tokio::test]
async fn the_changes_of_a_group_are_repeated_together() {
    let books = Accounting::repeatable(document()).await;
    let sent = date(books.fixture.server.clock().now(), 0);
    let member = |id: &str, url: &str, body: Value| {
        json!({ "id": id, "method": "post", "url": url, "atomicityGroup": "g", "body": body,
            "headers": { "repeatability-request-id": id, "repeatability-first-sent": sent } })
    };
    let batch = json!({ "requests": [
        member("1", "Accounts", json!({ "Name": "Petty" })),
        member("2", "Entries", json!({ "Accounts@odata.bind": "$1", "Number": 1 })),
    ]});
    let whole = books.call(Method::POST, "/$batch").header("repeatability-request-id", "0");
    let refused = whole.header("repeatability-first-sent", &sent).json(&batch).send().await.expect(501);
    assert_eq!(code(&refused), "NotImplemented", "a batch has no record of its own");
    let first = books.send(Method::POST, "/$batch", &batch).await.expect(200).json();
    let second = books.send(Method::POST, "/$batch", &batch).await.expect(200).json();
    assert_eq!(first, second);
    assert_eq!(first["responses"][1]["status"], 201, "{first}");
    assert_eq!(first["responses"][1]["headers"]["repeatability-result"], "accepted", "{first}");
    assert_eq!(books.count("SELECT count(*) FROM Entries"), 2);
    assert_eq!(books.count("SELECT count(*) FROM requests"), 2);
}

#[tokio::test]
async fn a_repeated_request_has_the_rights_of_now() {
    let books = Accounting::repeatable(document()).await;
    let sent = date(books.fixture.server.clock().now(), 0);
    let headers = [("repeatability-request-id", "1"), ("repeatability-first-sent", sent.as_str())];
    let body = json!({ "Name": "Petty", "Note": "secret" });
    let made = books.post(&headers, &body).await.expect(201);
    assert_eq!(made.json()["Note"], "secret");
    let path = format!("/api/mgmt/datasources/{}/model", books.source.id);
    let set_rules = async |actions: Value| {
        let tag =
            books.fixture.server.get(&path).basic(&USER).send().await.expect(200).header("etag").to_owned();
        let mut document = document();
        document["rules"] =
            json!([{ "tables": [{ "table": "Accounts" }], "actions": actions, "hiddenColumns": ["Note"] }]);
        let put = books.fixture.server.put(&path).basic(&USER).header("if-match", &tag).json(&document);
        put.send().await.expect(200);
    };
    set_rules(json!(["read"])).await;
    assert_eq!(code(&books.post(&headers, &body).await.expect(403)), "AgainstRules");
    assert_eq!(books.count("SELECT count(*) FROM Accounts"), 3);
}

/// Which tables cannot have the records, and the words of the finding.
async fn are_found(books: &Books<'_>, tables: &[(&str, &str)]) {
    for (at, (table, words)) in tables.iter().enumerate() {
        let document = json!({ "formatVersion": 1, "repeatableRequests": { "table": table } });
        let path = "/api/mgmt/datasources/1/model";
        let mut put = books.server.put(path).basic(&ADMIN);
        if at > 0 {
            let before = books.server.get(path).basic(&ADMIN).send().await.expect(200);
            put = put.header("if-match", before.header("etag"));
        }
        put.json(&document).send().await.expect(200);
        let findings = books.server.get(&format!("{path}/findings")).basic(&ADMIN).send().await.expect(200);
        assert!(findings.text().contains(words), "{table}: {}", findings.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_postgresql_that_would_not_keep_the_records_is_found() {
    let database = PostgresServer::shared().create_database();
    let named = |name: &str| RECORDS.replace("requests", name);
    database.run(&format!(
        "{}; {}; {}",
        named("late").replace("request))", "request) DEFERRABLE)"),
        named("blank").replace("content varchar(64)", "content char(80)"),
        named("short").replace("content varchar(64)", "content varchar(40)"),
    ));
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    let columns = "its columns or its primary key";
    are_found(&books, &[("late", "deferrable"), ("blank", columns), ("short", columns)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_mariadb_without_transactions_is_found() {
    let database = MariaDbServer::shared().create_database();
    database.run(&format!("{RECORDS} ENGINE=MyISAM"));
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    are_found(&books, &[("requests", "not in a transaction")]).await;
}

#[tokio::test]
async fn a_table_without_the_columns_makes_no_request_repeatable() {
    let document = json!({ "formatVersion": 1, "repeatableRequests": { "table": "Log" } });
    let books = Accounting::repeatable(document).await;
    let sent = date(books.fixture.server.clock().now(), 0);
    let headers = [("repeatability-request-id", "1"), ("repeatability-first-sent", sent.as_str())];
    let refused = books.post(&headers, &json!({ "Name": "Petty" })).await.expect(501);
    assert_eq!(code(&refused), "NotImplemented");
    assert_eq!(refused.header("repeatability-result"), "");
    let path = format!("/api/mgmt/datasources/{}/model/findings", books.source.id);
    let findings = books.fixture.server.get(&path).basic(&USER).send().await.expect(200);
    assert!(findings.text().contains("repeatable"), "{}", findings.text());
}
