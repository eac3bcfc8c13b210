//! Expressions about related rows, as subqueries.

use crate::sql::Writer;
use crate::sql::rows::matched;
use crate::tree::typed::RelatedRows;

/// Writes the number of related rows.
pub(super) fn count(writer: &mut Writer<'_>, related: &RelatedRows) {
    writer.text("(SELECT count(*)");
    rows(writer, related);
    writer.text(")");
}

/// Writes the related rows, after what is wanted of them. As everywhere, a row without an address of its own does not
/// count.
fn rows(writer: &mut Writer<'_>, related: &RelatedRows) {
    let entity_type = writer.entity_type(related.scan);
    writer.text(" FROM ");
    writer.table(related.scan);
    writer.text(" WHERE ");
    matched(writer, &related.on);
    if !entity_type.loose_key.is_empty() || !entity_type.key_is_enforced {
        writer.text(" AND ");
        writer.rules.is_addressed(writer, related.scan);
    }
    for condition in &related.conditions {
        writer.text(" AND ");
        writer.truth(condition);
    }
}
