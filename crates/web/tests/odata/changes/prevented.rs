//! Changes that the database silently does not make.

use testkit::postgres::PostgresServer;

use super::*;
use crate::postgres::{options, payload};
use crate::server_source::server;

const TRIGGERS: &str = "
    CREATE TABLE Kept (Id INTEGER PRIMARY KEY, Name TEXT);
    INSERT INTO Kept VALUES (1, 'old');
    CREATE TRIGGER kept_insert BEFORE INSERT ON Kept BEGIN SELECT RAISE(IGNORE); END;
    CREATE TRIGGER kept_update BEFORE UPDATE ON Kept BEGIN SELECT RAISE(IGNORE); END;
    CREATE TRIGGER kept_delete BEFORE DELETE ON Kept BEGIN SELECT RAISE(IGNORE); END;
";

/// The entity set, and another one for which the rows are visible and cannot be changed.
const REFUSED: [(Method, &str); 5] = [
    (Method::POST, "(2)"),
    (Method::PATCH, "(1)"),
    (Method::PUT, "(1)"),
    (Method::PUT, "(1)/Name"),
    (Method::DELETE, "(1)"),
];

fn body(rest: &str) -> Value {
    if rest.ends_with("Name") { json!({ "value": "new" }) } else { json!({ "Name": "new" }) }
}

#[tokio::test]
async fn a_change_that_a_trigger_ignores_is_refused() {
    let fixture = Fixture::open().await;
    let source = fixture.add_source("Accounting", TRIGGERS).await;
    fixture.set_writable(&source, true).await;
    let books = Accounting { fixture, source };
    for (method, rest) in REFUSED {
        let (rest, body) = match method {
            Method::POST => ("/Kept".to_owned(), json!({ "Id": 2, "Name": "new" })),
            _ => (format!("/Kept{rest}"), body(rest)),
        };
        let refused = books.send(method.clone(), &rest, &body).await.expect(403);
        assert_eq!(code(&refused), "ChangePrevented", "{method} {rest}");
    }
    books.send(Method::PATCH, "/Kept(1)", &json!({})).await.expect(204);
    assert_eq!(books.count("SELECT count(*) FROM Kept WHERE Name = 'old'"), 1);
    let log = books.fixture.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    assert_eq!(
        log.expect(200).json().to_string().matches("Accounting/Kept").count(),
        1,
        "the empty update only"
    );
}

/// The answer to a change is a read, so what a read refuses is refused with the same error, and nothing is changed.
#[tokio::test]
async fn options_that_a_read_refuses_are_refused_for_a_change() {
    let fixture = Fixture::open().await;
    let table = "CREATE TABLE Notes (Id INTEGER PRIMARY KEY, Name TEXT); INSERT INTO Notes VALUES (1, 'old')";
    let source = fixture.add_source("Accounting", table).await;
    fixture.set_writable(&source, true).await;
    let books = Accounting { fixture, source };
    let new = json!({ "Name": "new" });
    for (options, status) in
        [("$select=Nope", 400), ("$format=xml", 415), ("$format=csv", 415), ("$format=", 415)]
    {
        let refused = books.send(Method::POST, &format!("/Notes?{options}"), &new).await.expect(status);
        let read = books.send(Method::GET, &format!("/Notes(1)?{options}"), &json!({})).await.expect(status);
        assert_eq!(code(&refused), code(&read), "{options}");
        let upsert = books.send(Method::PUT, &format!("/Notes(2)?{options}"), &new).await.expect(status);
        assert_eq!(code(&upsert), code(&read), "{options}");
    }
    assert_eq!(books.count("SELECT count(*) FROM Notes WHERE Name = 'old'"), 1);
    assert_eq!(books.count("SELECT count(*) FROM Notes"), 1);
}

/// A policy lets a role see more rows than it may change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_a_policy_protects_is_not_changed() {
    let (server, database) = (server().await, PostgresServer::shared().create_database());
    let name = database.name().to_owned();
    database.run(&format!(
        "CREATE ROLE {name}_clerk;
         CREATE TABLE orders (id integer PRIMARY KEY, note text, region text NOT NULL);
         INSERT INTO orders VALUES (1, 'a', 'own'), (2, 'b', 'open'), (3, 'c', 'hidden');
         GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO {name}_clerk;
         ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
         CREATE POLICY sees ON orders FOR SELECT TO {name}_clerk USING (region <> 'hidden');
         CREATE POLICY changes ON orders FOR UPDATE TO {name}_clerk USING (region = 'own');
         CREATE POLICY deletes ON orders FOR DELETE TO {name}_clerk USING (region = 'own')"
    ));
    let mut options = options(&database.url());
    options["UserRoles"] = json!({ "*": format!("{name}_clerk") });
    let mut made = payload("orders", &options);
    made["writable"] = true.into();
    server.post("/api/mgmt/datasources").basic(&ADMIN).json(&made).send().await.expect(201);
    let send = async |method: Method, key: i64, status: u16| {
        let target = format!("/api/odata4/orders/orders({key})");
        let call = server.call(method, &target).basic(&ADMIN).header("if-match", "*");
        call.json(&json!({ "note": "new" })).send().await.expect(status)
    };
    for method in [Method::PATCH, Method::DELETE] {
        assert_eq!(code(&send(method.clone(), 2, 403).await), "ChangePrevented");
        send(method, 3, 412).await;
    }
    send(Method::PATCH, 1, 204).await;
    assert_eq!(database.run("SELECT string_agg(note, '' ORDER BY id) FROM orders"), "newbc");
    send(Method::DELETE, 1, 204).await;
    let log = server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    assert_eq!(log.expect(200).json().to_string().matches("orders/orders").count(), 2);
}
