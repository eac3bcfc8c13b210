//! The clauses of a statement: what is read, from where, under which conditions, in which order, and how much.

use super::Writer;
use super::columns::{Columns, Read};
use crate::bind::typed::{Comparison, Term, Typed};
use crate::bind::{Scan, Selection};
use crate::cell::Value;
use crate::plan::column::ScanId;

/// The number of rows to read, and the number to skip first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) rows: u64,
    pub(crate) skip: u64,
}

/// The operator of a comparison, which every dialect writes alike.
pub(super) fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => " = ",
        Comparison::Ne => " <> ",
        Comparison::Gt => " > ",
        Comparison::Ge => " >= ",
        Comparison::Lt => " < ",
        Comparison::Le => " <= ",
    }
}

/// `SELECT … FROM … WHERE … ORDER BY … LIMIT …`; `further` writes a condition in addition to those of the
/// scan.
pub(super) fn plain(
    writer: &mut Writer<'_>,
    selection: &Selection<'_>,
    columns: &Columns,
    limits: Limits,
    further: impl FnOnce(&mut Writer<'_>),
) {
    list(writer, selection, columns);
    conditions(writer, &selection.scan, further);
    order(writer, selection);
    writer.rules.limit(writer, limits);
}

/// The columns that are read, and the table.
pub(super) fn list(writer: &mut Writer<'_>, selection: &Selection<'_>, columns: &Columns) {
    writer.text("SELECT ");
    for (index, read) in columns.read.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        match read {
            Read::Property(property) => writer.rules.same(writer, ScanId::FIRST.column(*property)),
            Read::Term(term) => {
                writer.position(&selection.order[*term].term);
            }
        }
    }
    writer.text(" FROM ");
    writer.table(ScanId::FIRST);
}

/// The conditions of the scan and a further one.
pub(super) fn conditions(writer: &mut Writer<'_>, scan: &Scan<'_>, further: impl FnOnce(&mut Writer<'_>)) {
    let start = writer.sql.len();
    writer.text(" WHERE ");
    let empty = writer.sql.len();
    let (keys, asked): (Vec<&Typed>, Vec<&Typed>) =
        scan.conditions.iter().partition(|condition| matches!(condition.term, Term::Addressed));
    let keys = if writer.is_addressed { Vec::new() } else { keys };
    // The key is checked in the remaining rows, unless a condition may fail in a row without a key.
    let can_fail = asked.iter().any(|condition| condition.can_fail());
    let (first, second) = if can_fail { (keys, asked) } else { (asked, keys) };
    for (index, condition) in first.into_iter().chain(second).enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        writer.truth(condition);
    }
    let between = writer.sql.len();
    if between > empty {
        writer.text(" AND ");
    }
    let before = writer.sql.len();
    further(writer);
    if writer.sql.len() == before {
        writer.sql.truncate(if between > empty { between } else { start });
    }
}

/// The order of the selection.
pub(super) fn order(writer: &mut Writer<'_>, selection: &Selection<'_>) {
    for (index, order) in selection.order.iter().enumerate() {
        writer.text(if index == 0 { " ORDER BY " } else { ", " });
        writer.sort_term(&order.term);
        writer.text(writer.rules.direction(&order.term, order.descending));
    }
}

/// A number of rows as a parameter.
pub(super) fn count(rows: u64) -> Value {
    Value::Integer(i64::try_from(rows).unwrap_or(i64::MAX))
}
