//! Tests of disk failures.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::time::Timestamp;
use store::{Audit, AuditFilter, Maintenance, StoreError, Users};
use store_sqlite::faults::CommitFault;
use store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

fn open_fresh(options: Options) -> (Arc<SqliteStore>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("system.db"), options).unwrap();
    (Arc::new(store), folder)
}

fn event(subject: &str) -> NewAuditEvent {
    NewAuditEvent {
        subject: Some(subject.to_owned()),
        ..NewAuditEvent::new(Action::RefuseToken, Outcome::Refused, Timestamp::from_secs(1))
    }
}

async fn subjects(store: &SqliteStore) -> Vec<String> {
    let filter = AuditFilter { limit: 10_000, ..AuditFilter::default() };
    let events = store.list_audit(filter).await.unwrap();
    events.into_iter().filter_map(|event| event.event.subject).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_commit_is_answered_and_leaves_nothing_behind() {
    let (store, _folder) = open_fresh(Options::default());
    for fault in [CommitFault::Full, CommitFault::Write, CommitFault::Sync] {
        store.faults().fail_commits(1, fault);
        let refused = store.append_audit(vec![event("lost")]).await;
        assert!(matches!(refused, Err(StoreError::NotWritable(_))), "{refused:?}");
        store.append_audit(vec![event("kept")]).await.unwrap();
    }
    assert_eq!(subjects(&store).await, ["kept", "kept", "kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_reads_go_on_and_writing_recovers_by_itself() {
    let (store, _folder) = open_fresh(Options::default());
    store.append_audit(vec![event("before")]).await.unwrap();
    store.faults().fill_disk(true);
    let large = event(&"x".repeat(100_000));
    let refused = store.append_audit(vec![large.clone()]).await;
    assert!(matches!(refused, Err(StoreError::NotWritable(_))), "{refused:?}");
    assert_eq!(subjects(&store).await, ["before"]);
    store.faults().fill_disk(false);
    store.append_audit(vec![large]).await.unwrap();
    assert_eq!(subjects(&store).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_answers_reads_and_says_that_it_cannot_store() {
    let (store, _folder) = open_fresh(Options::default());
    store.faults().set_read_only(true);
    assert!(matches!(store.probe().await, Err(StoreError::NotWritable(_))));
    assert_eq!(store.list_roles().await.unwrap().len(), 2);
    store.faults().set_read_only(false);
    store.probe().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_queues_during_a_commit_is_committed_together() {
    let (store, _folder) = open_fresh(Options::default());
    store.faults().delay_commits(Duration::from_millis(5));
    let before = store.figures();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for _ in 0..10 {
                store.append_audit(vec![event(&n.to_string())]).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let after = store.figures();
    assert_eq!(after.writes - before.writes, 640);
    assert!((after.writes - before.writes) >= 25 * (after.commits - before.commits), "{after:?}");
    assert_eq!(subjects(&store).await.len(), 640);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_fails_takes_nobody_with_it() {
    let (store, folder) = open_fresh(Options::default());
    // Its error is not about a constraint: the JSON cannot be read.
    let unreadable = "CREATE TRIGGER unreadable BEFORE INSERT ON audit_events WHEN NEW.subject = 'unreadable'
        BEGIN SELECT json('{'); END";
    let db = rusqlite::Connection::open(folder.path().join("system.db")).unwrap();
    db.execute_batch(unreadable).unwrap();
    store.faults().delay_commits(Duration::from_millis(5));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40_u8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            if n % 4 == 0 {
                let refused = orphan(&store, n).await;
                assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
            } else if n % 4 == 1 {
                let refused = store.append_audit(vec![event("unreadable")]).await;
                assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
            } else {
                store.append_audit(vec![event(&n.to_string())]).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(subjects(&store).await.len(), 20);
    let applications = store::Applications::list_applications(&*store, store::ApplicationFilter::default());
    assert!(applications.await.unwrap().is_empty());
}

/// An application whose owner does not exist, so that the database refuses the row.
async fn orphan(store: &SqliteStore, n: u8) -> Result<oauth::application::Application, StoreError> {
    use oauth::application::{ApplicationSettings, ClientMetadata, ClientType, Profile, TokenFormat};
    let new = store::NewApplication {
        client_id: format!("00000000-0000-4000-8000-{n:012x}").parse().unwrap(),
        owner: domain::id::UserId::new(77),
        settings: ApplicationSettings {
            name: "Orphan".to_owned(),
            description: String::new(),
            redirect_urls: Vec::new(),
            profile: Profile::Compatible,
            client_type: ClientType::Public,
            grant_types: Vec::new(),
            scopes: oauth::scope::ScopeSet::EMPTY,
            token_format: TokenFormat::Opaque,
            access_token_lifetime_secs: None,
            contacts: Vec::new(),
            logo_url: None,
            cors_origins: Vec::new(),
            client_metadata: ClientMetadata::default(),
        },
        secret: None,
        at: Timestamp::from_secs(1),
    };
    let inserted = store::Applications::insert_application(store, new, event("orphan")).await?;
    Ok(inserted.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_busy_and_what_it_holds_is_written() {
    let (store, _folder) = open_fresh(Options { queue: 4, ..Options::default() });
    store.faults().delay_commits(Duration::from_millis(20));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.append_audit(vec![event("one")]).await });
    }
    let outcomes = tasks.join_all().await;
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(StoreError::Busy))));
    assert!((4..50).contains(&written), "{written}");
    assert_eq!(subjects(&store).await.len(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_commits_what_is_queued() {
    let (store, folder) = open_fresh(Options::default());
    store.faults().delay_commits(Duration::from_millis(5));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.append_audit(vec![event("one")]).await.is_ok() });
    }
    store.close().await.unwrap();
    let written = tasks.join_all().await.into_iter().filter(|done| *done).count();
    drop(store);
    let again = SqliteStore::open(&folder.path().join("system.db"), Options::default()).unwrap();
    assert_eq!(subjects(&again).await.len(), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_checkpointed_while_writes_continue() {
    let (store, folder) = open_fresh(Options::default());
    let text = "x".repeat(4_000);
    for _ in 0..300 {
        let events = (0..20).map(|_| event(&text)).collect();
        store.append_audit(events).await.unwrap();
    }
    let log = folder.path().join("system.db-wal").metadata().unwrap().len();
    assert!(log < 20 << 20, "{log} bytes of log for 24 MB of rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_private_even_if_they_were_not() {
    let (store, folder) = open_fresh(Options::default());
    store.probe().await.unwrap();
    let path = folder.path().join("system.db");
    let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    for name in ["system.db", "system.db-wal", "system.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    drop(store);
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let store = SqliteStore::open(&path, Options::default()).unwrap();
    store.probe().await.unwrap();
    assert_eq!((mode("system.db"), mode("system.db-wal")), (0o600, 0o600));
}
