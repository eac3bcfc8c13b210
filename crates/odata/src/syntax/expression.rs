//! Recursive descent over expressions, its depth and size checked as it goes.

use std::borrow::Cow;

use super::cursor::Cursor;
use super::{
    Arguments, Binary, Expression, Junction, Literal, MAX_DEPTH, MAX_LIST, MAX_NODES, MAX_ROW, Node, Step,
    Unary,
};
use crate::error::{Error, Reason};

pub(crate) struct Parser<'t> {
    pub(super) cursor: Cursor<'t>,
    nodes: usize,
    depth: usize,
    /// How many JSON arrays and objects are open.
    brackets: usize,
}

/// What stands between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Junction(Junction),
    Binary(Binary),
    In,
}

/// An operator, how tightly it binds and how long it is.
type Found = (Operator, u8, usize);

/// How tightly the operators bind ([§5.1.1.14](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_OperatorPrecedence)).
const OPERATORS: [(&str, Operator, u8); 16] = [
    ("or", Operator::Junction(Junction::Or), 1),
    ("and", Operator::Junction(Junction::And), 2),
    ("eq", Operator::Binary(Binary::Eq), 3),
    ("ne", Operator::Binary(Binary::Ne), 3),
    ("gt", Operator::Binary(Binary::Gt), 4),
    ("ge", Operator::Binary(Binary::Ge), 4),
    ("lt", Operator::Binary(Binary::Lt), 4),
    ("le", Operator::Binary(Binary::Le), 4),
    ("add", Operator::Binary(Binary::Add), 5),
    ("sub", Operator::Binary(Binary::Sub), 5),
    ("mul", Operator::Binary(Binary::Mul), 6),
    ("div", Operator::Binary(Binary::Div), 6),
    ("divby", Operator::Binary(Binary::DivBy), 6),
    ("mod", Operator::Binary(Binary::Mod), 6),
    ("has", Operator::Binary(Binary::Has), TIGHTEST),
    ("in", Operator::In, TIGHTEST),
];

/// `has` and `in` bind more tightly than `not` and the sign.
const TIGHTEST: u8 = 7;

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, target: &'static str) -> Self {
        Self { cursor: Cursor { text, at: 0, target }, nodes: 0, depth: 0, brackets: 0 }
    }

    /// The whole text as one expression.
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

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Reason::TooDeep(MAX_DEPTH).at(self.cursor.target, self.cursor.at));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn node(&mut self, at: usize, expression: Expression<'t>) -> Result<Node<'t>, Error> {
        self.nodes += 1;
        // The items of a list have a limit of their own.
        if self.nodes > MAX_NODES {
            return Err(Reason::TooManyNodes(MAX_NODES).at(self.cursor.target, at));
        }
        Ok(Node { at, expression })
    }

    /// Operators that bind at least as tightly as `level`, each to the left.
    fn operators(&mut self, level: u8) -> Result<Node<'t>, Error> {
        let mut left = self.unary()?;
        let mut row = 0;
        while let Some((operator, binds, length)) = self.peek_operator()
            && binds >= level
        {
            left = match operator {
                Operator::Junction(junction) => self.junction(junction, binds, left)?,
                _ => {
                    self.operation(operator, length, left, &mut row, |parser| parser.operators(binds + 1))?
                }
            };
        }
        Ok(left)
    }

    /// One operator and what stands to its right. Operators in a row nest, though nothing is seen of it.
    fn operation(
        &mut self,
        operator: Operator,
        length: usize,
        left: Node<'t>,
        row: &mut usize,
        right: impl FnOnce(&mut Self) -> Result<Node<'t>, Error>,
    ) -> Result<Node<'t>, Error> {
        let at = self.skip_operator(length);
        *row += 1;
        if *row > MAX_ROW {
            return Err(Reason::TooDeep(MAX_ROW).at(self.cursor.target, at));
        }
        let expression = match operator {
            Operator::Binary(binary) => Expression::Binary(binary, Box::new(left), Box::new(right(self)?)),
            _ => Expression::In(Box::new(left), Box::new(self.list_operand()?)),
        };
        self.node(at, expression)
    }

    /// A run of the same word. A chain of comparisons of one property counts as a list does.
    fn junction(&mut self, junction: Junction, binds: u8, first: Node<'t>) -> Result<Node<'t>, Error> {
        let mut terms = vec![first];
        let mut at = None;
        let mut chain = 1;
        while let Some((Operator::Junction(found), _, length)) = self.peek_operator()
            && found == junction
        {
            at.get_or_insert(self.skip_operator(length));
            let before = self.nodes;
            let term = self.operators(binds + 1)?;
            let continues = chained_name(junction, &term)
                .is_some_and(|name| terms.last().and_then(|last| chained_name(junction, last)) == Some(name));
            chain = if continues { chain + 1 } else { 1 };
            if chain > MAX_LIST {
                return Err(Reason::TooManyItems(MAX_LIST).at(self.cursor.target, term.at));
            }
            if continues {
                self.nodes = before;
            }
            terms.push(term);
        }
        self.node(at.unwrap_or(self.cursor.at), Expression::Junction(junction, terms))
    }

    /// Steps over an operator and the blanks around it; where it starts.
    fn skip_operator(&mut self, length: usize) -> usize {
        self.cursor.blanks();
        let at = self.cursor.at;
        self.cursor.at += length;
        self.cursor.blanks();
        at
    }

    /// The operator that comes next.
    fn peek_operator(&self) -> Option<Found> {
        let rest = self.cursor.rest().trim_start_matches([' ', '\t']);
        let length = rest.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        if word.is_empty() || !after.starts_with([' ', '\t', '(', '[']) {
            return None;
        }
        let (_, operator, binds) = OPERATORS.iter().find(|(name, ..)| word.eq_ignore_ascii_case(name))?;
        Some((*operator, *binds, length))
    }

    fn unary(&mut self) -> Result<Node<'t>, Error> {
        let at = self.cursor.at;
        let operator = if self.at_sign() {
            self.cursor.at += 1;
            Unary::Negate
        } else if self.at_not() {
            self.cursor.at += 3;
            Unary::Not
        } else {
            return self.operators_of_primary();
        };
        self.cursor.blanks();
        let operand = self.deeper(Self::unary)?;
        self.node(at, Expression::Unary(operator, Box::new(operand)))
    }

    /// Whether a minus comes next that is no part of a number.
    fn at_sign(&self) -> bool {
        let Some(rest) = self.cursor.rest().strip_prefix('-') else { return false };
        let infinity = rest.strip_prefix("INF").is_some_and(|rest| Cursor::name_length(rest, false) == 0);
        !infinity && rest.starts_with(|next: char| !next.is_ascii_digit())
    }

    /// Whether the operator `not` comes next, and not a property of that name: that one has an operator behind it.
    fn at_not(&self) -> bool {
        let rest = self.cursor.rest();
        let Some((word, after)) = rest.split_at_checked(3) else { return false };
        if !word.eq_ignore_ascii_case("not") || !after.starts_with([' ', '\t', '(']) {
            return false;
        }
        let behind = |at| Self { cursor: Cursor { at, ..self.cursor }, nodes: 0, depth: 0, brackets: 0 };
        let Some((_, _, length)) = behind(self.cursor.at + 3).peek_operator() else { return true };
        let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
        // `not eq 1` compares a property; `not eq eq 1` negates the comparison of one called `eq`.
        behind(self.cursor.at + 3 + blanks + length).peek_operator().is_some()
    }

    fn operators_of_primary(&mut self) -> Result<Node<'t>, Error> {
        let mut left = self.primary()?;
        let mut row = 0;
        while let Some((operator, TIGHTEST, length)) = self.peek_operator() {
            left = self.operation(operator, length, left, &mut row, Self::primary)?;
        }
        Ok(left)
    }

    fn primary(&mut self) -> Result<Node<'t>, Error> {
        let at = self.cursor.at;
        let expression = match self.cursor.peek() {
            Some(b'(') => {
                self.cursor.at += 1;
                self.cursor.blanks();
                let inner = self.expression()?;
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
            _ if self.at_guid() => Expression::Literal(self.number_like()?),
            _ => self.word()?,
        };
        self.node(at, expression)
    }

    /// To the right of `in`: a list in parentheses or brackets, or a path to a collection.
    fn list_operand(&mut self) -> Result<Node<'t>, Error> {
        let at = self.cursor.at;
        if self.cursor.peek() == Some(b'(') {
            let items = self.items(b'(', b')')?;
            return self.node(at, Expression::List(items));
        }
        self.primary()
    }

    /// Items between brackets, separated by commas. Plain literals do not count as parts of the expression, since
    /// the list's length is limited by itself.
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
            let item = self.expression()?;
            if matches!(item.expression, Expression::Literal(_)) {
                self.nodes = before;
            }
            items.push(item);
            self.cursor.blanks();
        }
        Ok(items)
    }

    /// A JSON array or object, in which texts stand in double quotes.
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
            members.push((name, self.expression()?));
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
        if !matches!(self.cursor.peek(), Some(b'(' | b'/' | b':')) {
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

    /// One step of a path with its parentheses.
    fn step(&mut self) -> Result<Step<'t>, Error> {
        let at = self.cursor.at;
        let name = self.step_name()?;
        let mut step = Step { at, name, arguments: None };
        while self.cursor.peek() == Some(b'(') {
            // The result of a call may have a key: the whole then is a name that no model holds.
            if step.arguments.is_some() {
                step.name = &self.cursor.text[at..self.cursor.at];
            }
            step.arguments = Some(self.deeper(|parser| parser.arguments(name))?);
        }
        Ok(step)
    }

    fn step_name(&mut self) -> Result<&'t str, Error> {
        let start = self.cursor.at;
        let prefixed = self.cursor.eat(b'$') || self.cursor.eat(b'@');
        if self.cursor.name().is_empty() {
            self.cursor.at = start;
            return Err(self.cursor.unexpected(if prefixed { "a name" } else { "an expression" }));
        }
        // An annotation's qualifier.
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
            return self.skip_options();
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

    /// A name before `separator`, if one comes next.
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

    /// The options of a count segment, of which only the balance of parentheses and quotes is checked.
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
        // Whatever is no name with parentheses may be a key or an ordinal: it names nothing here.
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

/// The property that a term compares with a literal so that a chain of such terms is a list: `Name eq 'x'` between `or`,
/// `Name ne 'x'` between `and`.
fn chained_name<'t>(junction: Junction, term: &Node<'t>) -> Option<&'t str> {
    let Expression::Binary(operator, left, right) = &term.expression else { return None };
    match (junction, operator, &left.expression, &right.expression) {
        (Junction::Or, Binary::Eq, Expression::Path(steps), Expression::Literal(_))
        | (Junction::Or, Binary::Eq, Expression::Literal(_), Expression::Path(steps))
        | (Junction::And, Binary::Ne, Expression::Path(steps), Expression::Literal(_))
        | (Junction::And, Binary::Ne, Expression::Literal(_), Expression::Path(steps)) => match &steps[..] {
            [Step { name, arguments: None, .. }] => Some(*name),
            _ => None,
        },
        _ => None,
    }
}
