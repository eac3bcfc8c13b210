//! Walks over all pages while the connection to the database is cut, slowed and silenced, and while a table changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use app::AppSettings;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sources::AllowedHosts;
use testkit::link::Link;
use testkit::mariadb::MariaDbServer;
use testkit::postgres::PostgresServer;
use testkit::{ADMIN, Random, Setup, TestServer};

use crate::server_source::{ids, token};
use crate::{mysql, postgres};

const ROWS: i64 = 3_000;
/// How often the connection fails.
const FAULTS: usize = 12;

/// Makes the data source with a name by way of an address.
type PayloadOf<'d> = dyn Fn(&str, &str) -> Value + 'd;
/// Runs statements, and returns what they print.
type Running<'d> = dyn Fn(&str) -> Result<String, String> + 'd;

/// A database of a server with the table `t`, whose ids are 1 to [`ROWS`].
struct Database<'d> {
    address: String,
    /// The data source with this name, by way of this address.
    payload: Box<PayloadOf<'d>>,
    /// Runs statements in the database.
    run: Box<Running<'d>>,
    /// A query of the number of other connections to the database.
    connections: &'static str,
    /// Adds a column to the table, and fails if the table is being read.
    alter: &'static str,
}

/// Adds the address to the options.
fn by_way_of(mut payload: Value, address: &str) -> Value {
    let (_, port) = address.rsplit_once(':').unwrap();
    payload["options"]["PortNumber"] = port.into();
    payload
}

/// Calls `test` with a database of PostgreSQL and one of MariaDB, one after the other.
async fn with_each(test: impl AsyncFn(&Database<'_>)) {
    let postgres = PostgresServer::shared().create_database();
    postgres.run(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL);
         INSERT INTO t SELECT n, repeat(n::text, 50) FROM generate_series(1, {ROWS}) AS n"
    ));
    test(&Database {
        address: postgres.server().address(),
        payload: Box::new(|name, address| {
            by_way_of(postgres::payload(name, &postgres::options(&postgres.url())), address)
        }),
        run: Box::new(|statements| postgres.server().run(postgres.name(), statements)),
        connections: "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        alter: "SET lock_timeout = '100ms'; ALTER TABLE t ADD COLUMN more integer DEFAULT 7",
    })
    .await;
    let mariadb = MariaDbServer::shared().create_database();
    mariadb.run(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL);
         INSERT INTO t SELECT seq, repeat(seq, 50) FROM seq_1_to_{ROWS}"
    ));
    test(&Database {
        address: mariadb.server().address(),
        payload: Box::new(|name, address| {
            by_way_of(mysql::payload(name, &mysql::options(mariadb.server(), mariadb.name())), address)
        }),
        run: Box::new(|statements| mariadb.server().run(mariadb.name(), statements)),
        connections: "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
        alter: "ALTER TABLE t NOWAIT ADD COLUMN more integer DEFAULT 7",
    })
    .await;
}

/// A server with a limit of one second for each request, and a token for it.
struct Scene {
    server: TestServer,
    token: String,
}

impl Scene {
    async fn open() -> Self {
        let hosts = AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]);
        let app = AppSettings { odata_timeout_secs: 1, ..Setup::default().app };
        let server = TestServer::start_with(Setup { app, hosts, ..Setup::default() }).await;
        let token = token(&server).await;
        Self { server, token }
    }

    async fn add(&self, payload: &Value) -> Value {
        let made = self.server.post("/api/mgmt/datasources").basic(&ADMIN).json(payload).send().await;
        made.expect(201).json()["id"].clone()
    }

    /// The response to a request for a page of this size, before its body.
    async fn begin(&self, path: &str, size: usize) -> http::Response<Body> {
        let request = Request::get(path).header("prefer", format!("maxpagesize={size}"));
        let request = request.header("authorization", format!("Bearer {}", self.token));
        self.server.service().answer(request.body(Body::empty()).unwrap()).await
    }

    /// A page; `None` if the database did not answer, or its answer was cut short.
    async fn page(&self, path: &str, size: usize) -> Option<Value> {
        let response = self.begin(path, size).await;
        let (status, body) = (response.status(), response.into_body().collect().await);
        match (status, body) {
            (StatusCode::OK, Ok(body)) => Some(serde_json::from_slice(&body.to_bytes()).unwrap()),
            (StatusCode::OK, Err(_))
            | (StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT, Ok(_)) => None,
            (status, body) => panic!("{path}: {status} {:?}", body.map(http_body_util::Collected::to_bytes)),
        }
    }

    /// The ids of the rows of all pages. An attempt that fails is repeated; `tried` is told of each, and whether it succeeded.
    async fn walk(&self, path: &str, size: usize, tried: impl Fn(bool)) -> Vec<i64> {
        let (mut rows, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next.as_deref() {
            let page = self.page(path, size).await;
            tried(page.is_some());
            let Some(page) = page else { continue };
            rows.extend(ids(page["value"].as_array().unwrap()));
            next = page["@odata.nextLink"].as_str().map(|link| link.replace("http://127.0.0.1:8080", ""));
        }
        rows
    }
}

/// Lets the link fail in a random way, [`FAULTS`] times, each until some attempts have failed or been slow.
fn fail(link: &Link, attempts: &Receiver<bool>) {
    let mut random = Random::new(Random::fresh_seed());
    let wait = |succeeded: bool, number: u64| {
        attempts.try_iter().for_each(drop);
        for _ in 0..number {
            while attempts.recv().unwrap() != succeeded {}
        }
    };
    for _ in 0..FAULTS {
        let some = 1 + random.below(5);
        match random.below(8) {
            0..=3 => {
                link.cut();
                wait(false, some);
            }
            4..=5 => {
                link.delay(Duration::from_millis(3), Duration::from_millis(9));
                wait(true, some);
            }
            6 => link.half_open(),
            _ => {
                link.half_open();
                wait(false, 1);
            }
        }
        link.pass();
        wait(true, some);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_row_is_lost_or_doubled_when_the_connection_to_the_database_fails() {
    with_each(async |database| {
        let scene = Scene::open().await;
        let link = Link::start(&database.address);
        let weak = scene.add(&(database.payload)("weak", &link.address())).await;
        scene.add(&(database.payload)("sound", &database.address)).await;
        let (tried, attempts) = channel();
        let ended = AtomicBool::new(false);
        let all: Vec<i64> = (1..=ROWS).collect();
        let walks = async |size, tried: Sender<bool>| {
            loop {
                let is_last = ended.load(Ordering::Acquire);
                let tried = |succeeded: bool| _ = tried.send(succeeded);
                assert!(scene.walk("/api/odata4/weak/t?$orderby=id", size, tried).await == all);
                if is_last {
                    return;
                }
            }
        };
        let undisturbed = async || {
            while !ended.load(Ordering::Acquire) {
                let tried = |succeeded: bool| assert!(succeeded, "the other source failed");
                assert!(scene.walk("/api/odata4/sound/t?$orderby=id", 700, tried).await == all);
            }
        };
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let attempts = attempts;
                fail(&link, &attempts);
                ended.store(true, Ordering::Release);
            });
            tokio::task::block_in_place(|| {
                let (one, other) = (tried.clone(), tried.clone());
                let walking = async {
                    tokio::join!(walks(190, one), walks(700, other), walks(3_000, tried), undisturbed())
                };
                tokio::runtime::Handle::current().block_on(walking);
            });
        });

        let path = format!("/api/mgmt/datasources/{weak}");
        scene.server.delete(&path).basic(&ADMIN).send().await.expect(204);
        while link.connections() > 0 {
            tokio::task::yield_now().await;
        }
        drop(scene);
        while (database.run)(database.connections).unwrap() != "0" {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_read_from_the_table_as_it_was_and_its_next_link_ends_when_the_table_changes() {
    with_each(async |database| {
        // Enough that the page is not read from the database as a whole.
        (database.run)("UPDATE t SET name = repeat('x', 8000)").unwrap();
        let scene = Scene::open().await;
        scene.add(&(database.payload)("books", &database.address)).await;
        let response = scene.begin("/api/odata4/books/t?$orderby=id", 2_000).await;
        assert_eq!(response.status(), 200);
        let locked = (database.run)(database.alter);
        assert!(locked.is_err(), "the page that is being read holds the table as it is");
        let body = response.into_body().collect().await.expect("the page is whole").to_bytes();
        let first: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(first["value"][0].get("more"), None);
        (database.run)(database.alter).unwrap();
        scene.server.clock().advance_secs(2);
        let next = first["@odata.nextLink"].as_str().unwrap().replace("http://127.0.0.1:8080", "");
        let ended = scene.server.get(&next).basic(&ADMIN).send().await.expect(410);
        assert_eq!(ended.json()["error"]["code"], "StaleNextLink", "it has no rows of another structure");
        let again = scene.page("/api/odata4/books/t?$orderby=id&$top=1", 1).await.unwrap();
        assert_eq!(again["value"][0]["more"], json!(7));
    })
    .await;
}
