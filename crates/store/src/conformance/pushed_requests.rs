//! Tests of pushed authorization requests.

use std::sync::Arc;

use domain::id::{ApplicationId, PushedRequestId};
use domain::secret::Digest;
use domain::time::Timestamp;
use tokio::task::JoinSet;

use super::{START, World};
use crate::{NewPushedRequest, PushedRequest, PushedRequestLimits, Store};

const DIGEST: Digest = Digest::from_bytes([7; 32]);
const OTHER: Digest = Digest::from_bytes([8; 32]);

fn at(secs: i64) -> Timestamp {
    START.plus_secs(secs)
}

/// A request that expires after a minute.
async fn push(world: &World) -> PushedRequestId {
    push_within(world, world.application.id, MANY).await.unwrap()
}

const MANY: PushedRequestLimits = PushedRequestLimits { of_application: 100, total: 100 };

async fn push_within(
    world: &World,
    application: ApplicationId,
    limits: PushedRequestLimits,
) -> Option<PushedRequestId> {
    let new = NewPushedRequest {
        digest: DIGEST,
        application,
        parameters: "response_type=code&state=\u{e9}".to_owned(),
        at: START,
        opened_at: None,
        expires_at: at(60),
        limits,
    };
    world.store.insert_pushed_request(new).await.unwrap()
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
    assert_eq!(find(&world, id, &OTHER, 0).await, None);
    assert_eq!(find(&world, PushedRequestId::new(id.get() + 1), &DIGEST, 0).await, None);
    assert_eq!(find(&world, id, &DIGEST, 60).await, None);
}

pub async fn open_requests_are_limited_for_each_application_and_in_total(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (own, other) = (world.application.id, ApplicationId::new(world.application.id.get() + 1));
    let limits = PushedRequestLimits { of_application: 2, total: 3 };
    let first = push_within(&world, own, limits).await.unwrap();
    assert!(push_within(&world, own, limits).await.is_some());
    assert_eq!(push_within(&world, own, limits).await, None);
    assert!(push_within(&world, other, limits).await.is_some());
    assert_eq!(push_within(&world, other, limits).await, None, "in total");
    assert!(world.store.consume_pushed_request(first, DIGEST, at(1)).await.unwrap());
    assert!(push_within(&world, own, limits).await.is_some(), "an answered one does not count");
}

pub async fn the_expiry_of_a_pushed_request_is_moved_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = push(&world).await;
    let open = async |digest, secs, until| {
        world.store.open_pushed_request(id, digest, at(secs), at(until)).await.unwrap()
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
