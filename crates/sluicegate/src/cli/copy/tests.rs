//! Tests of copies of an installation with something in every table, complete and interrupted.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use domain::audit::Action;
use domain::id::{ApplicationId, DataSourceId, GrantId, PushedRequestId, SessionId, UserId};
use domain::time::Timestamp;
use store::columns::{Ids, TABLES};
use store::{ApplicationFilter, Audit, AuditFilter, Maintenance, Store, Users};
use store_postgres::{DatabaseUrl, PostgresStore};
use store_sqlite::{Export, SqliteStore};
use tempfile::TempDir;
use testkit::postgres::{PostgresDatabase, PostgresServer};

use super::migration::{Order, Outcome, Report, migrate_installation};
use super::progress::{Stage, Step, Watch};

mod rich;

/// Stops the copy at its `end`-th step.
#[derive(Default)]
struct Watcher {
    end: usize,
    seen: Vec<Stage>,
    notes: Vec<String>,
}

impl Watcher {
    fn until(end: usize) -> Self {
        Self { end, ..Self::default() }
    }
}

impl Watch for Watcher {
    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        assert!(step.done <= step.all && step.rows <= step.all);
        self.seen.push(step.stage);
        if self.seen.len() == self.end {
            bail!("broken off at {step:?}");
        }
        Ok(())
    }

    fn note(&mut self, sentence: &str) {
        self.notes.push(sentence.to_owned());
    }
}

/// A fixture: an embedded database and an empty target.
struct Scene {
    path: PathBuf,
    target: PostgresDatabase<'static>,
    _folder: TempDir,
}

impl Scene {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluicegate.db");
        let store = SqliteStore::create(&path, store_sqlite::Options::default()).unwrap();
        rich::fill(&store).await;
        store.close().await.unwrap();
        Self { path, target: PostgresServer::shared().create_database(), _folder: folder }
    }

    /// An unchanged copy of the installation, with a target of its own.
    fn twin(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluicegate.db");
        std::fs::copy(&self.path, &path).unwrap();
        Self { path, target: PostgresServer::shared().create_database(), _folder: folder }
    }

    fn url(&self) -> DatabaseUrl {
        self.target.url().parse().unwrap()
    }

    async fn copy_into(
        &self,
        url: &DatabaseUrl,
        number: i32,
        watch: &mut Watcher,
    ) -> anyhow::Result<Outcome> {
        let options = store_postgres::Options { connections: 2, ..store_postgres::Options::default() };
        migrate_installation(&Order { path: &self.path, url, options, batch: 5, number }, watch).await
    }

    async fn copy(&self, watch: &mut Watcher) -> anyhow::Result<Outcome> {
        self.copy_into(&self.url(), 7, watch).await
    }

    fn embedded(&self) -> Result<SqliteStore, store_sqlite::OpenError> {
        SqliteStore::open(&self.path, store_sqlite::Options::default())
    }

    async fn shared(&self) -> PostgresStore {
        let patience = std::time::Duration::from_mins(1);
        let options = store_postgres::Options { connections: 2, patience, ..Default::default() };
        PostgresStore::open(&self.url(), options).await.unwrap()
    }
}

fn report(outcome: anyhow::Result<Outcome>) -> Report {
    match outcome {
        Ok(Outcome::Moved(report)) => report,
        other => panic!("{other:?}"),
    }
}

/// Compares the results of both stores in their `Debug` form. It hides credentials, which the copy compares
/// cell by cell.
macro_rules! same {
    ($one:expr, $other:expr; $($read:ident($($argument:expr),*);)+) => {$(
        assert_eq!(
            format!("{:#?}", $one.$read($($argument),*).await.unwrap()),
            format!("{:#?}", $other.$read($($argument),*).await.unwrap()),
            stringify!($read)
        );
    )+};
}

async fn all_reads_are_the_same(one: &dyn Store, other: &dyn Store) {
    same! { one, other;
        list_users(None, 100);
        find_user_by_name("bØB THE 2ND");
        list_roles();
        list_applications(ApplicationFilter::default());
        list_applications(ApplicationFilter { query: Some("zOË 'Q".to_owned()), ..Default::default() });
        revocations_after(0, rich::START, 1_000);
        list_data_sources(None);
        find_data_source_by_name("sAles");
        list_limits();
        list_initial_access_tokens();
        list_trusted_issuers();
        list_trusted_origins();
        scope_registry();
        is_origin_of_an_application("https://pages.example.com");
        list_keys();
        list_signing_keys();
        list_external_keys();
        find_pushed_request(PushedRequestId::new(1), &rich::PUSHED, rich::START);
        list_allow_lists();
        versions();
        list_audit(AuditFilter { limit: 1_000, ..Default::default() });
        list_audit(AuditFilter { limit: 9, actor_name: Some(rich::ODD.to_uppercase()), ..Default::default() });
    }
    for id in 1..12 {
        let (user, application) = (UserId::new(id), ApplicationId::new(1));
        same! { one, other;
            find_user(user);
            find_session(SessionId::new(id));
            find_application(ApplicationId::new(id));
            find_consent(user, application);
            find_grant(GrantId::new(id));
            list_personal_access_tokens(user);
            list_one_time_links(user, rich::START);
            list_allowed(user, rich::START, None, 100);
            list_data_sources(Some(user));
            find_data_source(DataSourceId::new(id));
            list_shares(DataSourceId::new(id), None, 100);
        }
    }
    for application in one.list_applications(ApplicationFilter::default()).await.unwrap() {
        same! { one, other; find_application_by_client_id(&application.client_id); }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_the_same_content_and_continues_its_ids() {
    let scene = Scene::new().await;
    let before = scene.twin();
    let report = report(scene.copy(&mut Watcher::default()).await);
    assert_eq!(report.rows.len(), TABLES.len());
    assert!(report.rows.iter().all(|(_, rows)| *rows > 0), "{report:?}");
    assert_eq!(report.replaced, 0);
    let (old, new) = (before.embedded().unwrap(), scene.shared().await);
    all_reads_are_the_same(&old, &new).await;
    // The next records get the same ids in both, because the largest assigned id is copied too.
    let next = async |store: &dyn Store| {
        let user = store.find_user_by_name("ada").await.unwrap().unwrap();
        rich::application(store, &user, 99, &oauth::scope::BuiltInScope::OData.into()).await;
    };
    next(&old).await;
    next(&new).await;
    all_reads_are_the_same(&old, &new).await;
    new.close().await.unwrap();
    let given = TABLES.iter().filter(|table| table.ids == Ids::GivenOnce);
    old.close().await.unwrap();
    drop(old);
    let export = Export::open(&before.path, store_sqlite::Options::default()).unwrap();
    for table in given {
        let next = format!("SELECT nextval(pg_get_serial_sequence('{}', 'id'))", table.name);
        assert_eq!(
            scene.target.run(&next),
            (export.last_id(table).unwrap() + 1).to_string(),
            "{}",
            table.name
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_copy_resumes_and_both_are_never_served() {
    let whole = Scene::new().await;
    let steps = {
        let scene = whole.twin();
        let mut watcher = Watcher::default();
        report(scene.copy(&mut watcher).await);
        watcher.seen.len()
    };
    assert!(steps > 55, "{steps}");
    // One target, on which the copy is interrupted at each step in turn.
    let scene = whole.twin();
    let mut until = 1;
    let outcome = loop {
        let mut watcher = Watcher::until(until);
        let outcome = scene.copy(&mut watcher).await;
        assert!(watcher.notes.is_empty(), "{:?}", watcher.notes);
        if outcome.is_ok() {
            break outcome;
        }
        let refused = PostgresStore::open(&scene.url(), store_postgres::Options::default()).await.map(drop);
        assert!(matches!(refused, Err(store_postgres::OpenError::UnfinishedCopy)), "{refused:?}");
        let marked = watcher.seen.contains(&Stage::Marked);
        assert_eq!(scene.embedded().is_err(), marked, "step {until}");
        until += 1;
    };
    assert!(until > steps, "{until}");
    report(outcome);
    all_reads_are_the_same(&whole.embedded().unwrap(), &scene.shared().await).await;
    assert!(matches!(scene.copy(&mut Watcher::default()).await.unwrap(), Outcome::MovedBefore));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_after_an_interruption_are_copied() {
    let scene = Scene::new().await;
    scene.copy(&mut Watcher::until(40)).await.unwrap_err();
    // The old server runs once more, and changes rows that were already copied.
    let store = scene.embedded().unwrap();
    store.delete_session(SessionId::new(1), rich::OVER, rich::event(Action::SignIn)).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let before = scene.twin();
    let mut watcher = Watcher::default();
    // Through a pooler that hands a connection to another client after each transaction.
    let pooler = PostgresServer::shared().start_pooler();
    let target = pooler.url(&scene.target).parse().unwrap();
    report(scene.copy_into(&target, 8, &mut watcher).await);
    assert!(watcher.notes[0].contains("has changed since the copy was interrupted"), "{:?}", watcher.notes);
    all_reads_are_the_same(&before.embedded().unwrap(), &scene.shared().await).await;
}

/// Writes into the target at a certain step.
struct Meddler<'a>(Watcher, &'a Scene, usize);

impl Watch for Meddler<'_> {
    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        if self.0.seen.len() + 1 == self.2 {
            self.1.target.run("UPDATE grants SET last_used_at = 4711 WHERE id = 7");
        }
        self.0.step(step)
    }

    fn note(&mut self, sentence: &str) {
        self.0.note(sentence);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_writes_in_the_target_are_detected() {
    let scene = Scene::new().await;
    let mut watcher = Watcher::default();
    scene.twin().copy(&mut watcher).await.unwrap();
    let compared = watcher.seen.iter().position(|stage| *stage == Stage::Comparing).unwrap();
    let (url, options) = (scene.url(), store_postgres::Options::default());
    let order = Order { path: &scene.path, url: &url, options, batch: 5, number: 1 };
    let mut meddler = Meddler(Watcher::default(), &scene, compared);
    let message = migrate_installation(&order, &mut meddler).await.unwrap_err().to_string();
    assert!(
        message.contains("grants.last_used_at of the row [7] differs") && !message.contains("4711"),
        "{message}"
    );
    assert!(scene.embedded().is_ok(), "it is served as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn nul_is_replaced_in_the_audit_log_and_refused_elsewhere() {
    let scene = Scene::new().await;
    let store = scene.embedded().unwrap();
    let mut event = rich::event(Action::SignIn);
    (event.subject, event.at) = (Some("a\0b".to_owned()), Timestamp::from_secs(5));
    store.append_audit(vec![event]).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let spoiled = scene.twin();
    let db = rusqlite::Connection::open(&spoiled.path).unwrap();
    db.execute_batch("UPDATE roles SET description = 'a' || char(0) WHERE id = 3").unwrap();
    drop(db);
    let message = format!("{:#}", spoiled.copy(&mut Watcher::default()).await.unwrap_err());
    assert!(message.contains("roles.description of the row [3] contains the character NUL"), "{message}");
    let report = report(scene.copy(&mut Watcher::default()).await);
    assert_eq!(report.replaced, 1);
    let newest =
        scene.shared().await.list_audit(AuditFilter { limit: 1, ..Default::default() }).await.unwrap();
    assert_eq!(newest[0].event.subject.as_deref(), Some("a\u{fffd}b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_copied_once_into_an_empty_database() {
    let scene = Scene::new().await;
    let message = async |scene: &Scene, url: &DatabaseUrl, number| {
        format!("{:#}", scene.copy_into(url, number, &mut Watcher::until(9)).await.unwrap_err())
    };
    let (first, other) = (scene.url(), scene.twin());
    assert!(message(&scene, &first, 1).await.contains("broken off"));
    assert!(message(&other, &first, 2).await.contains("unfinished copy of another installation"));
    assert!(message(&scene, &other.url(), 3).await.contains("broken off"));
    let given_up = message(&scene, &first, 4).await;
    assert!(given_up.contains("started before the last"), "{given_up}");
    report(scene.copy_into(&other.url(), 5, &mut Watcher::default()).await);
    let second = message(&scene, &first, 6).await;
    assert!(second.contains("was copied into another database before"), "{second}");
    let twin = Scene::new().await;
    assert!(message(&twin, &other.url(), 7).await.contains("it already contains an installation"));
    let server = Arc::new(twin.embedded().unwrap());
    let running = message(&twin, &twin.url(), 8).await;
    assert!(running.contains("is in use: stop the server"), "{running}");
    drop(server);
    let foreign = PostgresServer::shared().create_database();
    foreign.run("CREATE TABLE users (id integer)");
    let foreign = message(&twin, &foreign.url().parse().unwrap(), 9).await;
    assert!(foreign.contains("not a system database of Sluicegate"), "{foreign}");
}
