//! Sums and averages. Integers and decimals are added as the decimal numbers that they represent, in 128 bits, so that the
//! order of the rows does not matter.

use super::number::{Decimal, Number};
use crate::cell::{Cell, Value};
use crate::statement::Unanswerable;

/// An aggregate function of one argument.
#[derive(Debug, Clone, Copy)]
pub struct SqlAggregate {
    /// The name in SQL.
    pub name: &'static str,
    /// The result for the values of a group.
    pub result: fn(Total) -> Result<Value, Unanswerable>,
}

/// Every aggregate function, by name.
pub const AGGREGATES: &[SqlAggregate] = &[
    SqlAggregate { name: "sluicegate_sum", result: Total::sum },
    SqlAggregate { name: "sluicegate_average", result: Total::average },
];

/// The sum of the numbers of a group, or of a window that only grows.
#[derive(Debug, Clone, Copy)]
pub struct Total {
    count: u64,
    /// `None` if a number has too many digits.
    exact: Option<Decimal>,
    /// The same in floating point.
    real: f64,
    /// Whether all are integers.
    is_whole: bool,
}

impl Default for Total {
    fn default() -> Self {
        Self { count: 0, exact: Some(Decimal::ZERO), real: 0.0, is_whole: true }
    }
}

impl Total {
    /// Adds a cell, if it is a number.
    pub fn add(&mut self, cell: Cell<'_>) {
        let Some(number) = Number::of(cell) else { return };
        self.count += 1;
        self.is_whole &= matches!(number, Number::Whole(_));
        self.real += number.real();
        self.exact = match (self.exact, number.decimal()) {
            (Some(total), Some(decimal)) => total.plus(decimal),
            _ => None,
        };
    }

    /// The sum; null without numbers.
    fn sum(self) -> Result<Value, Unanswerable> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let sum = self.exact.map_or(Number::Real(self.real), Decimal::number);
        match sum {
            // An integer beyond 64 bits has more digits than a stored number.
            Number::Real(_) if self.is_whole => Err(Unanswerable::OutOfRange),
            sum => Ok(sum.value()),
        }
    }

    /// The average; null without numbers.
    #[expect(clippy::cast_precision_loss, reason = "a quotient of doubles")]
    #[expect(clippy::unnecessary_wraps, reason = "all functions have one type")]
    fn average(self) -> Result<Value, Unanswerable> {
        if self.count == 0 {
            return Ok(Value::Null);
        }
        let sum = self.exact.map_or(self.real, Decimal::real);
        Ok(Number::Real(sum / self.count as f64).value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cells: &[Cell<'_>]) -> Total {
        let mut total = Total::default();
        for cell in cells {
            total.add(*cell);
        }
        total
    }

    #[test]
    fn decimals_are_added_as_they_are_written() {
        let tenths = [Cell::Real(0.1), Cell::Null, Cell::Real(0.2), Cell::Integer(1), Cell::Text(b"none")];
        assert_eq!(of(&tenths).sum(), Ok(Value::Real(1.3)));
        assert_eq!(of(&[Cell::Real(1e17), Cell::Real(0.5), Cell::Real(-1e17)]).sum(), Ok(Value::Real(0.5)));
        assert_eq!(of(&tenths[..3]).average(), Ok(Value::Real(0.15)));
    }

    #[test]
    fn a_sum_of_integers_may_pass_the_end_of_64_bits_but_not_stay_there() {
        let most = Cell::Integer(i64::MAX);
        assert_eq!(of(&[most, most, Cell::Integer(-i64::MAX)]).sum(), Ok(Value::Integer(i64::MAX)));
        assert_eq!(of(&[most, most]).sum(), Err(Unanswerable::OutOfRange));
        assert_eq!(of(&[most, most]).average(), Ok(Value::Real(9_223_372_036_854_775_807.0)));
    }

    #[test]
    fn numbers_with_too_many_digits_are_added_in_floating_point() {
        assert_eq!(of(&[Cell::Real(1e300), Cell::Real(1e300)]).sum(), Ok(Value::Real(2e300)));
        assert_eq!(of(&[Cell::Real(f64::INFINITY), Cell::Real(1.0)]).sum(), Ok(Value::Real(f64::INFINITY)));
    }

    #[test]
    fn there_is_neither_a_sum_nor_an_average_of_nothing() {
        for aggregate in AGGREGATES {
            assert_eq!((aggregate.result)(of(&[Cell::Null])), Ok(Value::Null), "{}", aggregate.name);
        }
    }
}
