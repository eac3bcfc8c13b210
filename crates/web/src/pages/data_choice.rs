//! The part of the consent pages with a box for each data source.

use domain::id::DataSourceId;
use oauth::authorize::{Choice, Offer};

use super::form::{FormBody, fields};

/// The boxes.
pub(crate) struct DataChoice {
    pub(crate) sources: Vec<SourceBox>,
    /// How many further data sources the user may read.
    pub(crate) further: usize,
    /// Whether the request names the data sources.
    pub(crate) is_named: bool,
    /// Whether the user pressed Allow without choosing any.
    pub(crate) nothing_chosen: bool,
}

/// The box of a data source.
pub(crate) struct SourceBox {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) is_ticked: bool,
    pub(crate) entities: Vec<EntityBox>,
}

/// The box of an entity set.
pub(crate) struct EntityBox {
    /// The number of the data source, a point, and the position of the entity set in the request.
    pub(crate) value: String,
    pub(crate) name: String,
}

impl DataChoice {
    pub(crate) fn new(offer: &Offer, nothing_chosen: bool) -> Self {
        let sources = offer.sources.iter().map(|source| {
            let id = source.id.get();
            let named = source.entities.iter().enumerate();
            SourceBox {
                id,
                name: source.name.clone(),
                is_ticked: source.is_ticked,
                entities: named
                    .map(|(at, name)| EntityBox { value: format!("{id}.{at}"), name: name.clone() })
                    .collect(),
            }
        });
        Self { sources: sources.collect(), further: offer.further, is_named: offer.is_named, nothing_chosen }
    }
}

/// What was ticked; `None` if the form has no boxes. What is no box of ours is ignored, and whatever says that there are
/// boxes counts, also without a value, so that no form allows more than its sender has ticked.
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
        others: !form.field(fields::OTHERS).is_empty(),
    })
}

/// Samples: no data source, some that are named, and more than are listed.
#[cfg(test)]
pub(crate) fn samples() -> Vec<DataChoice> {
    use super::tests::HOSTILE;
    let source = |id: i64, entities: &[&str]| oauth::authorize::OfferedSource {
        id: DataSourceId::new(id),
        name: HOSTILE.to_owned(),
        entities: entities.iter().map(|one| (*one).to_owned()).collect(),
        is_ticked: id != 2,
    };
    let empty = |is_named| Offer { sources: Vec::new(), further: 0, is_named };
    let named = Offer { sources: vec![source(1, &[HOSTILE, "Ships"])], further: 0, is_named: true };
    let many = Offer { sources: (1..=32).map(|id| source(id, &[])).collect(), further: 7, is_named: false };
    vec![
        DataChoice::new(&empty(false), false),
        DataChoice::new(&empty(true), true),
        DataChoice::new(&named, true),
        DataChoice::new(&many, false),
    ]
}
