//! Tests of creating, opening, migrating and sharing the file.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::path::PathBuf;

use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::limit::Limit;
use domain::time::Timestamp;
use rusqlite::Connection;
use store::{Maintenance, SystemSettings, TrustedOrigins, Users};
use store_sqlite::{OpenError, Options, SqliteStore, migrate, pending};
use tempfile::TempDir;

fn fresh_path() -> (PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (folder.path().join("system.db"), folder)
}

fn event() -> NewAuditEvent {
    NewAuditEvent::new(Action::SetLimit, Outcome::Success, Timestamp::from_secs(1))
}

#[test]
fn creating_never_overwrites_and_opening_never_creates() {
    let (path, _folder) = fresh_path();
    assert!(matches!(SqliteStore::open(&path, Options::default()), Err(OpenError::Missing(_))));
    assert!(matches!(pending(&path), Err(OpenError::Missing(_))));
    drop(SqliteStore::create(&path, Options::default()).unwrap());
    assert!(matches!(SqliteStore::create(&path, Options::default()), Err(OpenError::Exists(_))));
    drop(SqliteStore::open(&path, Options::default()).unwrap());
}

#[test]
fn migrations_run_once_and_are_named_before() {
    let (path, _folder) = fresh_path();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("../migrations/0001_initial.sql")).unwrap();
    db.execute_batch(
        "CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
        INSERT INTO migrations VALUES (1, 'initial');
        PRAGMA application_id = 0x534c4743",
    )
    .unwrap();
    let names: Vec<_> = pending(&path).unwrap().iter().map(|step| (step.number, step.name)).collect();
    assert_eq!(
        names,
        [
            (2, "audit_newest_first"),
            (3, "audit_old_indexes"),
            (4, "origins"),
            (5, "origins_of_redirect_urls"),
            (6, "familiar_networks"),
            (7, "handovers"),
            (8, "origin_of_grants"),
            (9, "sealed_options"),
            (10, "scopes"),
            (11, "request_details"),
            (12, "signing_keys"),
            (13, "device_authorizations"),
            (14, "openid_connect"),
            (15, "pushed_requests"),
            (16, "used_assertions"),
            (17, "logout_deliveries"),
            (18, "consent_data"),
            (19, "client_registrations"),
            (20, "trusted_issuers"),
            (21, "backchannel_authentications"),
            (22, "authentication_age"),
            (23, "scope_implications"),
            (24, "consents_by_application"),
            (25, "external_signing_keys"),
            (26, "provenance"),
            (27, "mcp_scope"),
            (28, "model_documents"),
            (29, "changes_of_data"),
            (30, "personal_access_tokens"),
            (31, "data_source_members"),
            (32, "data_source_credentials"),
            (33, "second_factors"),
            (34, "session_origins"),
            (35, "audit_accounts"),
            (36, "audit_of_account"),
            (37, "roles_with_second_factor"),
            (38, "data_sources_with_second_factor"),
            (39, "allow_lists"),
            (40, "one_time_links"),
            (41, "mails"),
        ]
    );
    assert_eq!(migrate(&path).unwrap().len(), names.len());
    assert!(pending(&path).unwrap().is_empty());
    assert!(migrate(&path).unwrap().is_empty());
}

#[test]
fn a_database_of_a_newer_version_is_refused_in_words() {
    let (path, _folder) = fresh_path();
    drop(SqliteStore::create(&path, Options::default()).unwrap());
    let db = Connection::open(&path).unwrap();
    db.execute("INSERT INTO migrations VALUES (99, 'later')", []).unwrap();
    let Err(refused) = SqliteStore::open(&path, Options::default()) else { panic!("refused") };
    assert!(matches!(refused, OpenError::Newer { found: 99, .. }));
    assert!(refused.to_string().contains("use the newer version"));
    assert!(matches!(pending(&path), Err(OpenError::Newer { .. })));
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_untouched() {
    let (path, _folder) = fresh_path();
    let text = "not a database, ".repeat(1_000);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(SqliteStore::open(&path, Options::default()), Err(OpenError::Foreign(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    std::fs::remove_file(&path).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE somebody_elses (id INTEGER)").unwrap();
    assert!(matches!(SqliteStore::open(&path, Options::default()), Err(OpenError::Foreign(_))));
}

#[test]
fn a_file_without_our_tables_is_damaged_for_every_opening_and_is_not_filled() {
    let (path, _folder) = fresh_path();
    let other = path.with_extension("other");
    let made = |statements: &str| {
        std::fs::write(&other, "").unwrap();
        Connection::open(&other).unwrap().execute_batch(statements).unwrap();
        let bytes = std::fs::read(&other).unwrap();
        std::fs::remove_file(&other).unwrap();
        bytes
    };
    for (content, what) in [
        (Vec::new(), "no byte"),
        (made("VACUUM"), "an empty database"),
        (made("PRAGMA application_id = 0x534c4743"), "our mark alone"),
        (made("PRAGMA application_id = 0x534c4743; CREATE TABLE migrations (number, name)"), "no users"),
        (made("PRAGMA application_id = 0x534c4743; CREATE TABLE somebody_elses (id)"), "other tables"),
    ] {
        std::fs::write(&path, &content).unwrap();
        let to = path.with_extension("backup");
        let backup = store_sqlite::Backup { from: &path, to: &to, event: &event() };
        let refusals = [
            SqliteStore::open(&path, Options::default()).map(drop).unwrap_err().to_string(),
            store_sqlite::Export::open(&path, Options::default()).map(drop).unwrap_err().to_string(),
            pending(&path).unwrap_err().to_string(),
            migrate(&path).unwrap_err().to_string(),
            store_sqlite::backup(&backup, &mut |_| {}).unwrap_err().to_string(),
        ];
        for refused in refusals {
            assert!(refused.ends_with("the file is damaged; restore a backup"), "{what}: {refused}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), content, "{what}");
        assert!(matches!(SqliteStore::create(&path, Options::default()), Err(OpenError::Exists(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_one_file() {
    let (path, _folder) = fresh_path();
    let server = SqliteStore::create(&path, Options::default()).unwrap();
    let before = server.versions().await.unwrap();
    let command_line = SqliteStore::open(&path, Options::default()).unwrap();
    for n in 0..100 {
        let one = server.set_limit(Limit::MaxFetchRows, Some(n), event());
        let other = command_line.set_limit(Limit::PasswordLockoutLimit, Some(n), event());
        let (one, other) = tokio::join!(one, other);
        one.unwrap().unwrap();
        other.unwrap().unwrap();
    }
    assert_eq!(server.versions().await.unwrap().limits - before.limits, 200);
    assert_eq!(server.list_limits().await.unwrap(), command_line.list_limits().await.unwrap());
    command_line.close().await.unwrap();
    server.probe().await.unwrap();
    assert_eq!(server.list_roles().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_illegal_row_is_named_inconsistent() {
    let (path, _folder) = fresh_path();
    let store = SqliteStore::create(&path, Options::default()).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute("INSERT INTO revocations (seq, kind, at, expires_at) VALUES (1, 2, 0, 9)", []).unwrap();
    let read = store::Grants::revocations_after(&store, 0, Timestamp::default(), 10).await;
    assert!(matches!(read, Err(store::StoreError::Inconsistent(_))), "{read:?}");
}

#[tokio::test]
async fn the_origins_of_redirect_urls_that_are_registered_already_are_found() {
    let (path, _folder) = fresh_path();
    drop(SqliteStore::create(&path, Options::default()).unwrap());
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        r#"INSERT INTO users (id, epoch, active, name, folded_name, password, failures, created_at, updated_at)
            VALUES (1, 1, 1, 'ada', 'ada', '', 0, 0, 0);
        INSERT INTO applications (epoch, client_id, owner_id, name, folded_name, description, folded_description,
                redirect_urls, profile, client_type, grant_types, scopes, token_format, contacts, created_at, updated_at)
            SELECT 1, 'client ' || column1, 1, '', '', '', '', column2, '', '', '', 0, '', '[]', 0, 0
            FROM (VALUES (1, '["https://App.example:443/cb?x=https://no.example","com.example.app:/cb"]'),
                (2, '["http://localhost:3000/cb","http://plain.example:80","bare.example","bare.example:99"]'),
                (3, '[]'), (4, 'no JSON'))"#,
    )
    .unwrap();
    db.execute_batch(include_str!("../migrations/0005_origins_of_redirect_urls.sql")).unwrap();
    drop(db);
    let store = SqliteStore::open(&path, Options::default()).unwrap();
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
