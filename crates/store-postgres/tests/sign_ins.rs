//! The work of the database does not reveal whether a user name exists: a refused sign-in takes the same
//! statements, each in a round trip of its own, for an existing and for an unknown name.

#![expect(clippy::unwrap_used, reason = "panicking is how a test fails")]

use std::time::Duration;

use domain::account::{LockoutPolicy, USER_ROLE};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::UserId;
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use store::{ComesFrom, NewUser, RefusedSignIn, SignIns, Users};
use store_postgres::{Options, PostgresStore};
use testkit::postgres::{PostgresServer, PostgresSettings};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

const OPTIONS: Options =
    Options { connections: 2, wait: Duration::from_secs(30), patience: Duration::from_secs(30), queue: 64 };

const POLICY: LockoutPolicy = LockoutPolicy { interval_secs: 300, failures: 3, lock_secs: 1_800 };

fn event(action: Action) -> NewAuditEvent {
    NewAuditEvent::new(action, Outcome::Refused, NOW)
}

/// The statements in a log, without their parameters.
fn statements(log: &str) -> Vec<String> {
    let message = log.lines().filter_map(|line| {
        let (_, message) = line.split_once("LOG:  ")?;
        let statement =
            message.strip_prefix("statement: ").or_else(|| message.strip_prefix("execute <unnamed>: "))?;
        Some(statement.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    message.collect()
}

/// The statements of a refused sign-in: the lookup before the hash, the same lookup after it, and the
/// failure.
async fn refuse(store: &PostgresStore, name: &str, policy: Option<LockoutPolicy>) -> Option<UserId> {
    let from = ComesFrom { network: None, familiar_since: NOW.minus_secs(86_400) };
    let before = store.find_sign_in(name, from).await.unwrap();
    let after = store.find_sign_in(name, from).await.unwrap();
    assert_eq!(before.is_some(), after.is_some());
    let user = before.map(|facts| facts.user.id);
    let refused = RefusedSignIn { user, from, policy, audit: event(Action::SignIn) };
    store.refuse_sign_in(refused).await.unwrap();
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_and_an_unknown_name_take_the_same_statements() {
    let options = vec![("log_statement", "all".to_owned())];
    let server = PostgresServer::start(&PostgresSettings { options, ..PostgresSettings::default() });
    let database = server.create_database();
    let store = PostgresStore::create(&database.url().parse().unwrap(), OPTIONS).await.unwrap();
    let new = NewUser {
        name: "bob".to_owned(),
        password: PasswordHash::new("$argon2id$one"),
        active: true,
        password_expires_at: None,
        roles: vec![USER_ROLE],
        attributes: domain::account::attributes::UserAttributes::default(),
        at: NOW,
    };
    let bob = store.insert_user(new, event(Action::CreateUser)).await.unwrap().unwrap();
    // New connections start with statements of their own.
    refuse(&store, "nobody", Some(POLICY)).await;
    let asked = async |name: &str, policy| {
        let begins = server.log().len();
        let user = refuse(&store, name, policy).await;
        (user, statements(&server.log()[begins..]))
    };
    // The third failure locks the account; after that only the event is written.
    for policy in [Some(POLICY), Some(POLICY), Some(POLICY), Some(POLICY), None] {
        let (known, of_known) = asked("bob", policy).await;
        let (unknown, of_unknown) = asked("nobody", policy).await;
        assert_eq!((known, unknown), (Some(bob.id), None));
        assert_eq!(of_known, of_unknown);
        assert!((5..12).contains(&of_known.len()), "{of_known:#?}");
    }
    let locked = store.find_user(bob.id).await.unwrap().unwrap();
    assert!(locked.lockout.is_locked(NOW));
}
