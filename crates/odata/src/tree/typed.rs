//! Typed expressions.

use super::cast::Cast;
use super::class::Class;
use super::function::Function;
use crate::instant::{ClockTime, Moment};
use crate::literal;
use crate::model::Property;
use crate::syntax::Literal;
use crate::tree::column::ScanColumn;

mod casting;
mod compared;
pub(crate) mod numeric;
mod related;

pub(crate) use related::{JoinedRow, RelatedRows};

/// An expression with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) term: Term,
    pub(crate) class: Class,
    /// Whether it can be null.
    pub(crate) nullable: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Term {
    Null,
    Constant(Constant),
    Column(ScanColumn),
    Negate(Box<Typed>),
    Arithmetic(Arithmetic, Box<Typed>, Box<Typed>),
    Call(Function, Vec<Typed>),
    /// The value beside the first condition that is true; null if none is.
    Case(Vec<(Typed, Typed)>),
    /// A number, rounded half away from zero, as an integer between these bounds; null if it is not between them.
    Whole(Box<Typed>, [i64; 2]),
    Cast(Box<Typed>, Cast),
    Compare(Comparison, Box<Typed>, Box<Typed>),
    In(Box<Typed>, Vec<Typed>),
    /// The stored content of a key column: an order in which no two rows are equal, and nothing else.
    Stored(ScanColumn),
    /// At least two terms.
    And(Vec<Typed>),
    /// At least two terms.
    Or(Vec<Typed>),
    Not(Box<Typed>),
    /// Whether a predicate is false or null.
    Untrue(Box<Typed>),
    /// The number of related rows.
    Count(Box<RelatedRows>),
    /// Whether there are related rows.
    Exists(Box<RelatedRows>),
    /// The value of an expression for the only one of these rows; null if there is none.
    Value(Box<RelatedRows>, Box<Typed>),
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
    TimeOfDay(ClockTime),
    DateTimeOffset(Moment),
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

/// Which operations may fail in a database besides those that may fail in all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failing {
    /// Arithmetic with doubles.
    pub(crate) doubles: bool,
    /// `divby` of other numbers.
    pub(crate) divby: bool,
    /// Texts that may become longer than the database allows.
    pub(crate) growth: bool,
}

impl Failing {
    /// Whatever may fail in some database.
    pub(crate) const ANYWHERE: Self = Self { doubles: true, divby: true, growth: true };
}

/// A literal as a constant; `None` for literals without a type here.
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
        Literal::DateTimeOffset(instant, _) => Constant::DateTimeOffset(*instant),
        Literal::Duration(text) => Constant::Duration((*text).to_owned()),
        Literal::Binary(bytes) => Constant::Binary(bytes.clone()),
        Literal::Geo(_) | Literal::Enum(..) => return None,
    }))
}

impl Typed {
    pub(crate) fn column(column: ScanColumn, property: &Property) -> Self {
        Self {
            term: Term::Column(column),
            class: property.ty.into(),
            nullable: property.nullable || property.may_be_invalid,
        }
    }

    pub(crate) fn constant(constant: Constant) -> Self {
        Self { class: constant.class(), nullable: false, term: Term::Constant(constant) }
    }

    /// The number, if it is a constant integer.
    pub(crate) fn constant_integer(&self) -> Option<i64> {
        match self.term {
            Term::Constant(Constant::Integer(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn null() -> Self {
        Self { term: Term::Null, class: Class::Null, nullable: true }
    }

    /// A comparison is never null: null equals only itself and is neither greater nor less than anything
    /// ([§5.1.1.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_LogicalOperators)).
    pub(crate) fn compare(comparison: Comparison, left: Self, right: Self) -> Self {
        numeric::exactly(comparison, &left, &right)
            .unwrap_or_else(|| Self::plain_comparison(comparison, left, right))
    }

    pub(crate) fn plain_comparison(comparison: Comparison, left: Self, right: Self) -> Self {
        let term = Term::Compare(comparison, Box::new(left), Box::new(right));
        Self { term, class: Class::Boolean, nullable: false }
    }

    /// `left and right`, neither of which is ever null.
    fn both(left: Self, right: Self) -> Self {
        Self { term: Term::And(vec![left, right]), class: Class::Boolean, nullable: false }
    }

    /// `left or right`, neither of which is ever null.
    fn either(left: Self, right: Self) -> Self {
        Self { term: Term::Or(vec![left, right]), class: Class::Boolean, nullable: false }
    }

    /// `not operand`, which is never null.
    pub(crate) fn negated(operand: Self) -> Self {
        Self { term: Term::Not(Box::new(operand)), class: Class::Boolean, nullable: false }
    }

    /// `operand in (items)`.
    pub(crate) fn member(operand: Self, items: Vec<Self>) -> Self {
        let items = if operand.class == Class::Integer {
            items.into_iter().filter_map(numeric::whole_item).collect()
        } else {
            items
        };
        Self { term: Term::In(Box::new(operand), items), class: Class::Boolean, nullable: false }
    }

    /// The result of a rounding function for a decimal literal, exact to the last digit.
    pub(crate) fn rounded(&self, function: Function) -> Option<Self> {
        let Term::Constant(Constant::Decimal(text)) = &self.term else { return None };
        numeric::rounded(function, text).map(|text| Self::constant(Constant::Decimal(text)))
    }

    /// Calls a function for each column that it reads, except for those of related rows.
    pub(crate) fn each_column(&self, visit: &mut dyn FnMut(ScanColumn)) {
        match &self.term {
            Term::Null | Term::Constant(_) => {}
            Term::Column(column) | Term::Stored(column) => visit(*column),
            Term::Negate(operand)
            | Term::Whole(operand, _)
            | Term::Cast(operand, _)
            | Term::Not(operand)
            | Term::Untrue(operand) => {
                operand.each_column(visit);
            }
            Term::Case(cases) => {
                for (condition, value) in cases {
                    condition.each_column(visit);
                    value.each_column(visit);
                }
            }
            Term::Arithmetic(_, left, right) | Term::Compare(_, left, right) => {
                left.each_column(visit);
                right.each_column(visit);
            }
            Term::Call(_, terms) | Term::And(terms) | Term::Or(terms) => {
                for term in terms {
                    term.each_column(visit);
                }
            }
            Term::In(operand, items) => {
                operand.each_column(visit);
                for item in items {
                    item.each_column(visit);
                }
            }
            Term::Count(related) | Term::Exists(related) | Term::Value(related, _) => {
                related.each_outer_column(visit);
            }
        }
    }

    /// Whether it has the same value for all rows, and therefore orders nothing. MariaDB ignores what follows some of these
    /// in an order.
    pub(crate) fn is_constant(&self) -> bool {
        let mut columns = 0;
        self.each_column(&mut |_| columns += 1);
        columns == 0
    }

    /// Whether it is neither a column nor a constant, and may therefore be long.
    pub(crate) fn is_computed(&self) -> bool {
        !matches!(self.term, Term::Column(_) | Term::Constant(_) | Term::Null)
    }

    /// Whether it is the literal `NaN`.
    pub(crate) fn is_no_number(&self) -> bool {
        matches!(self.term, Term::Constant(Constant::Double(value)) if value.is_nan())
    }

    /// Whether it may be `NaN` although its operands are numbers.
    pub(crate) fn may_be_no_number(&self) -> bool {
        match &self.term {
            Term::Arithmetic(operator, left, right) => {
                self.class == Class::Double
                    || *operator == Arithmetic::DivBy
                    || left.may_be_no_number()
                    || right.may_be_no_number()
            }
            Term::Negate(operand) => operand.may_be_no_number(),
            Term::Case(cases) => cases.iter().any(|(_, value)| value.may_be_no_number()),
            Term::Call(Function::Round | Function::Floor | Function::Ceiling, arguments) => {
                arguments[0].may_be_no_number()
            }
            _ => false,
        }
    }

    /// Whether it may be [unanswerable](crate::statement::Unanswerable) for a row.
    pub(crate) fn can_fail(&self, failing: Failing) -> bool {
        let can = |typed: &Self| typed.can_fail(failing);
        let own = match &self.term {
            Term::Arithmetic(..) if self.class == Class::Double && failing.doubles => true,
            Term::Arithmetic(Arithmetic::Div, _, divisor) => {
                self.class != Class::Double && !divisor.is_nonzero_constant()
            }
            Term::Arithmetic(Arithmetic::Mod, _, divisor) => !divisor.is_nonzero_constant(),
            Term::Arithmetic(Arithmetic::DivBy, _, divisor) => {
                failing.divby && !divisor.is_nonzero_constant()
            }
            Term::Call(Function::Concat, _) => failing.growth,
            Term::Call(Function::Substring, arguments) => {
                arguments.get(2).is_some_and(|length| !matches!(length.term, Term::Constant(_)))
            }
            _ => false,
        };
        own || match &self.term {
            Term::Null | Term::Constant(_) | Term::Column(_) | Term::Stored(_) => false,
            Term::Negate(operand)
            | Term::Whole(operand, _)
            | Term::Cast(operand, _)
            | Term::Not(operand)
            | Term::Untrue(operand) => can(operand),
            Term::Case(cases) => cases.iter().any(|(condition, value)| can(condition) || can(value)),
            Term::Arithmetic(_, left, right) | Term::Compare(_, left, right) => can(left) || can(right),
            Term::Call(_, terms) | Term::And(terms) | Term::Or(terms) => terms.iter().any(can),
            Term::In(operand, items) => can(operand) || items.iter().any(can),
            Term::Count(related) | Term::Exists(related) => related.conditions.iter().any(can),
            Term::Value(related, value) => can(value) || related.conditions.iter().any(can),
        }
    }

    /// Whether it is a literal zero.
    pub(crate) fn is_zero(&self) -> bool {
        match &self.term {
            Term::Constant(Constant::Integer(value)) => *value == 0,
            Term::Constant(Constant::Decimal(text)) => numeric::whole(text) == Some(0),
            Term::Constant(Constant::Double(value)) => *value == 0.0,
            _ => false,
        }
    }

    fn is_nonzero_constant(&self) -> bool {
        matches!(self.term, Term::Constant(_)) && !self.is_zero()
    }

    /// The stored content of a key column.
    pub(crate) fn stored(column: ScanColumn, property: &Property) -> Self {
        Self { term: Term::Stored(column), ..Self::column(column, property) }
    }

    /// A string literal converted to another class; `None` if this is not a string literal, or the text is
    /// not such a value.
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

impl Comparison {
    /// The comparison with its sides exchanged.
    pub(crate) fn mirrored(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
        }
    }

    pub(crate) fn name(self) -> &'static str {
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
    pub(crate) fn name(self) -> &'static str {
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
