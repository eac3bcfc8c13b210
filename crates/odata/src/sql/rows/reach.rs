//! The first rows whose values reach a sum, as a subquery that adds them up.

use super::Rows;
use crate::sql::Writer;
use crate::sql::clauses::order;
use crate::tree::column::ScanId;
use crate::tree::reach::Reaching;

/// Writes the rows as the columns of their first scan, under the alias of that scan. The place of the last row is found first,
/// because the sum may fall again where values are negative.
pub(super) fn subquery(writer: &mut Writer<'_>, reach: &Reaching<'_>) {
    let (scan, _) = reach.input.first_scan();
    let known = |property: usize| reach.id.column(property);
    writer.text("(SELECT ");
    columns(writer, scan);
    writer.text(" FROM (SELECT ");
    columns(writer, scan);
    writer.text(", ");
    writer.name(known(Reaching::PLACE));
    writer.text(", MIN(CASE WHEN ");
    writer.truth(&reach.wanted);
    writer.text(" THEN CASE WHEN ");
    writer.truth(&reach.reached);
    writer.text(" THEN ");
    writer.name(known(Reaching::PLACE));
    writer.text(" END ELSE 0 END) OVER () AS ");
    writer.name(known(Reaching::LAST));
    writer.text(" FROM ");
    summed(writer, reach, scan);
    writer.text(")");
    writer.text(writer.rules.subquery_alias());
    writer.text(" WHERE ");
    writer.name(known(Reaching::PLACE));
    writer.text(" <= COALESCE(");
    writer.name(known(Reaching::LAST));
    writer.text(", ");
    writer.name(known(Reaching::PLACE));
    writer.text("))");
    writer.rules.alias(&mut writer.sql, scan);
}

/// Writes the rows in their order with the sums.
fn summed(writer: &mut Writer<'_>, reach: &Reaching<'_>, scan: ScanId) {
    let rows = Rows::of(&reach.input);
    let outside = std::mem::replace(&mut writer.taken, rows.taken());
    writer.text("(SELECT ");
    for property in 0..writer.entity_type(scan).properties.len() {
        writer.column(scan.column(property));
        writer.text(", ");
    }
    writer.text("ROW_NUMBER() OVER (");
    order(writer, &reach.order);
    writer.text(") AS ");
    writer.name(reach.id.column(Reaching::PLACE));
    for (property, end) in [(Reaching::SO_FAR, "CURRENT ROW"), (Reaching::OF_ALL, "UNBOUNDED FOLLOWING")] {
        writer.text(", ");
        writer.rules.sum_over(writer, &reach.by, &|writer| {
            writer.text(" OVER (");
            order(writer, &reach.order);
            writer.text(" ROWS BETWEEN UNBOUNDED PRECEDING AND ");
            writer.text(end);
            writer.text(")");
        });
        writer.text(" AS ");
        writer.name(reach.id.column(property));
    }
    rows.from(writer);
    rows.conditions(writer, |_| {});
    writer.taken = outside;
    writer.text(")");
    writer.rules.alias(&mut writer.sql, reach.id);
}

/// Writes the names of the columns of a scan.
fn columns(writer: &mut Writer<'_>, scan: ScanId) {
    for property in 0..writer.entity_type(scan).properties.len() {
        writer.text(if property == 0 { "" } else { ", " });
        writer.name(scan.column(property));
    }
}
