//! `$expand`: navigation properties, each with options in parentheses, which may expand further ones.

use super::cursor::Cursor;
use super::expression::Parser;
use super::{EntityOptions, ExpandItem, ExpandedForm, Levels, MAX_EXPAND_DEPTH, MAX_EXPANDED, options};
use crate::error::{Error, Reason};
use crate::url::SystemOption;

/// What is not in `SystemOption`, because only an item of `$expand` has it.
const LEVELS: &str = "levels";

/// `Visits,Captain($select=Name;$expand=Ships($top=1)),*/$ref`.
pub(super) fn items(cursor: Cursor<'_>) -> Result<Vec<ExpandItem<'_>>, Error> {
    ItemParser { depth: 0, count: 0 }.list(cursor)
}

/// Counts levels and items on the way.
struct ItemParser {
    depth: usize,
    count: usize,
}

impl ItemParser {
    /// The items up to the end of the cursor's text.
    fn list<'t>(&mut self, mut cursor: Cursor<'t>) -> Result<Vec<ExpandItem<'t>>, Error> {
        if self.depth == MAX_EXPAND_DEPTH {
            return Err(Reason::TooManyLevels(MAX_EXPAND_DEPTH).at(cursor.target, cursor.at));
        }
        self.depth += 1;
        let mut items = Vec::new();
        loop {
            cursor.blanks();
            if self.count == MAX_EXPANDED {
                return Err(Reason::TooManyExpanded(MAX_EXPANDED).at(cursor.target, cursor.at));
            }
            self.count += 1;
            items.push(self.item(&mut cursor)?);
            cursor.blanks();
            if !cursor.eat(b',') {
                break;
            }
        }
        self.depth -= 1;
        if cursor.rest().is_empty() { Ok(items) } else { Err(cursor.unexpected("',' or the end")) }
    }

    fn item<'t>(&mut self, cursor: &mut Cursor<'t>) -> Result<ExpandItem<'t>, Error> {
        let at = cursor.at;
        let name = name(cursor, "the name of a navigation property or '*'")?;
        let mut form = ExpandedForm::Entities;
        while cursor.eat(b'/') {
            let start = cursor.at;
            let prefixed = cursor.eat(b'$');
            let step = self::name(cursor, "the next step of the path")?;
            form = match step {
                "ref" if prefixed && form == ExpandedForm::Entities => ExpandedForm::References,
                "count" if prefixed && form == ExpandedForm::Entities => ExpandedForm::Count,
                _ => {
                    let path = &cursor.text[at..cursor.at];
                    return Err(Reason::NotImplemented(format!("the path {path} in $expand"))
                        .at(cursor.target, start));
                }
            };
        }
        let mut item =
            ExpandItem { at, name, form, options: EntityOptions::default(), levels: None, texts: Vec::new() };
        if cursor.eat(b'(') {
            self.options(cursor, &mut item)?;
        }
        Ok(item)
    }

    /// `$select=Name;$top=2)`.
    fn options<'t>(&mut self, cursor: &mut Cursor<'t>, item: &mut ExpandItem<'t>) -> Result<(), Error> {
        loop {
            cursor.blanks();
            let start = cursor.at;
            let written = cursor.run(|byte| !matches!(byte, b'=' | b';' | b'(' | b')' | b',' | b'\''));
            cursor.expect(b'=', "'=' after the name of an option")?;
            let value = Cursor { text: &cursor.text[..end_of_value(*cursor)?], ..*cursor };
            self.option(written.trim_ascii(), start, value, item)?;
            cursor.at = value.text.len();
            if cursor.eat(b')') {
                return Ok(());
            }
            cursor.expect(b';', "';' or ')'")?;
        }
    }

    fn option<'t>(
        &mut self,
        written: &str,
        start: usize,
        value: Cursor<'t>,
        item: &mut ExpandItem<'t>,
    ) -> Result<(), Error> {
        let here = |reason: Reason| reason.at(value.target, start);
        let twice = || here(Reason::DuplicateOption(written.to_owned()));
        let bare = written.strip_prefix('$').unwrap_or(written);
        if bare.eq_ignore_ascii_case(LEVELS) {
            let bad = || Reason::BadOptionValue(value.rest().to_owned()).at(value.target, value.at);
            let levels = (value.at, levels(value.rest()).ok_or_else(bad)?);
            return if item.levels.replace(levels).is_none() { Ok(()) } else { Err(twice()) };
        }
        if written.starts_with('@') {
            return Err(here(Reason::NotImplemented("a parameter alias".to_owned())));
        }
        let name = SystemOption::find(bare).ok_or_else(|| here(Reason::UnknownOption(written.to_owned())))?;
        if item.texts.iter().any(|(other, _)| *other == name) {
            return Err(twice());
        }
        item.texts.push((name, value.rest()));
        if item.options.read(name, value)? {
            return Ok(());
        }
        match name {
            SystemOption::Expand => {
                item.options.expand = self.list(value)?;
                Ok(())
            }
            SystemOption::Compute | SystemOption::Search | SystemOption::Apply => {
                Err(here(Reason::NotImplemented(format!("the query option {} in $expand", name.name()))))
            }
            _ => Err(here(Reason::OptionNotApplicable(name.name()))),
        }
    }
}

/// A name or `*`.
fn name<'t>(cursor: &mut Cursor<'t>, expected: &'static str) -> Result<&'t str, Error> {
    let start = cursor.at;
    if cursor.name().is_empty() && !cursor.eat(b'*') {
        return Err(cursor.unexpected(expected));
    }
    Ok(&cursor.text[start..cursor.at])
}

/// Where the value of an option ends: before the semicolon or the parenthesis that is in no quotes or parentheses of
/// the value.
fn end_of_value(cursor: Cursor<'_>) -> Result<usize, Error> {
    let mut parser = Parser::at(cursor);
    let (mut parentheses, mut brackets) = (0_usize, 0_usize);
    loop {
        match parser.cursor.peek() {
            None => return Err(parser.cursor.unexpected("')'")),
            Some(b';' | b')') if parentheses == 0 && brackets == 0 => return Ok(parser.cursor.at),
            Some(b'\'') => {
                parser.quoted()?;
                continue;
            }
            Some(b'"') if brackets > 0 => {
                parser.json_string()?;
                continue;
            }
            Some(b'(') => parentheses += 1,
            Some(b')') => parentheses = parentheses.saturating_sub(1),
            Some(b'[' | b'{') => brackets += 1,
            Some(b']' | b'}') => brackets = brackets.saturating_sub(1),
            Some(_) => {}
        }
        parser.cursor.at += 1;
    }
}

/// A positive number or `max`.
fn levels(text: &str) -> Option<Levels> {
    if text.eq_ignore_ascii_case("max") {
        return Some(Levels::Max);
    }
    options::count(text).filter(|number| *number > 0).map(Levels::Number)
}
