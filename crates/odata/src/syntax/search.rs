//! `$search` ([URL Conventions
//! §5.1.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_SystemQueryOptionsearch)).

use super::cursor::Cursor;
use super::{MAX_DEPTH, MAX_SEARCHED};
use crate::error::{Error, Reason};

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search<'t> {
    /// A word or a phrase.
    Term(&'t str),
    /// What does not match.
    Not(Box<Self>),
    /// What matches all of them; at least two.
    And(Vec<Self>),
    /// What matches one of them; at least two.
    Or(Vec<Self>),
}

/// The whole text of `$search`: `"blue sky" AND (sea OR NOT land)`.
pub(super) fn search(cursor: Cursor<'_>) -> Result<Search<'_>, Error> {
    let mut parser = Parser { cursor, depth: 0, terms: 0 };
    parser.cursor.blanks();
    if parser.cursor.peek() == Some(b'\'') {
        let what = "an incomplete search in quotes".to_owned();
        return Err(Reason::NotImplemented(what).at(parser.cursor.target, parser.cursor.at));
    }
    let search = parser.either()?;
    if parser.cursor.rest().is_empty() {
        return Ok(search);
    }
    Err(parser.cursor.unexpected("a word, a phrase or the end"))
}

/// A search that ends with a parenthesis that is not its own.
pub(super) fn inside<'t>(cursor: &mut Cursor<'t>) -> Result<Search<'t>, Error> {
    let mut parser = Parser { cursor: *cursor, depth: 0, terms: 0 };
    let search = parser.either()?;
    *cursor = parser.cursor;
    Ok(search)
}

struct Parser<'t> {
    cursor: Cursor<'t>,
    depth: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn either(&mut self) -> Result<Search<'t>, Error> {
        let mut terms = vec![self.all()?];
        while self.operator("OR") {
            terms.push(self.all()?);
        }
        Ok(only(terms).unwrap_or_else(Search::Or))
    }

    /// Terms with `AND` or nothing between them.
    fn all(&mut self) -> Result<Search<'t>, Error> {
        let mut terms = vec![self.term()?];
        loop {
            if !self.operator("AND") && (self.is_at_end() || self.is_operator("OR")) {
                return Ok(only(terms).unwrap_or_else(Search::And));
            }
            terms.push(self.term()?);
        }
    }

    fn term(&mut self) -> Result<Search<'t>, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Reason::TooDeep(MAX_DEPTH).at(self.cursor.target, self.cursor.at));
        }
        self.depth += 1;
        let term = if self.operator("NOT") {
            Search::Not(Box::new(self.term()?))
        } else if self.cursor.eat(b'(') {
            self.cursor.blanks();
            let inside = self.either()?;
            self.cursor.expect(b')', "a word, a phrase or ')'")?;
            inside
        } else {
            self.text()?
        };
        self.depth -= 1;
        self.cursor.blanks();
        Ok(term)
    }

    fn text(&mut self) -> Result<Search<'t>, Error> {
        let start = self.cursor.at;
        let text = if self.cursor.eat(b'"') {
            let text = self.cursor.run(|byte| byte != b'"');
            self.cursor.expect(b'"', "'\"' at the end of the phrase")?;
            text
        } else {
            self.word()
        };
        if text.trim_ascii().is_empty() {
            self.cursor.at = start;
            return Err(self.cursor.unexpected("a word or a phrase"));
        }
        self.terms += 1;
        if self.terms > MAX_SEARCHED {
            return Err(Reason::TooManyItems(MAX_SEARCHED).at(self.cursor.target, start));
        }
        Ok(Search::Term(text))
    }

    fn word(&mut self) -> &'t str {
        self.cursor.run(|byte| !matches!(byte, b' ' | b'\t' | b'"' | b'(' | b')'))
    }

    fn is_at_end(&self) -> bool {
        matches!(self.cursor.peek(), None | Some(b')'))
    }

    /// Whether an operator is next. Its word is a term like any other if nothing follows to which it could apply.
    fn is_operator(&self, name: &str) -> bool {
        Self { cursor: self.cursor, ..*self }.operator(name)
    }

    fn operator(&mut self, name: &str) -> bool {
        let start = self.cursor.at;
        if self.word() == name
            && (self.cursor.blanks() || self.cursor.peek() == Some(b'('))
            && !self.is_at_end()
        {
            return true;
        }
        self.cursor.at = start;
        false
    }
}

/// The only item; the items if there are several.
fn only(mut terms: Vec<Search<'_>>) -> Result<Search<'_>, Vec<Search<'_>>> {
    match terms.pop() {
        Some(term) if terms.is_empty() => Ok(term),
        last => {
            terms.extend(last);
            Err(terms)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, Error> {
        search(Cursor { text, at: 0, target: "$search", aliases: &[] }).map(|search| shown(&search))
    }

    fn shown(search: &Search<'_>) -> String {
        let all = |terms: &[Search<'_>], between: &str| {
            format!("({})", terms.iter().map(shown).collect::<Vec<_>>().join(between))
        };
        match search {
            Search::Term(text) => format!("<{text}>"),
            Search::Not(term) => format!("!{}", shown(term)),
            Search::And(terms) => all(terms, "&"),
            Search::Or(terms) => all(terms, "|"),
        }
    }

    #[test]
    fn searches_are_read_as_the_standard_says() {
        for (text, expected) in [
            ("blue", "<blue>"),
            ("3.14", "<3.14>"),
            ("brand-new", "<brand-new>"),
            ("Daniel's", "<Daniel's>"),
            ("$search", "<$search>"),
            ("08/15", "<08/15>"),
            ("AND", "<AND>"),
            ("OR", "<OR>"),
            ("NOT", "<NOT>"),
            ("NOT blue", "!<blue>"),
            ("NOT (blue green)", "!(<blue>&<green>)"),
            ("NOT NOT", "!<NOT>"),
            ("AND OR", "(<AND>&<OR>)"),
            ("OR AND", "(<OR>&<AND>)"),
            ("AND OR NOT", "(<AND>|<NOT>)"),
            ("\"blue green\"", "<blue green>"),
            ("blue green", "(<blue>&<green>)"),
            ("blue AND green", "(<blue>&<green>)"),
            ("blue OR green", "(<blue>|<green>)"),
            ("blue NOT green", "(<blue>&!<green>)"),
            ("foo AND bar OR foo AND baz OR that", "((<foo>&<bar>)|(<foo>&<baz>)|<that>)"),
            ("(foo OR that) AND (bar OR baz) AND NOT quux", "((<foo>|<that>)&(<bar>|<baz>)&!<quux>)"),
            ("foo AND (bar OR baz)", "(<foo>&(<bar>|<baz>))"),
            ("(NOT foo) OR baz", "(!<foo>|<baz>)"),
            (" ( a ) ", "<a>"),
            ("a\"b c\"d", "(<a>&<b c>&<d>)"),
            ("NOT(a)", "!<a>"),
            ("Δ", "<Δ>"),
            ("and", "<and>"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_search_is_refused() {
        let long = vec!["a"; MAX_SEARCHED + 1].join(" ");
        let deep = format!("{}a{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
        let not = format!("{}a", "NOT ".repeat(100_000));
        for text in
            ["", " ", "\"", "\"a", "\"\"", "(", "()", ")", "(a", "a)", "\" \"", "'(", &long, &deep, &not]
        {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&vec!["a"; MAX_SEARCHED].join(" OR ")).is_ok());
    }
}
