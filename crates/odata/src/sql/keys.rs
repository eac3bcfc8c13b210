//! What every database writes alike about keys. Dialects differ in when a column has a value, and in what its value is.

use super::Writer;
use crate::tree::column::{ScanColumn, ScanId};

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
    writer.table(scan);
    writer.text(" WHERE ");
    have_values(writer, scan, has_value);
    writer.text(" GROUP BY ");
    values(writer, scan, value);
    writer.text(" HAVING count(*) > 1");
}
