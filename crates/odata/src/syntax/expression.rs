//! Recursive descent over expressions; depth and size are checked on the way.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{Arguments, Expression, Literal, MAX_DEPTH, MAX_LIST, MAX_NODES, Node, Step};
use crate::error::{Error, Reason};

pub(crate) struct Parser<'t> {
    pub(super) cursor: Cursor<'t>,
    pub(super) nodes: usize,
    depth: usize,
    /// The number of open JSON arrays and objects.
    brackets: usize,
    /// Whether a colon ends the expression, because it is a condition of `case`.
    pub(super) ends_at_colon: bool,
    /// The length of the values of parameter aliases in bytes, as often as they are used.
    pub(super) aliased: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, target: &'static str) -> Self {
        Self::at(Cursor { text, at: 0, target, aliases: &[] })
    }

    pub(super) fn at(cursor: Cursor<'t>) -> Self {
        Self { cursor, nodes: 0, depth: 0, brackets: 0, ends_at_colon: false, aliased: 0 }
    }

    /// Parses the whole text as one expression.
    pub(crate) fn whole(mut self) -> Result<Node<'t>, Error> {
        self.cursor.blanks();
        let node = self.expression()?;
        self.cursor.blanks();
        self.end()?;
        Ok(node)
    }

    pub(super) fn end(&self) -> Result<(), Error> {
        if self.cursor.rest().is_empty() {
            Ok(())
        } else {
            Err(self.cursor.unexpected("an operator or the end"))
        }
    }

    pub(super) fn expression(&mut self) -> Result<Node<'t>, Error> {
        self.deeper(|parser| parser.operators(1))
    }

    pub(super) fn deeper<T>(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Reason::TooDeep(MAX_DEPTH).at(self.cursor.target, self.cursor.at));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Parses what a colon ends, or does not.
    fn up_to_colon<T>(
        &mut self,
        ends: bool,
        parse: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outer = std::mem::replace(&mut self.ends_at_colon, ends);
        let parsed = parse(self);
        self.ends_at_colon = outer;
        parsed
    }

    pub(super) fn node(&mut self, at: usize, expression: Expression<'t>) -> Result<Node<'t>, Error> {
        self.nodes += 1;
        // The items of a list have their own limit.
        if self.nodes > MAX_NODES {
            return Err(Reason::TooManyNodes(MAX_NODES).at(self.cursor.target, at));
        }
        Ok(Node { at, expression })
    }

    pub(super) fn primary(&mut self) -> Result<Node<'t>, Error> {
        let at = self.cursor.at;
        let expression = match self.cursor.peek() {
            Some(b'(') => {
                self.cursor.at += 1;
                self.cursor.blanks();
                let inner = self.up_to_colon(false, Self::expression)?;
                self.cursor.blanks();
                self.cursor.expect(b')', "an operator or ')'")?;
                return Ok(inner);
            }
            Some(b'\'') => Expression::Literal(Literal::String(self.quoted()?)),
            Some(b'"') if self.brackets > 0 => Expression::Literal(Literal::String(self.json_string()?)),
            Some(b'"') => return Err(Reason::DoubleQuotes.at(self.cursor.target, at)),
            Some(b'[') => Expression::List(self.bracketed(|parser| parser.items(b'[', b']'))?),
            Some(b'{') => Expression::Object(self.bracketed(Self::object)?),
            Some(b'0'..=b'9' | b'-' | b'+') => Expression::Literal(self.number_like()?),
            Some(b'@') => match self.alias(Self::expression)? {
                Some(value) => value,
                None => self.word()?,
            },
            _ if self.at_guid() => Expression::Literal(self.number_like()?),
            _ => self.word()?,
        };
        self.node(at, expression)
    }

    /// The right side of `in`: a list in parentheses or brackets, or a path to a collection.
    pub(super) fn list_operand(&mut self) -> Result<Node<'t>, Error> {
        let at = self.cursor.at;
        if self.cursor.peek() == Some(b'(') {
            let items = self.items(b'(', b')')?;
            return self.node(at, Expression::List(items));
        }
        if self.cursor.peek() == Some(b'@')
            && let Some(value) = self.alias(Self::list_operand)?
        {
            return self.node(at, value);
        }
        self.primary()
    }

    /// Items between brackets, separated by commas. Plain literals do not count as parts of the expression,
    /// because the length of the list has its own limit.
    fn items(&mut self, open: u8, close: u8) -> Result<Vec<Node<'t>>, Error> {
        self.cursor.expect(open, "a list")?;
        self.cursor.blanks();
        let mut items = Vec::new();
        while !self.cursor.eat(close) {
            if !items.is_empty() {
                self.cursor.expect(b',', "',' or the end of the list")?;
                self.cursor.blanks();
            }
            if items.len() == MAX_LIST {
                return Err(Reason::TooManyItems(MAX_LIST).at(self.cursor.target, self.cursor.at));
            }
            let before = self.nodes;
            let item = self.up_to_colon(false, Self::expression)?;
            if matches!(item.expression, Expression::Literal(_)) {
                self.nodes = before;
            }
            items.push(item);
            self.cursor.blanks();
        }
        Ok(items)
    }

    /// A JSON array or object, in which texts are in double quotes.
    fn bracketed<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.brackets += 1;
        let parsed = self.deeper(parse);
        self.brackets -= 1;
        parsed
    }

    fn object(&mut self) -> Result<Vec<(Cow<'t, str>, Node<'t>)>, Error> {
        self.cursor.expect(b'{', "an object")?;
        self.cursor.blanks();
        let mut members = Vec::new();
        while !self.cursor.eat(b'}') {
            if !members.is_empty() {
                self.cursor.expect(b',', "',' or '}'")?;
                self.cursor.blanks();
            }
            let name = self.json_string()?;
            self.cursor.blanks();
            self.cursor.expect(b':', "':'")?;
            self.cursor.blanks();
            members.push((name, self.up_to_colon(false, Self::expression)?));
            self.cursor.blanks();
        }
        Ok(members)
    }

    /// A word that is a literal, starts one, or starts a path.
    fn word(&mut self) -> Result<Expression<'t>, Error> {
        let start = self.cursor.at;
        let name = self.cursor.name();
        if self.cursor.peek() == Some(b'\'') && !name.is_empty() {
            return self.prefixed_literal(name, start).map(Expression::Literal);
        }
        if !matches!(self.cursor.peek(), Some(b'(' | b'/')) {
            let literal = match name {
                "INF" => Some(Literal::Double(f64::INFINITY)),
                "NaN" => Some(Literal::Double(f64::NAN)),
                _ if name.eq_ignore_ascii_case("null") => Some(Literal::Null),
                _ if name.eq_ignore_ascii_case("true") => Some(Literal::Boolean(true)),
                _ if name.eq_ignore_ascii_case("false") => Some(Literal::Boolean(false)),
                _ => None,
            };
            if let Some(literal) = literal {
                return Ok(Expression::Literal(literal));
            }
        }
        self.cursor.at = start;
        let mut steps = vec![self.step()?];
        while self.cursor.eat(b'/') {
            steps.push(self.step()?);
        }
        Ok(Expression::Path(steps))
    }

    /// One step of a path, with its parentheses.
    fn step(&mut self) -> Result<Step<'t>, Error> {
        let at = self.cursor.at;
        let name = self.step_name()?;
        let mut step = Step { at, name, arguments: None };
        while self.cursor.peek() == Some(b'(') {
            // The result of a call may have a key: the whole is then a name that no model contains.
            if step.arguments.is_some() {
                step.name = &self.cursor.text[at..self.cursor.at];
            }
            let arguments = |parser: &mut Self| parser.deeper(|parser| parser.arguments(name));
            step.arguments = Some(self.up_to_colon(false, arguments)?);
        }
        Ok(step)
    }

    pub(super) fn step_name(&mut self) -> Result<&'t str, Error> {
        let start = self.cursor.at;
        let prefixed = self.cursor.eat(b'$') || self.cursor.eat(b'@');
        if self.cursor.name().is_empty() {
            self.cursor.at = start;
            return Err(self.cursor.unexpected(if prefixed { "a name" } else { "an expression" }));
        }
        // The qualifier of an annotation.
        if prefixed && self.cursor.eat(b'#') && self.cursor.name().is_empty() {
            return Err(self.cursor.unexpected("a qualifier"));
        }
        Ok(&self.cursor.text[start..self.cursor.at])
    }

    fn arguments(&mut self, name: &'t str) -> Result<Arguments<'t>, Error> {
        let lambda = name.eq_ignore_ascii_case("any") || name.eq_ignore_ascii_case("all");
        self.cursor.expect(b'(', "'('")?;
        self.cursor.blanks();
        if name == "$count" {
            return self.count_options();
        }
        // What it contains is not a list of expressions, and not supported.
        if name.eq_ignore_ascii_case("aggregate") {
            return self.skip_options();
        }
        if name.eq_ignore_ascii_case("case") {
            return self.cases();
        }
        let mut arguments = Vec::new();
        while !self.cursor.eat(b')') {
            if !arguments.is_empty() {
                self.cursor.expect(b',', "',' or ')'")?;
                self.cursor.blanks();
            }
            let label = self.label(if lambda { b':' } else { b'=' });
            let value = self.expression()?;
            self.cursor.blanks();
            if let (true, true, Some(variable)) = (lambda, arguments.is_empty(), label) {
                self.cursor.expect(b')', "an operator or ')'")?;
                return Ok(Arguments::Lambda(variable, Box::new(value)));
            }
            arguments.push((label, value));
        }
        Ok(Arguments::Call(arguments))
    }

    /// Conditions with their values, after the opening parenthesis of `case`.
    fn cases(&mut self) -> Result<Arguments<'t>, Error> {
        let mut cases = Vec::new();
        loop {
            let condition = self.up_to_colon(true, Self::expression)?;
            self.cursor.blanks();
            self.cursor.expect(b':', "an operator or ':'")?;
            self.cursor.blanks();
            cases.push((condition, self.expression()?));
            self.cursor.blanks();
            if self.cursor.eat(b')') {
                return Ok(Arguments::Cases(cases));
            }
            self.cursor.expect(b',', "an operator, ',' or ')'")?;
            self.cursor.blanks();
        }
    }

    /// A name before `separator`, if the latter comes next.
    fn label(&mut self, separator: u8) -> Option<&'t str> {
        let start = self.cursor.at;
        let name = self.cursor.name();
        self.cursor.blanks();
        if !name.is_empty() && self.cursor.eat(separator) {
            self.cursor.blanks();
            return Some(name);
        }
        self.cursor.at = start;
        None
    }

    /// The options of a count segment. Those other than `$filter` are not read.
    fn count_options(&mut self) -> Result<Arguments<'t>, Error> {
        let start = self.cursor.at;
        self.cursor.eat(b'$');
        let name = self.cursor.name();
        self.cursor.blanks();
        if !name.eq_ignore_ascii_case("filter") || !self.cursor.eat(b'=') {
            self.cursor.at = start;
            self.skip_options()?;
            return Ok(Arguments::Count(None));
        }
        self.cursor.blanks();
        let filter = self.expression()?;
        self.cursor.blanks();
        if self.cursor.eat(b')') {
            return Ok(Arguments::Count(Some(Box::new(filter))));
        }
        self.cursor.expect(b';', "an operator, ';' or ')'")?;
        self.skip_options()?;
        Ok(Arguments::Count(None))
    }

    /// Options, of which only the balance of parentheses and quotes is checked.
    pub(super) fn skip_options(&mut self) -> Result<Arguments<'t>, Error> {
        let mut open = 1_usize;
        while open > 0 {
            match self.cursor.peek() {
                None => return Err(self.cursor.unexpected("')'")),
                Some(b'\'') => {
                    self.quoted()?;
                    continue;
                }
                Some(b'(') => open += 1,
                Some(b')') => open -= 1,
                Some(_) => {}
            }
            self.cursor.at += 1;
        }
        Ok(Arguments::Options)
    }

    /// A segment of a resource path.
    pub(super) fn resource_segment(&mut self) -> Result<Step<'t>, Error> {
        // Anything that is not a name with parentheses may be a key or an ordinal; it names nothing here.
        let named = self.step_name().is_ok() && matches!(self.cursor.peek(), None | Some(b'('));
        if !named || self.at_guid() {
            return Ok(Step { at: 0, name: self.cursor.text, arguments: None });
        }
        self.cursor.at = 0;
        let step = self.step()?;
        self.end()?;
        Ok(step)
    }
}
