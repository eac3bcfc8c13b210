//! Which data a grant and its tokens reach, if not all that the user may read.

use domain::id::DataSourceId;
use serde::{Deserialize, Serialize};

use crate::scope::{BuiltInScope, ScopeSet};

mod source_ids;

pub use source_ids::SourceIds;

/// The maximum number of data sources that a request names, and of those of which an access reaches some entity sets,
/// because each with its names becomes part of codes and tokens.
pub const MOST_SOURCES: usize = 32;
/// The maximum length of the names of all entity sets of an access together, in bytes, for the same reason.
pub const MOST_NAME_BYTES: usize = 4_096;
/// The maximum number of data sources that an access reaches completely, or does not reach beside all others. They are a
/// [`SourceIds`], which takes one or two bytes for each.
pub const MOST_CHOSEN: usize = 1_000;

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
    /// The data sources that it reaches completely, if they are too many to be named.
    #[serde(skip_serializing_if = "SourceIds::is_empty")]
    pub whole: SourceIds,
    /// Whether it also reaches all data sources that are not named, among them those that the user gets later.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub others: bool,
    /// The data sources that it does not reach although it reaches all others.
    #[serde(skip_serializing_if = "SourceIds::is_empty")]
    pub except: SourceIds,
    /// The data sources that it may also change. Each is named one by one: what becomes writable later is not among them.
    #[serde(skip_serializing_if = "SourceIds::is_empty")]
    pub changes: SourceIds,
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

    /// What it reaches of its data source.
    pub fn reach(&self) -> DataReach<'_> {
        if self.entities.is_empty() { DataReach::Everything } else { DataReach::Entities(&self.entities) }
    }
}

impl DataReach<'_> {
    /// Whether it includes what another one reaches.
    pub fn includes(self, other: DataReach<'_>) -> bool {
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
        Self { sources, ..Self::default() }.compact()
    }

    /// The same access. If there are too many data sources to be named, those that it reaches completely become a set.
    fn compact(mut self) -> Self {
        if self.sources.len() > MOST_SOURCES {
            let (whole, in_part): (Vec<_>, Vec<_>) =
                self.sources.into_iter().partition(|one| one.entities.is_empty());
            self.whole.insert(ids_of(&whole));
            self.sources = in_part;
        }
        self
    }

    /// What it reaches of a data source.
    pub fn reach(&self, id: DataSourceId) -> DataReach<'_> {
        match self.sources.iter().find(|source| source.id == id.get()) {
            Some(source) => source.reach(),
            None if self.whole.contains(id) => DataReach::Everything,
            None if self.others && !self.except.contains(id) => DataReach::Everything,
            None => DataReach::Nothing,
        }
    }

    /// Whether it may also change a data source.
    pub fn may_change(&self, id: DataSourceId) -> bool {
        self.changes.contains(id) && self.reach(id) != DataReach::Nothing
    }

    /// The same access, which may also change these of the data sources that it reaches.
    #[must_use]
    pub fn changing(mut self, ids: impl IntoIterator<Item = DataSourceId>) -> Self {
        self.changes = SourceIds::default();
        let reached: Vec<_> =
            ids.into_iter().filter(|id| self.reach(*id) != DataReach::Nothing).take(MOST_CHOSEN).collect();
        self.changes.insert(reached);
        self
    }

    /// The same access, which changes nothing.
    #[must_use]
    pub fn reading(self) -> Self {
        self.changing([])
    }

    /// Whether it reaches all of these.
    pub fn covers(&self, wanted: &[SourceAccess]) -> bool {
        wanted.iter().all(|one| self.reach(one.id()).covers(&one.entities))
    }

    /// Everything, as the access of a consent without a limit.
    pub fn everything() -> Self {
        Self { others: true, ..Self::default() }
    }

    /// Whether it neither reaches nor changes anything that `wider` does not. `None` stands for everything, without changes,
    /// on both sides.
    pub fn is_within(own: Option<&Self>, wider: Option<&Self>) -> bool {
        let may_change = |id| wider.is_some_and(|wider| wider.may_change(id));
        let changes = |own: &Self| own.changes.iter().all(|id| may_change(id) || !own.may_change(id));
        own.is_none_or(changes) && Self::reads_within(own, wider)
    }

    /// Whether it reaches nothing that `wider` does not reach, whatever may be changed.
    pub fn reads_within(own: Option<&Self>, wider: Option<&Self>) -> bool {
        let everything = Self::everything();
        let wider = wider.unwrap_or(&everything);
        let own = own.unwrap_or(&everything);
        let mut ids = Self::named_by(own, wider).into_iter();
        (wider.others || !own.others) && ids.all(|id| wider.reach(id).includes(own.reach(id)))
    }

    /// An access that reaches what one of two reaches. `None` stands for everything.
    pub fn union(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let changes =
            |access: &Option<Self>| access.iter().flat_map(|one| one.changes.iter()).collect::<Vec<_>>();
        let changes = [changes(&one), changes(&other)].concat();
        let (one, other) = match (one, other) {
            (Some(one), Some(other)) => (one, other),
            _ if changes.is_empty() => return None,
            _ => return Some(Self::everything().changing(changes)),
        };
        let others = one.others || other.others;
        let (mut sources, mut except) = (Vec::new(), Vec::new());
        for id in Self::named_by(&one, &other) {
            match one.reach(id).or(other.reach(id)) {
                None if others => except.push(id),
                Some(entities) if !(others && entities.is_empty()) => {
                    sources.push(SourceAccess::new(id, entities));
                }
                _ => {}
            }
        }
        let both = Self { others, except: SourceIds::new(except), ..Self::to(sources) };
        Some(both.changing(changes))
    }

    /// The data sources that one of two accesses names or excepts, in order. Both reach all others, or none of them.
    fn named_by(one: &Self, other: &Self) -> Vec<DataSourceId> {
        let mut ids = Vec::new();
        for access in [one, other] {
            ids.extend(ids_of(&access.sources));
            ids.extend(access.whole.iter().chain(access.except.iter()));
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The access without these data sources. If it then had too many exceptions, it no longer reaches the data sources that
    /// it does not name.
    #[must_use]
    pub fn without(mut self, ids: &[DataSourceId]) -> Self {
        self.sources.retain(|source| !ids.contains(&source.id()));
        self.whole.remove(ids);
        self.changes.remove(ids);
        if self.others {
            self.except.insert(ids.iter().copied());
        }
        if self.except.len() > MOST_CHOSEN {
            self = Self { others: false, except: SourceIds::default(), ..self };
        }
        self
    }

    /// The access of a consent after the user has also allowed these data sources. If there are too many then of which it
    /// reaches some entity sets, those that were allowed first are no longer reached; if the names are too long together,
    /// or if it would reach too many completely, only these are.
    #[must_use]
    pub fn with(mut self, more: &[SourceAccess]) -> Self {
        for one in more {
            let was_excepted = self.except.contains(one.id());
            self.except.remove(&[one.id()]);
            match self.sources.iter_mut().find(|source| source.id == one.id) {
                Some(source) if source.entities.is_empty() => {}
                Some(source) if one.entities.is_empty() => source.entities.clear(),
                Some(source) => {
                    let entities = [source.entities.as_slice(), &one.entities].concat();
                    *source = SourceAccess::new(source.id(), entities);
                }
                None if self.whole.contains(one.id()) => {}
                None if self.others && (!was_excepted || one.entities.is_empty()) => {}
                None => self.sources.push(one.clone()),
            }
        }
        self = self.compact();
        if self.whole.len() > MOST_CHOSEN {
            return Self::to(more.to_vec());
        }
        let mut dropped: Vec<DataSourceId> = ids_of(&self.sources).collect();
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

fn ids_of(sources: &[SourceAccess]) -> impl Iterator<Item = DataSourceId> {
    sources.iter().map(SourceAccess::id)
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
    requested: Option<DataAccess>,
) -> Result<Option<DataAccess>, NotGranted> {
    match requested {
        None => Ok(granted.cloned()),
        Some(wanted) if DataAccess::is_within(Some(&wanted), granted) => Ok(Some(wanted)),
        Some(_) => Err(NotGranted),
    }
}

/// The data of a token whose request names only what is done with all data of the grant: reading, or changing some of it too.
///
/// # Errors
/// If the request asks to change data, and the grant changes nothing.
pub fn narrowed_to_actions(
    granted: Option<&DataAccess>,
    writes: bool,
) -> Result<Option<DataAccess>, NotGranted> {
    if !writes {
        return Ok(granted.cloned().map(DataAccess::reading));
    }
    match granted {
        Some(data) if data.changes.iter().any(|id| data.may_change(id)) => Ok(Some(data.clone())),
        _ => Err(NotGranted),
    }
}

/// The request names data that was not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotGranted;

/// What a token reaches of a data source; everything if it is not limited.
pub fn reach_of(data: Option<&DataAccess>, id: DataSourceId) -> DataReach<'_> {
    data.map_or(DataReach::Everything, |data| data.reach(id))
}

/// Whether a token with these scopes and this data may change a data source. Reading is all that a token without a limit may do.
pub fn may_change(scopes: &ScopeSet, data: Option<&DataAccess>, id: DataSourceId) -> bool {
    scopes.contains(BuiltInScope::OData) && data.is_some_and(|data| data.may_change(id))
}

#[cfg(test)]
mod tests;
