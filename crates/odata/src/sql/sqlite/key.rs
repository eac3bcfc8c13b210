//! Keys: which rows have an address of their own.
//!
//! The address of a row is its key as it is shown. Two rows can share an address although the database treats
//! their keys as different: the same instant in two time zones, or the same GUID in upper and lower case.
//! Rows whose whole key has the usual layout cannot share an address with each other if the database enforces
//! the key; such a row is always served. Other rows that share an address are omitted. The search for them
//! starts when the first row with an unusual layout is met.

use super::column;
use crate::edm_type::EdmType;
use crate::model::EntityType;
use crate::sql::{Dialect, Writer, keys};
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::{Comparison, Constant, Term, Typed};

/// Whether cells of a key column may represent the same value and still be different for the database.
fn may_differ(entity_type: &EntityType, column: usize) -> bool {
    !entity_type.properties[column].storage.is_guaranteed && !column::is_sound_in(entity_type, column)
}

/// The key columns that may [differ](may_differ).
fn differing(entity_type: &EntityType) -> Vec<usize> {
    entity_type.key.iter().copied().filter(|column| may_differ(entity_type, *column)).collect()
}

pub(super) fn is_addressed(writer: &mut Writer<'_>, scan: ScanId) {
    let entity_type = writer.entity_type(scan);
    let differing = differing(entity_type);
    if writer.unshared || (entity_type.key_is_enforced && differing.is_empty()) {
        return has_values(writer, scan);
    }
    writer.text("(CASE WHEN ");
    if entity_type.key_is_enforced {
        is_common(writer, scan, &differing);
        writer.text(" THEN 1 WHEN ");
    }
    has_values(writer, scan);
    writer.text(" THEN ");
    list(writer, scan);
    writer.text(" NOT IN (SELECT ");
    columns(writer, scan);
    shared(writer, scan);
    writer.text(") ELSE 0 END)");
}

pub(super) fn count_shared(writer: &mut Writer<'_>) {
    let scan = ScanId::FIRST;
    writer.text("SELECT count(*) FROM ");
    writer.every_row(scan);
    writer.text(" WHERE ");
    has_values(writer, scan);
    writer.text(" AND NOT ");
    is_addressed(writer, scan);
}

pub(super) fn addressed_check(entity_type: &EntityType) -> String {
    let mut writer = Writer::of_table(Dialect::Sqlite, entity_type);
    writer.text("SELECT NOT EXISTS (SELECT 1 FROM ");
    writer.every_row(ScanId::FIRST);
    writer.text(" WHERE NOT (");
    is_addressed(&mut writer, ScanId::FIRST);
    writer.text("))");
    writer.sql
}

pub(super) fn sharing_check(entity_type: &EntityType) -> Option<String> {
    if entity_type.key_is_enforced {
        return None;
    }
    let mut writer = Writer::of_table(Dialect::Sqlite, entity_type);
    writer.text("SELECT NOT EXISTS (SELECT 1");
    shared(&mut writer, ScanId::FIRST);
    writer.text(")");
    Some(writer.sql)
}

/// Writes, after a list of columns, a condition that they are an address that several rows have.
fn shared(writer: &mut Writer<'_>, scan: ScanId) {
    keys::shared(writer, scan, column::has_value, column::read);
}

/// Writes a condition that each key column represents a value.
fn has_values(writer: &mut Writer<'_>, scan: ScanId) {
    keys::have_values(writer, scan, column::has_value);
}

/// Writes a condition that the whole key has the usual layout.
fn is_common(writer: &mut Writer<'_>, scan: ScanId, differing: &[usize]) {
    let entity_type = writer.entity_type(scan);
    let others = entity_type.loose_key.iter().filter(|column| !differing.contains(column));
    for (index, column) in differing.iter().chain(others).enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        if differing.contains(column) {
            column::in_layout(writer, scan.column(*column));
        } else {
            column::has_value(writer, scan.column(*column));
        }
    }
}

/// Writes the values of the key.
fn columns(writer: &mut Writer<'_>, scan: ScanId) {
    keys::values(writer, scan, column::read);
}

/// Writes the values of the key as one value.
fn list(writer: &mut Writer<'_>, scan: ScanId) {
    writer.text("(");
    columns(writer, scan);
    writer.text(")");
}

/// The column and the constant of a comparison with a key.
fn parts(condition: &Typed) -> Option<(ScanColumn, &Constant)> {
    let Term::Compare(Comparison::Eq, left, right) = &condition.term else { return None };
    match (&left.term, &right.term) {
        (Term::Column(column), Term::Constant(constant)) => Some((*column, constant)),
        _ => None,
    }
}

pub(super) fn has_common(writer: &mut Writer<'_>, scan: ScanId, key: &[Typed]) -> bool {
    let entity_type = writer.entity_type(scan);
    let differing = |(column, _): &(ScanColumn, &Constant)| may_differ(entity_type, column.property);
    let stored = |condition: &Typed| match parts(condition).filter(differing) {
        Some((column, constant)) => {
            let stored = column::stored_constant(entity_type, column.property, constant)?;
            Some(Some((column, stored)))
        }
        None => Some(None),
    };
    let Some(all) = key.iter().map(stored).collect::<Option<Vec<_>>>() else { return false };
    if !entity_type.key_is_enforced {
        return false;
    }
    for (index, (condition, stored)) in key.iter().zip(all).enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        let Some((column, stored)) = stored else {
            writer.truth(condition);
            continue;
        };
        column::stored(writer, column);
        writer.text(" = ");
        writer.parameter(stored);
        writer.text(" AND ");
        column::in_layout(writer, column);
    }
    true
}

pub(super) fn may_be_uncommon(entity_type: &EntityType, key: &[Typed]) -> bool {
    let is_settled = |condition: &Typed| match parts(condition) {
        Some((column, _)) if !may_differ(entity_type, column.property) => true,
        // Text is stored unchanged, except that some texts may represent bytes that are not UTF-8.
        Some((column, Constant::String(text))) => {
            let property = &entity_type.properties[column.property];
            matches!(property.ty, EdmType::String { .. })
                && property.storage.is_textual
                && !text.contains('\u{FFFD}')
        }
        _ => false,
    };
    !entity_type.key_is_enforced || !key.iter().all(is_settled)
}
