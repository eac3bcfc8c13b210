//! Parameter aliases ([URL Conventions
//! §5.1.1.14.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_ParameterAliases)):
//! `$filter=Name eq @name&@name='Anna'`.

use super::cursor::Cursor;
use super::expression::Parser;
use super::{Arguments, Expression, Literal, Node, Step};
use crate::error::{Error, Reason};
use crate::url::{MAX_LENGTH, OptionName};

impl<'t> Parser<'t> {
    /// What an alias stands for; `None` if something else starts here, such as an annotation. An alias stands for the same
    /// as if its value were written there in parentheses, so its length and its depth count each time. `read` reads the value.
    pub(super) fn alias(
        &mut self,
        read: fn(&mut Self) -> Result<Node<'t>, Error>,
    ) -> Result<Option<Expression<'t>>, Error> {
        let start = self.cursor.at;
        let name = self.step_name()?;
        if name.contains(['.', '#']) || matches!(self.cursor.peek(), Some(b'(' | b'/')) {
            self.cursor.at = start;
            return Ok(None);
        }
        let target = self.cursor.target;
        let at = |reason: Reason| reason.at(target, start);
        let is_wanted = |option: &OptionName| matches!(option, OptionName::Alias(other) if other == name);
        // "If a parameter alias is not given a value in the query part of the request URL, the value MUST be assumed to be null."
        let Some(option) = self.cursor.aliases.iter().find(|option| is_wanted(&option.name)) else {
            return Ok(Some(Expression::Literal(Literal::Null)));
        };
        self.aliased += option.value.len();
        if self.aliased > MAX_LENGTH {
            return Err(at(Reason::TooComplex));
        }
        let inside = Cursor { text: &option.value, at: 0, ..self.cursor };
        let here = std::mem::replace(&mut self.cursor, inside);
        let value = self.deeper(|parser| {
            parser.cursor.blanks();
            let value = read(parser)?;
            parser.cursor.blanks();
            parser.end()?;
            Ok(value)
        });
        self.cursor = here;
        let mut value = value.map_err(|error| at(error.reason))?;
        value.relocate(start);
        Ok(Some(value.expression))
    }
}

impl Node<'_> {
    /// Makes another place that of the expression and all of its parts.
    fn relocate(&mut self, at: usize) {
        self.at = at;
        match &mut self.expression {
            Expression::Literal(_) => {}
            Expression::Path(steps) => steps.iter_mut().for_each(|step| step.relocate(at)),
            Expression::Unary(_, operand) => operand.relocate(at),
            Expression::Junction(_, nodes) | Expression::List(nodes) => {
                for node in nodes {
                    node.relocate(at);
                }
            }
            Expression::Binary(_, left, right) | Expression::In(left, right) => {
                left.relocate(at);
                right.relocate(at);
            }
            Expression::Object(members) => members.iter_mut().for_each(|(_, node)| node.relocate(at)),
        }
    }
}

impl Step<'_> {
    fn relocate(&mut self, at: usize) {
        self.at = at;
        match &mut self.arguments {
            Some(Arguments::Call(arguments)) => arguments.iter_mut().for_each(|(_, node)| node.relocate(at)),
            Some(Arguments::Lambda(_, node) | Arguments::Count(Some(node))) => node.relocate(at),
            Some(Arguments::Cases(cases)) => {
                for (condition, value) in cases {
                    condition.relocate(at);
                    value.relocate(at);
                }
            }
            Some(Arguments::Count(None) | Arguments::Options) | None => {}
        }
    }
}
