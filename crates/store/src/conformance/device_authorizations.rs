//! Tests of requests of devices.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::Epoch;
use domain::secret::Digest;
use oauth::device::DeviceAuthorization;
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::scope::{BuiltInScope, ScopeSet};
use oauth::token::polling::UserDecision;

use super::purging::at;
use super::{OVER, START, World, at_once, code_id, event, event_at, odata};
use crate::{
    AccessAnswer, AccessAnswered, DeviceInsertion, GrantCreation, NewConsent, NewDeviceAuthorization,
    NewGrant, Store,
};

fn digest(kind: u8, n: u8) -> Digest {
    let mut bytes = [kind; 32];
    bytes[0] = n;
    Digest::from_bytes(bytes)
}

fn new(world: &World, n: u8) -> NewDeviceAuthorization {
    NewDeviceAuthorization {
        device_digest: digest(1, n),
        user_digest: digest(2, n),
        code: code_id(n.into()),
        application: world.application.id,
        application_epoch: world.application.epoch,
        scopes: odata(),
        details: GrantDetails::default(),
        at: START,
        expires_at: START.plus_secs(600),
        most: 3,
        replaces_oldest: false,
    }
}

async fn insert(world: &World, n: u8) -> DeviceAuthorization {
    assert_eq!(
        world.store.insert_device_authorization(new(world, n)).await.unwrap(),
        DeviceInsertion::Stored
    );
    find(world, n).await
}

async fn find(world: &World, n: u8) -> DeviceAuthorization {
    world.store.find_by_device_code(digest(1, n)).await.unwrap().unwrap()
}

async fn allow(world: &World, request: &DeviceAuthorization) -> AccessAnswered {
    let consent = world.new_consent().await;
    answer(world, request, AccessAnswer::Allow { consent, details: Box::default() }).await
}

async fn answer(world: &World, request: &DeviceAuthorization, answer: AccessAnswer) -> AccessAnswered {
    let event = event(Action::AllowApplication);
    world.store.answer_device_authorization(request.id, answer, event).await.unwrap()
}

pub async fn a_request_of_a_device_is_found_by_either_code(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let stored = insert(&world, 1).await;
    assert_eq!(world.store.find_by_user_code(digest(2, 1)).await.unwrap(), Some(stored.clone()));
    assert_eq!(world.store.find_by_user_code(digest(1, 1)).await.unwrap(), None);
    assert_eq!((stored.application, stored.scopes), (world.application.id, odata()));
    assert_eq!((stored.expires_at, stored.decision), (START.plus_secs(600), UserDecision::Pending));
    for taken in [
        NewDeviceAuthorization { user_digest: digest(2, 9), ..new(&world, 1) },
        NewDeviceAuthorization { device_digest: digest(1, 9), ..new(&world, 1) },
    ] {
        assert_eq!(world.store.insert_device_authorization(taken).await.unwrap(), DeviceInsertion::CodeTaken);
    }
    let outdated = NewDeviceAuthorization { application_epoch: Epoch::new(9), ..new(&world, 2) };
    assert_eq!(world.store.insert_device_authorization(outdated).await.unwrap(), DeviceInsertion::Gone);
}

pub async fn few_requests_of_devices_wait_at_once(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let inserted = at_once(8, |n| {
        let world = world.clone();
        async move {
            let new = new(&world, u8::try_from(n).unwrap());
            world.store.insert_device_authorization(new).await.unwrap()
        }
    })
    .await;
    assert_eq!(inserted.iter().filter(|one| **one == DeviceInsertion::Stored).count(), 3);
    assert_eq!(inserted.iter().filter(|one| **one == DeviceInsertion::TooMany).count(), 5);
    let later = NewDeviceAuthorization { at: START.plus_secs(600), ..new(&world, 100) };
    assert_eq!(world.store.insert_device_authorization(later).await.unwrap(), DeviceInsertion::Stored);
    let set_back = NewDeviceAuthorization { at: START.minus_secs(3_600), ..new(&world, 101) };
    assert_eq!(world.store.insert_device_authorization(set_back).await.unwrap(), DeviceInsertion::Stored);
}

pub async fn a_request_of_a_device_replaces_the_oldest_undecided_one(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let decided = insert(&world, 1).await;
    assert_eq!(answer(&world, &decided, AccessAnswer::Deny).await, AccessAnswered::Stored(vec![]));
    for n in 2..5 {
        insert(&world, n).await;
    }
    let replacing = |n| NewDeviceAuthorization { replaces_oldest: true, ..new(&world, n) };
    assert_eq!(world.store.insert_device_authorization(replacing(5)).await.unwrap(), DeviceInsertion::Stored);
    let is_stored = async |n| world.store.find_by_device_code(digest(1, n)).await.unwrap().is_some();
    assert!(!is_stored(2).await && is_stored(1).await, "the oldest that waits");
    assert!(is_stored(3).await && is_stored(4).await && is_stored(5).await);
    let stored = at_once(8, |n| {
        let (store, new) = (world.store.clone(), replacing(u8::try_from(n).unwrap() + 10));
        async move { store.insert_device_authorization(new).await.unwrap() }
    })
    .await;
    assert_eq!(stored, [DeviceInsertion::Stored; 8]);
    let mut left = 0;
    for n in 1..20 {
        left += i32::from(is_stored(n).await);
    }
    assert_eq!(left, 4, "three that wait, and the decided one");
}

pub async fn a_poll_is_recorded_once_in_an_interval(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let id = insert(&world, 1).await.id;
    let poll = |secs: i64| {
        let store = world.store.clone();
        let now = START.plus_secs(secs);
        async move { store.poll_device_authorization(id, now, now.minus_secs(5)).await.unwrap() }
    };
    let polled = at_once(8, |_| poll(0)).await;
    assert_eq!(polled.into_iter().filter(|accepted| *accepted).count(), 1);
    assert!(!poll(4).await, "too soon");
    assert!(poll(5).await, "the refused poll does not count");
    assert_eq!(find(&world, 1).await.polled_at, Some(START.plus_secs(5)));
    assert!(!poll(1).await, "polls overtake each other");
    assert!(poll(-100).await, "the clock was set back");
    assert!(!poll(-97).await && poll(-95).await);
}

pub async fn a_device_is_allowed_or_denied_once(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let (one, other) = (insert(&world, 1).await, insert(&world, 2).await);
    assert_eq!(answer(&world, &one, AccessAnswer::Deny).await, AccessAnswered::Stored(Vec::new()));
    assert_eq!(find(&world, 1).await.decision, UserDecision::Denied);
    assert_eq!(allow(&world, &one).await, AccessAnswered::Closed);
    assert_eq!(world.store.find_consent(world.user.id, world.application.id).await.unwrap(), None);
    let answers = at_once(6, |_| {
        let (world, other) = (world.clone(), other.clone());
        async move { allow(&world, &other).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|one| matches!(one, AccessAnswered::Stored(_))).count(), 1);
    let consent = world.store.find_consent(world.user.id, world.application.id).await.unwrap().unwrap();
    let decision =
        UserDecision::Allowed { user: world.user.id, user_epoch: world.user.epoch, consent: consent.id };
    assert_eq!(find(&world, 2).await.decision, decision);
    let grant = NewGrant { origin: GrantOrigin::Device(other.code), ..world.new_grant(2, Some(&consent)) };
    assert!(matches!(world.create_grant(grant.clone()).await, GrantCreation::Grant(_)));
    assert!(matches!(world.create_grant(grant).await, GrantCreation::Replayed(_)), "a code is used once");
}

pub async fn a_device_gets_what_its_user_allowed(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let request = insert(&world, 1).await;
    let scopes: ScopeSet = BuiltInScope::Management.into();
    let details = GrantDetails {
        resources: vec!["https://gate.example/api/odata4/ships".to_owned()],
        ..GrantDetails::default()
    };
    let consent = NewConsent { scopes: scopes.clone(), ..world.new_consent().await };
    let allow = AccessAnswer::Allow { consent, details: Box::new(details.clone()) };
    assert_eq!(answer(&world, &request, allow).await, AccessAnswered::Stored(Vec::new()));
    let found = find(&world, 1).await;
    assert_eq!((found.scopes, found.details), (scopes, details));
}

pub async fn a_request_of_a_device_is_decided_while_it_is_valid(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let request = insert(&world, 1).await;
    let consent = world.new_consent().await;
    let allow = |consent| AccessAnswer::Allow { consent, details: Box::default() };
    let outdated = NewConsent { user_epoch: Epoch::new(9), ..consent.clone() };
    assert_eq!(answer(&world, &request, allow(outdated)).await, AccessAnswered::Gone);
    assert_eq!(find(&world, 1).await.decision, UserDecision::Pending);
    let late = event_at(Action::AllowApplication, request.expires_at);
    let answered = world.store.answer_device_authorization(request.id, allow(consent), late).await.unwrap();
    assert_eq!(answered, AccessAnswered::Closed);
    assert_eq!(
        world.store.purge(at(request.expires_at.minus_secs(1))).await.unwrap().device_authorizations,
        0
    );
    assert_eq!(world.store.purge(at(OVER)).await.unwrap().device_authorizations, 1);
    assert_eq!(world.store.find_by_device_code(digest(1, 1)).await.unwrap(), None);
}
