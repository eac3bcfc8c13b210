//! Keys of every kind.

use domain::audit::Action;
use oauth::signing::SigningAlgorithm;
use store::{Store, StoredExternalKey, StoredKey, StoredSigningKey};

use super::{ODD, OVER, START, event};

pub(super) async fn all(store: &dyn Store) {
    for id in 1..=2 {
        let key = StoredKey { id, created_at: START, activates_at: OVER, sealed: vec![0, 255, 128, 0] };
        assert!(store.insert_key(key, event(Action::SetLimit)).await.unwrap());
    }
    let key = StoredSigningKey {
        id: 1,
        algorithm: SigningAlgorithm::Ps256,
        created_at: START,
        activates_at: OVER,
        sealed: vec![0, 255, 128, 0],
    };
    assert!(store.insert_signing_key(key, event(Action::RotateSigningKeys)).await.unwrap());
    let external = StoredExternalKey {
        id: 1,
        key_id: ODD.to_owned(),
        algorithm: SigningAlgorithm::Es256,
        created_at: START,
        activates_at: OVER,
        seen_at: OVER,
        sealed: vec![0, 255, 128, 0],
    };
    assert!(store.insert_external_key(external, event(Action::RotateSigningKeys)).await.unwrap());
}
