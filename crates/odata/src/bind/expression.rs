//! Typed expressions, and how syntax becomes one.

use jiff::Timestamp;

use super::function::{self, Function};
use crate::error::{Error, Reason};
use crate::literal;
use crate::model::{EdmType, EntityType};
use crate::syntax::{Arguments, Binary, Expression, Literal, Node, Step, Unary};

/// An expression with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) term: Term,
    pub(crate) class: Class,
    /// Whether it can be null.
    pub(crate) nullable: bool,
}

/// Types as far as expressions tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Null,
    Boolean,
    Integer,
    Decimal,
    Double,
    String,
    Guid,
    Date,
    TimeOfDay,
    DateTimeOffset,
    Duration,
    Binary,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    Null,
    Constant(Constant),
    /// Index of a property.
    Column(usize),
    Negate(Box<Typed>),
    Arithmetic(Arithmetic, Box<Typed>, Box<Typed>),
    Call(Function, Vec<Typed>),
    Compare(Comparison, Box<Typed>, Box<Typed>),
    In(Box<Typed>, Vec<Typed>),
    And(Box<Typed>, Box<Typed>),
    Or(Box<Typed>, Box<Typed>),
    Not(Box<Typed>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Boolean(bool),
    Integer(i64),
    Decimal(String),
    Double(f64),
    String(String),
    Guid([u8; 16]),
    Date(jiff::civil::Date),
    TimeOfDay(jiff::civil::Time),
    DateTimeOffset(Timestamp),
    Duration(String),
    Binary(Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    DivBy,
    Mod,
}

pub(crate) struct Binder<'m> {
    entity_type: &'m EntityType,
    /// The option that is bound, for errors.
    target: &'static str,
    now: Timestamp,
    pub(crate) used_now: bool,
}

impl<'m> Binder<'m> {
    pub(crate) fn new(entity_type: &'m EntityType, target: &'static str, now: Timestamp) -> Self {
        Self { entity_type, target, now, used_now: false }
    }

    /// An expression that must be Boolean.
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
            Expression::Path(steps) => self.path(steps),
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
                Ok(Typed {
                    class: operand.class,
                    nullable: operand.nullable,
                    term: Term::Negate(Box::new(operand)),
                })
            }
            Expression::Binary(operator, left, right) => self.binary(*operator, left, right, node.at),
            Expression::In(left, right) => self.membership(left, right),
            Expression::List(_) | Expression::Object(_) => {
                Err(self.unsupported("a collection or object literal", node.at))
            }
        }
    }

    fn unsupported(&self, what: &str, at: usize) -> Error {
        Reason::NotImplemented(what.to_owned()).at(self.target, at)
    }

    fn mismatch(&self, operation: &'static str, found: String, at: usize) -> Error {
        Reason::TypeMismatch { operation, found }.at(self.target, at)
    }

    /// An operand of a class that `accept` takes, or null.
    fn operand(
        &mut self,
        node: &Node<'_>,
        operation: &'static str,
        accept: impl Fn(Class) -> bool,
    ) -> Result<Typed, Error> {
        let bound = self.bind(node)?;
        if bound.class == Class::Null || accept(bound.class) {
            Ok(bound)
        } else {
            Err(self.mismatch(operation, bound.class.name().to_owned(), node.at))
        }
    }

    fn number(&mut self, node: &Node<'_>, operation: &'static str) -> Result<Typed, Error> {
        let bound = self.bind(node)?;
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
            Binary::And | Binary::Or => {
                let operation = if operator == Binary::And { "and" } else { "or" };
                let left = self.operand(left, operation, |class| class == Class::Boolean)?;
                let right = self.operand(right, operation, |class| class == Class::Boolean)?;
                let nullable = left.nullable || right.nullable;
                let (left, right) = (Box::new(left), Box::new(right));
                let term =
                    if operator == Binary::And { Term::And(left, right) } else { Term::Or(left, right) };
                return Ok(Typed { term, class: Class::Boolean, nullable });
            }
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
        let (left, right) = (self.bind(left)?, self.bind(right)?);
        let (left, right) = self.comparable(comparison, left, right, at)?;
        Ok(Typed::compare(comparison, left, right))
    }

    /// Checks that two operands can be compared; a string literal beside another type is read as that type
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
        let class = if left.class == Class::Null { right.class } else { left.class };
        let same = left.class == right.class
            || left.class == Class::Null
            || right.class == Class::Null
            || (left.class.is_numeric() && right.class.is_numeric());
        let ordering = !matches!(comparison, Comparison::Eq | Comparison::Ne);
        match class {
            _ if !same => {
                let found = format!("{} and {}", left.class.name(), right.class.name());
                Err(self.mismatch(comparison.name(), found, at))
            }
            Class::Guid | Class::Duration if ordering => {
                Err(self.unsupported("the order of GUIDs and durations", at))
            }
            Class::Binary if ordering => Err(self.mismatch(comparison.name(), class.name().to_owned(), at)),
            _ => Ok((left, right)),
        }
    }

    fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: &Node<'_>,
        right: &Node<'_>,
    ) -> Result<Typed, Error> {
        let left = self.number(left, operator.name())?;
        let right = self.number(right, operator.name())?;
        let class = match (left.class, right.class) {
            (Class::Null, _) | (_, Class::Null) => return Ok(Typed::null()),
            (Class::Double, _) | (_, Class::Double) => Class::Double,
            (Class::Integer, Class::Integer) if operator != Arithmetic::DivBy => Class::Integer,
            _ => Class::Decimal,
        };
        // A division by zero is null.
        let divides = matches!(operator, Arithmetic::Div | Arithmetic::DivBy | Arithmetic::Mod);
        let nullable = left.nullable || right.nullable || divides;
        Ok(Typed { term: Term::Arithmetic(operator, Box::new(left), Box::new(right)), class, nullable })
    }

    fn membership(&mut self, left: &Node<'_>, right: &Node<'_>) -> Result<Typed, Error> {
        let bound = self.bind(left)?;
        let Expression::List(items) = &right.expression else {
            return Err(self.unsupported("a collection other than a list to the right of in", right.at));
        };
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let item_bound = self.bind(item)?;
            let (_, item_bound) = self.comparable(Comparison::Eq, bound.clone(), item_bound, item.at)?;
            list.push(item_bound);
        }
        Ok(Typed { term: Term::In(Box::new(bound), list), class: Class::Boolean, nullable: false })
    }

    fn path(&mut self, steps: &[Step<'_>]) -> Result<Typed, Error> {
        let steps = match steps {
            [first, rest @ ..] if first.name == "$it" && first.arguments.is_none() && !rest.is_empty() => {
                rest
            }
            _ => steps,
        };
        let (first, rest) =
            steps.split_first().unwrap_or_else(|| unreachable!("a path has at least one step"));
        if let ([], Some(arguments)) = (rest, &first.arguments) {
            return self.call(first, arguments);
        }
        if !first.name.starts_with(|letter: char| letter == '_' || letter.is_alphabetic()) {
            return Err(
                self.unsupported("a parameter alias, annotation or word such as $it or $root", first.at)
            );
        }
        if first.name.contains('.') || self.entity_type.navigation(first.name).is_some() {
            return Err(self.unsupported("navigation or a type cast in an expression", first.at));
        }
        let property = self.entity_type.property(first.name);
        match (property, rest, &first.arguments) {
            (Some((index, property)), [], None) => Ok(Typed::column(index, property)),
            (Some(_), _, _) => Err(self.unsupported("a path beyond a primitive property", first.at)),
            (None, _, _) => Err(Reason::UnknownProperty {
                entity_type: self.entity_type.name.clone(),
                name: first.name.to_owned(),
            }
            .at(self.target, first.at)),
        }
    }

    fn call(&mut self, step: &Step<'_>, arguments: &Arguments<'_>) -> Result<Typed, Error> {
        if function::is_known_unsupported(step.name) || step.name.contains('.') || step.name.starts_with('$')
        {
            return Err(self.unsupported(&format!("the function {}", step.name), step.at));
        }
        let Arguments::Call(arguments) = arguments else {
            return Err(self.unsupported("a lambda operator", step.at));
        };
        if self.entity_type.navigation(step.name).is_some() {
            return Err(self.unsupported("navigation in an expression", step.at));
        }
        let unknown = || Reason::UnknownFunction(step.name.to_owned()).at(self.target, step.at);
        let function = Function::find(step.name).ok_or_else(unknown)?;
        if arguments.iter().any(|(name, _)| name.is_some()) {
            return Err(unknown());
        }
        let signature = function.signature();
        if !(signature.required..=signature.accepts.len()).contains(&arguments.len()) {
            let (function, expected) = (function.name(), signature.count());
            return Err(Reason::ArgumentCount { function, expected }.at(self.target, step.at));
        }
        if function == Function::Now {
            self.used_now = true;
            return Ok(Typed::constant(Constant::DateTimeOffset(self.now)));
        }
        let mut bound = Vec::with_capacity(arguments.len());
        for ((_, argument), accepts) in arguments.iter().zip(signature.accepts) {
            bound.push(self.operand(argument, function.name(), |class| accepts.contains(&class))?);
        }
        if bound.iter().any(|argument| argument.class == Class::Null) {
            return Ok(Typed::null());
        }
        let class = signature.class.unwrap_or(bound[0].class);
        let nullable = signature.nullable || bound.iter().any(|argument| argument.nullable);
        Ok(Typed { term: Term::Call(function, bound), class, nullable })
    }
}

/// A literal as a constant; none for those that have no type here.
pub(crate) fn constant(literal: &Literal<'_>) -> Option<Typed> {
    Some(Typed::constant(match literal {
        Literal::Null => return Some(Typed::null()),
        Literal::Boolean(value) => Constant::Boolean(*value),
        Literal::Integer(value) => Constant::Integer(*value),
        Literal::Decimal(text) => Constant::Decimal((*text).to_owned()),
        Literal::Double(value) => Constant::Double(*value),
        Literal::String(text) => Constant::String(text.clone().into_owned()),
        Literal::Guid(guid) => Constant::Guid(*guid),
        Literal::Date(date) => Constant::Date(*date),
        Literal::TimeOfDay(time) => Constant::TimeOfDay(*time),
        Literal::DateTimeOffset(instant) => Constant::DateTimeOffset(*instant),
        Literal::Duration(text) => Constant::Duration((*text).to_owned()),
        Literal::Binary(bytes) => Constant::Binary(bytes.clone()),
        Literal::Geo(_) | Literal::Enum(..) => return None,
    }))
}

impl Typed {
    pub(crate) fn null() -> Self {
        Self { term: Term::Null, class: Class::Null, nullable: true }
    }

    /// A comparison is never null: null equals only itself and is neither above nor below anything
    /// ([§5.1.1.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_LogicalOperators)).
    pub(crate) fn compare(comparison: Comparison, left: Self, right: Self) -> Self {
        let term = Term::Compare(comparison, Box::new(left), Box::new(right));
        Self { term, class: Class::Boolean, nullable: false }
    }

    /// A string literal read as another class; none if this is no string literal, or the text is no such value.
    pub(crate) fn converted(&self, class: Class) -> Option<Self> {
        let Term::Constant(Constant::String(text)) = &self.term else { return None };
        let constant = match class {
            Class::Guid => Constant::Guid(literal::guid(text)?),
            Class::Date => Constant::Date(literal::date(text)?),
            Class::TimeOfDay => Constant::TimeOfDay(literal::time_of_day(text)?),
            Class::DateTimeOffset => Constant::DateTimeOffset(literal::date_time_offset(text)?),
            Class::Duration if literal::is_duration(text) => Constant::Duration(text.clone()),
            Class::Binary => Constant::Binary(literal::binary(text)?),
            _ => return None,
        };
        Some(Self::constant(constant))
    }
}

impl Constant {
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Boolean(_) => Class::Boolean,
            Self::Integer(_) => Class::Integer,
            Self::Decimal(_) => Class::Decimal,
            Self::Double(_) => Class::Double,
            Self::String(_) => Class::String,
            Self::Guid(_) => Class::Guid,
            Self::Date(_) => Class::Date,
            Self::TimeOfDay(_) => Class::TimeOfDay,
            Self::DateTimeOffset(_) => Class::DateTimeOffset,
            Self::Duration(_) => Class::Duration,
            Self::Binary(_) => Class::Binary,
        }
    }
}

impl Class {
    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Double)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "Edm.Boolean",
            Self::Integer => "an integer",
            Self::Decimal => "Edm.Decimal",
            Self::Double => "Edm.Double",
            Self::String => "Edm.String",
            Self::Guid => "Edm.Guid",
            Self::Date => "Edm.Date",
            Self::TimeOfDay => "Edm.TimeOfDay",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Duration => "Edm.Duration",
            Self::Binary => "Edm.Binary",
        }
    }
}

impl From<EdmType> for Class {
    fn from(ty: EdmType) -> Self {
        match ty {
            EdmType::Boolean => Self::Boolean,
            EdmType::Byte | EdmType::SByte | EdmType::Int16 | EdmType::Int32 | EdmType::Int64 => {
                Self::Integer
            }
            EdmType::Decimal { .. } => Self::Decimal,
            EdmType::Single | EdmType::Double => Self::Double,
            EdmType::String { .. } => Self::String,
            EdmType::Guid => Self::Guid,
            EdmType::Date => Self::Date,
            EdmType::TimeOfDay => Self::TimeOfDay,
            EdmType::DateTimeOffset => Self::DateTimeOffset,
            EdmType::Duration => Self::Duration,
            EdmType::Binary => Self::Binary,
        }
    }
}

impl Comparison {
    fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }
}

impl Arithmetic {
    fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::DivBy => "divby",
            Self::Mod => "mod",
        }
    }
}
