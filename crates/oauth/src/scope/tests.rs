use super::*;

fn ids(numbers: &[i64]) -> Vec<ScopeId> {
    numbers.iter().copied().map(ScopeId::new).collect()
}

fn set(numbers: &[i64]) -> ScopeSet {
    ids(numbers).into_iter().collect()
}

#[test]
fn built_in_scopes_are_bits_that_never_change() {
    for (scope, id, bit) in [
        (BuiltInScope::OData, 1, 1),
        (BuiltInScope::Management, 2, 2),
        (BuiltInScope::Introspect, 3, 4),
        (BuiltInScope::OpenId, 4, 8),
        (BuiltInScope::Profile, 5, 16),
        (BuiltInScope::Email, 6, 32),
        (BuiltInScope::Address, 7, 64),
        (BuiltInScope::Phone, 8, 128),
        (BuiltInScope::OfflineAccess, 9, 256),
        (BuiltInScope::Mcp, 10, 512),
    ] {
        assert_eq!(scope.id(), ScopeId::new(id));
        assert_eq!(ScopeSet::from(scope).bits(), bit);
        assert_eq!(ScopeSet::from(scope), ScopeSet::from(scope.id()));
        assert_eq!(ScopeSet::from_bits(bit), scope.into());
    }
}

#[test]
fn a_set_comes_back_from_its_parts() {
    for numbers in [&[][..], &[1], &[1, 3], &[100], &[1, 2, 3, 100, 4_000_000]] {
        let set = set(numbers);
        assert_eq!(ScopeSet::from_parts(set.bits(), set.others().iter().copied()), set, "{numbers:?}");
        assert_eq!(set.iter().collect::<Vec<_>>(), ids(numbers));
        assert_eq!(set.len(), numbers.len());
    }
}

#[test]
fn a_built_in_scope_is_only_a_bit() {
    assert_eq!(ScopeSet::from_parts(0, ids(&[2, 100])), set(&[100]), "bits alone give built-in scopes");
}

#[test]
fn bits_without_a_meaning_are_dropped() {
    assert_eq!(ScopeSet::from_bits(u32::MAX), BuiltInScope::ALL.into_iter().collect());
}

#[test]
fn sets_are_compared_and_combined_by_their_members() {
    let (some, more) = (set(&[1, 100, 102]), set(&[2, 101, 102]));
    assert_eq!(some.union(&more), set(&[1, 2, 100, 101, 102]));
    assert_eq!(some.intersection(&more), set(&[102]));
    assert_eq!(some.difference(&more), set(&[1, 100]));
    assert!(some.union(&more).covers(&some) && !some.covers(&more));
    assert!(some.covers(&ScopeSet::EMPTY) && !ScopeSet::EMPTY.covers(&some));
    assert_eq!(set(&[102, 1, 100, 102]), some, "neither order nor repetition matters");
    assert!(some.contains_id(ScopeId::new(100)) && !some.contains_id(ScopeId::new(101)));
    assert!(some.contains_id(ScopeId::new(1)) && !some.contains_id(ScopeId::new(2)));
    assert_eq!(some.difference(&some), ScopeSet::EMPTY);
    assert!(some.difference(&some).is_empty());
}

fn registered(scopes: &[BuiltInScope]) -> ScopeSet {
    scopes.iter().copied().collect()
}

#[test]
fn no_scope_asks_for_data_access() {
    let (registry, all) = (ScopeRegistry::built_in(), registered(&BuiltInScope::ALL));
    for text in [None, Some(""), Some("  ")] {
        assert_eq!(requested_of(text, &all, true, &registry), Ok(BuiltInScope::OData.into()));
    }
}

#[test]
fn without_data_access_no_scope_asks_for_what_is_registered() {
    use BuiltInScope::{Email, Introspect, Management, OfflineAccess, OpenId};

    let registry = ScopeRegistry::built_in();
    for (all, expected) in [
        (&[OpenId, Email][..], Ok(registered(&[OpenId, Email]))),
        (&[OpenId, OfflineAccess, Management], Ok(OpenId.into())),
        (&[Introspect], Err(Refusal::ScopeWithoutEffect)),
    ] {
        assert_eq!(requested_of(None, &registered(all), true, &registry), expected, "{all:?}");
    }
}

#[test]
fn offline_access_is_for_applications_with_refresh_tokens() {
    let registry = ScopeRegistry::built_in();
    let both = registered(&[BuiltInScope::OpenId, BuiltInScope::OfflineAccess]);
    let text = Some("openid offline_access");
    assert_eq!(requested_of(text, &both, true, &registry), Ok(both.clone()));
    assert_eq!(requested_of(text, &both, false, &registry), Ok(BuiltInScope::OpenId.into()));
    let alone = requested_of(Some("offline_access"), &both, false, &registry);
    assert_eq!(alone, Err(Refusal::ScopeWithoutEffect));
}

#[test]
fn a_scope_that_is_unknown_or_not_registered_is_refused() {
    let (registry, data) = (ScopeRegistry::built_in(), ScopeSet::from(BuiltInScope::OData));
    let asked = |text: &str| requested_of(Some(text), &data, true, &registry);
    assert_eq!(asked("odata nonsense"), Err(Refusal::ScopeUnknown));
    assert_eq!(asked("api.mgmt"), Err(Refusal::ScopeNotRegistered));
}
