//! Functions. Each operand is written once.

use super::column::BY_BYTES;
use super::{number, once_as};
use crate::cell::Value;
use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::sql::kept::{BLANKS, part_of};
use crate::tree::AggregateFunction;
use crate::tree::class::Class;
use crate::tree::function::Function;
use crate::tree::typed::{Constant, Term, Typed};

/// The collation by which letters change their case: that of Unicode, whatever the language of the database.
const UNICODE: &str = " COLLATE \"und-x-icu\")";

/// No text has that many characters.
const MOST_CHARACTERS: i64 = 1 << 30;

/// Writes a call. The binder has counted the arguments.
pub(super) fn call(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
    if of_nul(writer, function, arguments) || of_constant(writer, function, arguments) {
        return;
    }
    match function {
        Function::Contains => around(writer, "(strpos(", arguments, ", ", ") > 0)"),
        Function::StartsWith => around(writer, "starts_with(", arguments, ", ", ")"),
        // The end of a text is the start of its mirror image.
        Function::EndsWith => around(writer, "starts_with(reverse(", arguments, "), reverse(", "))"),
        Function::Length => around(writer, "char_length(", arguments, "", ")"),
        Function::IndexOf => around(writer, "(strpos(", arguments, ", ", ") - 1)"),
        Function::Substring => part(writer, arguments),
        Function::ToLower => in_case(writer, "(lower(", arguments),
        Function::ToUpper => in_case(writer, "(upper(", arguments),
        Function::Trim => {
            around(writer, "btrim(", arguments, "", ", ");
            writer.repeated(&BLANKS, 0, Value::Text(BLANKS.to_owned()));
            writer.text(")");
        }
        Function::Concat => around(writer, "(", arguments, " || ", ")"),
        Function::Year => year(writer, arguments),
        Function::Month => of_moment(writer, "extract(month from ", arguments, ")"),
        Function::Day => of_moment(writer, "extract(day from ", arguments, ")"),
        Function::Hour => of_moment(writer, "extract(hour from ", arguments, ")"),
        Function::Minute => of_moment(writer, "extract(minute from ", arguments, ")"),
        Function::Second => of_moment(writer, "trunc(extract(second from ", arguments, "))"),
        Function::FractionalSeconds => of_moment(writer, "mod(extract(second from ", arguments, "), 1)"),
        Function::Date => of_moment(writer, "(", arguments, ")::date"),
        Function::Time => of_moment(writer, "(", arguments, ")::time"),
        Function::TotalSeconds => around(writer, "extract(epoch from ", arguments, "", ")"),
        Function::Round | Function::Floor | Function::Ceiling => {
            number::rounded(writer, function, &arguments[0]);
        }
    }
}

/// Writes the result of a search for a text with NUL, which no text contains.
fn of_nul(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) -> bool {
    let result = match function {
        Function::Contains | Function::StartsWith | Function::EndsWith => "FALSE",
        Function::IndexOf => "-1",
        _ => return false,
    };
    let [text, Typed { term: Term::Constant(Constant::String(sought)), .. }] = arguments else {
        return false;
    };
    let is_sought = sought.contains('\0');
    if is_sought {
        writer.text("(CASE WHEN ");
        writer.operand(text);
        writer.text(" IS NOT NULL THEN ");
        writer.text(result);
        writer.text(" END)");
    }
    is_sought
}

/// Writes a part of a constant that PostgreSQL does not keep as it is: the fraction of a second may have more digits,
/// and a date may be before all of its dates.
fn of_constant(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) -> bool {
    let [Typed { term: Term::Constant(constant), .. }] = arguments else { return false };
    let Some(text) = part_of(function, constant) else { return false };
    writer.repeated(constant, 3, Value::Text(text));
    writer.text("::numeric");
    true
}

/// Writes a text in upper or lower case.
fn in_case(writer: &mut Writer<'_>, name: &str, arguments: &[Typed]) {
    around(writer, name, arguments, "", UNICODE);
    writer.text(BY_BYTES);
    writer.text(")");
}

/// Writes an expression of a date, a time or an instant; an instant as its date and time in UTC.
fn of_moment(writer: &mut Writer<'_>, before: &str, arguments: &[Typed], after: &str) {
    writer.text(before);
    moment(writer, &arguments[0]);
    writer.text(after);
}

fn moment(writer: &mut Writer<'_>, operand: &Typed) {
    if operand.class == Class::DateTimeOffset {
        around(writer, "(", [operand], "", " AT TIME ZONE 'UTC')");
    } else {
        writer.operand(operand);
    }
}

/// PostgreSQL has no year 0: the year -1 precedes 1.
fn year(writer: &mut Writer<'_>, arguments: &[Typed]) {
    of_moment(writer, "(extract(year from ", arguments, ") + (");
    moment(writer, &arguments[0]);
    writer.text(" < '0001-01-01')::int4)");
}

/// Writes a part of a text. Places beyond every text are brought within the bounds of the function.
fn part(writer: &mut Writer<'_>, arguments: &[Typed]) {
    let [text, start, length @ ..] = arguments else { return };
    let length = length.first();
    if [Some(start), length].into_iter().flatten().all(|place| place.constant_integer().is_some()) {
        return constant_part(writer, text, start, length);
    }
    let cut = "CASE WHEN d.b < 0 THEN right(d.a, least(- d.b, 1073741824)::int4) \
               ELSE substr(d.a, least(d.b + 1, 1073741824)::int4) END";
    let Some(length) = length else {
        let expression = format!("CASE WHEN d.b IS NOT NULL THEN {cut} END");
        return once_as(writer, &expression, &[text, start], number::exact);
    };
    // A negative length fails.
    let expression = format!(
        "CASE WHEN d.b IS NOT NULL AND d.c IS NOT NULL THEN \
         substr({cut}, 1, greatest(least(d.c, 1073741824), -1)::int4) END"
    );
    once_as(writer, &expression, &[text, start, length], number::exact);
}

/// Writes a part of a text with a constant place.
fn constant_part(writer: &mut Writer<'_>, text: &Typed, start: &Typed, length: Option<&Typed>) {
    let from_end = start.constant_integer().is_some_and(|start| start < 0);
    writer.text(match (from_end, length) {
        (false, _) => "substr(",
        (true, None) => "right(",
        (true, Some(_)) => "left(right(",
    });
    writer.operand(text);
    count(
        writer,
        start,
        |start| if start < 0 { start.saturating_neg() } else { start.min(MOST_CHARACTERS) + 1 },
    );
    if from_end && length.is_some() {
        writer.text(")");
    }
    if let Some(length) = length {
        count(writer, length, |length| length);
    }
    writer.text(")");
}

/// Writes a number of characters as a further argument.
fn count(writer: &mut Writer<'_>, constant: &Typed, change: fn(i64) -> i64) {
    writer.text(", ");
    let characters = constant.constant_integer().map_or(0, change).min(MOST_CHARACTERS + 1);
    writer.repeated(constant, 4, Value::Integer(characters));
    writer.text("::int4");
}

/// Writes an aggregate function. Numbers of rows and exact sums are decimals. An average is that of the exact sum. The sum of
/// doubles depends on their order, which must be the same on all pages.
pub(super) fn aggregate(writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>) {
    let is_double = operand.is_some_and(|operand| operand.class == Class::Double);
    let twice = operand.into_iter().chain(operand);
    match function {
        AggregateFunction::Count => writer.text("count(*)::numeric"),
        AggregateFunction::CountDistinct => around(writer, "count(DISTINCT ", operand, "", ")::numeric"),
        AggregateFunction::Sum if is_double => around(writer, "sum(", twice, " ORDER BY ", ")"),
        AggregateFunction::Sum => around(writer, "sum(", operand, "", ")::numeric"),
        AggregateFunction::Average if is_double => around(writer, "avg(", twice, " ORDER BY ", ")"),
        AggregateFunction::Average => {
            around(writer, "(sum(", operand, "", ")::float8 / ");
            around(writer, "nullif(count(", operand, "", "), 0))");
        }
        AggregateFunction::Min => around(writer, "min(", operand, "", ")"),
        AggregateFunction::Max => around(writer, "max(", operand, "", ")"),
    }
}

/// Writes the sum of values in a window.
pub(super) fn sum_over(writer: &mut Writer<'_>, operand: &Typed, window: &dyn Fn(&mut Writer<'_>)) {
    let is_double = operand.class == Class::Double;
    around(writer, if is_double { "sum(" } else { "(sum(" }, [operand], "", ")");
    window(writer);
    writer.text(if is_double { "" } else { ")::numeric" });
}
