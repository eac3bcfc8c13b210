//! Tests of a database that is slow, silent, unreachable or restarted.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use store::{Audit, AuditFilter, Maintenance, StoreError, SystemSettings, Users};
use store_postgres::{OpenError, Options, PostgresStore};
use testkit::link::Link;
use testkit::postgres::{PostgresDatabase, PostgresServer, PostgresSettings};

const QUICK: Options =
    Options { connections: 4, wait: Duration::from_millis(500), patience: Duration::from_secs(1), queue: 64 };

/// The maximum number of attempts; no outage in these tests needs as many.
const ATTEMPTS: usize = 3_000;

fn event(subject: &str) -> NewAuditEvent {
    NewAuditEvent {
        subject: Some(subject.to_owned()),
        ..NewAuditEvent::new(Action::RefuseToken, Outcome::Refused, Timestamp::from_secs(1))
    }
}

async fn subjects(store: &PostgresStore) -> Vec<String> {
    let filter = AuditFilter { limit: 10_000, ..AuditFilter::default() };
    let events = store.list_audit(filter).await.unwrap();
    events.into_iter().filter_map(|event| event.event.subject).collect()
}

/// A store whose connection to the database can be disturbed.
async fn disturbed(database: &PostgresDatabase<'_>) -> (PostgresStore, Link) {
    disturbed_with(database, QUICK).await
}

async fn disturbed_with(database: &PostgresDatabase<'_>, options: Options) -> (PostgresStore, Link) {
    let link = Link::start(&database.server().address());
    let url = database.url_by_way_of(&link.address());
    (PostgresStore::create(&url.parse().unwrap(), options).await.unwrap(), link)
}

/// Retries until the database answers again.
async fn recovered(store: &PostgresStore) {
    for _ in 0..ATTEMPTS {
        if store.probe().await.is_ok() {
            return;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the store does not find its database again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_database_is_reported_at_once_and_reconnected() {
    let database = PostgresServer::shared().create_database();
    let (store, link) = disturbed(&database).await;
    store.append_audit(vec![event("before")]).await.unwrap();
    link.cut();
    for _ in 0..500 {
        let refused = store.append_audit(vec![event("lost")]).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        assert!(matches!(store.versions().await, Err(StoreError::Unavailable(_))));
    }
    link.pass();
    recovered(&store).await;
    store.append_audit(vec![event("after")]).await.unwrap();
    assert_eq!(subjects(&store).await, ["after", "before"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_holds_nobody_for_ever() {
    let database = PostgresServer::shared().create_database();
    let (store, link) = disturbed(&database).await;
    link.half_open();
    let store = Arc::new(store);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.versions().await });
    }
    let answers = tasks.join_all().await;
    assert!(
        answers.iter().all(|answer| matches!(answer, Err(StoreError::Unavailable(_) | StoreError::Busy)))
    );
    link.pass();
    recovered(&store).await;
    assert_eq!(store.list_roles().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_statement_fails_alone_and_its_connection_is_closed() {
    const STILL_THERE: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'UPDATE probes%' AND pid <> pg_backend_pid()";
    let database = PostgresServer::shared().create_database();
    let store = Arc::new(PostgresStore::create(&database.url().parse().unwrap(), QUICK).await.unwrap());
    let mut carrying = tokio::task::JoinSet::new();
    let (other, connection) = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
    carrying.spawn(async move { connection.await.unwrap() });
    other.batch_execute("BEGIN; LOCK TABLE probes").await.unwrap();
    // Nobody else asks meanwhile.
    let late = store.probe().await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    store.list_roles().await.unwrap();
    // As many as there are connections but one; the others are answered all the time.
    let mut probes = tokio::task::JoinSet::new();
    for _ in 0..QUICK.connections - 1 {
        let store = Arc::clone(&store);
        probes.spawn(async move { store.probe().await });
    }
    while !probes.is_empty() {
        store.list_roles().await.unwrap();
        if let Some(late) = probes.try_join_next() {
            let late = late.unwrap();
            assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        }
    }
    for _ in 0..QUICK.connections * 2 {
        store.list_roles().await.unwrap();
    }
    // The server gives up what was late, although the lock is still held.
    let is_given_up = (0..ATTEMPTS).any(|_| database.run(STILL_THERE) == "0");
    assert!(is_given_up, "a connection is kept whose statement was late");
    other.batch_execute("ROLLBACK").await.unwrap();
    store.probe().await.unwrap();
}

/// Reads concurrently from a database that does not answer. Returns how many reads failed as busy, how many as
/// unavailable, and when the first and the last of them failed.
#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
async fn detected_by_silence(options: Options) -> (usize, usize, [Duration; 2]) {
    let database = PostgresServer::shared().create_database();
    let (store, link) = disturbed_with(&database, options).await;
    let store = Arc::new(store);
    link.half_open();
    let began = std::time::Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { (store.versions().await, began.elapsed()) });
    }
    let answers = tasks.join_all().await;
    let busy = answers.iter().filter(|(answer, _)| matches!(answer, Err(StoreError::Busy))).count();
    let away = answers.iter().filter(|(answer, _)| matches!(answer, Err(StoreError::Unavailable(_)))).count();
    let times = || answers.iter().map(|(_, after)| *after);
    (busy, away, [times().min().unwrap(), times().max().unwrap()])
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_waits_and_acts_are_bounded_by_the_options() {
    // Long enough to connect on a busy machine.
    let wait = Duration::from_millis(400);
    let patience = Duration::from_secs(1);
    let few = Options { connections: 2, wait, patience, queue: 64 };
    let (busy, away, [first, last]) = detected_by_silence(few).await;
    assert!(busy >= 9 && away <= 3 && busy + away == 12, "{busy} {away}: two connections, the others waited");
    assert!(first >= wait && last >= patience && last < patience * 4, "{first:?} {last:?}");
    let patient = Options { wait: patience, patience: patience * 2, ..few };
    let (_, _, [first, last]) = detected_by_silence(patient).await;
    assert!(first >= patience && last >= patience * 2, "{first:?} {last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_vanishes_in_a_serialized_transaction_delays_the_others_for_a_moment_only() {
    let database = PostgresServer::shared().create_database();
    let (vanishing, link) = disturbed(&database).await;
    let patient = Options { patience: Duration::from_secs(30), ..QUICK };
    let other = PostgresStore::open(&database.url().parse().unwrap(), patient).await.unwrap();
    // The connection goes silent in the middle of an operation: somewhere between the start and the end of a
    // serialized transaction.
    link.delay(Duration::from_millis(100), Duration::from_millis(100));
    let vanishing = Arc::new(vanishing);
    let mut unit = tokio::task::JoinSet::new();
    let store = Arc::clone(&vanishing);
    unit.spawn(async move {
        store.set_limit(domain::limit::Limit::MaxFetchRows, Some(1), event("vanishing")).await
    });
    tokio::time::sleep(Duration::from_millis(450)).await;
    link.half_open();
    // As often as a caller would try.
    for _ in 0..20 {
        let set = other.set_limit(domain::limit::Limit::MaxFetchRows, Some(2), event("other")).await;
        if set.is_ok() {
            break;
        }
    }
    assert_eq!(other.list_limits().await.unwrap(), [(domain::limit::Limit::MaxFetchRows, 2)]);
    let _ = unit.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_death_of_the_server() {
    let durable = PostgresSettings { durable: true, ..PostgresSettings::default() };
    let server = PostgresServer::start(&durable);
    let database = server.create_database();
    let store = PostgresStore::create(&database.url().parse().unwrap(), QUICK).await.unwrap();
    let mut kept = Vec::new();
    for round in 0..3 {
        for n in 0..20 {
            let name = format!("{round}.{n}");
            if store.append_audit(vec![event(&name)]).await.is_ok() {
                kept.push(name);
            }
        }
        server.kill();
        let refused = store.append_audit(vec![event("lost")]).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        server.start_again();
        recovered(&store).await;
    }
    let mut found = subjects(&store).await;
    found.reverse();
    assert_eq!(found, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_is_retried_when_its_connection_was_closed() {
    const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let database = PostgresServer::shared().create_database();
    let store = PostgresStore::create(&database.url().parse().unwrap(), QUICK).await.unwrap();
    for _ in 0..20 {
        // Several connections are idle when the server ends them.
        let (one, two, three) = tokio::join!(store.versions(), store.list_limits(), store.list_roles());
        drop((one.unwrap(), two.unwrap(), three.unwrap()));
        assert_ne!(database.run(END), "0");
        assert_eq!(store.list_roles().await.unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_at_once_make_one_installation() {
    let database = PostgresServer::shared().create_database();
    let url: store_postgres::DatabaseUrl = database.url().parse().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        tasks.spawn(async move { PostgresStore::create(&url, QUICK).await.map(drop) });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(
        outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(OpenError::Exists))),
        "{outcomes:?}"
    );
    assert!(store_postgres::pending(&url).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_or_newer_is_refused_in_words() {
    let database = PostgresServer::shared().create_database();
    let url: store_postgres::DatabaseUrl = database.url().parse().unwrap();
    assert!(matches!(PostgresStore::open(&url, QUICK).await.map(drop), Err(OpenError::Missing)));
    database.run("CREATE TABLE users (id integer)");
    assert!(matches!(PostgresStore::create(&url, QUICK).await.map(drop), Err(OpenError::Foreign)));
    database.run("DROP TABLE users");
    drop(PostgresStore::create(&url, QUICK).await.unwrap());
    assert!(matches!(PostgresStore::create(&url, QUICK).await.map(drop), Err(OpenError::Exists)));
    database.run("INSERT INTO migrations VALUES (98, 'expands', 1)");
    drop(PostgresStore::open(&url, QUICK).await.unwrap());
    database.run("INSERT INTO migrations VALUES (99, 'contracts', 98)");
    let refused = PostgresStore::open(&url, QUICK).await.map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }));
    assert!(refused.to_string().contains("use the newer version"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_travel_from_one_node_to_another() {
    let database = PostgresServer::shared().create_database();
    let url: store_postgres::DatabaseUrl = database.url().parse().unwrap();
    let one = PostgresStore::create(&url, QUICK).await.unwrap();
    let other = PostgresStore::open(&url, QUICK).await.unwrap();
    // The first notification says that it is listening.
    other.changes().await.unwrap();
    let before = other.versions().await.unwrap().limits;
    one.set_limit(domain::limit::Limit::MaxFetchRows, Some(1), event("limit")).await.unwrap().unwrap();
    other.changes().await.unwrap();
    assert_eq!(other.versions().await.unwrap().limits, before + 1);
}
