//! Exact decimal numbers of up to 38 digits.

use std::cmp::Ordering;

/// `digits` divided by ten to the power of `scale`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

/// The digits after the point that a sum may have.
const MOST_SCALE: u32 = 37;

impl Decimal {
    pub(crate) fn whole(value: i128) -> Self {
        Self { digits: value, scale: 0 }
    }

    /// Reads a number without exponent.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let scale = u32::try_from(fraction.len()).ok().filter(|scale| *scale <= MOST_SCALE)?;
        Some(Self { digits: format!("{whole}{fraction}").parse().ok()?, scale })
    }

    pub(crate) fn text(self) -> String {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let digits = format!("{:0width$}", self.digits.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// The nearest double.
    pub(crate) fn double(self) -> f64 {
        self.text().parse().unwrap()
    }

    /// The integer, if it is one of 64 bits.
    pub(crate) fn integer(self) -> Option<i64> {
        let unit = 10_i128.pow(self.scale);
        (self.digits % unit == 0).then(|| i64::try_from(self.digits / unit).ok())?
    }

    pub(crate) fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub(crate) fn negative(self) -> Self {
        Self { digits: -self.digits, ..self }
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let raise = |decimal: Self| decimal.digits.checked_mul(10_i128.pow(scale - decimal.scale));
        Some((raise(self)?, raise(other)?, scale))
    }

    pub(crate) fn add(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { digits: left.checked_add(right)?, scale })
    }

    pub(crate) fn mul(self, other: Self) -> Option<Self> {
        let scale = Some(self.scale + other.scale).filter(|scale| *scale <= MOST_SCALE)?;
        Some(Self { digits: self.digits.checked_mul(other.digits)?, scale })
    }

    /// The remainder, with the sign of the dividend. The divisor is not zero.
    pub(crate) fn rem(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { digits: left.checked_rem(right)?, scale })
    }

    /// The quotient of two integers without its fraction. The divisor is not zero.
    pub(crate) fn div(self, other: Self) -> Option<Self> {
        let (left, right, _) = self.aligned(other)?;
        Some(Self::whole(left.checked_div(right)?))
    }

    pub(crate) fn floor(self) -> Self {
        Self::whole(self.digits.div_euclid(10_i128.pow(self.scale)))
    }

    /// Half away from zero.
    pub(crate) fn round(self) -> Self {
        let unit = 10_i128.pow(self.scale);
        let (whole, rest) = (self.digits / unit, self.digits % unit);
        let away = if rest.unsigned_abs() * 2 >= unit.unsigned_abs() { self.digits.signum() } else { 0 };
        Self::whole(whole + away * i128::from(self.scale > 0))
    }

    pub(crate) fn compare(self, other: Self) -> Ordering {
        let part = |decimal: Self| {
            let floor = decimal.floor().digits;
            let rest = decimal.digits.rem_euclid(10_i128.pow(decimal.scale));
            (floor, rest * 10_i128.pow(MOST_SCALE - decimal.scale))
        };
        part(self).cmp(&part(other))
    }
}
