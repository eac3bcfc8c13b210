//! Tests of the audit log.

use std::sync::Arc;

use domain::audit::{Action, AuditEvent, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, UserId};

use super::{OVER, START, World, event, event_at, insert_user};
use crate::{AuditFilter, Store};

pub async fn acts_are_written_with_their_event_and_refusals_without(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let count = async |action| {
        let filter = AuditFilter { action: Some(action), limit: 100, ..AuditFilter::default() };
        world.store.list_audit(filter).await.unwrap().len()
    };
    let counted = count(Action::CreateUser).await;
    insert_user(&world.store, "bob", &[]).await.unwrap_err();
    assert_eq!(count(Action::CreateUser).await, counted, "the caller writes what was refused");
    let grant = world.grant(1).await;
    for _ in 0..2 {
        world.store.revoke_grant(grant, OVER, event(Action::RevokeGrant)).await.unwrap();
    }
    assert_eq!(count(Action::RevokeGrant).await, 1, "ended once");
    world.create_grant(world.new_grant(1, None)).await;
    assert_eq!(count(Action::ReplayCode).await, 1);
}

pub async fn events_are_listed_newest_first_and_narrowed(store: Arc<dyn Store>) {
    let full = NewAuditEvent {
        outcome: Outcome::Refused,
        actor: Some(UserId::new(5)),
        actor_name: Some("Zoë".to_owned()),
        application: Some(ApplicationId::new(6)),
        subject: Some("subject".to_owned()),
        detail: Some("detail".to_owned()),
        address: Some("192.0.2.1".to_owned()),
        request_id: Some("r1".to_owned()),
        ..event_at(Action::SignIn, START)
    };
    let later = event_at(Action::SignOut, START.plus_secs(10));
    store.append_audit(vec![full.clone(), later.clone()]).await.unwrap();
    let list = async |filter| {
        let listed = store.list_audit(filter).await.unwrap();
        listed.into_iter().map(|event| event.event).collect::<Vec<_>>()
    };
    let all = || AuditFilter { limit: 10, ..AuditFilter::default() };
    assert_eq!(list(all()).await, [later.clone(), full.clone()]);
    assert_eq!(list(AuditFilter { limit: 1, ..all() }).await, std::slice::from_ref(&later));
    let newest = store.list_audit(all()).await.unwrap()[0].id;
    assert_eq!(list(AuditFilter { before: Some(newest), ..all() }).await, std::slice::from_ref(&full));
    for narrowed in [
        AuditFilter { actor_name: Some("zOË".to_owned()), ..all() },
        AuditFilter { action: Some(Action::SignIn), ..all() },
        AuditFilter { application: Some(ApplicationId::new(6)), ..all() },
        AuditFilter { until: Some(START.plus_secs(10)), ..all() },
    ] {
        assert_eq!(list(narrowed).await, std::slice::from_ref(&full));
    }
    assert_eq!(list(AuditFilter { since: Some(START.plus_secs(10)), ..all() }).await, [later]);
}

pub async fn the_events_of_an_account_are_found(store: Arc<dyn Store>) {
    let of = |action, actor: i64, account: Option<i64>| NewAuditEvent {
        actor: Some(UserId::new(actor)),
        account: account.map(UserId::new),
        ..event_at(action, START)
    };
    let events = [
        of(Action::SignIn, 5, None),
        of(Action::UpdateUser, 1, Some(5)),
        of(Action::UpdateUser, 5, Some(6)),
        of(Action::CreateRole, 5, None),
        event_at(Action::SignIn, START),
        of(Action::SignOut, 5, Some(5)),
    ];
    store.append_audit(events.to_vec()).await.unwrap();
    let page = async |before, limit| {
        let filter = AuditFilter { account: Some(UserId::new(5)), before, limit, ..AuditFilter::default() };
        store.list_audit(filter).await.unwrap()
    };
    let actions = |found: &[AuditEvent]| found.iter().map(|one| one.event.action).collect::<Vec<_>>();
    let first = page(None, 2).await;
    assert_eq!(actions(&first), [Action::SignOut, Action::UpdateUser]);
    assert_eq!((first[1].event.actor, first[1].event.account), (Some(UserId::new(1)), None));
    assert_eq!(actions(&page(Some(first[1].id), 2).await), [Action::SignIn]);
}
