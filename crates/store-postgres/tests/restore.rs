//! A restored dump opens only after everything that must be revoked has been revoked, whichever way
//! `pg_restore` was used.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use domain::account::device::SessionOrigin;
use domain::account::{ADMINISTRATOR_ROLE, USER_ROLE};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{RoleId, UserId};
use domain::limit::Limit;
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use oauth::application::{ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat};
use oauth::scope::BuiltInScope;
use store::{
    Applications, Credentials, Grants, ID_GAP, NewAdministrator, NewApplication, NewConsent, NewSecret,
    NewSession, NewUser, Restored, Restoring, SealedSecret, StoredKey, SystemSettings, Users,
};
use store_postgres::{DatabaseUrl, OpenError, Options, PostgresStore, RestoreError, RestoredDump};
use testkit::postgres::{PostgresDatabase, PostgresServer};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

fn event(action: Action, secs: i64) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, at(secs))
}

fn key(id: u32, sealed: &[u8]) -> StoredKey {
    StoredKey { id, created_at: at(0), activates_at: at(0), sealed: sealed.to_vec() }
}

fn url(database: &PostgresDatabase<'_>) -> DatabaseUrl {
    database.url().parse().unwrap()
}

async fn open(database: &PostgresDatabase<'_>) -> Result<PostgresStore, OpenError> {
    PostgresStore::open(&url(database), Options::default()).await
}

async fn is_refused(database: &PostgresDatabase<'_>) {
    let refused = open(database).await.map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Restored), "{refused:?}");
    assert!(refused.to_string().contains("--after-pg-restore"), "{refused}");
}

async fn insert_user(store: &PostgresStore, name: &str, role: RoleId) -> UserId {
    let new = NewUser {
        name: name.to_owned(),
        password: PasswordHash::new(format!("password of {name}")),
        active: true,
        password_expires_at: None,
        roles: vec![USER_ROLE, role],
        attributes: domain::account::attributes::UserAttributes::default(),
        at: at(1),
    };
    store.insert_user(new, event(Action::CreateUser, 1)).await.unwrap().unwrap().id
}

fn application(owner: UserId) -> NewApplication {
    let settings = ApplicationSettings {
        name: "Reports".to_owned(),
        description: String::new(),
        redirect_urls: vec!["https://client.example.com/cb".to_owned()],
        profile: Profile::Compatible,
        client_type: ClientType::Confidential,
        grant_types: GrantType::ALL.to_vec(),
        scopes: BuiltInScope::OData.into(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: None,
        contacts: Vec::new(),
        logo_url: None,
        cors_origins: Vec::new(),
        client_metadata: ClientMetadata::default(),
    };
    let secret = NewSecret {
        digest: Digest::from_bytes([1; 32]),
        hint: "last".to_owned(),
        sealed: SealedSecret::None,
    };
    let client_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301".parse().unwrap();
    NewApplication { client_id, owner, settings, secret: Some(secret), at: at(1) }
}

/// An installation with the Administrator `root`, the user `ada`, and one row of every kind of credential.
async fn installation() -> PostgresDatabase<'static> {
    let database = PostgresServer::shared().create_database();
    let store = PostgresStore::create(&url(&database), Options::default()).await.unwrap();
    assert!(store.insert_key(key(1, b"first"), event(Action::RotateKeys, 0)).await.unwrap());
    insert_user(&store, "root", ADMINISTRATOR_ROLE).await;
    let ada = insert_user(&store, "ada", USER_ROLE).await;
    let new = application(ada);
    let application =
        store.insert_application(new, event(Action::RegisterApplication, 1)).await.unwrap().unwrap().id;
    let user_epoch = store.find_user_by_name("ada").await.unwrap().unwrap().epoch;
    let application_epoch = store.find_application(application).await.unwrap().unwrap().epoch;
    let consent = NewConsent {
        data: oauth::authorize::DataChange::instead(None),
        user: ada,
        user_epoch,
        application,
        application_epoch,
        scopes: BuiltInScope::OData.into(),
        revocations_expire_at: at(9_000),
    };
    store.allow(consent, event(Action::AllowApplication, 1)).await.unwrap().unwrap();
    let (digest, expires_at) = (Digest::from_bytes([2; 32]), at(9_000));
    let session = NewSession {
        user: ada,
        user_epoch,
        digest,
        auth_time: at(1),
        expires_at,
        sid: "one".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    store.insert_session(session, event(Action::SignIn, 1)).await.unwrap().unwrap();
    drop(store);
    database.run(
        "INSERT INTO grants (application_id, application_epoch, user_id, user_epoch, scopes, refreshable, generation,
            key, created_at) SELECT a.id, a.epoch, u.id, u.epoch, 1, true, 1, 1, 1 FROM applications a, users u;
        INSERT INTO revocations (seq, kind, grant_id, at, expires_at) VALUES (7, 1, 1, 1, 1);
        INSERT INTO client_registrations SELECT id, decode('07', 'hex'), 1 FROM applications;
        UPDATE sweeps SET requested = 3",
    );
    database
}

async fn restore_as(
    database: &PostgresDatabase<'_>,
    credentials: Credentials,
    administrator: Option<&str>,
) -> Result<Restored, RestoreError> {
    let restoring = Restoring {
        key: key(2, b"fresh"),
        credentials,
        unusable_password: PasswordHash::new("unusable"),
        administrator: administrator
            .map(|name| NewAdministrator { name: name.to_owned(), password: PasswordHash::new("appointed") }),
        event: event(Action::RestoreBackup, 9),
    };
    RestoredDump::open(&url(database)).await.unwrap().revoke(&restoring).await
}

const COUNTS: &str = "SELECT (SELECT count(*) FROM grants), (SELECT count(*) FROM consents),
    (SELECT count(*) FROM sessions), (SELECT count(*) FROM revocations), (SELECT count(*) FROM secrets)";

/// The clients that registered themselves: the length of the token, and the time from which on they count as unused.
const REGISTRATIONS: &str = "SELECT octet_length(token_digest), registered_at FROM client_registrations";

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_refused_in_whatever_way_it_was_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump");
    let (database, other) = (installation().await, PostgresServer::shared().create_database());
    database.dump(&dump);
    drop(open(&database).await.unwrap());
    // Into another database; into the same one, replacing its tables; and only the rows, into existing
    // tables.
    other.restore_from(&dump);
    is_refused(&other).await;
    database.restore_from(&dump);
    is_refused(&database).await;
    // The restore command works for each of them, permanently; a dump of its result is refused as well.
    for database in [&database, &other] {
        restore_as(database, Credentials::Distrust, Some("root")).await.unwrap();
        drop(open(database).await.unwrap());
        drop(open(database).await.unwrap());
    }
    database.dump(&dump);
    let names = "SELECT string_agg(quote_ident(tablename), ',') FROM pg_tables WHERE schemaname = 'public'";
    let tables = database.run(names);
    database.run(&format!("TRUNCATE {tables} CASCADE"));
    database.restore_with(&["--data-only", "--disable-triggers"], &dump);
    is_refused(&database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_tables_is_no_dump() {
    let database = installation().await;
    for maintenance in ["VACUUM (FULL, FREEZE)", "VACUUM (FREEZE)", "REINDEX TABLE versions"] {
        database.run(maintenance);
    }
    drop(open(&database).await.unwrap());
    // A copy of the database files under another name is another database, while the original stays in use.
    let copy = PostgresServer::shared().create_database_from(database.name());
    is_refused(&copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_through_a_pooler_and_is_skipped_where_nothing_was_noted() {
    let server = PostgresServer::shared();
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump");
    let (pooler, database) = (server.start_pooler(), installation().await);
    let open = async |database| {
        let url: DatabaseUrl = pooler.url(database).parse().unwrap();
        PostgresStore::open(&url, Options::default()).await.map(drop)
    };
    open(&database).await.unwrap();
    database.dump(&dump);
    let other = server.create_database();
    other.restore_from(&dump);
    let refused = open(&other).await;
    assert!(matches!(refused, Err(OpenError::Restored)), "{refused:?}");
    other.run("UPDATE migrations SET origin = NULL");
    open(&other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_handed_out_ends_and_no_credential_is_trusted() {
    let database = installation().await;
    let store = open(&database).await.unwrap();
    let before = store.versions().await.unwrap();
    let epochs =
        "SELECT min(epoch) FROM (SELECT epoch FROM users UNION ALL SELECT epoch FROM applications) e";
    let epoch: i64 = database.run(epochs).parse().unwrap();
    store.set_limit(Limit::MaxFetchRows, Some(5), event(Action::SetLimit, 2)).await.unwrap().unwrap();
    drop(store);
    assert_eq!(database.run(COUNTS), "2|1|1|1|1");
    let metadata = r#"{"dpop_bound_access_tokens":true,"jwks":{"keys":[{"kid":"\u0000"}]}}"#;
    database.run(&format!("UPDATE applications SET client_metadata = '{metadata}'"));
    let restored = restore_as(&database, Credentials::Distrust, Some("Root")).await.unwrap();
    let wanted = Restored {
        grants: 2,
        consents: 1,
        sessions: 1,
        secrets: 2,
        users_switched_off: 1,
        ..Restored::default()
    };
    assert_eq!(restored, wanted);
    assert_eq!(database.run(COUNTS), "0|0|0|0|0");
    assert_eq!(database.run(REGISTRATIONS), format!("0|{}", at(9).as_micros()));
    assert_eq!(
        database.run("SELECT client_metadata FROM applications"),
        r#"{"dpop_bound_access_tokens":true}"#,
        "the keys of the application are removed"
    );
    assert_eq!(database.run("SELECT id, encode(sealed, 'escape') FROM ring_keys"), "2|fresh");
    assert_eq!(database.run("SELECT bool_and(started = requested) FROM sweeps"), "t");
    let grown: i64 = database.run(epochs).parse().unwrap();
    assert!(grown >= epoch + ID_GAP, "{grown}");

    let store = open(&database).await.unwrap();
    let after = store.versions().await.unwrap();
    assert!(
        after.keys > before.keys
            && after.users > before.users
            && after.revocations > before.revocations + 1_000
    );
    assert_eq!(store.list_limits().await.unwrap(), [(Limit::MaxFetchRows, 5)]);
    let ada = store.find_user_by_name("ada").await.unwrap().unwrap();
    assert_eq!((ada.active, ada.password.as_phc()), (false, "unusable"));
    let root = store.find_user_by_name("root").await.unwrap().unwrap();
    assert_eq!((root.active, root.password.as_phc()), (true, "appointed"));
    assert!(insert_user(&store, "late", USER_ROLE).await.get() > ID_GAP);
    let late =
        "INSERT INTO grants (application_id, application_epoch, user_id, user_epoch, scopes, refreshable,
        generation, key, created_at) VALUES (1, 1, 1, 1, 1, true, 1, 1, 1) RETURNING id";
    assert!(database.run(late).parse::<i64>().unwrap() > ID_GAP);
    let message = "SELECT action, detail FROM audit_events WHERE action LIKE 'system.%'";
    let message = database.run(message);
    assert!(
        message.starts_with("system.restore|no credential of the backup is trusted; grants revoked: 2"),
        "{message}"
    );
    assert_ne!(database.run("SELECT count(*) FROM audit_events WHERE action = 'user.create'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_may_vouch_for_the_dump() {
    let database = installation().await;
    restore_as(&database, Credentials::TrustBackup, None).await.unwrap();
    assert_eq!(database.run(COUNTS), "0|0|0|0|1");
    assert_eq!(database.run(REGISTRATIONS), format!("0|{}", at(9).as_micros()));
    assert_eq!(database.run("SELECT password, active FROM users WHERE name = 'ada'"), "password of ada|t");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_administer_stays_as_it_is_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("dump");
    let database = installation().await;
    database.dump(&dump);
    database.restore_from(&dump);
    let sequence = "SELECT last_value FROM users_id_seq";
    let before = database.run(sequence);
    let refused = restore_as(&database, Credentials::Distrust, Some("nobody")).await.unwrap_err();
    assert!(refused.to_string().contains("Its Administrators are: root"), "{refused}");
    database.run("UPDATE users SET active = false");
    let refused = restore_as(&database, Credentials::TrustBackup, None).await.unwrap_err();
    assert!(matches!(refused, RestoreError::NoAdministrator), "{refused}");
    assert_eq!((database.run(COUNTS).as_str(), database.run(sequence)), ("2|1|1|1|1", before));
    is_refused(&database).await;
    let empty = PostgresServer::shared().create_database();
    let refused = RestoredDump::open(&url(&empty)).await.map(drop);
    assert!(matches!(refused, Err(OpenError::Missing)), "{refused:?}");
}
