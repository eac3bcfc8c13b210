//! The part of the consent pages with a box for each data source.

use app::protocol::authorize::ConsentDecision;
use domain::id::DataSourceId;
use oauth::authorize::{Choice, ChoiceFault, DataQuestion, Offer, OfferedEntity, OfferedSource};
use oauth::data_access::{MOST_CHOSEN, SourceIds};

use super::form::{FormBody, fields};
use crate::respond::page::sentence;

mod finder;

pub(crate) use finder::{Finder, FinderQuery};

/// The boxes.
pub(crate) struct DataChoice {
    /// Those that are shown.
    pub(crate) sources: Vec<SourceBox>,
    /// What finds the others; `None` if all are shown.
    pub(crate) finder: Option<Finder>,
    /// Those that are ticked and would not be shown.
    pub(crate) elsewhere: Vec<SourceBox>,
    /// The box for all data sources that the user has now; `None` if all are ticked at first.
    pub(crate) all: Option<AllBox>,
    /// Whether the box for later data sources is ticked; `None` if the request names the data sources.
    pub(crate) later: Option<bool>,
    /// The box for changes; `None` if the request does not ask for them, or if no data source can be changed.
    pub(crate) changes: Option<ChangeBox>,
    /// The data sources that the application may change now, and no longer if it reads more of them.
    pub(crate) outgrown: Vec<String>,
    /// Why the user must choose again.
    pub(crate) problem: Option<String>,
    /// Whether no application asks, but the user makes a token.
    pub(crate) is_of_token: bool,
}

/// The box for changes.
pub(crate) struct ChangeBox {
    /// The names of the data sources that could be changed.
    pub(crate) names: Vec<String>,
    /// Those of them that the application may change now.
    pub(crate) now: Vec<String>,
    /// Which ones they are, for the form.
    pub(crate) changeable: String,
    pub(crate) is_ticked: bool,
}

/// The box of a data source.
pub(crate) struct SourceBox {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) is_ticked: bool,
    pub(crate) entities: Vec<EntityBox>,
}

/// The box of an entity set.
pub(crate) struct EntityBox {
    /// The number of the data source, a point, and the position of the entity set in the request.
    pub(crate) value: String,
    pub(crate) name: String,
    pub(crate) is_ticked: bool,
}

/// The box for all data sources that the user has now.
pub(crate) struct AllBox {
    pub(crate) total: usize,
    /// How many can be allowed without later ones.
    pub(crate) most: usize,
    pub(crate) is_ticked: bool,
    /// Which ones they are, for the form; empty if they are too many to be allowed without later ones.
    pub(crate) counted: String,
}

impl DataChoice {
    /// The boxes as the user left them, or as they are at first.
    pub(crate) fn new(question: &DataQuestion, query: &FinderQuery) -> Self {
        let DataQuestion { offer, choice, fault } = question;
        let choice = choice.as_ref();
        let (finder, is_shown) = Finder::of(offer, query);
        let (mut sources, mut elsewhere) = (Vec::new(), Vec::new());
        for (source, is_shown) in offer.sources.iter().zip(is_shown) {
            let one = SourceBox::new(source, choice);
            if is_shown {
                sources.push(one);
            } else if one.is_ticked {
                elsewhere.push(one);
            }
        }
        Self {
            sources,
            finder,
            elsewhere,
            all: offer.has_box_for_all().then(|| AllBox::new(&offer.sources, choice)),
            later: (!offer.is_named).then(|| choice.is_some_and(|choice| choice.later)),
            changes: ChangeBox::of(offer, choice),
            outgrown: offer.outgrown().map(|source| source.name.clone()).collect(),
            problem: fault.as_ref().map(|fault| sentence(&fault.to_string())),
            is_of_token: false,
        }
    }

    /// The boxes of the page on which a user makes a token.
    pub(crate) fn of_token(question: &DataQuestion, query: &FinderQuery) -> Self {
        let problem = question.fault.as_ref().map(|fault| match fault {
            ChoiceFault::Nothing => "Choose at least one data source.".to_owned(),
            ChoiceFault::NothingButLater => "Tick the box for data sources that you get later.".to_owned(),
            other => sentence(&other.to_string()),
        });
        Self { problem, is_of_token: true, ..Self::new(question, query) }
    }
}

/// As many names are read beside a box.
const MOST_NAMES: usize = 8;

impl ChangeBox {
    /// Whether the names stand beside the box; otherwise they follow it.
    pub(crate) fn are_few(&self) -> bool {
        self.names.len() <= MOST_NAMES
    }

    fn of(offer: &Offer, choice: Option<&Choice>) -> Option<Self> {
        let all: Vec<_> = offer.changeable().collect();
        let now = all.iter().filter(|source| offer.is_changed_now(source.id));
        (!all.is_empty()).then(|| Self {
            names: all.iter().map(|source| source.name.clone()).collect(),
            now: now.map(|source| source.name.clone()).collect(),
            changeable: SourceIds::new(all.iter().map(|source| source.id)).to_text(),
            is_ticked: choice.is_some_and(|choice| choice.changes),
        })
    }
}

impl AllBox {
    fn new(sources: &[OfferedSource], choice: Option<&Choice>) -> Self {
        let counted = || SourceIds::new(sources.iter().map(|source| source.id)).to_text();
        let (total, most) = (sources.len(), MOST_CHOSEN);
        Self {
            total,
            most,
            is_ticked: choice.is_some_and(|choice| choice.all),
            counted: if total > most { String::new() } else { counted() },
        }
    }
}

impl SourceBox {
    fn new(source: &OfferedSource, choice: Option<&Choice>) -> Self {
        let id = source.id.get();
        let entity = |OfferedEntity { position: at, name }: &OfferedEntity| EntityBox {
            value: format!("{id}.{at}"),
            name: name.clone(),
            is_ticked: choice.is_none_or(|choice| choice.entities.contains(&(source.id, *at))),
        };
        Self {
            id,
            name: source.name.clone(),
            description: source.description.clone(),
            is_ticked: choice.map_or(source.is_ticked, |choice| choice.sources.contains(&source.id)),
            entities: source.entities.iter().map(entity).collect(),
        }
    }
}

/// The button that was pressed; `None` if it is none of ours.
pub(crate) fn decision(form: &FormBody) -> Option<ConsentDecision> {
    match form.field(fields::DECISION) {
        "allow" => Some(ConsentDecision::Allow),
        "deny" => Some(ConsentDecision::Deny),
        "find" | "previous" | "next" => Some(ConsentDecision::Browse),
        _ => None,
    }
}

/// What was ticked; `None` if the form has no boxes. Unknown fields are ignored. The field `choose` counts even without
/// a value, so that no form allows more than its sender has ticked.
pub(crate) fn chosen(form: &FormBody) -> Option<Choice> {
    if !form.parameters().has(fields::CHOOSE) {
        return None;
    }
    let all = |name| form.parameters().all(name).into_iter().flatten();
    let source = |text: &str| text.parse().ok().map(DataSourceId::new);
    let entity = |text: &str| {
        let (id, at) = text.split_once('.')?;
        Some((source(id)?, at.parse().ok()?))
    };
    let counted = form.field(fields::COUNTED);
    Some(Choice {
        sources: all(fields::SOURCE).filter_map(source).collect(),
        entities: all(fields::ENTITY).filter_map(entity).collect(),
        all: !form.field(fields::ALL).is_empty(),
        counted: (!counted.is_empty()).then(|| SourceIds::parse(counted).unwrap_or_default()),
        later: !form.field(fields::OTHERS).is_empty(),
        changes: !form.field(fields::CHANGES).is_empty(),
        changeable: SourceIds::parse(form.field(fields::CHANGEABLE)).unwrap_or_default(),
    })
}

/// Samples: no data source, some that are named, and more than are listed.
#[cfg(test)]
pub(crate) fn samples() -> Vec<DataChoice> {
    use super::tests::HOSTILE;
    use oauth::authorize::RejectedChoice;
    use oauth::data_access::{DataAccess, SourceAccess};
    let source = |id: i64, entities: &[&str]| OfferedSource {
        id: DataSourceId::new(id),
        name: HOSTILE.to_owned(),
        description: if id == 1 { HOSTILE.to_owned() } else { String::new() },
        entities: entities
            .iter()
            .enumerate()
            .map(|(position, one)| OfferedEntity { position, name: (*one).to_owned() })
            .collect(),
        is_ticked: id != 2,
        may_change: id != 2,
    };
    let fresh = |sources, is_named| {
        let few = (1..=2).map(|id| SourceAccess::new(DataSourceId::new(id), vec!["Ships".to_owned()]));
        let before = DataAccess::to(few.collect()).changing((1..=2).map(DataSourceId::new));
        DataQuestion::from(Offer { sources, is_named, names_unknown: false, before: Some(Box::new(before)) })
    };
    let many = |count: i64| fresh((1..=count).map(|id| source(id, &[])).collect(), false);
    let rejected = |question: DataQuestion, fault| {
        let choice = Choice { sources: vec![DataSourceId::new(1)], ..Choice::default() };
        DataQuestion::again(question.offer, RejectedChoice { choice, fault })
    };
    let named = || fresh(vec![source(1, &[HOSTILE, "Ships"]), source(2, &[])], true);
    [
        fresh(Vec::new(), false),
        rejected(fresh(Vec::new(), false), ChoiceFault::NothingButLater),
        rejected(fresh(Vec::new(), true), ChoiceFault::NothingOffered),
        named(),
        rejected(named(), ChoiceFault::NoEntitySet(HOSTILE.to_owned())),
        fresh(vec![source(1, &[]), source(2, &[])], false),
        many(40),
        many(101),
        rejected(many(1_001), ChoiceFault::TooMany(1_001)),
    ]
    .iter()
    .flat_map(|question| {
        [FinderQuery::default(), FinderQuery::sample()].map(|query| DataChoice::new(question, &query))
    })
    .collect()
}
