//! Which data a grant and its tokens reach, if not all that the user may read.

use domain::id::DataSourceId;
use serde::{Deserialize, Serialize};

/// The maximum number of data sources that are named one by one, because they become part of codes and tokens.
pub const MOST_SOURCES: usize = 32;
/// The maximum length of the names of all entity sets of an access together, in bytes, for the same reason.
pub const MOST_NAME_BYTES: usize = 4_096;

/// The data sources that an access reaches, among those that its user may read. It never gives a right that the user
/// does not have.
///
/// It is stored as a part of the details of a grant; an absent member has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataAccess {
    /// The data sources that are named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceAccess>,
    /// Whether it also reaches all data sources that are not named, among them those that the user gets later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// The data sources that it does not reach although it reaches all others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<i64>,
}

/// What an access reaches of one data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceAccess {
    /// The id of the data source: one that is created later under the same name is another one.
    id: i64,
    /// The entity sets, in order and without repetition; all of them if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entities: Vec<String>,
}

/// What an access reaches of a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataReach<'a> {
    /// Nothing.
    Nothing,
    /// These entity sets.
    Entities(&'a [String]),
    /// Everything.
    Everything,
}

impl SourceAccess {
    /// All of a data source, or some entity sets if there are any.
    pub fn new(id: DataSourceId, mut entities: Vec<String>) -> Self {
        entities.sort_unstable();
        entities.dedup();
        Self { id: id.get(), entities }
    }

    /// The data source.
    pub fn id(&self) -> DataSourceId {
        DataSourceId::new(self.id)
    }

    /// The entity sets; all of them if there are none.
    pub fn entities(&self) -> &[String] {
        &self.entities
    }

    fn reach(&self) -> DataReach<'_> {
        if self.entities.is_empty() { DataReach::Everything } else { DataReach::Entities(&self.entities) }
    }
}

impl DataReach<'_> {
    /// Whether it includes what another one reaches.
    fn includes(self, other: DataReach<'_>) -> bool {
        match other {
            DataReach::Nothing => true,
            DataReach::Everything => self == DataReach::Everything,
            DataReach::Entities(entities) => self.covers(entities),
        }
    }

    /// The entity sets that one of two reaches; all if there are none, and `None` if neither reaches any.
    fn or(self, other: DataReach<'_>) -> Option<Vec<String>> {
        match (self, other) {
            (DataReach::Everything, _) | (_, DataReach::Everything) => Some(Vec::new()),
            (DataReach::Entities(one), DataReach::Entities(other)) => Some([one, other].concat()),
            (DataReach::Entities(one), DataReach::Nothing)
            | (DataReach::Nothing, DataReach::Entities(one)) => Some(one.to_vec()),
            (DataReach::Nothing, DataReach::Nothing) => None,
        }
    }

    fn covers(self, wanted: &[String]) -> bool {
        match self {
            DataReach::Nothing => false,
            DataReach::Everything => true,
            DataReach::Entities(own) => !wanted.is_empty() && wanted.iter().all(|one| own.contains(one)),
        }
    }
}

impl DataAccess {
    /// An access to these data sources and no others.
    pub fn to(sources: Vec<SourceAccess>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// What it reaches of a data source.
    pub fn reach(&self, id: DataSourceId) -> DataReach<'_> {
        match self.sources.iter().find(|source| source.id == id.get()) {
            Some(source) => source.reach(),
            None if self.others && !self.except.contains(&id.get()) => DataReach::Everything,
            None => DataReach::Nothing,
        }
    }

    /// Whether it reaches all of these.
    pub fn covers(&self, wanted: &[SourceAccess]) -> bool {
        wanted.iter().all(|one| self.reach(one.id()).covers(&one.entities))
    }

    /// Everything, as the access of a consent without a limit.
    pub fn everything() -> Self {
        Self { others: true, ..Self::default() }
    }

    /// Whether it reaches nothing that `wider` does not reach. `None` stands for everything, on both sides.
    pub fn is_within(own: Option<&Self>, wider: Option<&Self>) -> bool {
        let Some(wider) = wider else { return true };
        let everything = Self::everything();
        let own = own.unwrap_or(&everything);
        let mut ids = Self::named_by(own, wider).into_iter();
        (wider.others || !own.others) && ids.all(|id| wider.reach(id).includes(own.reach(id)))
    }

    /// An access that reaches what one of two reaches. `None` stands for everything.
    pub fn union(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (one, other) = (one?, other?);
        let mut all = Self { others: one.others || other.others, ..Self::default() };
        for id in Self::named_by(&one, &other) {
            match one.reach(id).or(other.reach(id)) {
                None if all.others => all.except.push(id.get()),
                Some(entities) if !(all.others && entities.is_empty()) => {
                    all.sources.push(SourceAccess::new(id, entities));
                }
                _ => {}
            }
        }
        Some(all)
    }

    /// The data sources that one of two accesses names or excepts, in order. Both reach all others, or none of them.
    fn named_by(one: &Self, other: &Self) -> Vec<DataSourceId> {
        let of = |access: &Self| access.sources.iter().map(SourceAccess::id).collect::<Vec<_>>();
        let excepted = |access: &Self| access.except.iter().copied().map(DataSourceId::new).collect();
        let mut ids = [of(one), of(other), excepted(one), excepted(other)].concat();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The access without these data sources. If it then had too many exceptions, it no longer reaches the data sources that
    /// it does not name.
    #[must_use]
    pub fn without(mut self, ids: &[DataSourceId]) -> Self {
        self.sources.retain(|source| !ids.contains(&source.id()));
        if self.others {
            self.except.extend(ids.iter().map(|id| id.get()));
            self.except.sort_unstable();
            self.except.dedup();
        }
        if self.except.len() > MOST_SOURCES {
            return Self::to(self.sources);
        }
        self
    }

    /// The access of a consent after the user has also allowed these data sources. If there are too many then, those
    /// that were allowed first are no longer reached; if the names are too long together, only these are.
    #[must_use]
    pub fn with(mut self, more: &[SourceAccess]) -> Self {
        for one in more {
            let was_excepted = self.except.contains(&one.id);
            self.except.retain(|id| *id != one.id);
            match self.sources.iter_mut().find(|source| source.id == one.id) {
                Some(source) if source.entities.is_empty() => {}
                Some(source) if one.entities.is_empty() => source.entities.clear(),
                Some(source) => {
                    let entities = [source.entities.as_slice(), &one.entities].concat();
                    *source = SourceAccess::new(source.id(), entities);
                }
                None if self.others && (!was_excepted || one.entities.is_empty()) => {}
                None => self.sources.push(one.clone()),
            }
        }
        let mut dropped: Vec<DataSourceId> = self.sources.iter().map(SourceAccess::id).collect();
        let surplus = self.sources.len().saturating_sub(MOST_SOURCES);
        self.sources.drain(..surplus);
        if name_bytes(self.sources.iter().flat_map(SourceAccess::entities)) > MOST_NAME_BYTES {
            self.sources = more.to_vec();
        }
        // Beside all others, a data source that is no longer named would be reached completely.
        dropped.retain(|id| self.sources.iter().all(|kept| kept.id() != *id));
        self.without(&dropped)
    }
}

/// The length of these names together.
pub(crate) fn name_bytes<'a>(names: impl IntoIterator<Item = &'a String>) -> usize {
    names.into_iter().map(String::len).sum()
}

/// The data of a token: those that the request names, which must be among those of the grant, or else all of the grant.
/// `granted` is `None` if the grant is not limited.
///
/// # Errors
/// If the request names data that was not granted.
pub fn narrowed(
    granted: Option<&DataAccess>,
    requested: Option<Vec<SourceAccess>>,
) -> Result<Option<DataAccess>, NotGranted> {
    match requested {
        None => Ok(granted.cloned()),
        Some(wanted) if granted.is_none_or(|granted| granted.covers(&wanted)) => {
            Ok(Some(DataAccess::to(wanted)))
        }
        Some(_) => Err(NotGranted),
    }
}

/// The request names data that was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotGranted;

/// What a token reaches of a data source; everything if it is not limited.
pub fn reach_of(data: Option<&DataAccess>, id: DataSourceId) -> DataReach<'_> {
    data.map_or(DataReach::Everything, |data| data.reach(id))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let open = DataAccess { others: true, except: vec![4], ..access };
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
            let narrow = narrowed(Some(&granted), Some(vec![wanted.clone()]));
            let expected =
                if allowed { Ok(Some(DataAccess::to(vec![wanted.clone()]))) } else { Err(NotGranted) };
            assert_eq!(narrow, expected, "{wanted:?}");
            assert_eq!(narrowed(None, Some(vec![wanted.clone()])), Ok(Some(DataAccess::to(vec![wanted]))));
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
        let open = DataAccess { sources: Vec::new(), others: true, except: vec![5, 6] };
        assert_eq!(open.with(&[source(5, &[])]).except, [6]);
    }

    #[test]
    fn an_access_is_within_another_that_reaches_all_of_its_data() {
        let to = |sources: &[SourceAccess]| DataAccess::to(sources.to_vec());
        let except = |ids: &[i64]| DataAccess { except: ids.to_vec(), ..DataAccess::everything() };
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
        let except = |ids: &[i64]| DataAccess { except: ids.to_vec(), ..DataAccess::everything() };
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
        assert_eq!(open.except, [4, 5]);
        assert_eq!(open.clone().with(&[source(5, &[])]).reach(DataSourceId::new(5)), DataReach::Everything);
        let some = open.with(&[source(4, &["Ships"])]);
        assert_eq!(some.reach(DataSourceId::new(4)), DataReach::Entities(&["Ships".to_owned()]));
        let many = ids(&(0..40).collect::<Vec<_>>());
        assert_eq!(DataAccess::everything().without(&many), DataAccess::default());
    }

    #[test]
    fn access_comes_back_from_its_json() {
        let access =
            DataAccess { sources: vec![source(1, &[]), source(2, &["a"])], others: true, except: vec![3] };
        let json = serde_json::to_string(&access).unwrap();
        assert_eq!(json, r#"{"sources":[{"id":1},{"id":2,"entities":["a"]}],"others":true,"except":[3]}"#);
        assert_eq!(serde_json::from_str::<DataAccess>(&json).unwrap(), access);
        assert!(serde_json::from_str::<DataAccess>(r#"{"rows":1}"#).is_err());
    }
}
