//! Binding syntax to typed expressions.

use jiff::Timestamp;

use super::chain::Chains;
use super::names::Names;
use super::scope::Scopes;
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::EntityType;
use crate::statement::Unanswerable;
use crate::syntax::{Binary, Expression, Junction, Literal, Node, Step, Unary};
use crate::tree::class::Class;
use crate::tree::typed::{Arithmetic, Comparison, Term, Typed, constant, numeric};

pub(crate) struct Binder<'m> {
    /// The rows to which names refer.
    pub(super) scopes: Scopes<'m>,
    /// The option that is being bound, for errors.
    pub(super) target: &'static str,
    pub(super) now: Timestamp,
    pub(crate) used_now: bool,
    /// The computed values to which names may refer.
    pub(super) names: Names,
}

impl<'m> Binder<'m> {
    pub(crate) fn new(scopes: Scopes<'m>, target: &'static str, now: Timestamp) -> Self {
        Self { scopes, target, now, used_now: false, names: Names::default() }
    }

    /// Binds an expression that must be Boolean.
    pub(crate) fn condition(&mut self, node: &Node<'_>) -> Result<Typed, Error> {
        let bound = self.bind(node)?;
        if matches!(bound.class, Class::Boolean | Class::Null) {
            Ok(bound)
        } else {
            Err(Reason::NotBoolean(bound.class.name()).at(self.target, node.at))
        }
    }

    pub(crate) fn bind(&mut self, node: &Node<'_>) -> Result<Typed, Error> {
        match &node.expression {
            Expression::Literal(literal) => constant(literal)
                .ok_or_else(|| self.unsupported("a geographical or enumeration literal", node.at)),
            Expression::Path(steps) => match steps.as_slice() {
                [Step { arguments: Some(arguments), .. }] => self.call(&steps[0], arguments),
                _ => self.path(steps),
            },
            Expression::Unary(Unary::Not, operand) => {
                let operand = self.operand(operand, "not", |class| class == Class::Boolean)?;
                Ok(Typed {
                    class: Class::Boolean,
                    nullable: operand.nullable,
                    term: Term::Not(Box::new(operand)),
                })
            }
            Expression::Unary(Unary::Negate, operand) => {
                let operand = self.number(operand, "the sign")?;
                if operand.class == Class::Null {
                    return Ok(operand);
                }
                Ok(Typed {
                    class: operand.class,
                    nullable: operand.nullable,
                    term: Term::Negate(Box::new(operand)),
                })
            }
            Expression::Junction(junction, terms) => self.junction(*junction, terms),
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right, node.at),
            Expression::In(left, right) => self.membership(left, right),
            Expression::List(_) | Expression::Object(_) => {
                Err(self.unsupported("a collection or object literal", node.at))
            }
        }
    }

    /// Binds an expression to the left of an operator, in a call or in `$orderby`, where a literal makes
    /// little sense: a word that is both a literal and the name of a property means the property there.
    /// `$it/null` means the property everywhere.
    pub(crate) fn bind_subject(&mut self, node: &Node<'_>) -> Result<Typed, Error> {
        if let Expression::Literal(literal) = &node.expression
            && let Some(word) = word(literal)
        {
            let current = self.scopes.current();
            let properties = current.entity_type.named().iter().enumerate();
            let has_name = |name: &str| name == word || (word != "INF" && name.eq_ignore_ascii_case(word));
            if let Some((index, property)) = properties.clone().find(|(_, property)| has_name(&property.name))
            {
                return Ok(Typed::column(current.scan.column(index), property));
            }
        }
        self.bind(node)
    }

    pub(super) fn at(&self, reason: Reason, at: usize) -> Error {
        reason.at(self.target, at)
    }

    pub(super) fn unsupported(&self, what: &str, at: usize) -> Error {
        self.at(Reason::NotImplemented(what.to_owned()), at)
    }

    pub(super) fn mismatch(&self, operation: &'static str, found: String, at: usize) -> Error {
        self.at(Reason::TypeMismatch { operation, found }, at)
    }

    /// Binds an operand of a class that `accept` accepts, or null.
    fn operand(
        &mut self,
        node: &Node<'_>,
        operation: &'static str,
        accept: impl Fn(Class) -> bool,
    ) -> Result<Typed, Error> {
        let bound = self.bind(node)?;
        self.accepted(bound, node.at, operation, accept)
    }

    pub(super) fn accepted(
        &self,
        bound: Typed,
        at: usize,
        operation: &'static str,
        accept: impl Fn(Class) -> bool,
    ) -> Result<Typed, Error> {
        if bound.class == Class::Null || accept(bound.class) {
            Ok(bound)
        } else {
            Err(self.mismatch(operation, bound.class.name().to_owned(), at))
        }
    }

    fn number(&mut self, node: &Node<'_>, operation: &'static str) -> Result<Typed, Error> {
        let bound = self.bind_subject(node)?;
        match bound.class {
            Class::Null => Ok(bound),
            class if class.is_numeric() => Ok(bound),
            Class::Duration | Class::Date | Class::DateTimeOffset => {
                Err(self.unsupported("arithmetic with dates and durations", node.at))
            }
            class => Err(self.mismatch(operation, class.name().to_owned(), node.at)),
        }
    }

    fn binary(
        &mut self,
        operator: Binary,
        left: &Node<'_>,
        right: &Node<'_>,
        at: usize,
    ) -> Result<Typed, Error> {
        let comparison = match operator {
            Binary::Has => return Err(self.unsupported("the operator has", at)),
            Binary::Add => return self.arithmetic(Arithmetic::Add, left, right),
            Binary::Sub => return self.arithmetic(Arithmetic::Sub, left, right),
            Binary::Mul => return self.arithmetic(Arithmetic::Mul, left, right),
            Binary::Div => return self.arithmetic(Arithmetic::Div, left, right),
            Binary::DivBy => return self.arithmetic(Arithmetic::DivBy, left, right),
            Binary::Mod => return self.arithmetic(Arithmetic::Mod, left, right),
            Binary::Eq => Comparison::Eq,
            Binary::Ne => Comparison::Ne,
            Binary::Gt => Comparison::Gt,
            Binary::Ge => Comparison::Ge,
            Binary::Lt => Comparison::Lt,
            Binary::Le => Comparison::Le,
        };
        if let Comparison::Eq | Comparison::Ne = comparison
            && let Some(exists) = self.presence(left, right)?
        {
            return Ok(if comparison == Comparison::Ne { exists } else { Typed::negated(exists) });
        }
        let (left, right) = (self.bind_subject(left)?, self.bind(right)?);
        let (left, right) = self.comparable(comparison, left, right, at)?;
        let longer = self
            .beside_longer(comparison, &left, &right)
            .or_else(|| self.beside_longer(comparison.mirrored(), &right, &left));
        Ok(longer.unwrap_or_else(|| Typed::compare(comparison, left, right)))
    }

    /// The comparison of a decimal property with a literal that has more digits after the point.
    fn beside_longer(&self, comparison: Comparison, operand: &Typed, literal: &Typed) -> Option<Typed> {
        let Term::Column(column) = operand.term else { return None };
        let scale = numeric::scale(&self.scopes.entity_type(column.scan)?.properties[column.property])?;
        numeric::beside_longer(comparison, operand, scale, literal)
    }

    /// Binds the terms of a run of `and` or `or`. Terms that compare one property with literals become one
    /// list.
    fn junction(&mut self, junction: Junction, nodes: &[Node<'_>]) -> Result<Typed, Error> {
        let operation = if junction == Junction::And { "and" } else { "or" };
        let mut chains = Chains::new(junction);
        for node in nodes {
            chains.push(self.operand(node, operation, |class| class == Class::Boolean)?);
        }
        Ok(chains.finish())
    }

    /// Checks that two operands can be compared; a string literal beside another type is converted to that
    /// type
    /// ([§5.1.1.15](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_NumericPromotion)).
    fn comparable(
        &self,
        comparison: Comparison,
        left: Typed,
        right: Typed,
        at: usize,
    ) -> Result<(Typed, Typed), Error> {
        let (left, right) = match (right.converted(left.class), left.converted(right.class)) {
            (Some(right), _) => (left, right),
            (None, Some(left)) => (left, right),
            (None, None) => (left, right),
        };
        self.check(comparison, left.class, right.class, at)?;
        Ok((left, right))
    }

    fn check(&self, comparison: Comparison, left: Class, right: Class, at: usize) -> Result<(), Error> {
        let class = if left == Class::Null { right } else { left };
        let same = left == right
            || left == Class::Null
            || right == Class::Null
            || (left.is_numeric() && right.is_numeric());
        let ordering = !matches!(comparison, Comparison::Eq | Comparison::Ne);
        match class {
            _ if !same => {
                let found = format!("{} and {}", left.name(), right.name());
                Err(self.mismatch(comparison.name(), found, at))
            }
            Class::Guid | Class::Duration if ordering => {
                Err(self.unsupported("the order of GUIDs and durations", at))
            }
            Class::Binary if ordering => Err(self.mismatch(comparison.name(), class.name().to_owned(), at)),
            _ => Ok(()),
        }
    }

    fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: &Node<'_>,
        right: &Node<'_>,
    ) -> Result<Typed, Error> {
        let divisor_at = right.at;
        let left = self.number(left, operator.name())?;
        let right = self.number(right, operator.name())?;
        let class = match (left.class, right.class) {
            (Class::Null, _) | (_, Class::Null) => return Ok(Typed::null()),
            (Class::Double, _) | (_, Class::Double) => Class::Double,
            (Class::Integer, Class::Integer) if operator != Arithmetic::DivBy => Class::Integer,
            _ => Class::Decimal,
        };
        let divides = match operator {
            Arithmetic::Div => class != Class::Double,
            Arithmetic::Mod => true,
            _ => false,
        };
        if divides && right.is_zero() {
            return Err(Reason::Unanswerable(Unanswerable::DivisionByZero).at(self.target, divisor_at));
        }
        let nullable = left.nullable || right.nullable;
        let term = Term::Arithmetic(operator, Box::new(left), Box::new(right));
        let result = Typed { term, class, nullable };
        // A database may represent such a value as null.
        Ok(Typed { nullable: nullable || result.may_be_no_number(), ..result })
    }

    fn membership(&mut self, left: &Node<'_>, right: &Node<'_>) -> Result<Typed, Error> {
        let operand = self.bind_subject(left)?;
        let Expression::List(items) = &right.expression else {
            return Err(self.unsupported("a collection other than a list to the right of in", right.at));
        };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let bound = self.bind(item)?;
            let bound = bound.converted(operand.class).unwrap_or(bound);
            self.check(Comparison::Eq, operand.class, bound.class, item.at)?;
            if self.beside_longer(Comparison::Eq, &operand, &bound).is_none() {
                list.push(bound);
            }
        }
        Ok(Typed::member(operand, list))
    }
}

/// The refusal of an unknown property name.
pub(super) fn unknown_property(
    entity_type: &EntityType,
    name: &str,
    target: &'static str,
    at: usize,
) -> Error {
    let reason = Reason::UnknownProperty { entity_type: entity_type.name.clone(), name: name.to_owned() };
    reason.at(target, at).hinting(hint::property(entity_type, name))
}

/// The name of a property that may also be a literal.
fn word(literal: &Literal<'_>) -> Option<&'static str> {
    match literal {
        Literal::Null => Some("null"),
        Literal::Boolean(true) => Some("true"),
        Literal::Boolean(false) => Some("false"),
        Literal::Double(value) if *value == f64::INFINITY => Some("INF"),
        Literal::Double(value) if value.is_nan() => Some("NaN"),
        _ => None,
    }
}
