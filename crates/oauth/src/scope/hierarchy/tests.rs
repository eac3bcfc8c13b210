use domain::id::ResourceServerId;
use domain::time::Timestamp;

use super::*;
use crate::scope::{BuiltInScope, Risk};

fn scope(id: i64, implies: &[i64]) -> Scope {
    Scope {
        id: ScopeId::new(id),
        resource_server: ResourceServerId::new(2),
        name: format!("orders.{id}"),
        description: "Orders".to_owned(),
        risk: Risk::Low,
        assignment: Assignment::Anyone,
        implies: implies.iter().copied().map(ScopeId::new).collect(),
        created_at: Timestamp::from_micros(0),
        updated_at: Timestamp::from_micros(0),
    }
}

fn set(ids: &[i64]) -> ScopeSet {
    ids.iter().copied().map(ScopeId::new).collect()
}

/// 100 implies 101, which implies 102 and 103. 104 stands alone.
fn orders() -> Vec<Scope> {
    vec![scope(100, &[101]), scope(101, &[102, 103]), scope(102, &[]), scope(103, &[]), scope(104, &[])]
}

fn judged(scopes: &[Scope], changed: i64) -> Result<(), ImplicationFault> {
    may_imply(scopes.iter().find(|scope| scope.id.get() == changed).unwrap(), scopes)
}

#[test]
fn a_broad_scope_allows_what_it_implies() {
    let hierarchy = Hierarchy::of(&orders());
    for (given, effective) in [
        (&[100][..], &[100, 101, 102, 103][..]),
        (&[101], &[101, 102, 103]),
        (&[102, 104], &[102, 104]),
        (&[1, 2, 101], &[1, 2, 101, 102, 103]),
        (&[], &[]),
    ] {
        assert_eq!(hierarchy.effective(&set(given)), set(effective), "{given:?}");
    }
    assert_eq!(Hierarchy::default().effective(&set(&[100])), set(&[100]));
}

#[test]
fn what_two_sets_allow_is_named_by_the_broadest_scopes() {
    let hierarchy = Hierarchy::of(&orders());
    for (given, allowed, left) in [
        (&[100][..], &[100][..], &[100][..]),
        (&[100], &[102], &[102]),
        (&[102], &[100], &[102]),
        (&[100], &[101, 104], &[101]),
        (&[101, 102], &[100], &[101, 102]),
        (&[1, 100], &[1, 102, 103], &[1, 102, 103]),
        (&[104], &[100], &[]),
        (&[1, 104], &[100, 104], &[104]),
    ] {
        assert_eq!(hierarchy.limited(&set(given), &set(allowed)), set(left), "{given:?} within {allowed:?}");
    }
}

/// With and without other scopes that imply something.
#[test]
fn who_may_read_and_change_data_may_be_limited_to_reading() {
    let [data, read, manage, agent] =
        [BuiltInScope::OData, BuiltInScope::ODataRead, BuiltInScope::Management, BuiltInScope::Mcp]
            .map(|scope| scope.id().get());
    for hierarchy in [Hierarchy::default(), Hierarchy::of(&orders())] {
        for (given, allowed, left) in [
            (&[data][..], &[read][..], &[read][..]),
            (&[read], &[data], &[read]),
            (&[data], &[data, read], &[data]),
            (&[data, read], &[data], &[data]),
            (&[data, read], &[read], &[read]),
            (&[data, manage], &[read], &[read]),
            (&[read, agent], &[manage, agent], &[agent]),
            (&[data], &[manage, agent], &[]),
        ] {
            let limited = hierarchy.limited(&set(given), &set(allowed));
            assert_eq!(limited, set(left), "{given:?} within {allowed:?}");
        }
        assert!(
            hierarchy.covers(&set(&[data]), &set(&[read])) && !hierarchy.covers(&set(&[read]), &set(&[data]))
        );
        assert!(hierarchy.covers(&set(&[data]), &set(&[data, read])));
        for other in [manage, agent] {
            assert!(!hierarchy.covers(&set(&[data]), &set(&[other])));
            assert!(!hierarchy.covers(&set(&[other]), &set(&[read])));
        }
        assert_eq!(hierarchy.effective(&set(&[data])), set(&[data]), "what is reported stays the same");
    }
}

#[test]
fn no_scope_implies_a_built_in_one() {
    let broad = scope(100, &[BuiltInScope::Management.id().get()]);
    assert_eq!(judged(&[broad], 100), Err(ImplicationFault::Unknown));
}

#[test]
fn a_scope_never_implies_itself() {
    assert_eq!(judged(&orders(), 100), Ok(()));
    for (changed, implies) in [(100, 100), (103, 100), (103, 101), (101, 100)] {
        let mut scopes = orders();
        let at = scopes.iter().position(|scope| scope.id.get() == changed).unwrap();
        scopes[at].implies = vec![ScopeId::new(implies)];
        assert_eq!(judged(&scopes, changed), Err(ImplicationFault::Circle), "{changed} implies {implies}");
    }
}

#[test]
fn implications_are_few_and_not_deep() {
    let many: Vec<i64> = (200..=220).collect();
    let mut scopes: Vec<Scope> = many.iter().map(|id| scope(*id, &[])).collect();
    scopes.push(scope(100, &many));
    assert_eq!(judged(&scopes, 100), Err(ImplicationFault::TooMany(21)));
    let chain = |length: i64| -> Vec<Scope> {
        (0..=length).map(|at| if at == length { scope(at, &[]) } else { scope(at, &[at + 1]) }).collect()
    };
    let most = i64::try_from(DEEPEST_IMPLICATION).unwrap();
    assert_eq!(judged(&chain(most), 0), Ok(()));
    assert_eq!(judged(&chain(most + 1), 0), Err(ImplicationFault::TooDeep));
    assert_eq!(judged(&chain(most + 1), most), Err(ImplicationFault::TooDeep), "also from below");
}

#[test]
fn a_broad_scope_is_not_easier_to_assign_than_what_it_implies() {
    let view = Assignment::Permission(Permission::ViewRole);
    let other = Assignment::Permission(Permission::ModifyRole);
    for (broad, implied, holds) in [
        (Assignment::Anyone, Assignment::Anyone, true),
        (Assignment::Anyone, view, false),
        (Assignment::Anyone, Assignment::ADMINISTRATORS, false),
        (view, Assignment::Anyone, true),
        (view, view, true),
        (view, other, false),
        (view, Assignment::ADMINISTRATORS, false),
        (Assignment::ADMINISTRATORS, view, true),
        (Assignment::ADMINISTRATORS, Assignment::ADMINISTRATORS, true),
    ] {
        let scopes = [
            Scope { assignment: broad, ..scope(100, &[101]) },
            Scope { assignment: implied, ..scope(101, &[]) },
        ];
        let expected = if holds { Ok(()) } else { Err(ImplicationFault::AssignableByMore) };
        assert_eq!(
            (judged(&scopes, 100), judged(&scopes, 101)),
            (expected, expected),
            "{broad:?} {implied:?}"
        );
    }
}

#[test]
fn what_was_deleted_is_implied_no_more() {
    let scopes = [scope(100, &[101, 102]), scope(102, &[])];
    assert_eq!(Hierarchy::of(&scopes).effective(&set(&[100])), set(&[100, 102]));
}
