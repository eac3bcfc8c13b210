//! Repeatable requests of users who sign in to the database themselves.

use app::node::clock::Clock;
use http::Method;
use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Answer};

use super::{Office, PASSWORD_HEADER, USER_HEADER, mariadb_tables, postgres_tables};
use crate::fixture::code;
use crate::{mysql, postgres};

/// The table of the records, which both databases understand.
const RECORDS: &str = "CREATE TABLE requests (caller varchar(64) NOT NULL, request varchar(64) NOT NULL, content varchar(64) NOT NULL,
    made bigint NOT NULL, answer text NOT NULL, PRIMARY KEY (caller, request))";

impl Office<'_> {
    async fn repeat(&self, login: Option<(&str, &str)>, request: &str, body: &Value) -> Answer {
        let seconds = self.server.clock().now().as_micros() / 1_000_000;
        let now = jiff::Timestamp::from_second(seconds).unwrap().strftime("%a, %d %b %Y %H:%M:%S GMT");
        let mut call = self.server.call(Method::POST, "/api/odata4/office/orders").basic(&ADMIN);
        call = call.header("repeatability-request-id", request);
        call = call.header("repeatability-first-sent", now.to_string());
        if let Some((user, password)) = login {
            call = call.header(USER_HEADER, self.name(user)).header(PASSWORD_HEADER, password);
        }
        call.json(body).send().await
    }

    /// The record is written and read with the login of the request.
    async fn a_repeated_request_needs_the_login_again(&self) {
        let document = json!({ "formatVersion": 1, "repeatableRequests": { "table": "requests" } });
        let model = format!("/api/mgmt/datasources/{}/model", self.id);
        self.server.put(&model).basic(&ADMIN).json(&document).send().await.expect(200);
        let (north, south) = (Some(("north", "pn")), Some(("south", "ps")));
        let (body, records) = (json!({ "id": 9 }), || (self.ask)("SELECT count(*) FROM requests"));
        // A login that may not write the record changes nothing, although it may change the table.
        assert_eq!(code(&self.repeat(south, "a", &body).await.expect(403)), "DatabaseForbids");
        assert_eq!((self.ask)("SELECT count(*) FROM orders WHERE id = 9"), "0");

        let made = self.repeat(north, "a", &body).await.expect(201);
        let again = self.repeat(north, "a", &body).await.expect(201);
        assert_eq!(again.header("location"), made.header("location"));
        assert_eq!(again.header("repeatability-result"), "accepted");
        assert_eq!(
            ((self.ask)("SELECT count(*) FROM orders WHERE id = 9"), records()),
            ("1".into(), "1".into())
        );
        // What was made is told to nobody without the rights for it.
        assert_eq!(code(&self.repeat(None, "a", &body).await.expect(403)), "DatabaseLoginMissing");
        assert_eq!(code(&self.repeat(south, "a", &body).await.expect(403)), "DatabaseForbids");
        let wrong = self.repeat(Some(("north", "wrong")), "a", &body).await.expect(403);
        assert_eq!(code(&wrong), "DatabaseLoginRefused");
        assert_eq!(
            code(&self.repeat(north, "a", &json!({ "id": 10 })).await.expect(400)),
            "RepeatabilityMismatch"
        );
        assert_eq!(records(), "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeatable_requests_of_postgresql_have_the_login_of_their_user() {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    let rights = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO {name}_north; GRANT SELECT, INSERT ON orders TO {name}_south"
    );
    database.run(&format!("{}; {RECORDS}; {rights}", postgres_tables(&name)));
    let payload = postgres::payload("office", &postgres::options(&database.url()));
    let office = Office::open(payload, "request", &name, |sql| database.run(sql)).await;
    office.a_repeated_request_needs_the_login_again().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeatable_requests_of_mariadb_have_the_login_of_their_user() {
    let database = MariaDbServer::shared().create_database();
    let name = database.name().to_owned();
    let rights = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON requests TO {name}_north; GRANT SELECT, INSERT ON orders TO {name}_south"
    );
    database.run(&format!("{}; {RECORDS}; {rights}", mariadb_tables(&name)));
    let payload = mysql::payload("office", &mysql::options(database.server(), database.name()));
    let office = Office::open(payload, "request", &name, |sql| database.run(sql)).await;
    office.a_repeated_request_needs_the_login_again().await;
}
