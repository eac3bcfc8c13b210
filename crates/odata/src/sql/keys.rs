//! What every database writes alike about keys. Dialects differ in when a column has a value, and in what its value is.

use super::Writer;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::Typed;

/// Writes something about a column.
pub(super) type OfColumn = fn(&mut Writer<'_>, ScanColumn);

/// Writes a condition that each key column has a value.
pub(super) fn have_values(writer: &mut Writer<'_>, scan: ScanId, has_value: OfColumn) {
    let entity_type = writer.entity_type(scan);
    if entity_type.loose_key.is_empty() {
        return writer.text(writer.rules.boolean(true));
    }
    for (index, column) in entity_type.loose_key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        has_value(writer, scan.column(*column));
    }
}

/// Writes the values of the key.
pub(super) fn values(writer: &mut Writer<'_>, scan: ScanId, value: OfColumn) {
    for (index, column) in writer.entity_type(scan).key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        value(writer, scan.column(*column));
    }
}

/// Writes, after a list of columns, a condition that they are an address that several rows have.
pub(super) fn shared(writer: &mut Writer<'_>, scan: ScanId, has_value: OfColumn, value: OfColumn) {
    writer.text(" FROM ");
    writer.every_row(scan);
    writer.text(" WHERE ");
    have_values(writer, scan, has_value);
    writer.text(" GROUP BY ");
    values(writer, scan, value);
    writer.text(" HAVING count(*) > 1");
}

/// How a database whose columns have types tells which rows have an address of their own. If it enforces the key, no two
/// rows share an address: what is shown differently is stored differently.
pub(super) struct TypedKeys {
    pub(super) has_value: OfColumn,
    pub(super) value: OfColumn,
    /// A statement whose only row is the integer zero.
    pub(super) zero: &'static str,
    /// What a statement begins with that adds up the numbers `n` of the groups of rows in the subquery `d`; the subquery
    /// follows.
    pub(super) total: &'static str,
}

impl TypedKeys {
    pub(super) fn is_addressed(&self, writer: &mut Writer<'_>, scan: ScanId) {
        let entity_type = writer.entity_type(scan);
        have_values(writer, scan, self.has_value);
        if entity_type.key_is_enforced || writer.unshared {
            return;
        }
        writer.text(" AND (");
        values(writer, scan, self.value);
        writer.text(") NOT IN (SELECT ");
        values(writer, scan, self.value);
        shared(writer, scan, self.has_value, self.value);
        writer.text(")");
    }

    pub(super) fn count_shared(&self, writer: &mut Writer<'_>) {
        let scan = ScanId::FIRST;
        if writer.entity_type(scan).key_is_enforced {
            return writer.text(self.zero);
        }
        writer.text(self.total);
        writer.text(" FROM (SELECT count(*) AS n");
        shared(writer, scan, self.has_value, self.value);
        writer.text(") AS d");
    }
}

/// Writes a condition that the row has this key, if no other row can have it.
pub(super) fn is_enforced(writer: &mut Writer<'_>, scan: ScanId, key: &[Typed]) -> bool {
    if !writer.entity_type(scan).key_is_enforced {
        return false;
    }
    for (index, condition) in key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        writer.truth(condition);
    }
    true
}
