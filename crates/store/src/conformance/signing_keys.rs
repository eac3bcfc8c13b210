//! Tests of signing keys.

use std::sync::Arc;

use domain::audit::Action;
use domain::time::Timestamp;
use oauth::signing::SigningAlgorithm::{self, EdDsa, Es256};

use super::{START, at_once, event};
use crate::{AuditFilter, Store, StoredExternalKey, StoredSigningKey, SupersededSigningKeys};

pub async fn signing_keys_come_one_after_the_other(store: Arc<dyn Store>) {
    let insert =
        |id, algorithm| store.insert_signing_key(key(id, algorithm, START), event(Action::RotateSigningKeys));
    let before = store.versions().await.unwrap();
    assert!(!insert(2, EdDsa).await.unwrap());
    assert_eq!(store.versions().await.unwrap(), before);
    assert!(insert(1, EdDsa).await.unwrap());
    assert!(!insert(1, Es256).await.unwrap());
    assert!(insert(2, Es256).await.unwrap());
    let all = [key(1, EdDsa, START), key(2, Es256, START)];
    assert_eq!(store.list_signing_keys().await.unwrap(), all);
    assert!(store.versions().await.unwrap().keys > before.keys, "every node reads the keys again");
}

pub async fn superseded_signing_keys_are_deleted_and_the_newest_of_each_algorithm_stays(
    store: Arc<dyn Store>,
) {
    for (id, algorithm, secs) in [(1, EdDsa, 0), (2, Es256, 0), (3, EdDsa, 10), (4, EdDsa, 20)] {
        let key = key(id, algorithm, START.plus_secs(secs));
        assert!(store.insert_signing_key(key, event(Action::RotateSigningKeys)).await.unwrap());
    }
    let ids =
        async || -> Vec<u32> { store.list_signing_keys().await.unwrap().iter().map(|key| key.id).collect() };
    let before = |secs| SupersededSigningKeys::Before(START.plus_secs(secs));
    assert_eq!(store.delete_signing_keys(before(10), None).await.unwrap(), 0, "superseded at 10, not before");
    assert_eq!(store.delete_signing_keys(before(11), None).await.unwrap(), 1);
    assert_eq!(ids().await, [2, 3, 4]);
    let versions = store.versions().await.unwrap();
    let retired = || Some(event(Action::RotateSigningKeys));
    let all = SupersededSigningKeys::All;
    assert_eq!(store.delete_signing_keys(all(EdDsa), retired()).await.unwrap(), 1);
    assert_eq!(ids().await, [2, 4]);
    assert!(store.versions().await.unwrap().keys > versions.keys);
    assert_eq!(store.delete_signing_keys(all(EdDsa), retired()).await.unwrap(), 0);
    assert_eq!(store.delete_signing_keys(all(Es256), retired()).await.unwrap(), 0);
    let filter = AuditFilter { limit: 100, ..AuditFilter::default() };
    let events = store.list_audit(filter).await.unwrap();
    assert_eq!(events.len(), 5, "an event for each new key, and for the deletion that deleted one");
}

pub async fn a_signing_key_is_added_by_one_node(store: Arc<dyn Store>) {
    let added = at_once(8, |number| {
        let store = store.clone();
        let algorithm = if number % 2 == 0 { EdDsa } else { Es256 };
        let key = key(1, algorithm, START);
        async move { store.insert_signing_key(key, event(Action::RotateSigningKeys)).await.unwrap() }
    })
    .await;
    assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(store.list_signing_keys().await.unwrap().len(), 1);
}

pub async fn external_keys_are_stored_seen_and_deleted_once_nobody_sees_them(store: Arc<dyn Store>) {
    let insert =
        |key: &StoredExternalKey| store.insert_external_key(key.clone(), event(Action::RotateSigningKeys));
    let (first, second) = (external(1, "a"), external(2, "b"));
    let before = store.versions().await.unwrap().keys;
    assert!(!insert(&second).await.unwrap(), "a number is left out");
    assert!(insert(&first).await.unwrap());
    assert!(!insert(&first).await.unwrap());
    assert!(!insert(&external(2, "a")).await.unwrap(), "the same key under another number");
    assert!(insert(&second).await.unwrap());
    assert_eq!(store.list_external_keys().await.unwrap(), [first.clone(), second.clone()]);
    let stored = store.versions().await.unwrap().keys;
    assert!(stored > before, "every node reads the keys again");
    store.see_external_keys(vec![1], START.plus_secs(10)).await.unwrap();
    store.see_external_keys(vec![1, 2], START.plus_secs(5)).await.unwrap();
    let seen =
        |key: &StoredExternalKey, secs| StoredExternalKey { seen_at: START.plus_secs(secs), ..key.clone() };
    let keys = store.list_external_keys().await.unwrap();
    assert_eq!(keys, [seen(&first, 10), seen(&second, 5)], "a key is never seen earlier than before");
    assert_eq!(store.versions().await.unwrap().keys, stored, "no node reads the keys again for that");
    let delete = |unseen_since| {
        store.delete_external_keys(
            vec![1, 2],
            START.plus_secs(unseen_since),
            event(Action::RetireSigningKeys),
        )
    };
    assert_eq!(delete(5).await.unwrap(), 0);
    assert_eq!(delete(6).await.unwrap(), 1);
    assert_eq!(store.list_external_keys().await.unwrap(), [seen(&first, 10)]);
    assert!(store.versions().await.unwrap().keys > stored);
}

pub async fn an_external_key_is_added_by_one_node(store: Arc<dyn Store>) {
    let added = at_once(8, |number| {
        let store = store.clone();
        let key = external(1, if number % 2 == 0 { "a" } else { "b" });
        async move { store.insert_external_key(key, event(Action::RotateSigningKeys)).await.unwrap() }
    })
    .await;
    assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
    assert_eq!(store.list_external_keys().await.unwrap().len(), 1);
}

fn external(id: u32, key_id: &str) -> StoredExternalKey {
    StoredExternalKey {
        id,
        key_id: key_id.to_owned(),
        algorithm: Es256,
        created_at: START,
        activates_at: START.plus_secs(1),
        seen_at: START,
        sealed: vec![1, 2, 3],
    }
}

fn key(id: u32, algorithm: SigningAlgorithm, activates_at: Timestamp) -> StoredSigningKey {
    StoredSigningKey { id, algorithm, created_at: START, activates_at, sealed: vec![1, 2, 3] }
}
