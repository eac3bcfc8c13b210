//! Expressions about related rows.

use super::{Term, Typed};
use crate::tree::class::Class;
use crate::tree::column::{ScanColumn, ScanId};

/// The rows of a scan to which a navigation property leads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RelatedRows {
    pub(crate) scan: ScanId,
    /// Columns that must be equal: that of the key, whose collation decides, and that of the reference.
    pub(crate) on: Vec<(ScanColumn, ScanColumn)>,
    /// Single rows that are related to them and that the conditions read.
    pub(crate) joins: Vec<JoinedRow>,
    /// What else must be true of them.
    pub(crate) conditions: Vec<Typed>,
}

/// A single row of another scan, if there is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JoinedRow {
    pub(crate) scan: ScanId,
    /// Columns that must be equal, like those of [`RelatedRows`].
    pub(crate) on: Vec<(ScanColumn, ScanColumn)>,
}

impl RelatedRows {
    /// Calls a function for each column of other rows than these and those that are joined to them.
    pub(super) fn each_outer_column(&self, visit: &mut dyn FnMut(ScanColumn)) {
        let is_own = |scan: ScanId| scan == self.scan || self.joins.iter().any(|joined| joined.scan == scan);
        let mut outer = |column: ScanColumn| {
            if !is_own(column.scan) {
                visit(column);
            }
        };
        self.on.iter().flat_map(|(key, other)| [*key, *other]).for_each(&mut outer);
        for condition in &self.conditions {
            condition.each_column(&mut outer);
        }
    }
}

impl Typed {
    /// The number of related rows.
    pub(crate) fn count(related: RelatedRows) -> Self {
        Self { term: Term::Count(Box::new(related)), class: Class::Integer, nullable: false }
    }

    /// Whether there are related rows.
    pub(crate) fn exists(related: RelatedRows) -> Self {
        Self { term: Term::Exists(Box::new(related)), class: Class::Boolean, nullable: false }
    }

    /// The value of an expression for the only one of these rows.
    pub(crate) fn value_of(related: RelatedRows, value: Self) -> Self {
        let class = value.class;
        Self { term: Term::Value(Box::new(related), Box::new(value)), class, nullable: true }
    }

    /// Whether a predicate is false or null.
    pub(crate) fn untrue(predicate: Self) -> Self {
        let negate = if predicate.nullable { Term::Untrue } else { Term::Not };
        Self { term: negate(Box::new(predicate)), class: Class::Boolean, nullable: false }
    }
}
