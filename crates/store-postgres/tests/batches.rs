//! A member of a batch that cannot be done, or has to wait, affects no other member.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use domain::account::{ADMINISTRATOR_ROLE, User, attributes::UserAttributes};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::CodeId;
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use oauth::application::{
    Application, ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat,
};
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::scope::BuiltInScope;
use store::{
    Applications, GrantCreation, Grants, Maintenance, NewApplication, NewGrant, NewUser, StoreError, Users,
};
use store_postgres::{Options, PostgresStore};
use testkit::postgres::{PostgresDatabase, PostgresServer};
use tokio::task::JoinSet;
use tokio_postgres::{Client, NoTls};

const PATIENT: Options = Options {
    connections: 8,
    wait: Duration::from_secs(30),
    patience: Duration::from_secs(30),
    ..Options::DEFAULT
};

/// How often a condition is polled.
const ATTEMPTS: usize = 1_000_000;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// The key of a grant that the database refuses in these tests.
const REFUSED_KEY: u32 = 13;

fn event(action: Action) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Success, NOW)
}

type Outcomes = JoinSet<(u64, Result<GrantCreation, StoreError>)>;

/// A store with a user and an application, and a connection of somebody else.
struct World {
    database: PostgresDatabase<'static>,
    store: Arc<PostgresStore>,
    user: User,
    application: Application,
    other: Client,
    _carrying: JoinSet<()>,
}

impl World {
    async fn new() -> Self {
        let database = PostgresServer::shared().create_database();
        let store = PostgresStore::create(&database.url().parse().unwrap(), PATIENT).await.unwrap();
        let new = NewUser {
            name: "ada".to_owned(),
            password: PasswordHash::new("hash"),
            active: true,
            password_expires_at: None,
            roles: vec![ADMINISTRATOR_ROLE],
            attributes: UserAttributes::default(),
            at: NOW,
        };
        let user = store.insert_user(new, event(Action::CreateUser)).await.unwrap().unwrap();
        let new = NewApplication {
            client_id: "3f2504e0-4f89-41d3-9a0c-0305e82c3301".parse().unwrap(),
            owner: user.id,
            settings: settings(),
            secret: None,
            at: NOW,
        };
        let application =
            store.insert_application(new, event(Action::RegisterApplication)).await.unwrap().unwrap();
        let mut carrying = JoinSet::new();
        let (other, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
        carrying.spawn(async move { connection.await.unwrap() });
        Self { database, store: Arc::new(store), user, application, other, _carrying: carrying }
    }

    async fn create(&self, code: u64, key: u32) -> Result<GrantCreation, StoreError> {
        redeem(Arc::clone(&self.store), self.new_grant(code, key)).await
    }

    fn new_grant(&self, code: u64, key: u32) -> NewGrant {
        NewGrant {
            application: self.application.id,
            application_epoch: self.application.epoch,
            user: self.user.id,
            user_epoch: self.user.epoch,
            origin: GrantOrigin::Code(CodeId::compose(NOW, code.to_be_bytes())),
            consent: None,
            session: None,
            scopes: BuiltInScope::OData.into(),
            details: GrantDetails::default(),
            refreshable: true,
            key,
            at: NOW,
            expires_at: None,
        }
    }

    /// Redeems these codes in one batch: while the table is locked, two batches of one grant each wait for it, and all
    /// others gather behind them. Serialized transactions wait until [`Self::let_go`].
    async fn in_one_batch(&self, codes: &[(u64, u32)]) -> Outcomes {
        const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        const HOLD: &str = "BEGIN; SELECT id FROM versions WHERE id = 1 FOR UPDATE; SAVEPOINT gathering;
            LOCK TABLE grants IN SHARE MODE";
        self.other.batch_execute(HOLD).await.unwrap();
        let mut outcomes = JoinSet::new();
        for (ahead, waiting) in [(1_000, "1"), (1_001, "2")] {
            self.redeem_in(&mut outcomes, ahead, 1);
            self.wait_until(|world| world.database.run(WAITING) == waiting).await;
        }
        for (code, key) in codes {
            self.redeem_in(&mut outcomes, *code, *key);
        }
        let all = codes.len() as u64;
        self.wait_until(|world| world.store.figures().queued == all).await;
        self.other.batch_execute("ROLLBACK TO gathering").await.unwrap();
        outcomes
    }

    async fn let_go(&self) {
        self.other.batch_execute("COMMIT").await.unwrap();
    }

    fn redeem_in(&self, outcomes: &mut Outcomes, code: u64, key: u32) {
        let (store, new) = (Arc::clone(&self.store), self.new_grant(code, key));
        outcomes.spawn(async move { (code, redeem(store, new).await) });
    }

    async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..ATTEMPTS {
            if holds(self) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never holds");
    }

    async fn is_live(&self, created: &GrantCreation) -> bool {
        let GrantCreation::Grant(id) = created else { panic!("{created:?}") };
        self.store.find_grant(*id).await.unwrap().unwrap().revoked_at.is_none()
    }
}

async fn redeem(store: Arc<PostgresStore>, new: NewGrant) -> Result<GrantCreation, StoreError> {
    store.create_grant(new, NOW.plus_secs(60), event(Action::ReplayCode)).await
}

fn settings() -> ApplicationSettings {
    ApplicationSettings {
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
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_has_to_wait_delays_no_grant_of_its_batch() {
    let world = World::new().await;
    let replayed = world.create(1, 1).await.unwrap();
    let mut outcomes = world.in_one_batch(&[(2, 1), (1, 1), (3, 1)]).await;
    for _ in 0..4 {
        let (code, created) = outcomes.join_next().await.unwrap().unwrap();
        assert_ne!(code, 1, "{created:?}");
        assert!(world.is_live(&created.unwrap()).await, "{code}");
    }
    assert!(world.is_live(&replayed).await);
    world.let_go().await;
    let (code, answer) = outcomes.join_next().await.unwrap().unwrap();
    assert!(
        matches!(answer, Ok(GrantCreation::Replayed(ref ended)) if ended.len() == 1),
        "{code} {answer:?}"
    );
    assert!(!world.is_live(&replayed).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_loses_against_others_ends_no_grant_of_its_batch() {
    let world = World::new().await;
    let replayed = world.create(1, 1).await.unwrap();
    world.database.run(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'lost' USING ERRCODE = 'serialization_failure'; END $$;
        CREATE TRIGGER lose BEFORE INSERT ON revocations EXECUTE FUNCTION lose()",
    );
    let outcomes = world.in_one_batch(&[(2, 1), (1, 1), (3, 1)]).await;
    world.let_go().await;
    for (code, outcome) in outcomes.join_all().await {
        if code == 1 {
            assert!(matches!(outcome, Err(StoreError::Busy)), "{outcome:?}");
        } else {
            assert!(world.is_live(&outcome.unwrap()).await, "{code}");
        }
    }
    world.database.run("DROP TRIGGER lose ON revocations");
    assert!(world.is_live(&replayed).await, "nothing was done");
    let again = world.create(1, 1).await.unwrap();
    assert!(matches!(again, GrantCreation::Replayed(ref ended) if ended.len() == 1), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_the_database_refuses_fails_alone() {
    let world = World::new().await;
    world.create(1, 1).await.unwrap();
    world.database.run(&format!("ALTER TABLE grants ADD CHECK (key <> {REFUSED_KEY})"));
    let outcomes = world.in_one_batch(&[(2, 1), (3, REFUSED_KEY), (1, 1), (4, 1)]).await;
    world.let_go().await;
    for (code, outcome) in outcomes.join_all().await {
        match code {
            1 => assert!(matches!(outcome, Ok(GrantCreation::Replayed(_))), "{outcome:?}"),
            3 => assert!(matches!(outcome, Err(StoreError::Inconsistent(_))), "{outcome:?}"),
            _ => assert!(world.is_live(&outcome.unwrap()).await, "{code}"),
        }
    }
    let later = world.create(3, 1).await.unwrap();
    assert!(world.is_live(&later).await, "the refused code was not redeemed");
}
