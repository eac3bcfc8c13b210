//! A fixture: a server with a data source.

use app::node::clock::Clock;
use axum::body::Body;
use axum::response::Response;
use domain::account::DataSource;
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ApplicationId;
use domain::limit::Limit;
use http::{HeaderValue, Method, Request};
use oauth::scope::{BuiltInScope, ScopeSet};
use store::{DataSourceChange, DataSources, NewDataSource, SystemSettings};
use testkit::{Answer, Setup, TestServer, TestUser, USER};

/// The path of the source of [`Fixture`].
pub(crate) const ROOT: &str = "/api/odata4/Harbour";

/// The number of ships.
pub(crate) const SHIPS: i64 = 5_000;

const TABLES: &str = "
    CREATE TABLE Ships (Id INTEGER PRIMARY KEY, Name TEXT NOT NULL, Tonnage REAL, Flag TEXT, Photo BLOB);
    CREATE INDEX Ships_flag ON Ships (Flag, Id);
    CREATE TABLE Visits (Ship INTEGER NOT NULL, Number INTEGER NOT NULL, Berth TEXT, PRIMARY KEY (Ship, Number));
    -- A value that cannot be computed, far from the first row.
    CREATE TABLE Broken (Id INTEGER PRIMARY KEY, Text TEXT, Raw INTEGER);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO Ships SELECT i, 'Ship ' || i, CASE i % 10 WHEN 0 THEN NULL ELSE i * 1.5 END,
        CASE i % 7 WHEN 0 THEN NULL ELSE char(65 + i % 4) END, CASE i WHEN 1 THEN x'FFD8' END FROM n;
    INSERT INTO Visits VALUES (1, 1, 'A'), (1, 2, NULL), (2, 1, 'B');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO Broken (Id, Text, Raw)
        SELECT i, 'some text that fills the chunks of the stream', CASE i WHEN 20000 THEN -9223372036854775808 END FROM n;
    ALTER TABLE Broken ADD COLUMN Bad INTEGER AS (abs(Raw));
";

/// The server, and a token of [`USER`], who owns the source.
pub(crate) struct Fixture {
    pub(crate) server: TestServer,
    pub(crate) token: String,
}

impl Fixture {
    pub(crate) async fn open() -> Self {
        Self::open_with(Setup::default()).await
    }

    pub(crate) async fn open_with(setup: Setup) -> Self {
        let server = TestServer::start_with(setup).await;
        let token = token(&server, &USER).await;
        let fixture = Self { server, token };
        fixture.add_source("Harbour", TABLES).await;
        fixture
    }

    /// Adds a source of [`USER`] over a new file.
    pub(crate) async fn add_source(&self, name: &str, tables: &str) -> DataSource {
        self.add_source_of(&USER, name, tables).await
    }

    pub(crate) async fn add_source_of(&self, owner: &TestUser, name: &str, tables: &str) -> DataSource {
        let path = self.server.folder().join(format!("{name}.db"));
        rusqlite::Connection::open(&path).unwrap().execute_batch(tables).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let new = NewDataSource {
            name: name.to_owned(),
            description: String::new(),
            data_store: 1,
            options: [("path".to_owned(), path)].into(),
            sealing: store::Sealing::default(),
            max_authentication_age: None,
            requires_second_factor: false,
            writable: false,
            owner: self.server.user(owner).await.id,
            at: self.server.clock().now(),
        };
        let added = self.server.store().insert_data_source(new, self.audit(Action::CreateDataSource)).await;
        let added = added.unwrap().unwrap();
        self.server.app().node().refresh().await.unwrap();
        added
    }

    pub(crate) async fn share(&self, source: &DataSource, user: &TestUser) {
        let users = store::Sharing::With(vec![self.server.user(user).await.id]);
        let shared =
            self.server.store().share_data_source(source.id, users, self.audit(Action::ShareDataSource));
        shared.await.unwrap().unwrap();
        self.server.app().node().refresh().await.unwrap();
    }

    /// Lets users change the data of a source, or no longer.
    pub(crate) async fn set_writable(&self, source: &DataSource, writable: bool) {
        self.update(source, |change| change.writable = Some(writable)).await;
    }

    pub(crate) async fn rename(&self, source: &DataSource, name: &str) {
        self.update(source, |change| change.name = Some(name.to_owned())).await;
    }

    async fn update(&self, source: &DataSource, set: impl FnOnce(&mut DataSourceChange)) {
        let mut change = DataSourceChange {
            max_authentication_age: None,
            requires_second_factor: None,
            writable: None,
            name: None,
            description: String::new(),
            options: None,
            judged_for: None,
            at: self.server.clock().now(),
        };
        set(&mut change);
        let changed =
            self.server.store().update_data_source(source.id, change, self.audit(Action::UpdateDataSource));
        changed.await.unwrap().unwrap();
        self.server.app().node().refresh().await.unwrap();
    }

    pub(crate) async fn limit(&self, limit: Limit, value: i64) {
        self.server
            .store()
            .set_limit(limit, Some(value), self.audit(Action::SetLimit))
            .await
            .unwrap()
            .unwrap();
        self.server.app().node().refresh().await.unwrap();
    }

    /// Sends a GET below the source, with the token of its owner.
    pub(crate) async fn get(&self, rest: &str) -> Answer {
        self.get_with(rest, &[]).await
    }

    pub(crate) async fn get_with(&self, rest: &str, headers: &[(&'static str, &str)]) -> Answer {
        self.send(Method::GET, rest, headers).await
    }

    pub(crate) async fn send(&self, method: Method, rest: &str, headers: &[(&'static str, &str)]) -> Answer {
        let target = format!("{ROOT}{rest}");
        let mut call = self.server.call(method, &target).bearer(&self.token);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send().await
    }

    /// Sends a GET of the source's owner without reading the body.
    pub(crate) async fn begin(&self, rest: &str, headers: &[(&'static str, &'static str)]) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = format!("{ROOT}{rest}").parse().unwrap();
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.token)).unwrap();
        request.headers_mut().insert("authorization", bearer);
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        self.server.service().answer(request).await
    }

    /// The value of a counter.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        let text = self.server.app().node().encode_metrics();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("sluicegate_{name}_total ")));
        line.unwrap_or_else(|| panic!("{name} is not counted")).parse().unwrap()
    }

    fn audit(&self, action: Action) -> NewAuditEvent {
        NewAuditEvent::new(action, Outcome::Success, self.server.clock().now())
    }
}

/// A token for reading data.
pub(crate) async fn token(server: &TestServer, user: &TestUser) -> String {
    server.access_token(user, ApplicationId::new(1), ScopeSet::from(BuiltInScope::OData)).await
}

/// The code of an error in OData's format, which has every required member.
pub(crate) fn code(answer: &Answer) -> String {
    assert!(answer.header("content-type").starts_with("application/json"), "{}", answer.text());
    assert_eq!(answer.headers().get_all("odata-version").iter().count(), 1);
    let body = answer.json();
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    body["error"]["code"].as_str().unwrap().to_owned()
}

/// The values of one member in the rows.
pub(crate) fn ids(answer: &Answer) -> Vec<i64> {
    answer.json()["value"].as_array().unwrap().iter().map(|row| row["Id"].as_i64().unwrap()).collect()
}

/// Polls once.
pub(crate) async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
