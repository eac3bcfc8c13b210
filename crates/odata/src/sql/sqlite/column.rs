//! Columns: their values, and when the stored form of a column suffices.
//!
//! The value of a column is an expression with the result of [`Reading::read`](crate::form::Reading::read):
//! in plain SQL if that is fast and equivalent, otherwise through the function that calls it. The unit tests
//! and `tests/sqlite/forms.rs` compare the two.

use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::form::Layout;
use crate::form::read::booleans;
use crate::model::{Collation, EntityType};
use crate::sql::{Dialect, Writer, functions};
use crate::tree::class::Class;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::{Constant, Term, Typed};

/// Writes the stored form of the column; text is compared byte by byte, whatever the collation of the column.
pub(super) fn stored(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.column(column);
    let is_by_bytes = match writer.property(column).storage.collation {
        Collation::Binary => true,
        // Other values that are stored as text compare the same under such a collation as byte by byte, and
        // can use its index.
        Collation::Named(_) => !matches!(writer.property(column).ty, EdmType::String { .. }),
        // This server does not have the collation.
        Collation::Linguistic | Collation::Unknown => false,
    };
    writer.text(if is_by_bytes { "" } else { " COLLATE BINARY" });
}

/// Writes the column with its own collation, which the index of a key has, if this server has that collation
/// too.
pub(super) fn same(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.column(column);
    if matches!(writer.property(column).storage.collation, Collation::Linguistic | Collation::Unknown) {
        writer.text(" COLLATE BINARY");
    }
}

/// Whether the column contains only values, stored in the form in which values are compared. Numeric key
/// columns count, because rows in which they contain anything else are not served.
pub(super) fn is_sound_in(entity_type: &EntityType, column: usize) -> bool {
    let property = &entity_type.properties[column];
    let is_number = match property.ty {
        EdmType::Single | EdmType::Double | EdmType::Decimal { scale: None, .. } => true,
        ty => ty.bounds().is_some(),
    };
    is_number && (property.storage.is_guaranteed || entity_type.key.contains(&column))
}

/// Like [`is_sound_in`], for a column of the statement.
pub(super) fn is_sound(writer: &Writer<'_>, column: ScanColumn) -> bool {
    is_sound_in(writer.entity_type(column.scan), column.property)
}

/// Whether the column can be ordered by its stored form, whatever the served rows contain: equal values are
/// stored as equal cells, and in their order. If the column is the whole key, no values are equal.
pub(super) fn sorts_as_stored(entity_type: &EntityType, column: usize) -> bool {
    let property = &entity_type.properties[column];
    let is_text_only = property.storage.form.scale_of_numbers().is_none();
    is_sound_in(entity_type, column)
        || match property.ty {
            EdmType::String { .. } => property.storage.is_textual && entity_type.key.contains(&column),
            EdmType::Decimal { .. } => entity_type.key == [column],
            EdmType::Date | EdmType::TimeOfDay => is_text_only && entity_type.key == [column],
            _ => false,
        }
}

/// Whether a text column contains only text, and UTF-8 unless the text is corrupt, so that bytes can be
/// compared.
pub(super) fn keeps_text(writer: &Writer<'_>, column: ScanColumn) -> bool {
    writer.property(column).storage.is_textual || is_sound(writer, column)
}

/// Writes the value of the column in the form used for ordering: text as the stored bytes, even if they are
/// not UTF-8.
pub(super) fn ordered(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    let is_text = matches!(property.ty, EdmType::String { .. }) && property.storage.is_textual;
    if !is_text || is_sound(writer, column) {
        return value(writer, column);
    }
    by_class(writer, column, &["text"]);
    writer.text(" END)");
}

/// Whether a text is, or is made of, cells of a column that may lie in the file in another encoding than UTF-8, in which
/// its bytes are in another order than its characters.
pub(super) fn may_be_recoded(writer: &Writer<'_>, text: &Typed) -> bool {
    match &text.term {
        Term::Column(column) => {
            let property = writer.property(*column);
            matches!(property.ty, EdmType::String { .. }) && !property.storage.is_textual
        }
        Term::Call(_, arguments) => {
            text.class == Class::String && arguments.iter().any(|argument| may_be_recoded(writer, argument))
        }
        Term::Case(cases) => cases.iter().any(|(_, value)| may_be_recoded(writer, value)),
        Term::Value(_, value) => may_be_recoded(writer, value),
        _ => false,
    }
}

/// Writes a text so that its order is that of its characters.
pub(super) fn in_order_of_characters(writer: &mut Writer<'_>, text: &Typed) {
    if let Term::Constant(constant @ Constant::String(literal)) = &text.term {
        return writer.repeated(constant, 3, Value::Blob(literal.clone().into_bytes()));
    }
    writer.text(functions::BYTES);
    writer.text("(");
    match text.term {
        // The function reads a cell as it is shown.
        Term::Column(column) => writer.column(column),
        _ => writer.operand(text),
    }
    writer.text(")");
}

/// Writes the value of the column.
pub(super) fn value(writer: &mut Writer<'_>, column: ScanColumn) {
    if is_sound(writer, column) {
        return stored(writer, column);
    }
    let property = writer.property(column);
    match property.ty {
        EdmType::Decimal { .. } => {
            by_class(writer, column, &["integer"]);
            writer.text(" WHEN 'real' THEN ");
            read(writer, column);
            writer.text(" END)");
        }
        EdmType::Single | EdmType::Double => {
            by_class(writer, column, &["integer", "real"]);
            writer.text(" END)");
        }
        ty => match ty.bounds() {
            Some((min, max)) => {
                let is_narrow = (min, max) != (i64::MIN, i64::MAX);
                if is_narrow {
                    writer.text("(CASE WHEN ");
                    between(writer, column, min, max);
                    writer.text(" THEN ");
                }
                by_class(writer, column, &["integer"]);
                writer.text(" WHEN 'real' THEN ");
                read(writer, column);
                writer.text(if is_narrow { " END) END)" } else { " END)" });
            }
            None => read(writer, column),
        },
    }
}

/// `(CASE typeof(c) WHEN 'integer' THEN c`, for each storage class whose cells are values without conversion.
fn by_class(writer: &mut Writer<'_>, column: ScanColumn, classes: &[&str]) {
    writer.text("(CASE typeof(");
    writer.column(column);
    writer.text(")");
    for class in classes {
        writer.text(" WHEN '");
        writer.text(class);
        writer.text("' THEN ");
        writer.column(column);
    }
}

fn between(writer: &mut Writer<'_>, column: ScanColumn, min: i64, max: i64) {
    stored(writer, column);
    writer.text(&format!(" BETWEEN {min} AND {max}"));
}

/// Writes the value through the function that interprets cells.
pub(super) fn read(writer: &mut Writer<'_>, column: ScanColumn) {
    let code = writer.property(column).reading().code();
    writer.text(functions::VALUE);
    writer.text("(");
    writer.column(column);
    writer.text(&format!(", {code})"));
}

/// Writes whether the column is in its layout.
pub(super) fn in_layout(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    if matches!(property.ty, EdmType::String { .. }) && property.storage.layout == Layout::PLAIN {
        writer.text(functions::UTF8);
        writer.text("(");
        writer.column(column);
        return writer.text(")");
    }
    let (code, layout) = (property.reading().code(), property.storage.layout.code());
    writer.text(functions::LAYOUT);
    writer.text("(");
    writer.column(column);
    writer.text(&format!(", {code}, {layout})"));
}

pub(super) fn is_null(writer: &mut Writer<'_>, column: ScanColumn) {
    if is_sound(writer, column) || writer.in_layout.contains(&column) {
        writer.text("(");
        writer.column(column);
        return writer.text(" IS NULL)");
    }
    // If only the storage class matters, an index also finds the rest: text is above numbers, bytes are above
    // text.
    let above = match writer.property(column).ty {
        EdmType::Single | EdmType::Double => Some("''"),
        EdmType::String { .. } if writer.property(column).storage.is_textual => Some("x''"),
        _ => None,
    };
    writer.text("(");
    if let Some(above) = above {
        writer.column(column);
        writer.text(" IS NULL OR ");
        stored(writer, column);
        writer.text(" >= ");
        writer.text(above);
    } else {
        value(writer, column);
        writer.text(" IS NULL");
    }
    writer.text(")");
}

/// Writes whether a Boolean column is `value`, as a list that an index can serve.
pub(super) fn is(writer: &mut Writer<'_>, column: ScanColumn, value: bool) {
    let (numbers, words) = booleans(writer.property(column).storage.form, value);
    stored(writer, column);
    if is_sound(writer, column) {
        return writer.text(if value { " = 1" } else { " = 0" });
    }
    let numbers = numbers.iter().map(ToString::to_string);
    let items: Vec<String> = numbers.chain(words.iter().map(|word| format!("'{word}'"))).collect();
    writer.text(" IN (");
    writer.text(&items.join(","));
    writer.text(")");
}

/// Writes a test whether the column contains a value.
pub(super) fn has_value(writer: &mut Writer<'_>, column: ScanColumn) {
    let property = writer.property(column);
    match property.ty {
        _ if property.storage.is_guaranteed => {
            writer.column(column);
            writer.text(" IS NOT NULL");
        }
        EdmType::Single | EdmType::Double => has_number(writer, column),
        EdmType::String { .. } if property.storage.is_textual => is_text(writer, column),
        ty if ty.bounds().is_some() => is_whole(writer, column),
        _ => {
            read(writer, column);
            writer.text(" IS NOT NULL");
        }
    }
}

fn is_text(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.text("typeof(");
    writer.column(column);
    writer.text(") = 'text'");
}

fn has_number(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.text("typeof(");
    writer.column(column);
    writer.text(") IN ('integer','real')");
}

/// Writes whether the column contains an integer of its type.
fn is_whole(writer: &mut Writer<'_>, column: ScanColumn) {
    let bounds = writer.property(column).ty.bounds();
    writer.text("((typeof(");
    writer.column(column);
    writer.text(") = 'integer' OR typeof(");
    writer.column(column);
    writer.text(") = 'real' AND ");
    read(writer, column);
    writer.text(" IS NOT NULL)");
    if let Some((min, max)) = bounds.filter(|bounds| *bounds != (i64::MIN, i64::MAX)) {
        writer.text(" AND ");
        between(writer, column, min, max);
    }
    writer.text(")");
}

/// Writes, after a comparison of the stored column, that the column has a value.
pub(super) fn and_has_value(writer: &mut Writer<'_>, column: ScanColumn) {
    writer.text(" AND ");
    match writer.property(column).ty {
        EdmType::Single | EdmType::Double => has_number(writer, column),
        EdmType::String { .. } => is_text(writer, column),
        ty if ty.bounds().is_some() => is_whole(writer, column),
        _ => {
            value(writer, column);
            writer.text(" IS NOT NULL");
        }
    }
}

/// Whether stored cells are compared with a constant: a cell that equals it is then a value.
pub(super) fn is_listable(entity_type: &EntityType, column: usize, constant: &Constant) -> bool {
    let property = &entity_type.properties[column];
    match (property.ty, constant) {
        (EdmType::Single | EdmType::Double, Constant::Double(value)) => !value.is_nan(),
        (
            EdmType::Single | EdmType::Double | EdmType::Decimal { scale: None, .. },
            Constant::Integer(_) | Constant::Decimal(_),
        ) => true,
        // A replacement character may be the displayed form of text that is stored differently.
        (EdmType::String { .. }, Constant::String(text)) => {
            (property.storage.is_textual || is_sound_in(entity_type, column)) && !text.contains('\u{FFFD}')
        }
        (ty, Constant::Integer(value)) => ty.bounds().is_some_and(|(min, max)| (min..=max).contains(value)),
        _ => false,
    }
}

pub(super) fn order_check(entity_type: &EntityType, column: usize) -> Option<String> {
    let property = &entity_type.properties[column];
    let is_text = matches!(property.ty, EdmType::String { .. });
    let serves = match property.storage.index {
        Some(Collation::Named(_) | Collation::Linguistic | Collation::Unknown) => !is_text,
        Some(Collation::Binary) | None => true,
    };
    if !serves
        || (is_text && !property.storage.is_textual)
        || !property.storage.layout.is_ordered(property.ty)
    {
        return None;
    }
    Some(check(entity_type, column))
}

pub(super) fn layout_check(entity_type: &EntityType, column: usize) -> Option<String> {
    let property = &entity_type.properties[column];
    let is_text = matches!(property.ty, EdmType::String { .. });
    // An index of text either has byte order or cannot be used here.
    let serves = match property.storage.index {
        Some(Collation::Binary) => !is_text || property.storage.is_textual,
        Some(Collation::Named(_)) => !is_text,
        Some(Collation::Linguistic | Collation::Unknown) | None => false,
    };
    let is_known = is_sound_in(entity_type, column) || property.storage.layout == Layout::NONE;
    (serves && !is_known).then(|| check(entity_type, column))
}

/// A statement that checks whether all cells of a column are null or in its layout; for text, whether they
/// are text.
fn check(entity_type: &EntityType, column: usize) -> String {
    let mut writer = Writer::of_table(Dialect::Sqlite, entity_type);
    let column = ScanId::FIRST.column(column);
    writer.text("SELECT NOT EXISTS (SELECT 1 FROM ");
    writer.every_row(column.scan);
    writer.text(" WHERE ");
    stored(&mut writer, column);
    // Text is above numbers, and bytes are above text: the index knows whether there are any.
    match writer.property(column).ty {
        EdmType::Single | EdmType::Double => writer.text(" >= '')"),
        EdmType::String { .. } => writer.text(" >= x'')"),
        ty => {
            writer.text(" IS NOT NULL AND NOT ");
            if let Some((min, max)) = ty.bounds() {
                writer.text("(typeof(");
                writer.column(column);
                writer.text(") = 'integer' AND ");
                between(&mut writer, column, min, max);
                writer.text(")");
            } else {
                in_layout(&mut writer, column);
            }
            writer.text(")");
        }
    }
    writer.sql
}

/// Writes the digest of a term.
pub(super) fn digest(writer: &mut Writer<'_>, term: &Typed) {
    writer.text(functions::DIGEST);
    writer.text("(");
    writer.sort_term(term);
    writer.text(")");
}

/// The stored form of a constant in the layout of a column, or `None` if it has none.
pub(super) fn stored_constant(entity_type: &EntityType, column: usize, constant: &Constant) -> Option<Value> {
    let property = &entity_type.properties[column];
    let is_same = Class::from(property.ty) == constant.class()
        || (Class::from(property.ty).is_numeric() && constant.class().is_numeric());
    is_same.then(|| property.reading().stored(property.storage.layout, &constant.compared()))?
}

/// Whether a column is the whole key, and a search for all stored forms of a value takes longer than one for
/// the usual form.
pub(super) fn is_looked_up(entity_type: &EntityType, column: usize) -> bool {
    let ty = entity_type.properties[column].ty;
    let is_wide =
        matches!(ty, EdmType::Guid | EdmType::TimeOfDay | EdmType::DateTimeOffset | EdmType::Duration);
    is_wide && entity_type.key == [column]
}
