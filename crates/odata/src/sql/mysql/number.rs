//! Arithmetic. Integers and decimals are computed exactly, with up to 65 digits; doubles fail where a result is too large.
//! There is no infinity, so that every division by zero fails.

use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::tree::class::Class;
use crate::tree::function::Function;
use crate::tree::typed::{Arithmetic, Term, Typed};

pub(super) fn arithmetic(writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
    let integers = left.class == Class::Integer && right.class == Class::Integer;
    match operator {
        Arithmetic::Add => binary(writer, left, " + ", right),
        Arithmetic::Sub => binary(writer, left, " - ", right),
        Arithmetic::Mul => binary(writer, left, " * ", right),
        Arithmetic::Div if integers => divided(writer, left, " DIV ", right),
        Arithmetic::Div | Arithmetic::DivBy => divided(writer, left, " / ", right),
        Arithmetic::Mod => divided(writer, left, " % ", right),
    }
}

fn binary(writer: &mut Writer<'_>, left: &Typed, operator: &str, right: &Typed) {
    writer.text("(");
    exact(writer, left);
    writer.text(operator);
    exact(writer, right);
    writer.text(")");
}

/// Writes a number of a type in which it can be computed without overflow.
pub(super) fn exact(writer: &mut Writer<'_>, operand: &Typed) {
    let is_exact = matches!(operand.term, Term::Arithmetic(..) | Term::Negate(_) | Term::Null);
    if operand.class == Class::Integer && !is_exact {
        around(writer, "CAST(", [operand], "", " AS DECIMAL(20,0))");
    } else {
        writer.operand(operand);
    }
}

/// Writes a division that fails for a divisor of zero, where MySQL returns null: with a subquery that has two rows. The subquery
/// names no table, so that the names in the divisor still mean the columns of the outer one.
fn divided(writer: &mut Writer<'_>, left: &Typed, operator: &str, right: &Typed) {
    if matches!(right.term, Term::Constant(_)) && !right.is_zero() {
        return binary(writer, left, operator, right);
    }
    around(writer, "(CASE WHEN ", [right], "", " = 0 THEN (SELECT 1 UNION ALL SELECT ");
    writer.operand(right);
    writer.text(") ELSE ");
    binary(writer, left, operator, right);
    writer.text(" END)");
}

/// Writes a function that rounds, half away from zero. MySQL rounds a double half to even, so it is rounded as the decimal
/// number that represents it, unless it is so large that it has no fraction.
pub(super) fn rounded(writer: &mut Writer<'_>, function: Function, operand: &Typed) {
    match (function, operand.class) {
        (_, Class::Integer) => writer.operand(operand),
        // Without the cast, the double that a temporary table keeps is cut to 17 digits.
        (Function::Floor, Class::Double) => around(writer, "CAST(FLOOR(", [operand], "", ") AS DOUBLE)"),
        (Function::Ceiling, Class::Double) => around(writer, "CAST(CEILING(", [operand], "", ") AS DOUBLE)"),
        (Function::Floor, _) => around(writer, "FLOOR(", [operand], "", ")"),
        (Function::Ceiling, _) => around(writer, "CEILING(", [operand], "", ")"),
        (_, Class::Double) => {
            around(writer, "(CASE WHEN ABS(", [operand], "", ") < 1e15 THEN ");
            around(writer, "CAST(ROUND(CAST(", [operand], "", " AS DECIMAL(65,30))) AS DOUBLE) ELSE ");
            around(writer, "", [operand], "", " END)");
        }
        _ => around(writer, "ROUND(", [operand], "", ")"),
    }
}

/// Writes a rounded number as an integer between these bounds. The upper one is compared with the next integer, because no
/// double is equal to the greatest integer.
pub(super) fn whole(writer: &mut Writer<'_>, operand: &Typed, [least, most]: [i64; 2]) {
    let beyond = i128::from(most) + 1;
    for (before, after) in [
        ("(CASE WHEN ", format!(" >= {least} AND ")),
        ("", format!(" < {beyond} THEN ")),
        ("CAST(", " AS SIGNED) END)".to_owned()),
    ] {
        writer.text(before);
        rounded(writer, Function::Round, operand);
        writer.text(&after);
    }
}
