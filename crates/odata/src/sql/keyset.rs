//! The rows after a position, by the values of the order's terms
//! (measured: an index serves row values and unions of equality prefixes, but no nested `OR`).

use super::Writer;
use super::select::{self, Limits};
use crate::bind::{Order, Selection};
use crate::cell::Value;

/// One way to come after a position: equal in the terms before `term`, and beyond it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Branch {
    term: usize,
    beyond: Beyond,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beyond {
    /// On the far side of the value.
    Value,
    /// Not null: what follows null in ascending order.
    NotNull,
    /// Null: what follows all values in descending order.
    Null,
}

/// Writes the statement that reads what comes after a position.
pub(super) fn after(
    writer: &mut Writer<'_>,
    selection: &Selection<'_>,
    columns: &select::Columns,
    values: &[Value],
    limits: Limits,
) {
    let order = &selection.order;
    if is_one_way(order) {
        return select::plain(writer, selection, columns, limits, |writer| row_value(writer, order, values));
    }
    // The branches come in the order of the whole: what shares the longest prefix with the position comes first.
    writer.text("SELECT * FROM (");
    for (index, branch) in branches(order, values).into_iter().enumerate() {
        writer.text(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
        select::plain(writer, selection, columns, limits, |writer| prefix(writer, order, values, branch));
        writer.text(")");
    }
    writer.text(") LIMIT ");
    writer.parameter(select::count(limits.rows));
}

/// Whether one comparison of row values tells what comes after a position.
fn is_one_way(order: &[Order]) -> bool {
    order.iter().all(|term| term.descending == order[0].descending && !term.term.nullable)
}

/// How many branches a page after a position may have.
pub(super) fn most_branches(order: &[Order]) -> usize {
    if is_one_way(order) {
        return 1;
    }
    order.iter().map(|term| 1 + usize::from(term.descending && term.term.nullable)).sum()
}

/// `(a, b) > (?, ?)`.
fn row_value(writer: &mut Writer<'_>, order: &[Order], values: &[Value]) {
    writer.text("(");
    for (index, term) in order.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        writer.operand(&term.term);
    }
    writer.text(if order[0].descending { ") < (" } else { ") > (" });
    for (index, value) in values.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        writer.repeated(value, 0, value.clone());
    }
    writer.text(")");
}

fn branches(order: &[Order], values: &[Value]) -> Vec<Branch> {
    let mut branches = Vec::with_capacity(order.len() * 2);
    for (term, (order, value)) in order.iter().zip(values).enumerate().rev() {
        let mut push = |beyond| branches.push(Branch { term, beyond });
        match (value, order.descending) {
            (Value::Null, true) => {}
            (Value::Null, false) => push(Beyond::NotNull),
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

fn prefix(writer: &mut Writer<'_>, order: &[Order], values: &[Value], branch: Branch) {
    for (term, value) in order.iter().zip(values).take(branch.term) {
        writer.operand(&term.term);
        if *value == Value::Null {
            writer.text(" IS NULL AND ");
        } else {
            writer.text(" = ");
            writer.repeated(value, 0, value.clone());
            writer.text(" AND ");
        }
    }
    let last = &order[branch.term];
    writer.operand(&last.term);
    match branch.beyond {
        Beyond::Value => {
            writer.text(if last.descending { " < " } else { " > " });
            writer.repeated(&values[branch.term], 0, values[branch.term].clone());
        }
        Beyond::NotNull => writer.text(" IS NOT NULL"),
        Beyond::Null => writer.text(" IS NULL"),
    }
}
