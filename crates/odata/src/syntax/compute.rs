//! `$compute`: expressions with the names of their values.

use super::cursor::Cursor;
use super::expression::Parser;
use super::{MAX_COMPUTED, Node};
use crate::error::{Error, Reason};
use crate::identifier;

/// An expression with the name of its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputeItem<'t> {
    /// The expression.
    pub node: Node<'t>,
    /// The length of the expression's text in bytes.
    pub length: usize,
    /// The name.
    pub alias: Alias<'t>,
}

/// The name of a value that the request defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alias<'t> {
    /// The byte offset.
    pub at: usize,
    /// The name.
    pub name: &'t str,
}

/// The whole text of `$compute`: `Price mul Quantity as Total,year(At) as Year`.
pub(super) fn items(cursor: Cursor<'_>) -> Result<Vec<ComputeItem<'_>>, Error> {
    let mut parser = Parser::at(cursor);
    let items = list(&mut parser)?;
    parser.end()?;
    Ok(items)
}

/// Items up to what is no comma.
pub(super) fn list<'t>(parser: &mut Parser<'t>) -> Result<Vec<ComputeItem<'t>>, Error> {
    let mut items = Vec::new();
    loop {
        parser.cursor.blanks();
        let start = parser.cursor.at;
        if items.len() == MAX_COMPUTED {
            return Err(Reason::TooManyItems(MAX_COMPUTED).at(parser.cursor.target, start));
        }
        let node = parser.expression()?;
        let length = parser.cursor.at - start;
        items.push(ComputeItem { node, length, alias: alias(parser)? });
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            return Ok(items);
        }
    }
}

/// `as Total`.
pub(super) fn alias<'t>(parser: &mut Parser<'t>) -> Result<Alias<'t>, Error> {
    word(parser, "as", "'as' with the name of the value")?;
    let at = parser.cursor.at;
    let name = parser.cursor.name();
    if name.is_empty() || name.contains('.') || name.chars().count() > identifier::MAX_LENGTH {
        parser.cursor.at = at;
        return Err(parser.cursor.unexpected("a name of at most 128 characters"));
    }
    Ok(Alias { at, name })
}

/// Reads a word, in any case, with the blanks around it.
pub(super) fn word(parser: &mut Parser<'_>, expected: &str, description: &'static str) -> Result<(), Error> {
    parser.cursor.blanks();
    let start = parser.cursor.at;
    if parser.cursor.name().eq_ignore_ascii_case(expected) && parser.cursor.blanks() {
        return Ok(());
    }
    parser.cursor.at = start;
    Err(parser.cursor.unexpected(description))
}
