//! Tables of which a caller reaches some rows.

use std::mem;

use super::{Naming, Writer};
use crate::bind;
use crate::model::{EntityType, RowRule};
use crate::tree::Scans;

/// Writes a subquery with the rows and columns that the caller reaches. If an expression of the statement may fail, the database
/// must not evaluate it for another row, whose values the failure would reveal.
pub(super) fn rows<'m>(writer: &mut Writer<'m>, entity_type: &EntityType, rule: &'m RowRule) {
    writer.text("(SELECT ");
    for (index, property) in entity_type.properties.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        // Without an alias, SQLite may call the number of a row otherwise.
        writer.rules.identifier(&mut writer.sql, &property.column);
        writer.text(" AS ");
        writer.rules.identifier(&mut writer.sql, &property.column);
    }
    writer.text(" FROM ");
    writer.whole_table(entity_type);
    writer.text(" WHERE ");
    condition(writer, rule);
    if writer.scans.may_fail() {
        writer.text(writer.rules.not_merged());
    }
    writer.text(")");
}

/// Writes the condition for the rows that the caller reaches, about the only table of a statement or subquery. What is known of the
/// rows outside does not hold for it.
pub(super) fn condition<'m>(writer: &mut Writer<'m>, rule: &'m RowRule) {
    let bound = bind::condition(rule.entity_type(), rule.condition());
    let inner = Writer {
        sql: mem::take(&mut writer.sql),
        parameters: mem::take(&mut writer.parameters),
        parameter_bytes: writer.parameter_bytes,
        most_parameter_bytes: writer.most_parameter_bytes,
        longest: writer.longest,
        bound: mem::take(&mut writer.bound),
        refused: writer.refused.take(),
        ..Writer::empty(writer.rules, Scans::of_table(rule.entity_type()), Naming::Bare)
    };
    let outer = mem::replace(writer, inner);
    writer.text("(");
    match &bound {
        Ok((condition, _)) => writer.truth(condition),
        // The rule was bound when it was made.
        Err(_) => writer.text(writer.rules.boolean(false)),
    }
    writer.text(")");
    let inner = mem::replace(writer, outer);
    writer.sql = inner.sql;
    writer.parameters = inner.parameters;
    writer.parameter_bytes = inner.parameter_bytes;
    writer.bound = inner.bound;
    writer.refused = inner.refused;
}
