//! The first rows whose values together reach a sum ([OData Data Aggregation 4.0
//! §3.3](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#sec_TransformationsProducingaSubset)).

use super::column::ScanId;
use super::typed::Typed;
use super::{Order, PlanNode};
use crate::model::EntityType;

/// Of its input, the first rows in an order, up to the one with which the sum of a value is at least as high as wanted; all
/// rows if it never is.
#[derive(Debug, Clone)]
pub(crate) struct Reaching<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    /// The scan of what is known of each row besides its columns.
    pub(crate) id: ScanId,
    pub(crate) by: Typed,
    /// The terms end with the key.
    pub(crate) order: Vec<Order>,
    /// Whether anything is wanted at all, about the columns of the scan.
    pub(crate) wanted: Typed,
    /// Whether the sum is reached with a row, about the columns of the scan.
    pub(crate) reached: Typed,
    /// [The sum so far](Self::SO_FAR), [that of all rows](Self::OF_ALL), [the place of the row](Self::PLACE) and [that of the
    /// last row](Self::LAST). Their columns have names that those of the input do not have.
    pub(crate) entity_type: Box<EntityType>,
}

impl Reaching<'_> {
    pub(crate) const SO_FAR: usize = 0;
    pub(crate) const OF_ALL: usize = 1;
    pub(crate) const PLACE: usize = 2;
    pub(crate) const LAST: usize = 3;
}

/// A prefix that no column of a type has, in any case of its letters.
pub(crate) fn unused_prefix(entity_type: &EntityType) -> String {
    let mut prefix = "o".to_owned();
    while entity_type.properties.iter().any(|property| property.column.to_lowercase().starts_with(&prefix)) {
        prefix.push('o');
    }
    prefix
}
