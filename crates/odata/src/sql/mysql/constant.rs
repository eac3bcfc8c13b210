//! Constants and positions as parameters: in which type they are bound, and where they are among the values that a type
//! of MySQL has.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::civil::Date;

use super::column;
use crate::cell::Value;
use crate::duration::Duration;
use crate::edm_type::EdmType;
use crate::error::Reason;
use crate::instant::{ClockTime, Moment, date_text};
use crate::literal;
use crate::position::Mark;
use crate::sql::{Writer, kept};
use crate::tree::class::Class;
use crate::tree::typed::{Constant, Term, Typed, numeric};

/// The maximum numbers of digits of a decimal number, and of those after the point.
const MOST_DIGITS: usize = 65;
const MOST_AFTER_POINT: usize = 30;

/// The types of operands, as far as they have other values than the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// A column of single precision.
    Single,
    Decimal,
    Double,
    Other,
}

/// A value with the type to which it is converted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    value: Value,
    /// The type of a cast, or nothing.
    cast: Cow<'static, str>,
    /// How the constant compares with the value. No other value is between the two.
    pub(super) side: Ordering,
}

impl Kept {
    pub(super) fn of(writer: &Writer<'_>, operand: &Typed) -> Self {
        if let Term::Column(column) | Term::Stored(column) = operand.term
            && writer.property(column).ty == EdmType::Single
        {
            return Self::Single;
        }
        match operand.class {
            Class::Decimal => Self::Decimal,
            Class::Double => Self::Double,
            _ => Self::Other,
        }
    }
}

impl Bound {
    fn exact(value: Value, cast: &'static str) -> Self {
        Self { value, cast: Cow::Borrowed(cast), side: Ordering::Equal }
    }

    fn text(text: String, cast: &'static str) -> Self {
        Self::exact(Value::Text(text), cast)
    }

    fn above(self, is_above: bool) -> Self {
        Self { side: if is_above { Ordering::Greater } else { Ordering::Equal }, ..self }
    }

    /// The value beside which a constant is among the values of an operand.
    pub(super) fn beside(kept: Kept, constant: &Constant) -> Self {
        match (kept, constant) {
            (Kept::Single, constant) => single(constant),
            (Kept::Decimal, Constant::Double(value)) if value.is_finite() => decimal(&value.to_string()),
            (Kept::Double, Constant::Decimal(text)) => double(text.parse().unwrap_or(f64::NAN)),
            (_, constant) => Self::of(constant),
        }
    }

    /// The value of a constant by itself.
    fn of(constant: &Constant) -> Self {
        match constant {
            Constant::Boolean(value) => Self::exact(Value::Integer(i64::from(*value)), ""),
            Constant::Integer(value) => Self::exact(Value::Integer(*value), ""),
            Constant::Decimal(text) => match numeric::whole(text) {
                Some(whole) => Self::exact(Value::Integer(whole), ""),
                None => decimal(text),
            },
            Constant::Double(value) => double(*value),
            Constant::String(text) => Self::text(text.clone(), "BINARY"),
            Constant::Guid(guid) => Self::text(literal::guid_text(guid), ""),
            Constant::Date(date) => day(*date),
            Constant::TimeOfDay(clock) => {
                Self::text(kept::clock_text(*clock), "TIME(6)").above(clock.is_finer_than_microseconds())
            }
            Constant::DateTimeOffset(moment) => Self::text(moment_text(*moment), "DATETIME(6)")
                .above(moment.clock().is_finer_than_microseconds()),
            Constant::Duration(text) => {
                Self::text(Duration::read(text).map(Duration::ordered).unwrap_or_default(), "BINARY")
            }
            Constant::Binary(bytes) => Self::exact(Value::Blob(bytes.clone()), "BINARY"),
        }
    }
}

/// The parameter with which a constant is assigned to a column, whose type converts it; `None` if MySQL has no such value.
pub(super) fn assigned(constant: &Constant) -> Option<Value> {
    Some(match constant {
        Constant::Boolean(value) => Value::Integer(i64::from(*value)),
        Constant::Integer(value) => Value::Integer(*value),
        Constant::Decimal(text) => {
            numeric::whole(text).map_or_else(|| Value::Text(text.clone()), Value::Integer)
        }
        Constant::Double(value) => Value::Real(Some(*value).filter(|value| value.is_finite())?),
        Constant::String(text) => Value::Text(text.clone()),
        Constant::Guid(guid) => Value::Text(literal::guid_text(guid)),
        Constant::Date(date) => Value::Text(date_text(*date)),
        Constant::TimeOfDay(clock) => Value::Text(kept::clock_text(*clock)),
        Constant::DateTimeOffset(moment) => Value::Text(moment_text(*moment)),
        // No column is served as a duration.
        Constant::Duration(_) => return None,
        Constant::Binary(bytes) => Value::Blob(bytes.clone()),
    })
}

/// A decimal number with as many digits as MySQL keeps.
fn decimal(text: &str) -> Bound {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let beyond = if sign.is_empty() { Ordering::Greater } else { Ordering::Less };
    if whole.len() > MOST_DIGITS {
        let cast = Cow::Owned(format!("DECIMAL({MOST_DIGITS},0)"));
        return Bound {
            value: Value::Text(format!("{sign}{}", "9".repeat(MOST_DIGITS))),
            cast,
            side: beyond,
        };
    }
    let scale = fraction.len().min(MOST_AFTER_POINT).min(MOST_DIGITS - whole.len());
    let (fraction, cut) = fraction.split_at(scale);
    let precision = (whole.len() + scale).max(1);
    let side = if cut.bytes().all(|digit| digit == b'0') { Ordering::Equal } else { beyond };
    let value = Value::Text(format!("{sign}{}.{fraction}", if whole.is_empty() { "0" } else { whole }));
    Bound { value, cast: Cow::Owned(format!("DECIMAL({precision},{scale})")), side }
}

/// A number beside doubles, none of which is infinite.
fn double(value: f64) -> Bound {
    let side = match value {
        f64::INFINITY => Ordering::Greater,
        f64::NEG_INFINITY => Ordering::Less,
        _ => Ordering::Equal,
    };
    let value = if value.is_nan() { 0.0 } else { value.clamp(f64::MIN, f64::MAX) };
    Bound { side, ..Bound::exact(Value::Real(value), "") }
}

/// A number beside those of single precision, each of which stands for the shortest number that is stored as it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the nearest number is asked for"
)]
fn single(constant: &Constant) -> Bound {
    let wanted = match constant {
        Constant::Integer(value) => *value as f64,
        Constant::Decimal(text) => text.parse().unwrap_or(f64::NAN),
        Constant::Double(value) => *value,
        other => return Bound::of(other),
    };
    let nearest = (wanted as f32).clamp(f32::MIN, f32::MAX);
    let shown: f64 = nearest.to_string().parse().unwrap_or(f64::from(nearest));
    let side = wanted.partial_cmp(&shown).unwrap_or(Ordering::Equal);
    let nearest = if nearest.is_nan() { 0.0 } else { nearest };
    Bound { side, ..Bound::exact(Value::Real(f64::from(nearest)), "") }
}

/// A date; those before the year 0 are before all that are values.
fn day(date: Date) -> Bound {
    let is_before = date.year() < 0;
    let date = if is_before { Date::constant(0, 1, 1) } else { date };
    let side = if is_before { Ordering::Less } else { Ordering::Equal };
    Bound { side, ..Bound::text(date_text(date), "DATE") }
}

/// An instant to the microsecond.
fn moment_text(moment: Moment) -> String {
    format!("{} {}", date_text(moment.date()), kept::clock_text(moment.clock()))
}

/// Whether a constant is `NaN`, which is equal to nothing.
pub(super) fn is_no_number(constant: &Constant) -> bool {
    matches!(constant, Constant::Double(value) if value.is_nan())
}

fn is_infinite(constant: &Constant) -> bool {
    matches!(constant, Constant::Double(value) if value.is_infinite())
}

/// The order of two constants of a type that MySQL has with fewer values than OData.
pub(super) fn order(one: &Constant, other: &Constant) -> Option<Ordering> {
    if is_infinite(one) || is_infinite(other) {
        return real(one)?.partial_cmp(&real(other)?);
    }
    kept::order(one, other)
}

/// The nearest double, where one side is infinite.
#[expect(clippy::cast_precision_loss, reason = "the nearest number is asked for")]
fn real(constant: &Constant) -> Option<f64> {
    match constant {
        Constant::Integer(value) => Some(*value as f64),
        Constant::Decimal(text) => text.parse::<f64>().ok().map(|value| value.clamp(f64::MIN, f64::MAX)),
        Constant::Double(value) => Some(*value),
        _ => None,
    }
}

/// Writes a constant as an operand: cut to what the type keeps.
pub(super) fn write(writer: &mut Writer<'_>, constant: &Constant) {
    match constant {
        Constant::Boolean(value) => return writer.text(writer.rules.boolean(*value)),
        Constant::Double(value) if !value.is_finite() => {
            writer.refuse(Reason::NotImplemented(
                "a number that is infinite, or none, in this place".to_owned(),
            ));
        }
        _ => {}
    }
    bind(writer, constant, 0, Bound::of(constant));
}

/// Writes a value that is derived from `owner`.
pub(super) fn bind<T>(writer: &mut Writer<'_>, owner: &T, form: u8, Bound { value, cast, .. }: Bound) {
    if cast.is_empty() {
        return writer.repeated(owner, form, value);
    }
    writer.text("CAST(");
    writer.repeated(owner, form, value);
    writer.text(" AS ");
    writer.text(&cast);
    writer.text(")");
}

/// Whether an operand has a value that is equal to the constant.
pub(super) fn can_equal(writer: &Writer<'_>, operand: &Typed, constant: &Constant) -> bool {
    if is_no_number(constant) {
        return false;
    }
    if let Term::Constant(one) = &operand.term
        && let Some(order) = order(one, constant)
    {
        return order.is_eq();
    }
    Bound::beside(Kept::of(writer, operand), constant).side == Ordering::Equal
}

/// Writes the value of a position for a term of an order.
pub(super) fn marked(writer: &mut Writer<'_>, term: &Typed, mark: &Mark, form: u8, value: &Value) {
    let is_collated = match term.term {
        Term::Stored(column) => column::is_stored_as_text(writer.entity_type(column.scan), column.property),
        Term::Column(column) => column::sorts_by_bytes(writer.property(column)),
        _ => false,
    };
    match placed(term.class, is_collated, value) {
        Some(bound) => bind(writer, mark, form, bound),
        None => writer.text("NULL"),
    }
}

/// A value of a position in the type of its term; `None` for null. A text that the collation of a column compares has no
/// type of its own.
fn placed(class: Class, is_collated: bool, value: &Value) -> Option<Bound> {
    let text = |text: &String| match class {
        Class::Integer | Class::Decimal => Some(decimal(text)),
        Class::Guid => Some(Bound::text(text.clone(), "")),
        Class::Date => literal::date(text).map(day),
        Class::TimeOfDay => {
            ClockTime::read(text).map(|clock| Bound::text(kept::clock_text(clock), "TIME(6)"))
        }
        Class::DateTimeOffset => {
            literal::stored_date_time(text).map(|moment| Bound::text(moment_text(moment), "DATETIME(6)"))
        }
        _ => Some(Bound::text(text.clone(), if is_collated { "" } else { "BINARY" })),
    };
    match value {
        Value::Null => None,
        Value::Integer(_) | Value::Real(_) => Some(Bound::exact(value.clone(), "")),
        Value::Blob(_) => Some(Bound::exact(value.clone(), "BINARY")),
        Value::Text(content) | Value::Untyped(content) => text(content),
        Value::RawText(bytes) => text(&String::from_utf8_lossy(bytes).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_the_digits_that_mysql_has() {
        for (text, value, cast, side) in [
            ("1.50", "1.50", "DECIMAL(3,2)", Ordering::Equal),
            ("-0.5", "-0.5", "DECIMAL(1,1)", Ordering::Equal),
            ("007", "7.", "DECIMAL(1,0)", Ordering::Equal),
            ("0", "0.", "DECIMAL(1,0)", Ordering::Equal),
        ] {
            let bound = decimal(text);
            assert_eq!(
                (bound.value, bound.cast.as_ref(), bound.side),
                (Value::Text(value.into()), cast, side)
            );
        }
        let long = format!("0.{}1", "0".repeat(30));
        assert_eq!(
            (decimal(&long).side, decimal(&format!("-{long}")).side),
            (Ordering::Greater, Ordering::Less)
        );
        let huge = "9".repeat(66);
        assert_eq!(decimal(&huge).side, Ordering::Greater);
        let wide = format!("{}.123", "9".repeat(64));
        assert_eq!(decimal(&wide).cast, "DECIMAL(65,1)");
        assert_eq!(decimal(&wide).side, Ordering::Greater);
    }

    #[test]
    fn no_double_is_infinite() {
        assert_eq!(double(f64::INFINITY).side, Ordering::Greater);
        assert_eq!(double(f64::NEG_INFINITY).value, Value::Real(f64::MIN));
        assert_eq!(single(&Constant::Double(f64::INFINITY)).side, Ordering::Greater);
        assert_eq!(single(&Constant::Double(0.1)).side, Ordering::Equal, "the number that is shown");
        let infinite = Constant::Double(f64::INFINITY);
        assert_eq!(order(&infinite, &infinite), Some(Ordering::Equal));
        assert_eq!(order(&infinite, &Constant::Integer(1)), Some(Ordering::Greater));
    }
}
