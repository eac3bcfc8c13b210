//! What a faster statement assumes about the data. Each assumption has a check: a statement that a database
//! answers from an index or in one pass. The result is cached until the data change.

use super::{Dialect, Rules, Writer};
use crate::model::EntityType;
use crate::position::Mark;
use crate::tree::column::ScanColumn;
use crate::tree::typed::{Comparison, Term, Typed};
use crate::tree::{Order, Scan};

/// Assumptions, and how they change a position.
#[derive(Debug, Default)]
pub(super) struct Assumed {
    /// Columns whose stored values have the right order.
    pub(super) in_order: Vec<ScanColumn>,
    /// Columns that contain only null and values in their layout.
    pub(super) in_layout: Vec<ScanColumn>,
    /// Whether every row has a key.
    pub(super) is_addressed: bool,
    /// Whether no two rows share an address.
    pub(super) unshared: bool,
    /// One check for each assumption.
    pub(super) checks: Vec<String>,
    /// The maximum time of a check in milliseconds.
    pub(super) patience_millis: u64,
    /// The position with values in stored form.
    pub(super) marks: Option<Vec<Mark>>,
}

/// For a statement that would otherwise read all rows, which takes longer than a check.
pub(super) const LONG_PATIENCE: u64 = 2_000;
/// For a page, which may be complete long before a check has finished.
const SHORT_PATIENCE: u64 = 50;

impl Assumed {
    /// Assumes that the columns of an order are in order as stored, if an index begins with the first one.
    /// Returns `None` if this would not help or can never be true.
    pub(super) fn of_order(
        scan: &Scan<'_>,
        order: &[Order],
        rules: &dyn Rules,
        after: Option<&[Mark]>,
    ) -> Option<Self> {
        let entity_type = scan.entity_type;
        let Term::Column(first) = order.first()?.term.term else { return None };
        entity_type.properties[first.property].storage.index?;
        let marks = after.map(<[Mark]>::to_vec);
        let mut assumed = Self { marks, patience_millis: LONG_PATIENCE, ..Self::default() };
        for (index, order) in order.iter().enumerate() {
            let Term::Column(column) = order.term.term else { continue };
            if rules.sorts_as_stored(entity_type, column.property) {
                continue;
            }
            assumed.checks.push(rules.order_check(entity_type, column.property)?);
            assumed.in_order.push(column);
            if let Some(marks) = &mut assumed.marks {
                let property = &entity_type.properties[column.property];
                marks[index] = marks[index].stored(property.reading(), property.storage.layout)?;
            }
        }
        (!assumed.checks.is_empty()).then_some(assumed)
    }

    /// Assumes that a column keeps to its layout, if the condition uses only that column and an index can
    /// then serve it. If the condition uses more, another index may serve it, and the check would be useless.
    pub(super) fn of_condition(&mut self, dialect: Dialect, scan: &Scan<'_>, conditions: &[&Typed]) {
        let (entity_type, rules) = (scan.entity_type, dialect.rules());
        let [only] = conditions else { return };
        let Some(column) = sought(only, entity_type, rules) else { return };
        if let Some(check) = rules.layout_check(entity_type, column.property) {
            let is_list = matches!(only.term, Term::In(..));
            let patience = if is_list { LONG_PATIENCE } else { SHORT_PATIENCE };
            self.patience_millis = self.patience_millis.max(patience);
            self.in_layout.push(column);
            if !self.checks.contains(&check) {
                self.checks.push(check);
            }
        }
    }

    /// Assumes that every row has a key, if all rows are counted.
    pub(super) fn of_keys(&mut self, dialect: Dialect, scan: &Scan<'_>, conditions: &[&Typed]) {
        if !scan.may_omit_rows() || self.unshared || !conditions.is_empty() {
            return;
        }
        if let Some(check) = dialect.rules().addressed_check(scan.entity_type) {
            self.is_addressed = true;
            self.checks.push(check);
        }
    }

    /// Assumes that no two rows share an address, if the database does not ensure it.
    pub(super) fn of_sharing(&mut self, dialect: Dialect, scan: &Scan<'_>) {
        if let Some(check) = dialect.rules().sharing_check(scan.entity_type) {
            self.unshared = true;
            self.checks.push(check);
            self.patience_millis = LONG_PATIENCE;
        }
    }

    /// Lets a writer write a statement under these assumptions.
    pub(super) fn writer(self, writer: Writer<'_>) -> Writer<'_> {
        let Self { in_order, in_layout, is_addressed, unshared, .. } = self;
        Writer { in_order, in_layout, is_addressed, unshared, ..writer }
    }
}

/// The column that the condition searches for null or for a list of values.
fn sought(condition: &Typed, entity_type: &EntityType, rules: &dyn Rules) -> Option<ScanColumn> {
    match &condition.term {
        Term::Compare(Comparison::Eq | Comparison::Ge | Comparison::Le, left, right) => {
            match (&left.term, &right.term) {
                (Term::Column(column), Term::Null) | (Term::Null, Term::Column(column)) => Some(*column),
                _ => None,
            }
        }
        Term::In(operand, list) => {
            let Term::Column(column) = operand.term else { return None };
            let is_unlisted = |item: &Typed| match &item.term {
                Term::Constant(constant) => !rules.is_listable(entity_type, column.property, constant),
                _ => false,
            };
            list.iter().any(is_unlisted).then_some(column)
        }
        _ => None,
    }
}
