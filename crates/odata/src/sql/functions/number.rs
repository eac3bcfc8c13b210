//! Arithmetic. SQLite stores decimals as floating-point numbers; here they are computed as the decimal
//! numbers that they represent, so that 0.1 and 0.2 make 0.3, and integers stay exact to 64 bits.

use std::cmp::Ordering;

use crate::cell::{Cell, Value};
use crate::statement::Unanswerable;

/// A stored number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i64),
    Real(f64),
}

/// `digits` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    digits: i128,
    scale: u32,
}

/// The maximum number of digits after the point in a computation. Numbers with more are computed in floating
/// point.
const MAX_SCALE: u32 = 18;

/// The digits after the point of a quotient.
const QUOTIENT_DIGITS: i32 = 10;

impl Number {
    /// The number in a cell, even if it is stored as text; `None` if it is not a number.
    pub(super) fn of(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Integer(integer) => Some(Self::Whole(integer)),
            Cell::Real(real) => Some(Self::Real(real)),
            Cell::Text(text) => {
                let text = std::str::from_utf8(text).ok()?.trim_ascii();
                text.parse().map(Self::Whole).or_else(|_| text.parse().map(Self::Real)).ok()
            }
            Cell::Typed(typed) => match typed.whole() {
                Some(whole) => Some(Self::Whole(whole)),
                None => typed.real().map(Self::Real),
            },
            Cell::Null | Cell::Blob(_) => None,
        }
    }

    /// The nearest integer, half away from zero; `None` if it has more than 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "the number is between the bounds of the type")]
    pub(super) fn nearest_whole(self) -> Option<i64> {
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Real(real) => {
                let rounded = real.round();
                (-BEYOND..BEYOND).contains(&rounded).then_some(rounded as i64)
            }
        }
    }

    pub(super) fn value(self) -> Value {
        match self {
            Self::Whole(whole) => Value::Integer(whole),
            Self::Real(real) if real.is_nan() => Value::Null,
            Self::Real(real) => Value::Real(real),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "this is floating-point arithmetic")]
    pub(super) fn real(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }

    fn is_zero(self) -> bool {
        self.real() == 0.0
    }

    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(left), Self::Whole(right)) => Some(left.cmp(&right)),
            _ => self.real().partial_cmp(&other.real()),
        }
    }

    /// The shortest decimal number that represents this one.
    pub(super) fn decimal(self) -> Option<Decimal> {
        let real = match self {
            Self::Whole(whole) => return Some(Decimal { digits: whole.into(), scale: 0 }),
            // Above this, the text has more digits than the computation.
            Self::Real(real) if real.abs() < 1e18 => real,
            Self::Real(_) => return None,
        };
        let text = real.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let scale = u32::try_from(fraction.len()).ok().filter(|scale| *scale <= MAX_SCALE)?;
        let digits = format!("{whole}{fraction}").parse().ok()?;
        Some(Decimal { digits, scale })
    }
}

impl Decimal {
    /// Both with the larger scale.
    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let raise = |decimal: Self| decimal.digits.checked_mul(10_i128.pow(scale - decimal.scale));
        Some((raise(self)?, raise(other)?, scale))
    }

    pub(super) const ZERO: Self = Self { digits: 0, scale: 0 };

    /// The sum; `None` if it has too many digits.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { digits: left.checked_add(right)?, scale })
    }

    /// The nearest floating-point number.
    pub(super) fn real(self) -> f64 {
        format!("{}e-{}", self.digits, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// An integer if it is one and fits, otherwise the nearest floating-point number.
    pub(super) fn number(self) -> Number {
        let unit = 10_i128.pow(self.scale);
        if self.digits % unit == 0
            && let Ok(whole) = i64::try_from(self.digits / unit)
        {
            return Number::Whole(whole);
        }
        Number::Real(self.real())
    }
}

fn exactly(
    left: Number,
    right: Number,
    compute: impl FnOnce(Decimal, Decimal) -> Option<Decimal>,
) -> Option<Number> {
    compute(left.decimal()?, right.decimal()?).map(Decimal::number)
}

pub(super) fn add(left: Number, right: Number) -> Number {
    exactly(left, right, Decimal::plus).unwrap_or_else(|| Number::Real(left.real() + right.real()))
}

pub(super) fn sub(left: Number, right: Number) -> Number {
    let exact = exactly(left, right, |left, right| {
        let (left, right, scale) = left.aligned(right)?;
        Some(Decimal { digits: left.checked_sub(right)?, scale })
    });
    exact.unwrap_or_else(|| Number::Real(left.real() - right.real()))
}

pub(super) fn mul(left: Number, right: Number) -> Number {
    let exact = exactly(left, right, |left, right| {
        Some(Decimal { digits: left.digits.checked_mul(right.digits)?, scale: left.scale + right.scale })
    });
    exact.unwrap_or_else(|| Number::Real(left.real() * right.real()))
}

/// `div` with a decimal on at least one side.
pub(super) fn div(left: Number, right: Number) -> Result<Number, Unanswerable> {
    if right.is_zero() { Err(Unanswerable::DivisionByZero) } else { Ok(divby(left, right)) }
}

/// `div` of integers: the integer quotient.
pub(super) fn integer_div(left: Number, right: Number) -> Result<Number, Unanswerable> {
    if right.is_zero() {
        return Err(Unanswerable::DivisionByZero);
    }
    Ok(match (left, right) {
        (Number::Whole(left), Number::Whole(right)) => {
            Decimal { digits: i128::from(left) / i128::from(right), scale: 0 }.number()
        }
        _ => Number::Real((left.real() / right.real()).trunc()),
    })
}

/// `divby`, which returns an infinity for a divisor of zero.
pub(super) fn divby(left: Number, right: Number) -> Number {
    let quotient = left.real() / right.real();
    let unit = 10_f64.powi(QUOTIENT_DIGITS);
    let rounded = (quotient * unit).round() / unit;
    // If the digits after the point exceed the precision of the format, there is nothing to round.
    Number::Real(if quotient.abs() < 1e5 { rounded } else { quotient })
}

pub(super) fn double_div(left: Number, right: Number) -> Number {
    Number::Real(left.real() / right.real())
}

/// `mod` of integers and decimals; the result has the sign of the left operand.
pub(super) fn modulo(left: Number, right: Number) -> Result<Number, Unanswerable> {
    if right.is_zero() {
        return Err(Unanswerable::DivisionByZero);
    }
    let exact = exactly(left, right, |left, right| {
        let (left, right, scale) = left.aligned(right)?;
        Some(Decimal { digits: left.checked_rem(right)?, scale })
    });
    Ok(exact.unwrap_or_else(|| Number::Real(left.real() % right.real())))
}

/// `mod` with a double on at least one side.
pub(super) fn double_modulo(left: Number, right: Number) -> Result<Number, Unanswerable> {
    if right.is_zero() {
        return Err(Unanswerable::DivisionByZero);
    }
    Ok(Number::Real(left.real() % right.real()))
}
