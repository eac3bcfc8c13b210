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

use jiff::{SignedDuration, Timestamp};

use super::{Rules, Writer};
use crate::bind::function::Function;
use crate::bind::typed::{Arithmetic, Class, Comparison, Constant, Term, Typed};
use crate::cell::Value;
use crate::literal;

pub(super) struct Sqlite;

/// The characters that `trim` removes: those that Unicode calls white space.
const WHITE_SPACE: &str = "char(9,10,11,12,13,32,133,160,5760,8192,8193,8194,8195,8196,8197,8198,8199,8200,8201,8202,\
                           8232,8233,8239,8287,12288)";
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

    fn mark(&self, sql: &mut String, _number: usize) {
        sql.push('?');
    }

    fn value(&self, constant: &Constant) -> Value {
        match constant {
            Constant::Boolean(value) => Value::Integer(i64::from(*value)),
            Constant::Integer(value) => Value::Integer(*value),
            // SQLite keeps decimals as floating-point numbers, so they are compared as such.
            Constant::Decimal(text) => Value::Real(text.parse().unwrap_or(f64::NAN)),
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
        !matches!(operand.class, Class::Guid | Class::Date | Class::TimeOfDay | Class::DateTimeOffset)
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
        match (function, arguments) {
            (Function::StartsWith, [text, prefix]) => starts_with(writer, text, prefix),
            (Function::EndsWith, [text, suffix]) => ends_with(writer, text, suffix),
            (Function::Substring, [text, start, length @ ..]) => {
                substring(writer, text, start, length.first());
            }
            (Function::Floor, [number]) => whole(writer, number, " - (", " > "),
            (Function::Ceiling, [number]) => whole(writer, number, " + (", " < "),
            (Function::Date, [instant]) => strftime(writer, "", "'%Y-%m-%d'", instant, ""),
            (Function::Time, [instant]) => strftime(writer, "", TIME, instant, ""),
            (Function::Year, [date]) => strftime(writer, "CAST(", "'%Y'", date, " AS INTEGER)"),
            (Function::Month, [date]) => strftime(writer, "CAST(", "'%m'", date, " AS INTEGER)"),
            (Function::Day, [date]) => strftime(writer, "CAST(", "'%d'", date, " AS INTEGER)"),
            (Function::Hour, [time]) => strftime(writer, "CAST(", "'%H'", time, " AS INTEGER)"),
            (Function::Minute, [time]) => strftime(writer, "CAST(", "'%M'", time, " AS INTEGER)"),
            (Function::Second, [time]) => strftime(writer, "CAST(", "'%S'", time, " AS INTEGER)"),
            (Function::FractionalSeconds, [time]) => {
                strftime(writer, "CAST(substr(", "'%f'", time, ", 3) AS REAL)");
            }
            (Function::Contains, arguments) => around(writer, "(instr(", arguments, ", ", ") > 0)"),
            (Function::IndexOf, arguments) => around(writer, "(instr(", arguments, ", ", ") - 1)"),
            (Function::Concat, arguments) => around(writer, "(", arguments, " || ", ")"),
            (Function::Trim, arguments) => {
                around(writer, "trim(", arguments, "", ", ");
                writer.text(WHITE_SPACE);
                writer.text(")");
            }
            (Function::Length, arguments) => around(writer, "length(", arguments, "", ")"),
            (Function::ToLower, arguments) => around(writer, "sluicegate_lower(", arguments, "", ")"),
            (Function::ToUpper, arguments) => around(writer, "sluicegate_upper(", arguments, "", ")"),
            // Half away from zero.
            (Function::Round, arguments) => around(writer, "round(", arguments, "", ")"),
            (_, _) => writer.text("NULL"),
        }
    }

    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
        let integers = left.class == Class::Integer && right.class == Class::Integer;
        let doubles = left.class == Class::Double || right.class == Class::Double;
        let pair = [left.clone(), right.clone()];
        // Decimals are kept as floating-point numbers: rounding takes away what their binary form adds.
        let rounded = !doubles && (!integers || operator == Arithmetic::DivBy);
        writer.text(if rounded { "round(" } else { "" });
        match operator {
            Arithmetic::Add => around(writer, "(", &pair, " + ", ")"),
            Arithmetic::Sub => around(writer, "(", &pair, " - ", ")"),
            Arithmetic::Mul => around(writer, "(", &pair, " * ", ")"),
            Arithmetic::Div if integers => around(writer, "(", &pair, " / ", ")"),
            Arithmetic::Mod if integers => around(writer, "(", &pair, " % ", ")"),
            // A decimal column holds whole values as integers, which SQLite would divide as such.
            Arithmetic::Div | Arithmetic::DivBy => around(writer, "(CAST(", &pair, " AS REAL) / ", ")"),
            Arithmetic::Mod => {
                around(writer, "(", &pair, " - ", " * CAST(");
                around(writer, "CAST(", &pair, " AS REAL) / ", " AS INTEGER))");
            }
        }
        writer.text(if rounded { ", 10)" } else { "" });
    }
}

/// Writes operands with text before, between and after them.
fn around(writer: &mut Writer<'_>, before: &str, operands: &[Typed], between: &str, after: &str) {
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
        Class::Date if stored => around(writer, "substr(", std::slice::from_ref(operand), "", ", 1, 10)"),
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
        Constant::Date(date) => compare_date(writer, comparison, column, *date),
        Constant::DateTimeOffset(instant) => {
            writer.text("(");
            instant_range(writer, comparison, column, *instant);
            normal(writer, typed);
            writer.text(symbol(comparison));
            writer.parameter(Value::Text(instant_text(*instant)));
            writer.text(")");
        }
        Constant::Guid(guid) => {
            let text = literal::guid_text(guid);
            writer.column(column);
            writer.text(if comparison == Comparison::Ne { " NOT IN (" } else { " IN (" });
            writer.parameter(Value::Text(text.to_uppercase()));
            writer.text(",");
            writer.parameter(Value::Text(text));
            writer.text(",");
            writer.parameter(Value::Blob(guid.to_vec()));
            writer.text(")");
        }
        _ => {
            normal(writer, typed);
            writer.text(symbol(comparison));
            writer.parameter(Sqlite.value(constant));
        }
    }
}

/// A day is the range of text from it to the next day.
fn compare_date(writer: &mut Writer<'_>, comparison: Comparison, column: usize, date: jiff::civil::Date) {
    let start = Value::Text(date.to_string());
    // After the last day of the calendar comes text that is above every date.
    let end = Value::Text(date.tomorrow().map_or_else(|_| "~".to_owned(), |next| next.to_string()));
    let mut bound = |symbol: &str, value: &Value| {
        writer.column(column);
        writer.text(symbol);
        writer.parameter(value.clone());
    };
    match comparison {
        Comparison::Ge => bound(" >= ", &start),
        Comparison::Lt => bound(" < ", &start),
        Comparison::Gt => bound(" >= ", &end),
        Comparison::Le => bound(" < ", &end),
        Comparison::Eq | Comparison::Ne => {
            let (first, second, joint) =
                if comparison == Comparison::Eq { (" >= ", " < ", " AND ") } else { (" < ", " >= ", " OR ") };
            writer.text("(");
            writer.column(column);
            writer.text(first);
            writer.parameter(start);
            writer.text(joint);
            writer.column(column);
            writer.text(second);
            writer.parameter(end);
            writer.text(")");
        }
    }
}

/// The coarse range that goes before the exact comparison.
fn instant_range(writer: &mut Writer<'_>, comparison: Comparison, column: usize, instant: Timestamp) {
    let day = |days: i64| {
        let shifted = instant.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(instant);
        let mut text = instant_text(shifted);
        text.truncate(10);
        Value::Text(text)
    };
    if matches!(comparison, Comparison::Eq | Comparison::Gt | Comparison::Ge) {
        writer.column(column);
        writer.text(" >= ");
        writer.parameter(day(-1));
        writer.text(" AND ");
    }
    if matches!(comparison, Comparison::Eq | Comparison::Lt | Comparison::Le) {
        writer.column(column);
        writer.text(" < ");
        writer.parameter(day(2));
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

/// A literal prefix of a column is a range, which an index serves.
fn starts_with(writer: &mut Writer<'_>, text: &Typed, prefix: &Typed) {
    if let (Term::Column(column), Term::Constant(Constant::String(prefix))) = (&text.term, &prefix.term)
        && let Some(end) = successor(prefix)
    {
        writer.text("(");
        writer.column(*column);
        writer.text(" >= ");
        writer.parameter(Value::Text(prefix.clone()));
        writer.text(" AND ");
        writer.column(*column);
        writer.text(" < ");
        writer.parameter(Value::Text(end));
        return writer.text(")");
    }
    writer.text("(substr(");
    writer.operand(text);
    writer.text(", 1, length(");
    writer.operand(prefix);
    writer.text(")) = ");
    writer.operand(prefix);
    writer.text(")");
}

/// The least text above all texts that start with `prefix`; none if there is no such.
fn successor(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn ends_with(writer: &mut Writer<'_>, text: &Typed, suffix: &Typed) {
    // From minus zero on would be the whole text.
    writer.text("(CASE length(");
    writer.operand(suffix);
    writer.text(") WHEN 0 THEN ");
    writer.operand(text);
    writer.text(" IS NOT NULL OR NULL ELSE substr(");
    writer.operand(text);
    writer.text(", -length(");
    writer.operand(suffix);
    writer.text(")) = ");
    writer.operand(suffix);
    writer.text(" END)");
}

/// OData counts characters from zero, SQLite from one; negative places count from the end in both.
fn substring(writer: &mut Writer<'_>, text: &Typed, start: &Typed, length: Option<&Typed>) {
    writer.text("substr(");
    writer.operand(text);
    writer.text(", ");
    if let Term::Constant(Constant::Integer(start)) = start.term {
        writer.parameter(Value::Integer(if start < 0 { start } else { start.saturating_add(1) }));
    } else {
        writer.operand(start);
        writer.text(" + (");
        writer.operand(start);
        writer.text(" >= 0)");
    }
    if let Some(length) = length {
        writer.text(", max(0, ");
        writer.operand(length);
        writer.text(")");
    }
    writer.text(")");
}

/// The nearest whole number in one direction: the truncated number, corrected by one.
fn whole(writer: &mut Writer<'_>, number: &Typed, correct: &str, beyond: &str) {
    writer.text("(CAST(");
    writer.operand(number);
    writer.text(" AS INTEGER)");
    writer.text(correct);
    writer.text("CAST(");
    writer.operand(number);
    writer.text(" AS INTEGER)");
    writer.text(beyond);
    writer.operand(number);
    writer.text("))");
}

impl Comparison {
    /// The comparison with its sides exchanged.
    fn mirrored(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
        }
    }
}
