//! A position in a text, with small steps.

use crate::error::{Error, Reason};
use crate::identifier;
use crate::url::QueryOption;

#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    /// The option to which the text belongs, for errors.
    pub(super) target: &'static str,
    /// The query options, among them the values of parameter aliases.
    pub(super) aliases: &'t [QueryOption],
}

impl<'t> Cursor<'t> {
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Error> {
        if self.eat(byte) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// Skips spaces; returns whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at > start
    }

    /// The longest run of bytes that `accept` accepts; `accept` must accept whole characters.
    pub(super) fn run(&mut self, accept: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !accept(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A name as in [CSDL
    /// §15.2](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_SimpleIdentifier),
    /// optionally qualified by dots; empty if none starts here.
    pub(super) fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let name = rest[..Self::name_length(rest, true)].trim_end_matches('.');
        self.at += name.len();
        name
    }

    /// The number of bytes of a name at the start of a text, which starts or continues a name.
    pub(super) fn name_length(text: &str, mut starts: bool) -> usize {
        for (index, character) in text.char_indices() {
            let fits = if starts {
                identifier::may_start(character)
            } else {
                character == '.' || identifier::may_continue(character)
            };
            if !fits {
                return index;
            }
            starts = character == '.';
        }
        text.len()
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> Error {
        let found = match self.rest().chars().next() {
            Some(character) => format!("'{character}'"),
            None => "the end".to_owned(),
        };
        Reason::Unexpected { expected, found }.at(self.target, self.at)
    }
}
