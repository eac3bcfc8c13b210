use std::sync::Arc;
use std::time::Duration;

use odata::cell::Value;
use odata::statement::Statement;

use crate::options::OptionValues;
use crate::testing::conformance::{Fixture, Wording, limits};
use crate::testing::{FAKE, FakeDatabase, FakeKind, Lines};
use crate::{AllowedHosts, Deadline, Resources, Run, Source, SourceError, SourceSpec};

const NUMBERS: &str = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";

struct Fake {
    database: FakeDatabase,
    resources: Resources,
    source: Source,
}

fn resources(hosts: &[&str]) -> Resources {
    Resources::new(limits(), 4, AllowedHosts::new(hosts.iter().map(|host| host.parse().unwrap()).collect()))
}

impl Fixture for Fake {
    const WORDING: Wording = Wording::SQLITE;

    fn open(sql: &str) -> Self {
        let (database, resources) = (FakeDatabase::new(sql), resources(&["127.0.0.1"]));
        let source = FakeKind(database.clone()).spec().open(&resources).unwrap();
        Self { database, resources, source }
    }

    fn source(&self) -> &Source {
        &self.source
    }

    fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    fn open_connections(&self) -> usize {
        self.resources.budget.open()
    }
}

mod conforms {
    crate::driver_conformance!(super::Fake);
}

fn far() -> Deadline {
    Deadline::after(Duration::from_mins(1))
}

fn run(deadline: Deadline) -> Run {
    Run { deadline, max_rows: usize::MAX }
}

fn lines(sql: &str) -> Lines {
    Lines(vec![Statement { sql: sql.to_owned(), parameters: Vec::new(), columns: 1, quicker: None }])
}

async fn read(source: &Source, deadline: Deadline, sql: &str) -> Result<String, SourceError> {
    let mut chunks = source.stream(run(deadline), lines(sql))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(String::from_utf8(bytes).unwrap())
}

#[test]
fn only_a_refusal_of_the_database_says_that_a_commit_failed() {
    let detail = || "the connection was lost".to_owned();
    for error in [
        SourceError::Unreachable { detail: detail() },
        SourceError::Failed { detail: detail() },
        SourceError::Damaged { detail: detail() },
    ] {
        assert_eq!(super::in_commit(error), SourceError::OutcomeUnknown { detail: detail() });
    }
    for error in [SourceError::Locked, SourceError::TimedOut, SourceError::Exhausted { detail: detail() }] {
        assert_eq!(super::in_commit(error.clone()), error);
    }
}

/// Waits until this many connections are open.
async fn settled(fake: &Fake, connections: usize) {
    while fake.open_connections() != connections {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_database_is_told_to_stop_at_the_deadline() {
    let fake = Fake::open("CREATE TABLE t(a)");
    let soon = Deadline::after(Duration::from_millis(30));
    let endless = NUMBERS.replace("SELECT x FROM", "SELECT count(*) FROM");
    assert_eq!(read(&fake.source, soon, &endless).await, Err(SourceError::TimedOut));
    // A cancelled connection is not used again.
    settled(&fake, 0).await;
    assert_eq!(fake.database.cancelled(), 1);
}

#[tokio::test]
async fn the_database_is_told_to_stop_if_the_receiver_is_gone() {
    let fake = Fake::open("CREATE TABLE t(a)");
    let mut chunks = fake.source.stream(run(far()), lines(NUMBERS)).unwrap();
    assert!(chunks.next().await.unwrap().is_ok());
    drop(chunks);
    settled(&fake, 0).await;
    assert_eq!(fake.database.cancelled(), 1);
}

#[tokio::test]
async fn a_connection_is_used_again_unless_it_has_failed() {
    let fake = Fake::open("CREATE TABLE t(a)");
    for _ in 0..3 {
        assert_eq!(read(&fake.source, far(), "SELECT 7").await.unwrap(), "Integer(7)\n");
    }
    assert_eq!((fake.database.connections(), fake.open_connections()), (1, 1));
    let lost = SourceError::Unreachable { detail: "the server went away".to_owned() };
    fake.database.prepare("SELECT lost", vec![Ok(vec![Value::Integer(1)]), Err(lost.clone())]);
    assert_eq!(read(&fake.source, far(), "SELECT lost").await, Err(lost));
    settled(&fake, 0).await;
    assert_eq!(read(&fake.source, far(), "SELECT 7").await.unwrap(), "Integer(7)\n");
    assert_eq!(fake.database.connections(), 2);
}

#[tokio::test]
async fn closing_waits_until_the_last_connection_is_closed() {
    let fake = Fake::open("CREATE TABLE t(a)");
    let held = fake.database.hold_closing();
    let mut chunks = fake.source.stream(run(far()), lines(NUMBERS)).unwrap();
    assert!(chunks.next().await.unwrap().is_ok());
    fake.source.close();
    let mut closed = Box::pin(fake.source.closed());
    let waited = tokio::time::timeout(Duration::from_millis(50), &mut closed).await;
    assert!(waited.is_err(), "the connection is still closing");
    drop(held);
    closed.await;
    assert_eq!((fake.database.cancelled(), fake.open_connections()), (1, 0));
}

#[tokio::test]
async fn connections_of_all_sources_share_one_budget() {
    let resources = Resources::new(limits(), 1, AllowedHosts::new(vec!["127.0.0.1".parse().unwrap()]));
    let databases = [FakeDatabase::new("CREATE TABLE t(a)"), FakeDatabase::new("CREATE TABLE t(a)")];
    let sources =
        databases.each_ref().map(|database| FakeKind(database.clone()).spec().open(&resources).unwrap());
    for _ in 0..2 {
        for source in &sources {
            assert_eq!(read(source, far(), "SELECT 7").await.unwrap(), "Integer(7)\n");
            assert_eq!(resources.budget.open(), 1, "the idle connection of the other was closed");
        }
    }
    let mut running = sources[0].stream(run(far()), lines(NUMBERS)).unwrap();
    assert!(running.next().await.unwrap().is_ok());
    assert_eq!(read(&sources[1], far(), "SELECT 7").await, Err(SourceError::Busy), "a busy one is not");
}

#[tokio::test]
async fn a_host_or_a_password_that_is_refused_opens_nothing() {
    let database = FakeDatabase::new("CREATE TABLE t(a)");
    for hosts in [&[][..], &["localhost"], &["10.0.0.0/8"], &["127.0.0.1:1"]] {
        let source = FakeKind(database.clone()).spec().open(&resources(hosts)).unwrap();
        assert_eq!(source.version(far()).await, Err(SourceError::HostNotAllowed), "{hosts:?}");
    }
    assert_eq!(database.passwords(), [""; 0], "no password was sent");
    let mut options = database.options();
    options.insert("password".to_owned(), "hunter2".to_owned());
    let spec = SourceSpec::new(Arc::new(FakeKind(database.clone())), OptionValues::of(&FAKE, options));
    let source = spec.open(&resources(&["127.0.0.0/8"])).unwrap();
    let refused = source.version(far()).await.unwrap_err();
    assert!(matches!(refused, SourceError::SignInRefused { .. }), "{refused:?}");
    assert!(!format!("{spec:?}{refused:?}").contains("hunter2"), "a secret is not shown");
}
