//! The first rows for each parent, as a subquery that numbers them.

use super::Rows;
use crate::sql::Writer;
use crate::sql::clauses::{count, order};
use crate::tree::Take;

/// The name of the number. The labels of columns have another form.
const NUMBER: &str = "n";

/// Writes the numbered rows. Their columns are called by their labels.
pub(super) fn subquery(writer: &mut Writer<'_>, take: &Take<'_>) {
    let rows = Rows::of(&take.input);
    let outside = std::mem::replace(&mut writer.taken, rows.taken());
    writer.text("(SELECT ");
    for column in &take.columns {
        writer.column(*column);
        writer.text(" AS ");
        writer.label(*column);
        writer.text(", ");
    }
    writer.text("ROW_NUMBER() OVER (");
    for (index, column) in take.partition.iter().enumerate() {
        writer.text(if index == 0 { "PARTITION BY " } else { ", " });
        // Keys that are not enforced may be equal under the collation of their column and still be two keys.
        if writer.entity_type(column.scan).key_is_enforced {
            writer.rules.same(writer, *column);
        } else {
            writer.rules.stored(writer, *column);
        }
    }
    order(writer, &take.order);
    writer.text(") AS ");
    writer.rules.identifier(&mut writer.sql, NUMBER);
    rows.from(writer);
    rows.conditions(writer, |_| {});
    writer.taken = outside;
    writer.text(")");
    writer.rules.alias(&mut writer.sql, take.id);
}

/// Writes a condition that a row is within the bounds.
pub(super) fn bounds(writer: &mut Writer<'_>, take: &Take<'_>) {
    let number = |writer: &mut Writer<'_>| {
        writer.rules.qualifier(&mut writer.sql, take.id);
        writer.rules.identifier(&mut writer.sql, NUMBER);
    };
    number(writer);
    writer.text(" > ");
    writer.parameter(count(take.skip));
    if let Some(rows) = take.rows {
        writer.text(" AND ");
        number(writer);
        writer.text(" <= ");
        writer.parameter(count(take.skip.saturating_add(rows)));
    }
}
