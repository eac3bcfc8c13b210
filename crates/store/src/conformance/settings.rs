//! Tests of limits, ring keys and maintenance.

use std::sync::Arc;

use domain::audit::Action;
use domain::limit::Limit;
use domain::time::Timestamp;

use super::{OVER, START, World, event};
use crate::{NewGrant, Store, StoreError, StoredKey};

pub async fn limits_are_set_and_returned_to_their_default(store: Arc<dyn Store>) {
    let set = |limit, value| store.set_limit(limit, value, event(Action::SetLimit));
    assert_eq!(store.list_limits().await.unwrap(), []);
    set(Limit::PasswordLockoutLimit, Some(5)).await.unwrap().unwrap();
    set(Limit::MaxFetchRows, Some(10)).await.unwrap().unwrap();
    set(Limit::MaxFetchRows, Some(20)).await.unwrap().unwrap();
    let limits = store.list_limits().await.unwrap();
    assert_eq!(limits, [(Limit::MaxFetchRows, 20), (Limit::PasswordLockoutLimit, 5)]);
    set(Limit::MaxFetchRows, None).await.unwrap().unwrap();
    assert_eq!(store.list_limits().await.unwrap(), [(Limit::PasswordLockoutLimit, 5)]);
}

pub async fn ring_keys_come_one_after_the_other(store: Arc<dyn Store>) {
    let insert = |id| store.insert_key(key(id, START), event(Action::RotateKeys));
    assert!(!insert(2).await.unwrap());
    assert!(insert(1).await.unwrap());
    assert!(!insert(1).await.unwrap());
    assert!(insert(2).await.unwrap());
    assert_eq!(store.list_keys().await.unwrap(), [key(1, START), key(2, START)]);
}

pub async fn keys_are_deleted_when_nothing_needs_them(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for id in 1..=4_u32 {
        let key = key(id, START.plus_secs(i64::from(id)));
        assert!(world.store.insert_key(key, event(Action::RotateKeys)).await.unwrap());
    }
    let used = NewGrant { key: 2, ..world.new_grant(1, None) };
    let grant = super::granted(&world.create_grant(used).await).unwrap();
    let plain = NewGrant { key: 1, refreshable: false, expires_at: Some(OVER), ..world.new_grant(2, None) };
    world.create_grant(plain).await;
    let purge = |secs| world.store.purge_keys(4, START.plus_secs(secs));
    assert!(purge(2).await.unwrap().is_empty(), "key 1 was superseded at 2, not before");
    assert_eq!(purge(4).await.unwrap(), [1], "key 2 seals a live refresh token, key 3 was superseded at 4");
    world.store.revoke_grant(grant, OVER, event(Action::RevokeGrant)).await.unwrap();
    assert_eq!(purge(99).await.unwrap(), [2, 3]);
    assert_eq!(world.store.list_keys().await.unwrap(), [key(4, START.plus_secs(4))]);
}

pub async fn probing_and_figures_work(store: Arc<dyn Store>) {
    let before = store.figures();
    store.probe().await.unwrap();
    let after = store.figures();
    assert!(after.commits > before.commits && after.writes > before.writes && after.syncs > before.syncs);
    assert_eq!(after.queued, 0);
}

pub async fn a_closed_store_refuses_writes(store: Arc<dyn Store>) {
    store.probe().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.probe().await, Err(StoreError::Unavailable(_))));
}

fn key(id: u32, activates_at: Timestamp) -> StoredKey {
    StoredKey { id, created_at: START, activates_at, sealed: vec![1, 2, 3] }
}
