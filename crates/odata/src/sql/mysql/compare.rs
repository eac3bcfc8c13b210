//! Comparisons. A constant is compared with the stored column, so that an index can serve it.

use std::cmp::Ordering;

use super::column;
use super::constant::{self, Bound, Kept};
use crate::cell::Value;
use crate::form::Form;
use crate::model::Property;
use crate::sql::Writer;
use crate::sql::clauses::symbol;
use crate::tree::class::Class;
use crate::tree::column::ScanColumn;
use crate::tree::typed::{Comparison, Constant, Term, Typed};

/// The form in which a prefix is bound: as a pattern.
const PATTERN: u8 = 1;
/// The form in which a constant is bound beside a column.
const BESIDE: u8 = 2;
/// The form in which a text is bound to be compared by the collation of a column.
const COLLATED: u8 = 5;

/// What marks the next character of a pattern as none of a pattern. A backslash would depend on a setting.
const ESCAPE: char = '|';

/// Whether SQL's operators compare a value as it is: not if a constant has more digits than any value that is stored, and
/// not a column of single precision, whose values stand for shorter numbers.
pub(super) fn is_direct(operand: &Typed) -> bool {
    match &operand.term {
        Term::Constant(constant) => Bound::beside(Kept::Other, constant).side == Ordering::Equal,
        Term::Column(_) => operand.class != Class::Double,
        _ => true,
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
            writer.operand(left);
            writer.text(symbol(comparison));
            writer.operand(right);
        }
    }
    writer.text(")");
}

/// Writes the comparison of two constants. Those of types that MySQL has with fewer digits are compared here.
fn constants(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    (left, one): (&Typed, &Constant),
    (right, other): (&Typed, &Constant),
) {
    if constant::is_no_number(one) || constant::is_no_number(other) {
        return writer.text(writer.rules.boolean(comparison == Comparison::Ne));
    }
    let Some(order) = constant::order(one, other) else {
        writer.operand(left);
        writer.text(symbol(comparison));
        return writer.operand(right);
    };
    writer.text(writer.rules.boolean(comparison.is_met_by(order)));
}

/// Writes the comparison of an operand with a constant.
fn beside(writer: &mut Writer<'_>, comparison: Comparison, operand: &Typed, constant: &Constant) {
    let kept = Kept::of(writer, operand);
    let bound = Bound::beside(kept, constant);
    let is_number = !constant::is_no_number(constant);
    let Some(comparison) = comparison.beside(bound.side).filter(|_| is_number) else {
        return writer.text(writer.rules.boolean(comparison == Comparison::Ne));
    };
    let form = if kept == Kept::Other { 0 } else { BESIDE };
    match (&operand.term, constant) {
        (Term::Column(column), Constant::String(text)) => {
            text_beside(writer, comparison, *column, constant, text);
        }
        (Term::Column(column), Constant::Boolean(value)) if comparison == Comparison::Eq => {
            writer.rules.is(writer, *column, *value);
        }
        (Term::Column(column), _) => {
            if comparison == Comparison::Ne {
                column::beside_different(writer, *column);
            } else {
                column::beside_equal(writer, *column);
            }
            writer.text(symbol(comparison));
            constant::bind(writer, constant, form, bound);
            if !is_equality(comparison) {
                column::and_has_value(writer, *column);
            }
        }
        _ => {
            writer.operand(operand);
            writer.text(symbol(comparison));
            constant::bind(writer, constant, form, bound);
        }
    }
}

fn is_equality(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::Eq | Comparison::Ne)
}

/// Writes the comparison of a text. The collation of the column takes at least equal texts for equal, so an index can find
/// candidates in it; the bytes decide.
fn text_beside(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    column: ScanColumn,
    constant: &Constant,
    text: &str,
) {
    let property = writer.property(column);
    let is_by_bytes = column::is_by_bytes(property);
    let has_collation = property.storage.form != Form::Converted && may_be_stored(property, text);
    if is_by_bytes || (comparison == Comparison::Eq && has_collation) {
        writer.column(column);
        writer.text(symbol(comparison));
        writer.repeated(constant, COLLATED, Value::Text(text.to_owned()));
        if is_by_bytes {
            return;
        }
        writer.text(" AND ");
    }
    column::bytes(writer, column);
    writer.text(symbol(comparison));
    writer.constant(constant);
}

/// Whether the character set of the column has the characters of a text: that of a column that is not in Unicode may have
/// ASCII only, and the server refuses to compare the column with others.
fn may_be_stored(property: &Property, text: &str) -> bool {
    property.storage.is_textual || text.is_ascii()
}

/// Writes a search for a literal prefix as a pattern, which an index can serve. It may find more, so that the bytes decide.
pub(super) fn begins(writer: &mut Writer<'_>, arguments: &[Typed]) -> bool {
    let [Typed { term: Term::Column(column), .. }, Typed { term: Term::Constant(constant), .. }] = arguments
    else {
        return false;
    };
    let Constant::String(prefix) = constant else { return false };
    let property = writer.property(*column);
    let storage = property.storage;
    if storage.form == Form::Converted || !may_be_stored(property, prefix) || prefix.is_empty() {
        return false;
    }
    writer.text("(");
    writer.column(*column);
    writer.text(" LIKE ");
    writer.repeated(constant, PATTERN, Value::Text(pattern(prefix)));
    writer.text(" ESCAPE '|'");
    if !column::is_by_bytes(property) {
        writer.text(" AND LOCATE(");
        writer.constant(constant);
        writer.text(", ");
        column::bytes(writer, *column);
        writer.text(") = 1");
    }
    writer.text(")");
    true
}

/// A pattern for all texts that begin with a prefix.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for character in prefix.chars() {
        if matches!(character, ESCAPE | '%' | '_') {
            pattern.push(ESCAPE);
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
