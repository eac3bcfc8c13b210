//! Tests of consents and grants.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::{ApplicationId, ConsentId, DataSourceId, Epoch, GrantId, TokenId, UserId};
use oauth::authorize::DataChange;
use oauth::data_access::{DataAccess, SourceAccess};
use oauth::grant::{Allowed, AllowedData, Grant, GrantDetails, GrantOrigin};
use oauth::revocation::RevokedSubject;
use oauth::scope::{BuiltInScope, ScopeSet};

use super::{OVER, START, World, code_id, event, granted, odata};
use crate::{AuditFilter, GrantCreation, NewConsent, NewGrant, Rotated, Store, Usage};

pub async fn a_grant_is_stored_as_it_was_created(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let new = NewGrant { expires_at: Some(OVER), refreshable: false, ..world.new_grant(1, Some(&consent)) };
    let id = granted(&world.create_grant(new).await).unwrap();
    let expected = Grant {
        id,
        application: world.application.id,
        application_epoch: world.application.epoch,
        user: world.user.id,
        user_epoch: world.user.epoch,
        origin: GrantOrigin::Code(code_id(1)),
        scopes: odata(),
        details: Box::default(),
        refreshable: false,
        generation: 0,
        rotated_at: None,
        key: 1,
        created_at: START,
        last_used_at: None,
        expires_at: Some(OVER),
        revoked_at: None,
    };
    assert_eq!(world.store.find_grant(id).await.unwrap(), Some(expected));
    assert_eq!(world.store.find_grant(GrantId::new(77)).await.unwrap(), None);
    let password = NewGrant { origin: GrantOrigin::Password, ..world.new_grant(1, None) };
    let (one, other) = (world.create_grant(password.clone()).await, world.create_grant(password).await);
    assert!(granted(&one).unwrap() < granted(&other).unwrap(), "only codes are single-use");
}

pub async fn a_grant_stores_its_origin(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    for origin in [
        GrantOrigin::Code(code_id(1)),
        GrantOrigin::Password,
        GrantOrigin::Device(code_id(2)),
        GrantOrigin::Backchannel(code_id(3)),
        GrantOrigin::Assertion,
    ] {
        let new = NewGrant { origin, ..world.new_grant(1, None) };
        let id = granted(&world.create_grant(new).await).unwrap();
        let created = world.store.find_grant(id).await.unwrap().unwrap();
        assert_eq!(created.origin, origin);
        world.store.rotate_grant(id, 0, 2, START).await.unwrap();
        assert_eq!(world.store.find_grant(id).await.unwrap().unwrap().origin, origin, "after a rotation");
    }
}

pub async fn a_consent_keeps_the_data_that_were_allowed(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let source = |id| SourceAccess::new(DataSourceId::new(id), Vec::new());
    let allow = async |data| {
        let new = NewConsent { data, ..world.new_consent().await };
        world.store_consent(new).await.unwrap().consent.data
    };
    let stored = async || {
        let (user, application) = (world.user.id, world.application.id);
        world.store.find_consent(user, application).await.unwrap().unwrap().data
    };
    for (change, expected) in [
        (DataChange::also(vec![source(1)]), Some(vec![source(1)])),
        (DataChange::also(vec![source(2)]), Some(vec![source(1), source(2)])),
        (DataChange::keep(), Some(vec![source(1), source(2)])),
        (DataChange::instead(Some(DataAccess::to(vec![source(3)]))), Some(vec![source(3)])),
        (DataChange::instead(None), None),
        (DataChange::also(vec![source(1)]), None),
    ] {
        let expected = expected.map(DataAccess::to);
        assert_eq!(allow(change.clone()).await, expected, "{change:?}");
        assert_eq!(stored().await, expected, "{change:?}");
    }
}

pub async fn a_grant_stores_its_details(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let details = GrantDetails {
        resources: vec!["https://gate.example/api/odata4/ships".to_owned()],
        ..GrantDetails::default()
    };
    let new = NewGrant { details: details.clone(), ..world.new_grant(1, None) };
    let id = granted(&world.create_grant(new).await).unwrap();
    assert_eq!(*world.store.find_grant(id).await.unwrap().unwrap().details, details);
    world.store.rotate_grant(id, 0, 2, START).await.unwrap();
    assert_eq!(*world.store.find_grant(id).await.unwrap().unwrap().details, details, "after a rotation");
}

/// `clear_origins` sets the column to NULL in every row, as in rows of a version that does not know it.
pub async fn a_grant_without_a_stored_origin_shows_it_by_its_code(
    store: Arc<dyn Store>,
    clear_origins: impl FnOnce(),
) {
    let world = World::new(store).await;
    let password = NewGrant { origin: GrantOrigin::Password, ..world.new_grant(1, None) };
    let by_code = world.grant(1).await;
    let by_password = granted(&world.create_grant(password).await).unwrap();
    clear_origins();
    let origin = async |id| world.store.find_grant(id).await.unwrap().unwrap().origin;
    assert_eq!(origin(by_code).await, GrantOrigin::Code(code_id(1)));
    assert_eq!(origin(by_password).await, GrantOrigin::Password);
}

pub async fn a_code_creates_another_grant_after_its_first_was_withdrawn(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let create = async || granted(&world.create_grant(world.new_grant(1, None)).await);
    let first = create().await.unwrap();
    world.store.withdraw_grant(first).await.unwrap();
    assert_eq!(world.store.find_grant(first).await.unwrap(), None);
    let second = create().await.unwrap();
    assert!(second > first, "the number of a grant is never given twice");
    assert_eq!(world.store.rotate_grant(second, 0, 2, START).await.unwrap(), Rotated::Done);
    world.store.withdraw_grant(second).await.unwrap();
    assert!(world.store.find_grant(second).await.unwrap().is_some(), "somebody holds a token of it");
    let third = granted(&world.create_grant(world.new_grant(2, None)).await).unwrap();
    let replayed = world.create_grant(world.new_grant(2, None)).await;
    assert!(matches!(replayed, GrantCreation::Replayed(_)));
    world.store.withdraw_grant(third).await.unwrap();
    assert!(world.store.find_grant(third).await.unwrap().is_some(), "its code was presented twice");
}

pub async fn a_code_creates_one_grant_and_its_replay_ends_it(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let new = world.new_grant(1, Some(&consent));
    let id = granted(&world.create_grant(new.clone()).await).unwrap();
    let GrantCreation::Replayed(ended) = world.create_grant(new.clone()).await else { panic!("a replay") };
    assert_eq!(ended.iter().map(|ended| ended.subject).collect::<Vec<_>>(), [RevokedSubject::Grant(id)]);
    assert_eq!(world.store.find_grant(id).await.unwrap().unwrap().revoked_at, Some(START));
    assert_eq!(world.create_grant(new.clone()).await, GrantCreation::Replayed(vec![]), "it was ended before");
    world.revoke_allowed().await.unwrap();
    assert_eq!(world.create_grant(new).await, GrantCreation::Replayed(vec![]));
}

pub async fn a_replay_is_seen_where_nothing_could_be_created(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let never = |code| NewGrant {
        application_epoch: Epoch::GONE,
        user_epoch: Epoch::GONE,
        ..world.new_grant(code, Some(&consent))
    };
    let id = granted(&world.create_grant(world.new_grant(1, Some(&consent))).await).unwrap();
    assert_eq!(world.create_grant(never(2)).await, GrantCreation::Gone, "this code was never redeemed");
    let GrantCreation::Replayed(ended) = world.create_grant(never(1)).await else { panic!("a replay") };
    assert_eq!(ended.iter().map(|ended| ended.subject).collect::<Vec<_>>(), [RevokedSubject::Grant(id)]);
    assert_eq!(world.store.find_grant(id).await.unwrap().unwrap().revoked_at, Some(START));
}

pub async fn a_grant_rests_on_its_consent_and_both_epochs(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let consent = world.allow().await;
    let new = |code| world.new_grant(code, Some(&consent));
    let later = Epoch::new(2);
    assert_eq!(
        world.create_grant(NewGrant { application_epoch: later, ..new(1) }).await,
        GrantCreation::Gone
    );
    assert_eq!(world.create_grant(NewGrant { user_epoch: later, ..new(1) }).await, GrantCreation::Gone);
    assert_eq!(
        world.create_grant(NewGrant { consent: Some(ConsentId::new(77)), ..new(1) }).await,
        GrantCreation::Gone
    );
    let other = world.administrator.clone();
    let foreign = NewGrant { user: other.id, user_epoch: other.epoch, ..new(1) };
    assert_eq!(world.create_grant(foreign).await, GrantCreation::Gone, "somebody else's consent");
    world.revoke_allowed().await.unwrap();
    assert_eq!(world.create_grant(new(1)).await, GrantCreation::Gone);
    let anew = world.allow().await;
    assert_eq!(
        world.create_grant(new(1)).await,
        GrantCreation::Gone,
        "the code of the ended consent stays dead"
    );
    assert!(granted(&world.create_grant(world.new_grant(1, Some(&anew))).await).is_some());
}

pub async fn a_consent_grows_and_keeps_its_id_until_it_is_revoked(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let first = world.allow().await;
    let (user, application) = (first.user, first.application);
    let more = ScopeSet::from(BuiltInScope::Management);
    let more_of_it = NewConsent { scopes: more.clone(), ..world.new_consent().await };
    let allow = || world.store_consent(more_of_it.clone());
    let wider = allow().await.unwrap().consent;
    assert_eq!((wider.id, wider.created_at), (first.id, START));
    assert_eq!(wider.scopes, odata().union(&more));
    assert_eq!(world.store.find_consent(user, application).await.unwrap(), Some(wider));
    world.revoke_allowed().await.unwrap();
    assert_eq!(world.store.find_consent(user, application).await.unwrap(), None);
    let anew = allow().await.unwrap().consent;
    assert!(anew.id > first.id);
    assert_eq!(anew.scopes, more);
    let nobody = NewConsent { user: UserId::new(77), ..more_of_it.clone() };
    assert_eq!(world.store_consent(nobody).await, None);
}

pub async fn a_consent_is_given_only_in_the_epochs_of_its_decision(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let decided = world.new_consent().await;
    let allow = async |new| world.store_consent(new).await;
    world
        .store
        .change_password(super::users::chosen_password(&world), event(Action::ChangePassword))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(allow(decided).await, None, "the password was changed since");
    let again = world.new_consent().await;
    assert!(allow(again.clone()).await.is_some());
    world.reset_secret().await;
    assert_eq!(allow(again).await, None, "the secret was reset since");
    let given = AuditFilter { action: Some(Action::AllowApplication), limit: 9, ..AuditFilter::default() };
    assert_eq!(world.store.list_audit(given).await.unwrap().len(), 1);
}

pub async fn a_rotation_needs_the_current_generation(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = world.grant(1).await;
    let at = START.plus_secs(5);
    let rotate = |generation| world.store.rotate_grant(id, generation, 3, at);
    assert_eq!(rotate(1).await.unwrap(), Rotated::Lost);
    assert_eq!(rotate(0).await.unwrap(), Rotated::Done);
    assert_eq!(rotate(0).await.unwrap(), Rotated::Lost);
    let grant = world.store.find_grant(id).await.unwrap().unwrap();
    assert_eq!((grant.generation, grant.rotated_at, grant.key), (1, Some(at), 3));
    world.store.revoke_grant(id, OVER, event(Action::RevokeGrant)).await.unwrap();
    assert_eq!(rotate(1).await.unwrap(), Rotated::Lost);
    let other = world.grant(2).await;
    world.reset_secret().await;
    assert_eq!(world.store.rotate_grant(other, 0, 3, at).await.unwrap(), Rotated::Lost);
}

pub async fn a_grant_is_ended_once(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let id = world.grant(1).await;
    let revoke = |id| world.store.revoke_grant(id, OVER, event(Action::RevokeGrant));
    assert_eq!(revoke(id).await.unwrap().len(), 1);
    assert_eq!(revoke(id).await.unwrap(), []);
    assert_eq!(revoke(GrantId::new(77)).await.unwrap(), []);
    assert!(world.store.find_grant(id).await.unwrap().unwrap().revoked_at.is_some());
}

pub async fn a_token_is_ended_by_its_id(store: Arc<dyn Store>) {
    let token = TokenId::compose(START, [5; 8]);
    let ended = store.revoke_token(token, OVER, event(Action::RevokeToken)).await.unwrap();
    assert_eq!(ended[0].subject, RevokedSubject::Token(token));
    assert_eq!(store.revocations_after(0, START, 10).await.unwrap(), ended);
}

pub async fn what_a_user_allowed_adds_up_and_can_be_revoked(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (user, application) = (world.user.id, world.application.id);
    let second = super::users::second_application(&world).await;
    world.allow().await;
    let new = NewGrant {
        scopes: BuiltInScope::Management.into(),
        at: START.minus_secs(5),
        ..world.new_grant(1, None)
    };
    let grant = granted(&world.create_grant(new).await).unwrap();
    let expired = NewGrant { expires_at: Some(START), application: second.id, ..world.new_grant(2, None) };
    world.create_grant(expired).await;
    let usage = Usage { grants: vec![(grant, START.plus_secs(1))], ..Usage::default() };
    world.store.record_usage(usage).await.unwrap();
    let expected = Allowed {
        application,
        name: "Report".to_owned(),
        owner_name: "bob".to_owned(),
        handed_over: None,
        scopes: odata().union(&BuiltInScope::Management.into()),
        data: AllowedData::Everything,
        since: START.minus_secs(5),
        last_used_at: Some(START.plus_secs(1)),
    };
    assert_eq!(world.store.list_allowed(user, START, None, 9).await.unwrap(), [expected]);
    assert_eq!(page_of_allowed(&world, Some(application), 9).await, []);
    assert_eq!(page_of_allowed(&world, None, 0).await, []);
    let ended = world.revoke_allowed().await.unwrap();
    let subject = RevokedSubject::Allowance { user, application, last_grant: grant };
    assert_eq!(ended.iter().map(|ended| ended.subject).collect::<Vec<_>>(), [subject]);
    assert!(world.store.find_grant(grant).await.unwrap().unwrap().revoked_at.is_some());
    assert_eq!(world.store.list_allowed(user, START, None, 9).await.unwrap(), []);
    assert_eq!(world.revoke_allowed().await, None);
}

async fn page_of_allowed(world: &World, after: Option<ApplicationId>, limit: u32) -> Vec<ApplicationId> {
    let allowed = world.store.list_allowed(world.user.id, START, after, limit).await.unwrap();
    allowed.into_iter().map(|allowed| allowed.application).collect()
}

pub async fn what_a_user_allowed_is_read_a_page_at_a_time(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut ids = vec![world.application.id];
    for number in 2..8 {
        ids.push(super::insert_application(&world.store, &world.user, number).await.id);
    }
    // By a consent, by grants, by both; revoked ones lie between them and are not counted in a page.
    world.allow().await;
    for (code, application) in [(1, ids[0]), (2, ids[0]), (3, ids[2]), (4, ids[4]), (5, ids[6])] {
        world.create_grant(NewGrant { application, ..world.new_grant(code, None) }).await;
    }
    for (code, application) in [(6, ids[1]), (7, ids[3])] {
        let dead = NewGrant { expires_at: Some(START), application, ..world.new_grant(code, None) };
        world.create_grant(dead).await;
    }
    let live = [ids[0], ids[2], ids[4], ids[6]];
    assert_eq!(page_of_allowed(&world, None, 9).await, live);
    assert_eq!(page_of_allowed(&world, None, 4).await, live);
    assert_eq!(page_of_allowed(&world, None, 2).await, live[..2]);
    assert_eq!(page_of_allowed(&world, Some(ids[0]), 1).await, live[1..2]);
    assert_eq!(page_of_allowed(&world, Some(ids[2]), 9).await, live[2..]);
    assert_eq!(
        page_of_allowed(&world, Some(ids[3]), 1).await,
        live[2..3],
        "`after` need not be an allowed application"
    );
    assert_eq!(page_of_allowed(&world, Some(ids[6]), 9).await, []);
}

pub async fn usage_keeps_the_later_time(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let (grant, secret) = (world.grant(1).await, world.application.secrets[0].id);
    let record = |secs| {
        let at = START.plus_secs(secs);
        world.store.record_usage(Usage {
            applications: vec![(world.application.id, at)],
            secrets: vec![(secret, at)],
            grants: vec![(grant, at), (GrantId::new(77), at)],
            ..Usage::default()
        })
    };
    for secs in [10, 5] {
        record(secs).await.unwrap();
    }
    let latest = Some(START.plus_secs(10));
    let application = world.store.find_application(world.application.id).await.unwrap().unwrap();
    assert_eq!((application.last_used_at, application.secrets[0].last_used_at), (latest, latest));
    assert_eq!(world.store.find_grant(grant).await.unwrap().unwrap().last_used_at, latest);
}
