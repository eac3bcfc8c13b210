//! Casts.

use super::column::BY_BYTES;
use super::{number, once_as};
use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::tree::cast::{Cast, MOST_DIGITS};
use crate::tree::class::Class;
use crate::tree::typed::Typed;

pub(super) fn write(writer: &mut Writer<'_>, operand: &Typed, cast: Cast) {
    match (cast, operand.class) {
        (Cast::Whole, _) => {
            let expression =
                format!("CASE WHEN d.a ~ '^[-+]?[0-9]{{1,{MOST_DIGITS}}}$' THEN d.a::numeric END");
            once_as(writer, &expression, &[operand], as_it_is);
        }
        (Cast::Boolean, _) => {
            let expression = "CASE WHEN d.a ~* '^true$' THEN TRUE WHEN d.a ~* '^false$' THEN FALSE END";
            once_as(writer, expression, &[operand], as_it_is);
        }
        (Cast::Text, class) => {
            writer.text("(");
            text(writer, operand, class);
            writer.text(BY_BYTES);
            writer.text(")");
        }
    }
}

/// Writes a value as text.
fn text(writer: &mut Writer<'_>, operand: &Typed, class: Class) {
    // The year 0 is 1 BC for PostgreSQL; there is no earlier one.
    let dated = |form: &str| {
        format!(
            "CASE WHEN d.a < '0001-01-01' THEN '0000' || to_char(d.a, '{form}') ELSE to_char(d.a, 'YYYY{form}') END"
        )
    };
    // Without a fraction, there is no point either.
    let trimmed = |text: &str| format!("rtrim(rtrim({text}, '0'), '.')");
    match class {
        Class::Integer => {
            writer.text("round(");
            number::exact(writer, operand);
            writer.text(")::text");
        }
        Class::Date => once_as(writer, &dated("-MM-DD"), &[operand], as_it_is),
        Class::TimeOfDay => {
            let expression = trimmed("to_char(d.a, 'HH24:MI:SS.US')");
            once_as(writer, &expression, &[operand], as_it_is);
        }
        Class::DateTimeOffset => {
            let expression = format!("{} || 'Z'", trimmed(&dated("-MM-DD\"T\"HH24:MI:SS.US")));
            once_as(writer, &expression, &[operand], |writer, operand| {
                around(writer, "(", [operand], "", " AT TIME ZONE 'UTC')");
            });
        }
        _ => around(writer, "(", [operand], "", ")::text"),
    }
}

fn as_it_is(writer: &mut Writer<'_>, operand: &Typed) {
    writer.operand(operand);
}
