//! What a choice among the boxes of the consent page allows.

use std::collections::BTreeSet;

use domain::id::DataSourceId;

use super::data::{Offer, OfferedEntity, OfferedSource};
use super::data_change::DataChange;
use crate::data_access::{DataAccess, MOST_CHOSEN, SourceAccess, SourceIds, reach_of};

/// The boxes that the user has ticked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The data sources.
    pub sources: Vec<DataSourceId>,
    /// The entity sets, each by its data source and its position in the request.
    pub entities: Vec<(DataSourceId, usize)>,
    /// The box for all data sources that the user has now, which is there if they are many.
    pub all: bool,
    /// Those that the user had when that box was shown, if the form says so. Others are later ones.
    pub counted: Option<SourceIds>,
    /// The box for those that the user gets later.
    pub later: bool,
    /// The box for changes.
    pub changes: bool,
    /// The data sources about whose changes that box asked; none if the page had no such box.
    pub changeable: SourceIds,
}

/// What the user is asked about data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataQuestion {
    /// What the page offers.
    pub offer: Offer,
    /// What the user has ticked so far, if the page was shown before.
    pub choice: Option<Choice>,
    /// Why this cannot be allowed.
    pub fault: Option<ChoiceFault>,
}

impl From<Offer> for DataQuestion {
    fn from(offer: Offer) -> Self {
        Self { offer, choice: None, fault: None }
    }
}

impl DataQuestion {
    /// The question for a user whose choice cannot be allowed.
    pub fn again(offer: Offer, rejected: RejectedChoice) -> Self {
        Self { offer, choice: Some(rejected.choice), fault: Some(rejected.fault) }
    }

    /// The question for a user who looks at other data sources before deciding. Too many are reported already now.
    pub fn meanwhile(offer: Offer, choice: Option<Choice>) -> Self {
        let count = choice.as_ref().map_or(0, |choice| choice.sources.len());
        let fault = (count > MOST_CHOSEN).then_some(ChoiceFault::TooMany(count));
        Self { offer, choice, fault }
    }
}

/// A choice that cannot be allowed. The page shows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedChoice {
    /// The choice.
    pub choice: Choice,
    /// Why it cannot be allowed.
    pub fault: ChoiceFault,
}

/// Why a choice cannot be allowed, in words for its user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceFault {
    /// The request names only data that the user cannot read.
    #[error("there is no data source that you can allow; press Deny")]
    NothingOffered,
    /// Nothing is ticked.
    #[error("choose at least one data source, or press Deny")]
    Nothing,
    /// The user has no data source, and does not allow later ones.
    #[error("tick the box for data sources that you get later, or press Deny")]
    NothingButLater,
    /// A data source is ticked, and none of its entity sets.
    #[error("choose at least one entity set of {0}, or untick {0}")]
    NoEntitySet(String),
    /// Too many data sources are ticked.
    #[error(
        "you chose {0} data sources, and at most {most} can be allowed without those that you get later; choose fewer, or \
         tick both the box for all of them and the one for later ones",
        most = MOST_CHOSEN
    )]
    TooMany(usize),
    /// Later data sources are ticked, and too many of the present ones are not.
    #[error(
        "you left out {0} data sources, and an application that reaches those that you get later can be kept out of at most \
         {most}; leave out fewer, or untick the box for later ones",
        most = MOST_CHOSEN
    )]
    TooManyLeftOut(usize),
}

/// What a choice among the offered data sources allows. Without a choice, as when a program posts the form without its
/// boxes, everything that was offered is allowed.
///
/// # Errors
/// [`RejectedChoice`], if the user must choose again; nothing is allowed then.
pub fn choose(offer: &Offer, choice: Option<&Choice>) -> Result<DataChange, Box<RejectedChoice>> {
    let Some(choice) = choice else { return Ok(everything_of(offer)) };
    let chosen = if offer.is_named { among_named(offer, choice) } else { among_all(offer, choice) };
    let rejected = |fault| Box::new(RejectedChoice { choice: choice.clone(), fault });
    let chosen = chosen.map_err(rejected)?;
    Ok(with_changes(offer, chosen, choice))
}

/// Adds what may be changed to what was chosen. The box decides about the data sources that the page named beside it, and no
/// others. What becomes readable beyond what may be changed was told too, and is only read.
fn with_changes(offer: &Offer, chosen: DataChange, choice: &Choice) -> DataChange {
    let was_shown = |id: DataSourceId| choice.changeable.contains(id);
    let reached = chosen.chosen();
    let ids = || offer.sources.iter().map(|source| source.id);
    let asked: Vec<_> =
        ids().filter(|id| was_shown(*id) || offer.outgrows(*id, reach_of(reached.as_ref(), *id))).collect();
    let ticked = offer.changeable().map(|source| source.id).filter(|id| choice.changes && was_shown(*id));
    chosen.deciding(asked, ticked)
}

fn everything_of(offer: &Offer) -> DataChange {
    if !offer.is_named {
        return DataChange::instead(None);
    }
    let all = offer.sources.iter().map(OfferedSource::whole);
    DataChange::also(all.collect())
}

/// What is allowed of the data sources that a request names.
fn among_named(offer: &Offer, choice: &Choice) -> Result<DataChange, ChoiceFault> {
    if offer.sources.is_empty() {
        return Err(ChoiceFault::NothingOffered);
    }
    let ticked = offer.sources.iter().filter(|source| choice.sources.contains(&source.id));
    let chosen = ticked.map(|source| of_source(source, choice)).collect::<Result<Vec<_>, _>>()?;
    if chosen.is_empty() {
        return Err(ChoiceFault::Nothing);
    }
    let left_out = left_out(offer, &chosen);
    Ok(DataChange::also_without(chosen, left_out))
}

/// What is allowed of all data of the user. Only so many data sources can be chosen, or excepted from all others.
fn among_all(offer: &Offer, choice: &Choice) -> Result<DataChange, ChoiceFault> {
    let ticked: BTreeSet<DataSourceId> = choice.sources.iter().copied().collect();
    let is_counted = |id: DataSourceId| choice.counted.as_ref().is_none_or(|counted| counted.contains(id));
    let is_chosen =
        |id: &DataSourceId| ticked.contains(id) || (choice.all && (choice.later || is_counted(*id)));
    let ids = offer.sources.iter().map(|source| source.id);
    let (chosen, left_out): (Vec<_>, Vec<_>) = ids.partition(is_chosen);
    match (choice.later, chosen.len(), left_out.len()) {
        (true, _, 0) => Ok(DataChange::instead(None)),
        (true, _, 1..=MOST_CHOSEN) => {
            Ok(DataChange::instead(Some(DataAccess::everything().without(&left_out))))
        }
        (true, _, count) => Err(ChoiceFault::TooManyLeftOut(count)),
        (false, 0, 0) => Err(ChoiceFault::NothingButLater),
        (false, 0, _) => Err(ChoiceFault::Nothing),
        (false, 1..=MOST_CHOSEN, _) => {
            let named = chosen.into_iter().map(|id| SourceAccess::new(id, Vec::new())).collect();
            Ok(DataChange::instead(Some(DataAccess::to(named))))
        }
        (false, count, _) => Err(ChoiceFault::TooMany(count)),
    }
}

/// The offered data sources of which something is not chosen.
fn left_out(offer: &Offer, chosen: &[SourceAccess]) -> Vec<DataSourceId> {
    let is_whole = |source: &&OfferedSource| {
        let offered = source.whole();
        chosen.contains(&offered)
    };
    offer.sources.iter().filter(|source| !is_whole(source)).map(|source| source.id).collect()
}

/// What is allowed of a data source whose box is ticked.
fn of_source(source: &OfferedSource, choice: &Choice) -> Result<SourceAccess, ChoiceFault> {
    let is_ticked = |entity: &&OfferedEntity| choice.entities.contains(&(source.id, entity.position));
    let ticked = source.entities.iter().filter(is_ticked);
    let entities: Vec<String> = ticked.map(|entity| entity.name.clone()).collect();
    if entities.is_empty() && !source.entities.is_empty() {
        return Err(ChoiceFault::NoEntitySet(source.name.clone()));
    }
    Ok(SourceAccess::new(source.id, entities))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorize::{ReadableSource, RequestedSource};
    use crate::grant::Consent;
    use crate::scope::BuiltInScope;

    fn id(id: i64) -> DataSourceId {
        DataSourceId::new(id)
    }

    fn whole(of: i64) -> SourceAccess {
        SourceAccess::new(id(of), Vec::new())
    }

    /// Data sources with these ids.
    fn readable(ids: impl IntoIterator<Item = i64>) -> Vec<ReadableSource> {
        let one = |of| ReadableSource {
            id: id(of),
            name: format!("source{of}"),
            description: String::new(),
            writable: true,
        };
        ids.into_iter().map(one).collect()
    }

    fn ticked(sources: impl IntoIterator<Item = i64>, entities: &[(i64, usize)], later: bool) -> Choice {
        Choice {
            sources: sources.into_iter().map(id).collect(),
            entities: entities.iter().map(|(one, at)| (id(*one), *at)).collect(),
            later,
            ..Choice::default()
        }
    }

    fn to(ids: impl IntoIterator<Item = i64>) -> DataChange {
        let sources = ids.into_iter().map(|one| SourceAccess::new(id(one), Vec::new()));
        DataChange::instead(Some(DataAccess::to(sources.collect())))
    }

    fn all_but(except: impl IntoIterator<Item = i64>) -> DataChange {
        let except: Vec<_> = except.into_iter().map(id).collect();
        DataChange::instead(Some(DataAccess::everything().without(&except)))
    }

    fn assert_chosen(offer: &Offer, choice: &Choice, expected: Result<DataChange, ChoiceFault>) {
        let expected = expected.map_err(|fault| Box::new(RejectedChoice { choice: choice.clone(), fault }));
        assert_eq!(choose(offer, Some(choice)), expected, "{choice:?}");
    }

    const EVERYTHING: fn() -> Result<DataChange, ChoiceFault> = || Ok(DataChange::instead(None));

    #[test]
    fn the_boxes_decide_about_all_data_of_the_user() {
        let offer = Offer::new(None, false, readable(1..=2), None);
        assert!(offer.sources.iter().all(|source| source.is_ticked));
        for (choice, expected) in [
            (ticked([1, 2], &[], true), EVERYTHING()),
            (ticked([1, 2], &[], false), Ok(to([1, 2]))),
            (ticked([2, 9], &[], false), Ok(to([2]))),
            (ticked([9], &[], false), Err(ChoiceFault::Nothing)),
            (ticked([2], &[], true), Ok(all_but([1]))),
        ] {
            assert_chosen(&offer, &choice, expected);
        }
        assert_eq!(choose(&offer, None), Ok(DataChange::instead(None)));
    }

    #[test]
    fn later_data_sources_are_allowed_only_by_their_own_box() {
        let offer = Offer::new(None, false, Vec::new(), None);
        assert_chosen(&offer, &Choice::default(), Err(ChoiceFault::NothingButLater));
        assert_chosen(&offer, &Choice { all: true, ..Choice::default() }, Err(ChoiceFault::NothingButLater));
        assert_chosen(&offer, &ticked([], &[], true), EVERYTHING());
        let many = Offer::new(None, false, readable(1..=40), None);
        let all = Choice { all: true, ..Choice::default() };
        assert_chosen(&many, &all.clone(), Ok(to(1..=40)));
        assert_chosen(&many, &Choice { later: true, ..all.clone() }, EVERYTHING());
        // Two of the forty came after the page had counted them.
        let counted = Some(SourceIds::new((1..=38).map(id)));
        assert_chosen(&many, &Choice { counted: counted.clone(), ..all.clone() }, Ok(to(1..=38)));
        assert_chosen(&many, &Choice { counted, later: true, ..all }, EVERYTHING());
    }

    #[test]
    fn who_looks_at_other_data_sources_keeps_the_choice_and_learns_that_it_is_too_large() {
        let asked = |count: i64| {
            let choice = ticked(1..=count, &[], false);
            DataQuestion::meanwhile(Offer::new(None, false, readable(1..=1_100), None), Some(choice))
        };
        assert_eq!(asked(1_000).fault, None);
        assert_eq!(asked(1_000).choice.map(|choice| choice.sources.len()), Some(1_000));
        assert_eq!(asked(1_001).fault, Some(ChoiceFault::TooMany(1_001)));
    }

    #[test]
    fn among_many_data_sources_each_can_be_chosen_alone() {
        let offer = Offer::new(None, false, readable(1..=2_100), None);
        for (choice, expected) in [
            (ticked([2_100], &[], false), Ok(to([2_100]))),
            (ticked(1..=33, &[], false), Ok(to(1..=33))),
            (ticked(1..=1_000, &[], false), Ok(to(1..=1_000))),
            (ticked(1..=1_001, &[], false), Err(ChoiceFault::TooMany(1_001))),
            (ticked(1_001..=2_100, &[], true), Ok(all_but(1..=1_000))),
            (ticked(1_002..=2_100, &[], true), Err(ChoiceFault::TooManyLeftOut(1_001))),
            (ticked([], &[], true), Err(ChoiceFault::TooManyLeftOut(2_100))),
            (Choice { all: true, ..Choice::default() }, Err(ChoiceFault::TooMany(2_100))),
            (Choice { all: true, later: true, ..Choice::default() }, EVERYTHING()),
        ] {
            assert_chosen(&offer, &choice, expected);
        }
    }

    #[test]
    fn a_request_that_names_data_never_gets_other_data() {
        let named = |id, entities: &[&str]| RequestedSource {
            id,
            writes: false,
            entities: entities.iter().map(|one| (*one).to_owned()).collect(),
        };
        let requested = [named(id(1), &[]), named(id(2), &["Piers", "Cranes"]), named(id(7), &[])];
        let offer = Offer::new(Some(&requested), false, readable(1..=3), None);
        assert_eq!(offer.sources.len(), 2, "only what the user may read is offered");
        let access = |entities: &[&str]| {
            SourceAccess::new(id(2), entities.iter().map(|one| (*one).to_owned()).collect())
        };
        let first = SourceAccess::new(id(1), Vec::new());
        let no_sets = || Err(ChoiceFault::NoEntitySet("source2".to_owned()));
        for (choice, expected) in [
            (
                ticked([2], &[(2, 0)], true),
                Ok(DataChange::also_without(vec![access(&["Piers"])], vec![id(1), id(2)])),
            ),
            (
                ticked([1, 2, 3, 7], &[(2, 0), (2, 1), (2, 2)], true),
                Ok(DataChange::also(vec![first.clone(), access(&["Piers", "Cranes"])])),
            ),
            (ticked([2], &[], true), no_sets()),
            (ticked([1, 2], &[], false), no_sets()),
            (ticked([], &[(2, 0)], true), Err(ChoiceFault::Nothing)),
        ] {
            assert_chosen(&offer, &choice, expected);
        }
        let all = DataChange::also(vec![first, access(&["Piers", "Cranes"])]);
        assert_eq!(choose(&offer, None), Ok(all));
        let nothing = Offer::new(Some(&requested), false, Vec::new(), None);
        assert_chosen(&nothing, &ticked([1], &[], true), Err(ChoiceFault::NothingOffered));
    }

    #[test]
    fn the_box_for_changes_decides_about_what_was_shown_beside_it() {
        let before = DataAccess::to(vec![whole(1), whole(2), whole(3)]).changing([id(2)]);
        let offer = Offer::new(None, true, readable(1..=3), Some(&before));
        let choose = |shown: &[i64], is_ticked| {
            let changeable = SourceIds::new(shown.iter().copied().map(id));
            let choice = Choice { changes: is_ticked, changeable, ..ticked(1..=3, &[], false) };
            choose(&offer, Some(&choice)).unwrap()
        };
        let changes = |change: &DataChange| {
            let consent =
                Consent { data: Some(before.clone()), ..crate::sample::consent(BuiltInScope::OData) };
            change.applied_to(Some(&consent)).unwrap().changes
        };
        for (shown, is_ticked, allowed, left) in [
            (&[1, 2][..], true, &[1, 2][..], &[1, 2][..]),
            (&[1], true, &[1], &[1, 2]),
            (&[1, 9], true, &[1], &[1, 2]),
            (&[1, 2], false, &[], &[]),
            (&[1], false, &[], &[2]),
            (&[], true, &[], &[2]),
        ] {
            let set = |ids: &[i64]| SourceIds::new(ids.iter().copied().map(id));
            let change = choose(shown, is_ticked);
            let token = change.chosen().unwrap().changes;
            assert_eq!((token, changes(&change)), (set(allowed), set(left)), "{shown:?} {is_ticked}");
        }
    }

    #[test]
    fn the_right_to_change_ends_visibly_where_more_is_read() {
        let ships = SourceAccess::new(id(1), vec!["Ships".to_owned()]);
        let before = DataAccess::to(vec![ships.clone(), whole(2)]).changing([id(1), id(2)]);
        let asks = |entities: &[&str]| {
            let entities = entities.iter().map(|one| (*one).to_owned()).collect();
            let named = [RequestedSource { id: id(1), writes: false, entities }];
            Offer::new(Some(&named), false, readable(1..=2), Some(&before))
        };
        for (entities, ends) in [(&["Ships", "Ports"][..], true), (&[], true), (&["Ships"], false)] {
            let offer = asks(entities);
            assert_eq!(offer.outgrown().count(), usize::from(ends), "{entities:?}");
            let choice = ticked([1], &[(1, 0), (1, 1)], false);
            let change = choose(&offer, Some(&choice)).unwrap();
            assert_eq!(change.refused().collect::<Vec<_>>(), vec![id(1); usize::from(ends)], "{entities:?}");
        }
        let change = choose(&asks(&["Ships", "Ports"]), Some(&ticked([1], &[(1, 0)], false))).unwrap();
        assert_eq!(change.refused().next(), None, "only what was reached before is ticked");
    }
}
