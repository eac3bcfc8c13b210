//! Expressions about related rows, as subqueries.

use crate::sql::Writer;
use crate::sql::rows::matched;
use crate::tree::column::ScanId;
use crate::tree::typed::{RelatedRows, Typed};

/// Writes the number of related rows.
pub(super) fn count(writer: &mut Writer<'_>, related: &RelatedRows) {
    writer.text("(SELECT count(*)");
    rows(writer, related);
    writer.text(")");
}

/// Writes whether there are related rows.
pub(super) fn exists(writer: &mut Writer<'_>, related: &RelatedRows) {
    writer.text("EXISTS (SELECT 1");
    rows(writer, related);
    writer.text(")");
}

/// Writes the value of an expression for one row.
pub(super) fn value(writer: &mut Writer<'_>, related: &RelatedRows, value: &Typed) {
    writer.text("(SELECT ");
    writer.operand(value);
    rows(writer, related);
    writer.rules.first_rows(&mut writer.sql, 1);
    writer.text(")");
}

/// Writes the related rows, after what is wanted of them. As everywhere, a row without an address of its own does not
/// count. What is known of the keys of the rows outside holds for them only.
fn rows(writer: &mut Writer<'_>, related: &RelatedRows) {
    let outside = (writer.is_addressed, writer.unshared, writer.may_search);
    (writer.is_addressed, writer.unshared, writer.may_search) = (false, false, false);
    writer.text(" FROM ");
    writer.table(related.scan);
    for joined in &related.joins {
        writer.text(" LEFT JOIN ");
        writer.table(joined.scan);
        writer.text(" ON ");
        matched(writer, &joined.on);
        and_addressed(writer, joined.scan);
    }
    writer.text(" WHERE ");
    is_related(writer, related);
    // A database may test conditions in any order. One that may fail is not to be tested for rows that are not related.
    let can_fail = related.conditions.iter().any(|condition| writer.can_fail(condition));
    if can_fail {
        writer.text(" AND CASE WHEN ");
        is_related(writer, related);
    }
    and_addressed(writer, related.scan);
    for (index, condition) in related.conditions.iter().enumerate() {
        writer.text(if can_fail && index == 0 { " THEN " } else { " AND " });
        writer.truth(condition);
    }
    if can_fail {
        writer.text(" ELSE ");
        writer.text(writer.rules.boolean(false));
        writer.text(" END");
    }
    (writer.is_addressed, writer.unshared, writer.may_search) = outside;
}

/// Writes the condition that a row is related. To the root of the service, every row is.
fn is_related(writer: &mut Writer<'_>, related: &RelatedRows) {
    if related.on.is_empty() {
        writer.text(writer.rules.boolean(true));
    } else {
        matched(writer, &related.on);
    }
}

/// Writes the condition that a row has an address of its own, unless every row has one.
fn and_addressed(writer: &mut Writer<'_>, scan: ScanId) {
    let entity_type = writer.entity_type(scan);
    if !entity_type.loose_key.is_empty() || !entity_type.key_is_enforced {
        writer.text(" AND ");
        writer.rules.is_addressed(writer, scan);
    }
}
