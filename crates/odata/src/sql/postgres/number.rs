//! Arithmetic. Integers and decimals are computed as `numeric`, which is exact and has no bounds that a query reaches;
//! doubles as `float8`, which fails where a result is too large or too small.

use super::{once, once_as};
use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::tree::class::Class;
use crate::tree::function::Function;
use crate::tree::typed::{Arithmetic, Term, Typed};

pub(super) fn arithmetic(writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
    let integers = left.class == Class::Integer && right.class == Class::Integer;
    let doubles = left.class == Class::Double || right.class == Class::Double;
    match operator {
        Arithmetic::Add => binary(writer, "(", left, " + ", right),
        Arithmetic::Sub => binary(writer, "(", left, " - ", right),
        Arithmetic::Mul => binary(writer, "(", left, " * ", right),
        Arithmetic::Div | Arithmetic::DivBy if doubles => divided(writer, left, right, "float8"),
        Arithmetic::DivBy => divided(writer, left, right, "numeric"),
        Arithmetic::Div if integers => binary(writer, "div(", left, ", ", right),
        Arithmetic::Div => binary(writer, "(", left, " / ", right),
        Arithmetic::Mod if doubles => {
            writer.text("mod(");
            written(writer, left);
            writer.text(", ");
            written(writer, right);
            writer.text(")::float8");
        }
        Arithmetic::Mod => binary(writer, "mod(", left, ", ", right),
    }
}

fn binary(writer: &mut Writer<'_>, before: &str, left: &Typed, between: &str, right: &Typed) {
    writer.text(before);
    exact(writer, left);
    writer.text(between);
    exact(writer, right);
    writer.text(")");
}

/// Writes a number of a type in which it can be computed.
pub(super) fn exact(writer: &mut Writer<'_>, operand: &Typed) {
    writer.operand(operand);
    writer.text(if operand.class == Class::Integer { "::numeric" } else { "" });
}

/// Writes a number as the decimal number that represents it.
fn written(writer: &mut Writer<'_>, operand: &Typed) {
    writer.operand(operand);
    writer.text(if operand.class == Class::Double { "::text::numeric" } else { "::numeric" });
}

/// Writes a division that returns an infinity, or what is not a number, for a divisor of zero.
fn divided(writer: &mut Writer<'_>, left: &Typed, right: &Typed, ty: &str) {
    let is_zero = match &right.term {
        Term::Constant(_) => right.is_zero(),
        _ => true,
    };
    if !is_zero {
        writer.text("(");
        writer.operand(left);
        writer.text(&format!("::{ty} / "));
        writer.operand(right);
        return writer.text(&format!("::{ty})"));
    }
    let expression = format!(
        "CASE WHEN d.b = 0 THEN CASE sign(d.a) WHEN 1 THEN 'Infinity'::{ty} WHEN -1 THEN '-Infinity'::{ty} \
         WHEN 0 THEN 'NaN'::{ty} ELSE d.a::{ty} END ELSE d.a::{ty} / d.b::{ty} END"
    );
    once(writer, &expression, &[left, right]);
}

/// Writes a function that rounds, half away from zero. A double is rounded as the decimal number that represents it.
pub(super) fn rounded(writer: &mut Writer<'_>, function: Function, operand: &Typed) {
    match (function, operand.class) {
        (_, Class::Integer) => writer.operand(operand),
        (Function::Floor, _) => around(writer, "floor(", [operand], "", ")"),
        (Function::Ceiling, _) => around(writer, "ceil(", [operand], "", ")"),
        (_, Class::Double) => {
            writer.text("round(");
            written(writer, operand);
            writer.text(")::float8");
        }
        _ => around(writer, "round(", [operand], "", ")"),
    }
}

/// Writes a rounded number as an integer between these bounds. The upper one is compared with the next integer, because no
/// double is equal to the greatest integer.
pub(super) fn whole(writer: &mut Writer<'_>, operand: &Typed, [least, most]: [i64; 2]) {
    let ty = if operand.class == Class::Double { "float8" } else { "numeric" };
    let beyond = i128::from(most) + 1;
    let expression = format!("CASE WHEN d.a >= ({least})::{ty} AND d.a < {beyond}::{ty} THEN d.a::int8 END");
    once_as(writer, &expression, &[operand], |writer, operand| match operand.class {
        Class::Integer => exact(writer, operand),
        _ => rounded(writer, Function::Round, operand),
    });
}
