//! Tests of the sessions that a user sees and ends.

use std::sync::Arc;

use domain::account::device::SessionOrigin;
use domain::account::{Authority, CallerSession, Credential, Rights, Session, User};
use domain::audit::{Action, NewAuditEvent};
use domain::id::SessionId;

use super::users::new_session;
use super::{OVER, START, World, event, insert_user};
use crate::{AuditFilter, EndedSessions, MOST_SESSIONS, NewSession, Store, Usage, UserRefusal};

async fn open(world: &World, new: NewSession) -> Session {
    world.store.insert_session(new, event(Action::SignIn)).await.unwrap().unwrap()
}

async fn ids(world: &World) -> Vec<SessionId> {
    let listed = world.store.list_sessions(world.user.id, START, MOST_SESSIONS).await.unwrap();
    listed.into_iter().map(|session| session.id).collect()
}

/// An event of the user in this session.
fn event_of(user: &User, session: &Session) -> NewAuditEvent {
    let rights = Rights { user: user.id, epoch: user.epoch, permissions: Vec::new() };
    let credential =
        Credential::Session(CallerSession { id: session.id, auth_time: session.auth_time, checked_up_to: 0 });
    NewAuditEvent {
        authority: Some(Box::new(Authority { caller: rights, subject: None, credential })),
        ..event(Action::SignOut)
    }
}

pub async fn a_list_of_sessions_has_the_newest_valid_ones(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let origin = SessionOrigin {
        device: Some("Firefox on Windows".to_owned()),
        address: Some("2001:db8::1".to_owned()),
    };
    let first = open(&world, NewSession { origin: origin.clone(), ..new_session(&world) }).await;
    let second = open(&world, new_session(&world)).await;
    open(&world, NewSession { expires_at: START, ..new_session(&world) }).await;
    let other = insert_user(&world.store, "another", &[]).await.unwrap();
    let of_other = NewSession { user: other.id, user_epoch: other.epoch, ..new_session(&world) };
    open(&world, of_other).await;
    assert_eq!(ids(&world).await, [second.id, first.id]);
    let newest = world.store.list_sessions(world.user.id, START, 1).await.unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!((newest[0].id, newest[0].last_used_at), (second.id, None));
    assert_eq!((newest[0].origin.clone(), &first.origin), (SessionOrigin::default(), &origin));
    for (at, expected) in [(9, 9), (7, 9), (30, 30)] {
        let sessions = vec![(first.id, START.plus_secs(at))];
        world.store.record_usage(Usage { sessions, ..Usage::default() }).await.unwrap();
        let found = world.store.find_session(first.id).await.unwrap().unwrap();
        assert_eq!(found.last_used_at, Some(START.plus_secs(expected)), "a later time wins");
        assert_eq!(found.origin, origin);
    }
}

pub async fn a_user_ends_one_session_or_all_others_or_all(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(open(&world, new_session(&world)).await);
    }
    let other = insert_user(&world.store, "another", &[]).await.unwrap();
    let of_other = NewSession { user: other.id, user_epoch: other.epoch, ..new_session(&world) };
    let of_other = open(&world, of_other).await;
    let end = async |which| {
        let ended = world.store.end_sessions(world.user.id, which, OVER, event(Action::SignOut)).await;
        ended.unwrap().map(|(ended, _)| ended)
    };
    let events = async || {
        let filter = AuditFilter { limit: 100, action: Some(Action::SignOut), ..AuditFilter::default() };
        world.store.list_audit(filter).await.unwrap().len()
    };
    assert_eq!(end(EndedSessions::One(of_other.id)).await, Err(UserRefusal::Unknown), "of somebody else");
    assert_eq!(events().await, 0);
    assert_eq!(end(EndedSessions::One(sessions[0].id)).await, Ok(1));
    assert_eq!(end(EndedSessions::One(sessions[0].id)).await, Err(UserRefusal::Unknown), "it has ended");
    assert_eq!(end(EndedSessions::AllBut(sessions[2].id)).await, Ok(2));
    assert_eq!(ids(&world).await, [sessions[2].id]);
    assert_eq!(end(EndedSessions::AllBut(sessions[2].id)).await, Ok(0));
    assert_eq!(events().await, 2, "what ends nothing is no event");
    assert_eq!(end(EndedSessions::All).await, Ok(1));
    assert_eq!(ids(&world).await, []);
    assert!(world.store.find_session(of_other.id).await.unwrap().is_some());
}

pub async fn a_session_that_has_ended_ends_no_others(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (gone, here) = (open(&world, new_session(&world)).await, open(&world, new_session(&world)).await);
    let end = async |by: &Session, which| {
        let event = event_of(&world.user, by);
        world.store.end_sessions(world.user.id, which, OVER, event).await.unwrap().map(|(ended, _)| ended)
    };
    assert_eq!(end(&here, EndedSessions::One(gone.id)).await, Ok(1));
    for which in [EndedSessions::One(here.id), EndedSessions::AllBut(gone.id), EndedSessions::All] {
        assert_eq!(end(&gone, which).await, Err(UserRefusal::RightsChanged));
    }
    assert_eq!(ids(&world).await, [here.id]);
    assert_eq!(end(&here, EndedSessions::All).await, Ok(1), "with its own");
    let (other, mine) =
        (insert_user(&world.store, "another", &[]).await.unwrap(), open(&world, new_session(&world)).await);
    let of_other = NewSession { user: other.id, user_epoch: other.epoch, ..new_session(&world) };
    let by_other = event_of(&other, &open(&world, of_other).await);
    let ended = world.store.end_sessions(world.user.id, EndedSessions::One(mine.id), OVER, by_other).await;
    assert_eq!(ended.unwrap().map(drop), Err(UserRefusal::BeyondRights));
}
