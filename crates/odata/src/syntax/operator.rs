//! Operators between operands, and before one.

use super::cursor::Cursor;
use super::expression::Parser;
use super::{Binary, Expression, Junction, MAX_LIST, MAX_ROW, Node, Step, Unary};
use crate::error::{Error, Reason};

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Junction(Junction),
    Binary(Binary),
    In,
}

/// An operator, its precedence and its length.
type Found = (Operator, u8, usize);

/// The precedence of operators
/// ([§5.1.1.14](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_OperatorPrecedence)).
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

/// `has` and `in` have a higher precedence than `not` and the sign.
const TIGHTEST: u8 = 7;

impl<'t> Parser<'t> {
    /// Operators with at least the precedence `level`, each left-associative.
    pub(super) fn operators(&mut self, level: u8) -> Result<Node<'t>, Error> {
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

    /// One operator and its right side. Consecutive operators nest, although that is not visible.
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

    /// A run of the same word. A chain of comparisons of one property counts like a list.
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

    /// Skips an operator and the spaces around it; returns its start.
    fn skip_operator(&mut self, length: usize) -> usize {
        self.cursor.blanks();
        let at = self.cursor.at;
        self.cursor.at += length;
        self.cursor.blanks();
        at
    }

    /// The next operator.
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

    /// Whether a minus sign comes next that is not part of a number.
    fn at_sign(&self) -> bool {
        let Some(rest) = self.cursor.rest().strip_prefix('-') else { return false };
        let infinity = rest.strip_prefix("INF").is_some_and(|rest| Cursor::name_length(rest, false) == 0);
        !infinity && rest.starts_with(|next: char| !next.is_ascii_digit())
    }

    /// Whether the operator `not` comes next, rather than a property with that name, which would be followed
    /// by an operator.
    fn at_not(&self) -> bool {
        let rest = self.cursor.rest();
        let Some((word, after)) = rest.split_at_checked(3) else { return false };
        if !word.eq_ignore_ascii_case("not") || !after.starts_with([' ', '\t', '(']) {
            return false;
        }
        if self.cursor.target == "$orderby" && ends_term(after) {
            return false;
        }
        let behind = |at| Self::at(Cursor { at, ..self.cursor });
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
}

/// The property that a term compares with a literal, such that a chain of such terms is a list: `Name eq 'x'`
/// in a run of `or`, `Name ne 'x'` in a run of `and`.
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

/// Whether only a direction of `$orderby` follows.
fn ends_term(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t']);
    let length = text.bytes().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    let direction = ["asc", "desc"].iter().any(|direction| word.eq_ignore_ascii_case(direction));
    let rest = rest.trim_start_matches([' ', '\t']);
    direction && (rest.is_empty() || rest.starts_with(','))
}
