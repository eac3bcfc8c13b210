//! Values as the columns of SQLite store them.

use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::error::Reason;
use crate::model::{EntityType, Property};
use crate::sql::Writer;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::new_value::{NewValue, NewValues};
use crate::tree::typed::Constant;

/// The subquery with the defaults, which no column of the table is in the scope of.
const DEFAULTS: &str = "sluicegate_defaults";

/// The value to store for a constant, in the layout of the column if possible; `None` if it would come back as another one.
pub(super) fn stored(property: &Property, constant: &Constant) -> Option<Value> {
    let value = constant.compared();
    if let (Constant::Decimal(text), Value::Real(stored)) = (constant, &value)
        && stored.to_string() != *text
    {
        return None;
    }
    let assigned = property.reading().assigned(property.storage.layout, &value)?;
    match (&assigned, property.ty) {
        (Value::Text(text), EdmType::String { .. }) if property.storage.is_numeric => {
            (!reads_as_number(text) || is_shortest_number(text)).then_some(assigned)
        }
        (Value::Text(_), EdmType::Decimal { .. }) => Some(assigned),
        (Value::Text(text), _) if property.storage.is_numeric => (!reads_as_number(text)).then_some(assigned),
        _ => Some(assigned),
    }
}

/// Whether SQLite [converts the text to a number](https://www.sqlite.org/datatype3.html#type_affinity) in a column of numbers.
fn reads_as_number(text: &str) -> bool {
    // It reads no further than the first zero byte.
    let text = text.split_once('\0').map_or(text, |(before, _)| before);
    let text = text.trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// Whether a number is written as it comes back: an integer of 64 bits, or a fraction of digits that a double keeps.
fn is_shortest_number(text: &str) -> bool {
    const DIGITS_OF_DOUBLE: usize = 15;
    if let Ok(integer) = text.parse::<i64>() {
        return integer.to_string() == text;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits <= DIGITS_OF_DOUBLE
        && text.contains('.')
        && text.parse::<f64>().is_ok_and(|number| number.to_string() == text)
}

/// Writes the default of a column, which the [subquery](evaluated_defaults) returns.
pub(super) fn default(writer: &mut Writer<'_>, column: ScanColumn, expression: Option<&str>) {
    let property = writer.property(column);
    if expression.is_none() {
        return writer.refuse(Reason::NotImplemented(format!("the default of {}", property.name)));
    }
    let label = label(writer.entity_type(column.scan), column.property);
    writer.text(DEFAULTS);
    writer.text(".");
    writer.rules.identifier(&mut writer.sql, &label);
}

/// Writes a subquery that evaluates the defaults. An expression is what a table declares, so it must not become part of the statement where
/// a word in it would be the name of a column.
pub(super) fn evaluated_defaults(writer: &mut Writer<'_>, values: &NewValues<'_>) {
    let mut word = " FROM (SELECT ";
    for (property, value) in values {
        let NewValue::Default(Some(expression)) = &**value else { continue };
        writer.text(std::mem::replace(&mut word, ", "));
        writer.text("(");
        writer.text(expression);
        // It may end with a comment.
        writer.text("\n) AS ");
        let label = label(writer.entity_type(ScanId::FIRST), *property);
        writer.rules.identifier(&mut writer.sql, &label);
    }
    if word == ", " {
        writer.text(") AS ");
        writer.text(DEFAULTS);
    }
}

/// The name of a default in the subquery: no column of the table has it.
fn label(entity_type: &EntityType, property: usize) -> String {
    let mut label = format!("default{property}");
    while entity_type.properties.iter().any(|property| property.column.eq_ignore_ascii_case(&label)) {
        label.push('_');
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_sqlite_takes_for_numbers_are_known() {
        for text in [
            "0",
            "007",
            "-1",
            "+1",
            " 1 ",
            "1.",
            ".5",
            "1e3",
            "1E-3",
            "1.5e+07",
            "9223372036854775808",
            "7\0",
            "1e3\0abc",
        ] {
            assert!(reads_as_number(text), "{text}");
        }
        for text in [
            "", " ", "-", ".", "e5", "1e", "1e+", "1 2", "0x10", "1,5", "12-34", "inf", "nan", "1\u{a0}", "١",
        ] {
            assert!(!reads_as_number(text), "{text}");
        }
    }

    #[test]
    fn a_number_comes_back_as_it_was_written_or_is_refused() {
        for text in ["0", "7", "-12", "9223372036854775807", "1.5", "-0.25"] {
            assert!(is_shortest_number(text), "{text}");
        }
        for text in [
            "007",
            "-0",
            "+1",
            " 1",
            "1.0",
            "1.50",
            "1.",
            ".5",
            "1e3",
            "9223372036854775808",
            "0.1234567890123456",
            "7\0",
        ] {
            assert!(!is_shortest_number(text), "{text}");
        }
    }
}
