//! Comparisons. A constant is compared with the stored column, so that an index can serve it.

use std::cmp::Ordering;

use super::column::{self, BY_BYTES};
use super::constant::{self, Bound, Kept};
use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::form::Form;
use crate::model::Collation;
use crate::sql::Writer;
use crate::sql::clauses::symbol;
use crate::sql::kept::order;
use crate::tree::class::Class;
use crate::tree::column::ScanColumn;
use crate::tree::typed::{Comparison, Constant, Term, Typed};

/// The form in which a prefix is bound: as a pattern.
const PATTERN: u8 = 1;
/// The form in which a constant is bound beside a column.
const BESIDE: u8 = 2;

/// Whether SQL's operators compare a value as it is: not if it may be `NaN`, which equals nothing in OData, and not if a
/// constant has more digits than any value that is stored.
pub(super) fn is_direct(operand: &Typed) -> bool {
    match &operand.term {
        // No decimal that is stored equals an infinity.
        Term::Constant(Constant::Double(value)) => value.is_finite(),
        Term::Constant(constant) => Bound::beside(Kept::Other, constant).side == Ordering::Equal,
        _ => operand.class != Class::Double && !operand.may_be_no_number(),
    }
}

pub(super) fn compare(writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed) {
    writer.text("(");
    match (&left.term, &right.term) {
        (Term::Constant(one), Term::Constant(other)) => {
            constants(writer, comparison, (left, one), (right, other));
        }
        (_, Term::Constant(constant)) => beside(writer, comparison, left, constant),
        (Term::Constant(constant), _) => beside(writer, comparison.mirrored(), right, constant),
        _ => {
            let is_unordered = left.class == Class::String && !is_equality(comparison);
            side(writer, left);
            writer.text(if is_unordered { BY_BYTES } else { "" });
            writer.text(symbol(comparison));
            side(writer, right);
        }
    }
    writer.text(")");
}

/// Writes a side of a comparison: null if it is not a number.
pub(super) fn side(writer: &mut Writer<'_>, operand: &Typed) {
    if is_direct(operand) {
        return writer.operand(operand);
    }
    writer.text("NULLIF(");
    writer.operand(operand);
    writer.text(", 'NaN')");
}

/// Writes a constant in the type that it has beside the operand.
pub(super) fn value(writer: &mut Writer<'_>, operand: &Typed, constant: &Constant) {
    let kept = Kept::of(writer, operand);
    constant::bind(writer, constant, form_beside(kept), Bound::beside(kept, constant));
}

/// The form in which a constant is bound beside what is kept so.
fn form_beside(kept: Kept) -> u8 {
    if kept == Kept::Other { 0 } else { BESIDE }
}

/// Writes the comparison of two constants. Those of types that PostgreSQL has with fewer digits are compared here.
fn constants(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    (left, one): (&Typed, &Constant),
    (right, other): (&Typed, &Constant),
) {
    let Some(order) = order(one, other) else {
        writer.operand(left);
        writer.text(symbol(comparison));
        return writer.operand(right);
    };
    writer.text(writer.rules.boolean(comparison.is_met_by(order)));
}

/// Writes the comparison of an operand with a constant.
fn beside(writer: &mut Writer<'_>, comparison: Comparison, operand: &Typed, constant: &Constant) {
    let kept = Kept::of(writer, operand);
    let is_number = !matches!(constant, Constant::Double(value) if value.is_nan());
    let bound = Bound::beside(kept, constant);
    let Some(comparison) = comparison.beside(bound.side).filter(|_| is_number) else {
        return writer.text(writer.rules.boolean(comparison == Comparison::Ne));
    };
    let form = form_beside(kept);
    match operand.term {
        Term::Column(column) if !ends_with_blank(kept, &bound.value) => {
            left(writer, comparison, column);
            writer.text(symbol(comparison));
            constant::bind(writer, constant, form, bound);
            and_has_value(writer, comparison, column);
        }
        _ => {
            let bound = if kept == Kept::Padded { Bound::beside(Kept::Other, constant) } else { bound };
            let is_unordered = operand.class == Class::String && !is_equality(comparison);
            side(writer, operand);
            writer.text(if is_unordered { BY_BYTES } else { "" });
            writer.text(symbol(comparison));
            constant::bind(writer, constant, if kept == Kept::Padded { 0 } else { form }, bound);
        }
    }
}

fn is_equality(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Eq | Comparison::Ne)
}

/// Whether a text that PostgreSQL takes for one without its blanks is compared with a column of fixed length.
fn ends_with_blank(kept: Kept, value: &Value) -> bool {
    kept == Kept::Padded && matches!(value, Value::Text(text) if text.ends_with(' '))
}

/// Writes a column beside a constant, as it is stored.
fn left(writer: &mut Writer<'_>, comparison: Comparison, column: ScanColumn) {
    let property = writer.property(column);
    match (property.ty, property.storage.form) {
        (EdmType::String { .. }, Form::Padded) if is_equality(comparison) => {
            writer.column(column);
            let is_apart = property.storage.collation != Collation::Unknown;
            writer.text(if is_apart { "" } else { BY_BYTES });
        }
        (EdmType::String { .. }, form) if !is_equality(comparison) => {
            let is_in_order = property.storage.collation == Collation::Binary && form != Form::Converted;
            match form {
                Form::Converted => column::shown(writer, column),
                _ => writer.column(column),
            }
            writer.text(if is_in_order { "" } else { BY_BYTES });
        }
        (EdmType::String { .. }, _) => column::beside_equal(writer, column),
        (EdmType::Single | EdmType::DateTimeOffset | EdmType::Duration, Form::Converted) => {
            column::value(writer, column);
        }
        (EdmType::Single | EdmType::DateTimeOffset | EdmType::Duration, _) => writer.column(column),
        _ => column::shown(writer, column),
    }
}

/// Writes what a stored column must also fulfil if such a comparison holds.
fn and_has_value(writer: &mut Writer<'_>, comparison: Comparison, column: ScanColumn) {
    match writer.property(column).ty {
        // PostgreSQL has what is not a number above all numbers.
        EdmType::Single | EdmType::Double if matches!(comparison, Comparison::Gt | Comparison::Ge) => {
            writer.text(" AND ");
            writer.column(column);
            writer.text(" < 'NaN'");
        }
        EdmType::Single | EdmType::Double => {}
        // It also has a month equal to 30 days.
        EdmType::Duration => column::and_has_value(writer, column),
        _ if is_equality(comparison) => {}
        _ => column::and_has_value(writer, column),
    }
}

/// Writes a search for a literal prefix as a pattern, which an index can serve.
pub(super) fn begins(writer: &mut Writer<'_>, arguments: &[Typed]) -> bool {
    let [Typed { term: Term::Column(column), .. }, Typed { term: Term::Constant(constant), .. }] = arguments
    else {
        return false;
    };
    let Constant::String(prefix) = constant else { return false };
    let storage = writer.property(*column).storage;
    if prefix.contains('\0') || matches!(storage.form, Form::Converted | Form::Padded) {
        return false;
    }
    writer.column(*column);
    // Patterns need a collation that tells all texts apart.
    writer.text(if storage.collation == Collation::Unknown { BY_BYTES } else { "" });
    writer.text(" LIKE ");
    writer.repeated(constant, PATTERN, Value::Text(pattern(prefix)));
    true
}

/// A pattern for all texts that begin with a prefix.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for character in prefix.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
