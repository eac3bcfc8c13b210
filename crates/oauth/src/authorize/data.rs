//! Which data a request asks for, what the consent page offers of it, and what the user has chosen.

use domain::id::DataSourceId;

use crate::data_access::{DataAccess, DataReach, MOST_SOURCES, SourceAccess};
use crate::grant::Consent;
use crate::scope::BuiltInScope;

/// A data source that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedSource {
    /// Its id; `None` if there is none with the name.
    pub id: Option<DataSourceId>,
    /// The entity sets; all of them if there are none.
    pub entities: Vec<String>,
}

/// The data sources that a request names, if all of them exist.
pub fn existing(requested: &[RequestedSource]) -> Option<Vec<SourceAccess>> {
    requested.iter().map(|one| Some(SourceAccess::new(one.id?, one.entities.clone()))).collect()
}

/// What the consent page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The data sources with a box each, by id.
    pub sources: Vec<OfferedSource>,
    /// How many further data sources the user may read, which have no box of their own.
    pub further: usize,
    /// Whether the request names the data sources, so that there is no box for others.
    pub is_named: bool,
}

/// A data source that the consent page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedSource {
    /// The id.
    pub id: DataSourceId,
    /// The name.
    pub name: String,
    /// The entity sets that the request names, with a box each; none if it asks for all of them.
    pub entities: Vec<String>,
    /// Whether its box is ticked at first.
    pub is_ticked: bool,
}

impl RequestedSource {
    /// The data sources of a request that was stored with their ids.
    pub fn all_of(data: &DataAccess) -> Vec<Self> {
        let of = |one: &SourceAccess| Self { id: Some(one.id()), entities: one.entities().to_vec() };
        data.sources.iter().map(of).collect()
    }
}

impl Offer {
    /// The offer for a request to a user who may read these data sources, given as id and name, by id. What the user
    /// allowed before, if anything, is ticked at first; otherwise everything.
    pub fn new(
        requested: Option<&[RequestedSource]>,
        readable: Vec<(DataSourceId, String)>,
        before: Option<&DataAccess>,
    ) -> Self {
        let of_request = |id: DataSourceId| requested.map(|all| all.iter().find(|one| one.id == Some(id)));
        let mut sources: Vec<OfferedSource> = readable
            .into_iter()
            .filter_map(|(id, name)| {
                let entities = match of_request(id) {
                    None => Vec::new(),
                    Some(named) => named?.entities.clone(),
                };
                let is_ticked =
                    requested.is_some() || before.is_none_or(|before| before.reach(id) != DataReach::Nothing);
                Some(OfferedSource { id, name, entities, is_ticked })
            })
            .collect();
        let further = sources.len().saturating_sub(MOST_SOURCES);
        sources.truncate(MOST_SOURCES);
        Self { sources, further, is_named: requested.is_some() }
    }
}

/// The boxes that the user has ticked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The data sources.
    pub sources: Vec<DataSourceId>,
    /// The entity sets, each by its data source and its position in the offer.
    pub entities: Vec<(DataSourceId, usize)>,
    /// The box for all others, among them those that the user gets later.
    pub others: bool,
}

/// How a consent changes by what the user has allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataChange {
    /// It does not: the request asks for no data.
    Keep,
    /// It reaches this, in place of what was allowed before; `None` for all data that the user may read, now and later.
    Instead(Option<DataAccess>),
    /// It also reaches what was chosen among the data that the request names.
    Also {
        /// What was chosen.
        chosen: Vec<SourceAccess>,
        /// The data sources of which it reaches only what was chosen, if anything, because the user has left out something
        /// of them.
        left_out: Vec<DataSourceId>,
    },
}

impl DataChange {
    /// The change that only adds data.
    pub fn also(chosen: Vec<SourceAccess>) -> Self {
        Self::Also { chosen, left_out: Vec::new() }
    }

    /// The data of an access under the changed consent that is limited to what was chosen.
    pub fn chosen(&self) -> Option<DataAccess> {
        match self {
            Self::Keep => None,
            Self::Instead(data) => data.clone(),
            Self::Also { chosen, .. } => Some(DataAccess::to(chosen.clone())),
        }
    }

    /// Whether the user has left out something that was offered, so that the consent may reach less than before.
    pub fn leaves_out(&self) -> bool {
        match self {
            Self::Keep | Self::Instead(None) => false,
            Self::Instead(Some(_)) => true,
            Self::Also { left_out, .. } => !left_out.is_empty(),
        }
    }

    /// The data that the consent reaches after the change. A consent that was for no data before reached none.
    pub fn applied_to(&self, before: Option<&Consent>) -> Option<DataAccess> {
        match self {
            Self::Keep => before.and_then(|before| before.data.clone()),
            Self::Instead(data) => data.clone(),
            Self::Also { chosen, left_out } => {
                let before = before.filter(|before| before.scopes.contains(BuiltInScope::OData));
                let base = match before {
                    Some(Consent { data: None, .. }) if left_out.is_empty() => return None,
                    Some(Consent { data: None, .. }) => DataAccess::everything(),
                    Some(Consent { data: Some(data), .. }) => data.clone(),
                    None => DataAccess::default(),
                };
                Some(base.without(left_out).with(chosen))
            }
        }
    }
}

/// What a choice among the offered data sources allows; `None` if nothing is chosen. If the user can read no data
/// source yet, there is nothing to choose among, and those that the user gets later are allowed. Without a choice, as
/// when a program posts the form without its boxes, everything that was offered is allowed.
pub fn choose(offer: &Offer, choice: Option<&Choice>) -> Option<DataChange> {
    let Some(choice) = choice else {
        let all = || offer.sources.iter().map(|one| SourceAccess::new(one.id, one.entities.clone()));
        let change =
            if offer.is_named { DataChange::also(all().collect()) } else { DataChange::Instead(None) };
        return Some(change);
    };
    if offer.sources.is_empty() && !offer.is_named {
        return Some(DataChange::Instead(None));
    }
    let (ticked, unticked): (Vec<_>, Vec<_>) =
        offer.sources.iter().partition(|source| choice.sources.contains(&source.id));
    let sources: Vec<SourceAccess> =
        ticked.into_iter().filter_map(|source| of_source(source, choice)).collect();
    if offer.is_named {
        return (!sources.is_empty())
            .then(|| DataChange::Also { left_out: left_out(offer, &sources), chosen: sources });
    }
    match (choice.others, sources.is_empty(), unticked.is_empty()) {
        (true, _, true) => Some(DataChange::Instead(None)),
        (true, _, false) => {
            let except = unticked.into_iter().map(|source| source.id.get()).collect();
            Some(DataChange::Instead(Some(DataAccess { sources: Vec::new(), others: true, except })))
        }
        (false, true, _) => None,
        (false, false, _) => Some(DataChange::Instead(Some(DataAccess::to(sources)))),
    }
}

/// The offered data sources of which something is not chosen.
fn left_out(offer: &Offer, chosen: &[SourceAccess]) -> Vec<DataSourceId> {
    let is_whole = |source: &&OfferedSource| {
        let offered = SourceAccess::new(source.id, source.entities.clone());
        chosen.contains(&offered)
    };
    offer.sources.iter().filter(|source| !is_whole(source)).map(|source| source.id).collect()
}

/// What is allowed of a data source whose box is ticked; `None` if it has boxes for entity sets and none is ticked.
fn of_source(source: &OfferedSource, choice: &Choice) -> Option<SourceAccess> {
    if source.entities.is_empty() {
        return Some(SourceAccess::new(source.id, Vec::new()));
    }
    let is_ticked = |at: &usize| choice.entities.contains(&(source.id, *at));
    let entities: Vec<String> =
        (0..source.entities.len()).filter(is_ticked).map(|at| source.entities[at].clone()).collect();
    (!entities.is_empty()).then(|| SourceAccess::new(source.id, entities))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: i64) -> DataSourceId {
        DataSourceId::new(id)
    }

    fn readable() -> Vec<(DataSourceId, String)> {
        vec![(id(1), "ships".to_owned()), (id(2), "ports".to_owned())]
    }

    fn ticked(sources: &[i64], entities: &[(i64, usize)], others: bool) -> Choice {
        Choice {
            sources: sources.iter().map(|one| id(*one)).collect(),
            entities: entities.iter().map(|(one, at)| (id(*one), *at)).collect(),
            others,
        }
    }

    #[test]
    fn the_boxes_decide_about_all_data_of_the_user() {
        let offer = Offer::new(None, readable(), None);
        assert!(offer.sources.iter().all(|source| source.is_ticked));
        let all = |id: i64| SourceAccess::new(DataSourceId::new(id), Vec::new());
        for (choice, expected) in [
            (ticked(&[1, 2], &[], true), Some(DataChange::Instead(None))),
            (
                ticked(&[1, 2], &[], false),
                Some(DataChange::Instead(Some(DataAccess::to(vec![all(1), all(2)])))),
            ),
            (ticked(&[2, 9], &[], false), Some(DataChange::Instead(Some(DataAccess::to(vec![all(2)]))))),
            (ticked(&[9], &[], false), None),
            (
                ticked(&[2], &[], true),
                Some(DataChange::Instead(Some(DataAccess {
                    others: true,
                    except: vec![1],
                    ..DataAccess::default()
                }))),
            ),
        ] {
            assert_eq!(choose(&offer, Some(&choice)), expected, "{choice:?}");
        }
        assert_eq!(choose(&offer, None), Some(DataChange::Instead(None)));
        let empty = Offer::new(None, Vec::new(), None);
        assert_eq!(choose(&empty, Some(&Choice::default())), Some(DataChange::Instead(None)));
    }

    #[test]
    fn a_request_that_names_data_never_gets_other_data() {
        let named = |id, entities: &[&str]| RequestedSource {
            id,
            entities: entities.iter().map(|one| (*one).to_owned()).collect(),
        };
        let requested = [named(Some(id(2)), &["Piers", "Cranes"]), named(Some(id(7)), &[]), named(None, &[])];
        let offer = Offer::new(Some(&requested), readable(), None);
        assert_eq!(offer.sources.len(), 1, "only what the user may read is offered");
        let piers = SourceAccess::new(id(2), vec!["Piers".to_owned()]);
        let both = SourceAccess::new(id(2), vec!["Piers".to_owned(), "Cranes".to_owned()]);
        for (choice, expected) in [
            (
                Some(ticked(&[2], &[(2, 0)], true)),
                Some(DataChange::Also { chosen: vec![piers], left_out: vec![id(2)] }),
            ),
            (
                Some(ticked(&[1, 2, 7], &[(2, 0), (2, 1), (2, 2)], true)),
                Some(DataChange::also(vec![both.clone()])),
            ),
            (Some(ticked(&[2], &[], true)), None),
            (Some(ticked(&[], &[(2, 0)], true)), None),
            (None, Some(DataChange::also(vec![both]))),
        ] {
            assert_eq!(choose(&offer, choice.as_ref()), expected, "{choice:?}");
        }
    }

    #[test]
    fn what_was_unticked_before_is_unticked_again() {
        let before = DataAccess::to(vec![SourceAccess::new(id(2), Vec::new())]);
        let offer = Offer::new(None, readable(), Some(&before));
        assert_eq!(offer.sources.iter().map(|source| source.is_ticked).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn the_number_of_boxes_is_bounded() {
        let readable = (0..100).map(|one| (id(one), one.to_string())).collect();
        let offer = Offer::new(None, readable, None);
        assert_eq!((offer.sources.len(), offer.further), (MOST_SOURCES, 100 - MOST_SOURCES));
    }

    #[test]
    fn what_is_left_out_of_a_request_that_names_data_ends() {
        let named = |id| RequestedSource { id: Some(id), entities: Vec::new() };
        let offer = Offer::new(Some(&[named(id(1)), named(id(2))]), readable(), None);
        let change = choose(&offer, Some(&ticked(&[1], &[], false))).unwrap();
        let all = |id: i64| SourceAccess::new(DataSourceId::new(id), Vec::new());
        assert_eq!(change, DataChange::Also { chosen: vec![all(1)], left_out: vec![id(2)] });
        assert!(change.leaves_out() && !DataChange::also(vec![all(1)]).leaves_out());
        let with = |data| Consent { data, ..crate::sample::consent(BuiltInScope::OData) };
        let except = DataAccess { except: vec![2], ..DataAccess::everything() };
        assert_eq!(change.applied_to(Some(&with(None))), Some(except));
        let before = DataAccess::to(vec![all(2), all(3)]);
        let expected = DataAccess::to(vec![all(3), all(1)]);
        assert_eq!(change.applied_to(Some(&with(Some(before)))), Some(expected));
    }

    #[test]
    fn a_consent_for_no_data_reaches_none_before_data_is_allowed() {
        let more = vec![SourceAccess::new(id(2), Vec::new())];
        let also = DataChange::also(more.clone());
        let sign_in = crate::sample::consent(BuiltInScope::OpenId);
        let all = crate::sample::consent(BuiltInScope::OData);
        assert_eq!(also.applied_to(None), Some(DataAccess::to(more.clone())));
        assert_eq!(also.applied_to(Some(&sign_in)), Some(DataAccess::to(more)));
        assert_eq!(also.applied_to(Some(&all)), None, "all data stay allowed");
        assert_eq!(DataChange::Keep.applied_to(Some(&all)), None);
    }
}
