//! Tests of used assertions.

use std::sync::Arc;

use domain::secret::Digest;
use tokio::task::JoinSet;

use super::{OVER, START, World};
use crate::{Purge, Store};

const DIGEST: Digest = Digest::from_bytes([7; 32]);
const OTHER: Digest = Digest::from_bytes([8; 32]);

pub async fn an_assertion_is_used_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&world.store);
        tasks.spawn(async move { store.use_assertion(DIGEST, OVER).await.unwrap() });
    }
    let used = tasks.join_all().await.into_iter().filter(|used| *used).count();
    assert_eq!(used, 1);
    assert!(world.store.use_assertion(OTHER, OVER).await.unwrap());
}

pub async fn a_used_assertion_is_remembered_until_it_expires(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let until = START.plus_secs(10);
    assert!(world.store.use_assertion(DIGEST, until).await.unwrap());
    let purge = async |now| {
        let purge = Purge {
            now,
            revoked_grants_before: START,
            familiar_since: START,
            polled_requests_before: START,
            audit_before: START,
            batch: 100,
        };
        world.store.purge(purge).await.unwrap().used_assertions
    };
    assert_eq!(purge(START.plus_secs(9)).await, 0);
    assert!(!world.store.use_assertion(DIGEST, until).await.unwrap());
    assert_eq!(purge(until).await, 1);
    assert!(world.store.use_assertion(DIGEST, OVER).await.unwrap());
}
