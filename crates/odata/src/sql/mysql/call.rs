//! Functions. Text is bytes: where characters count, it is converted to characters, and back.

use super::{characters, number};
use crate::cell::Value;
use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::sql::kept::{BLANKS, part_of};
use crate::tree::AggregateFunction;
use crate::tree::class::Class;
use crate::tree::function::Function;
use crate::tree::typed::{Term, Typed};

/// No text has that many characters.
const MOST_CHARACTERS: i64 = 1 << 30;

/// The collation by which letters change their case. Both servers have it.
const LETTERS: &str = " USING utf8mb4) COLLATE utf8mb4_unicode_520_ci)) AS BINARY)";

/// Writes a call. The binder has counted the arguments.
pub(super) fn call(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
    if of_constant(writer, function, arguments) {
        return;
    }
    let reversed = || arguments.iter().rev();
    match function {
        Function::Contains => around(writer, "(LOCATE(", reversed(), ", ", ") > 0)"),
        Function::StartsWith => around(writer, "(LOCATE(", reversed(), ", ", ") = 1)"),
        // The end of a text is the start of its mirror image.
        Function::EndsWith => around(writer, "(LOCATE(REVERSE(", reversed(), "), REVERSE(", ")) = 1)"),
        Function::Length => around(writer, "CHAR_LENGTH(CONVERT(", arguments, "", " USING utf8mb4))"),
        Function::IndexOf => {
            writer.text("(LOCATE(");
            characters(writer, &arguments[1]);
            writer.text(", ");
            characters(writer, &arguments[0]);
            writer.text(") - 1)");
        }
        Function::Substring => part(writer, arguments),
        Function::ToLower => around(writer, "CAST(LOWER((CONVERT(", arguments, "", LETTERS),
        Function::ToUpper => around(writer, "CAST(UPPER((CONVERT(", arguments, "", LETTERS),
        Function::Trim => {
            writer.text("CAST(REGEXP_REPLACE(");
            characters(writer, &arguments[0]);
            writer.text(", ");
            let pattern = format!("\\A[{BLANKS}]+|[{BLANKS}]+\\z");
            writer.repeated(&BLANKS, 0, Value::Text(pattern));
            writer.text(", '') AS BINARY)");
        }
        Function::Concat => joined(writer, arguments),
        Function::Year => around(writer, "YEAR(", arguments, "", ")"),
        Function::Month => around(writer, "MONTH(", arguments, "", ")"),
        Function::Day => around(writer, "DAYOFMONTH(", arguments, "", ")"),
        Function::Hour => around(writer, "HOUR(", arguments, "", ")"),
        Function::Minute => around(writer, "MINUTE(", arguments, "", ")"),
        Function::Second => around(writer, "SECOND(", arguments, "", ")"),
        Function::FractionalSeconds => around(writer, "(MICROSECOND(", arguments, "", ") * 0.000001)"),
        Function::Date => around(writer, "DATE(", arguments, "", ")"),
        Function::Time => around(writer, "TIME(", arguments, "", ")"),
        // No column is served as a duration, and the seconds of constants are constants.
        Function::TotalSeconds => writer.text("NULL"),
        Function::Round | Function::Floor | Function::Ceiling => {
            number::rounded(writer, function, &arguments[0]);
        }
    }
}

/// Writes a part of a constant that MySQL would not take from it.
fn of_constant(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) -> bool {
    let [Typed { term: Term::Constant(constant), .. }] = arguments else { return false };
    let Some(text) = part_of(function, constant) else { return false };
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    writer.text("CAST(");
    writer.repeated(constant, 3, Value::Text(text));
    writer.text(&format!(" AS DECIMAL(20,{digits}))"));
    true
}

/// Writes texts one after the other. A result that is longer than a packet may be would be null with a warning, as if one of the
/// texts were null, so the exponential function of a great number fails first.
fn joined(writer: &mut Writer<'_>, arguments: &[Typed]) {
    let mut texts = Vec::new();
    collect_texts(arguments, &mut texts);
    around(writer, "CONCAT(CASE WHEN OCTET_LENGTH(", texts.iter().copied(), ") + OCTET_LENGTH(", ")");
    writer.text(" > @@max_allowed_packet THEN CAST(EXP(1000 + ");
    around(writer, "OCTET_LENGTH(", texts.first().copied(), "", ")");
    writer.text(") AS BINARY) ELSE '' END, ");
    around(writer, "", texts, ", ", ")");
}

/// The texts that are put together, also by calls within the call, so that each is written only twice.
fn collect_texts<'t>(arguments: &'t [Typed], texts: &mut Vec<&'t Typed>) {
    for argument in arguments {
        match &argument.term {
            Term::Call(Function::Concat, inner) => collect_texts(inner, texts),
            _ => texts.push(argument),
        }
    }
}

/// Writes a part of a text.
fn part(writer: &mut Writer<'_>, arguments: &[Typed]) {
    let [text, start, length @ ..] = arguments else { return };
    let length = length.first();
    writer.text(if length.is_some() { "CAST(LEFT(" } else { "CAST(" });
    rest(writer, text, start);
    match length.map(|length| (length, length.constant_integer())) {
        None => {}
        Some((length, Some(constant))) => {
            writer.text(", ");
            writer.repeated(length, 4, Value::Integer(constant.clamp(0, MOST_CHARACTERS)));
            writer.text(")");
        }
        Some((length, None)) => {
            // The cotangent of zero fails.
            around(writer, ", CASE WHEN ", [length], "", " < 0 THEN COT(");
            around(writer, "", [length, length], " - ", ") ELSE ");
            around(writer, "LEAST(", [length], "", ", 1073741824) END)");
        }
    }
    writer.text(" AS BINARY)");
}

/// Writes a text from a place on, which counts from its end if it is negative.
fn rest(writer: &mut Writer<'_>, text: &Typed, start: &Typed) {
    if let Some(place) = start.constant_integer() {
        writer.text(if place < 0 { "RIGHT(" } else { "SUBSTRING(" });
        characters(writer, text);
        writer.text(", ");
        let count = if place < 0 { place.saturating_neg() } else { place.saturating_add(1) };
        writer.repeated(start, 4, Value::Integer(count.min(MOST_CHARACTERS + 1)));
        return writer.text(")");
    }
    around(writer, "(CASE WHEN ", [start], "", " < 0 THEN RIGHT(");
    characters(writer, text);
    writer.text(", LEAST(- ");
    number::exact(writer, start);
    writer.text(", 1073741824)) ELSE SUBSTRING(");
    characters(writer, text);
    around(writer, ", LEAST(", [start], "", ", 1073741823) + 1) END)");
}

/// Writes an aggregate function. An average is that of the exact sum: MySQL's own has only four digits more than its
/// operand.
pub(super) fn aggregate(writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>) {
    let is_double = operand.is_some_and(|operand| operand.class == Class::Double);
    match function {
        AggregateFunction::Count => writer.text("COUNT(*)"),
        AggregateFunction::CountDistinct => around(writer, "COUNT(DISTINCT ", operand, "", ")"),
        AggregateFunction::Sum => around(writer, "SUM(", operand, "", ")"),
        AggregateFunction::Average if is_double => around(writer, "AVG(", operand, "", ")"),
        AggregateFunction::Average => {
            around(writer, "(CAST(SUM(", operand, "", ") AS DOUBLE) / ");
            around(writer, "COUNT(", operand, "", "))");
        }
        AggregateFunction::Min => around(writer, "MIN(", operand, "", ")"),
        AggregateFunction::Max => around(writer, "MAX(", operand, "", ")"),
    }
}
