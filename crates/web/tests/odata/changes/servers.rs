//! Changes of databases of servers.

use http::Method;
use serde_json::{Value, json};
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Answer, TestServer};

use crate::server_source::server;
use crate::{mysql, postgres};

/// A server with a writable data source, and the statement that asks the database itself.
pub(super) struct Books<'d> {
    pub(super) server: TestServer,
    pub(super) ask: Box<dyn Fn(&str) -> String + 'd>,
}

impl<'d> Books<'d> {
    pub(super) async fn open(mut payload: Value, ask: impl Fn(&str) -> String + 'd) -> Self {
        let server = server().await;
        payload["writable"] = true.into();
        server.post("/api/mgmt/datasources").basic(&ADMIN).json(&payload).send().await.expect(201);
        Self { server, ask: Box::new(ask) }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        rest: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let path = format!("/api/odata4/books{rest}");
        let mut call = self.server.call(method, &path).basic(&ADMIN);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        match body {
            Some(body) => call.json(body).send().await,
            None => call.send().await,
        }
    }

    /// Creates, changes and deletes rows, and breaks each kind of rule.
    async fn are_changed(&self) {
        let post = async |set: &str, body: Value| self.send(Method::POST, set, &[], Some(&body)).await;
        let made =
            post("/accounts", json!({ "name": "Petty", "balance": 12.5, "at": "2024-02-29T10:03:00Z" }));
        let made = made.await.expect(201);
        let body = made.json();
        let id = body["id"].as_i64().unwrap();
        assert!(
            made.header("location").ends_with(&format!("/accounts({id})")),
            "{}",
            made.header("location")
        );
        assert_eq!((&body["balance"], &body["note"]), (&json!(12.5), &json!("none")), "{body}");
        assert_eq!(body["at"], "2024-02-29T10:03:00Z");
        let address = format!("/accounts({id})");
        assert_eq!(self.send(Method::GET, &address, &[], None).await.expect(200).json(), body);
        assert_eq!((self.ask)(&format!("SELECT name FROM accounts WHERE id = {id}")), "Petty");
        self.has_one_tag(&address, made.header("etag")).await;

        let patch = json!({ "balance": "9007199254740993.25", "note": null, "id": 77 });
        let target = format!("/api/odata4/books{address}");
        let call = self.server.call(Method::PATCH, &target).basic(&ADMIN);
        let exact = call.body("application/json;IEEE754Compatible=true", patch.to_string());
        let patched = exact.send().await.expect(204);
        assert_eq!(
            (self.ask)(&format!("SELECT balance FROM accounts WHERE id = {id} AND note IS NULL")),
            "9007199254740993.25"
        );
        let tag = patched.header("etag").to_owned();
        let (other, same) = ([("if-match", "W/\"0\"")], [("if-match", tag.as_str())]);
        let name = |name: &str| json!({ "name": name });
        self.send(Method::PATCH, &address, &other, Some(&name("x"))).await.expect(412);
        self.send(Method::PATCH, &address, &same, Some(&name("y"))).await.expect(204);
        self.send(Method::PATCH, &address, &same, Some(&name("z"))).await.expect(412);
        assert_eq!((self.ask)(&format!("SELECT name FROM accounts WHERE id = {id}")), "y");

        // PUT gives the rest its default, and creates what is not there.
        self.send(Method::PUT, &address, &[], Some(&name("whole"))).await.expect(204);
        assert_eq!(
            (self.ask)(&format!(
                "SELECT count(*) FROM accounts WHERE id = {id} AND note = 'none' AND balance = 0"
            )),
            "1"
        );
        self.send(Method::PUT, "/accounts(500)", &[], Some(&name("new"))).await.expect(201);
        let taken = post("/accounts", name("new")).await.expect(409);
        assert!(
            !taken.text().contains("Duplicate") && !taken.text().contains("violates"),
            "{}",
            taken.text()
        );
        post("/lines", json!({ "account": 4711, "number": 1 })).await.expect(409);
        post("/lines", json!({ "account": 500, "number": 1 })).await.expect(201);
        self.related_have_tags("/accounts(500)", "/lines(account=500,number=1)").await;
        self.send(Method::DELETE, "/accounts(500)", &[], None).await.expect(409);
        post("/accounts", json!({ "name": null })).await.expect(400);
        post("/accounts", name(&"x".repeat(41))).await.expect(400);
        post("/accounts", json!({ "name": "poor", "balance": -1 })).await.expect(400);
        assert_eq!((self.ask)("SELECT count(*) FROM accounts"), "2");

        self.send(Method::DELETE, "/lines(account=500,number=1)", &[], None).await.expect(204);
        self.send(Method::DELETE, "/accounts(500)", &[], None).await.expect(204);
        self.send(Method::DELETE, "/accounts(500)", &[], None).await.expect(404);
        assert_eq!((self.ask)("SELECT count(*) FROM accounts"), "1");
        let left = self.send(Method::GET, "/accounts/$count", &[], None).await.expect(200);
        assert_eq!(left.text(), "1");
    }

    /// Whether reads of an account answer this tag, as a change has.
    async fn has_one_tag(&self, address: &str, tag: &str) {
        for options in ["", "?$select=note", "?$select=id&$expand=lines", "?$expand=lines($expand=accounts)"]
        {
            let read = self.send(Method::GET, &format!("{address}{options}"), &[], None).await.expect(200);
            let header = if options.contains("$expand") { "" } else { tag };
            assert_eq!(
                (read.header("etag"), &read.json()["@odata.etag"]),
                (header, &json!(tag)),
                "{options}"
            );
        }
        for options in
            ["?$select=at", "?$orderby=balance&$top=5", "?$select=at&$expand=lines($select=number)"]
        {
            let page =
                self.send(Method::GET, &format!("/accounts{options}"), &[], None).await.expect(200).json();
            assert_eq!(page["value"][0]["@odata.etag"], tag, "{options}");
        }
        self.send(Method::GET, address, &[("if-none-match", tag)], None).await.expect(304);
        self.send(Method::GET, address, &[("if-match", "\"x\"")], None).await.expect(412);
    }

    /// Whether related entities have the tags that they have by themselves.
    async fn related_have_tags(&self, owner: &str, line: &str) {
        let own = self.send(Method::GET, line, &[], None).await.expect(200).header("etag").to_owned();
        let account = self.send(Method::GET, owner, &[], None).await.expect(200).header("etag").to_owned();
        for options in ["$expand=lines", "$expand=lines($top=1;$expand=accounts($select=id))"] {
            let read =
                self.send(Method::GET, &format!("{owner}?{options}"), &[], None).await.expect(200).json();
            let line = &read["lines"][0];
            assert_eq!(line["@odata.etag"], own, "{options}");
            assert!(line.get("accounts").is_none_or(|of| of["@odata.etag"] == account), "{read}");
        }
    }

    /// Sets and removes references by either end.
    async fn relate(&self) {
        let made =
            self.send(Method::POST, "/accounts", &[], Some(&json!({ "name": "owner" }))).await.expect(201);
        let id = made.json()["id"].as_i64().unwrap();
        self.send(Method::PUT, "/notes(1)", &[], Some(&json!({}))).await.expect(201);
        let owner = || (self.ask)("SELECT coalesce(account, 0) FROM notes WHERE id = 1");
        let to = |address: String| json!({ "@odata.id": address });
        for (method, path, body, expected) in [
            (Method::PUT, "/notes(1)/accounts/$ref".to_owned(), Some(to(format!("accounts({id})"))), id),
            (Method::DELETE, format!("/accounts({id})/notes(1)/$ref"), None, 0),
            (Method::POST, format!("/accounts({id})/notes/$ref"), Some(to("notes(1)".to_owned())), id),
            (Method::DELETE, format!("/accounts({id})/notes/$ref?$id=notes(1)"), None, 0),
            (Method::DELETE, "/notes(1)/accounts/$ref".to_owned(), None, 0),
        ] {
            let answer = self.send(method.clone(), &path, &[], body.as_ref()).await;
            assert_eq!(
                (answer.status(), owner()),
                (204, expected.to_string()),
                "{method} {path} {}",
                answer.text()
            );
        }
        let unrelated = self.send(Method::DELETE, &format!("/accounts({id})/notes(1)/$ref"), &[], None).await;
        unrelated.expect(404);
        let note = json!({ "id": 5 });
        let made =
            self.send(Method::POST, &format!("/accounts({id})/notes"), &[], Some(&note)).await.expect(201);
        assert_eq!(made.json()["account"], id);
        self.send(Method::DELETE, &format!("/accounts({id})/notes(5)"), &[], None).await.expect(204);
        self.send(Method::DELETE, &format!("/accounts({id})/notes(1)"), &[], None).await.expect(404);
        let lost = to("accounts(4711)".to_owned());
        self.send(Method::PUT, "/notes(1)/accounts/$ref", &[], Some(&lost)).await.expect(409);
    }

    /// Creates entities with those that are related to them, all or none.
    async fn are_created_deep(&self) {
        let post = async |set: &str, body: Value| self.send(Method::POST, set, &[], Some(&body)).await;
        let body =
            json!({ "name": "deep", "lines": [{ "number": 1 }, { "number": 2 }], "notes": [{ "id": 70 }] });
        let made = post("/accounts", body).await.expect(201);
        let shown = made.json();
        let id = &shown["id"];
        let numbers: Vec<_> = shown["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (&line["account"], line["number"].clone()))
            .collect();
        assert_eq!(numbers, [(id, json!(1)), (id, json!(2))], "{shown}");
        assert_eq!((&shown["notes"][0]["account"], &shown["@odata.etag"]), (id, &json!(made.header("etag"))));
        let read = format!("/accounts({id})?$expand=lines,notes");
        let mut read = self.send(Method::GET, &read, &[], None).await.expect(200).json();
        read["@odata.context"] = shown["@odata.context"].clone();
        assert_eq!(read, shown);

        let made =
            post("/notes", json!({ "id": 71, "accounts": { "name": "first", "lines": [{ "number": 9 }] } }));
        let shown = made.await.expect(201).json();
        assert_eq!(
            (&shown["account"], &shown["accounts"]["lines"][0]["number"]),
            (&shown["accounts"]["id"], &json!(9))
        );

        for (body, status, place) in [
            (json!({ "name": "none", "lines": [{ "number": 1 }, { "number": 1 }] }), 409, "lines[1]"),
            (json!({ "name": "none", "lines": [{ "number": 1 }], "notes": [{ "id": 70 }] }), 409, "notes[0]"),
            (json!({ "name": "none", "lines": [{ "number": 1 }, {}] }), 400, "lines[1]"),
        ] {
            let refused = post("/accounts", body).await.expect(status);
            assert!(refused.text().contains(place), "{}", refused.text());
        }
        assert_eq!((self.ask)("SELECT count(*) FROM accounts WHERE name = 'none'"), "0");
    }

    /// Changes an entity with those that are related to it, all or none.
    async fn are_updated_deep(&self) {
        let post = async |set: &str, body: Value| self.send(Method::POST, set, &[], Some(&body)).await;
        let made = post(
            "/accounts",
            json!({ "name": "deeper", "lines": [{ "number": 1 }], "notes": [{ "id": 80 }, { "id": 81 }] }),
        );
        let id = made.await.expect(201).json()["id"].as_i64().unwrap();
        let path = format!("/accounts({id})");
        let change = async |body: Value| {
            self.send(Method::PATCH, &path, &[("prefer", "return=representation")], Some(&body)).await
        };
        let ids = |shown: &Value| -> Vec<i64> {
            shown["notes"].as_array().unwrap().iter().map(|note| note["id"].as_i64().unwrap()).collect()
        };
        post("/notes", json!({ "id": 82 })).await.expect(201);
        let whole = json!({
            "balance": 3, "lines": [{ "number": 2 }, { "number": 1 }],
            "notes": [{ "@id": "notes(82)" }, { "id": 81 }, { "id": 83 }],
        });
        let shown = change(whole).await.expect(200).json();
        assert_eq!((ids(&shown), &shown["lines"][1]["number"]), (vec![81, 82, 83], &json!(2)), "{shown}");
        let delta = json!({ "notes@delta": [
            { "@removed": { "reason": "deleted" }, "id": 81 }, { "@removed": { "reason": "changed" }, "@id": "notes(82)" },
            { "@odata.id": "notes(80)" }, { "id": 84 },
        ] });
        let shown = change(delta).await.expect(200).json();
        assert_eq!(ids(&shown), [80, 83, 84], "{shown}");
        assert_eq!(
            (self.ask)("SELECT count(*) FROM notes WHERE id = 81 OR id = 82 AND account IS NULL"),
            "1"
        );
        let owner = json!({ "accounts": { "id": id, "note": "by a note" } });
        self.send(Method::PATCH, "/notes(82)", &[], Some(&owner)).await.expect(204);
        assert_eq!(
            (self.ask)(
                "SELECT note FROM accounts JOIN notes ON notes.account = accounts.id WHERE notes.id = 82"
            ),
            "by a note"
        );

        for (body, status, place) in [
            (json!({ "note": "none", "notes": [], "lines": [{ "number": 2 }] }), 400, "lines"),
            (json!({ "note": "none", "notes": [{ "id": 80, "account": 4711 }] }), 400, "notes[0]"),
            (
                json!({ "note": "none", "notes": [], "lines": [{ "number": 1 }, { "number": 2 }, {}] }),
                400,
                "lines[2]",
            ),
        ] {
            let refused = change(body).await.expect(status);
            assert!(refused.text().contains(place), "{}", refused.text());
        }
        assert_eq!((self.ask)(&format!("SELECT count(*) FROM notes WHERE account = {id}")), "4");
        assert_eq!((self.ask)("SELECT count(*) FROM accounts WHERE note = 'none' AND name = 'deeper'"), "0");
    }

    /// A group is made as a whole, and a failed one leaves nothing behind.
    async fn change_together(&self) {
        let group = async |name: &str| {
            let request = |id: &str, method: &str, url: &str, body: Value| json!({ "id": id, "method": method, "url": url, "atomicityGroup": "g", "body": body });
            let requests = [
                request("1", "post", "accounts", json!({ "name": "both" })),
                request("2", "patch", "$1", json!({ "note": "together" })),
                request("3", "post", "accounts", json!({ "name": name })),
            ];
            let batch = json!({ "requests": requests });
            let answer = self.send(Method::POST, "/$batch", &[], Some(&batch)).await.expect(200).json();
            let responses = answer["responses"].as_array().unwrap().iter();
            responses.map(|one| one["status"].as_u64().unwrap()).collect::<Vec<_>>()
        };
        let count = || (self.ask)("SELECT count(*) FROM accounts WHERE name IN ('both', 'other')");
        assert_eq!(group("both").await, [424, 424, 409]);
        assert_eq!(count(), "0");
        assert_eq!(group("other").await, [201, 204, 201]);
        assert_eq!(count(), "2");
        assert_eq!((self.ask)("SELECT note FROM accounts WHERE name = 'both'"), "together");
    }

    /// Of writers who saw the same state, one wins.
    async fn change_once(&self) {
        let put = json!({ "name": "race" });
        let made = self.send(Method::PUT, "/accounts(900)", &[], Some(&put)).await.expect(201);
        let tag = made.header("etag").to_owned();
        let write = async |name: &str| {
            let headers = [("if-match", tag.as_str())];
            let body = json!({ "name": name });
            self.send(Method::PATCH, "/accounts(900)", &headers, Some(&body)).await.status()
        };
        let mut found: [u16; 4] = tokio::join!(write("a"), write("b"), write("c"), write("d")).into();
        found.sort_unstable();
        assert_eq!(found, [204, 412, 412, 412]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_postgresql_is_changed() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TABLE accounts (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name varchar(40) NOT NULL UNIQUE,
            note text DEFAULT 'none', balance numeric(20,2) NOT NULL DEFAULT 0 CHECK (balance >= 0), at timestamptz);
         CREATE TABLE lines (account bigint NOT NULL REFERENCES accounts, number integer NOT NULL, PRIMARY KEY (account, number));
         CREATE TABLE notes (id bigint PRIMARY KEY, account bigint REFERENCES accounts)",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    books.are_changed().await;
    books.change_once().await;
    books.change_together().await;
    books.relate().await;
    books.are_created_deep().await;
    books.are_updated_deep().await;
}

/// The connection ends while the database checks what is deferred until `COMMIT`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_outcome_nobody_knows_is_recorded_as_such() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TABLE accounts (id bigint PRIMARY KEY, name text);
         CREATE FUNCTION takes_long() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER long AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION takes_long()",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    let body = json!({ "id": 1, "name": "lost" });
    let ends = async {
        let committing = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND query = 'COMMIT' AND wait_event = 'PgSleep'";
        while (books.ask)(committing) != "1" {
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(books.send(Method::POST, "/accounts", &[], Some(&body)), ends);
    assert_eq!(answer.expect(502).json()["error"]["code"], "OutcomeUnknown");
    let log = books.server.get("/api/admin/audit?action=data.change").basic(&ADMIN).send().await;
    let log = log.expect(200).json();
    let event = &log["events"][0];
    let said = (&event["outcome"], &event["subject"], &event["detail"]);
    assert_eq!(said, (&json!("unknown"), &json!("books/accounts"), &json!("create")), "{log}");
    assert_eq!((books.ask)("SELECT count(*) FROM accounts"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_mariadb_is_changed() {
    let database = MariaDbServer::shared().create_database();
    database.run(
        "CREATE TABLE accounts (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(40) NOT NULL UNIQUE,
            note varchar(40) DEFAULT 'none', balance decimal(20,2) NOT NULL DEFAULT 0 CHECK (balance >= 0), at datetime);
         CREATE TABLE `lines` (account bigint NOT NULL REFERENCES accounts (id), number integer NOT NULL,
            PRIMARY KEY (account, number));
         CREATE TABLE notes (id bigint PRIMARY KEY, account bigint REFERENCES accounts (id))",
    );
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    books.are_changed().await;
    books.change_once().await;
    books.change_together().await;
    books.relate().await;
    books.are_created_deep().await;
    books.are_updated_deep().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_row_of_mariadb_is_answered_by_its_own_key() {
    let database = MariaDbServer::shared().create_database();
    database.run(
        "CREATE TABLE counted (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(40));
         CREATE TABLE given (id bigint PRIMARY KEY DEFAULT (70 + 7), name varchar(40));
         INSERT INTO given VALUES (1, 'another');
         CREATE TABLE padded (id char(5) PRIMARY KEY, name varchar(40));
         CREATE TABLE floats (id float PRIMARY KEY, name varchar(40));
         CREATE TABLE numbered (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(40));
         INSERT INTO numbered VALUES (1, 'another');
         CREATE TRIGGER numbers BEFORE INSERT ON numbered FOR EACH ROW SET NEW.id = 500",
    );
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    let post = async |set: &str, body: Value| books.send(Method::POST, set, &[], Some(&body)).await;
    // The session has generated 1 for another table.
    assert_eq!(post("/counted", json!({ "name": "a" })).await.expect(201).json()["id"], 1);
    let missing = post("/given", json!({ "name": "b" })).await.expect(400);
    assert!(missing.text().contains("PropertyMissing"), "{}", missing.text());
    assert_eq!(post("/given", json!({ "id": 5, "name": "b" })).await.expect(201).json()["name"], "b");
    let numbered = post("/numbered", json!({ "name": "c" })).await;
    assert_ne!(numbered.status(), 201, "{}", numbered.text());
    assert_eq!((books.ask)("SELECT count(*) FROM numbered"), "1", "nothing is made that cannot be named");
    // A key of which the database would make another one is a value that it does not keep.
    for (set, key) in [("/padded", json!("ab ")), ("/floats", json!(16_777_217))] {
        let changed = post(set, json!({ "id": key, "name": "d" })).await.expect(400);
        assert!(
            changed.text().contains("\"BadValue\"") && changed.text().contains("id"),
            "{}",
            changed.text()
        );
    }
    assert_eq!((books.ask)("SELECT (SELECT count(*) FROM padded) + (SELECT count(*) FROM floats)"), "0");
    // Zero is a key like any other.
    assert_eq!(post("/counted", json!({ "id": 0, "name": "zero" })).await.expect(201).json()["id"], 0);
    books.send(Method::PUT, "/counted(0)", &[], Some(&json!({}))).await.expect(204);
    assert_eq!((books.ask)("SELECT count(*) FROM counted WHERE id = 0 AND name IS NULL"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_postgresql_looks_for_names_in_named_schemas_only() {
    let database = PostgresServer::shared().create_database();
    database
        .run("CREATE TABLE paths (id bigint PRIMARY KEY, path text DEFAULT current_setting('search_path'))");
    for (schemas, path) in [(None, "\"\""), (Some("public"), "pg_catalog, \"public\"")] {
        let mut options = postgres::options(&database.url());
        if let Some(schemas) = schemas {
            options["Schemas"] = schemas.into();
        }
        let books = Books::open(postgres::payload("books", &options), |sql| database.run(sql)).await;
        let made = books.send(Method::PUT, "/paths(1)", &[], Some(&json!({}))).await;
        assert!(matches!(made.status(), 201 | 204), "{}", made.text());
        assert_eq!((books.ask)("SELECT CASE path WHEN '' THEN '\"\"' ELSE path END FROM paths"), path);
    }
}

/// What the database itself refuses is a bad request, and says which property it is about if the database does.
async fn are_refused(books: &Books<'_>, refused: &[Value]) {
    for body in refused {
        let answer = books.send(Method::POST, "/bounded", &[], Some(body)).await.expect(400);
        assert!(answer.text().contains("\"BadValue\""), "{body}: {}", answer.text());
    }
    assert_eq!((books.ask)("SELECT count(*) FROM bounded"), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_postgresql_refuses_are_bad_requests() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TABLE bounded (id bigint PRIMARY KEY, n integer, \"more\" integer GENERATED ALWAYS AS (n * 1000) STORED, doc jsonb,
            note text, short varchar(5), wide char(5) GENERATED ALWAYS AS (note) STORED, day date,
            later date GENERATED ALWAYS AS (day + 2147483647) STORED, words tsvector, search tsquery, path jsonpath, kind regclass,
            ty regtype, call regproc, op regoper, role regrole, space regnamespace, box box, span int4range, address inet, raw bit(3))",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    let refused = [
        json!({ "id": 1, "n": 2_147_483_647 }),
        json!({ "id": 1, "doc": "{" }),
        json!({ "id": 1, "note": "a\u{0}b" }),
        json!({ "id": 1, "note": "longer" }),
        json!({ "id": 1, "short": "longer" }),
        json!({ "id": 1, "day": "2024-01-01" }),
    ];
    are_refused(&books, &refused).await;
    // Each of these types has an error of its own for what is none of its values: of syntax, of an unknown name, of form.
    let malformed = [
        ("words", "'hunter2"),
        ("search", "hunter2 &"),
        ("path", "$."),
        ("kind", "hunter2"),
        ("ty", "hunter2"),
        ("call", "hunter2"),
        ("op", "hunter2"),
        ("role", "hunter2"),
        ("space", "hunter2"),
        ("box", "hunter2"),
        ("span", "[2,1]"),
        ("address", "hunter2"),
        ("raw", "12"),
    ];
    are_refused(&books, &malformed.map(|(name, value)| json!({ "id": 1, name: value }))).await;
    books.send(Method::POST, "/bounded", &[], Some(&json!({ "id": 2 }))).await.expect(201);
    for (name, value) in malformed {
        let change = json!({ name: value });
        let answer = books.send(Method::PATCH, "/bounded(2)", &[], Some(&change)).await.expect(400);
        assert!(answer.text().contains("\"BadValue\""), "{change}: {}", answer.text());
        // It is compared as a text, so nothing is malformed.
        let filter = format!(
            "/bounded?$filter={name}%20eq%20'{}'",
            value.replace('\'', "''").replace('&', "%26").replace(' ', "%20")
        );
        let found = books.send(Method::GET, &filter, &[], None).await.expect(200).json();
        assert_eq!(found["value"], json!([]), "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_mariadb_refuses_are_bad_requests() {
    let database = MariaDbServer::shared().create_database();
    database.run(
        "CREATE TABLE bounded (id bigint PRIMARY KEY, n integer, more smallint AS (n * 1000) STORED, note varchar(40),
            short varchar(5) AS (note) STORED, born year, kind enum('a', 'b'), big bigint, bigger bigint AS (big * 1000) STORED)",
    );
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    let refused = [
        json!({ "id": 1, "n": 2_147_483_647 }),
        json!({ "id": 1, "note": "longer" }),
        json!({ "id": 1, "born": 3000 }),
        json!({ "id": 1, "kind": "c" }),
        json!({ "id": 1, "big": i64::MAX }),
    ];
    are_refused(&books, &refused).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_that_have_no_number_left_say_so() {
    let (postgresql, mariadb) =
        (PostgresServer::shared().create_database(), MariaDbServer::shared().create_database());
    postgresql.run(
        "CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY (START WITH 2 MAXVALUE 2) PRIMARY KEY, name text)",
    );
    mariadb
        .run("CREATE TABLE counted (id tinyint AUTO_INCREMENT PRIMARY KEY, name text) AUTO_INCREMENT = 127");
    let of_postgresql = postgres::payload("books", &postgres::options(&postgresql.url()));
    let of_mariadb = mysql::payload("books", &mysql::options(mariadb.server(), mariadb.name()));
    for payload in [of_postgresql, of_mariadb] {
        let books = Books::open(payload, |_| String::new()).await;
        let post =
            || async { books.send(Method::POST, "/counted", &[], Some(&json!({ "name": "x" }))).await };
        post().await.expect(201);
        let used_up = post().await.expect(507);
        assert!(used_up.text().contains("\"NumbersUsedUp\""), "{}", used_up.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_postgresql_counts_keeps_its_number() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TABLE counted (id bigint PRIMARY KEY, one bigserial, other bigint GENERATED BY DEFAULT AS IDENTITY,
            note text DEFAULT 'none');
         INSERT INTO counted (id) VALUES (1), (2)",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    let books = Books::open(payload, |sql| database.run(sql)).await;
    books
        .send(Method::PATCH, "/counted(1)", &[], Some(&json!({ "note": "x", "other": 77 })))
        .await
        .expect(204);
    books.send(Method::PUT, "/counted(1)", &[], Some(&json!({}))).await.expect(204);
    let row = (books.ask)("SELECT one || ' ' || other || ' ' || note FROM counted WHERE id = 1");
    assert_eq!(row, "1 77 none");
    let made = books.send(Method::POST, "/counted", &[], Some(&json!({ "id": 3 }))).await.expect(201).json();
    assert_eq!((&made["one"], &made["other"]), (&json!(3), &json!(3)), "{made}");
}

/// Whether the only row of a table has the same tag wherever it is read.
async fn has_one_tag_everywhere(books: &Books<'_>) {
    let unchanged = books.send(Method::PATCH, "/wide(1)", &[], Some(&json!({}))).await.expect(204);
    let tag = unchanged.header("etag");
    for rest in ["/wide(1)", "/wide(1)?$select=id", "/narrow(1)/wide"] {
        let read = books.send(Method::GET, rest, &[], None).await.expect(200);
        assert_eq!(read.header("etag"), tag, "{rest} {}", read.text());
    }
    for rest in ["/wide", "/wide?$select=id&$orderby=c%20desc,f", "/wide?$expand=narrow&$top=1"] {
        let page = books.send(Method::GET, rest, &[], None).await.expect(200).json();
        assert_eq!(page["value"][0]["@odata.etag"], tag, "{rest} {page}");
    }
    for rest in ["/narrow?$expand=wide($select=id)", "/narrow?$expand=wide($expand=narrow($top=1))"] {
        let page = books.send(Method::GET, rest, &[], None).await.expect(200).json();
        assert_eq!(page["value"][0]["wide"]["@odata.etag"], tag, "{rest} {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_postgresql_has_one_tag_whatever_its_types() {
    let database = PostgresServer::shared().create_database();
    database.run(
        "CREATE TABLE wide (id bigint PRIMARY KEY, a smallint, b real, c double precision, d numeric(30,10), e numeric, f text,
            g bytea, h uuid, i date, j time, k timestamp, l timestamptz, m interval, n jsonb, o boolean, p char(5));
         INSERT INTO wide VALUES (1, 7, 0.1, 0.1, 12345678901234567890.0123456789, 1e30, 'ä', '\\x00ff',
            'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-02-29', '23:59:59.999999', '2024-02-29 10:03:00.5', '2024-02-29 10:03:00+02',
            '1 day 02:03:04.5', '{\"b\": [1, 2.50], \"a\": null}', true, 'ab');
         CREATE TABLE narrow (id bigint PRIMARY KEY, source bigint REFERENCES wide);
         INSERT INTO narrow VALUES (1, 1)",
    );
    let payload = postgres::payload("books", &postgres::options(&database.url()));
    has_one_tag_everywhere(&Books::open(payload, |sql| database.run(sql)).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_mariadb_has_one_tag_whatever_its_types() {
    let database = MariaDbServer::shared().create_database();
    database.run(
        "CREATE TABLE wide (id bigint PRIMARY KEY, a tinyint unsigned, b float, c double, d decimal(30,10), e bigint unsigned, f text,
            g blob, h varbinary(16), i date, j time(6), k datetime(6), l timestamp(6) NULL, n json, o boolean, p char(5), q year,
            r enum('x', 'y'), s bit(9));
         INSERT INTO wide VALUES (1, 200, 0.1, 0.1, 12345678901234567890.0123456789, 18446744073709551615, 'ä', x'00ff', x'0102',
            '2024-02-29', '23:59:59.999999', '2024-02-29 10:03:00.5', '2024-02-29 10:03:00.25', '{\"b\": [1, 2.50]}', 1, 'ab', 2024, 'y',
            b'100000001');
         CREATE TABLE narrow (id bigint PRIMARY KEY, source bigint REFERENCES wide (id));
         INSERT INTO narrow VALUES (1, 1)",
    );
    let payload = mysql::payload("books", &mysql::options(database.server(), database.name()));
    has_one_tag_everywhere(&Books::open(payload, |sql| database.run(sql)).await).await;
}
