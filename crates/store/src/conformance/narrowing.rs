//! Tests of consents that reach less data than before.

use std::sync::Arc;

use domain::id::{DataSourceId, GrantId};
use oauth::authorize::DataChange;
use oauth::data_access::{DataAccess, SourceAccess};
use oauth::grant::{AllowedData, Consent, GrantDetails, GrantOrigin};
use oauth::revocation::RevokedSubject;
use oauth::scope::BuiltInScope;

use super::at_once::at_once;
use super::{OVER, START, World, granted};
use crate::{GrantCreation, NewConsent, NewGrant, Store, StoredConsent};

fn only(ids: &[i64]) -> DataAccess {
    let source = |id: &i64| SourceAccess::new(DataSourceId::new(*id), Vec::new());
    DataAccess::to(ids.iter().map(source).collect())
}

async fn allow(world: &World, data: DataChange) -> StoredConsent {
    let new = NewConsent { data, ..world.new_consent().await };
    world.store_consent(new).await.unwrap()
}

fn limited(world: &World, code: u64, consent: Option<&Consent>, data: Option<DataAccess>) -> NewGrant {
    let details = GrantDetails { data: data.map(Box::new), ..GrantDetails::default() };
    NewGrant { details, ..world.new_grant(code, consent) }
}

/// How many tasks run at once.
const MANY: usize = 32;

async fn is_live(world: &World, id: GrantId) -> bool {
    world.store.find_grant(id).await.unwrap().unwrap().revoked_at.is_none()
}

pub async fn what_reaches_data_that_were_left_out_ends(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let first = allow(&world, DataChange::instead(None)).await.consent;
    let create = async |new| granted(&world.create_grant(new).await).unwrap();
    let wide = create(limited(&world, 1, Some(&first), None)).await;
    let both = create(limited(&world, 2, Some(&first), Some(only(&[1, 2])))).await;
    let narrow = create(limited(&world, 3, Some(&first), Some(only(&[1])))).await;
    let password = create(NewGrant { origin: GrantOrigin::Password, ..limited(&world, 4, None, None) }).await;
    let no_data = NewGrant { scopes: BuiltInScope::OpenId.into(), ..limited(&world, 5, Some(&first), None) };
    let no_data = create(no_data).await;

    let change = DataChange::instead(Some(only(&[1])));
    let StoredConsent { consent, ended } = allow(&world, change.clone()).await;
    assert!(consent.id > first.id, "the codes of the first one are invalid");
    assert_eq!((consent.created_at, &consent.data), (START, &Some(only(&[1]))));
    let subjects: Vec<_> = ended.iter().map(|ended| (ended.subject, ended.expires_at)).collect();
    assert_eq!(subjects, [wide, both, password].map(|id| (RevokedSubject::Grant(id), OVER)));
    assert_eq!(world.store.revocations_after(0, START, 9).await.unwrap(), ended);
    for (id, live) in [(wide, false), (both, false), (password, false), (narrow, true), (no_data, true)] {
        assert_eq!(is_live(&world, id).await, live, "{id}");
    }
    let late = world.create_grant(limited(&world, 6, Some(&first), None)).await;
    assert_eq!(late, GrantCreation::Gone, "a code that was issued before");

    let again = allow(&world, change).await;
    assert_eq!((again.consent.id, again.ended), (consent.id, Vec::new()), "nothing is left out of it");
    let wider = allow(&world, DataChange::instead(None)).await;
    assert_eq!((wider.consent.id, wider.ended), (consent.id, Vec::new()));
    assert!(is_live(&world, narrow).await);
}

pub async fn what_may_change_data_ends_if_the_user_no_longer_allows_it(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let [first, second] = [1, 2].map(DataSourceId::new);
    let both = DataChange::instead(Some(only(&[1, 2]))).deciding([first, second], [first, second]);
    let consent = allow(&world, both).await.consent;
    assert_eq!(consent.data, Some(only(&[1, 2]).changing([first, second])));
    let create = async |code, data| {
        granted(&world.create_grant(limited(&world, code, Some(&consent), Some(data))).await).unwrap()
    };
    let changes = create(1, only(&[1, 2]).changing([first, second])).await;
    let other = create(2, only(&[1, 2]).changing([second])).await;
    let reads = create(3, only(&[1, 2])).await;
    let source = SourceAccess::new(first, Vec::new());
    let unasked = allow(&world, DataChange::also(vec![source.clone()])).await;
    assert_eq!((unasked.consent, unasked.ended), (consent.clone(), Vec::new()), "nobody was asked");

    let unticked = DataChange::also(vec![source]).deciding([first], []);
    let StoredConsent { consent: left, ended } = allow(&world, unticked).await;
    assert_eq!(left.data, Some(only(&[1, 2]).changing([second])));
    assert!(left.id > consent.id, "the codes of the first one are invalid");
    assert_eq!(ended.iter().map(|one| one.subject).collect::<Vec<_>>(), [RevokedSubject::Grant(changes)]);
    for (id, live) in [(changes, false), (other, true), (reads, true)] {
        assert_eq!(is_live(&world, id).await, live, "{id}");
    }
}

pub async fn many_grants_end_with_one_revocation(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let mut last = None;
    for code in 1..=60 {
        last = granted(&world.create_grant(limited(&world, code, None, None)).await);
    }
    let ended = allow(&world, DataChange::instead(Some(only(&[1])))).await.ended;
    let (user, application, last_grant) = (world.user.id, world.application.id, last.unwrap());
    let subject = RevokedSubject::Allowance { user, application, last_grant };
    assert_eq!(ended.iter().map(|ended| ended.subject).collect::<Vec<_>>(), [subject]);
    assert!(!is_live(&world, last_grant).await);
}

pub async fn a_thousand_grants_are_compared_one_by_one_and_more_end_together(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let narrow_and_wide = async |codes: std::ops::Range<usize>| {
        let (first, count) = (codes.start, codes.len());
        let created = at_once(count, |task| {
            let world = Arc::clone(&world);
            async move {
                let data = (task > 0).then(|| only(&[1]));
                let code = u64::try_from(first + task).unwrap();
                (task, granted(&world.create_grant(limited(&world, code, None, data)).await).unwrap())
            }
        });
        created.await.into_iter().find(|(task, _)| *task == 0).unwrap().1
    };
    let narrow = async || {
        let ended = allow(&world, DataChange::instead(Some(only(&[1])))).await.ended;
        ended.into_iter().map(|ended| ended.subject).collect::<Vec<_>>()
    };
    let wide = narrow_and_wide(0..1_000).await;
    assert_eq!(narrow().await, [RevokedSubject::Grant(wide)]);
    let wide = narrow_and_wide(1_000..1_002).await;
    let ended = narrow().await;
    assert!(matches!(ended.as_slice(), [RevokedSubject::Allowance { .. }]), "{ended:?}");
    assert!(!is_live(&world, wide).await);
}

/// Codes of the wider consent are redeemed while it is narrowed: each either comes too late, or its grant has ended.
pub async fn no_grant_outlives_a_choice_that_is_made_at_the_same_time(store: Arc<dyn Store>) {
    let world = Arc::new(World::new(store).await);
    let first = allow(&world, DataChange::instead(None)).await.consent;
    let results = at_once(MANY, |task| {
        let (world, first) = (Arc::clone(&world), first.clone());
        async move {
            if task == MANY / 2 {
                allow(&world, DataChange::instead(Some(only(&[1])))).await;
                return None;
            }
            let code = u64::try_from(task).unwrap() + 1;
            granted(&world.create_grant(limited(&world, code, Some(&first), None)).await)
        }
    });
    for id in results.await.into_iter().flatten() {
        assert!(!is_live(&world, id).await, "{id}");
    }
}

pub async fn what_a_user_allowed_tells_the_data_of_all_together(store: Arc<dyn Store>) {
    let world = World::new(store).await;
    let allowed =
        async || world.store.list_allowed(world.user.id, START, None, 1).await.unwrap().remove(0).data;
    let sign_in = NewConsent { scopes: BuiltInScope::OpenId.into(), ..world.new_consent().await };
    world.store_consent(NewConsent { data: DataChange::keep(), ..sign_in }).await.unwrap();
    assert_eq!(allowed().await, AllowedData::Nothing);
    let consent = allow(&world, DataChange::instead(Some(only(&[1, 2])))).await.consent;
    assert_eq!(allowed().await, AllowedData::Limited(only(&[1, 2])));
    for (code, ids) in [(1, &[1]), (2, &[1]), (3, &[3])] {
        world.create_grant(limited(&world, code, Some(&consent), Some(only(ids)))).await;
    }
    assert_eq!(allowed().await, AllowedData::Limited(only(&[1, 2, 3])));
    let details =
        NewGrant { scopes: BuiltInScope::OpenId.into(), ..limited(&world, 4, Some(&consent), None) };
    world.create_grant(details).await;
    assert_eq!(allowed().await, AllowedData::Limited(only(&[1, 2, 3])), "one that reaches no data");
    world.create_grant(limited(&world, 5, Some(&consent), None)).await;
    assert_eq!(allowed().await, AllowedData::Everything);
}
