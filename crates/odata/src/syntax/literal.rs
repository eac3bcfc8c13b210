//! Literals: quoted ones, and those that start with a digit or a sign.

use std::borrow::Cow;

use super::Literal;
use super::expression::Parser;
use crate::error::{Error, Reason};
use crate::{hint, literal};

impl<'t> Parser<'t> {
    /// A text in single quotes, in which two quotes stand for one.
    pub(super) fn quoted(&mut self) -> Result<Cow<'t, str>, Error> {
        let start = self.cursor.at;
        self.cursor.expect(b'\'', "a string")?;
        let inner = self.cursor.at;
        let mut doubled = false;
        loop {
            self.cursor.run(|byte| byte != b'\'');
            if !self.cursor.eat(b'\'') {
                return Err(Reason::Unexpected { expected: "a closing quote", found: "the end".to_owned() }
                    .at(self.cursor.target, start));
            }
            if !self.cursor.eat(b'\'') {
                break;
            }
            doubled = true;
        }
        let text = &self.cursor.text[inner..self.cursor.at - 1];
        Ok(if doubled { Cow::Owned(text.replace("''", "'")) } else { Cow::Borrowed(text) })
    }

    /// A JSON string; escapes are kept unchanged, because no such string is bound.
    pub(super) fn json_string(&mut self) -> Result<Cow<'t, str>, Error> {
        self.cursor.expect(b'"', "a string")?;
        let start = self.cursor.at;
        loop {
            self.cursor.run(|byte| !matches!(byte, b'"' | b'\\'));
            if self.cursor.peek() != Some(b'\\') {
                break;
            }
            self.cursor.at += 1;
            let escaped = self.cursor.rest().chars().next().map_or(0, char::len_utf8);
            self.cursor.at += escaped;
        }
        let text = &self.cursor.text[start..self.cursor.at];
        self.cursor.expect(b'"', "a closing quote")?;
        Ok(Cow::Borrowed(text))
    }

    pub(super) fn prefixed_literal(&mut self, prefix: &'t str, start: usize) -> Result<Literal<'t>, Error> {
        self.quoted()?;
        let whole = &self.cursor.text[start..self.cursor.at];
        let inner = &whole[prefix.len() + 1..whole.len() - 1];
        let is = |name: &str| prefix.eq_ignore_ascii_case(name);
        let literal = if is("duration") {
            // A bare plus sign of the client is a space here.
            let inner = inner.strip_prefix(' ').unwrap_or(inner);
            literal::is_duration(inner).then_some(Literal::Duration(inner))
        } else if is("binary") {
            literal::binary(inner).map(Literal::Binary)
        } else if is("geography") || is("geometry") {
            Some(Literal::Geo(whole))
        } else if prefix.contains('.') {
            Some(Literal::Enum(prefix, inner))
        } else {
            None
        };
        literal.ok_or_else(|| {
            let error = Reason::BadLiteral(whole.to_owned()).at(self.cursor.target, start);
            error.hinting(hint::quoted_literal(prefix, inner))
        })
    }

    /// Whether a GUID that starts with a letter comes next.
    pub(super) fn at_guid(&self) -> bool {
        self.cursor.rest().get(..36).is_some_and(|text| literal::guid(text).is_some())
    }

    /// Numbers, dates, times, GUIDs: everything that starts with a digit or a sign.
    pub(super) fn number_like(&mut self) -> Result<Literal<'t>, Error> {
        let start = self.cursor.at;
        let text =
            self.cursor.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'+' | b'-'));
        if self.ends_at_colon
            && let Some(literal) = self.before_colon(start, text)
        {
            return Ok(literal);
        }
        if let Some(literal) = number_like(text) {
            return Ok(literal);
        }
        let (literal, whole) = self.with_bare_plus(text);
        literal.ok_or_else(|| {
            if literal::is_leap_second(&whole) {
                return Reason::LeapSecond(whole).at(self.cursor.target, start);
            }
            Reason::BadLiteral(text.to_owned()).at(self.cursor.target, start).hinting(hint::number(text))
        })
    }

    /// The literal at the end of a condition, which a colon follows: `12:30` is a time of day if another colon or an operator follows,
    /// and otherwise the number 12 before the value 30.
    fn before_colon(&mut self, start: usize, text: &'t str) -> Option<Literal<'t>> {
        let next = self.cursor.rest().trim_start_matches(' ').chars().next();
        if !matches!(next, None | Some(',' | ')')) && number_like(text).is_some() {
            return None;
        }
        let mut ends = text.rmatch_indices(':').map(|(end, _)| end);
        let (end, literal) = ends.find_map(|end| Some((end, number_like(&text[..end])?)))?;
        self.cursor.at = start + end;
        Some(literal)
    }

    /// A literal that contains a sign which the client wrote as a bare plus, which is a space in a query.
    /// Also returns the text of the literal.
    fn with_bare_plus(&mut self, text: &str) -> (Option<Literal<'t>>, String) {
        let Some(rest) = self.cursor.rest().strip_prefix(' ') else { return (None, text.to_owned()) };
        let is_part = |byte: u8| byte.is_ascii_digit() || byte == b':';
        let length = rest.bytes().take_while(|byte| is_part(*byte)).count();
        let whole = format!("{text}+{}", &rest[..length]);
        let literal = match number_like(&whole) {
            Some(Literal::DateTimeOffset(instant, offset)) => Literal::DateTimeOffset(instant, offset),
            Some(Literal::Double(value)) => Literal::Double(value),
            _ if literal::is_leap_second(&whole) => return (None, whole),
            _ => return (None, text.to_owned()),
        };
        self.cursor.at += 1 + length;
        (Some(literal), whole)
    }
}

fn number_like(text: &str) -> Option<Literal<'_>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if text == "-INF" {
        return Some(Literal::Double(f64::NEG_INFINITY));
    }
    if let Some(guid) = literal::guid(text) {
        return Some(Literal::Guid(guid));
    }
    let begins_with_a_year = unsigned.bytes().take(4).all(|byte| byte.is_ascii_digit());
    if begins_with_a_year && unsigned.as_bytes().get(4) == Some(&b'-') {
        let instant = || literal::zoned_date_time(text);
        return literal::date(text)
            .map(Literal::Date)
            .or_else(|| instant().map(|(instant, offset)| Literal::DateTimeOffset(instant, offset)));
    }
    if unsigned.contains(':') {
        return literal::time_of_day(text).map(Literal::TimeOfDay);
    }
    // Dates and times have no leading plus.
    let (text, unsigned) = match text.strip_prefix('+') {
        Some(rest) => (rest, rest),
        None => (text, unsigned),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) =
        mantissa.split_once('.').map_or((mantissa, None), |(whole, part)| (whole, Some(part)));
    if !digits(whole) || fraction.is_some_and(|fraction| !digits(fraction)) {
        return None;
    }
    if let Some(exponent) = exponent {
        let valid = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        return valid
            .then(|| text.parse().ok())
            .flatten()
            .filter(|value: &f64| value.is_finite())
            .map(Literal::Double);
    }
    match text.parse() {
        Ok(integer) => Some(Literal::Integer(integer)),
        Err(_) => Some(Literal::Decimal(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_behind_four_characters_makes_no_date_of_a_number() {
        for (text, value) in [("1.5e-7", 1.5e-7), ("-2.5e-1", -0.25), ("123e-1", 12.3), ("1234e-2", 12.34)] {
            assert_eq!(number_like(text), Some(Literal::Double(value)), "{text}");
        }
        assert!(matches!(number_like("2024-02-29"), Some(Literal::Date(_))));
        assert!(matches!(number_like("-0001-01-01"), None | Some(Literal::Date(_))));
        assert_eq!(number_like("12-4-5"), None);
    }
}
