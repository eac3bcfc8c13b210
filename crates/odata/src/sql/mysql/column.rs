//! Columns: their values, and when the stored form of a column suffices.

use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::{Collation, EntityType, Property};
use crate::sql::Writer;
use crate::tree::class::Class;
use crate::tree::column::ScanColumn;
use crate::tree::typed::Constant;

/// A server sorts by that many bytes; the session says so. What is longer is ordered by its beginning, and then by the key,
/// so that no page loses a row.
pub(super) const SORTED_BYTES: &str = ", 65536)";

/// Which of the stored values of a type are values for OData.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    All,
    /// Days that the calendar has.
    Days,
    /// Times of one day.
    Times,
}

fn range(property: &Property) -> Range {
    match property.ty {
        _ if property.storage.is_guaranteed => Range::All,
        EdmType::Date | EdmType::DateTimeOffset => Range::Days,
        EdmType::TimeOfDay => Range::Times,
        _ => Range::All,
    }
}

fn is_text(property: &Property) -> bool {
    matches!(property.ty, EdmType::String { .. })
}

fn is_converted(property: &Property) -> bool {
    property.storage.form == Form::Converted
}

/// Whether the column sorts texts as their bytes are sorted.
pub(super) fn sorts_by_bytes(property: &Property) -> bool {
    is_by_bytes(property) && is_short(property)
}

/// Whether the column compares texts as their bytes are compared.
pub(super) fn is_by_bytes(property: &Property) -> bool {
    is_text(property) && !is_converted(property) && property.storage.collation == Collation::Binary
}

/// Whether the stored form of a key orders its rows.
pub(super) fn is_stored_as_text(entity_type: &EntityType, column: usize) -> bool {
    let property = &entity_type.properties[column];
    is_text(property) && !is_converted(property) && (entity_type.key_is_enforced || is_by_bytes(property))
}

/// Writes the column to be read.
pub(super) fn shown(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    // The column of a subquery contains the bytes of a text.
    if is_text(property) && property.storage.collation == Collation::Binary {
        writer.text("CONVERT(");
        writer.column(column);
        writer.text(" USING utf8mb4)");
    } else {
        writer.column(column);
    }
}

/// Writes the value of the column as an operand: null if it has none.
pub(super) fn value(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    match property.ty {
        EdmType::String { .. } => bytes(writer, column),
        EdmType::Boolean => wrapped(writer, "(", column, " <> 0)"),
        // Bits.
        ty if is_converted(property) && ty.bounds().is_some() => wrapped(writer, "(", column, " + 0)"),
        EdmType::Decimal { .. } if is_converted(property) => wrapped(writer, "(", column, " + 0)"),
        EdmType::Single => wrapped(writer, "CAST(", column, " AS DOUBLE)"),
        EdmType::Guid => wrapped(writer, "CAST(", column, " AS CHAR)"),
        _ => guarded(writer, column),
    }
}

fn wrapped(writer: &mut Writer<'_>, before: &str, column: ScanColumn, after: &str) {
    writer.text(before);
    writer.column(column);
    writer.text(after);
}

/// Writes the bytes of a text in UTF-8.
pub(super) fn bytes(writer: &mut Writer<'_>, column: ScanColumn) {
    wrapped(writer, "CAST(CONVERT(", column, " USING utf8mb4) AS BINARY)");
}

/// Writes the column in its own type, or null if it has no value. The key of a row that is served always has one.
fn guarded(writer: &mut Writer<'_>, column: ScanColumn) {
    let is_known =
        writer.valued.contains(&column) || is_key(writer.entity_type(column.scan), column.property);
    if is_known || range(writer.property(column)) == Range::All {
        return writer.column(column);
    }
    writer.text("(CASE WHEN ");
    has_value(writer, column);
    wrapped(writer, " THEN ", column, " END)");
}

fn is_key(entity_type: &EntityType, column: usize) -> bool {
    entity_type.key.contains(&column)
}

/// Writes a test whether the column has a value.
pub(super) fn has_value(writer: &mut Writer<'_>, column: ScanColumn) {
    match range(writer.property(column)) {
        Range::All => wrapped(writer, "", column, " IS NOT NULL"),
        Range::Days => {
            // The last day of a month that is none is null.
            wrapped(writer, "DAYOFMONTH(", column, ") BETWEEN 1");
            wrapped(writer, " AND DAYOFMONTH(LAST_DAY(", column, "))");
        }
        Range::Times => {
            wrapped(writer, "", column, " >= CAST('00:00:00' AS TIME)");
            wrapped(writer, " AND ", column, " < CAST('24:00:00' AS TIME)");
        }
    }
}

/// Writes, after a comparison of the stored column, that it has a value, unless that is known or follows.
pub(super) fn and_has_value(writer: &mut Writer<'_>, column: ScanColumn) {
    if range(writer.property(column)) != Range::All {
        writer.text(" AND ");
        has_value(writer, column);
    }
}

/// Writes whether the column has no value.
pub(super) fn is_null(writer: &mut Writer<'_>, column: ScanColumn) {
    if range(writer.property(column)) == Range::All {
        return wrapped(writer, "(", column, " IS NULL)");
    }
    writer.text("((");
    has_value(writer, column);
    writer.text(") IS NOT TRUE)");
}

/// Writes the stored form of the column, in which an order that no two rows share is served by the index of a key.
pub(super) fn stored(writer: &mut Writer<'_>, column: ScanColumn) {
    let entity_type = writer.entity_type(column.scan);
    if is_text(writer.property(column)) && !is_stored_as_text(entity_type, column.property) {
        bytes(writer, column);
    } else {
        writer.column(column);
    }
}

/// Writes the column for an order of its values.
pub(super) fn sorted(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    match property.ty {
        EdmType::String { .. } if sorts_by_bytes(property) => writer.column(column),
        EdmType::String { .. } if is_short(property) => value(writer, column),
        EdmType::String { .. } | EdmType::Binary => {
            writer.text("LEFT(");
            value(writer, column);
            writer.text(SORTED_BYTES);
        }
        EdmType::Boolean => value(writer, column),
        _ => guarded(writer, column),
    }
}

/// Whether each text is so short that the server sorts by the whole.
fn is_short(property: &Property) -> bool {
    matches!(property.ty, EdmType::String { max_length: Some(length) } if length <= 16_384)
}

/// Writes the column for a comparison for equality with constants. If possible, that is as it is stored, so that an index
/// can serve it.
pub(super) fn beside_equal(writer: &mut Writer<'_>, column: ScanColumn) {
    match writer.property(column).ty {
        EdmType::String { .. } | EdmType::Boolean => value(writer, column),
        _ => writer.column(column),
    }
}

/// Writes the column for a test that it differs from a constant. A text that the server takes for no UUID would be null.
pub(super) fn beside_different(writer: &mut Writer<'_>, column: ScanColumn) {
    match writer.property(column).ty {
        EdmType::Guid => value(writer, column),
        _ => beside_equal(writer, column),
    }
}

/// Whether the column can be ordered by its stored form, whatever the served rows contain.
pub(super) fn sorts_as_stored(entity_type: &EntityType, column: usize) -> bool {
    let property = &entity_type.properties[column];
    let has_values = range(property) == Range::All || is_key(entity_type, column);
    has_values && values_sort_as_stored(property)
}

/// Whether the values of the column have the order of their stored forms.
pub(super) fn values_sort_as_stored(property: &Property) -> bool {
    match property.ty {
        EdmType::String { .. } => sorts_by_bytes(property),
        // Whatever is not zero is true; bytes may be long.
        EdmType::Boolean | EdmType::Binary => false,
        _ => true,
    }
}

/// Whether an index begins with the column, in the order of its values, and also contains what is no value.
pub(super) fn has_index_of_values(property: &Property) -> bool {
    property.storage.index.is_some() && range(property) != Range::All
}

/// Whether the column, as [`beside_equal`] writes it, can be compared with the constant.
pub(super) fn is_listable(property: &Property, constant: &Constant) -> bool {
    match (property.ty, constant) {
        // An index serves one text after the other, in the collation of the column. Other constants have to be brought
        // into the type of the column.
        (EdmType::String { .. } | EdmType::Single | EdmType::Boolean, _)
        | (EdmType::Decimal { .. }, Constant::Double(_)) => false,
        (EdmType::Double, Constant::Double(value)) => value.is_finite(),
        (ty, constant) => {
            let class = Class::from(ty);
            class == constant.class() || (class.is_numeric() && constant.class().is_numeric())
        }
    }
}
