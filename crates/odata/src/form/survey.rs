//! What a survey of the data says about a column.

use std::collections::HashMap;

use super::{Form, Layout, Reading};
use crate::cell::Cell;
use crate::edm_type::EdmType;

/// Milliseconds and microseconds since 1970 start where seconds would be beyond the year 5000.
const LEAST_MILLISECONDS: f64 = 1e11;
const LEAST_MICROSECONDS: f64 = 1e14;
/// The Julian days of the years 1500 to 3000. As seconds since 1970 they would all be in its first five
/// weeks.
const JULIAN_DAYS: std::ops::RangeInclusive<f64> = 2_268_923.5..=2_816_788.5;

/// This many numbers suffice to determine their meaning.
const MOST_NUMBERS: usize = 10_000;

/// The examined cells of one column.
#[derive(Debug, Clone)]
pub struct Survey {
    reading: Reading,
    layouts: HashMap<Layout, u64>,
    /// Cells that fit so far; numbers in columns of dates are decided at the end.
    fits: u64,
    nulls: u64,
    invalid_values: u64,
    /// Bounded: further numbers are interpreted in the form of these.
    numbers: Vec<Number>,
    least: f64,
    greatest: f64,
}

/// A number in a column of dates or instants, to be interpreted once the meaning of such numbers is known.
#[derive(Debug, Clone, Copy)]
enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    fn cell(self) -> Cell<'static> {
        match self {
            Self::Integer(value) => Cell::Integer(value),
            Self::Real(value) => Cell::Real(value),
        }
    }
}

/// The result of a survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSurvey {
    /// How to interpret its cells.
    pub form: Form,
    /// The layout of most of them.
    pub layout: Layout,
    /// The number of cells that represent a value.
    pub fits: u64,
    /// The number of null cells.
    pub nulls: u64,
    /// The number of cells that represent no value.
    pub invalid_values: u64,
    /// The number of values in another layout.
    pub strays: u64,
}

impl Survey {
    /// Starts to survey a column with this reading.
    pub fn of(reading: Reading) -> Self {
        Self {
            reading,
            layouts: HashMap::new(),
            fits: 0,
            nulls: 0,
            invalid_values: 0,
            numbers: Vec::new(),
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }

    /// Examines one more cell.
    pub fn examine(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.nulls += 1,
            #[expect(clippy::cast_precision_loss, reason = "only how large it is matters")]
            Cell::Integer(value) if self.judges_numbers() => {
                self.number(Number::Integer(value), value as f64);
            }
            Cell::Real(value) if self.judges_numbers() => self.number(Number::Real(value), value),
            cell => self.count(self.reading, cell),
        }
    }

    /// Whether numbers in this column are ambiguous.
    fn judges_numbers(&self) -> bool {
        matches!(self.reading.ty, EdmType::Date | EdmType::DateTimeOffset)
            && self.reading.form == Form::Canonical
    }

    fn number(&mut self, number: Number, value: f64) {
        if self.numbers.len() == MOST_NUMBERS {
            self.judge();
            return self.count(self.reading, number.cell());
        }
        self.numbers.push(number);
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
    }

    fn count(&mut self, reading: Reading, cell: Cell<'_>) {
        if reading.read(cell).is_some() {
            self.fits += 1;
            *self.layouts.entry(reading.layout(cell)).or_default() += 1;
        } else {
            self.invalid_values += 1;
        }
    }

    /// Evaluates the survey.
    pub fn found(mut self) -> ColumnSurvey {
        self.judge();
        let form = self.reading.form;
        let most = self
            .layouts
            .iter()
            .filter(|(layout, _)| **layout != Layout::NONE)
            .max_by_key(|(layout, count)| (**count, std::cmp::Reverse(layout.code())));
        // Without any cells, the usual layout is expected.
        let (layout, count) = most.map_or((Layout::PLAIN, 0), |(layout, count)| (*layout, *count));
        let (fits, nulls, invalid_values) = (self.fits, self.nulls, self.invalid_values);
        ColumnSurvey { form, layout, fits, nulls, invalid_values, strays: fits - count }
    }

    /// Determines the meaning of the numbers, and counts them.
    fn judge(&mut self) {
        if !self.numbers.is_empty() {
            self.reading.form = self.form_of_numbers();
        }
        for number in std::mem::take(&mut self.numbers) {
            self.count(self.reading, number.cell());
        }
    }

    fn form_of_numbers(&self) -> Form {
        if JULIAN_DAYS.contains(&self.least) && JULIAN_DAYS.contains(&self.greatest) {
            return Form::JulianDay;
        }
        let magnitude = self.least.abs().max(self.greatest.abs());
        if magnitude < LEAST_MILLISECONDS {
            Form::UnixSeconds
        } else if magnitude < LEAST_MICROSECONDS {
            Form::UnixMilliseconds
        } else {
            Form::UnixMicroseconds
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ty: EdmType, cells: &[Cell<'_>]) -> ColumnSurvey {
        let mut survey = Survey::of(Reading { ty, form: Form::Canonical });
        for cell in cells {
            survey.examine(*cell);
        }
        survey.found()
    }

    #[test]
    fn what_numbers_mean_is_seen_by_their_size() {
        for (numbers, expected) in [
            (vec![Cell::Integer(1_714_564_800), Cell::Integer(0)], Form::UnixSeconds),
            (vec![Cell::Integer(1_714_564_800_000)], Form::UnixMilliseconds),
            (vec![Cell::Integer(1_714_564_800_000_000)], Form::UnixMicroseconds),
            (vec![Cell::Real(2_460_432.25), Cell::Integer(2_451_545)], Form::JulianDay),
            (vec![Cell::Text(b"2024-05-01 12:00:00"), Cell::Null], Form::Canonical),
        ] {
            assert_eq!(found(EdmType::DateTimeOffset, &numbers).form, expected, "{numbers:?}");
        }
    }

    #[test]
    fn a_declared_form_of_text_reads_no_numbers() {
        for name in ["text-date", "text-date-time", "text-time"] {
            let reading = Form::declared(name, EdmType::Int64).unwrap();
            let mut survey = Survey::of(reading);
            for cell in [Cell::Integer(1_714_564_800), Cell::Real(2_460_432.25), Cell::Null] {
                survey.examine(cell);
                assert_eq!(reading.read(cell), None, "{name}: {cell:?}");
            }
            let seen = survey.found();
            assert_eq!((seen.form, seen.invalid_values, seen.nulls), (Form::Text, 2, 1), "{name}");
        }
    }

    #[test]
    fn invalid_values_and_the_common_layout_are_counted() {
        let guid = Cell::Text(b"01234567-89AB-CDEF-0123-456789ABCDEF");
        let seen = found(EdmType::Guid, &[guid, guid, Cell::Text(b"x"), Cell::Null]);
        assert_eq!((seen.fits, seen.invalid_values, seen.nulls), (2, 1, 1));
        assert_ne!(seen.layout, Layout::PLAIN);
        assert_eq!(found(EdmType::Guid, &[]).layout, Layout::PLAIN);
    }
}
