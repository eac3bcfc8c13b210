//! Tests of logout tokens that are to be delivered.

use std::sync::Arc;

use domain::account::Session;
use domain::account::device::SessionOrigin;
use domain::audit::Action;
use domain::id::{ApplicationId, LogoutDeliveryId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::application::{Application, ClientMetadata};
use oauth::grant::GrantDetails;
use oauth::user_authentication::SignInDetails;

use super::{OVER, START, World, at_once, event, granted, insert_user, settings_named};
use crate::{
    AccessOf, Amendment, LogoutClaim, LogoutDelivery, NewGrant, NewSession, Possessions, ReplacedSession,
    Store, UserChange,
};

const TOLD: &str = r#"{"backchannel_logout_uri":"https://example.com/out"}"#;

/// Gives the application an address for logout tokens.
async fn notified_application(world: &World) -> ApplicationId {
    let mut settings = settings_named("told");
    settings.client_metadata = ClientMetadata::from_json(Some(TOLD)).unwrap();
    let (id, change) = (world.application.id, event(Action::UpdateApplication));
    let updated = world.store.update_application(id, Amendment::to(settings), change).await.unwrap();
    let (application, _): (Application, _) = updated.unwrap();
    application.id
}

/// A session of the user that the application knows of.
async fn known_session(world: &World, user: UserId, application: ApplicationId, sid: &str) -> Session {
    let user = world.store.find_user(user).await.unwrap().unwrap();
    let new = NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([7; 32]),
        auth_time: START,
        expires_at: OVER,
        sid: sid.to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: None,
    };
    let session = world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap();
    world.store.note_session_application(session.id, application).await.unwrap();
    session
}

async fn claim(world: &World, now: Timestamp, except: &[ApplicationId]) -> Vec<LogoutDelivery> {
    let claim = LogoutClaim { now, until: now.plus_secs(60), except: except.to_vec(), most: 2 };
    let mut claimed = world.store.claim_logout_deliveries(claim).await.unwrap();
    claimed.sort_by_key(|delivery| delivery.id.get());
    claimed
}

/// Claims and ends what is due, and returns the users and sessions.
async fn take(world: &World) -> Vec<(UserId, Option<String>)> {
    let mut taken = Vec::new();
    loop {
        let claimed = claim(world, START, &[]).await;
        if claimed.is_empty() {
            return taken;
        }
        for delivery in claimed {
            assert_eq!(delivery.application, world.application.id);
            assert!(
                world.store.end_logout_delivery(delivery.id, delivery.attempts, None).await.unwrap(),
                "{delivery:?}"
            );
            taken.push((delivery.user, delivery.sid));
        }
    }
}

pub async fn every_end_of_a_session_leaves_deliveries(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    let (application, user) = (world.application.id, world.user.id);
    let silent = known_session(&world, user, application, "silent").await;
    store.delete_session(silent.id, OVER, event(Action::SignOut)).await.unwrap();
    assert_eq!(take(&world).await, [], "the application has no address");
    notified_application(&world).await;
    let one = |sid: &str| vec![(user, Some(sid.to_owned()))];

    let session = known_session(&world, user, application, "a").await;
    for _ in 0..2 {
        store.delete_session(session.id, OVER, event(Action::SignOut)).await.unwrap();
    }
    assert_eq!(take(&world).await, one("a"));

    let session = known_session(&world, user, application, "b").await;
    let other = insert_user(store, "another", &[]).await.unwrap();
    let replaced = ReplacedSession { id: session.id, digest: session.digest, revocations_expire_at: OVER };
    let again = |user: &domain::account::User, replaces| NewSession {
        user: user.id,
        user_epoch: user.epoch,
        digest: Digest::from_bytes([8; 32]),
        auth_time: START,
        expires_at: OVER,
        sid: "new".to_owned(),
        second_factor: false,
        origin: SessionOrigin::default(),
        replaces: Some(replaces),
    };
    let same =
        store.insert_session(again(&world.user, replaced), event(Action::SignIn)).await.unwrap().unwrap();
    assert_eq!(take(&world).await, [], "the same user has signed in again");
    let replaced = ReplacedSession { id: same.id, digest: same.digest, revocations_expire_at: OVER };
    store.insert_session(again(&other, replaced), event(Action::SignIn)).await.unwrap().unwrap();
    assert_eq!(take(&world).await, one("b"), "another user has signed in");

    known_session(&world, user, application, "c").await;
    let off =
        UserChange { active: Some(false), at: START, revocation_expires_at: OVER, ..UserChange::default() };
    store.update_user(user, off, event(Action::UpdateUser)).await.unwrap().unwrap();
    assert_eq!(take(&world).await, one("c"));

    known_session(&world, other.id, application, "d").await;
    let deleted = store.delete_user(other.id, Possessions::Keep, OVER, event(Action::DeleteUser));
    deleted.await.unwrap().unwrap();
    assert_eq!(take(&world).await, [(other.id, Some("d".to_owned()))]);
}

pub async fn revoked_access_leaves_deliveries(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (application, user) = (notified_application(&world).await, world.user.id);
    let revoke = async |access| {
        world.store.revoke_access(access, OVER, event(Action::RevokeAccess)).await.unwrap().unwrap()
    };
    let one = |sid: &str| vec![(user, Some(sid.to_owned()))];

    known_session(&world, user, application, "a").await;
    revoke(AccessOf::User(user)).await.unwrap();
    assert_eq!(take(&world).await, one("a"));

    known_session(&world, user, application, "b").await;
    revoke(AccessOf::IssuedBefore(START)).await.unwrap();
    assert_eq!(take(&world).await, [], "the session is not older");
    revoke(AccessOf::IssuedBefore(START.plus_secs(1))).await.unwrap();
    assert_eq!(take(&world).await, one("b"));
    revoke(AccessOf::IssuedBefore(START.plus_secs(2))).await.unwrap();
    assert_eq!(take(&world).await, [], "the application has been notified");

    known_session(&world, user, application, "c").await;
    revoke(AccessOf::Application(application)).await.unwrap();
    assert_eq!(take(&world).await, one("c"));

    known_session(&world, user, application, "r").await;
    world.reset_secret().await;
    assert_eq!(take(&world).await, one("r"));
    world.reset_secret().await;
    assert_eq!(take(&world).await, [], "the application has been notified");

    let both = AccessOf::UserAtApplication { user, application };
    assert_eq!(revoke(both).await, None, "nothing is allowed");
    world.allow().await;
    revoke(both).await.unwrap();
    assert_eq!(take(&world).await, [(user, None)], "no session is known any more");
    known_session(&world, user, application, "d").await;
    known_session(&world, world.administrator.id, application, "e").await;
    world.allow().await;
    revoke(both).await.unwrap();
    assert_eq!(take(&world).await, one("d"));
    a_grant_outlives_its_session(&world).await;
}

/// The session in which a grant was created is over; the application learns that all access of the user has ended.
async fn a_grant_outlives_its_session(world: &World) {
    let user = world.store.find_user(world.user.id).await.unwrap().unwrap();
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    let sign_in = Some(SignInDetails { auth_time: 7, sid: Some("over".to_owned()), second_factor: false });
    let new = NewGrant {
        user_epoch: user.epoch,
        application_epoch: application.epoch,
        details: GrantDetails { sign_in, ..GrantDetails::default() },
        ..world.new_grant(1, None)
    };
    assert!(granted(&world.create_grant(new).await).is_some());
    let revoked = world.store.revoke_access(AccessOf::User(user.id), OVER, event(Action::RevokeAccess)).await;
    revoked.unwrap().unwrap().unwrap();
    assert_eq!(take(world).await, [(user.id, None)]);
}

pub async fn a_delivery_is_claimed_by_one_node_for_a_while(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let application = notified_application(&world).await;
    for sid in ["a", "b", "c"] {
        let session = known_session(&world, world.user.id, application, sid).await;
        world.store.delete_session(session.id, OVER, event(Action::SignOut)).await.unwrap();
    }
    assert_eq!(claim(&world, START, &[application]).await, [], "this node already notifies the application");
    let claimed = at_once(8, |_| {
        let world = Arc::clone(&world);
        async move { claim(&world, START, &[]).await }
    })
    .await;
    let mut ids: Vec<i64> = claimed.iter().flatten().map(|delivery| delivery.id.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), claimed.iter().flatten().count()), (3, 3));
    let late = START.plus_secs(60);
    assert_eq!(claim(&world, late.minus_secs(1), &[]).await, []);
    let again = claim(&world, late, &[]).await;
    assert_eq!(again.iter().map(|delivery| delivery.attempts).collect::<Vec<_>>(), [2, 2]);
    let (first, second) = (&again[0], &again[1]);
    let end = async |id: LogoutDeliveryId, attempts| {
        world.store.end_logout_delivery(id, attempts, Some(event(Action::NotifyLogout))).await.unwrap()
    };
    assert!(!end(first.id, 1).await, "the claim is over");
    assert!(end(first.id, 2).await && !end(first.id, 2).await);
    let postpone =
        async |attempts| world.store.postpone_logout_delivery(second.id, attempts, START).await.unwrap();
    assert!(!postpone(1).await && postpone(2).await);
    let give_back =
        async |attempts| world.store.return_logout_delivery(second.id, attempts, START).await.unwrap();
    for _ in 0..2 {
        assert_eq!(claim(&world, START, &[]).await[0].attempts, 3);
        assert!(!give_back(2).await && give_back(3).await && !give_back(3).await);
    }
}
