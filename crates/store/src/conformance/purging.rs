//! Tests of purging.

use std::sync::Arc;

use domain::account::device::SessionOrigin;
use domain::audit::Action;
use domain::id::TokenId;
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::authorize::Provenance;

use super::{OVER, START, World, event, event_at, granted, new_secret};
use crate::{
    AuditFilter, GrantCreation, NewGrant, NewPushedRequest, NewSession, Purge, Purged, PushedRequestLimits,
    Store,
};

pub async fn what_is_over_goes_in_batches_and_the_rest_stays(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for n in 0..7 {
        let new = NewGrant { expires_at: Some(START.plus_secs(10)), ..world.new_grant(n, None) };
        world.create_grant(new).await;
        open_session(&world, START.plus_secs(10)).await;
        let token = TokenId::compose(START, n.to_be_bytes());
        world.store.revoke_token(token, START.plus_secs(10), event(Action::RevokeToken)).await.unwrap();
    }
    for until in [START.plus_secs(10), OVER] {
        let pushed = NewPushedRequest {
            digest: Digest::from_bytes([3; 32]),
            application: world.application.id,
            parameters: String::new(),
            provenance: Provenance::default(),
            at: START,
            opened_at: None,
            expires_at: until,
            by_stranger: false,
            limits: PushedRequestLimits {
                of_application: 9,
                total: 9,
                strangers: 9,
                strangers_of_application: 9,
            },
        };
        world.store.insert_pushed_request(pushed).await.unwrap().unwrap();
    }
    let live = world.grant(100).await;
    open_session(&world, OVER).await;
    let id = world.application.id;
    let expiry = START.plus_secs(10);
    world.store.add_secret(id, new_secret(2), expiry, event(Action::AddSecret)).await.unwrap().unwrap();
    let early = Purge { batch: 5, ..at(START.plus_secs(9)) };
    assert_eq!(world.store.purge(early).await.unwrap(), Purged::default());
    let purge = Purge { batch: 5, ..at(START.plus_secs(10)) };
    let first = world.store.purge(purge).await.unwrap();
    assert_eq!((first.grants, first.sessions, first.revocations, first.secrets), (5, 5, 5, 1));
    assert_eq!(first.pushed_requests, 1);
    let second = world.store.purge(purge).await.unwrap();
    assert_eq!((second.grants, second.sessions, second.revocations, second.secrets), (2, 2, 2, 0));
    assert_eq!(world.store.purge(purge).await.unwrap(), Purged::default());
    assert!(world.store.find_grant(live).await.unwrap().is_some());
    let application = world.store.find_application(id).await.unwrap().unwrap();
    assert_eq!(application.secrets.len(), 1);
    world.store.append_audit(vec![event_at(Action::SignIn, OVER)]).await.unwrap();
    let purged = world.store.purge(Purge { audit_before: OVER, ..at(START) }).await.unwrap();
    assert!(purged.audit_events > 0);
    let left = world.store.list_audit(AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    assert_eq!(left.len(), 1);
}

pub async fn grants_of_an_earlier_epoch_go_and_later_ones_stay(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let revoked = world.new_grant(1, None);
    world.create_grant(revoked.clone()).await;
    world.create_grant(revoked.clone()).await;
    let keeping = Purge { revoked_grants_before: START, ..at(START) };
    assert_eq!(world.store.purge(keeping).await.unwrap().grants, 0);
    assert_eq!(world.create_grant(revoked).await, GrantCreation::Replayed(vec![]), "a replay still finds it");
    world.allow().await;
    for n in 10..1_510 {
        world.grant(n).await;
    }
    let application = world.reset_secret().await;
    let new = NewGrant { application_epoch: application.epoch, ..world.new_grant(5_000, None) };
    let later = granted(&world.create_grant(new).await).unwrap();
    let consent = world.allow().await;
    let all = at(START.plus_secs(1));
    let first = world.store.purge(all).await.unwrap();
    assert_eq!(first.grants, 1_000, "the largest batch there is");
    assert_eq!(world.store.purge(all).await.unwrap().grants, 501);
    assert_eq!(world.store.purge(all).await.unwrap(), Purged::default());
    assert!(world.store.find_grant(later).await.unwrap().is_some());
    let kept = world.store.find_consent(world.user.id, world.application.id).await.unwrap();
    assert_eq!(kept, Some(consent));
    world
        .store
        .delete_application(application.id, OVER, event(Action::DeleteApplication))
        .await
        .unwrap()
        .unwrap();
    let last = world.store.purge(all).await.unwrap();
    assert_eq!((last.grants, last.consents), (1, 1));
}

/// Rows can be counted through purging alone: at the end it must delete exactly the few rows that are left.
pub async fn rows_grow_with_live_grants_not_with_what_was_ever_issued(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut at_end = Vec::new();
    for round in 0..3_u64 {
        let now = START.plus_secs(i64::try_from(round).unwrap() * 3_600);
        for n in 0..100 {
            let code = round * 1_000 + n;
            let new =
                NewGrant { at: now, expires_at: Some(now.plus_secs(60)), ..world.new_grant(code, None) };
            world.create_grant(new).await;
        }
        let grant = world.grant(round * 1_000 + 999).await;
        for generation in 0..100 {
            world.store.rotate_grant(grant, generation, 1, now).await.unwrap();
        }
        world.store.revoke_grant(grant, now.plus_secs(60), event_at(Action::RevokeGrant, now)).await.unwrap();
        at_end.push(world.store.purge(at(now.plus_secs(60))).await.unwrap());
    }
    for purged in at_end {
        assert_eq!((purged.grants, purged.revocations), (101, 1));
    }
    assert!(world.store.revocations_after(0, START, 10).await.unwrap().is_empty());
}

pub(super) fn at(now: Timestamp) -> Purge {
    let beginning = Timestamp::from_micros(i64::MIN);
    Purge {
        now,
        revoked_grants_before: now,
        polled_requests_before: now,
        familiar_since: beginning,
        audit_before: beginning,
        batch: 5_000,
    }
}

async fn open_session(world: &World, expires_at: Timestamp) {
    let new = NewSession {
        user: world.user.id,
        user_epoch: world.user.epoch,
        digest: Digest::from_bytes([7; 32]),
        auth_time: START,
        expires_at,
        sid: "one".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap();
}
