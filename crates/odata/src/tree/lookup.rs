//! How expressions about rows reach rows of other tables: joined to them, or looked up in a subquery.

use super::column::ScanId;
use super::{Expand, PlanNode, Scan};
use crate::model::{EntityType, Navigation};

/// The same rows. An expression above it may look up rows of further tables in subqueries.
#[derive(Debug, Clone)]
pub(crate) struct Lookup<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    /// The scans of these tables.
    pub(crate) scans: Vec<(ScanId, &'m EntityType)>,
}

/// The row to which a navigation property leads, joined to the row of another scan.
#[derive(Debug, Clone)]
pub(crate) struct JoinedOne<'m> {
    pub(crate) navigation: &'m Navigation,
    pub(crate) parent: ScanId,
    pub(crate) child: ScanId,
    pub(crate) entity_type: &'m EntityType,
}

impl<'m> PlanNode<'m> {
    /// The same rows with the single rows that are related to them. A row without one stays.
    pub(crate) fn joined(self, joins: &[JoinedOne<'m>]) -> Self {
        joins.iter().fold(self, |input, join| {
            Self::Expand(Expand {
                input: Box::new(input),
                navigation: join.navigation,
                parent: join.parent,
                child: join.child,
                nested: Box::new(Self::Scan(Scan::of(join.child, join.entity_type))),
                only_related: false,
            })
        })
    }

    /// The same rows, about which expressions may look rows of other scans up.
    pub(crate) fn looking_up(self, scans: Vec<(ScanId, &'m EntityType)>) -> Self {
        if scans.is_empty() { self } else { Self::Lookup(Lookup { input: Box::new(self), scans }) }
    }
}
