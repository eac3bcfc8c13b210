//! The limit of waiting logout tokens.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use domain::account::device::SessionOrigin;
use domain::account::{Session, USER_ROLE, User};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ApplicationId;
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use rusqlite::Connection;
use store::{MOST_LOGOUT_DELIVERIES, NewSession, NewUser, Users};
use store_sqlite::{Options, SqliteStore};

const START: Timestamp = Timestamp::from_secs(1_000_000);

fn event(action: Action) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, START)
}

async fn user(store: &SqliteStore) -> User {
    let new = NewUser {
        name: "bob".to_owned(),
        password: PasswordHash::new("$argon2id$one"),
        active: true,
        password_expires_at: None,
        roles: vec![USER_ROLE],
        attributes: domain::account::attributes::UserAttributes::default(),
        at: START,
    };
    store.insert_user(new, event(Action::CreateUser)).await.unwrap().unwrap()
}

async fn session(store: &SqliteStore, user: &User) -> Session {
    let new = NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([7; 32]),
        auth_time: START,
        expires_at: START.plus_secs(60),
        sid: "one".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap()
}

/// An application with an address for logout tokens, for which all deliveries but one wait.
fn almost_full(db: &Connection, user: &User) -> ApplicationId {
    db.execute(
        "INSERT INTO applications (epoch, client_id, owner_id, name, folded_name, description, folded_description,
            redirect_urls, profile, client_type, grant_types, scopes, token_format, contacts, created_at, updated_at,
            cors_origins, client_metadata)
        VALUES (1, 'c', ?1, 'n', 'n', '', '', '[]', 'oauth21', 'public', '[]', 0, 'opaque', '[]', 0, 0, '[]',
            '{\"backchannel_logout_uri\":\"https://example.com/out\"}')",
        [user.id.get()],
    )
    .unwrap();
    let application = db.last_insert_rowid();
    db.execute(
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO logout_deliveries (application_id, user_id, subject_seed, attempts, due_at, created_at)
        SELECT ?2, 1, 's', 0, 0, 0 FROM n",
        [i64::from(MOST_LOGOUT_DELIVERIES), application],
    )
    .unwrap();
    ApplicationId::new(application)
}

#[tokio::test(flavor = "multi_thread")]
async fn few_logout_tokens_wait_for_one_application() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("system.db");
    let store = SqliteStore::create(&path, Options::default()).unwrap();
    let user = user(&store).await;
    let db = Connection::open(&path).unwrap();
    let application = almost_full(&db, &user);
    for _ in 0..3 {
        let session = session(&store, &user).await;
        store.note_session_application(session.id, application).await.unwrap();
        let over = Timestamp::from_secs(9_000_000);
        let ended = store.delete_session(session.id, over, event(Action::SignOut)).await.unwrap();
        assert_eq!(ended.informed, [application], "the sign-out succeeds");
    }
    let waiting: u32 = db.query_row("SELECT count(*) FROM logout_deliveries", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, MOST_LOGOUT_DELIVERIES);
}
