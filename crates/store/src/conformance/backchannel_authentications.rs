//! Tests of backchannel authentication requests.

use std::sync::Arc;

use domain::account::attributes::SubjectSeed;
use domain::audit::Action;
use domain::id::{Epoch, UserId};
use domain::secret::Digest;
use oauth::backchannel::BackchannelAuthentication;
use oauth::grant::{GrantDetails, GrantOrigin};
use oauth::scope::BuiltInScope;
use oauth::token::polling::UserDecision;
use oauth::user_authentication::SignInDetails;

use super::purging::at;
use super::{OVER, START, World, at_once, code_id, event, event_at, insert_application, insert_user, odata};
use crate::{
    AccessAnswer, AccessAnswered, BackchannelInsertion, BackchannelLimits, GrantCreation,
    NewBackchannelAuthentication, NewConsent, NewGrant, Store,
};

fn digest(n: u8) -> Digest {
    Digest::from_bytes([n; 32])
}

fn new(world: &World, n: u8) -> NewBackchannelAuthentication {
    NewBackchannelAuthentication {
        digest: digest(n),
        code: code_id(n.into()),
        application: world.application.id,
        application_epoch: world.application.epoch,
        user: world.user.id,
        user_epoch: world.user.epoch,
        scopes: odata(),
        details: GrantDetails::default(),
        binding_message: Some("W4SCT".to_owned()),
        max_age_secs: Some(60),
        address: Some("192.0.2.7".to_owned()),
        at: START,
        expires_at: START.plus_secs(300),
        limits: BackchannelLimits { of_user: 5, of_pair: 3 },
    }
}

async fn insert(world: &World, new: NewBackchannelAuthentication) -> BackchannelInsertion {
    world.store.insert_backchannel_authentication(new).await.unwrap()
}

async fn stored(world: &World, n: u8) -> BackchannelAuthentication {
    assert_eq!(insert(world, new(world, n)).await, BackchannelInsertion::Stored);
    find(world, n).await
}

async fn find(world: &World, n: u8) -> BackchannelAuthentication {
    world.store.find_by_auth_req_id(digest(n)).await.unwrap().unwrap()
}

async fn answer(world: &World, asked: &BackchannelAuthentication, answer: AccessAnswer) -> AccessAnswered {
    answer_by(world, asked, world.user.id, answer).await
}

async fn answer_by(
    world: &World,
    asked: &BackchannelAuthentication,
    user: UserId,
    answer: AccessAnswer,
) -> AccessAnswered {
    let event = event(Action::AllowApplication);
    world.store.answer_backchannel_authentication(asked.id, user, answer, event).await.unwrap()
}

async fn allow(world: &World, asked: &BackchannelAuthentication) -> AccessAnswered {
    let consent = world.new_consent().await;
    answer(world, asked, AccessAnswer::Allow { consent, details: Box::default() }).await
}

async fn waiting(world: &World, secs: i64) -> Vec<BackchannelAuthentication> {
    let (user, epoch) = (world.user.id, world.user.epoch);
    let at = START.plus_secs(secs);
    world.store.list_waiting_backchannel_authentications(user, epoch, at, 10).await.unwrap()
}

pub async fn a_backchannel_request_is_found_by_its_id_and_by_its_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let asked = stored(&world, 1).await;
    let by_number = world.store.find_backchannel_authentication(asked.id).await.unwrap();
    assert_eq!(by_number.as_ref(), Some(&asked));
    assert!(world.store.find_by_auth_req_id(digest(9)).await.unwrap().is_none());
    assert_eq!(waiting(&world, 299).await, std::slice::from_ref(&asked));
    assert!(waiting(&world, 300).await.is_empty());
    let (other, epoch) = (UserId::new(99), world.user.epoch);
    let of = |user, epoch| world.store.list_waiting_backchannel_authentications(user, epoch, START, 10);
    assert!(of(other, epoch).await.unwrap().is_empty());
    assert!(of(world.user.id, Epoch::new(9)).await.unwrap().is_empty());
    let read = (asked.binding_message.as_deref(), asked.max_age_secs, asked.address.as_deref());
    assert_eq!(read, (Some("W4SCT"), Some(60), Some("192.0.2.7")));
    assert_eq!((asked.user, asked.user_epoch), (world.user.id, world.user.epoch));
    assert_eq!((asked.created_at, asked.expires_at), (START, START.plus_secs(300)));
    assert_eq!((asked.scopes, asked.decision), (odata(), UserDecision::Pending));
    let bare = NewBackchannelAuthentication {
        binding_message: None,
        max_age_secs: None,
        address: None,
        ..new(&world, 2)
    };
    assert_eq!(insert(&world, bare).await, BackchannelInsertion::Stored);
    assert_eq!(find(&world, 2).await.binding_message, None);
}

pub async fn a_backchannel_request_needs_its_application_and_its_user(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let outdated = Epoch::new(9);
    for gone in [
        NewBackchannelAuthentication { application_epoch: outdated, ..new(&world, 1) },
        NewBackchannelAuthentication { user_epoch: outdated, ..new(&world, 1) },
        NewBackchannelAuthentication { user: UserId::new(99), ..new(&world, 1) },
    ] {
        assert_eq!(insert(&world, gone).await, BackchannelInsertion::Gone);
    }
}

pub async fn nobody_is_asked_too_often(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let inserted = at_once(8, |n| {
        let world = world.clone();
        async move { insert(&world, new(&world, u8::try_from(n).unwrap())).await }
    })
    .await;
    assert_eq!(inserted.iter().filter(|one| **one == BackchannelInsertion::Stored).count(), 3);
    let other = insert_application(&world.store, &world.user, 77).await;
    let of_other = |n| NewBackchannelAuthentication {
        application: other.id,
        application_epoch: other.epoch,
        ..new(&world, n)
    };
    for (n, expected) in [
        (20, BackchannelInsertion::Stored),
        (21, BackchannelInsertion::Stored),
        (22, BackchannelInsertion::TooMany { next_expiry: START.plus_secs(300) }),
    ] {
        assert_eq!(insert(&world, of_other(n)).await, expected, "five in all");
    }
    let at = |at| NewBackchannelAuthentication { at, ..new(&world, 30) };
    let full = BackchannelInsertion::TooMany { next_expiry: START.plus_secs(300) };
    assert_eq!(insert(&world, at(START.minus_secs(1))).await, full, "requests overtake each other");
    assert_eq!(insert(&world, at(START.plus_secs(300))).await, BackchannelInsertion::Stored);
    let set_back = NewBackchannelAuthentication { at: START.minus_secs(3_600), ..new(&world, 31) };
    assert_eq!(insert(&world, set_back).await, BackchannelInsertion::Stored, "the clock was set back");
}

pub async fn a_denied_request_counts_until_it_expires(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for n in 0..3 {
        let asked = stored(&world, n).await;
        assert_eq!(answer(&world, &asked, AccessAnswer::Deny).await, AccessAnswered::Stored(Vec::new()));
    }
    assert!(waiting(&world, 0).await.is_empty());
    let full = BackchannelInsertion::TooMany { next_expiry: START.plus_secs(300) };
    assert_eq!(insert(&world, new(&world, 3)).await, full);
    let later = NewBackchannelAuthentication {
        at: START.plus_secs(300),
        expires_at: START.plus_secs(600),
        ..new(&world, 4)
    };
    assert_eq!(insert(&world, later).await, BackchannelInsertion::Stored);
}

pub async fn an_allowed_request_makes_room_for_another(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for n in 0..4 {
        let asked = stored(&world, n).await;
        assert_eq!(allow(&world, &asked).await, AccessAnswered::Stored(Vec::new()));
    }
}

pub async fn a_poll_of_a_backchannel_request_is_recorded_once_in_an_interval(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let id = stored(&world, 1).await.id;
    let poll = |secs: i64| {
        let store = world.store.clone();
        let now = START.plus_secs(secs);
        async move { store.poll_backchannel_authentication(id, now, now.minus_secs(5)).await.unwrap() }
    };
    let polled = at_once(8, |_| poll(0)).await;
    assert_eq!(polled.into_iter().filter(|accepted| *accepted).count(), 1);
    assert!(!poll(4).await, "too soon");
    assert!(poll(5).await, "the refused poll does not count");
    assert_eq!(find(&world, 1).await.polled_at, Some(START.plus_secs(5)));
}

pub async fn a_backchannel_request_is_answered_once_by_its_user(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let (one, other) = (stored(&world, 1).await, stored(&world, 2).await);
    let stranger = insert_user(&world.store, "stranger", &[]).await.unwrap().id;
    assert_eq!(answer_by(&world, &one, stranger, AccessAnswer::Deny).await, AccessAnswered::Closed);
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
    let grant =
        NewGrant { origin: GrantOrigin::Backchannel(other.code), ..world.new_grant(2, Some(&consent)) };
    assert!(matches!(world.create_grant(grant.clone()).await, GrantCreation::Grant(_)));
    assert!(matches!(world.create_grant(grant).await, GrantCreation::Replayed(_)), "it is used once");
}

pub async fn a_client_gets_what_the_user_whom_it_asked_allowed(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let asked = stored(&world, 1).await;
    let details = GrantDetails {
        sign_in: Some(SignInDetails { auth_time: 7, sid: None, second_factor: false }),
        ..GrantDetails::default()
    };
    let consent = NewConsent { scopes: BuiltInScope::Management.into(), ..world.new_consent().await };
    let allow = AccessAnswer::Allow { consent, details: Box::new(details.clone()) };
    assert_eq!(answer(&world, &asked, allow).await, AccessAnswered::Stored(Vec::new()));
    let found = find(&world, 1).await;
    assert_eq!((found.scopes, found.details), (BuiltInScope::Management.into(), details));
}

pub async fn a_backchannel_request_is_answered_while_it_is_valid(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let asked = stored(&world, 1).await;
    let consent = world.new_consent().await;
    let allow = |consent| AccessAnswer::Allow { consent, details: Box::default() };
    let outdated = NewConsent { user_epoch: Epoch::new(9), ..consent.clone() };
    assert_eq!(answer(&world, &asked, allow(outdated)).await, AccessAnswered::Gone);
    assert_eq!(find(&world, 1).await.decision, UserDecision::Pending);
    let late = event_at(Action::AllowApplication, asked.expires_at);
    let user = world.user.id;
    let answered =
        world.store.answer_backchannel_authentication(asked.id, user, allow(consent), late).await.unwrap();
    assert_eq!(answered, AccessAnswered::Closed);
    let purge = async |at| world.store.purge(at).await.unwrap().backchannel_authentications;
    assert_eq!(purge(at(asked.expires_at.minus_secs(1))).await, 0);
    assert_eq!(purge(at(OVER)).await, 1);
    assert!(world.store.find_by_auth_req_id(digest(1)).await.unwrap().is_none());
}

pub async fn users_who_allowed_an_application_are_listed_by_id(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let list = async |after: i64, most| {
        let after = UserId::new(after);
        world.store.list_users_who_allowed(world.application.id, after, most).await.unwrap()
    };
    assert!(list(0, 10).await.is_empty());
    let asked = stored(&world, 1).await;
    allow(&world, &asked).await;
    let expected: Vec<(UserId, SubjectSeed)> = vec![(world.user.id, world.user.subject_seed.clone())];
    assert_eq!(list(0, 10).await, expected);
    assert!(list(0, 0).await.is_empty() && list(world.user.id.get(), 10).await.is_empty());
}
