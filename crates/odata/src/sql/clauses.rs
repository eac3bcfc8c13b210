//! The clauses and operators that every database writes alike.

use super::Writer;
use crate::cell::Value;
use crate::tree::column::ScanId;
use crate::tree::typed::{Comparison, Typed};
use crate::tree::{Order, Page};

/// The number of rows to read, and the number to skip first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowLimits {
    pub(crate) rows: u64,
    pub(crate) skip: u64,
}

impl RowLimits {
    /// The limits of a page; `None` if it reads all rows.
    pub(super) fn of(page: &Page<'_>) -> Option<Self> {
        let is_limited = page.rows.is_some() || page.skip > 0;
        is_limited.then(|| Self { rows: page.rows.unwrap_or(u64::MAX), skip: page.skip })
    }
}

/// Writes an identifier between quotation marks, which are doubled within it.
pub(super) fn quote(sql: &mut String, name: &str, mark: char) {
    sql.push(mark);
    for character in name.chars() {
        if character == mark {
            sql.push(mark);
        }
        sql.push(character);
    }
    sql.push(mark);
}

/// The operator of a comparison.
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

/// Writes `ORDER BY …`, or nothing if there are no terms.
pub(super) fn order(writer: &mut Writer<'_>, order: &[Order]) {
    for (index, order) in order.iter().enumerate() {
        writer.text(if index == 0 { " ORDER BY " } else { ", " });
        writer.sort_term(&order.term);
        writer.text(writer.rules.direction(writer.may_be_null(&order.term), order.descending));
    }
}

/// Writes the limits as `LIMIT … OFFSET …`.
pub(super) fn limit_and_offset(writer: &mut Writer<'_>, limits: RowLimits) {
    writer.text(" LIMIT ");
    writer.parameter(count(limits.rows));
    if limits.skip > 0 {
        writer.text(" OFFSET ");
        writer.parameter(count(limits.skip));
    }
}

/// Writes a limit that is no parameter.
pub(super) fn limit_to(sql: &mut String, rows: u8) {
    sql.push_str(" LIMIT ");
    sql.push_str(itoa::Buffer::new().format(rows));
}

/// Writes the alias of a scan, `s0` for the first: a name that needs no quotes.
pub(super) fn plain_alias(sql: &mut String, scan: ScanId) {
    sql.push('s');
    sql.push_str(itoa::Buffer::new().format(scan.index()));
}

/// A number of rows as a parameter.
pub(super) fn count(rows: u64) -> Value {
    Value::Integer(i64::try_from(rows).unwrap_or(i64::MAX))
}

/// Writes operands with text before, between and after them.
pub(super) fn around<'t>(
    writer: &mut Writer<'_>,
    before: &str,
    operands: impl IntoIterator<Item = &'t Typed>,
    between: &str,
    after: &str,
) {
    writer.text(before);
    for (index, operand) in operands.into_iter().enumerate() {
        writer.text(if index == 0 { "" } else { between });
        writer.operand(operand);
    }
    writer.text(after);
}
