//! Casts. Texts are bytes.

use super::characters;
use crate::cell::Value;
use crate::sql::Writer;
use crate::sql::clauses::around;
use crate::tree::cast::{Cast, MOST_DIGITS};
use crate::tree::class::Class;
use crate::tree::typed::Typed;

/// The patterns of texts that are whole numbers and truth values.
static WHOLE: &str = "\\A[-+]?[0-9]{1,19}\\z";
static TRUE: &str = "\\A(?i:true)\\z";
static FALSE: &str = "\\A(?i:false)\\z";

pub(super) fn write(writer: &mut Writer<'_>, operand: &Typed, cast: Cast) {
    match cast {
        Cast::Text => text(writer, operand),
        Cast::Whole => {
            debug_assert!(WHOLE.contains(&MOST_DIGITS.to_string()), "both say how many digits");
            writer.text("(CASE WHEN ");
            matches(writer, operand, &WHOLE);
            writer.text(" THEN CAST(");
            characters(writer, operand);
            writer.text(" AS DECIMAL(20,0)) END)");
        }
        Cast::Boolean => {
            writer.text("(CASE WHEN ");
            matches(writer, operand, &TRUE);
            writer.text(" THEN TRUE WHEN ");
            matches(writer, operand, &FALSE);
            writer.text(" THEN FALSE END)");
        }
    }
}

fn matches(writer: &mut Writer<'_>, operand: &Typed, pattern: &'static &'static str) {
    characters(writer, operand);
    writer.text(" REGEXP ");
    writer.repeated(pattern, 0, Value::Text((*pattern).to_owned()));
}

/// Writes a value as text. Without a fraction of a second, there is no point either.
fn text(writer: &mut Writer<'_>, operand: &Typed) {
    const TRIMMED: &str = "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM ";
    writer.text("CAST(");
    match operand.class {
        Class::Boolean => {
            around(writer, "(CASE ", [operand], "", " WHEN TRUE THEN 'true' WHEN FALSE THEN 'false' END)");
        }
        Class::Guid => around(writer, "LOWER(CONVERT(", [operand], "", " USING utf8mb4))"),
        Class::Date => around(writer, "DATE_FORMAT(", [operand], "", ", '%Y-%m-%d')"),
        Class::TimeOfDay => {
            writer.text(TRIMMED);
            around(writer, "TIME_FORMAT(", [operand], "", ", '%H:%i:%s.%f')))");
        }
        Class::DateTimeOffset => {
            writer.text("CONCAT(");
            writer.text(TRIMMED);
            around(writer, "DATE_FORMAT(", [operand], "", ", '%Y-%m-%dT%H:%i:%s.%f'))), 'Z')");
        }
        _ => writer.operand(operand),
    }
    writer.text(" AS BINARY)");
}
