//! The query options that are not one expression.

use super::expression::Parser;
use super::{MAX_LIST, MAX_ORDER, OrderTerm, SelectItem};
use crate::error::{Error, Reason};

/// `Name asc,length(City) desc`.
pub(super) fn order(text: &str) -> Result<Vec<OrderTerm<'_>>, Error> {
    let mut parser = Parser::new(text, "$orderby");
    let mut terms = Vec::new();
    loop {
        parser.cursor.blanks();
        let node = parser.expression()?;
        parser.cursor.blanks();
        let start = parser.cursor.at;
        let descending = match parser.cursor.name() {
            word if word.eq_ignore_ascii_case("asc") || word.is_empty() => false,
            word if word.eq_ignore_ascii_case("desc") => true,
            _ => {
                parser.cursor.at = start;
                return Err(parser.cursor.unexpected("asc, desc or ','"));
            }
        };
        terms.push(OrderTerm { node, descending });
        if terms.len() > MAX_ORDER {
            return Err(Reason::TooManyItems(MAX_ORDER).at("$orderby", start));
        }
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            parser.end()?;
            return Ok(terms);
        }
    }
}

/// `Id,Name`, `*`, `Address/City`, `Addresses($top=5)`.
pub(super) fn select(text: &str) -> Result<Vec<SelectItem<'_>>, Error> {
    let mut parser = Parser::new(text, "$select");
    let mut items = Vec::new();
    loop {
        let cursor = &mut parser.cursor;
        cursor.blanks();
        let mut item = SelectItem { at: cursor.at, path: Vec::new(), nested: false };
        loop {
            let start = cursor.at;
            cursor.eat(b'@');
            if cursor.name().is_empty() && !cursor.eat(b'*') {
                return Err(cursor.unexpected("the name of a property or '*'"));
            }
            // All operations of a schema: `Model.*`.
            if cursor.rest().starts_with(".*") {
                cursor.at += 2;
            }
            item.path.push(&cursor.text[start..cursor.at]);
            if !cursor.eat(b'/') {
                break;
            }
        }
        if parser.cursor.peek() == Some(b'(') {
            item.nested = true;
            parser.cursor.at += 1;
            parser.skip_options()?;
        }
        items.push(item);
        if items.len() > MAX_LIST {
            return Err(Reason::TooManyItems(MAX_LIST).at("$select", parser.cursor.at));
        }
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            parser.end()?;
            return Ok(items);
        }
    }
}

/// A number of rows: digits only, and not beyond what a database can count.
pub(super) fn count(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|count| *count <= i64::MAX.cast_unsigned())
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
