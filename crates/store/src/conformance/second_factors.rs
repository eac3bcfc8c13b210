//! Tests of second factors.

use std::sync::Arc;

use domain::account::second_factor::SealedTotpSecret;
use domain::account::{ADMINISTRATOR_ROLE, USER_ROLE, User};
use domain::audit::Action;
use domain::id::{Epoch, SessionId};
use domain::secret::Digest;

use super::users::{chosen_password, new_session};
use super::{OVER, START, World, at_once, event, insert_user};
use crate::{AuditFilter, NewSecondFactor, NewSession, Possessions, SecondFactorRefusal, Store};

fn digest(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

fn new(user: &User, session: SessionId) -> NewSecondFactor {
    NewSecondFactor {
        user: user.id,
        user_epoch: user.epoch,
        secret: SealedTotpSecret::new(vec![1, 2, 3]),
        step: 100,
        recovery_codes: vec![digest(1), digest(2), digest(2)],
        session,
        revocations_expire_at: OVER,
    }
}

async fn open(store: &Arc<dyn Store>, new: NewSession) -> Option<SessionId> {
    store.insert_session(new, event(Action::SignIn)).await.unwrap().map(|session| session.id)
}

/// Sets up a second factor of the user, in a session of theirs.
async fn set_up(world: &World) -> SessionId {
    let store = &world.store;
    let session = open(store, new_session(world)).await.unwrap();
    let factor = new(&world.user, session);
    store.insert_second_factor(factor, event(Action::AddSecondFactor)).await.unwrap().unwrap();
    session
}

pub async fn a_second_factor_is_stored_once_and_ends_the_other_sessions(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, user) = (&world.store, &world.user);
    assert_eq!(store.find_second_factor(user.id).await.unwrap(), None);
    let stale =
        NewSecondFactor { user_epoch: Epoch::new(user.epoch.get() + 1), ..new(user, SessionId::new(1)) };
    let refused = store.insert_second_factor(stale, event(Action::AddSecondFactor)).await.unwrap();
    assert_eq!(refused, Err(SecondFactorRefusal::RightsChanged));
    let other = NewSession { digest: digest(9), ..new_session(&world) };
    let other = open(store, other).await.unwrap();
    let versions = store.versions().await.unwrap();
    let session = set_up(&world).await;
    assert_ne!(store.versions().await.unwrap().users, versions.users, "other nodes learn of it");
    assert!(store.find_session(session).await.unwrap().unwrap().second_factor);
    assert!(store.find_session(other).await.unwrap().is_none());
    let found = store.find_second_factor(user.id).await.unwrap().unwrap();
    assert_eq!((found.secret.as_bytes(), found.last_step, found.recovery_codes), (&[1, 2, 3][..], 100, 3));
    assert_eq!(found.created_at, START);
    assert!(store.find_user(user.id).await.unwrap().unwrap().has_second_factor);
    let again = store.insert_second_factor(new(user, session), event(Action::AddSecondFactor)).await.unwrap();
    assert_eq!(again, Err(SecondFactorRefusal::Exists));
}

pub async fn without_the_second_factor_no_session_is_opened(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    set_up(&world).await;
    assert_eq!(open(store, NewSession { digest: digest(8), ..new_session(&world) }).await, None);
    let with = NewSession { digest: digest(8), second_factor: true, ..new_session(&world) };
    let opened = open(store, with).await.unwrap();
    assert!(store.find_session(opened).await.unwrap().unwrap().second_factor);
    let mut change = chosen_password(&world);
    change.second_factor = true;
    let audit = event(Action::ChangePassword);
    let (session, _) = store.change_password(change, audit).await.unwrap().unwrap();
    assert!(session.second_factor);
    let after = store.find_user(world.user.id).await.unwrap().unwrap();
    assert!(after.has_second_factor, "a new password does not end it");
}

pub async fn a_code_is_used_once_however_many_come_at_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, user) = (&world.store, world.user.id);
    set_up(&world).await;
    assert!(!store.use_totp_step(user, 100).await.unwrap(), "the code that confirmed it");
    let tries = at_once(8, |_| {
        let store = Arc::clone(store);
        async move { store.use_totp_step(user, 101).await.unwrap() }
    });
    assert_eq!(tries.await.into_iter().filter(|used| *used).count(), 1);
    assert!(store.use_totp_step(user, 103).await.unwrap());
    assert!(!store.use_totp_step(user, 102).await.unwrap(), "an earlier one");
    let tries = at_once(8, |_| {
        let store = Arc::clone(store);
        async move { store.use_recovery_code(user, digest(1), event(Action::UseRecoveryCode)).await.unwrap() }
    });
    assert_eq!(tries.await.into_iter().filter(|used| *used).count(), 1);
    let filter = AuditFilter { action: Some(Action::UseRecoveryCode), limit: 10, ..AuditFilter::default() };
    assert_eq!(store.list_audit(filter).await.unwrap().len(), 1, "only the one that counted is recorded");
}

pub async fn recovery_codes_are_replaced_and_a_second_factor_is_deleted(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (store, user) = (&world.store, world.user.id);
    let renew = async |digests| {
        store.replace_recovery_codes(user, digests, event(Action::RenewRecoveryCodes)).await.unwrap()
    };
    let delete = async || store.delete_second_factor(user, event(Action::RemoveSecondFactor)).await.unwrap();
    assert_eq!(renew(vec![digest(3)]).await, Err(SecondFactorRefusal::Unknown));
    assert_eq!(delete().await, Err(SecondFactorRefusal::Unknown));
    set_up(&world).await;
    assert_eq!(renew(vec![digest(3)]).await, Ok(()));
    let use_code = async |number| {
        store.use_recovery_code(user, digest(number), event(Action::UseRecoveryCode)).await.unwrap()
    };
    assert!(!use_code(1).await && use_code(3).await && !use_code(3).await);
    assert_eq!(renew(vec![digest(4)]).await, Ok(()));
    assert_eq!(delete().await, Ok(()));
    assert!(!use_code(4).await && !store.use_totp_step(user, 900).await.unwrap());
    assert!(!store.find_user(user).await.unwrap().unwrap().has_second_factor);
}

pub async fn a_second_factor_is_deleted_with_its_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let store = &world.store;
    let user = insert_user(store, "grace", &[USER_ROLE, ADMINISTRATOR_ROLE]).await.unwrap();
    let own = NewSession { user: user.id, user_epoch: user.epoch, digest: digest(7), ..new_session(&world) };
    let session = open(store, own).await.unwrap();
    let factor = new(&user, session);
    store.insert_second_factor(factor, event(Action::AddSecondFactor)).await.unwrap().unwrap();
    store.delete_user(user.id, Possessions::Keep, OVER, event(Action::DeleteUser)).await.unwrap().unwrap();
    assert_eq!(store.find_second_factor(user.id).await.unwrap(), None);
}
