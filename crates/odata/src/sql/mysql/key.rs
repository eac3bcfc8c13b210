//! Keys: which rows have an address of their own.
//!
//! If the database enforces the key, no two rows share an address: what is shown differently is stored differently.

use super::column;
use crate::sql::{Writer, keys};
use crate::tree::column::ScanId;
use crate::tree::typed::Typed;

pub(super) fn is_addressed(writer: &mut Writer<'_>, scan: ScanId) {
    let entity_type = writer.entity_type(scan);
    has_values(writer, scan);
    if entity_type.key_is_enforced || writer.unshared {
        return;
    }
    writer.text(" AND (");
    columns(writer, scan);
    writer.text(") NOT IN (SELECT ");
    columns(writer, scan);
    shared(writer, scan);
    writer.text(")");
}

pub(super) fn count_shared(writer: &mut Writer<'_>) {
    let scan = ScanId::FIRST;
    if writer.entity_type(scan).key_is_enforced {
        return writer.text("SELECT 0");
    }
    writer.text("SELECT CAST(COALESCE(SUM(d.n), 0) AS SIGNED) FROM (SELECT COUNT(*) AS n");
    shared(writer, scan);
    writer.text(") AS d");
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

/// Writes, after a list of columns, a condition that they are an address that several rows have.
fn shared(writer: &mut Writer<'_>, scan: ScanId) {
    keys::shared(writer, scan, column::has_value, column::value);
}

/// Writes a condition that each key column has a value.
fn has_values(writer: &mut Writer<'_>, scan: ScanId) {
    keys::have_values(writer, scan, column::has_value);
}

/// Writes the values of the key.
fn columns(writer: &mut Writer<'_>, scan: ScanId) {
    keys::values(writer, scan, column::value);
}
