//! Rows of several nodes, one node after the other ([OData Data Aggregation 4.0
//! §3.2.2](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#sec_BasicTransformations)).

use super::PlanNode;
use super::column::ScanId;
use super::typed::Typed;
use crate::model::EntityType;

/// The rows of all parts. A column that a part does not have is null in its rows.
#[derive(Debug, Clone)]
pub(crate) struct Concat<'m> {
    pub(crate) id: ScanId,
    pub(crate) parts: Vec<ConcatPart<'m>>,
    /// The type of the resulting rows. Its last property is the number of the part, with which the key begins. Columns are
    /// called by their position.
    pub(crate) entity_type: Box<EntityType>,
}

/// A part with the value of each property but the last one; `None` for those that it does not have.
#[derive(Debug, Clone)]
pub(crate) struct ConcatPart<'m> {
    pub(crate) input: PlanNode<'m>,
    pub(crate) values: Vec<Option<Typed>>,
}
