//! Tests of failures, locks, and familiar networks.

use std::sync::Arc;

use domain::account::LockoutPolicy;
use domain::account::network::Network;
use domain::audit::{Action, Outcome};
use domain::time::Timestamp;

use super::{OVER, START, World, event, event_at, insert_user};
use crate::{
    AuditFilter, ComesFrom, FailureCounted, Purge, RefusedSignIn, SignInFacts, Store, SucceededSignIn,
    UserChange,
};

pub(super) const POLICY: LockoutPolicy = LockoutPolicy { interval_secs: 900, failures: 3, lock_secs: 1800 };

/// A time long before every test.
const SINCE: Timestamp = Timestamp::from_secs(1);

fn from(last: u8) -> ComesFrom {
    ComesFrom { network: Some(Network::of([192, 0, 2, last].into())), familiar_since: SINCE }
}

pub(super) fn failure(world: &World, from: ComesFrom, secs: i64) -> RefusedSignIn {
    let audit = event_at(Action::SignIn, START.plus_secs(secs));
    RefusedSignIn { user: Some(world.user.id), from, policy: Some(POLICY), audit }
}

async fn fail(world: &World, from: ComesFrom, secs: i64) -> FailureCounted {
    world.store.refuse_sign_in(failure(world, from, secs)).await.unwrap()
}

async fn succeed(world: &World, from: ComesFrom, secs: i64) {
    let (user, user_epoch) = (world.user.id, world.user.epoch);
    let succeeded = SucceededSignIn { user, user_epoch, from, at: START.plus_secs(secs) };
    world.store.note_sign_in(succeeded).await.unwrap();
}

async fn facts(world: &World, from: ComesFrom) -> SignInFacts {
    world.store.find_sign_in("BOB", from).await.unwrap().unwrap()
}

async fn unlock(world: &World) {
    let change = UserChange { unlock: true, at: START, ..UserChange::default() };
    world.store.update_user(world.user.id, change, event(Action::UnlockAccount)).await.unwrap().unwrap();
}

pub async fn failures_lock_and_unlocking_forgets_them(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    assert_eq!(fail(&world, from(1), 0).await.lockout.failures, 1);
    succeed(&world, ComesFrom { network: None, ..from(1) }, 0).await;
    assert_eq!(fail(&world, from(1), 1).await.lockout.failures, 1);
    assert!(!fail(&world, from(2), 2).await.locked_now);
    let third = fail(&world, from(3), 3).await;
    assert!(third.locked_now && !third.familiar);
    assert!(!fail(&world, from(1), 4).await.locked_now);
    succeed(&world, from(9), 4).await;
    let user = facts(&world, from(1)).await.user;
    assert_eq!(user.lockout.locked_until, Some(START.plus_secs(1803)), "a success forgets no lock");
    assert_eq!(user.epoch, world.user.epoch, "a lock ends no access");
    let locks = AuditFilter { action: Some(Action::LockAccount), limit: 9, ..AuditFilter::default() };
    assert_eq!(world.store.list_audit(locks).await.unwrap().len(), 1);
    unlock(&world).await;
    let user = facts(&world, from(1)).await.user;
    assert_eq!((user.lockout.failures, user.lockout.locked_until), (0, None));
}

pub async fn failures_from_a_familiar_network_are_counted_apart(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    succeed(&world, from(1), 0).await;
    succeed(&world, from(2), 0).await;
    for secs in 1..=3 {
        fail(&world, from(66), secs).await;
    }
    let now = START.plus_secs(4);
    assert!(facts(&world, from(66)).await.lockout().is_locked(now), "strangers are locked out");
    assert!(!facts(&world, from(1)).await.lockout().is_locked(now));
    let counted = fail(&world, from(1), 4).await;
    assert_eq!((counted.lockout.failures, counted.familiar), (1, true));
    fail(&world, from(1), 5).await;
    assert!(fail(&world, from(1), 6).await.locked_now, "a familiar network has the same limit");
    assert!(facts(&world, from(1)).await.lockout().is_locked(START.plus_secs(7)));
    assert!(!facts(&world, from(2)).await.lockout().is_locked(START.plus_secs(7)));
    succeed(&world, from(1), 7).await;
    assert!(
        facts(&world, from(1)).await.lockout().is_locked(START.plus_secs(8)),
        "a success forgets no lock"
    );
    unlock(&world).await;
    for last in [1, 2, 66] {
        assert_eq!(facts(&world, from(last)).await.lockout().failures, 0, "{last}");
    }
}

pub async fn a_success_forgets_the_failures_from_where_it_comes(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    succeed(&world, from(1), 0).await;
    fail(&world, from(1), 1).await;
    fail(&world, from(66), 1).await;
    succeed(&world, from(1), 2).await;
    assert_eq!(facts(&world, from(1)).await.lockout().failures, 0);
    assert_eq!(facts(&world, from(66)).await.lockout().failures, 1, "strangers gain nothing by it");
    succeed(&world, from(7), 3).await;
    assert_eq!(facts(&world, from(66)).await.lockout().failures, 0);
}

pub async fn a_network_is_familiar_for_a_while_and_in_its_epoch(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    assert!(facts(&world, from(1)).await.familiar.is_none());
    succeed(&world, from(1), 10).await;
    assert_eq!(facts(&world, from(1)).await.familiar.unwrap().succeeded_at, START.plus_secs(10));
    assert!(facts(&world, from(2)).await.familiar.is_none());
    let later = ComesFrom { familiar_since: START.plus_secs(11), ..from(1) };
    assert!(facts(&world, later).await.familiar.is_none(), "too long ago");
    assert!(facts(&world, ComesFrom { network: None, ..from(1) }).await.familiar.is_none());
    let purge = Purge {
        now: SINCE,
        revoked_grants_before: SINCE,
        polled_requests_before: START,
        familiar_since: START.plus_secs(10),
        audit_before: SINCE,
        batch: 1_000,
    };
    assert_eq!(world.store.purge(purge).await.unwrap().familiar_networks, 0);
    let later = Purge { familiar_since: START.plus_secs(11), ..purge };
    assert_eq!(world.store.purge(later).await.unwrap().familiar_networks, 1);
    succeed(&world, from(1), 20).await;
    let off =
        UserChange { active: Some(false), at: START, revocation_expires_at: OVER, ..UserChange::default() };
    world.store.update_user(world.user.id, off, event(Action::UpdateUser)).await.unwrap().unwrap();
    assert!(facts(&world, from(1)).await.familiar.is_none(), "who signed in before may have been a thief");
    succeed(&world, from(1), 30).await;
    assert!(facts(&world, from(1)).await.familiar.is_none(), "verified in an earlier epoch");
}

pub async fn few_networks_are_familiar_and_the_latest_stay(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for last in 1..=12 {
        succeed(&world, from(last), last.into()).await;
    }
    succeed(&world, from(6), 100).await;
    succeed(&world, from(13), 101).await;
    let mut familiar = Vec::new();
    for last in 1..=13 {
        familiar.extend(facts(&world, from(last)).await.familiar.map(|_| last));
    }
    assert_eq!(familiar, [6, 7, 8, 9, 10, 11, 12, 13]);
}

pub async fn a_refused_sign_in_is_written_down_also_of_nobody(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let refused = |user, policy| {
        let audit = domain::audit::NewAuditEvent::new(Action::SignIn, Outcome::Refused, START);
        world.store.refuse_sign_in(RefusedSignIn { user, from: from(1), policy, audit })
    };
    assert_eq!(refused(None, None).await.unwrap(), FailureCounted::NOTHING);
    refused(Some(world.user.id), None).await.unwrap();
    refused(Some(domain::id::UserId::new(77)), Some(POLICY)).await.unwrap();
    assert_eq!(facts(&world, from(1)).await.user.lockout.failures, 0, "what does not count is not counted");
    let events = AuditFilter { action: Some(Action::SignIn), limit: 9, ..AuditFilter::default() };
    assert_eq!(world.store.list_audit(events).await.unwrap().len(), 3);
    assert!(world.store.find_sign_in("nobody", from(1)).await.unwrap().is_none());
    assert!(world.store.find_sign_in("bob\0", from(1)).await.unwrap().is_none());
}

pub async fn a_name_is_the_same_in_every_normal_form(store: Arc<dyn Store>) {
    let (composed, decomposed) = ("Müller", "MU\u{308}LLER");
    let user = insert_user(&store, composed, &[]).await.unwrap();
    for name in [composed, decomposed] {
        assert_eq!(store.find_user_by_name(name).await.unwrap().unwrap().id, user.id, "{name}");
        assert_eq!(store.find_sign_in(name, from(1)).await.unwrap().unwrap().user.id, user.id, "{name}");
        assert!(insert_user(&store, name, &[]).await.is_err(), "{name}");
    }
}
