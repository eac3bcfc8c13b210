//! Users who sign in to the database of a data source with names and passwords of their own.

mod pages;
mod repeated;

use domain::id::ApplicationId;
use http::Method;
use oauth::scope::BuiltInScope;
use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Answer, TestServer, TestUser, USER};

use crate::fixture::code;
use crate::server_source::server;
use crate::{mysql, postgres};

const USER_HEADER: &str = "ddcloud-datasource-user";
const PASSWORD_HEADER: &str = "ddcloud-datasource-password";

/// A data source whose users sign in themselves, and the statement that asks the database itself.
struct Office<'d> {
    server: TestServer,
    id: Value,
    ask: Box<dyn Fn(&str) -> String + 'd>,
    /// What the names of users in the database begin with, because they are those of the whole server.
    prefix: &'d str,
}

impl<'d> Office<'d> {
    /// The administrator owns the data source, and shares it with the other user.
    async fn open(
        mut payload: Value,
        takes: &str,
        prefix: &'d str,
        ask: impl Fn(&str) -> String + 'd,
    ) -> Self {
        let server = server().await;
        payload["writable"] = true.into();
        payload["options"]["UserCredentials"] = takes.into();
        let made = server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload).send().await.expect(201);
        let id = made.json()["id"].clone();
        let share = json!({ "sharedUsers": [{ "userName": USER.name }] });
        let path = format!("/api/mgmt/datasources/{id}/sharedUsers");
        server.put(&path).basic(&ADMIN).json(&share).send().await.expect(200);
        Self { server, id, ask: Box::new(ask), prefix }
    }

    fn name(&self, user: &str) -> String {
        format!("{}_{user}", self.prefix)
    }

    async fn send(
        &self,
        user: &TestUser,
        login: Option<(&str, &str)>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut call = self.server.call(method, &format!("/api/odata4/office{path}")).basic(user);
        if let Some((name, password)) = login {
            let name = self.name(name);
            call = call.header(USER_HEADER, &name).header(PASSWORD_HEADER, password);
        }
        match body {
            Some(body) => call.json(body).send().await,
            None => call.header("prefer", "maxpagesize=2").send().await,
        }
    }

    async fn get(&self, user: &TestUser, login: Option<(&str, &str)>, path: &str) -> Answer {
        self.send(user, login, Method::GET, path, None).await
    }

    /// Two users side by side, each with the rights of the own login.
    async fn each_has_the_own_rights(&self) {
        let (north, south) = (Some(("north", "pn")), Some(("south", "ps")));
        let both = |path: &'static str| async move {
            tokio::join!(self.get(&ADMIN, north, path), self.get(&USER, south, path))
        };
        for _ in 0..4 {
            let (one, other) = both("/orders/$count").await;
            assert_eq!(one.expect(200).text(), "5");
            assert_eq!(code(&other.expect(403)), "DatabaseForbids");
            let (one, other) = both("/lines/$count").await;
            assert_eq!(other.expect(200).text(), "3");
            assert_eq!(code(&one.expect(403)), "DatabaseForbids");
        }
        // The same user with another login, and another user with the same one.
        assert_eq!(self.get(&USER, north, "/orders/$count").await.expect(200).text(), "5");
        assert_eq!(code(&self.get(&USER, south, "/orders(1)").await.expect(403)), "DatabaseForbids");
        // The metadata document is about the structure, which nobody's login changes.
        for login in [None, north, south] {
            let metadata = self.get(&USER, login, "/$metadata").await.expect(200);
            assert!(metadata.text().contains("EntityType Name=\"lines\""), "{}", metadata.text());
        }
        self.pages_and_changes(north, south).await;
        self.groups_and_batches(north).await;
        self.agents(north).await;
    }

    async fn pages_and_changes(&self, north: Option<(&str, &str)>, south: Option<(&str, &str)>) {
        let page = self.get(&ADMIN, north, "/orders").await.expect(200).json();
        let link = page["@odata.nextLink"].as_str().unwrap();
        let next = link.split_once("/odata4/office").unwrap().1;
        // A link has no login in it.
        assert_eq!(self.get(&ADMIN, north, next).await.expect(200).json()["value"][0]["id"], 3);
        assert_eq!(code(&self.get(&ADMIN, None, next).await.expect(403)), "DatabaseLoginMissing");
        assert_eq!(code(&self.get(&ADMIN, south, next).await.expect(403)), "DatabaseForbids");

        let post = async |login, id: i64| {
            self.send(&ADMIN, login, Method::POST, "/orders", Some(&json!({ "id": id }))).await
        };
        post(north, 6).await.expect(201);
        assert_eq!(code(&post(south, 7).await.expect(403)), "DatabaseForbids");
        assert_eq!(code(&post(None, 7).await.expect(403)), "DatabaseLoginMissing");
        assert_eq!(code(&post(Some(("north", "other")), 7).await.expect(403)), "DatabaseLoginRefused");
        assert_eq!((self.ask)("SELECT max(id) FROM orders"), "6");
    }

    async fn groups_and_batches(&self, north: Option<(&str, &str)>) {
        let group = json!({ "name": "all", "isGroup": true });
        let made =
            self.server.post("/api/mgmt/datasources").basic(&ADMIN).json(&group).send().await.expect(201);
        let members = json!({ "members": [{ "id": self.id, "entityPrefix": "d" }] });
        let path = format!("/api/mgmt/datasources/{}/members", made.json()["id"]);
        self.server.put(&path).basic(&ADMIN).json(&members).send().await.expect(200);
        let name = self.name("north");
        let count = self.server.get("/api/odata4/all/d_orders/$count").basic(&ADMIN);
        let count = count.header(USER_HEADER, &name).header(PASSWORD_HEADER, "pn").send().await.expect(200);
        assert_eq!(count.text(), "6");
        let without = self.server.get("/api/odata4/all/d_orders").basic(&ADMIN).send().await.expect(403);
        assert_eq!(code(&without), "DatabaseLoginMissing");
        // The login of a batch is that of each request in it, none of which has its own.
        let batch = json!({ "requests": [
            { "id": "1", "method": "get", "url": "orders/$count" },
            { "id": "2", "method": "get", "url": "orders/$count", "headers": { USER_HEADER: name } },
        ] });
        let answers =
            self.send(&ADMIN, north, Method::POST, "/$batch", Some(&batch)).await.expect(200).json();
        let statuses: Vec<_> = (0..2).map(|at| answers["responses"][at]["status"].clone()).collect();
        assert_eq!(statuses, [json!(200), json!(400)], "{answers}");
    }

    /// An agent signs in with each message.
    async fn agents(&self, north: Option<(&str, &str)>) {
        let token = self.server.access_token(&ADMIN, ApplicationId::new(1), BuiltInScope::Mcp.into()).await;
        let arguments = json!({ "entity": "orders", "top": 1 });
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "query", "arguments": arguments },
        });
        for login in [north, None] {
            let mut call = self.server.call(Method::POST, "/mcp/office").bearer(&token);
            call = call.header("mcp-protocol-version", "2025-11-25");
            if let Some((name, password)) = login {
                call = call.header(USER_HEADER, self.name(name)).header(PASSWORD_HEADER, password);
            }
            let answer = call.json(&message).send().await.expect(200);
            let is_refused = answer.json()["result"]["isError"].clone();
            assert_eq!(is_refused, login.is_none(), "{}", answer.text());
        }
    }

    /// A wrong password concerns only who has sent it, and cannot be guessed.
    async fn nobody_guesses(&self) {
        let guess = async |password: &str| self.get(&USER, Some(("north", password)), "/orders").await;
        let refused = guess("wrong").await.expect(403);
        assert_eq!(code(&refused), "DatabaseLoginRefused");
        assert!(!refused.text().contains("north") && !refused.text().contains("wrong"), "{}", refused.text());
        for login in [Some(("nobody", "pn")), Some(("", "pn"))] {
            assert_eq!(code(&self.get(&USER, login, "/orders").await.expect(403)), "DatabaseLoginRefused");
        }
        let mut last = guess("1").await;
        for at in 2..40 {
            if last.status() == 429 {
                break;
            }
            last = guess(&at.to_string()).await;
        }
        assert_eq!(code(&last.expect(429)), "TooManyRequests");
        // Not even the right one, so that nobody learns it; everybody else goes on.
        let stopped = guess("pn").await;
        assert!(matches!(stopped.status(), 200 | 429), "a connection that waits needs no password");
        self.get(&ADMIN, Some(("north", "pn")), "/orders").await.expect(200);
        self.server.clock().advance_secs(60);
        guess("pn").await.expect(200);
        let audit = self.server.get("/api/admin/audit?action=access.refuse").basic(&ADMIN).send().await;
        assert!(!audit.text().contains("wrong"), "{}", audit.text());
    }

    /// Half a login, or one that is none, and none at all.
    async fn what_is_no_login_is_refused(&self) {
        assert_eq!(code(&self.get(&ADMIN, None, "/orders").await.expect(403)), "DatabaseLoginMissing");
        for (name, value) in [(USER_HEADER, "x"), (PASSWORD_HEADER, "s3cret")] {
            let call = self.server.get("/api/odata4/office/orders").basic(&ADMIN).header(name, value);
            let refused = call.send().await.expect(400);
            assert_eq!(code(&refused), "DatabaseLoginInvalid");
            assert!(!refused.text().contains("s3cret"), "{}", refused.text());
        }
    }

    /// The old password ends with the connections on which it was given.
    async fn a_changed_password_counts(&self, change: &str) {
        let get = async |password| self.get(&ADMIN, Some(("north", password)), "/orders/$count").await;
        get("pn").await.expect(200);
        (self.ask)(change);
        get("new").await.expect(200);
        // The connections of the old password were closed when the new one was accepted.
        assert_eq!(code(&get("pn").await.expect(403)), "DatabaseLoginRefused");
        get("new").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_postgresql_sign_in_with_each_request() {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&postgres_tables(&name));
    let payload = postgres::payload("office", &postgres::options(&database.url()));
    let office = Office::open(payload, "request", &name, |sql| database.run(sql)).await;
    office.what_is_no_login_is_refused().await;
    office.each_has_the_own_rights().await;
    office.a_changed_password_counts(&format!("ALTER ROLE {name}_north PASSWORD 'new'")).await;
    database.run(&format!("ALTER ROLE {name}_north PASSWORD 'pn'"));
    office.nobody_guesses().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_mariadb_sign_in_with_each_request() {
    let database = MariaDbServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&mariadb_tables(&name));
    let payload = mysql::payload("office", &mysql::options(database.server(), database.name()));
    let office = Office::open(payload, "request", &name, |sql| database.run(sql)).await;
    office.what_is_no_login_is_refused().await;
    office.each_has_the_own_rights().await;
    office.a_changed_password_counts(&format!("ALTER USER {name}_north IDENTIFIED BY 'new'")).await;
    database.run(&format!("ALTER USER {name}_north IDENTIFIED BY 'pn'"));
    office.nobody_guesses().await;
}

impl Office<'_> {
    /// Stores a login of a user, or deletes it.
    async fn store(&self, user: &TestUser, login: Option<(&str, &str)>, status: u16) -> Answer {
        let path = format!("/api/mgmt/datasources/{}/credentials", self.id);
        let Some((name, password)) = login else {
            return self.server.delete(&path).basic(user).send().await.expect(status);
        };
        let body = json!({ "user": self.name(name), "password": password });
        self.server.put(&path).basic(user).json(&body).send().await.expect(status)
    }

    /// Each user has the own stored login, which ends as it should.
    async fn each_has_the_stored_login(&self, change: &str, elsewhere: &Value) {
        let get = async |user: &TestUser, path: &str| self.get(user, None, path).await;
        assert_eq!(code(&get(&ADMIN, "/orders").await.expect(403)), "DatabaseLoginMissing");
        self.store(&ADMIN, Some(("north", "pn")), 204).await;
        self.store(&USER, Some(("south", "ps")), 204).await;
        let (one, other) = tokio::join!(get(&ADMIN, "/orders/$count"), get(&USER, "/lines/$count"));
        assert_eq!((one.expect(200).text(), other.expect(200).text()), ("5", "3"));
        assert_eq!(code(&get(&USER, "/orders").await.expect(403)), "DatabaseForbids");
        // Headers are not taken by this source, and the old password ends with the new one.
        assert_eq!(
            code(&self.get(&ADMIN, Some(("north", "pn")), "/orders").await.expect(501)),
            "NotImplemented"
        );
        (self.ask)(change);
        self.store(&ADMIN, Some(("north", "wrong")), 204).await;
        assert_eq!(code(&get(&ADMIN, "/orders").await.expect(403)), "DatabaseLoginRefused");
        self.store(&ADMIN, Some(("north", "new")), 204).await;
        get(&ADMIN, "/orders").await.expect(200);
        get(&USER, "/lines").await.expect(200);

        // Nothing shows what is stored, and nobody stores it for somebody else.
        let path = format!("/api/mgmt/datasources/{}", self.id);
        let shown = self.server.get(&path).basic(&ADMIN).send().await.expect(200);
        let audit = self.server.get("/api/admin/audit").basic(&ADMIN).send().await.expect(200);
        for text in [shown.text(), audit.text()] {
            assert!(!text.contains("north") && !text.contains("\"new\""), "{text}");
        }
        assert!(audit.text().contains("data_source.store_credentials"), "{}", audit.text());
        let behalf = format!("{path}/credentials?user={}", USER.name);
        let body = json!({ "user": "a", "password": "b" });
        self.server.put(&behalf).basic(&ADMIN).json(&body).send().await.expect(403);

        self.store(&ADMIN, None, 204).await;
        assert_eq!(code(&get(&ADMIN, "/orders").await.expect(403)), "DatabaseLoginMissing");
        // Who leads the data source to another place does not get the passwords that were stored for this one.
        let mut moved = shown.json();
        for (name, value) in elsewhere.as_object().unwrap() {
            moved["options"][name] = value.clone();
        }
        self.server.put(&path).basic(&ADMIN).json(&moved).send().await.expect(200);
        assert_eq!(code(&get(&USER, "/lines").await.expect(403)), "DatabaseLoginMissing");
        self.store(&USER, Some(("south", "ps")), 204).await;
        get(&USER, "/lines").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_postgresql_sign_in_with_what_they_have_stored() {
    let database = PostgresServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&postgres_tables(&name));
    let options = postgres::options(&database.url());
    let payload = postgres::payload("office", &options);
    let office = Office::open(payload, "stored", &name, |sql| database.run(sql)).await;
    let change = format!("ALTER ROLE {name}_north PASSWORD 'new'");
    let elsewhere = json!({ "HostNameInCertificate": "db.example.com", "Password": options["Password"] });
    office.each_has_the_stored_login(&change, &elsewhere).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_mariadb_sign_in_with_what_they_have_stored_or_send() {
    let database = MariaDbServer::shared().create_database();
    let name = database.name().to_owned();
    database.run(&mariadb_tables(&name));
    let payload = mysql::payload("office", &mysql::options(database.server(), database.name()));
    let office = Office::open(payload, "requestOrStored", &name, |sql| database.run(sql)).await;
    office.store(&ADMIN, Some(("north", "pn")), 204).await;
    assert_eq!(office.get(&ADMIN, None, "/orders/$count").await.expect(200).text(), "5");
    // What the request says counts, and a wrong login is not replaced by the stored one.
    assert_eq!(office.get(&ADMIN, Some(("south", "ps")), "/lines/$count").await.expect(200).text(), "3");
    let wrong = office.get(&ADMIN, Some(("south", "pn")), "/orders").await.expect(403);
    assert_eq!(code(&wrong), "DatabaseLoginRefused");
    assert_eq!(code(&office.get(&USER, None, "/orders").await.expect(403)), "DatabaseLoginMissing");
    for body in [
        json!({ "user": "", "password": "x" }),
        json!({ "user": "a", "password": "" }),
        json!({ "user": "a" }),
    ] {
        let path = format!("/api/mgmt/datasources/{}/credentials", office.id);
        office.server.put(&path).basic(&USER).json(&body).send().await.expect(400);
    }
}

fn postgres_tables(name: &str) -> String {
    format!(
        "CREATE TABLE orders (id integer PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 5);
         CREATE TABLE lines (id integer PRIMARY KEY); INSERT INTO lines SELECT generate_series(1, 3);
         CREATE ROLE {name}_north LOGIN PASSWORD 'pn'; CREATE ROLE {name}_south LOGIN PASSWORD 'ps';
         GRANT SELECT, INSERT ON orders TO {name}_north; GRANT SELECT ON lines TO {name}_south"
    )
}

fn mariadb_tables(name: &str) -> String {
    format!(
        "CREATE TABLE orders (id integer PRIMARY KEY); INSERT INTO orders SELECT seq FROM seq_1_to_5;
         CREATE TABLE `lines` (id integer PRIMARY KEY); INSERT INTO `lines` SELECT seq FROM seq_1_to_3;
         CREATE USER {name}_north IDENTIFIED BY 'pn'; CREATE USER {name}_south IDENTIFIED BY 'ps';
         GRANT SELECT, INSERT ON orders TO {name}_north; GRANT SELECT ON `lines` TO {name}_south"
    )
}
