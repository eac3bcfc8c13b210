//! Functions and arithmetic in SQLite. Each operand is written once: where SQLite's own functions would need
//! it several times, one of [ours](crate::sql::functions) is called.

use super::{around, column};
use crate::bind::function::Function;
use crate::bind::typed::{Arithmetic, Class, Constant, Term, Typed};
use crate::sql::Writer;

pub(super) fn call(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
    match (function, arguments) {
        (Function::StartsWith, _) => of_texts(writer, "sluicegate_starts_with(", arguments),
        (Function::EndsWith, _) => of_texts(writer, "sluicegate_ends_with(", arguments),
        (Function::Substring, _) => of_texts(writer, "sluicegate_substring(", arguments),
        (Function::Floor, _) => plain(writer, "sluicegate_floor(", arguments),
        (Function::Ceiling, _) => plain(writer, "sluicegate_ceiling(", arguments),
        (Function::Round, _) => plain(writer, "sluicegate_round(", arguments),
        (Function::Length, _) => of_texts(writer, "sluicegate_length(", arguments),
        (Function::ToLower, _) => of_texts(writer, "sluicegate_lower(", arguments),
        (Function::ToUpper, _) => of_texts(writer, "sluicegate_upper(", arguments),
        (Function::Date, [instant]) => around(writer, "substr(", &[instant], "", ", 1, 10)"),
        (Function::Time, [instant]) => around(writer, "substr(", &[instant], "", ", 12)"),
        (Function::Year, [date]) => part(writer, date, "1, 4"),
        (Function::Month, [date]) => part(writer, date, "6, 2"),
        (Function::Day, [date]) => part(writer, date, "9, 2"),
        (Function::Hour, [time]) => part(writer, time, in_time(time, "1, 2", "12, 2")),
        (Function::Minute, [time]) => part(writer, time, in_time(time, "4, 2", "15, 2")),
        (Function::Second, [time]) => part(writer, time, in_time(time, "7, 2", "18, 2")),
        (Function::FractionalSeconds, [time]) => {
            // There may be no fraction.
            around(
                writer,
                "CAST('0' || substr(",
                &[time],
                "",
                in_time(time, ", 9) AS REAL)", ", 20) AS REAL)"),
            );
        }
        (Function::Contains, [text, part]) if contains(writer, text, part) => {}
        (Function::Contains, _) => of_texts(writer, "sluicegate_contains(", arguments),
        (Function::IndexOf, _) => of_texts(writer, "sluicegate_index_of(", arguments),
        (Function::Concat, _) => of_texts(writer, "sluicegate_concat(", arguments),
        (Function::Trim, _) => of_texts(writer, "sluicegate_trim(", arguments),
        (_, _) => writer.text("NULL"),
    }
}

/// Writes a number at a position in a date, a time or an instant, all of which are text of fixed form.
fn part(writer: &mut Writer<'_>, operand: &Typed, place: &str) {
    around(writer, "CAST(substr(", &[operand], "", &format!(", {place}) AS INTEGER)"));
}

fn in_time<'p>(operand: &Typed, in_time: &'p str, in_moment: &'p str) -> &'p str {
    if operand.class == Class::TimeOfDay { in_time } else { in_moment }
}

/// Writes a call of one of this server's text functions. They convert a cell to the text that is shown, so
/// the column need not be converted before.
fn of_texts(writer: &mut Writer<'_>, name: &str, arguments: &[Typed]) {
    writer.text(name);
    for (index, argument) in arguments.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        match argument.term {
            Term::Column(column) if argument.class == Class::String => writer.column(column),
            _ => writer.operand(argument),
        }
    }
    writer.text(")");
}

/// Writes a test whether a column contains a literal with SQLite's own function, which is fast. Returns
/// `false` if the result could differ from that for the text that is shown. SQLite's function compares bytes,
/// and no part of a UTF-8 text occurs in bytes that are not UTF-8, except the replacement character that is
/// shown for those.
fn contains(writer: &mut Writer<'_>, text: &Typed, part: &Typed) -> bool {
    let (Term::Column(column), Term::Constant(Constant::String(literal))) = (&text.term, &part.term) else {
        return false;
    };
    if literal.contains('\u{FFFD}') || !column::keeps_text(writer, *column) {
        return false;
    }
    writer.text("(instr(");
    column::ordered(writer, *column);
    writer.text(", ");
    writer.operand(part);
    writer.text(") > 0)");
    true
}

/// A call with unchanged arguments.
fn plain(writer: &mut Writer<'_>, name: &str, arguments: &[Typed]) {
    let arguments: Vec<&Typed> = arguments.iter().collect();
    around(writer, name, &arguments, ", ", ")");
}

pub(super) fn arithmetic(writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
    let integers = left.class == Class::Integer && right.class == Class::Integer;
    let doubles = left.class == Class::Double || right.class == Class::Double;
    let native = integers || doubles;
    let (before, between) = match operator {
        Arithmetic::Add if native => ("(", " + "),
        Arithmetic::Sub if native => ("(", " - "),
        Arithmetic::Mul if native => ("(", " * "),
        Arithmetic::Add => ("sluicegate_add(", ", "),
        Arithmetic::Sub => ("sluicegate_sub(", ", "),
        Arithmetic::Mul => ("sluicegate_mul(", ", "),
        Arithmetic::Div if integers => ("sluicegate_integer_div(", ", "),
        Arithmetic::Div | Arithmetic::DivBy if doubles => ("sluicegate_double_div(", ", "),
        Arithmetic::Div => ("sluicegate_div(", ", "),
        Arithmetic::DivBy => ("sluicegate_divby(", ", "),
        Arithmetic::Mod if doubles => ("sluicegate_double_mod(", ", "),
        Arithmetic::Mod => ("sluicegate_mod(", ", "),
    };
    around(writer, before, &[left, right], between, ")");
}
