//! Tables of which a caller reaches some rows.

use std::mem;

use super::rows::Rows;
use super::{Naming, Writer};
use crate::bind::condition::{self, BoundCondition};
use crate::cell::Value;
use crate::model::mask::Mask;
use crate::model::{EntityType, RowRule};
use crate::tree::column::ScanId;
use crate::tree::{PlanNode, Scan, Scans};

/// Writes a subquery with the rows and columns that the caller reaches. If an expression of the statement may fail, the database
/// must not evaluate it for another row, whose values the failure would reveal.
pub(super) fn rows(writer: &mut Writer<'_>, entity_type: &EntityType, rule: &RowRule) {
    let is_fenced = writer.scans.may_fail();
    let bound = condition::bound(rule.model(), rule.entity_type(), rule.condition());
    let alone;
    let (tree, navigates) = if let Ok(BoundCondition { rows, navigates, .. }) = &bound {
        (rows, *navigates)
    } else {
        alone = PlanNode::Scan(Scan::of(ScanId::FIRST, rule.entity_type()));
        (&alone, false)
    };
    let naming = if navigates { Naming::Aliased } else { Naming::Bare };
    inside(writer, Scans::of(tree), naming, |writer| {
        writer.text("(SELECT ");
        columns(writer, entity_type, rule);
        Rows::of(tree).from(writer);
        writer.text(" WHERE (");
        match &bound {
            Ok(BoundCondition { condition, .. }) => writer.truth(condition),
            // The rule was bound when it was made.
            Err(_) => writer.text(writer.rules.boolean(false)),
        }
        writer.text(")");
        if is_fenced {
            writer.text(writer.rules.not_merged());
        }
        writer.text(")");
    });
}

/// Writes the columns that the caller sees, which are in the order of those of the table.
fn columns(writer: &mut Writer<'_>, entity_type: &EntityType, rule: &RowRule) {
    let mut places = rule.entity_type().properties.iter().enumerate();
    for (index, property) in entity_type.properties.iter().enumerate() {
        let Some((place, _)) = places.find(|(_, stored)| stored.column == property.column) else { continue };
        writer.text(if index == 0 { "" } else { ", " });
        match rule.mask(place) {
            Some(mask) => masked(writer, rule, place, mask),
            None => writer.column(ScanId::FIRST.column(place)),
        }
        // Without an alias, SQLite may call the number of a row otherwise.
        writer.text(" AS ");
        writer.rules.identifier(&mut writer.sql, &property.column);
    }
}

/// Writes what the caller sees in place of the values of a column. Everything around the subquery knows nothing else of them.
fn masked(writer: &mut Writer<'_>, rule: &RowRule, place: usize, mask: &Mask) {
    match mask {
        Mask::Null => {
            // The type is that of the column.
            writer.text("CASE WHEN ");
            writer.text(writer.rules.boolean(false));
            writer.text(" THEN ");
            writer.column(ScanId::FIRST.column(place));
            writer.text(" END");
        }
        Mask::Text(text) => writer.parameter(Value::Text(text.clone())),
        Mask::End { end, is_longer } => {
            let value = |text: &str| condition::value(rule.entity_type(), text);
            // The name of a property is a valid expression.
            let (Ok(end), Ok(is_longer)) = (value(end), value(is_longer)) else {
                return writer.text("NULL");
            };
            writer.text("CASE WHEN ");
            writer.truth(&is_longer);
            writer.text(" THEN ");
            writer.rules.computed(writer, &end);
            writer.text(" END");
        }
    }
}

/// Writes a further condition that the caller reaches a row, about the only table of a statement that changes it. One that reads
/// other tables is left out, because not every database can read the table that it changes: the transaction has read the row as
/// one that the caller reaches, and no other can change it meanwhile.
pub(super) fn and_reached(writer: &mut Writer<'_>, rule: &RowRule) {
    let bound = condition::bound(rule.model(), rule.entity_type(), rule.condition());
    if matches!(&bound, Ok(bound) if bound.navigates) {
        return;
    }
    inside(writer, Scans::of_table(rule.entity_type()), Naming::Bare, |writer| {
        writer.text(" AND (");
        match &bound {
            Ok(BoundCondition { condition, .. }) => writer.truth(condition),
            Err(_) => writer.text(writer.rules.boolean(false)),
        }
        writer.text(")");
    });
}

/// Writes something about tables of its own. What is known of the rows outside does not hold for it.
fn inside<'r>(
    writer: &mut Writer<'_>,
    scans: Scans<'r>,
    naming: Naming,
    write: impl FnOnce(&mut Writer<'r>),
) {
    let mut inner = Writer {
        sql: mem::take(&mut writer.sql),
        parameters: mem::take(&mut writer.parameters),
        parameter_bytes: writer.parameter_bytes,
        most_parameter_bytes: writer.most_parameter_bytes,
        longest: writer.longest,
        bound: mem::take(&mut writer.bound),
        refused: writer.refused.take(),
        ..Writer::empty(writer.rules, scans, naming)
    };
    write(&mut inner);
    writer.sql = inner.sql;
    writer.parameters = inner.parameters;
    writer.parameter_bytes = inner.parameter_bytes;
    writer.bound = inner.bound;
    writer.refused = inner.refused;
}
