//! Tests of pushed authorization requests.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::{ApplicationId, PushedRequestId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::ClientType;
use oauth::authorize::{Provenance, VerifiedObject};
use oauth::signing::JwsAlgorithm;
use tokio::task::JoinSet;

use super::{START, World, event, settings_named};
use crate::{
    NewApplication, NewPushedRequest, PushedRequest, PushedRequestLimits, PushedRequestOpening, Store,
};

const DIGEST: Digest = Digest::from_bytes([7; 32]);
const OTHER: Digest = Digest::from_bytes([8; 32]);

const PROVENANCE: Provenance =
    Provenance::in_object(VerifiedObject { algorithm: JwsAlgorithm::Ps256, starts: true, brought: false });

fn at(secs: i64) -> Timestamp {
    START.plus_secs(secs)
}

/// A request that expires after a minute.
async fn push(world: &World) -> PushedRequestId {
    push_within(world, world.application.id, MANY).await.unwrap()
}

const MANY: PushedRequestLimits =
    PushedRequestLimits { of_application: 100, total: 100, strangers: 100, strangers_of_application: 100 };

async fn push_within(
    world: &World,
    application: ApplicationId,
    limits: PushedRequestLimits,
) -> Option<PushedRequestId> {
    push_at(world, application, limits, START).await
}

async fn push_at(
    world: &World,
    application: ApplicationId,
    limits: PushedRequestLimits,
    at: Timestamp,
) -> Option<PushedRequestId> {
    let new = NewPushedRequest {
        digest: DIGEST,
        application,
        parameters: "response_type=code&state=\u{e9}".to_owned(),
        provenance: PROVENANCE,
        at,
        opened_at: None,
        expires_at: at.plus_secs(60),
        by_stranger: false,
        limits,
    };
    world.store.insert_pushed_request(new).await.unwrap()
}

/// A request of a stranger; an opened one is like an object that a browser brings.
async fn leave(
    world: &World,
    application: ApplicationId,
    is_opened: bool,
    limits: PushedRequestLimits,
) -> PushedRequestId {
    let new = NewPushedRequest {
        digest: DIGEST,
        application,
        parameters: String::new(),
        provenance: Provenance::default(),
        at: START,
        opened_at: is_opened.then_some(START),
        expires_at: at(60),
        by_stranger: true,
        limits,
    };
    world.store.insert_pushed_request(new).await.unwrap().unwrap()
}

/// A public application.
async fn public(world: &World, number: u64) -> ApplicationId {
    let mut settings = settings_named("Public");
    settings.client_type = ClientType::Public;
    let new = NewApplication {
        client_id: format!("00000000-0000-4000-9000-{number:012x}").parse().unwrap(),
        owner: world.administrator.id,
        settings,
        secret: None,
        at: START,
    };
    let inserted = world.store.insert_application(new, event(Action::RegisterApplication)).await.unwrap();
    inserted.unwrap().id
}

async fn find(world: &World, id: PushedRequestId, digest: &Digest, secs: i64) -> Option<PushedRequest> {
    world.store.find_pushed_request(id, digest, at(secs)).await.unwrap()
}

pub async fn a_pushed_request_is_found_by_its_whole_reference_until_it_expires(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = push(&world).await;
    let found = find(&world, id, &DIGEST, 59).await.unwrap();
    assert_eq!((found.application, found.pushed_at), (world.application.id, START));
    assert_eq!((found.parameters.as_str(), found.opened_at), ("response_type=code&state=\u{e9}", None));
    assert_eq!(found.provenance, PROVENANCE);
    assert_eq!(find(&world, id, &OTHER, 0).await, None);
    assert_eq!(find(&world, PushedRequestId::new(id.get() + 1), &DIGEST, 0).await, None);
    assert_eq!(find(&world, id, &DIGEST, 60).await, None);
}

pub async fn open_requests_are_limited_for_each_application_and_in_total(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (own, other) = (world.application.id, ApplicationId::new(world.application.id.get() + 1));
    let limits = PushedRequestLimits { of_application: 2, total: 3, ..MANY };
    let first = push_within(&world, own, limits).await.unwrap();
    assert!(push_within(&world, own, limits).await.is_some());
    assert_eq!(push_within(&world, own, limits).await, None);
    assert!(push_within(&world, other, limits).await.is_some());
    assert_eq!(push_within(&world, other, limits).await, None, "in total");
    let set_back = push_at(&world, other, limits, START.minus_secs(3_600)).await;
    assert!(set_back.is_some(), "the clock was set back");
    assert!(world.store.consume_pushed_request(first, DIGEST, at(1)).await.unwrap());
    assert!(push_within(&world, own, limits).await.is_some(), "an answered one does not count");
}

pub async fn strangers_replace_only_requests_of_strangers(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let own = world.application.id;
    let (one, other) = (public(&world, 1).await, public(&world, 2).await);
    let limits = PushedRequestLimits { strangers_of_application: 2, strangers: 3, ..MANY };
    let exists = async |id| find(&world, id, &DIGEST, 0).await.is_some();
    let pushed = push(&world).await;
    let kept = leave(&world, own, true, limits).await;
    let (first, second) = (leave(&world, one, false, limits).await, leave(&world, one, false, limits).await);
    let third = leave(&world, one, false, limits).await;
    assert!(!exists(first).await && exists(second).await && exists(third).await, "of one application");
    let fourth = leave(&world, other, false, limits).await;
    assert!(exists(second).await, "three in total");
    let fifth = leave(&world, other, false, limits).await;
    assert!(!exists(second).await && exists(third).await && exists(fourth).await && exists(fifth).await);
    assert!(exists(pushed).await && exists(kept).await, "the application's own, and one that a browser has");
    let (next, last) = (leave(&world, own, true, limits).await, leave(&world, own, true, limits).await);
    assert!(!exists(kept).await && exists(next).await && exists(last).await);
    assert!(exists(pushed).await && exists(third).await, "those that no browser has stay");
    let full = PushedRequestLimits { of_application: 2, ..MANY };
    assert!(
        push_within(&world, own, full).await.is_some(),
        "strangers do not use up what is the application's"
    );
    assert_eq!(push_within(&world, own, full).await, None);
}

pub async fn few_opened_requests_of_strangers_stay(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (one, other) = (public(&world, 1).await, public(&world, 2).await);
    let limits = PushedRequestLimits { strangers_of_application: 2, strangers: 3, ..MANY };
    let open = async |id| {
        let opening = PushedRequestOpening { now: at(1), expires_at: at(900), limits };
        world.store.open_pushed_request(id, DIGEST, opening).await.unwrap()
    };
    for expected in [true, true, false] {
        let id = leave(&world, one, false, MANY).await;
        assert_eq!(open(id).await, expected);
        assert_eq!(find(&world, id, &DIGEST, 60).await.is_some(), expected);
        assert!(find(&world, id, &DIGEST, 59).await.is_some(), "it stays as long as it would have");
    }
    for expected in [true, false] {
        assert_eq!(open(leave(&world, other, false, MANY).await).await, expected, "in total");
    }
    for _ in 0..4 {
        assert!(open(push(&world).await).await, "those of an application that authenticates");
    }
}

pub async fn the_expiry_of_a_pushed_request_is_moved_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = push(&world).await;
    let open = async |digest, secs, until| {
        let opening = PushedRequestOpening { now: at(secs), expires_at: at(until), limits: MANY };
        world.store.open_pushed_request(id, digest, opening).await.unwrap()
    };
    assert!(!open(OTHER, 1, 900).await);
    assert!(!open(DIGEST, 60, 900).await, "an expired one stays expired");
    assert!(open(DIGEST, 59, 900).await);
    assert!(!open(DIGEST, 100, 9_000).await);
    let found = find(&world, id, &DIGEST, 899).await.unwrap();
    assert_eq!((found.opened_at, found.expires_at), (Some(at(59)), at(900)));
    assert_eq!(find(&world, id, &DIGEST, 900).await, None);
}

pub async fn a_pushed_request_is_consumed_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let expired = push(&world).await;
    assert!(!world.store.consume_pushed_request(expired, DIGEST, at(60)).await.unwrap());
    let id = push(&world).await;
    assert!(!world.store.consume_pushed_request(id, OTHER, at(1)).await.unwrap());
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&world.store);
        tasks.spawn(async move { store.consume_pushed_request(id, DIGEST, at(1)).await.unwrap() });
    }
    let consumed = tasks.join_all().await.into_iter().filter(|consumed| *consumed).count();
    assert_eq!(consumed, 1);
    assert_eq!(find(&world, id, &DIGEST, 1).await, None);
}
