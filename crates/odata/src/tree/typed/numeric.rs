//! Exact comparisons of numbers that floating point would get wrong.

use super::{Arithmetic, Comparison, Constant, Term, Typed};
use crate::edm_type::EdmType;
use crate::form::MOST_DIGITS;
use crate::model::Property;
use crate::tree::class::Class;
use crate::tree::function::Function;

/// A literal that is compared with integers: the integer below it, and whether it is that integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Whole {
    floor: i128,
    exact: bool,
}

impl Whole {
    /// The same for a double.
    #[expect(clippy::cast_possible_truncation, reason = "what is beyond 128 bits is clamped")]
    fn below(value: f64) -> Self {
        Self { floor: value.floor() as i128, exact: value.fract() == 0.0 }
    }
}

/// The value of a decimal literal as a 64-bit integer, if it is one.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let whole = read(text);
    if whole.exact { i64::try_from(whole.floor).ok() } else { None }
}

/// Parses a decimal literal; a value far beyond 64 bits is clamped, because it compares in the same way.
fn read(text: &str) -> Whole {
    const FAR: i128 = i128::MAX / 2;
    let negative = text.starts_with('-');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.trim_start_matches(['+', '-']).trim_start_matches('0');
    let exact = fraction.bytes().all(|digit| digit == b'0');
    let magnitude = match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(FAR).min(FAR),
    };
    let floor = if negative { -magnitude - i128::from(!exact) } else { magnitude };
    Whole { floor, exact }
}

/// `floor`, `ceiling` or `round` of a decimal literal, without floating point; `None` for another function and for a
/// literal beyond 128 bits. A half is rounded away from zero.
pub(crate) fn rounded(function: Function, text: &str) -> Option<String> {
    let negative = text.starts_with('-');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let has_fraction = fraction.bytes().any(|digit| digit != b'0');
    let away_from_zero = match function {
        Function::Floor => negative && has_fraction,
        Function::Ceiling => !negative && has_fraction,
        Function::Round => fraction.bytes().next().is_some_and(|digit| digit >= b'5'),
        _ => return None,
    };
    let digits = whole.trim_start_matches(['+', '-']);
    let magnitude = if digits.is_empty() { 0 } else { digits.parse::<u128>().ok()? };
    let magnitude = magnitude.checked_add(u128::from(away_from_zero))?;
    let sign = if negative && magnitude > 0 { "-" } else { "" };
    Some(format!("{sign}{magnitude}"))
}

/// The comparison of an integer with a literal of another class or with the sum of an integer and a fraction, and of anything
/// with a literal that is not a number; `None` for any other comparison.
pub(super) fn exactly(comparison: Comparison, left: &Typed, right: &Typed) -> Option<Typed> {
    if is_no_number(left) || is_no_number(right) {
        return Some(constant(comparison == Comparison::Ne));
    }
    match (&left.term, &right.term) {
        (_, Term::Constant(Constant::Decimal(text))) if left.class == Class::Integer => {
            Some(beside_decimal(comparison, left, read(text)))
        }
        (Term::Constant(Constant::Decimal(text)), _) if right.class == Class::Integer => {
            Some(beside_decimal(comparison.mirrored(), right, read(text)))
        }
        (_, Term::Constant(Constant::Double(value))) if left.class == Class::Integer => {
            Some(beside_decimal(comparison, left, Whole::below(*value)))
        }
        (Term::Constant(Constant::Double(value)), _) if right.class == Class::Integer => {
            Some(beside_decimal(comparison.mirrored(), right, Whole::below(*value)))
        }
        _ => beside_fraction(comparison, left, right)
            .or_else(|| beside_fraction(comparison.mirrored(), right, left)),
    }
}

/// The comparison of `x add 0.5`, or with another fraction of one, with `y`, if both are integers: that of `x` with
/// `y`, because the sum is between two integers. Floating point cannot express the sum of a large integer.
fn beside_fraction(comparison: Comparison, sum: &Typed, y: &Typed) -> Option<Typed> {
    let (x, is_above) = with_fraction(sum).filter(|(x, _)| [x.class, y.class] == [Class::Integer; 2])?;
    let compare = |comparison| Typed::plain_comparison(comparison, x.clone(), y.clone());
    let known = |typed: &Typed, is: Comparison| Typed::plain_comparison(is, typed.clone(), Typed::null());
    // Two nulls are equal, and neither is greater.
    let both_null = || Typed::both(known(x, Comparison::Eq), known(y, Comparison::Eq));
    let may_be_null = x.nullable && y.nullable;
    Some(match (comparison, is_above) {
        (Comparison::Eq, _) if may_be_null => both_null(),
        (Comparison::Ne, _) if may_be_null => Typed::negated(both_null()),
        (Comparison::Eq, _) => constant(false),
        (Comparison::Ne, _) => constant(true),
        (Comparison::Lt | Comparison::Ge, true) | (Comparison::Gt | Comparison::Le, false) => {
            compare(comparison)
        }
        (Comparison::Gt, true) => Typed::both(compare(Comparison::Ge), known(x, Comparison::Ne)),
        (Comparison::Lt, false) => Typed::both(compare(Comparison::Le), known(x, Comparison::Ne)),
        (Comparison::Le, true) if may_be_null => Typed::either(compare(Comparison::Lt), both_null()),
        (Comparison::Ge, false) if may_be_null => Typed::either(compare(Comparison::Gt), both_null()),
        (Comparison::Le, true) => compare(Comparison::Lt),
        (Comparison::Ge, false) => compare(Comparison::Gt),
    })
}

/// The other operand of a sum or difference with a literal between 0 and 1, and whether the result is above it.
fn with_fraction(sum: &Typed) -> Option<(&Typed, bool)> {
    let Term::Arithmetic(operator, left, right) = &sum.term else { return None };
    let is_positive = |typed: &Typed| match &typed.term {
        Term::Constant(Constant::Decimal(text)) => match read(text) {
            Whole { floor: 0, exact: false } => Some(true),
            Whole { floor: -1, exact: false } => Some(false),
            _ => None,
        },
        _ => None,
    };
    match operator {
        Arithmetic::Add => match is_positive(right) {
            Some(positive) => Some((left, positive)),
            None => is_positive(left).map(|positive| (&**right, positive)),
        },
        Arithmetic::Sub => is_positive(right).map(|positive| (&**left, !positive)),
        _ => None,
    }
}

/// The number of digits after the point that the values of a property have at most, if they are rounded to it.
pub(crate) fn scale(property: &Property) -> Option<u16> {
    match property.ty {
        EdmType::Decimal { scale: Some(scale), .. } if scale <= MOST_DIGITS => Some(scale),
        _ => None,
    }
}

/// The comparison of a decimal with at most `scale` digits after the point with a literal that has more: no such
/// decimal equals it, and none is between it and the next lower one. `None` for any other right side.
pub(crate) fn beside_longer(
    comparison: Comparison,
    decimal: &Typed,
    scale: u16,
    right: &Typed,
) -> Option<Typed> {
    let Term::Constant(Constant::Decimal(text)) = &right.term else { return None };
    let floor = Typed::constant(Constant::Decimal(lower(text, scale)?));
    Some(match comparison {
        Comparison::Eq => constant(false),
        Comparison::Ne => constant(true),
        Comparison::Gt | Comparison::Ge => Typed::plain_comparison(Comparison::Gt, decimal.clone(), floor),
        Comparison::Lt | Comparison::Le => Typed::plain_comparison(Comparison::Le, decimal.clone(), floor),
    })
}

/// The next lower decimal with `scale` digits after the point; `None` if the literal itself is one, and for a
/// literal beyond 128 bits.
fn lower(text: &str, scale: u16) -> Option<String> {
    let (whole, fraction) = text.split_once('.')?;
    let (kept, rest) = fraction.split_at_checked(usize::from(scale))?;
    if rest.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let (sign, away) = if text.starts_with('-') { ("-", 1) } else { ("", 0) };
    let units: u128 = format!("{}{kept}", whole.trim_start_matches(['+', '-'])).parse().ok()?;
    let digits = format!("{:0width$}", units.checked_add(away)?, width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    Some(if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// An item in a list of integers: a literal as the integer that it is, or nothing if it is none.
pub(super) fn whole_item(item: Typed) -> Option<Typed> {
    match &item.term {
        Term::Constant(Constant::Decimal(text)) => {
            whole(text).map(|whole| Typed::constant(Constant::Integer(whole)))
        }
        _ if is_no_number(&item) => None,
        Term::Constant(Constant::Double(value)) => {
            let whole = Some(Whole::below(*value)).filter(|whole| whole.exact);
            let whole = whole.and_then(|whole| i64::try_from(whole.floor).ok());
            whole.map(|whole| Typed::constant(Constant::Integer(whole)))
        }
        _ => Some(item),
    }
}

fn is_no_number(typed: &Typed) -> bool {
    matches!(typed.term, Term::Constant(Constant::Double(value)) if value.is_nan())
}

fn constant(value: bool) -> Typed {
    Typed::constant(Constant::Boolean(value))
}

fn beside_decimal(comparison: Comparison, integer: &Typed, decimal: Whole) -> Typed {
    let compare = |comparison, value| {
        let value = Typed::constant(Constant::Integer(value));
        Typed::plain_comparison(comparison, integer.clone(), value)
    };
    let Ok(floor) = i64::try_from(decimal.floor) else {
        // Outside the range of the integer.
        let holds = match comparison {
            Comparison::Eq => return constant(false),
            Comparison::Ne => return constant(true),
            Comparison::Gt | Comparison::Ge => decimal.floor < 0,
            Comparison::Lt | Comparison::Le => decimal.floor > 0,
        };
        let known = || Typed::plain_comparison(Comparison::Ne, integer.clone(), Typed::null());
        return if holds { known() } else { constant(false) };
    };
    match comparison {
        _ if decimal.exact => compare(comparison, floor),
        Comparison::Eq => constant(false),
        Comparison::Ne => constant(true),
        Comparison::Gt | Comparison::Ge => compare(Comparison::Gt, floor),
        Comparison::Lt | Comparison::Le => compare(Comparison::Le, floor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_literals_are_rounded_to_the_last_digit() {
        for (text, floor, ceiling, round) in [
            ("9007199254740992.5", "9007199254740992", "9007199254740993", "9007199254740993"),
            ("9223372036854775806.5", "9223372036854775806", "9223372036854775807", "9223372036854775807"),
            (
                "-9223372036854775807.4",
                "-9223372036854775808",
                "-9223372036854775807",
                "-9223372036854775807",
            ),
            ("-0.5", "-1", "0", "-1"),
            ("-0.4", "-1", "0", "0"),
            ("+2.50", "2", "3", "3"),
            ("7.000", "7", "7", "7"),
        ] {
            let all =
                [Function::Floor, Function::Ceiling, Function::Round].map(|f| rounded(f, text).unwrap());
            assert_eq!(all, [floor, ceiling, round], "{text}");
        }
        assert_eq!(rounded(Function::Floor, &"9".repeat(40)), None);
        assert_eq!(rounded(Function::Length, "1.5"), None);
    }

    #[test]
    fn the_next_lower_decimal_has_the_digits_of_the_scale() {
        for (text, scale, floor) in [
            ("12.3400000000000000000001", 2, Some("12.34")),
            ("12.3499999999999999999999", 2, Some("12.34")),
            ("-12.3400000000000000000001", 2, Some("-12.35")),
            ("-0.001", 2, Some("-0.01")),
            ("+0.001", 2, Some("0.00")),
            ("-0.5", 0, Some("-1")),
            ("99.999", 2, Some("99.99")),
            ("-99.999", 2, Some("-100.00")),
            ("12.340", 2, None),
            ("12.3", 2, None),
            ("12", 2, None),
        ] {
            assert_eq!(lower(text, scale).as_deref(), floor, "{text}");
        }
        assert_eq!(lower(&format!("{}.001", "9".repeat(40)), 2), None);
    }

    #[test]
    fn decimal_literals_are_read_to_the_last_digit() {
        assert_eq!(whole("9223372036854775807.0"), Some(i64::MAX));
        assert_eq!(whole("-9223372036854775808.00"), Some(i64::MIN));
        assert_eq!(whole("+007"), Some(7));
        assert_eq!(whole("9223372036854775808"), None);
        assert_eq!(whole("0.5"), None);
        assert_eq!(read("-0.5"), Whole { floor: -1, exact: false });
        assert!(read(&"9".repeat(1_000)).floor > i128::from(i64::MAX));
        assert!(read(&format!("-{}.5", "9".repeat(1_000))).floor < i128::from(i64::MIN));
    }
}
