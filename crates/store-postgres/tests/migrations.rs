//! Tests of migrations that run while nodes are working.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use store::{Audit, AuditFilter, TrustedOrigins};
use store_postgres::{DatabaseUrl, Options, PostgresStore};
use testkit::postgres::{PostgresDatabase, PostgresServer, TAKE_BACK_MIGRATIONS};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

const INDEXES: &str = "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE relname LIKE 'audit_events%by%' AND relname <> 'audit_events_by_time' ORDER BY relname";

const BEFORE: &str = "audit_events_by_action|t\naudit_events_by_actor|t\naudit_events_by_application|t";

const AFTERWARDS: &str = "audit_events_newest_by_action|t\naudit_events_newest_by_actor|t\n\
    audit_events_newest_by_application|t";

/// The statements of an operation that is in the middle of its transaction.
const WRITE: &str = "BEGIN; INSERT INTO audit_events (at, action, outcome) VALUES (1, 'begun', '')";

/// The statements of another node that is migrating.
const HOLD: &str = "BEGIN; SELECT number FROM migrations WHERE number = 0 FOR UPDATE";
const DONE: &str = "INSERT INTO migrations (number, name, needs)
    SELECT number, 'by another node', 1 FROM generate_series(2, $last) AS step (number); COMMIT";

/// Counts the nodes that are in the pause after a migration that could not run.
const GAVE_UP: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND query = 'ROLLBACK'";

/// How often a condition is polled; each query takes a while.
const ATTEMPTS: usize = 1_000;

fn url(database: &PostgresDatabase<'_>) -> DatabaseUrl {
    database.url().parse().unwrap()
}

/// An installation as the previous version left it.
async fn before(database: &PostgresDatabase<'_>) -> PostgresStore {
    let store = PostgresStore::create(&url(database), Options::default()).await.unwrap();
    database.run(TAKE_BACK_MIGRATIONS);
    store
}

/// Opens a separate connection; a transaction that is started on it stays open.
async fn connect(database: &PostgresDatabase<'_>, tasks: &mut JoinSet<()>) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tasks.spawn(async move { connection.await.unwrap() });
    client
}

fn wait_until_answer(database: &PostgresDatabase<'_>, question: &str, wanted: &str) {
    for _ in 0..ATTEMPTS {
        if database.run(question) == wanted {
            return;
        }
    }
    panic!("{question} is not answered by {wanted}");
}

async fn pending(database: &PostgresDatabase<'_>) -> Vec<i64> {
    store_postgres::pending(&url(database)).await.unwrap().iter().map(|step| step.number).collect()
}

/// The numbers of the migrations from this one on.
async fn steps_from(first: i64) -> Vec<i64> {
    let all = pending(&PostgresServer::shared().create_database()).await;
    all.into_iter().filter(|number| *number >= first).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_while_others_write() {
    let database = PostgresServer::shared().create_database();
    let store = before(&database).await;
    let (mut tasks, mut migrating) = (JoinSet::new(), JoinSet::new());
    let writer = connect(&database, &mut tasks).await;
    writer.batch_execute(WRITE).await.unwrap();
    let target = url(&database);
    migrating.spawn(async move { store_postgres::migrate(&target).await.unwrap().len() });
    // It waits for the transaction that was there before, and nobody waits for it.
    let waits = "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database()
        AND phase LIKE 'waiting for writers%'";
    wait_until_answer(&database, waits, "1");
    let event = NewAuditEvent::new(Action::RefuseToken, Outcome::Refused, Timestamp::from_secs(1));
    store.append_audit(vec![event]).await.unwrap();
    let steps = steps_from(2).await;
    assert_eq!(pending(&database).await, steps);
    writer.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migrating.join_all().await, [steps.len()]);
    assert_eq!(pending(&database).await, [0_i64; 0]);
    assert_eq!(database.run(INDEXES), AFTERWARDS);
    let filter = AuditFilter { action: Some(Action::RefuseToken), limit: 10, ..AuditFilter::default() };
    assert_eq!(store.list_audit(filter).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_on_a_table_in_use_is_retried() {
    let database = PostgresServer::shared().create_database();
    drop(before(&database).await);
    database.run("INSERT INTO migrations (number, name, needs) VALUES (2, 'audit_newest_first', 1)");
    let (mut tasks, mut migrating) = (JoinSet::new(), JoinSet::new());
    let writer = connect(&database, &mut tasks).await;
    writer.batch_execute(WRITE).await.unwrap();
    let target = url(&database);
    migrating.spawn(async move { store_postgres::migrate(&target).await.unwrap().len() });
    wait_until_answer(&database, GAVE_UP, "1");
    let steps = steps_from(3).await;
    assert_eq!(pending(&database).await, steps);
    writer.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migrating.join_all().await, [steps.len()]);
    assert_eq!(database.run(INDEXES), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_migration_left_is_replaced() {
    let database = PostgresServer::shared().create_database();
    drop(before(&database).await);
    let mut tasks = JoinSet::new();
    let writer = connect(&database, &mut tasks).await;
    let interrupted = connect(&database, &mut tasks).await;
    writer.batch_execute(WRITE).await.unwrap();
    interrupted.batch_execute("SET statement_timeout = '100ms'").await.unwrap();
    let index = "CREATE INDEX CONCURRENTLY audit_events_newest_by_action ON audit_events (action, id)";
    interrupted.batch_execute(index).await.unwrap_err();
    writer.batch_execute("COMMIT").await.unwrap();
    let unfinished = format!("{BEFORE}\naudit_events_newest_by_action|f");
    assert_eq!(database.run(INDEXES), unfinished);
    assert_eq!(store_postgres::migrate(&url(&database)).await.unwrap().len(), steps_from(2).await.len());
    assert_eq!(database.run(INDEXES), AFTERWARDS);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_waits_and_finds_nothing_to_do() {
    let database = PostgresServer::shared().create_database();
    drop(before(&database).await);
    let (mut tasks, mut opening) = (JoinSet::new(), JoinSet::new());
    let first = connect(&database, &mut tasks).await;
    first.batch_execute(HOLD).await.unwrap();
    let target = url(&database);
    opening.spawn(async move { PostgresStore::open(&target, Options::default()).await.map(drop) });
    wait_until_answer(&database, GAVE_UP, "1");
    let steps = steps_from(2).await;
    assert_eq!(pending(&database).await, steps);
    let last = steps.last().unwrap().to_string();
    first.batch_execute(&DONE.replace("$last", &last)).await.unwrap();
    opening.join_next().await.unwrap().unwrap().unwrap();
    // The other node has reported that it ran the migration.
    assert_eq!(database.run(INDEXES), BEFORE);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origins_of_redirect_urls_that_are_registered_already_are_found() {
    let database = PostgresServer::shared().create_database();
    let store = PostgresStore::create(&url(&database), Options::default()).await.unwrap();
    database.run(
        "INSERT INTO users (id, epoch, active, name, folded_name, password, failures, created_at, updated_at)
            VALUES (1, 1, true, 'ada', 'ada', '', 0, 0, 0);
        INSERT INTO applications (epoch, client_id, owner_id, name, folded_name, description, folded_description,
                redirect_urls, profile, client_type, grant_types, scopes, token_format, contacts, created_at, updated_at)
            SELECT 1, 'client ' || n, 1, '', '', '', '', urls, '', '', '', 0, '', '[]', 0, 0
            FROM (VALUES (1, '[\"https://App.example:443/cb?x=https://no.example\",\"com.example.app:/cb\"]'),
                (2, '[\"http://localhost:3000/cb\",\"http://plain.example:80\",\"bare.example\",\"bare.example:99\"]'),
                (3, '[]')) AS known (n, urls)",
    );
    database.run(include_str!("../migrations/0005_origins_of_redirect_urls.sql"));
    let is = async |origin| store.is_origin_of_an_application(origin).await.unwrap();
    for origin in
        ["https://app.example", "http://localhost:3000", "http://plain.example", "https://bare.example"]
    {
        assert!(is(origin).await, "{origin}");
    }
    for other in ["https://no.example", "https://bare.example:99", "com.example.app://", "http://app.example"]
    {
        assert!(!is(other).await, "{other}");
    }
}
