//! Functions that statements call and SQLite lacks, as pure functions of cells. A driver registers
//! [`FUNCTIONS`] and [`AGGREGATES`] with its connections. Each takes its operands once, so that a nested expression is no longer
//! than the client's text.

mod cast;
mod number;
mod text;
mod total;

use crate::cell::{Cell, Value};
use crate::duration::Duration;
use crate::form::{Layout, Reading};
use crate::hash;
use crate::statement::Unanswerable;
use number::Number;
pub use total::{AGGREGATES, SqlAggregate, Total};

/// A function with its name and number of arguments.
#[derive(Debug, Clone, Copy)]
pub struct SqlFunction {
    /// The name in SQL.
    pub name: &'static str,
    /// The number of arguments.
    pub arguments: usize,
    /// The result for that many cells.
    pub run: fn(&[Cell<'_>]) -> Result<Value, Unanswerable>,
}

/// Every function, by name.
pub const FUNCTIONS: &[SqlFunction] = &[
    function("sluicegate_lower", 1, |cells| Ok(text::lower(cells))),
    function("sluicegate_upper", 1, |cells| Ok(text::upper(cells))),
    function("sluicegate_trim", 1, |cells| Ok(text::trim(cells))),
    function("sluicegate_concat", 2, |cells| Ok(text::concat(cells))),
    function("sluicegate_contains", 2, |cells| Ok(text::contains(cells))),
    function("sluicegate_index_of", 2, |cells| Ok(text::index_of(cells))),
    function("sluicegate_starts_with", 2, |cells| Ok(text::starts_with(cells))),
    function("sluicegate_ends_with", 2, |cells| Ok(text::ends_with(cells))),
    function("sluicegate_substring", 2, text::substring),
    function("sluicegate_substring", 3, text::substring),
    function("sluicegate_floor", 1, |cells| Ok(rounded(cells, f64::floor))),
    function("sluicegate_ceiling", 1, |cells| Ok(rounded(cells, f64::ceil))),
    // Half away from zero.
    function("sluicegate_round", 1, |cells| Ok(rounded(cells, f64::round))),
    // The seconds of a duration in the form in which it is compared.
    function("sluicegate_seconds", 1, |cells| Ok(seconds(cells))),
    // A value as text: of a truth value, an instant, and of others.
    function("sluicegate_boolean_text", 1, |cells| Ok(cast::boolean_text(cells))),
    function("sluicegate_instant_text", 1, |cells| Ok(cast::instant_text(cells))),
    function("sluicegate_text", 1, |cells| Ok(cast::plain_text(cells))),
    function("sluicegate_read_whole", 1, |cells| Ok(cast::whole(cells))),
    function("sluicegate_read_boolean", 1, |cells| Ok(cast::boolean(cells))),
    // A rounded number between two bounds: number, least, greatest.
    function("sluicegate_whole", 3, |cells| Ok(whole(cells))),
    function("sluicegate_add", 2, |cells| numbers(cells, |a, b| Ok(number::add(a, b)))),
    function("sluicegate_sub", 2, |cells| numbers(cells, |a, b| Ok(number::sub(a, b)))),
    function("sluicegate_mul", 2, |cells| numbers(cells, |a, b| Ok(number::mul(a, b)))),
    function("sluicegate_div", 2, |cells| numbers(cells, number::div)),
    function("sluicegate_integer_div", 2, |cells| numbers(cells, number::integer_div)),
    function("sluicegate_divby", 2, |cells| numbers(cells, |a, b| Ok(number::divby(a, b)))),
    function("sluicegate_double_div", 2, |cells| numbers(cells, |a, b| Ok(number::double_div(a, b)))),
    function("sluicegate_mod", 2, |cells| numbers(cells, number::modulo)),
    function("sluicegate_double_mod", 2, |cells| numbers(cells, number::double_modulo)),
    function("sluicegate_at_least", 2, |cells| Ok(at_least(cells))),
    function("sluicegate_length", 1, |cells| Ok(text::length(cells))),
    // The value of a cell, by the code of its reading.
    function(VALUE, 2, |cells| Ok(value(cells))),
    // Whether a cell is in a layout: cell, code of the reading, code of the layout.
    function(LAYOUT, 3, |cells| Ok(layout(cells))),
    function(UTF8, 1, |cells| Ok(text::is_utf8(cells))),
    // A text as bytes in UTF-8, whose order is that of its characters whatever the encoding of the database.
    function(BYTES, 1, |cells| Ok(text::bytes(cells))),
    // A number that distinguishes long values.
    function(DIGEST, 1, |cells| Ok(digest(cells))),
];

pub(crate) const VALUE: &str = "sluicegate_value";
pub(crate) const LAYOUT: &str = "sluicegate_layout";
pub(crate) const BYTES: &str = "sluicegate_bytes";
pub(crate) const UTF8: &str = "sluicegate_is_utf8";
pub(crate) const DIGEST: &str = "sluicegate_digest";

const fn function(
    name: &'static str,
    arguments: usize,
    run: fn(&[Cell<'_>]) -> Result<Value, Unanswerable>,
) -> SqlFunction {
    SqlFunction { name, arguments, run }
}

fn value(cells: &[Cell<'_>]) -> Value {
    let [cell, Cell::Integer(code)] = cells else { return Value::Null };
    let held = Reading::of_code(*code).and_then(|reading| reading.read(*cell));
    held.map_or(Value::Null, crate::form::read::Held::into_value)
}

fn layout(cells: &[Cell<'_>]) -> Value {
    let [cell, Cell::Integer(code), Cell::Integer(layout)] = cells else { return Value::Null };
    let is_in = |reading: Reading| reading.is_in(Layout::of_code(*layout), *cell);
    Value::Integer(Reading::of_code(*code).is_some_and(is_in).into())
}

fn digest(cells: &[Cell<'_>]) -> Value {
    match cells {
        [Cell::Null] | [] => Value::Null,
        [cell, ..] => Value::Integer(hash::digest(*cell)),
    }
}

fn seconds(cells: &[Cell<'_>]) -> Value {
    let [Cell::Text(text)] = cells else { return Value::Null };
    let duration = std::str::from_utf8(text).ok().and_then(Duration::of_ordered);
    duration.map_or(Value::Null, |duration| {
        Number::of(Cell::Text(duration.seconds().as_bytes())).map_or(Value::Null, Number::value)
    })
}

fn whole(cells: &[Cell<'_>]) -> Value {
    let [cell, Cell::Integer(least), Cell::Integer(most)] = cells else { return Value::Null };
    let whole = Number::of(*cell).and_then(Number::nearest_whole);
    whole.filter(|whole| (*least..=*most).contains(whole)).map_or(Value::Null, Value::Integer)
}

/// An integer stays unchanged, whatever its size.
fn rounded(cells: &[Cell<'_>], round: fn(f64) -> f64) -> Value {
    match cells {
        [cell] => match Number::of(*cell) {
            Some(Number::Whole(whole)) => Value::Integer(whole),
            Some(Number::Real(real)) => Value::Real(round(real)),
            None => Value::Null,
        },
        _ => Value::Null,
    }
}

/// The result is null if an argument is not a number.
fn numbers(
    cells: &[Cell<'_>],
    compute: impl FnOnce(Number, Number) -> Result<Number, Unanswerable>,
) -> Result<Value, Unanswerable> {
    let [left, right] = cells else { return Ok(Value::Null) };
    match (Number::of(*left), Number::of(*right)) {
        (Some(left), Some(right)) => compute(left, right).map(Number::value),
        _ => Ok(Value::Null),
    }
}

/// `ge` of OData: true if both are null, false if one is, and never null.
fn at_least(cells: &[Cell<'_>]) -> Value {
    let holds = match cells {
        [Cell::Null, Cell::Null] => true,
        [Cell::Text(left), Cell::Text(right)] | [Cell::Blob(left), Cell::Blob(right)] => left >= right,
        [left, right] => match (Number::of(*left), Number::of(*right)) {
            (Some(left), Some(right)) => left.compare(right).is_some_and(std::cmp::Ordering::is_ge),
            _ => false,
        },
        _ => false,
    };
    Value::Integer(i64::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, cells: &[Cell<'_>]) -> Result<Value, Unanswerable> {
        let named = |function: &&SqlFunction| function.name == name && function.arguments == cells.len();
        (FUNCTIONS.iter().find(named).unwrap().run)(cells)
    }

    #[test]
    fn every_reason_is_found_again_by_its_message() {
        for reason in Unanswerable::ALL {
            assert_eq!(Unanswerable::with_message(&reason.to_string()), Some(reason));
        }
        assert_eq!(Unanswerable::with_message("no such table: x"), None);
    }

    #[test]
    fn functions_of_null_are_null_except_comparisons() {
        for function in FUNCTIONS {
            let given = (function.run)(&vec![Cell::Null; function.arguments]);
            let expected = match function.name {
                "sluicegate_at_least" => Value::Integer(1),
                UTF8 => Value::Integer(0),
                _ => Value::Null,
            };
            assert_eq!(given, Ok(expected), "{}", function.name);
        }
    }

    #[test]
    fn rounding_holds_at_both_ends_of_the_range() {
        for whole in [i64::MIN, -1, 0, i64::MAX] {
            for name in ["sluicegate_floor", "sluicegate_ceiling", "sluicegate_round"] {
                assert_eq!(call(name, &[Cell::Integer(whole)]), Ok(Value::Integer(whole)));
            }
        }
        for real in [f64::MIN, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 9.3e18, -9.3e18] {
            for name in ["sluicegate_floor", "sluicegate_ceiling", "sluicegate_round"] {
                assert_eq!(call(name, &[Cell::Real(real)]), Ok(Value::Real(real)));
            }
        }
        assert_eq!(call("sluicegate_round", &[Cell::Real(-2.5)]), Ok(Value::Real(-3.0)));
        assert_eq!(call("sluicegate_floor", &[Cell::Text(b"2.5")]), Ok(Value::Real(2.0)));
        assert_eq!(call("sluicegate_floor", &[Cell::Text(b"much")]), Ok(Value::Null));
    }

    #[test]
    fn integers_and_decimals_divide_by_zero_only_with_divby() {
        let zero = Cell::Integer(0);
        for name in ["sluicegate_div", "sluicegate_integer_div", "sluicegate_mod", "sluicegate_double_mod"] {
            assert_eq!(call(name, &[Cell::Integer(1), zero]), Err(Unanswerable::DivisionByZero), "{name}");
            assert_eq!(call(name, &[Cell::Null, zero]), Ok(Value::Null), "{name}");
        }
        for name in ["sluicegate_divby", "sluicegate_double_div"] {
            assert_eq!(call(name, &[Cell::Integer(2), zero]), Ok(Value::Real(f64::INFINITY)), "{name}");
            assert_eq!(call(name, &[Cell::Real(-0.5), zero]), Ok(Value::Real(f64::NEG_INFINITY)), "{name}");
            // NaN is null here, because SQLite cannot store it.
            assert_eq!(call(name, &[zero, zero]), Ok(Value::Null), "{name}");
        }
    }

    #[test]
    fn decimals_are_computed_as_they_are_written() {
        let real = |name, a, b| call(name, &[Cell::Real(a), Cell::Real(b)]);
        assert_eq!(real("sluicegate_add", 0.1, 0.2), Ok(Value::Real(0.3)));
        assert_eq!(real("sluicegate_mod", 0.3, 0.1), Ok(Value::Integer(0)));
        assert_eq!(real("sluicegate_mod", -7.5, 4.0), Ok(Value::Real(-3.5)));
        assert_eq!(real("sluicegate_mul", 1.1, 1.1), Ok(Value::Real(1.21)));
        let big = Cell::Integer(9_007_199_254_740_993);
        assert_eq!(
            call("sluicegate_add", &[big, Cell::Integer(1)]),
            Ok(Value::Integer(9_007_199_254_740_994))
        );
        assert_eq!(
            call("sluicegate_sub", &[big, Cell::Real(0.0)]),
            Ok(Value::Integer(9_007_199_254_740_993))
        );
        let most = Cell::Integer(i64::MAX);
        assert_eq!(
            call("sluicegate_add", &[most, Cell::Integer(1)]),
            Ok(Value::Real(9_223_372_036_854_775_808.0))
        );
        assert_eq!(
            call("sluicegate_mul", &[Cell::Real(1e300), Cell::Real(1e300)]),
            Ok(Value::Real(f64::INFINITY))
        );
        let least = [Cell::Integer(i64::MIN), Cell::Integer(-1)];
        assert_eq!(call("sluicegate_integer_div", &least), Ok(Value::Real(9_223_372_036_854_775_808.0)));
        assert_eq!(call("sluicegate_mod", &least), Ok(Value::Integer(0)));
    }

    #[test]
    fn substrings_count_characters_from_zero_and_from_the_end() {
        let text = "a\0😀y";
        let part = |start, length: Option<i64>| {
            let mut cells = vec![Cell::Text(text.as_bytes()), Cell::Integer(start)];
            cells.extend(length.map(Cell::Integer));
            call("sluicegate_substring", &cells)
        };
        let is = |text: &str| Ok(Value::Text(text.to_owned()));
        assert_eq!(part(0, None), is(text));
        assert_eq!(part(2, Some(1)), is("😀"));
        assert_eq!(part(-1, None), is("y"));
        assert_eq!(part(-9, Some(1)), is("a"));
        assert_eq!(part(9, None), is(""));
        assert_eq!(part(i64::MAX, Some(i64::MAX)), is(""));
        assert_eq!(part(i64::MIN, Some(i64::MAX)), is(text));
        assert_eq!(part(0, Some(-1)), Err(Unanswerable::NegativeLength));
    }

    #[test]
    fn characters_past_a_nul_are_counted() {
        let length = |text: &str| call("sluicegate_length", &[Cell::Text(text.as_bytes())]);
        assert_eq!(length("a\0😀b"), Ok(Value::Integer(4)));
        assert_eq!(length(""), Ok(Value::Integer(0)));
    }

    #[test]
    fn beginnings_and_ends_are_compared_byte_for_byte() {
        let holds = |name, a: &str, b: &str| {
            call(name, &[Cell::Text(a.as_bytes()), Cell::Text(b.as_bytes())]) == Ok(Value::Integer(1))
        };
        assert!(
            holds("sluicegate_starts_with", "Ärger", "Är") && !holds("sluicegate_starts_with", "Ärger", "är")
        );
        assert!(holds("sluicegate_ends_with", "a\0b", "\0b") && !holds("sluicegate_ends_with", "b", "ab"));
        assert!(holds("sluicegate_ends_with", "x", "") && holds("sluicegate_starts_with", "", ""));
    }
}
