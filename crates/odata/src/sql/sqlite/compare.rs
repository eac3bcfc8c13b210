//! Comparisons. With a constant, a condition that an index can serve narrows the rows, and the comparison of values
//! after it decides. If stored cells need no conversion, one condition does both.

use super::column;
use crate::cell::Value;
use crate::edm_type::EdmType;
use crate::form::{Form, read::Numbers};
use crate::instant::{Moment, date_text};
use crate::literal;
use crate::model::Collation;
use crate::sql::Writer;
use crate::sql::clauses::symbol;
use crate::tree::column::ScanColumn;
use crate::tree::typed::{Comparison, Constant, Term, Typed};

/// Picoseconds in a day.
const DAY: i128 = 86_400_000_000_000_000;

pub(super) fn compare(writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed) {
    writer.text("(");
    let is_ordering = !matches!(comparison, Comparison::Eq | Comparison::Ne);
    if is_ordering && (is_recoded(writer, left) || is_recoded(writer, right)) {
        column::in_order_of_characters(writer, left);
        writer.text(symbol(comparison));
        column::in_order_of_characters(writer, right);
        return writer.text(")");
    }
    match (&left.term, &right.term) {
        (Term::Column(column), Term::Constant(constant)) => beside(writer, comparison, *column, constant),
        (Term::Constant(constant), Term::Column(column)) => {
            beside(writer, comparison.mirrored(), *column, constant);
        }
        _ => {
            writer.operand(left);
            writer.text(symbol(comparison));
            writer.operand(right);
        }
    }
    writer.text(")");
}

/// Whether a side of a comparison has to be brought into the order of its characters. A key is compared as its index has it.
fn is_recoded(writer: &Writer<'_>, side: &Typed) -> bool {
    let is_sound = matches!(side.term, Term::Column(column) if column::is_sound(writer, column));
    !is_sound && column::may_be_recoded(writer, side)
}

/// Writes the comparison of a column with a constant.
fn beside(writer: &mut Writer<'_>, comparison: Comparison, column: ScanColumn, constant: &Constant) {
    let is_sound = column::is_sound(writer, column);
    let entity_type = writer.entity_type(column.scan);
    if comparison == Comparison::Eq
        && !writer.may_search
        && column::is_looked_up(entity_type, column.property)
    {
        return looked_up(writer, column, constant);
    }
    if comparison == Comparison::Ne {
        return values(writer, comparison, column, constant);
    }
    let property = writer.property(column);
    match (property.ty, constant) {
        (EdmType::String { .. }, Constant::String(text)) if is_sound || property.storage.is_textual => {
            text_beside(writer, comparison, column, constant, text);
        }
        (EdmType::String { .. }, Constant::String(text)) if comparison == Comparison::Eq => {
            written_as(writer, column, constant, text);
            values(writer, comparison, column, constant);
        }
        (EdmType::Decimal { scale: Some(scale), .. }, constant) if !is_sound => {
            near(writer, comparison, column, constant, scale);
            values(writer, comparison, column, constant);
        }
        (EdmType::Boolean, Constant::Boolean(value)) if comparison == Comparison::Eq => {
            column::is(writer, column, *value);
        }
        (EdmType::Date, Constant::Date(date)) => {
            // After the last day of the calendar comes text that is above every date.
            let next = date.tomorrow().map_or_else(|_| "~".to_owned(), date_text);
            let instant = Moment::new(*date, crate::instant::ClockTime::MIDNIGHT, 0);
            narrowed(writer, comparison, column, (&date_text(*date), &next), instant, DAY);
            values(writer, comparison, column, constant);
        }
        (EdmType::DateTimeOffset, Constant::DateTimeOffset(instant)) => {
            // Whatever the time zone, the stored date is less than a day from the date in UTC.
            let first = instant.date().yesterday().map_or_else(|_| String::new(), date_text);
            let next = instant.date().tomorrow().and_then(jiff::civil::Date::tomorrow);
            let next = next.map_or_else(|_| "~".to_owned(), date_text);
            narrowed(writer, comparison, column, (&first, &next), Some(*instant), 1);
            values(writer, comparison, column, constant);
        }
        (EdmType::TimeOfDay, Constant::TimeOfDay(clock)) => {
            let text = clock.text();
            let minute = &text[..5];
            narrowed(writer, comparison, column, (minute, &format!("{minute}~")), None, 0);
            values(writer, comparison, column, constant);
        }
        (EdmType::Guid, Constant::Guid(guid)) => guid_beside(writer, column, guid),
        (EdmType::Binary, Constant::Binary(bytes)) => bytes_beside(writer, column, bytes),
        (ty, _) if is_number(ty) => {
            column::stored(writer, column);
            writer.text(symbol(comparison));
            writer.constant(constant);
            let is_listable = column::is_listable(entity_type, column.property, constant);
            let decides = is_sound || (is_listable && comparison == Comparison::Eq);
            if !decides {
                column::and_has_value(writer, column);
            }
        }
        _ => values(writer, comparison, column, constant),
    }
}

/// Writes a condition that the only key column has a value. An index finds the row with the usual layout; all stored
/// forms of the value are searched for only if there is none, so of rows that share an address, that one is served.
fn looked_up(writer: &mut Writer<'_>, column: ScanColumn, constant: &Constant) {
    column::stored(writer, column);
    writer.text(" = coalesce(");
    let entity_type = writer.entity_type(column.scan);
    if let Some(stored) = column::stored_constant(entity_type, column.property, constant) {
        first(writer, column, |writer| {
            bound(writer, column, " = ", stored);
            writer.text(" AND ");
            column::in_layout(writer, column);
        });
        writer.text(", ");
    } else {
        writer.text("NULL, ");
    }
    writer.may_search = true;
    first(writer, column, |writer| beside(writer, Comparison::Eq, column, constant));
    writer.may_search = false;
    writer.text(")");
}

/// Writes the content of the column in the first row that meets a condition.
fn first(writer: &mut Writer<'_>, column: ScanColumn, condition: impl FnOnce(&mut Writer<'_>)) {
    writer.text("(SELECT ");
    writer.column(column);
    writer.text(" FROM ");
    writer.table(column.scan);
    writer.text(" WHERE ");
    condition(writer);
    writer.text(" LIMIT 1)");
}

fn is_number(ty: EdmType) -> bool {
    ty.bounds().is_some() || matches!(ty, EdmType::Single | EdmType::Double | EdmType::Decimal { .. })
}

/// Writes a comparison of the stored column.
fn bound(writer: &mut Writer<'_>, column: ScanColumn, symbol: &str, value: Value) {
    column::stored(writer, column);
    writer.text(symbol);
    writer.parameter(value);
}

/// Writes the comparison of values.
fn values(writer: &mut Writer<'_>, comparison: Comparison, column: ScanColumn, constant: &Constant) {
    column::value(writer, column);
    writer.text(symbol(comparison));
    writer.constant(constant);
}

fn text_beside(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    column: ScanColumn,
    constant: &Constant,
    text: &str,
) {
    let is_sound = column::is_sound(writer, column);
    let value = Value::Text(text.to_owned());
    // Bytes that are not UTF-8 are shown as a character that may sort differently.
    let is_told_by_bytes = match comparison {
        Comparison::Eq => !text.contains('\u{FFFD}'),
        _ => text.is_ascii(),
    };
    if !is_sound && !is_told_by_bytes {
        return shown_beside(writer, comparison, column, constant, text);
    }
    if comparison == Comparison::Eq
        && let Some(Collation::Named(name)) = writer.property(column).storage.index
    {
        // There is only the index of this collation, and what is equal byte by byte is equal under it.
        writer.column(column);
        writer.text(" COLLATE ");
        writer.text(name);
        writer.text(" = ");
        writer.repeated(constant, 0, value.clone());
        writer.text(" AND ");
    }
    column::stored(writer, column);
    writer.text(symbol(comparison));
    writer.repeated(constant, 0, value);
    if matches!(comparison, Comparison::Gt | Comparison::Ge) && !is_sound {
        column::and_has_value(writer, column);
    }
}

/// Writes the comparison of the text that is shown, after a range. For rows in the range, the column either shares the
/// part of the literal before its first character beyond ASCII, or differs from it there.
fn shown_beside(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    column: ScanColumn,
    constant: &Constant,
    text: &str,
) {
    let ascii = text.split(|character: char| !character.is_ascii()).next().unwrap_or_default();
    if !ascii.is_empty() {
        match (comparison.reaches_up(), comparison.reaches_down()) {
            (true, true) => begins(writer, column, ascii, constant),
            (true, _) => from(writer, column, ascii, constant),
            _ => before_end(writer, column, ascii, constant),
        }
        writer.text(" AND ");
    }
    column::read(writer, column);
    writer.text(symbol(comparison));
    writer.constant(constant);
}

/// Writes the range of the texts that begin with another text, by bytes. 255 serves as the upper bound. `constant` is
/// the literal.
pub(super) fn begins(writer: &mut Writer<'_>, column: ScanColumn, prefix: &str, constant: &Constant) {
    from(writer, column, prefix, constant);
    writer.text(" AND ");
    before_end(writer, column, prefix, constant);
}

fn from(writer: &mut Writer<'_>, column: ScanColumn, prefix: &str, constant: &Constant) {
    column::stored(writer, column);
    writer.text(" >= ");
    writer.repeated(constant, 1, Value::Text(prefix.to_owned()));
}

fn before_end(writer: &mut Writer<'_>, column: ScanColumn, prefix: &str, constant: &Constant) {
    let mut end = prefix.as_bytes().to_vec();
    // UTF-8 has no byte 255.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    let end = String::from_utf8(end).map_or_else(|error| Value::RawText(error.into_bytes()), Value::Text);
    column::stored(writer, column);
    writer.text(" < ");
    writer.repeated(constant, 2, end);
}

/// Writes that the column may contain a text, or a number with that text form.
fn written_as(writer: &mut Writer<'_>, column: ScanColumn, constant: &Constant, text: &str) {
    if text.contains('\u{FFFD}') {
        return;
    }
    column::stored(writer, column);
    writer.text(" IN (");
    writer.repeated(constant, 0, Value::Text(text.to_owned()));
    let number = text.parse().map(Value::Integer).or_else(|_| text.parse().map(Value::Real));
    if let Ok(number) = number {
        writer.text(",");
        writer.parameter(number);
    }
    writer.text(") AND ");
}

/// Writes that the difference between column and constant is within rounding.
#[expect(clippy::cast_precision_loss, reason = "the margin is wider than what is lost")]
fn near(writer: &mut Writer<'_>, comparison: Comparison, column: ScanColumn, number: &Constant, scale: u16) {
    let number = match number.compared() {
        Value::Integer(value) => value as f64,
        Value::Real(value) if value.is_finite() => value,
        _ => return,
    };
    let margin = 10_f64.powi(-i32::from(scale)) + number.abs() * 1e-12;
    if comparison.reaches_up() {
        bound(writer, column, " >= ", Value::Real(number - margin));
        writer.text(" AND ");
    }
    if comparison.reaches_down() {
        bound(writer, column, " <= ", Value::Real(number + margin));
        writer.text(" AND ");
    }
}

/// Writes which text, and which numbers if the column may contain them, can represent a date, a time or an instant.
/// `unit` is the duration of such a value in picoseconds.
fn narrowed(
    writer: &mut Writer<'_>,
    comparison: Comparison,
    column: ScanColumn,
    (first, next): (&str, &str),
    instant: Option<Moment>,
    unit: i128,
) {
    let numbers = writer.property(column).storage.form.scale_of_numbers();
    let range = numbers.zip(instant).map(|(numbers, instant)| number_range(numbers, instant, unit));
    if range.is_some() {
        writer.text("(");
    }
    let (up, down) = (comparison.reaches_up(), comparison.reaches_down());
    let limits = |writer: &mut Writer<'_>, first: Value, next: Value| {
        if up {
            bound(writer, column, " >= ", first);
        }
        if down {
            writer.text(if up { " AND " } else { "" });
            bound(writer, column, " < ", next);
        }
    };
    if let Some((first, next)) = range {
        limits(writer, Value::Integer(first), Value::Integer(next));
        writer.text(" OR ");
    }
    limits(writer, Value::Text(first.to_owned()), Value::Text(next.to_owned()));
    writer.text(if range.is_some() { ") AND " } else { " AND " });
}

/// The numbers from just below an instant to just beyond the end of the period that starts there.
fn number_range(numbers: Numbers, instant: Moment, unit: i128) -> (i64, i64) {
    let start = instant.picoseconds();
    let of = |picoseconds: i128| match numbers {
        Numbers::Since1970(unit) => picoseconds.div_euclid(i128::from(unit)),
        Numbers::JulianDays => (picoseconds + DAY / 2).div_euclid(DAY) + 2_440_587,
    };
    let clamped =
        |number: i128| i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX });
    (clamped(of(start) - 1), clamped(of(start + unit) + 2))
}

/// GUIDs are only compared for equality. Texts in mixed case sort between those in upper case and those in lower case
/// with the same case in the first letters, so the ranges contain almost nothing else.
fn guid_beside(writer: &mut Writer<'_>, column: ScanColumn, guid: &[u8; 16]) {
    let text = literal::guid_text(guid);
    let (upper, bytes) = (Value::Text(text.to_uppercase()), Value::Blob(guid.to_vec()));
    match writer.property(column).storage.form {
        Form::GuidText => bound(writer, column, " = ", Value::Text(text)),
        Form::GuidTextUpper => bound(writer, column, " = ", upper),
        Form::GuidBytes => bound(writer, column, " = ", bytes),
        _ => {
            bound(writer, column, " = ", bytes);
            for (least, greatest) in cases(&text) {
                writer.text(" OR ");
                bound(writer, column, " >= ", Value::Text(least));
                writer.text(" AND ");
                bound(writer, column, " <= ", Value::Text(greatest));
                writer.text(" AND ");
                column::read(writer, column);
                writer.text(" = ");
                writer.repeated(guid, 1, Value::Text(text.clone()));
            }
        }
    }
}

/// The ranges of texts that are a GUID in any case, one for each combination of cases of its first letters.
fn cases(text: &str) -> Vec<(String, String)> {
    /// With this many letters, a range contains few texts.
    const LETTERS: usize = 2;
    let letters = text.char_indices().filter(|(_, letter)| letter.is_ascii_alphabetic());
    let letters: Vec<usize> = letters.map(|(at, _)| at).take(LETTERS).collect();
    let beginnings = 0..1_usize << letters.len();
    let cased = |bits: usize, rest: fn(&str) -> String| {
        let end = letters.last().map_or(0, |last| last + 1);
        let mut cased = text[..end].to_owned();
        for (_, at) in letters.iter().enumerate().filter(|(bit, _)| (bits >> bit) & 1 == 0) {
            cased[*at..=*at].make_ascii_uppercase();
        }
        cased + &rest(&text[end..])
    };
    beginnings.map(|bits| (cased(bits, str::to_uppercase), cased(bits, str::to_owned))).collect()
}

/// Text in a column of bytes represents its bytes.
fn bytes_beside(writer: &mut Writer<'_>, column: ScanColumn, bytes: &[u8]) {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(text.to_owned()),
        Err(_) => Value::RawText(bytes.to_vec()),
    };
    bound(writer, column, " = ", Value::Blob(bytes.to_vec()));
    writer.text(" OR ");
    bound(writer, column, " = ", text);
}

impl Comparison {
    /// Whether it holds for larger values.
    fn reaches_up(self) -> bool {
        matches!(self, Self::Eq | Self::Gt | Self::Ge)
    }

    /// Whether it holds for smaller values.
    fn reaches_down(self) -> bool {
        matches!(self, Self::Eq | Self::Lt | Self::Le)
    }
}
