//! What is special about SQLite.
//!
//! Dates and times are text there. How they compare:
//! - a `Date` column may hold `2024-05-01` or that with a time behind it; comparisons with a literal are ranges of text,
//!   which an index serves, and are right for both forms;
//! - a `DateTimeOffset` column may hold `T` or a blank, a zone or none (UTC). Comparisons are made on the normal form that
//!   `strftime` gives, to the millisecond; beside a literal a range of text two days wide goes first, so that an index
//!   narrows the rows: whatever the zone, the stored date is less than a day from the date in UTC;
//! - a `TimeOfDay` is compared in the normal form too;
//! - a GUID may be text in either case or a blob of 16 bytes: a literal is compared with all three.

mod call;

use jiff::{SignedDuration, Timestamp};

use super::{Rules, Writer};
use crate::bind::function::Function;
use crate::bind::numeric;
use crate::bind::typed::{Arithmetic, Class, Comparison, Constant, Term, Typed};
use crate::cell::Value;
use crate::literal;

pub(super) struct Sqlite;

const INSTANT: &str = "'%Y-%m-%dT%H:%M:%f'";
const TIME: &str = "'%H:%M:%f'";

impl Rules for Sqlite {
    fn identifier(&self, sql: &mut String, name: &str) {
        sql.push('"');
        for character in name.chars() {
            if character == '"' {
                sql.push('"');
            }
            sql.push(character);
        }
        sql.push('"');
    }

    fn mark(&self, sql: &mut String, number: usize) {
        sql.push('?');
        sql.push_str(itoa::Buffer::new().format(number));
    }

    fn value(&self, constant: &Constant) -> Value {
        match constant {
            Constant::Boolean(value) => Value::Integer(i64::from(*value)),
            Constant::Integer(value) => Value::Integer(*value),
            // SQLite keeps decimals as floating-point numbers, so they are compared as such; whole ones are exact.
            Constant::Decimal(text) => match numeric::whole(text) {
                Some(whole) => Value::Integer(whole),
                None => Value::Real(text.parse().unwrap_or(f64::NAN)),
            },
            Constant::Double(value) => Value::Real(*value),
            Constant::String(text) | Constant::Duration(text) => Value::Text(text.clone()),
            Constant::Guid(guid) => Value::Text(literal::guid_text(guid)),
            Constant::Date(date) => Value::Text(date.to_string()),
            Constant::TimeOfDay(time) => Value::Text(time_text(*time)),
            Constant::DateTimeOffset(instant) => Value::Text(instant_text(*instant)),
            Constant::Binary(bytes) => Value::Blob(bytes.clone()),
        }
    }

    fn compares_directly(&self, operand: &Typed) -> bool {
        match operand.class {
            Class::Guid | Class::Date | Class::TimeOfDay | Class::DateTimeOffset => false,
            // What is no number is null here, and yet not equal to null.
            _ => !operand.may_be_no_number(),
        }
    }

    fn normal(&self, writer: &mut Writer<'_>, operand: &Typed) {
        normal(writer, operand);
    }

    fn at_least(&self, writer: &mut Writer<'_>, left: &Typed, right: &Typed) {
        writer.text("sluicegate_at_least(");
        normal(writer, left);
        writer.text(", ");
        normal(writer, right);
        writer.text(")");
    }

    fn compare(&self, writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed) {
        match (&left.term, &right.term) {
            (Term::Column(column), Term::Constant(constant)) => {
                compare_column(writer, comparison, *column, left, constant);
            }
            (Term::Constant(constant), Term::Column(column)) => {
                compare_column(writer, comparison.mirrored(), *column, right, constant);
            }
            _ => {
                writer.text("(");
                normal(writer, left);
                writer.text(symbol(comparison));
                normal(writer, right);
                writer.text(")");
            }
        }
    }

    fn null_safe(&self, equal: bool) -> &'static str {
        if equal { " IS " } else { " IS NOT " }
    }

    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
        call::call(writer, function, arguments);
    }

    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
        call::arithmetic(writer, operator, left, right);
    }
}

/// Writes operands with text before, between and after them.
fn around(writer: &mut Writer<'_>, before: &str, operands: &[&Typed], between: &str, after: &str) {
    writer.text(before);
    for (index, operand) in operands.iter().enumerate() {
        writer.text(if index == 0 { "" } else { between });
        writer.operand(operand);
    }
    writer.text(after);
}

fn symbol(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Eq => " = ",
        Comparison::Ne => " <> ",
        Comparison::Gt => " > ",
        Comparison::Ge => " >= ",
        Comparison::Lt => " < ",
        Comparison::Le => " <= ",
    }
}

/// Writes an operand in the form in which values of its class can be compared.
fn normal(writer: &mut Writer<'_>, operand: &Typed) {
    let stored = matches!(operand.term, Term::Column(_));
    match operand.class {
        Class::DateTimeOffset if stored => strftime(writer, "", INSTANT, operand, ""),
        Class::TimeOfDay if stored => strftime(writer, "", TIME, operand, ""),
        Class::Date if stored => around(writer, "substr(", &[operand], "", ", 1, 10)"),
        _ => writer.operand(operand),
    }
}

fn strftime(writer: &mut Writer<'_>, before: &str, format: &str, operand: &Typed, after: &str) {
    writer.text(before);
    writer.text("strftime(");
    writer.text(format);
    writer.text(", ");
    writer.operand(operand);
    writer.text(")");
    writer.text(after);
}

/// Writes the comparison of a column with a literal, so that an index on the column can serve it.
fn compare_column(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    column: usize,
    typed: &Typed,
    constant: &Constant,
) {
    match constant {
        Constant::Date(_) => compare_date(writer, comparison, column, constant),
        Constant::DateTimeOffset(instant) => {
            writer.text("(");
            instant_range(writer, comparison, column, instant);
            normal(writer, typed);
            writer.text(symbol(comparison));
            writer.constant(constant);
            writer.text(")");
        }
        Constant::Guid(guid) => {
            let text = literal::guid_text(guid);
            writer.column(column);
            writer.text(if comparison == Comparison::Ne { " NOT IN (" } else { " IN (" });
            writer.repeated(constant, 1, Value::Text(text.to_uppercase()));
            writer.text(",");
            writer.repeated(constant, 0, Value::Text(text));
            writer.text(",");
            writer.repeated(constant, 2, Value::Blob(guid.to_vec()));
            writer.text(")");
        }
        _ => {
            normal(writer, typed);
            writer.text(symbol(comparison));
            writer.constant(constant);
        }
    }
}

/// A day is the range of text from it to the next day.
fn compare_date(writer: &mut Writer<'_>, comparison: Comparison, column: usize, date: &Constant) {
    match comparison {
        Comparison::Ge => date_bound(writer, column, " >= ", date, false),
        Comparison::Lt => date_bound(writer, column, " < ", date, false),
        Comparison::Gt => date_bound(writer, column, " >= ", date, true),
        Comparison::Le => date_bound(writer, column, " < ", date, true),
        Comparison::Eq | Comparison::Ne => {
            let (first, second, joint) =
                if comparison == Comparison::Eq { (" >= ", " < ", " AND ") } else { (" < ", " >= ", " OR ") };
            writer.text("(");
            date_bound(writer, column, first, date, false);
            writer.text(joint);
            date_bound(writer, column, second, date, true);
            writer.text(")");
        }
    }
}

/// Compares a column with the beginning of a day or with its end.
fn date_bound(writer: &mut Writer<'_>, column: usize, symbol: &str, constant: &Constant, end: bool) {
    let Constant::Date(date) = constant else { return };
    let text = match date.tomorrow() {
        Ok(next) if end => next.to_string(),
        // After the last day of the calendar comes text that is above every date.
        Err(_) if end => "~".to_owned(),
        _ => date.to_string(),
    };
    writer.column(column);
    writer.text(symbol);
    writer.repeated(constant, u8::from(end), Value::Text(text));
}

/// The coarse range that goes before the exact comparison.
fn instant_range(writer: &mut Writer<'_>, comparison: Comparison, column: usize, instant: &Timestamp) {
    let day = |days: i64| {
        let shifted = instant.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(*instant);
        let mut text = instant_text(shifted);
        text.truncate(10);
        Value::Text(text)
    };
    if matches!(comparison, Comparison::Eq | Comparison::Gt | Comparison::Ge) {
        writer.column(column);
        writer.text(" >= ");
        writer.repeated(instant, 3, day(-1));
        writer.text(" AND ");
    }
    if matches!(comparison, Comparison::Eq | Comparison::Lt | Comparison::Le) {
        writer.column(column);
        writer.text(" < ");
        writer.repeated(instant, 4, day(2));
        writer.text(" AND ");
    }
}

/// The form that `strftime` gives, to the millisecond.
fn instant_text(instant: Timestamp) -> String {
    let rounded = instant.round(jiff::Unit::Millisecond).unwrap_or(instant);
    let local = jiff::tz::Offset::UTC.to_datetime(rounded);
    format!("{}T{}", local.date(), time_text(local.time()))
}

fn time_text(time: jiff::civil::Time) -> String {
    let millisecond = time.subsec_nanosecond() / 1_000_000;
    format!("{:02}:{:02}:{:02}.{millisecond:03}", time.hour(), time.minute(), time.second())
}
