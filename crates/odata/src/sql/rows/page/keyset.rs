//! The rows after a position, by the values of the order's terms. (Measured: an index serves row values and
//! unions of equality prefixes, but no nested `OR`.)

use super::{Paged, Rows};
use crate::cell::Value;
use crate::position::Mark;
use crate::sql::clauses::RowLimits;
use crate::sql::{Rules, Writer};
use crate::tree::Order;
use crate::tree::typed::Term;

/// One way to come after a position: equal in the terms before `term`, and beyond it in that term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Branch {
    term: usize,
    beyond: Beyond,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beyond {
    /// Beyond the value.
    Value,
    /// Not null, which follows null in ascending order.
    NotNull,
    /// Null, which follows all values in descending order.
    Null,
}

/// Writes the statement that reads the rows after a position.
pub(super) fn after(writer: &mut Writer<'_>, page: &Paged<'_>, values: &[Mark]) {
    let Paged { rows, order, .. } = page;
    if is_one_way(writer.rules, order) {
        return page.plain(writer, &[], page.limits, |writer| row_value(writer, rows, order, values));
    }
    // The branches are in the order of the result: those that share the longest prefix with the position come
    // first.
    union(writer, page, values, &branches(order, values));
}

/// Writes the statement that reads the rows from the start in two parts: those in which the first term of the order is
/// null, and those in which it is not.
pub(super) fn with_nulls_apart(writer: &mut Writer<'_>, page: &Paged<'_>) {
    let branch = |beyond| Branch { term: 0, beyond };
    let mut branches = [branch(Beyond::Null), branch(Beyond::NotNull)];
    if page.order[0].descending {
        branches.reverse();
    }
    union(writer, page, &[], &branches);
}

/// Writes the rows of all branches, in the order of the page.
fn union(writer: &mut Writer<'_>, page: &Paged<'_>, values: &[Mark], branches: &[Branch]) {
    let order = page.order;
    let is_labelled = !writer.rules.keeps_order_of_union();
    let labels = if is_labelled { page.labels(writer) } else { Vec::new() };
    // What is skipped may be in any branch.
    let reaching = |limits: RowLimits| RowLimits { rows: limits.rows.saturating_add(limits.skip), skip: 0 };
    let within = page.limits.map(reaching);
    writer.text("SELECT ");
    if is_labelled {
        page.labelled(writer);
    } else {
        writer.text("*");
    }
    writer.text(" FROM (");
    for (index, branch) in branches.iter().enumerate() {
        writer.text(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
        let outside = writer.valued.len();
        branch.enter(writer, order, values);
        page.plain(writer, &labels, within, |writer| prefix(writer, page, values, *branch));
        writer.valued.truncate(outside);
        writer.text(")");
        writer.text(writer.rules.subquery_alias());
    }
    writer.text(")");
    writer.text(writer.rules.subquery_alias());
    for (index, (label, term)) in labels.iter().zip(order).enumerate() {
        writer.text(if index == 0 { " ORDER BY " } else { ", " });
        writer.rules.identifier(&mut writer.sql, label);
        writer.text(writer.rules.direction(term.term.nullable, term.descending));
    }
    if let Some(limits) = page.limits {
        writer.rules.limit(writer, limits);
    }
}

impl Branch {
    /// Tells the writer which columns of the order have a value in all rows of the branch.
    fn enter(self, writer: &mut Writer<'_>, order: &[Order], values: &[Mark]) {
        let is_equal = |term: usize| values.get(term).is_some_and(|value| *value != Mark::Value(Value::Null));
        let is_beyond = self.beyond != Beyond::Null;
        for (at, order) in order.iter().enumerate().take(self.term + 1) {
            let has_value = if at == self.term { is_beyond } else { is_equal(at) };
            if let Term::Column(column) = order.term.term
                && has_value
            {
                writer.valued.push(column);
            }
        }
    }
}

/// Whether one comparison of row values finds the rows after a position.
fn is_one_way(rules: &dyn Rules, order: &[Order]) -> bool {
    let is_comparable = order.len() == 1 || (rules.has_row_values() && are_of_one_scan(order));
    is_comparable && order.iter().all(|term| term.descending == order[0].descending && !term.term.nullable)
}

/// Whether all terms are about rows of one scan. No index finds a row value whose parts are in several tables.
fn are_of_one_scan(order: &[Order]) -> bool {
    let (mut first, mut is_one) = (None, true);
    for Order { term, .. } in order {
        term.each_column(&mut |column| is_one &= *first.get_or_insert(column.scan) == column.scan);
    }
    is_one
}

/// The maximum number of branches of a page after a position.
pub(in crate::sql) fn most_branches(rules: &dyn Rules, order: &[Order]) -> usize {
    if is_one_way(rules, order) {
        return 1;
    }
    order.iter().map(|term| 1 + usize::from(term.descending && term.term.nullable)).sum()
}

/// `(a, b) > (?, ?)`.
fn row_value(writer: &mut Writer<'_>, rows: &Rows<'_>, order: &[Order], values: &[Mark]) {
    writer.text("(");
    for (index, term) in order.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        writer.sort_term(&term.term);
    }
    writer.text(if order[0].descending { ") < (" } else { ") > (" });
    for (index, (term, value)) in order.iter().zip(values).enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        mark(writer, rows, term, value);
    }
    writer.text(")");
}

/// Writes the value of a term at the position. A value that is too long is looked up by its prefix and its
/// digest; if it no longer exists, the prefix is used instead.
fn mark(writer: &mut Writer<'_>, rows: &Rows<'_>, order: &Order, mark: &Mark) {
    let (start, digest) = match mark {
        Mark::Value(value) => return writer.rules.marked(writer, &order.term, mark, 0, value),
        Mark::Long { start, digest } => (start, *digest),
    };
    writer.text("coalesce((SELECT ");
    writer.sort_term(&order.term);
    rows.from(writer);
    writer.text(" WHERE ");
    writer.sort_term(&order.term);
    writer.text(" >= ");
    writer.rules.marked(writer, &order.term, mark, 0, start);
    writer.text(" AND ");
    writer.rules.digest(writer, &order.term);
    writer.text(" = ");
    writer.repeated(mark, 1, Value::Integer(digest));
    writer.rules.first_rows(&mut writer.sql, 1);
    writer.text("), ");
    writer.rules.marked(writer, &order.term, mark, 0, start);
    writer.text(")");
}

fn branches(order: &[Order], values: &[Mark]) -> Vec<Branch> {
    let mut branches = Vec::with_capacity(order.len() * 2);
    for (term, (order, value)) in order.iter().zip(values).enumerate().rev() {
        let mut push = |beyond| branches.push(Branch { term, beyond });
        match (value, order.descending) {
            (Mark::Value(Value::Null), true) => {}
            (Mark::Value(Value::Null), false) => push(Beyond::NotNull),
            (_, false) => push(Beyond::Value),
            (_, true) => {
                push(Beyond::Value);
                if order.term.nullable {
                    push(Beyond::Null);
                }
            }
        }
    }
    branches
}

fn prefix(writer: &mut Writer<'_>, page: &Paged<'_>, values: &[Mark], branch: Branch) {
    let Paged { rows, order, .. } = page;
    for (term, value) in order.iter().zip(values).take(branch.term) {
        if *value == Mark::Value(Value::Null) {
            writer.rules.sorts_as_null(writer, &term.term, true);
        } else {
            writer.sort_term(&term.term);
            writer.text(" = ");
            mark(writer, rows, term, value);
            writer.rules.and_has_value(writer, &term.term);
        }
        writer.text(" AND ");
    }
    let last = &order[branch.term];
    match branch.beyond {
        Beyond::Value => {
            writer.sort_term(&last.term);
            writer.text(if last.descending { " < " } else { " > " });
            mark(writer, rows, last, &values[branch.term]);
            writer.rules.and_has_value(writer, &last.term);
        }
        Beyond::NotNull => writer.rules.sorts_as_null(writer, &last.term, false),
        Beyond::Null => writer.rules.sorts_as_null(writer, &last.term, true),
    }
}
