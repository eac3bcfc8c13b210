//! Functions and arithmetic in SQLite. Each operand is written once: where SQLite's own functions would need it several
//! times, one of [ours](crate::sql::functions) is called.

use super::{TIME, around, strftime};
use crate::bind::function::Function;
use crate::bind::typed::{Arithmetic, Class, Constant, Term, Typed};
use crate::cell::Value;
use crate::sql::Writer;

/// The characters that `trim` removes: those that Unicode calls white space.
const WHITE_SPACE: &str = "char(9,10,11,12,13,32,133,160,5760,8192,8193,8194,8195,8196,8197,8198,8199,8200,8201,8202,\
                           8232,8233,8239,8287,12288)";

pub(super) fn call(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
    match (function, arguments) {
        (Function::StartsWith, [text, prefix]) => starts_with(writer, text, prefix),
        (Function::EndsWith, _) => plain(writer, "sluicegate_ends_with(", arguments),
        (Function::Substring, _) => plain(writer, "sluicegate_substring(", arguments),
        (Function::Floor, _) => plain(writer, "sluicegate_floor(", arguments),
        (Function::Ceiling, _) => plain(writer, "sluicegate_ceiling(", arguments),
        (Function::Round, _) => plain(writer, "sluicegate_round(", arguments),
        (Function::Length, _) => plain(writer, "length(", arguments),
        (Function::ToLower, _) => plain(writer, "sluicegate_lower(", arguments),
        (Function::ToUpper, _) => plain(writer, "sluicegate_upper(", arguments),
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
        (Function::Contains, [text, part]) => around(writer, "(instr(", &[text, part], ", ", ") > 0)"),
        (Function::IndexOf, [text, part]) => around(writer, "(instr(", &[text, part], ", ", ") - 1)"),
        (Function::Concat, [left, right]) => around(writer, "(", &[left, right], " || ", ")"),
        (Function::Trim, [text]) => {
            around(writer, "trim(", &[text], "", ", ");
            writer.text(WHITE_SPACE);
            writer.text(")");
        }
        (_, _) => writer.text("NULL"),
    }
}

/// A call with all arguments as they are.
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

/// A literal prefix of a column is a range, which an index serves.
fn starts_with(writer: &mut Writer<'_>, text: &Typed, prefix: &Typed) {
    if let (Term::Column(column), Term::Constant(Constant::String(start))) = (&text.term, &prefix.term)
        && let Some(end) = successor(start)
    {
        writer.text("(");
        writer.column(*column);
        writer.text(" >= ");
        writer.repeated(start, 0, Value::Text(start.clone()));
        writer.text(" AND ");
        writer.column(*column);
        writer.text(" < ");
        writer.repeated(start, 1, Value::Text(end));
        return writer.text(")");
    }
    around(writer, "sluicegate_starts_with(", &[text, prefix], ", ", ")");
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
