//! A place in a text, and small steps from there.

use crate::error::{Error, Reason};

pub(super) struct Cursor<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    /// The option that the text belongs to, for errors.
    pub(super) target: &'static str,
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

    /// Skips blanks; whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        self.at > start
    }

    /// The longest run of bytes that `accept` takes; `accept` must take whole characters.
    pub(super) fn run(&mut self, accept: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !accept(byte)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// A name as [CSDL §15.2](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_SimpleIdentifier)
    /// has it, qualified by dots or not; empty when none starts here.
    pub(super) fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let mut end = 0;
        let mut starts = true;
        for (index, character) in rest.char_indices() {
            let fits = if starts {
                character == '_' || character.is_alphabetic()
            } else {
                character == '_' || character == '.' || character.is_alphanumeric() || is_mark(character)
            };
            if !fits {
                break;
            }
            starts = character == '.';
            end = index + character.len_utf8();
        }
        let name = rest[..end].trim_end_matches('.');
        self.at += name.len();
        name
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> Error {
        let found = match self.rest().chars().next() {
            Some(character) => format!("'{character}'"),
            None => "the end".to_owned(),
        };
        Reason::Unexpected { expected, found }.at(self.target, self.at)
    }
}

/// Combining marks and joiners, which may continue a name.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{203f}' | '\u{2040}' | '\u{e0100}'..='\u{e01ef}')
}
