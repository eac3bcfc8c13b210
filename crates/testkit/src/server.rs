//! The server under test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::node::clock::Clock;
use app::{App, AppSettings};
use axum::body::Body;
use domain::account::device::SessionOrigin;
use domain::account::{Permission, Role, USER_ROLE, User};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, RoleId};
use domain::secret::{ClientSecret, Password};
use http::Request;
use http_body_util::BodyExt;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::scope::{BuiltInScope, ScopeSet};
use oauth::token_payload::AccessToken;
use sources::{AllowedHosts, Limits, Resources, SourceKinds, Sources};
use store::{
    Amendment, Applications, Audit, AuditFilter, Grants, NewApplication, NewConsent, NewSecret, NewSession,
    NewUser, SealedSecret, Users,
};
use store_sqlite::{Options, SqliteStore};
use tempfile::TempDir;
use vault::entropy::SeededEntropy;
use vault::{HashingSettings, MasterKey, Vault};
use web::{HttpService, WebSettings};

use crate::answer::Answer;
use crate::clock::ManualClock;

mod restart;

/// A person with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestUser {
    /// The user name.
    pub name: &'static str,
    /// The password in clear text.
    pub password: &'static str,
}

/// The first administrator.
pub const ADMIN: TestUser = TestUser { name: "d2cadmin", password: "harbour master of all" };
/// The first ordinary user.
pub const USER: TestUser = TestUser { name: "d2cuser", password: "pilot boat number nine" };
/// Another ordinary user, who owns things that are out of others' reach.
pub const OTHER: TestUser = TestUser { name: "other", password: "lighthouse at the pier" };

/// The settings of a test server; [`TestServer::start`] uses [`Setup::default`].
#[derive(Debug, Clone)]
pub struct Setup {
    /// The settings of the use cases.
    pub app: AppSettings,
    /// The settings of the HTTP service.
    pub web: WebSettings,
    /// The kinds of database that can be a data source.
    pub kinds: SourceKinds,
    /// The hosts to which data sources may connect.
    pub hosts: AllowedHosts,
    /// The seed for randomness.
    pub seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            app: AppSettings { outbound: crate::host::client(), ..AppSettings::default() },
            web: WebSettings::default(),
            kinds: SourceKinds::standard(),
            hosts: AllowedHosts::default(),
            seed: 1,
        }
    }
}

/// The whole server over a database in a temporary folder, which is deleted with the server.
pub struct TestServer {
    app: App,
    store: Arc<SqliteStore>,
    vault: Arc<Vault>,
    master: Arc<MasterKey>,
    clock: Arc<ManualClock>,
    service: HttpService,
    folder: Arc<TempDir>,
    hosts: AllowedHosts,
}

impl TestServer {
    /// Starts a server with the default settings and the accounts [`ADMIN`], [`USER`] and [`OTHER`].
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// Starts a server.
    ///
    /// # Panics
    /// If it cannot be set up.
    pub async fn start_with(mut setup: Setup) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for temporary files"));
        let sources_folder = folder.path().join("sources");
        std::fs::create_dir(&sources_folder).expect("a folder that can be written");
        setup.app.sqlite_folders.push(sources_folder);
        let clock = Arc::new(ManualClock::default());
        let entropy = Arc::new(SeededEntropy::new(setup.seed));
        let store = Arc::new(
            SqliteStore::create(&folder.path().join("system.db"), Options::default())
                .expect("a new database"),
        );
        let master = Arc::new(MasterKey::generate(&*entropy));
        let vault = Vault::open(&master, &[], entropy, HashingSettings::cheap()).expect("an empty ring");
        let vault = Arc::new(vault);
        let sources =
            Arc::new(Sources::new(setup.kinds, Resources::new(Limits::default(), 16, setup.hosts.clone())));
        let app = App::new(store.clone(), vault.clone(), sources, clock.clone(), setup.app);
        let passwords = [ADMIN, USER].map(|user| Password::new(user.password));
        app.setup().run(passwords).await.expect("a first start");
        let service = web::service(app.clone(), setup.web);
        let server = Self { app, store, vault, master, clock, service, folder, hosts: setup.hosts };
        server.add_user(&OTHER, &[USER_ROLE]).await;
        server.app.node().refresh().await.expect("the feed can be read");
        server
    }

    /// The use cases.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The system database.
    pub fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// The vault.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The clock, which stands still.
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The folder that contains everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Creates a SQLite database with these statements below the folder for data sources, and returns its
    /// path.
    ///
    /// # Panics
    /// If the file cannot be created or a statement fails.
    pub fn sqlite_file(&self, name: &str, statements: &str) -> PathBuf {
        let path = self.folder.path().join("sources").join(name);
        let database = rusqlite::Connection::open(&path).expect("a new file");
        database.execute_batch(statements).expect("statements that run");
        path
    }

    /// Creates an account with these roles.
    ///
    /// # Panics
    /// If this fails.
    pub async fn add_user(&self, user: &TestUser, roles: &[RoleId]) {
        let hashed = self.vault.hash_password(Password::new(user.password)).await.expect("an idle hasher");
        let new = NewUser {
            name: user.name.to_owned(),
            password: hashed,
            active: true,
            password_expires_at: None,
            roles: roles.to_vec(),
            attributes: domain::account::attributes::UserAttributes::default(),
            at: self.clock.now(),
        };
        let audit = self.audit(Action::CreateUser);
        self.store.insert_user(new, audit).await.expect("a database").expect("a new name");
    }

    /// Creates a role with these permissions.
    ///
    /// # Panics
    /// If this fails.
    pub async fn add_role(&self, name: &str, permissions: &[Permission]) -> RoleId {
        let permissions = permissions.to_vec();
        let role = Role {
            id: RoleId::new(0),
            name: name.to_owned(),
            description: String::new(),
            permissions,
            requires_second_factor: false,
        };
        let inserted = self.store.insert_role(role, self.audit(Action::CreateRole)).await;
        inserted.expect("a database").expect("a new name").id
    }

    /// The user as stored in the database.
    ///
    /// # Panics
    /// If nobody has the name.
    pub async fn user(&self, user: &TestUser) -> User {
        self.store.find_user_by_name(user.name).await.expect("a database").expect("the user")
    }

    /// A valid access token of the user for an application, as the token endpoint issues it for client
    /// credentials. Missing scopes are added to the application; if no application has that id, one of
    /// [`ADMIN`] is used instead.
    ///
    /// # Panics
    /// If there is no such user, or the ring has no key.
    pub async fn access_token(
        &self,
        user: &TestUser,
        application: ApplicationId,
        scopes: ScopeSet,
    ) -> String {
        let user = self.user(user).await;
        let now = self.clock.now();
        let application = self.application_with(application, scopes.clone()).await;
        let token = AccessToken {
            id: self.vault.new_token_id(now),
            expires_at: now.plus_secs(3_600),
            application: application.id,
            application_epoch: application.epoch,
            user: user.id,
            user_epoch: user.epoch,
            grant: None,
            scopes,
            binding: None,
            details: oauth::grant::AccessTokenDetails::default(),
        };
        self.vault.seal_access_token(&token).expect("an active key").expose().to_owned()
    }

    /// The application with that id, or a new one, with at least these scopes.
    async fn application_with(&self, id: ApplicationId, scopes: ScopeSet) -> Application {
        let found = self.store.find_application(id).await.expect("a database");
        let Some(found) = found else { return self.add_application(&ADMIN, |new| new.scopes = scopes).await };
        if found.settings.scopes.covers(&scopes) {
            return found;
        }
        let wider = Amendment::by(move |settings| {
            let scopes = settings.scopes.union(&scopes);
            Ok((ApplicationSettings { scopes, ..settings.clone() }, Vec::new()))
        });
        let audit = self.audit(Action::UpdateApplication);
        let updated = self.store.update_application(found.id, wider, audit).await.expect("a database");
        self.app.node().refresh().await.expect("the feed can be read");
        updated.expect("the application").0
    }

    /// Creates a public application of the user, without the rules of registration.
    ///
    /// # Panics
    /// If there is no such user.
    pub async fn add_application(
        &self,
        owner: &TestUser,
        settle: impl FnOnce(&mut ApplicationSettings),
    ) -> Application {
        let mut settings = ApplicationSettings {
            name: "Crane".to_owned(),
            description: String::new(),
            redirect_urls: vec!["https://client.example/cb".to_owned()],
            profile: Profile::Compatible,
            client_type: ClientType::Public,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            scopes: BuiltInScope::OData.into(),
            token_format: TokenFormat::Opaque,
            access_token_lifetime_secs: None,
            contacts: Vec::new(),
            logo_url: None,
            cors_origins: Vec::new(),
            client_metadata: ClientMetadata::default(),
        };
        settle(&mut settings);
        self.insert_application(owner, settings, None).await
    }

    /// Creates a confidential application of the user, without the rules of registration, and returns its
    /// secret.
    ///
    /// # Panics
    /// If there is no such user.
    pub async fn add_confidential_application(
        &self,
        owner: &TestUser,
        settings: ApplicationSettings,
    ) -> (Application, ClientSecret) {
        let fresh = self.vault.new_client_secret();
        let secret = NewSecret { digest: fresh.digest, hint: fresh.hint, sealed: SealedSecret::None };
        let settings = ApplicationSettings { client_type: ClientType::Confidential, ..settings };
        (self.insert_application(owner, settings, Some(secret)).await, fresh.secret)
    }

    async fn insert_application(
        &self,
        owner: &TestUser,
        settings: ApplicationSettings,
        secret: Option<NewSecret>,
    ) -> Application {
        let new = NewApplication {
            client_id: self.vault.new_client_id().parse().expect("a client id"),
            owner: self.user(owner).await.id,
            settings,
            secret,
            at: self.clock.now(),
        };
        let inserted = self.store.insert_application(new, self.audit(Action::RegisterApplication)).await;
        inserted.expect("a database").expect("the server's own act")
    }

    /// Opens a browser session of the user, and returns its cookie value.
    ///
    /// # Panics
    /// If there is no such user.
    pub async fn session(&self, user: &TestUser) -> String {
        let user = self.user(user).await;
        let (secret, digest) = self.vault.new_session_secret();
        let now = self.clock.now();
        let new = NewSession {
            user: user.id,
            user_epoch: user.epoch,
            digest,
            auth_time: now,
            expires_at: now.plus_secs(3_600),
            sid: "one".to_owned(),
            second_factor: false,
            origin: SessionOrigin::default(),
            replaces: None,
        };
        let opened = self.store.insert_session(new, self.audit(Action::SignIn)).await.expect("a database");
        let session = opened.expect("an active user");
        self.vault.session_cookie(session.id, &secret).expose().to_owned()
    }

    /// Records the user's consent for the application, like the consent page.
    ///
    /// # Panics
    /// If there is no such user or application.
    pub async fn allow(&self, user: &TestUser, application: ApplicationId, scopes: ScopeSet) {
        let user = self.user(user).await;
        let found = self.store.find_application(application).await.expect("a database");
        let new = NewConsent {
            data: oauth::authorize::DataChange::instead(None),
            user: user.id,
            user_epoch: user.epoch,
            application,
            application_epoch: found.expect("the application").epoch,
            scopes,
            revocations_expire_at: domain::time::Timestamp::MAX,
        };
        let allowed = self.store.allow(new, self.audit(Action::AllowApplication)).await;
        allowed.expect("a database").expect("the epochs of now");
    }

    /// Every event of the audit log about the application, oldest first.
    ///
    /// # Panics
    /// If the log cannot be read.
    pub async fn audit_of(&self, application: ApplicationId) -> Vec<NewAuditEvent> {
        let filter = AuditFilter { application: Some(application), limit: 1_000, ..AuditFilter::default() };
        let events = self.store.list_audit(filter).await.expect("a database");
        events.into_iter().rev().map(|event| event.event).collect()
    }

    fn audit(&self, action: Action) -> NewAuditEvent {
        NewAuditEvent::new(action, Outcome::Success, self.clock.now())
    }

    /// The HTTP service itself, for tests that must see the response before its body has ended.
    pub fn service(&self) -> HttpService {
        self.service.clone()
    }

    /// Sends a request, and reads the response to its end.
    ///
    /// # Panics
    /// If the body of the response is aborted.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.service.clone().answer(request).await.into_parts();
        let body = body.collect().await.expect("the body is whole").to_bytes();
        Answer::of(&parts, body)
    }
}
