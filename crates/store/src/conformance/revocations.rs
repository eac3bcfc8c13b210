//! Tests of revocation, and of the change feed by which nodes learn of it.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::{ApplicationId, Epoch, UserId};
use domain::limit::Limit;
use oauth::revocation::{Revocation, RevokedSubject};

use super::{OVER, START, World, event, granted};
use crate::{AccessOf, GrantCreation, NewGrant, Store, StoredKey, UserChange, Versions};

pub async fn an_epoch_that_grew_leaves_grants_and_consents_dead(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (consent, grant) = (world.allow().await, world.grant(1).await);
    let off =
        UserChange { active: Some(false), at: START, revocation_expires_at: OVER, ..UserChange::default() };
    world.store.update_user(world.user.id, off, event(Action::UpdateUser)).await.unwrap().unwrap();
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
    assert_eq!(world.store.find_consent(consent.user, consent.application).await.unwrap(), None);
    assert_eq!(world.store.list_allowed(world.user.id, START, None, 9).await.unwrap(), []);
    assert_eq!(world.revoke_allowed().await, None);
}

pub async fn what_is_created_after_a_reset_lives(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let application = world.reset_secret().await;
    assert_eq!(world.create_grant(world.new_grant(1, Some(&consent))).await, GrantCreation::Gone);
    let stale = NewGrant { application_epoch: application.epoch, ..world.new_grant(1, Some(&consent)) };
    assert_eq!(world.create_grant(stale).await, GrantCreation::Gone, "the consent of the earlier epoch");
    let anew = world.allow().await;
    assert!(anew.id > consent.id);
    let new = NewGrant { application_epoch: application.epoch, ..world.new_grant(1, Some(&anew)) };
    let id = granted(&world.create_grant(new).await).unwrap();
    assert!(world.store.find_grant(id).await.unwrap().is_some());
}

pub async fn the_feed_has_no_gaps_and_is_in_order(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let grant = world.grant(1).await;
    let first =
        world.store.revoke_grant(grant, START.plus_secs(10), event(Action::RevokeGrant)).await.unwrap();
    world.reset_secret().await;
    world
        .store
        .delete_application(world.application.id, OVER, event(Action::DeleteApplication))
        .await
        .unwrap()
        .unwrap();
    let after = |seq, now, limit| world.store.revocations_after(seq, now, limit);
    let all = after(0, START, 10).await.unwrap();
    let seqs = |feed: &[Revocation]| feed.iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(seqs(&all), [1, 2, 3]);
    assert_eq!(all[0], first[0]);
    assert!(matches!(all[2].subject, RevokedSubject::Application { epoch: Epoch::GONE, .. }));
    assert_eq!(after(1, START, 1).await.unwrap(), [all[1]]);
    assert_eq!(
        seqs(&after(0, START.plus_secs(10), 10).await.unwrap()),
        [2, 3],
        "what no token outlives matters no more"
    );
    assert_eq!(world.store.versions().await.unwrap().revocations, 3);
}

pub async fn all_access_of_a_subject_is_revoked_by_one_event(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (user, application) = (world.user.id, world.application.id);
    let revoke = async |access| {
        let revoked = world.store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap();
        revoked.unwrap().map(|events| events.iter().map(|event| event.subject).collect::<Vec<_>>())
    };
    let grant = world.grant(1).await;
    let ended = revoke(AccessOf::User(user)).await.unwrap();
    assert_eq!(ended, [RevokedSubject::User { user, epoch: Epoch::new(world.user.epoch.get() + 1) }]);
    assert_eq!(world.store.find_grant(grant).await.unwrap(), None);
    let epoch = Epoch::new(world.application.epoch.get() + 1);
    let ended = revoke(AccessOf::Application(application)).await.unwrap();
    assert_eq!(ended, [RevokedSubject::Application { application, epoch }]);
    assert_eq!(revoke(AccessOf::UserAtApplication { user, application }).await, None, "nothing is allowed");
    world.allow().await;
    assert_eq!(revoke(AccessOf::UserAtApplication { user, application }).await, Some(vec![]));
    assert_eq!(revoke(AccessOf::User(UserId::new(77))).await, None);
    assert_eq!(revoke(AccessOf::Application(ApplicationId::new(77))).await, None);
}

pub async fn the_latest_instant_of_a_revocation_stays_in_the_feed(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let long_after = OVER.plus_secs(1_000_000_000);
    for instant in [START, START.plus_secs(5)] {
        let access = AccessOf::IssuedBefore(instant);
        let revoked = world.store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap();
        let subjects: Vec<_> = revoked.unwrap().unwrap().iter().map(|event| event.subject).collect();
        assert_eq!(subjects, [RevokedSubject::IssuedBefore(instant)]);
    }
    let feed = world.store.revocations_after(0, long_after, 9).await.unwrap();
    let subjects: Vec<_> = feed.iter().map(|event| event.subject).collect();
    assert_eq!(subjects, [RevokedSubject::IssuedBefore(START.plus_secs(5))]);
}

pub async fn versions_grow_with_each_change(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    let mut before = store.versions().await.unwrap();
    let mut grown = async |what: &str, of: fn(&Versions) -> i64| {
        let now = store.versions().await.unwrap();
        assert!(of(&now) > of(&before), "{what}");
        before = now;
    };
    let change = UserChange { unlock: true, at: START, ..UserChange::default() };
    store.update_user(world.user.id, change, event(Action::UpdateUser)).await.unwrap().unwrap();
    grown("users", |versions| versions.users).await;
    let role = store.list_roles().await.unwrap().remove(0);
    store.update_role(role, event(Action::UpdateRole)).await.unwrap().unwrap();
    grown("roles", |versions| versions.roles).await;
    world.reset_secret().await;
    grown("applications", |versions| versions.applications).await;
    let id = world.application.id;
    store.add_secret(id, super::new_secret(5), OVER, event(Action::AddSecret)).await.unwrap().unwrap();
    grown("secrets", |versions| versions.applications).await;
    store.set_limit(Limit::MaxFetchRows, Some(5), event(Action::SetLimit)).await.unwrap().unwrap();
    grown("limits", |versions| versions.limits).await;
    let key = StoredKey { id: 1, created_at: START, activates_at: START, sealed: vec![1] };
    assert!(store.insert_key(key, event(Action::RotateKeys)).await.unwrap());
    grown("keys", |versions| versions.keys).await;
    super::data_sources::insert(&world, "sales").await.unwrap();
    grown("data sources", |versions| versions.data_sources).await;
    store.delete_application(id, OVER, event(Action::DeleteApplication)).await.unwrap().unwrap();
    grown("a deleted application", |versions| versions.applications).await;
}
