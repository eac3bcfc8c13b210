//! Table tests of what an access reaches.

use super::*;

fn set(ids: impl IntoIterator<Item = i64>) -> SourceIds {
    SourceIds::new(ids.into_iter().map(DataSourceId::new))
}

/// An access to these data sources completely.
fn to_all(ids: impl IntoIterator<Item = i64>) -> DataAccess {
    DataAccess::to(ids.into_iter().map(|id| source(id, &[])).collect())
}

fn source(id: i64, entities: &[&str]) -> SourceAccess {
    SourceAccess::new(DataSourceId::new(id), entities.iter().map(|one| (*one).to_owned()).collect())
}

#[test]
fn a_limited_access_reaches_what_it_names() {
    let access = DataAccess::to(vec![source(1, &[]), source(2, &["Ships", "Ports", "Ships"])]);
    assert_eq!(access.reach(DataSourceId::new(1)), DataReach::Everything);
    let both = ["Ports".to_owned(), "Ships".to_owned()];
    assert_eq!(access.reach(DataSourceId::new(2)), DataReach::Entities(&both));
    assert_eq!(access.reach(DataSourceId::new(3)), DataReach::Nothing);
    let open = DataAccess { others: true, except: set([4]), ..access };
    assert_eq!(open.reach(DataSourceId::new(3)), DataReach::Everything);
    assert_eq!(open.reach(DataSourceId::new(4)), DataReach::Nothing);
    assert_eq!(open.reach(DataSourceId::new(2)), DataReach::Entities(&both));
    assert_eq!(DataAccess::default().reach(DataSourceId::new(1)), DataReach::Nothing);
}

#[test]
fn a_request_may_only_narrow_what_was_granted() {
    let granted = DataAccess::to(vec![source(1, &[]), source(2, &["Ships", "Ports"])]);
    for (wanted, allowed) in [
        (source(1, &[]), true),
        (source(1, &["Any"]), true),
        (source(2, &["Ships"]), true),
        (source(2, &[]), false),
        (source(2, &["Ships", "Crew"]), false),
        (source(3, &[]), false),
    ] {
        let narrow = narrowed(Some(&granted), Some(DataAccess::to(vec![wanted.clone()])));
        let expected = if allowed { Ok(Some(DataAccess::to(vec![wanted.clone()]))) } else { Err(NotGranted) };
        assert_eq!(narrow, expected, "{wanted:?}");
        assert_eq!(
            narrowed(None, Some(DataAccess::to(vec![wanted.clone()]))),
            Ok(Some(DataAccess::to(vec![wanted])))
        );
    }
    assert_eq!(narrowed(Some(&granted), None), Ok(Some(granted)));
    assert_eq!(narrowed(None, None), Ok(None));
}

#[test]
fn a_consent_grows_by_what_is_allowed() {
    let consent = DataAccess::to(vec![source(1, &["Ships"]), source(2, &[])]);
    let long = ["a".repeat(MOST_NAME_BYTES - 10), "b".repeat(11)];
    let open = DataAccess::everything().without(&[DataSourceId::new(8), DataSourceId::new(9)]);
    let full = open.with(&[source(8, &[&long[0]])]).with(&[source(9, &[&long[1]])]);
    assert_eq!(full.reach(DataSourceId::new(8)), DataReach::Nothing, "beside all others, too");
    let ids: Vec<_> = (1..=33).map(DataSourceId::new).collect();
    let some: Vec<_> = (1..=32).map(|id| source(id, &["Piers"])).collect();
    let open = DataAccess { others: true, sources: some, ..DataAccess::default() }.without(&ids[32..]);
    let full = open.with(&[source(33, &["Piers"])]);
    assert_eq!(full.reach(ids[0]), DataReach::Nothing, "the first of too many, beside all others");
    assert_eq!(full.reach(DataSourceId::new(99)), DataReach::Everything);
    let full = consent.clone().with(&[source(8, &[&long[0]])]).with(&[source(9, &[&long[1]])]);
    assert_eq!(full.sources, [source(9, &[&long[1]])], "the names would be too long together");
    let grown = consent.with(&[source(1, &["Ports"]), source(2, &["Crew"]), source(3, &["Cargo"])]);
    let expected = vec![source(1, &["Ports", "Ships"]), source(2, &[]), source(3, &["Cargo"])];
    assert_eq!(grown, DataAccess::to(expected));
    assert_eq!(grown.with(&[source(3, &[])]).reach(DataSourceId::new(3)), DataReach::Everything);
    let open = DataAccess { except: set([5, 6]), ..DataAccess::everything() };
    assert_eq!(open.with(&[source(5, &[])]).except, set([6]));
}

#[test]
fn an_access_is_within_another_that_reaches_all_of_its_data() {
    let to = |sources: &[SourceAccess]| DataAccess::to(sources.to_vec());
    let except = |ids: &[i64]| DataAccess { except: set(ids.iter().copied()), ..DataAccess::everything() };
    let ships = || source(1, &["Ships"]);
    let open_ships = DataAccess { sources: vec![ships()], ..DataAccess::everything() };
    for (own, wider, is_within) in [
        (None, None, true),
        (None, Some(except(&[])), true),
        (None, Some(except(&[1])), false),
        (None, Some(to(&[source(1, &[])])), false),
        (None, Some(open_ships.clone()), false),
        (Some(to(&[])), Some(to(&[])), true),
        (Some(to(&[source(1, &[])])), None, true),
        (Some(to(&[source(1, &[])])), Some(to(&[source(1, &[]), source(2, &[])])), true),
        (Some(to(&[source(1, &[]), source(2, &[])])), Some(to(&[source(1, &[])])), false),
        (Some(to(&[ships()])), Some(to(&[source(1, &[])])), true),
        (Some(to(&[source(1, &[])])), Some(to(&[ships()])), false),
        (Some(to(&[ships()])), Some(to(&[source(1, &["Ports", "Ships"])])), true),
        (Some(to(&[source(2, &[])])), Some(except(&[1])), true),
        (Some(to(&[source(1, &[])])), Some(except(&[1])), false),
        (Some(except(&[1, 2])), Some(except(&[1])), true),
        (Some(except(&[1])), Some(except(&[1, 2])), false),
        (Some(except(&[1])), Some(to(&[source(2, &[])])), false),
        (Some(open_ships.clone()), Some(except(&[])), true),
        (Some(except(&[1])), Some(open_ships), true),
    ] {
        assert_eq!(DataAccess::is_within(own.as_ref(), wider.as_ref()), is_within, "{own:?} {wider:?}");
    }
}

#[test]
fn a_union_reaches_what_one_of_both_reaches() {
    let except = |ids: &[i64]| DataAccess { except: set(ids.iter().copied()), ..DataAccess::everything() };
    let named = |sources: &[SourceAccess]| DataAccess::to(sources.to_vec());
    for (one, other, expected) in [
        (None, Some(named(&[])), None),
        (
            Some(named(&[source(1, &["A"]), source(3, &[])])),
            Some(named(&[source(1, &["B"]), source(2, &["C"]), source(3, &["D"])])),
            Some(named(&[source(1, &["A", "B"]), source(2, &["C"]), source(3, &[])])),
        ),
        (Some(except(&[1, 2])), Some(except(&[2, 3])), Some(except(&[2]))),
        (Some(except(&[1])), Some(named(&[source(1, &[]), source(4, &["A"])])), Some(except(&[]))),
        (
            Some(except(&[1])),
            Some(named(&[source(1, &["A"])])),
            Some(DataAccess { sources: vec![source(1, &["A"])], ..DataAccess::everything() }),
        ),
    ] {
        assert_eq!(DataAccess::union(one.clone(), other.clone()), expected, "{one:?} {other:?}");
        assert_eq!(DataAccess::union(other, one), expected);
    }
}

#[test]
fn a_consent_shrinks_by_what_is_unticked() {
    let ids = |ids: &[i64]| ids.iter().copied().map(DataSourceId::new).collect::<Vec<_>>();
    let named = DataAccess::to(vec![source(1, &["Ships"]), source(2, &[])]);
    assert_eq!(named.without(&ids(&[2, 3])), DataAccess::to(vec![source(1, &["Ships"])]));
    let open = DataAccess::everything().without(&ids(&[5, 4, 5]));
    assert_eq!(open.except, set([4, 5]));
    assert_eq!(open.clone().with(&[source(5, &[])]).reach(DataSourceId::new(5)), DataReach::Everything);
    let some = open.with(&[source(4, &["Ships"])]);
    assert_eq!(some.reach(DataSourceId::new(4)), DataReach::Entities(&["Ships".to_owned()]));
    let most: Vec<i64> = (1..=1_001).collect();
    let open = DataAccess::everything().without(&ids(&most[..MOST_CHOSEN]));
    assert_eq!(open.reach(DataSourceId::new(1_001)), DataReach::Everything);
    assert_eq!(DataAccess::everything().without(&ids(&most)), DataAccess::default());
}

#[test]
fn access_comes_back_from_its_json() {
    let access = DataAccess {
        sources: vec![source(1, &[]), source(2, &["a"])],
        others: true,
        except: set([3]),
        ..DataAccess::default()
    };
    let json = serde_json::to_string(&access).unwrap();
    assert_eq!(json, r#"{"sources":[{"id":1},{"id":2,"entities":["a"]}],"others":true,"except":[3]}"#);
    assert_eq!(serde_json::from_str::<DataAccess>(&json).unwrap(), access);
    assert!(serde_json::from_str::<DataAccess>(r#"{"rows":1}"#).is_err());
}

#[test]
fn many_data_sources_become_a_set() {
    let few = to_all(1..=32);
    assert_eq!((few.sources.len(), few.whole.len()), (32, 0));
    let many = to_all(1..=1_000);
    assert_eq!((many.sources.len(), &many.whole), (0, &set(1..=1_000)));
    assert_eq!(many.reach(DataSourceId::new(1_000)), DataReach::Everything);
    assert_eq!(many.reach(DataSourceId::new(1_001)), DataReach::Nothing);
    assert!(many.covers(&[source(7, &["Ships"]), source(8, &[])]));
    let json = serde_json::to_string(&many).unwrap();
    assert!(json.len() < 1_400, "{}", json.len());
    assert_eq!(serde_json::from_str::<DataAccess>(&json).unwrap(), many);
}

#[test]
fn a_set_of_many_data_sources_grows_shrinks_and_is_compared() {
    let many = to_all(1..=900);
    let more = many.clone().with(&[source(3, &["Ships"]), source(901, &["Ships"]), source(902, &[])]);
    assert_eq!(more.reach(DataSourceId::new(3)), DataReach::Everything);
    assert_eq!(more.reach(DataSourceId::new(901)), DataReach::Entities(&["Ships".to_owned()]));
    assert_eq!(more.reach(DataSourceId::new(902)), DataReach::Everything);
    let is_within = |own: &DataAccess, wider: &DataAccess| DataAccess::is_within(Some(own), Some(wider));
    assert!(is_within(&many, &more) && !is_within(&more, &many));
    let fewer = many.clone().without(&[DataSourceId::new(7)]);
    assert!(is_within(&fewer, &many) && !is_within(&many, &fewer));
    assert_eq!(DataAccess::union(Some(fewer), Some(to_all([7]))), Some(many.clone()));
    // One after the other, until they are too many: then only what was allowed last is reached.
    let full = (901..=1_100).fold(many, |access, id| access.with(&[source(id, &[])]));
    assert!(full.sources.len() + full.whole.len() <= MOST_CHOSEN + MOST_SOURCES);
    assert_eq!(full.reach(DataSourceId::new(1_100)), DataReach::Everything);
}
