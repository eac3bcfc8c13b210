//! The query options that are not a single expression.

use super::cursor::Cursor;
use super::expression::Parser;
use super::{MAX_ORDER, OrderTerm, SelectItem};
use crate::error::{Error, Reason};

/// `Name asc,length(City) desc`.
pub(super) fn order(cursor: Cursor<'_>) -> Result<Vec<OrderTerm<'_>>, Error> {
    let mut parser = Parser::at(cursor);
    let terms = order_terms(&mut parser)?;
    parser.end()?;
    Ok(terms)
}

/// The terms of an order, up to what is no comma.
pub(super) fn order_terms<'t>(parser: &mut Parser<'t>) -> Result<Vec<OrderTerm<'t>>, Error> {
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
            return Err(Reason::TooManyItems(MAX_ORDER).at(parser.cursor.target, start));
        }
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            return Ok(terms);
        }
    }
}

/// `Id,Name`, `*`, `Address/City`, `Addresses($top=5)`. Only the binder knows how many there may be.
pub(super) fn select(cursor: Cursor<'_>) -> Result<Vec<SelectItem<'_>>, Error> {
    let mut parser = Parser::at(cursor);
    let mut items = Vec::new();
    loop {
        parser.cursor.blanks();
        let start = parser.cursor.at;
        items.push(match select_item(&mut parser)? {
            Some(item) => item,
            None => raw_item(&mut parser, start)?,
        });
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            parser.end()?;
            return Ok(items);
        }
    }
}

/// An item of `$select`; `None` if the text does not follow the grammar.
fn select_item<'t>(parser: &mut Parser<'t>) -> Result<Option<SelectItem<'t>>, Error> {
    let cursor = &mut parser.cursor;
    let mut item = SelectItem { at: cursor.at, path: Vec::new(), nested: false, well_formed: true };
    loop {
        let start = cursor.at;
        cursor.eat(b'@');
        if cursor.name().is_empty() && !cursor.eat(b'*') {
            return Ok(None);
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
    let end = parser.cursor.at;
    parser.cursor.blanks();
    let ended = matches!(parser.cursor.peek(), None | Some(b','));
    parser.cursor.at = end;
    Ok(ended.then_some(item))
}

/// Everything up to the next comma.
fn raw_item<'t>(parser: &mut Parser<'t>, start: usize) -> Result<SelectItem<'t>, Error> {
    parser.cursor.at = start;
    let name = parser.cursor.run(|byte| byte != b',').trim_ascii_end();
    if name.is_empty() {
        parser.cursor.at = start;
        return Err(parser.cursor.unexpected("the name of a property or '*'"));
    }
    Ok(SelectItem { at: start, path: vec![name], nested: false, well_formed: false })
}

/// A number of rows: only digits, and no more than a database can count.
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
