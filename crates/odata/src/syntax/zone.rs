//! Parts of a date and time that depend on its zone. Values are kept in UTC here, so that the part of a literal in another
//! zone would be of another time than the part of the same instant in the data; the standard has such a call fail
//! ([§5.1.1.8.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_hour)).

use super::{Expression, Literal, Node};
use crate::error::{Error, Reason};

/// Refuses a call of a function that reads such a part of a literal in another zone than UTC. `text` is the whole option.
pub(super) fn check(
    function: &str,
    argument: &Node<'_>,
    text: &str,
    target: &'static str,
) -> Result<(), Error> {
    if !matches!(argument.expression, Expression::Literal(Literal::DateTimeOffset(..))) {
        return Ok(());
    }
    let literal = text.get(argument.at..).unwrap_or_default();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.' | b'+' | b'-');
    let end = literal.bytes().position(|byte| !is_part(byte)).unwrap_or(literal.len());
    if reads_zone(function, &literal[..end]) {
        return Err(Reason::OtherZone(function.to_owned()).at(target, argument.at));
    }
    Ok(())
}

fn reads_zone(function: &str, literal: &str) -> bool {
    let is = |names: &[&str]| names.iter().any(|name| function.eq_ignore_ascii_case(name));
    let offset = match literal.len().checked_sub(6).and_then(|at| literal.get(at..)) {
        Some(offset) if offset.starts_with(['+', '-']) => &offset[1..],
        // `Z`.
        _ => return false,
    };
    if is(&["minute"]) {
        return !offset.ends_with(":00");
    }
    is(&["year", "month", "day", "hour", "date", "time"]) && offset != "00:00"
}
