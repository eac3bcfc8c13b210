//! Which data a request asks for, what the consent page offers of it, and what the user has chosen.

use domain::id::DataSourceId;

use crate::authorization_details::{self, RequestedData};
use crate::data_access::{DataAccess, DataReach, MOST_CHOSEN, SourceAccess};
use crate::scope::{BuiltInScope, ScopeSet};

/// A data source that a request names, and that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedSource {
    /// Its id.
    pub id: DataSourceId,
    /// The entity sets; all of them if there are none.
    pub entities: Vec<String>,
    /// Whether it asks to change it.
    pub writes: bool,
}

/// The data sources that a request names, each once: one that is named in two spellings is named with the entity sets of
/// both.
pub fn each_once(requested: impl Iterator<Item = RequestedSource>) -> Vec<RequestedSource> {
    let mut all: Vec<RequestedSource> = Vec::new();
    for one in requested {
        match all.iter_mut().find(|known| known.id == one.id) {
            None => all.push(one),
            Some(known) => {
                known.writes |= one.writes;
                authorization_details::widen(&mut known.entities, one.entities);
            }
        }
    }
    all
}

/// The access to the data sources that a request names.
pub fn named(requested: &[RequestedSource]) -> DataAccess {
    let sources = requested.iter().map(|one| SourceAccess::new(one.id, one.entities.clone()));
    let written = requested.iter().filter(|one| one.writes).map(|one| one.id);
    DataAccess::to(sources.collect()).changing(written)
}

/// What a request asks for, as it is stored until its user decides: the data sources that it names, everything if it only reads
/// what the user chooses, or `None` if it may also change that.
pub fn stored(requested: &RequestedData, sources: Option<&[RequestedSource]>) -> Option<DataAccess> {
    match requested {
        RequestedData::Any { writes: true } => None,
        RequestedData::Any { writes: false } => Some(DataAccess::everything()),
        RequestedData::Named(_) => sources.map(named),
    }
}

/// The data sources that a stored request names, if the user does not choose them, and whether it asks to change what the user
/// chooses.
pub fn read_stored(data: Option<&DataAccess>, scopes: &ScopeSet) -> (Option<Vec<RequestedSource>>, bool) {
    let Some(data) = data else { return (None, scopes.contains(BuiltInScope::OData)) };
    let of = |one: &SourceAccess| RequestedSource {
        id: one.id(),
        entities: one.entities().to_vec(),
        writes: data.changes.contains(one.id()),
    };
    ((!data.others).then(|| data.sources.iter().map(of).collect()), false)
}

/// The maximum number of data sources whose boxes are ticked at first. Nobody reads more of them before pressing Allow.
const MOST_TICKED: usize = 32;

/// What the consent page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The data sources, by id.
    pub sources: Vec<OfferedSource>,
    /// Whether the request names the data sources, so that there is no box for others.
    pub is_named: bool,
    /// Whether the request names an entity set that its data source does not have.
    pub names_unknown: bool,
    /// What the user allowed before, if that was limited.
    pub before: Option<Box<DataAccess>>,
}

/// A data source that a user may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadableSource {
    /// The id.
    pub id: DataSourceId,
    /// The name.
    pub name: String,
    /// The description for people; may be empty.
    pub description: String,
    /// Whether its owner lets users change it.
    pub writable: bool,
}

/// A data source that the consent page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedSource {
    /// The id.
    pub id: DataSourceId,
    /// The name.
    pub name: String,
    /// The description for people; may be empty.
    pub description: String,
    /// The entity sets that the request names, with a box each; none if it asks for all of them.
    pub entities: Vec<OfferedEntity>,
    /// Whether its box is ticked at first.
    pub is_ticked: bool,
    /// Whether the request asks to change it, and its owner lets users do so.
    pub may_change: bool,
}

/// An entity set that the consent page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedEntity {
    /// Its position among those that the request names for the data source. It stays if others are taken out, because the
    /// form may come from a page that showed them.
    pub position: usize,
    /// The name.
    pub name: String,
}

impl OfferedSource {
    /// The access to everything that is offered of it.
    pub(super) fn whole(&self) -> SourceAccess {
        SourceAccess::new(self.id, self.entities.iter().map(|entity| entity.name.clone()).collect())
    }
}

impl Offer {
    /// The offer for a request to a user who may read these data sources, by id. What the user allowed before, if
    /// anything, is ticked at first; otherwise everything, unless these are too many to read. `writes` is whether a request
    /// that names no data sources asks to change what the user chooses.
    pub fn new(
        requested: Option<&[RequestedSource]>,
        writes: bool,
        readable: Vec<ReadableSource>,
        before: Option<&DataAccess>,
    ) -> Self {
        let of_request = |id: DataSourceId| requested.map(|all| all.iter().find(|one| one.id == id));
        let ticks_all = requested.is_some() || readable.len() <= MOST_TICKED;
        let sources = readable
            .into_iter()
            .filter_map(|ReadableSource { id, name, description, writable }| {
                let (entities, writes) = match of_request(id) {
                    None => (Vec::new(), writes),
                    Some(named) => {
                        let named = named?;
                        (named.entities.iter().cloned().enumerate().collect(), named.writes)
                    }
                };
                let entities = entities.into_iter().map(|(position, name)| OfferedEntity { position, name });
                let was_allowed = |before: &DataAccess| before.reach(id) != DataReach::Nothing;
                let is_ticked = requested.is_some() || before.map_or(ticks_all, was_allowed);
                let (entities, may_change) = (entities.collect(), writable && writes);
                Some(OfferedSource { id, name, description, entities, is_ticked, may_change })
            })
            .collect();
        Self {
            sources,
            is_named: requested.is_some(),
            names_unknown: false,
            before: before.cloned().map(Box::new),
        }
    }

    /// The data sources about whose changes the user is asked: at most as many as an access can name.
    pub fn changeable(&self) -> impl Iterator<Item = &OfferedSource> {
        self.sources.iter().filter(|source| source.may_change).take(MOST_CHOSEN)
    }

    /// Whether the application may change a data source now.
    pub fn is_changed_now(&self, id: DataSourceId) -> bool {
        self.before.as_ref().is_some_and(|before| before.may_change(id))
    }

    /// Whether the application may change a data source now and would reach more of it than before. It may not change it
    /// then unless the user says so.
    pub fn outgrows(&self, id: DataSourceId, reach: DataReach<'_>) -> bool {
        self.before.as_ref().is_some_and(|before| before.may_change(id) && !before.reach(id).includes(reach))
    }

    /// The data sources that the application may change now, that it would reach more of, and about whose changes the user
    /// is not asked.
    pub fn outgrown(&self) -> impl Iterator<Item = &OfferedSource> {
        let would = |source: &&OfferedSource| self.outgrows(source.id, source.whole().reach());
        self.sources.iter().filter(|source| !source.may_change).filter(would)
    }

    /// Takes out the named entity sets that do not exist, and the data sources of which nothing is left.
    pub fn retain_entities(&mut self, exists: impl Fn(DataSourceId, &str) -> bool) {
        let mut names_unknown = false;
        self.sources.retain_mut(|source| {
            let (id, named) = (source.id, source.entities.len());
            source.entities.retain(|entity| exists(id, &entity.name));
            names_unknown |= source.entities.len() < named;
            named == 0 || !source.entities.is_empty()
        });
        self.names_unknown |= names_unknown;
    }

    /// Whether there are so many data sources that none is ticked at first, and that there is a box for all of them.
    pub fn has_box_for_all(&self) -> bool {
        !self.is_named && self.sources.len() > MOST_TICKED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: i64) -> DataSourceId {
        DataSourceId::new(id)
    }

    fn readable(names: &[&str]) -> Vec<ReadableSource> {
        let of = |(name, id): (&&str, i64)| ReadableSource {
            id: DataSourceId::new(id),
            name: (*name).to_owned(),
            description: String::new(),
            writable: true,
        };
        names.iter().zip(1..).map(of).collect()
    }

    #[test]
    fn what_was_unticked_before_is_unticked_again() {
        let before = DataAccess::to(vec![SourceAccess::new(id(2), Vec::new())]);
        let offer = Offer::new(None, false, readable(&["ships", "ports"]), Some(&before));
        assert_eq!(offer.sources.iter().map(|source| source.is_ticked).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn entity_sets_that_do_not_exist_are_not_offered() {
        let named = |number, entities: &[&str]| RequestedSource {
            id: id(number),
            writes: false,
            entities: entities.iter().map(|name| (*name).to_owned()).collect(),
        };
        let requested = [named(1, &["Nothing", "Ships"]), named(2, &["Nothing"]), named(3, &[])];
        let mut offer = Offer::new(Some(&requested), false, readable(&["a", "b", "c"]), None);
        offer.retain_entities(|_, _| true);
        assert!(!offer.names_unknown);
        offer.retain_entities(|_, name| name == "Ships");
        assert!(offer.names_unknown);
        let left: Vec<_> = offer.sources.iter().map(|one| (one.id, one.entities.len())).collect();
        assert_eq!(left, [(id(1), 1), (id(3), 0)]);
        let ships = OfferedEntity { position: 1, name: "Ships".to_owned() };
        assert_eq!(offer.sources[0].entities, [ships], "a page that showed both means the same by it");
    }

    #[test]
    fn boxes_are_ticked_at_first_only_if_a_person_can_read_them() {
        for (count, is_ticked) in [(MOST_TICKED, true), (MOST_TICKED + 1, false)] {
            let offer = Offer::new(None, false, readable(&vec!["it"; count]), None);
            assert_eq!(offer.has_box_for_all(), !is_ticked);
            assert!(offer.sources.iter().all(|source| source.is_ticked == is_ticked), "{count}");
        }
    }
}
