//! Values that a database would store as other ones than were sent.

use http::Method;
use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;

use super::Accounting;
use super::servers::Books;
use crate::fixture::code;
use crate::{mysql, postgres};

/// A row is inserted and updated with each value, which the database keeps, refuses, or would change.
async fn are_kept_or_refused(books: &Books<'_>, kept: &[(&str, Value)], changed: &[(&str, Value)]) {
    let send = async |method, path: &str, body: &Value| books.send(method, path, &[], Some(body)).await;
    send(Method::POST, "/kept", &json!({ "id": 1 })).await.expect(201);
    for (name, value) in kept {
        let body = json!({ "id": 2, *name: value });
        send(Method::POST, "/kept", &body).await.expect(201);
        books.send(Method::DELETE, "/kept(2)", &[], None).await.expect(204);
        send(Method::PATCH, "/kept(1)", &json!({ *name: value })).await.expect(204);
    }
    let before = books.send(Method::GET, "/kept(1)", &[], None).await.expect(200).json();
    for (name, value) in changed {
        let body = json!({ "id": 2, *name: value });
        let answer = send(Method::POST, "/kept", &body).await.expect(400);
        assert!(code(&answer) == "BadValue" && answer.text().contains(name), "{body} {}", answer.text());
        let answer = send(Method::PATCH, "/kept(1)", &json!({ *name: value })).await.expect(400);
        assert!(code(&answer) == "BadValue" && answer.text().contains(name), "{body} {}", answer.text());
        let answer =
            send(Method::PUT, &format!("/kept(1)/{name}"), &json!({ "value": value })).await.expect(400);
        assert!(code(&answer) == "BadValue" && answer.text().contains(name), "{body} {}", answer.text());
    }
    let after = books.send(Method::GET, "/kept(1)", &[], None).await.expect(200).json();
    assert_eq!((before, (books.ask)("SELECT count(*) FROM kept")), (after, "1".to_owned()));
}

/// Whether the metadata document declares properties in this way.
async fn are_declared(books: &Books<'_>, declared: &[(&str, &str)]) {
    let metadata = books.send(Method::GET, "/$metadata", &[], None).await.expect(200);
    for (name, facets) in declared {
        let property = format!("<Property Name=\"{name}\" Type=\"Edm.{facets}/>");
        assert!(metadata.text().contains(&property), "{property} {}", metadata.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_postgresql_would_change_are_refused() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TYPE mood AS ENUM ('glad');
         CREATE TABLE kept (id bigint PRIMARY KEY, price money, fixed char(5), loose numeric, small numeric(5,2), half real,
            at timestamptz(3), clock time(0), whole timestamp, span interval(1), days interval day, doc jsonb, plain json, feeling mood,
            address inet, list integer[], flag boolean, raw bytea, word varchar(3), key uuid, letter \"char\")",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    are_kept_or_refused(
        &books,
        &[
            ("price", json!(12.34)),
            ("fixed", json!("ab")),
            ("loose", json!(0.123_456_789)),
            ("small", json!(123.4)),
            ("half", json!(0.1)),
            ("half", json!("-INF")),
            ("at", json!("2024-02-29T10:03:00.120Z")),
            ("at", json!("2024-02-29T10:03:00+02:00")),
            ("clock", json!("10:03:00")),
            ("whole", json!("2024-02-29T10:03:00.123456Z")),
            ("span", json!("P1DT0.5S")),
            ("doc", json!("{\"b\":[1,2.50],\"a\":null}")),
            ("plain", json!("{\"b\":1, \"b\":2}")),
            ("feeling", json!("glad")),
            ("address", json!("10.0.0.1/32")),
            ("list", json!("{1,2}")),
            ("flag", json!(false)),
            ("raw", json!("AP8")),
            ("word", json!("ab ")),
            ("key", json!("A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11")),
            ("key", Value::Null),
        ],
        &[
            ("price", json!(12.345)),
            ("fixed", json!("ab ")),
            ("small", json!(1.234)),
            ("at", json!("2024-02-29T10:03:00.1204Z")),
            ("clock", json!("10:03:00.5")),
            ("whole", json!("2024-02-29T10:03:00.1234567Z")),
            ("span", json!("PT0.25S")),
            ("days", json!("P2DT5H")),
            ("doc", json!("{\"a\":1,\"a\":2}")),
            ("address", json!("10.0.0.1")),
            ("list", json!("{1, 2}")),
            ("raw", json!("AP9")),
            ("letter", json!("1.0")),
            ("letter", json!("1 ")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_trigger_of_postgresql_makes_of_a_value_is_kept() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TABLE clocks (id bigint PRIMARY KEY, at timestamptz(3), clock time(0), whole timestamp, span interval(1));
         CREATE TABLE rewritten (id bigint PRIMARY KEY, name text, at timestamptz(3));
         CREATE FUNCTION lower_name() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.name := pg_catalog.lower(NEW.name); RETURN NEW; END';
         CREATE TRIGGER lowers BEFORE INSERT OR UPDATE ON rewritten FOR EACH ROW EXECUTE FUNCTION lower_name();
         CREATE TABLE parted (id bigint PRIMARY KEY, name text) PARTITION BY RANGE (id);
         CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100);
         CREATE TRIGGER lowers BEFORE INSERT ON part FOR EACH ROW EXECUTE FUNCTION lower_name()",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    are_declared(
        &books,
        &[
            ("at", "DateTimeOffset\" Precision=\"3\""),
            ("clock", "TimeOfDay\" Precision=\"0\""),
            ("whole", "DateTimeOffset\" Precision=\"6\""),
            ("span", "Duration\" Precision=\"1\""),
        ],
    )
    .await;
    // What a trigger makes of a value is a rule of the database, and what a type cannot hold is still refused.
    let body = json!({ "id": 1, "name": "LOUD" });
    let made = books.send(Method::POST, "/rewritten", &[], Some(&body)).await.expect(201).json();
    assert_eq!(made["name"], "loud");
    let body = json!({ "id": 1, "name": "LOUD" });
    let made = books.send(Method::POST, "/parted", &[], Some(&body)).await.expect(201).json();
    assert_eq!(made["name"], "loud", "by the trigger of a partition");
    let body = json!({ "at": "2024-02-29T10:03:00.1234Z" });
    books.send(Method::PATCH, "/rewritten(1)", &[], Some(&body)).await.expect(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_mariadb_would_change_are_refused() {
    let database = MariaDbServer::shared().create_database();
    database.run(
        "CREATE TABLE kept (id bigint PRIMARY KEY, fixed char(5), price decimal(5,2), plus decimal(5,2) unsigned, half float, fraction float(7,2),
            at datetime(3), clock time(0), stamp timestamp(2) NULL, bytes binary(4), free varbinary(4), kind enum('a', 'b'),
            several set('x', 'y'), doc json, born year, flag boolean, bits bit(9), word varchar(3), address inet6, `key` uuid);
         CREATE TABLE rewritten (id bigint PRIMARY KEY, name text, at datetime(3));
         CREATE TRIGGER lowers BEFORE INSERT ON rewritten FOR EACH ROW SET NEW.name = LOWER(NEW.name)",
    );
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    are_kept_or_refused(
        &books,
        &[
            ("fixed", json!("ab")),
            ("price", json!(-12.3)),
            ("plus", json!(12.34)),
            ("half", json!(0.1)),
            ("fraction", json!(1.25)),
            ("at", json!("2024-02-29T10:03:00.120Z")),
            ("clock", json!("10:03:00")),
            ("stamp", json!("2024-02-29T10:03:00.25Z")),
            ("bytes", json!("AAECAw")),
            ("free", json!("AAE")),
            ("kind", json!("b")),
            ("several", json!("x,y")),
            ("doc", json!("{\"b\":1}")),
            ("born", json!(2024)),
            ("flag", json!(true)),
            ("bits", json!(257)),
            ("word", json!("ab ")),
            ("address", json!("2001:db8::1")),
            ("key", json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
            ("stamp", Value::Null),
        ],
        &[
            ("fixed", json!("ab ")),
            ("price", json!(1.234)),
            ("plus", json!(-1)),
            ("fraction", json!(1.234)),
            ("at", json!("2024-02-29T10:03:00.1204Z")),
            ("clock", json!("10:03:00.5")),
            ("stamp", json!("2024-02-29T10:03:00.125Z")),
            ("bytes", json!("AAE")),
            ("kind", json!("B")),
            ("several", json!("y,x")),
            ("born", json!(24)),
            ("bits", json!(512)),
            ("word", json!("long")),
            ("address", json!("2001:DB8::1")),
        ],
    )
    .await;
    are_declared(
        &books,
        &[("at", "DateTimeOffset\" Precision=\"3\""), ("clock", "TimeOfDay\" Precision=\"0\"")],
    )
    .await;
    let body = json!({ "id": 1, "name": "LOUD" });
    let made = books.send(Method::POST, "/rewritten", &[], Some(&body)).await.expect(201).json();
    assert_eq!(made["name"], "loud");
}

#[tokio::test]
async fn a_value_that_a_trigger_of_sqlite_changes_is_answered_as_it_is() {
    let books = Accounting::open().await;
    books
        .file()
        .execute_batch(
            "CREATE TRIGGER rounds AFTER UPDATE ON Entries WHEN new.Amount <> round(new.Amount)
             BEGIN UPDATE Entries SET Amount = round(new.Amount) WHERE Account = new.Account AND Number = new.Number; END",
        )
        .unwrap();
    let path = "/Entries(Account=1,Number=1)";
    let call = books.call(Method::PATCH, path).header("prefer", "return=representation");
    let changed = call.json(&json!({ "Amount": 1.75 })).send().await.expect(200).json();
    assert_eq!(changed["Amount"], 2.0, "{changed}");
    let refused = books.send(Method::PATCH, path, &json!({ "Amount": 1.755 })).await.expect(400);
    assert_eq!(code(&refused), "BadValue");
    for raw in ["AP9", "AP8=="] {
        let refused = books.send(Method::PATCH, path, &json!({ "Raw": raw })).await.expect(400);
        assert_eq!(code(&refused), "BadValue", "{raw}");
    }
}
