//! What can be said about the rows of a tree without reading them.

use super::column::{ScanColumn, ScanId};
use super::concat::Concat;
use super::cross::Cross;
use super::reach::Reaching;
use super::{Compute, Expand, Filter, Lookup, Page, PlanNode, Take};
use crate::model::EntityType;

impl PlanNode<'_> {
    /// The node from which its rows come first; `None` if it has rows of its own.
    fn input(&self) -> Option<&Self> {
        match self {
            Self::Scan(_) | Self::Aggregate(_) | Self::Concat(_) => None,
            Self::Filter(Filter { input, .. })
            | Self::Compute(Compute { input, .. })
            | Self::Lookup(Lookup { input, .. })
            | Self::Expand(Expand { input, .. })
            | Self::Cross(Cross { input, .. })
            | Self::Take(Take { input, .. })
            | Self::Reach(Reaching { input, .. })
            | Self::Page(Page { input, .. }) => Some(input),
        }
    }

    /// The node that has the first of its rows as its own.
    fn first(&self) -> &Self {
        self.input().map_or(self, Self::first)
    }

    /// The scan from which its rows come first, with their type: a table, an aggregation or a concatenation.
    pub(crate) fn first_scan(&self) -> (ScanId, &EntityType) {
        match self.first() {
            Self::Scan(scan) => (scan.id, scan.entity_type),
            Self::Aggregate(aggregate) => (aggregate.id, &aggregate.entity_type),
            Self::Concat(concat) => (concat.id, &concat.entity_type),
            other => unreachable!("the first node has rows of its own: {other:?}"),
        }
    }

    /// Whether its rows are groups, or others that are no entities.
    pub(crate) fn is_grouped(&self) -> bool {
        matches!(self.first(), Self::Aggregate(_) | Self::Concat(_))
    }

    /// Whether there may be a row even if no table below has one.
    pub(crate) fn has_rows_of_nothing(&self) -> bool {
        match self.first() {
            Self::Aggregate(aggregate) => aggregate.keys.is_empty() || aggregate.input.has_rows_of_nothing(),
            Self::Concat(Concat { parts, .. }) => parts.iter().any(|part| part.input.has_rows_of_nothing()),
            _ => false,
        }
    }

    /// How often it reads a table from which rows come first.
    pub(crate) fn readings(&self) -> usize {
        match self.first() {
            Self::Aggregate(aggregate) => aggregate.input.readings(),
            Self::Concat(Concat { parts, .. }) => parts.iter().map(|part| part.input.readings()).sum(),
            _ => 1,
        }
    }

    /// The type of its rows.
    pub(crate) fn entity_type(&self) -> &EntityType {
        self.first_scan().1
    }

    /// The columns of the key of its rows.
    pub(crate) fn key(&self) -> Vec<ScanColumn> {
        if let Self::Cross(Cross { input, nested }) = self {
            return input.key().into_iter().chain(nested.key()).collect();
        }
        if let Some(input) = self.input() {
            return input.key();
        }
        let (scan, entity_type) = self.first_scan();
        entity_type.key.iter().map(|property| scan.column(*property)).collect()
    }
}
