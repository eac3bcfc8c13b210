//! The part of the consent pages with a box for each data source.

use domain::id::DataSourceId;
use oauth::authorize::{Choice, DataQuestion, OfferedEntity, OfferedSource};
use oauth::data_access::MOST_SOURCES;

use super::form::{FormBody, fields};
use crate::respond::page::sentence;

/// The boxes.
pub(crate) struct DataChoice {
    pub(crate) sources: Vec<SourceBox>,
    /// The box for all data sources that the user has now; `None` if they can be named one by one.
    pub(crate) all: Option<AllBox>,
    /// Whether the box for later data sources is ticked; `None` if the request names the data sources.
    pub(crate) later: Option<bool>,
    /// Why the user must choose again.
    pub(crate) problem: Option<String>,
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
    /// How many can be chosen one by one.
    pub(crate) most_named: usize,
    /// How many of them have no box of their own.
    pub(crate) unlisted: usize,
    pub(crate) is_ticked: bool,
}

impl DataChoice {
    /// The boxes as the user left them, or as they are at first.
    pub(crate) fn new(question: &DataQuestion) -> Self {
        let DataQuestion { offer, rejected } = question;
        let choice = rejected.as_ref().map(|rejected| &rejected.choice);
        let all = offer.has_too_many_to_name().then(|| AllBox {
            total: offer.total(),
            most_named: MOST_SOURCES,
            unlisted: offer.unlisted.len(),
            is_ticked: choice.is_some_and(|choice| choice.all),
        });
        Self {
            sources: offer.sources.iter().map(|source| SourceBox::new(source, choice)).collect(),
            all,
            later: (!offer.is_named).then(|| choice.is_some_and(|choice| choice.later)),
            problem: rejected.as_ref().map(|rejected| sentence(&rejected.fault.to_string())),
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
    Some(Choice {
        sources: all(fields::SOURCE).filter_map(source).collect(),
        entities: all(fields::ENTITY).filter_map(entity).collect(),
        all: !form.field(fields::ALL).is_empty(),
        later: !form.field(fields::OTHERS).is_empty(),
    })
}

/// Samples: no data source, some that are named, and more than are listed.
#[cfg(test)]
pub(crate) fn samples() -> Vec<DataChoice> {
    use super::tests::HOSTILE;
    use oauth::authorize::{ChoiceFault, Offer, RejectedChoice};
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
    };
    let fresh = |sources, is_named| {
        DataQuestion::from(Offer { sources, unlisted: Vec::new(), is_named, names_unknown: false })
    };
    let mut many = fresh((1..=40).map(|id| source(id, &[])).collect(), false);
    many.offer.unlisted = (41..=47).map(DataSourceId::new).collect();
    let rejected = |mut question: DataQuestion, fault| {
        let choice = Choice { sources: vec![DataSourceId::new(1)], ..Choice::default() };
        question.rejected = Some(RejectedChoice { choice, fault });
        question
    };
    let named = || fresh(vec![source(1, &[HOSTILE, "Ships"]), source(2, &[])], true);
    [
        fresh(Vec::new(), false),
        rejected(fresh(Vec::new(), false), ChoiceFault::NothingButLater),
        rejected(fresh(Vec::new(), true), ChoiceFault::NothingOffered),
        named(),
        rejected(named(), ChoiceFault::NoEntitySet(HOSTILE.to_owned())),
        fresh(vec![source(1, &[]), source(2, &[])], false),
        many.clone(),
        rejected(many, ChoiceFault::TooMany(40)),
    ]
    .iter()
    .map(DataChoice::new)
    .collect()
}
