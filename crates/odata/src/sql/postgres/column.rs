//! Columns: their values, and when the stored form of a column suffices.

use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::{Collation, EntityType, Property};
use crate::sql::Writer;
use crate::tree::class::Class;
use crate::tree::column::ScanColumn;
use crate::tree::typed::Constant;

/// The collation in which text is compared: byte by byte.
pub(super) const BY_BYTES: &str = " COLLATE \"C\"";

/// Which of the stored values of a type are values for OData.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    All,
    /// Those above the first bound, if there is one, and below the second.
    Within(Option<Bound>, Bound),
    /// Those without months.
    WithoutMonths,
}

/// A comparison with a bound that holds for values, its opposite, and the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound(&'static str, &'static str, &'static str);

/// From the first value on.
const fn from(first: &'static str) -> Bound {
    Bound(" >= ", " < ", first)
}

const fn within(least: Option<Bound>, end: &'static str) -> Range {
    Range::Within(least, Bound(" < ", " >= ", end))
}

fn range(property: &Property) -> Range {
    let Property { ty, storage, .. } = property;
    match (ty, storage.form) {
        _ if storage.is_guaranteed => Range::All,
        (EdmType::Decimal { .. }, Form::Converted) => Range::All,
        // Infinity has no precision, and what is not a number is above it.
        (EdmType::Decimal { precision: Some(_), .. }, _) => within(None, "'NaN'::numeric"),
        (EdmType::Decimal { .. }, _) => {
            within(Some(Bound(" > ", " <= ", "'-Infinity'::numeric")), "'Infinity'::numeric")
        }
        (EdmType::Date, _) => within(Some(from("'0001-01-01 BC'::date")), "'10000-01-01'::date"),
        (EdmType::TimeOfDay, _) => within(None, "'24:00:00'::time"),
        (EdmType::DateTimeOffset, Form::Local) => {
            within(Some(from("'0001-01-01 00:00:00 BC'::timestamp")), "'10000-01-01 00:00:00'::timestamp")
        }
        (EdmType::DateTimeOffset, _) => within(
            Some(from("'0001-01-01 00:00:00+00 BC'::timestamptz")),
            "'10000-01-01 00:00:00+00'::timestamptz",
        ),
        (EdmType::Duration, _) => Range::WithoutMonths,
        _ => Range::All,
    }
}

fn is_text(property: &Property) -> bool {
    matches!(property.ty, EdmType::String { .. })
}

fn is_converted(property: &Property) -> bool {
    property.storage.form == Form::Converted
}

/// Whether different texts are never equal in the collation of a column.
fn tells_texts_apart(property: &Property) -> bool {
    matches!(property.storage.collation, Collation::Binary | Collation::Linguistic)
}

/// Writes the type to which a converted or padded column is converted.
fn cast(property: &Property) -> &'static str {
    match property.ty {
        EdmType::String { .. } if matches!(property.storage.form, Form::Converted | Form::Padded) => "::text",
        EdmType::Decimal { .. } if is_converted(property) => "::numeric",
        ty if is_converted(property) && ty.bounds().is_some() => "::int8",
        _ => "",
    }
}

/// Null with the type in which values of a class are compared.
pub(super) fn null_of(class: Class) -> &'static str {
    match class {
        Class::Boolean => "NULL::bool",
        Class::Integer => "NULL::int8",
        Class::Decimal => "NULL::numeric",
        Class::Double => "NULL::float8",
        Class::Null | Class::String => "NULL::text",
        Class::Guid => "NULL::uuid",
        Class::Date => "NULL::date",
        Class::TimeOfDay => "NULL::time",
        Class::DateTimeOffset => "NULL::timestamptz",
        Class::Duration => "NULL::interval",
        Class::Binary => "NULL::bytea",
    }
}

/// Writes the column to be read.
pub(super) fn shown(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.column(column);
    let cast = cast(writer.property(column));
    writer.text(cast);
}

/// Writes the value of the column as an operand: null if it has none.
pub(super) fn value(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    match (property.ty, property.storage.form) {
        (EdmType::String { .. }, _) => by_bytes(writer, column),
        // The number that is shown: the shortest one that is stored as this.
        (EdmType::Single, _) => {
            shown(writer, column);
            writer.text("::text::float8");
        }
        (EdmType::DateTimeOffset, Form::Local) => {
            writer.text("(");
            guarded(writer, column);
            writer.text(" AT TIME ZONE 'UTC')");
        }
        _ => guarded(writer, column),
    }
}

fn by_bytes(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.text("(");
    shown(writer, column);
    writer.text(BY_BYTES);
    writer.text(")");
}

/// Writes the column in its own type, or null if it has no value. The key of a row that is served always has one.
fn guarded(writer: &mut Writer<'_>, column: ScanColumn) {
    let is_known =
        writer.valued.contains(&column) || is_key(writer.entity_type(column.scan), column.property);
    if is_known || range(writer.property(column)) == Range::All {
        return shown(writer, column);
    }
    writer.text("(CASE WHEN ");
    has_value(writer, column);
    writer.text(" THEN ");
    writer.column(column);
    writer.text(" END)");
}

fn is_key(entity_type: &EntityType, column: usize) -> bool {
    entity_type.key.contains(&column)
}

/// Writes a test whether the column has a value.
pub(super) fn has_value(writer: &mut Writer<'_>, column: ScanColumn) {
    match range(writer.property(column)) {
        Range::All => {
            writer.column(column);
            writer.text(" IS NOT NULL");
        }
        Range::Within(least, greatest) => {
            for (index, Bound(holds, _, bound)) in least.into_iter().chain([greatest]).enumerate() {
                writer.text(if index == 0 { "" } else { " AND " });
                writer.column(column);
                writer.text(holds);
                writer.text(bound);
            }
        }
        Range::WithoutMonths => has_no_months(writer, column),
    }
}

fn has_no_months(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.text("extract(year from ");
    writer.column(column);
    writer.text(") = 0 AND extract(month from ");
    writer.column(column);
    writer.text(") = 0");
}

/// Writes, after a comparison of the stored column, that it has a value, unless that is known or follows.
pub(super) fn and_has_value(writer: &mut Writer<'_>, column: ScanColumn) {
    if range(writer.property(column)) != Range::All {
        writer.text(" AND ");
        has_value(writer, column);
    }
}

/// Writes whether the column has no value, as a condition that an index can serve.
pub(super) fn is_null(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.text("(");
    writer.column(column);
    writer.text(" IS NULL");
    match range(writer.property(column)) {
        Range::All => {}
        Range::Within(least, greatest) => {
            for Bound(_, fails, bound) in least.into_iter().chain([greatest]) {
                writer.text(" OR ");
                writer.column(column);
                writer.text(fails);
                writer.text(bound);
            }
        }
        Range::WithoutMonths => {
            writer.text(" OR NOT (");
            has_no_months(writer, column);
            writer.text(")");
        }
    }
    writer.text(")");
}

/// Writes the stored form of the column, in which an order that no two rows share is served by the index of a key.
pub(super) fn stored(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    if is_text(property) && is_converted(property) {
        by_bytes(writer, column);
    } else if property.storage.form == Form::Padded {
        writer.column(column);
    } else {
        shown(writer, column);
    }
}

/// Writes the column for an order of its values.
pub(super) fn sorted(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    if property.storage.form == Form::Padded {
        writer.text("(");
        writer.column(column);
        writer.text(BY_BYTES);
        writer.text(")");
    } else if is_text(property) {
        by_bytes(writer, column);
    } else {
        guarded(writer, column);
    }
}

/// Writes the column for a comparison for equality with constants. If possible, that is as it is stored, so that an index
/// can serve it.
pub(super) fn beside_equal(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    let is_stored = match (property.ty, property.storage.form) {
        (EdmType::String { .. }, _) => !is_converted(property) && tells_texts_apart(property),
        (EdmType::DateTimeOffset, form) => form != Form::Local,
        (EdmType::Single | EdmType::Duration, _) => false,
        _ => true,
    };
    if is_stored { shown(writer, column) } else { value(writer, column) }
}

/// Whether the column can be ordered by its stored form, whatever the served rows contain.
pub(super) fn sorts_as_stored(entity_type: &EntityType, column: usize) -> bool {
    let property = &entity_type.properties[column];
    let has_values = range(property) == Range::All || is_key(entity_type, column);
    has_values && values_sort_as_stored(entity_type, column)
}

/// Whether the values of the column have the order of their stored forms.
pub(super) fn values_sort_as_stored(entity_type: &EntityType, column: usize) -> bool {
    let property = &entity_type.properties[column];
    !is_text(property) || is_converted(property) || property.storage.collation == Collation::Binary
}

/// Whether an index begins with the column, in the order of its values.
pub(super) fn has_index_in_order(property: &Property) -> bool {
    match property.storage.index {
        Some(collation) => !is_text(property) || (collation == Collation::Binary && !is_converted(property)),
        None => false,
    }
}

/// Whether the column, as [`beside_equal`] writes it, can be compared with the constant.
pub(super) fn is_listable(property: &Property, constant: &Constant) -> bool {
    match (property.ty, constant) {
        // The constant has to be brought into the type of the column.
        (EdmType::Single | EdmType::Boolean, _) | (EdmType::Decimal { .. }, Constant::Double(_)) => false,
        (EdmType::Double, Constant::Double(value)) => !value.is_nan(),
        (EdmType::DateTimeOffset | EdmType::Duration, _) => property.storage.form != Form::Local,
        (ty, constant) => {
            let class = Class::from(ty);
            class == constant.class() || (class.is_numeric() && constant.class().is_numeric())
        }
    }
}
