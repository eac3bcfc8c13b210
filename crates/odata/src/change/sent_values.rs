//! What a change gives to properties, compared with what the database has made of it. A type of a database may round a number, cut
//! a fraction of a second, drop blanks or spell a value otherwise without an error; whoever sent the value would never know.

use std::collections::HashMap;

use super::json::{self, JsonValue};
use super::value::written_out;
use crate::cell::{Cell, Row, TypedCell, Value};
use crate::edm_type::EdmType;
use crate::error::{Error, Reason};
use crate::form::{Form, Reading};
use crate::model::EntityType;
use crate::tree::class::Class;
use crate::tree::new_value::{NewValue, NewValues};
use crate::tree::typed::Constant;

/// How deep a JSON value may be to be compared.
const MOST_LEVELS: usize = 100;

/// The values that a change gives to properties, by their names.
#[derive(Debug)]
pub struct SentValues(Vec<(String, NewValue)>);

impl SentValues {
    pub(super) fn of(entity_type: &EntityType, values: &NewValues<'_>) -> Self {
        let name = |index: usize| entity_type.properties[index].name.clone();
        Self(values.iter().map(|(index, value)| (name(*index), NewValue::clone(value))).collect())
    }

    /// Whether it gives a value to a property.
    fn gives(&self, name: &str) -> bool {
        self.0.iter().any(|(given, value)| given == name && matches!(value, NewValue::Value(_)))
    }

    /// Why nobody finds a new row by the key that it was given: the database has made another one of it. `None` if a trigger may have
    /// done so, or if none was given.
    pub(super) fn other_key(&self, entity_type: &EntityType) -> Option<Error> {
        let key = entity_type.key.iter().map(|index| entity_type.properties[*index].name.as_str());
        let given: Vec<&str> = key.filter(|name| self.gives(name)).collect();
        let is_told = !entity_type.may_rewrite && !given.is_empty();
        is_told.then(|| Reason::NotKept(given.join(", ")).at("body", 0))
    }

    /// Makes sure that the row, which has all properties of the type, has these values. Where a trigger may have given it other
    /// ones, nobody can tell.
    ///
    /// # Errors
    /// If one of them has become another value.
    pub fn is_kept(&self, entity_type: &EntityType, row: &impl Row) -> Result<(), Error> {
        if entity_type.may_rewrite {
            return Ok(());
        }
        for (name, value) in &self.0 {
            let Some((index, property)) = entity_type.property(name) else { continue };
            if !is_same(property.reading(), row.cell(index), value) {
                return Err(Reason::NotKept(name.clone()).at("body", 0));
            }
        }
        Ok(())
    }
}

/// Whether a cell certainly represents this value.
pub(super) fn is_kept_exactly(reading: Reading, cell: Cell<'_>, value: &NewValue) -> bool {
    let is_comparable = match value {
        NewValue::Null => true,
        NewValue::Default(_) => false,
        NewValue::Value(constant) => constant.class() == Class::from(reading.ty),
    };
    is_comparable && is_same(reading, cell, value)
}

/// Whether a cell represents this value.
fn is_same(reading: Reading, cell: Cell<'_>, value: &NewValue) -> bool {
    let constant = match value {
        NewValue::Default(_) => return true,
        NewValue::Null => return cell == Cell::Null,
        NewValue::Value(constant) => constant,
    };
    // A reference gives the value of a column of another type, and the database compares the two itself.
    if constant.class() != Class::from(reading.ty) {
        return true;
    }
    match (constant, cell) {
        (Constant::Boolean(value), Cell::Typed(TypedCell::Boolean(kept))) => *value == kept,
        (Constant::Decimal(text), Cell::Typed(typed)) => {
            typed.text().and_then(|kept| written_out(&kept)) == written_out(text)
        }
        (Constant::Double(value), cell) => is_same_number(reading, cell, *value),
        (Constant::String(text), Cell::Typed(TypedCell::Json(kept))) if reading.form == Form::Converted => {
            std::str::from_utf8(kept).is_ok_and(|kept| kept == text || is_same_json(kept, text))
        }
        // The column may be one of JSON. What is no list, object or string may be a word or a number of another type.
        (Constant::String(text), Cell::Text(kept)) if reading.form == Form::Converted => {
            let may_be_json = text.trim_start().starts_with(['[', '{', '"']);
            std::str::from_utf8(kept)
                .is_ok_and(|kept| kept == text || may_be_json && is_same_json(kept, text))
        }
        (constant, cell) => reading.read(cell).is_some_and(|kept| kept.into_value() == constant.compared()),
    }
}

/// Whether a cell has the floating-point number that is nearest to this one.
#[expect(clippy::float_cmp, reason = "nothing but the number itself is meant, and the two zeros are one")]
fn is_same_number(reading: Reading, cell: Cell<'_>, value: f64) -> bool {
    let nearest = |value: f64| match reading.ty {
        #[expect(clippy::cast_possible_truncation, reason = "the type has single precision")]
        EdmType::Single => f64::from(value as f32),
        _ => value,
    };
    let kept = match reading.read(cell).map(crate::form::read::Held::into_value) {
        Some(Value::Real(kept)) => kept,
        #[expect(clippy::cast_precision_loss, reason = "a number that was sent is one of the type")]
        Some(Value::Integer(kept)) => kept as f64,
        _ => return false,
    };
    nearest(kept).to_bits() == nearest(value).to_bits() || nearest(kept) == nearest(value)
}

/// Whether two JSON texts mean the same: blanks, the order of members and the spelling of numbers do not matter.
fn is_same_json(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (json::read(one), json::read(other)) else { return false };
    let mut pairs = vec![(one, other, 0)];
    while let Some((one, other, level)) = pairs.pop() {
        let is_same = match (one, other) {
            (JsonValue::Number(one), JsonValue::Number(other)) => {
                one == other || written_out(one).is_some_and(|one| Some(one) == written_out(other))
            }
            (JsonValue::List(one), JsonValue::List(other)) if level < MOST_LEVELS => {
                match (one.items(), other.items()) {
                    (Ok(one), Ok(other)) if one.len() == other.len() => {
                        pairs.extend(one.into_iter().zip(other).map(|(one, other)| (one, other, level + 1)));
                        true
                    }
                    _ => false,
                }
            }
            (JsonValue::Object(one), JsonValue::Object(other)) if level < MOST_LEVELS => {
                match (one.members(), other.members()) {
                    (Ok(one), Ok(other)) if one.len() == other.len() => {
                        let mut other: HashMap<String, JsonValue<'_>> = other.into_iter().collect();
                        one.into_iter().all(|(name, one)| {
                            let other = other.remove(&name);
                            other.is_some_and(|other| {
                                pairs.push((one, other, level + 1));
                                true
                            })
                        })
                    }
                    _ => false,
                }
            }
            (JsonValue::List(_) | JsonValue::Object(_), _) => false,
            (one, other) => one == other,
        };
        if !is_same {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_if_the_cell_represents_it() {
        let text = EdmType::String { max_length: None };
        let decimal = EdmType::Decimal { precision: Some(5), scale: Some(2) };
        let string = |text: &str| Constant::String(text.to_owned());
        for (ty, constant, cell, expected) in [
            (EdmType::Boolean, Constant::Boolean(true), Cell::Typed(TypedCell::Boolean(true)), true),
            (EdmType::Boolean, Constant::Boolean(true), Cell::Integer(0), false),
            (EdmType::Int16, Constant::Integer(24), Cell::Integer(2024), false),
            (decimal, Constant::Decimal("1.5".into()), Cell::Typed(TypedCell::Decimal("1.50")), true),
            (decimal, Constant::Decimal("1.505".into()), Cell::Typed(TypedCell::Decimal("1.51")), false),
            (decimal, Constant::Decimal("1.5".into()), Cell::Real(1.5), true),
            (EdmType::Single, Constant::Double(0.1), Cell::Typed(TypedCell::Single(0.1)), true),
            (EdmType::Single, Constant::Double(0.12), Cell::Typed(TypedCell::Single(0.1)), false),
            (EdmType::Double, Constant::Double(3.0), Cell::Integer(3), true),
            (EdmType::Double, Constant::Double(f64::NAN), Cell::Real(f64::NAN), true),
            (EdmType::Double, Constant::Double(0.1), Cell::Null, false),
            (text, string("a "), Cell::Text(b"a"), false),
            (text, string("a"), Cell::Text(b"A"), false),
            (
                text,
                string("{\"b\":1,\"a\":[1e2]}"),
                Cell::Typed(TypedCell::Json(b"{\"a\": [100], \"b\": 1}")),
                true,
            ),
            (text, string("{\"a\":1,\"a\":2}"), Cell::Typed(TypedCell::Json(b"{\"a\": 2}")), false),
            (text, string("[1.00000000000000001]"), Cell::Typed(TypedCell::Json(b"[1.0]")), false),
            (text, string("[1, [2]]"), Cell::Typed(TypedCell::Json(b"[1, {}]")), false),
            (EdmType::Binary, Constant::Binary(vec![1]), Cell::Blob(&[1, 0]), false),
        ] {
            let is_json = matches!(cell, Cell::Typed(TypedCell::Json(_)));
            let form = if is_json { Form::Converted } else { Form::Canonical };
            let reading = Reading { ty, form };
            let value = NewValue::Value(constant);
            assert_eq!(is_same(reading, cell, &value), expected, "{ty:?} {value:?} {cell:?}");
        }
        let reading = Reading { ty: text, form: Form::Canonical };
        assert!(is_same(reading, Cell::Null, &NewValue::Null));
        assert!(!is_same(reading, Cell::Text(b""), &NewValue::Null));
        assert!(is_same(reading, Cell::Text(b"x"), &NewValue::Default(None)));
    }

    #[test]
    fn deep_json_is_not_followed_without_end() {
        let nested = |inner: &str, depth: usize| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_same_json(&nested("1", 50), &nested(" 1 ", 50)));
        assert!(!is_same_json(&nested("1", 50), &nested("2", 50)));
        assert!(!is_same_json(&nested("1", 100_000), &nested(" 1", 100_000)));
    }
}
