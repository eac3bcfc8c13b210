//! Parameter aliases ([URL Conventions
//! §5.1.1.14.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_ParameterAliases)):
//! `$filter=Name eq @name&@name='Anna'`.

use super::cursor::Cursor;
use super::expression::Parser;
use super::{Expression, Literal};
use crate::error::{Error, Reason};
use crate::url::{MAX_LENGTH, OptionName};

impl<'t> Parser<'t> {
    /// The literal for which an alias stands; `None` if something else starts here, such as an annotation. An alias stands for the same
    /// as if its value were written there, so its length counts each time.
    pub(super) fn alias(&mut self) -> Result<Option<Literal<'t>>, Error> {
        let start = self.cursor.at;
        let name = self.step_name()?;
        if name.contains(['.', '#']) || matches!(self.cursor.peek(), Some(b'(' | b'/')) {
            self.cursor.at = start;
            return Ok(None);
        }
        let at = |reason: Reason| reason.at(self.cursor.target, start);
        let is_wanted = |option: &OptionName| matches!(option, OptionName::Alias(other) if other == name);
        // "If a parameter alias is not given a value in the query part of the request URL, the value MUST be assumed to be null."
        let Some(option) = self.cursor.aliases.iter().find(|option| is_wanted(&option.name)) else {
            return Ok(Some(Literal::Null));
        };
        self.aliased += option.value.len();
        if self.aliased > MAX_LENGTH {
            return Err(at(Reason::TooComplex));
        }
        let value = Cursor { text: &option.value, at: 0, target: self.cursor.target, aliases: &[] };
        let value = Self::at(value).whole().map_err(|error| at(error.reason))?;
        match value.expression {
            // Not that of another alias.
            Expression::Literal(literal) if !option.value.trim_ascii_start().starts_with('@') => {
                Ok(Some(literal))
            }
            _ => {
                Err(at(Reason::NotImplemented(format!("the alias {name} for another value than a literal"))))
            }
        }
    }
}
