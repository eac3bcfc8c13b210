//! A fixture: a database with users and applications, its backups, and restoring them.

use std::path::{Path, PathBuf};

use domain::account::{ADMINISTRATOR_ROLE, USER_ROLE, User};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::RoleId;
use domain::secret::{Digest, PasswordHash};
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::scope::BuiltInScope;
use rusqlite::Connection;
use store::{
    Applications, Credentials, NewAdministrator, NewApplication, NewSecret, NewUser, Restored, Restoring,
    SealedSecret, StoredKey, SystemSettings, UserChange, Users,
};
use store_sqlite::{Backup, CopyError, Current, DatabaseLock, Options, SqliteStore, StagedRestore};
use tempfile::TempDir;

/// A time in these tests, in seconds.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + secs)
}

pub(crate) fn event(action: Action, secs: i64) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, at(secs))
}

pub(crate) struct Stage {
    folder: TempDir,
}

impl Stage {
    /// A database with the Administrator `root`.
    pub(crate) async fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap() };
        let store = SqliteStore::create(&stage.database(), Options::default()).unwrap();
        let key = StoredKey { id: 1, created_at: at(0), activates_at: at(0), sealed: b"first".to_vec() };
        assert!(store.insert_key(key, event(Action::RotateKeys, 0)).await.unwrap());
        insert_user(&store, "root", ADMINISTRATOR_ROLE, 0).await;
        drop(store);
        stage
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("sluicegate.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.database(), Options::default()).unwrap()
    }

    pub(crate) fn back_up(&self, name: &str, secs: i64) -> PathBuf {
        let to = self.path(name);
        let event = event(Action::TakeBackup, secs);
        let order = Backup { from: &self.database(), to: &to, event: &event };
        store_sqlite::backup(&order, &mut |_| {}).unwrap();
        to
    }

    /// Restores like the command: the current database decides whether there is anything to carry over.
    pub(crate) fn restore(&self, from: &Path, secs: i64) -> Exchanged {
        self.restore_as(from, secs, None, Some("root")).unwrap()
    }

    pub(crate) fn restore_as(
        &self,
        from: &Path,
        secs: i64,
        credentials: Option<Credentials>,
        administrator: Option<&str>,
    ) -> Result<Exchanged, CopyError> {
        let database = self.database();
        let _alone = DatabaseLock::alone(&database)?;
        let work = self.path("work.db");
        drop(std::fs::remove_file(&work));
        let mut prepared = StagedRestore::make(from, &work, &mut |_| {})?;
        let current = prepared.compare_with(&database, |keys| !keys.is_empty())?;
        let found = match current {
            Current::Comparable => Credentials::CarryOver,
            _ => Credentials::Distrust,
        };
        let id = prepared.highest_key()? + 1;
        let subject = format!("{}{}", store::BACKUP_OF, rfc_3339(prepared.figures().taken_at));
        let administrator = administrator.filter(|_| found == Credentials::Distrust || credentials.is_some());
        let restored = prepared.revoke(&Restoring {
            key: StoredKey {
                id,
                created_at: at(secs),
                activates_at: at(secs),
                sealed: format!("ring {id}").into_bytes(),
            },
            credentials: credentials.unwrap_or(found),
            unusable_password: PasswordHash::new("unusable"),
            administrator: administrator.map(|name| NewAdministrator {
                name: name.to_owned(),
                password: PasswordHash::new("appointed"),
            }),
            event: NewAuditEvent { subject: Some(subject), ..event(Action::RestoreBackup, secs) },
        })?;
        let aside = store_sqlite::keep_aside(&database, &format!("{secs}"))?;
        prepared.put_in_place(&database)?;
        Ok(Exchanged { current, restored, aside })
    }

    /// Reads one value of the current database.
    pub(crate) fn value<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        let db = Connection::open(self.database()).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) current: Current,
    pub(crate) restored: Restored,
    pub(crate) aside: Option<PathBuf>,
}

/// In UTC, to the second.
fn rfc_3339(at: Timestamp) -> String {
    let db = Connection::open_in_memory().unwrap();
    db.query_row("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?1, 'unixepoch')", [at.as_secs()], |row| row.get(0))
        .unwrap()
}

pub(crate) async fn insert_user(store: &SqliteStore, name: &str, role: RoleId, secs: i64) -> User {
    let new = NewUser {
        name: name.to_owned(),
        password: PasswordHash::new(format!("first password of {name}")),
        active: true,
        password_expires_at: None,
        roles: vec![USER_ROLE, role],
        attributes: domain::account::attributes::UserAttributes::default(),
        at: at(secs),
    };
    store.insert_user(new, event(Action::CreateUser, secs)).await.unwrap().unwrap()
}

pub(crate) async fn change_user(store: &SqliteStore, user: &User, secs: i64, change: UserChange) -> User {
    let change = UserChange { at: at(secs), revocation_expires_at: at(secs + 90_000), ..change };
    store.update_user(user.id, change, event(Action::UpdateUser, secs)).await.unwrap().unwrap().0
}

pub(crate) fn secret(byte: u8) -> NewSecret {
    NewSecret { digest: Digest::from_bytes([byte; 32]), hint: "last".to_owned(), sealed: SealedSecret::None }
}

pub(crate) fn settings(name: &str) -> ApplicationSettings {
    ApplicationSettings {
        name: name.to_owned(),
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
    }
}

/// The byte determines the secret.
pub(crate) async fn register(
    store: &SqliteStore,
    owner: &User,
    name: &str,
    byte: u8,
    secs: i64,
) -> Application {
    let new = NewApplication {
        client_id: format!("3f2504e0-4f89-41d3-9a0c-0305e82c33{byte:02x}").parse().unwrap(),
        owner: owner.id,
        settings: settings(name),
        secret: Some(secret(byte)),
        at: at(secs),
    };
    store.insert_application(new, event(Action::RegisterApplication, secs)).await.unwrap().unwrap()
}
