//! Functions and arithmetic in SQLite. Each operand is written once: where SQLite's own functions would need
//! it several times, one of [ours](crate::sql::functions) is called.

use super::column;
use crate::error::Reason;
use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::tree::AggregateFunction;
use crate::tree::class::Class;
use crate::tree::function::Function;
use crate::tree::typed::{Arithmetic, Constant, Term, Typed};

/// Writes a call. The binder has counted the arguments.
pub(super) fn call(writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
    match function {
        Function::Contains if contains(writer, arguments) => {}
        Function::Contains => of_texts(writer, "sluicegate_contains(", arguments),
        Function::StartsWith => of_texts(writer, "sluicegate_starts_with(", arguments),
        Function::EndsWith => of_texts(writer, "sluicegate_ends_with(", arguments),
        Function::Length => of_texts(writer, "sluicegate_length(", arguments),
        Function::IndexOf => of_texts(writer, "sluicegate_index_of(", arguments),
        Function::Substring => of_texts(writer, "sluicegate_substring(", arguments),
        Function::ToLower => of_texts(writer, "sluicegate_lower(", arguments),
        Function::ToUpper => of_texts(writer, "sluicegate_upper(", arguments),
        Function::Trim => of_texts(writer, "sluicegate_trim(", arguments),
        Function::Concat => of_texts(writer, "sluicegate_concat(", arguments),
        Function::Year => part(writer, arguments, "1, 4"),
        Function::Month => part(writer, arguments, "6, 2"),
        Function::Day => part(writer, arguments, "9, 2"),
        Function::Hour => part(writer, arguments, in_time(arguments, "1, 2", "12, 2")),
        Function::Minute => part(writer, arguments, in_time(arguments, "4, 2", "15, 2")),
        Function::Second => part(writer, arguments, in_time(arguments, "7, 2", "18, 2")),
        Function::FractionalSeconds => {
            // There may be no fraction.
            let after = in_time(arguments, ", 9) AS REAL)", ", 20) AS REAL)");
            around(writer, "CAST('0' || substr(", arguments, "", after);
        }
        Function::Date => around(writer, "substr(", arguments, "", ", 1, 10)"),
        Function::Time => around(writer, "substr(", arguments, "", ", 12)"),
        Function::TotalSeconds => around(writer, "sluicegate_seconds(", arguments, "", ")"),
        Function::Round => around(writer, "sluicegate_round(", arguments, "", ")"),
        Function::Floor => around(writer, "sluicegate_floor(", arguments, "", ")"),
        Function::Ceiling => around(writer, "sluicegate_ceiling(", arguments, "", ")"),
    }
}

/// Writes a number at a position in a date, a time or an instant, all of which are text of fixed form.
fn part(writer: &mut Writer<'_>, arguments: &[Typed], place: &str) {
    around(writer, "CAST(substr(", arguments, "", &format!(", {place}) AS INTEGER)"));
}

fn in_time<'p>(arguments: &[Typed], in_time: &'p str, in_moment: &'p str) -> &'p str {
    if arguments.iter().all(|argument| argument.class == Class::TimeOfDay) { in_time } else { in_moment }
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
fn contains(writer: &mut Writer<'_>, arguments: &[Typed]) -> bool {
    let [Typed { term: Term::Column(column), .. }, part] = arguments else { return false };
    let Term::Constant(Constant::String(literal)) = &part.term else { return false };
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

/// Refuses the smallest and the greatest of texts that may lie in the file in another encoding than UTF-8, because SQLite
/// compares their bytes there.
pub(super) fn check_order(writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>) {
    let is_extreme = matches!(function, AggregateFunction::Min | AggregateFunction::Max);
    if is_extreme && operand.is_some_and(|operand| column::may_be_recoded(writer, operand)) {
        let what = format!("{} of a text that the database may keep as something else", function.name());
        writer.refuse(Reason::NotImplemented(what));
    }
}

/// What an aggregate function of values of a class begins with.
pub(super) fn aggregate(function: AggregateFunction, class: Option<Class>) -> &'static str {
    let is_exact = class != Some(Class::Double);
    match function {
        AggregateFunction::Count => "count(*",
        AggregateFunction::CountDistinct => "count(DISTINCT ",
        AggregateFunction::Sum if is_exact => "sluicegate_sum(",
        AggregateFunction::Sum => "sum(",
        AggregateFunction::Average if is_exact => "sluicegate_average(",
        AggregateFunction::Average => "avg(",
        AggregateFunction::Min => "min(",
        AggregateFunction::Max => "max(",
    }
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
    around(writer, before, [left, right], between, ")");
}
