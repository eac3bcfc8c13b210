//! What an expression is for a row, by the words of the standard.

mod functions;

use std::cmp::Ordering;
use std::fmt::{Display, Formatter};

use crate::decimal::Decimal;
use crate::rows::Class;

/// A value in OData. Dates, times and instants are texts in their order.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Number(Decimal),
    Double(f64),
    Text(String),
    Binary(Vec<u8>),
    /// Microseconds.
    Duration(i128),
}

/// Why an expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The request must fail, if it comes to this.
    Fails,
    /// Beyond what this evaluator, or a double, can express.
    TooLarge,
}

/// An expression with its class.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    pub(crate) class: Class,
    pub(crate) term: Term,
}

#[derive(Debug, Clone)]
pub(crate) enum Term {
    Null,
    /// The literal as it is written, and its value.
    Literal(String, Value),
    /// The name and the index of a column.
    Column(&'static str, usize),
    Negate(Box<Expression>),
    Arithmetic(&'static str, Box<Expression>, Box<Expression>),
    Call(&'static str, Vec<Expression>),
    Compare(&'static str, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Vec<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    /// Conditions with their values.
    Case(Vec<(Expression, Expression)>),
    /// A value as one of another type.
    Cast(&'static str, Box<Expression>),
}

fn list(items: &[Expression], between: &str) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

impl Display for Expression {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        match &self.term {
            Term::Null => write!(out, "null"),
            Term::Literal(text, _) => write!(out, "{text}"),
            Term::Column(name, _) => write!(out, "{name}"),
            Term::Negate(operand) => write!(out, "(-({operand}))"),
            Term::Arithmetic(operator, left, right) | Term::Compare(operator, left, right) => {
                write!(out, "({left} {operator} {right})")
            }
            Term::Call(name, arguments) => write!(out, "{name}({})", list(arguments, ",")),
            Term::In(operand, items) => write!(out, "({operand} in ({}))", list(items, ",")),
            Term::And(terms) => write!(out, "({})", list(terms, " and ")),
            Term::Or(terms) => write!(out, "({})", list(terms, " or ")),
            Term::Not(operand) => write!(out, "(not {operand})"),
            Term::Case(cases) => {
                let cases = cases.iter().map(|(condition, value)| format!("{condition}:{value}"));
                write!(out, "case({})", cases.collect::<Vec<_>>().join(","))
            }
            Term::Cast(ty, operand) => write!(out, "cast({operand},Edm.{ty})"),
        }
    }
}

impl Expression {
    /// Whether it names a column, and null nowhere.
    pub(crate) fn has_column(&self) -> bool {
        let (mut columns, mut nulls) = (0, 0);
        self.visit(&mut |term| match term {
            Term::Column(..) => columns += 1,
            Term::Null => nulls += 1,
            _ => {}
        });
        columns > 0 && nulls == 0
    }

    fn visit(&self, see: &mut impl FnMut(&Term)) {
        see(&self.term);
        match &self.term {
            Term::Null | Term::Literal(..) | Term::Column(..) => {}
            Term::Negate(operand) | Term::Not(operand) | Term::Cast(_, operand) => operand.visit(see),
            Term::Case(cases) => {
                for (condition, value) in cases {
                    condition.visit(see);
                    value.visit(see);
                }
            }
            Term::Arithmetic(_, left, right) | Term::Compare(_, left, right) => {
                left.visit(see);
                right.visit(see);
            }
            Term::Call(_, terms) | Term::And(terms) | Term::Or(terms) => {
                for term in terms {
                    term.visit(see);
                }
            }
            Term::In(operand, items) => {
                operand.visit(see);
                for item in items {
                    item.visit(see);
                }
            }
        }
    }

    /// Whether it, or a part of it, computes what is not a number.
    pub(crate) fn computes_nan(&self, row: &[Value]) -> bool {
        let of_itself = || matches!(self.value(row), Ok(Value::Double(value)) if value.is_nan());
        let parts: Vec<&Expression> = match &self.term {
            Term::Null | Term::Literal(..) | Term::Column(..) => return false,
            Term::Negate(operand) | Term::Not(operand) | Term::Cast(_, operand) => vec![operand],
            Term::Case(cases) => cases.iter().flat_map(|(condition, value)| [condition, value]).collect(),
            Term::Arithmetic(_, left, right) | Term::Compare(_, left, right) => vec![left, right],
            Term::Call(_, terms) | Term::And(terms) | Term::Or(terms) => terms.iter().collect(),
            Term::In(operand, items) => [operand.as_ref()].into_iter().chain(items).collect(),
        };
        of_itself() || parts.iter().any(|part| part.computes_nan(row))
    }

    fn is_literal(&self) -> bool {
        matches!(self.term, Term::Literal(..))
    }

    pub(crate) fn value(&self, row: &[Value]) -> Result<Value, Trouble> {
        Ok(match &self.term {
            Term::Null => Value::Null,
            Term::Literal(_, value) => value.clone(),
            Term::Column(_, index) => row[*index].clone(),
            Term::Negate(operand) => match operand.value(row)? {
                Value::Number(number) => Value::Number(number.negative()),
                Value::Double(number) => Value::Double(-number),
                _ => Value::Null,
            },
            Term::Arithmetic(operator, left, right) => {
                arithmetic(self.class, operator, left.value(row)?, right.value(row)?)?
            }
            Term::Call(name, arguments) => {
                let values =
                    arguments.iter().map(|argument| argument.value(row)).collect::<Result<Vec<_>, _>>()?;
                functions::call(name, &values)?
            }
            Term::Compare(operator, left, right) => Value::Boolean(compared(operator, left, right, row)?),
            Term::In(operand, items) => {
                let mut found = false;
                for item in items {
                    found |= compared("eq", operand, item, row)?;
                }
                Value::Boolean(found)
            }
            Term::And(terms) => junction(terms, row, false)?,
            Term::Or(terms) => junction(terms, row, true)?,
            Term::Not(operand) => match operand.value(row)? {
                Value::Boolean(value) => Value::Boolean(!value),
                _ => Value::Null,
            },
            Term::Case(cases) => {
                for (condition, value) in cases {
                    if matches!(condition.value(row)?, Value::Boolean(true)) {
                        return value.value(row);
                    }
                }
                Value::Null
            }
            Term::Cast("String", operand) => functions::shown(operand.class, operand.value(row)?),
            Term::Cast(ty, operand) => functions::cast(ty, operand.value(row)?)?,
        })
    }
}

/// `and` stops at what is false, `or` at what is true.
fn junction(terms: &[Expression], row: &[Value], stop: bool) -> Result<Value, Trouble> {
    let mut result = Value::Boolean(!stop);
    for term in terms {
        match term.value(row)? {
            Value::Boolean(value) if value == stop => return Ok(Value::Boolean(stop)),
            Value::Boolean(_) => {}
            _ => result = Value::Null,
        }
    }
    Ok(result)
}

fn double(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.double(),
        Value::Double(value) => *value,
        other => panic!("{other:?} is no number"),
    }
}

fn arithmetic(class: Class, operator: &str, left: Value, right: Value) -> Result<Value, Trouble> {
    if matches!(left, Value::Null) || matches!(right, Value::Null) {
        return Ok(Value::Null);
    }
    if class == Class::Double {
        return doubles(operator, double(&left), double(&right)).map(Value::Double);
    }
    let (Value::Number(left), Value::Number(right)) = (left, right) else { panic!("no numbers") };
    let result = match operator {
        "add" => left.add(right),
        "sub" => left.add(right.negative()),
        "mul" => left.mul(right),
        "div" | "mod" if right.is_zero() => return Err(Trouble::Fails),
        "div" => left.div(right),
        "mod" => left.rem(right),
        other => panic!("{other}"),
    };
    result.map(Value::Number).ok_or(Trouble::TooLarge)
}

fn doubles(operator: &str, left: f64, right: f64) -> Result<f64, Trouble> {
    let result = match operator {
        "add" => left + right,
        "sub" => left - right,
        "mul" => left * right,
        "div" | "divby" => left / right,
        other => panic!("{other}"),
    };
    let divides = operator.starts_with("div");
    let by_zero = divides && right == 0.0;
    let overflows = result.is_infinite() && left.is_finite() && right.is_finite() && !by_zero;
    let scales = divides || operator == "mul";
    let vanishes = scales && result == 0.0 && left != 0.0 && right != 0.0 && !right.is_infinite();
    if overflows || vanishes { Err(Trouble::TooLarge) } else { Ok(result) }
}

fn compared(operator: &str, left: &Expression, right: &Expression, row: &[Value]) -> Result<bool, Trouble> {
    let (one, other) = (left.value(row)?, right.value(row)?);
    let is_null = |value: &Value| matches!(value, Value::Null);
    Ok(match (is_null(&one), is_null(&other)) {
        (true, true) => matches!(operator, "eq" | "ge" | "le"),
        (true, false) | (false, true) => operator == "ne",
        (false, false) => match order((left, &one), (right, &other)) {
            None => operator == "ne",
            Some(order) => match operator {
                "eq" => order.is_eq(),
                "ne" => order.is_ne(),
                "gt" => order.is_gt(),
                "ge" => order.is_ge(),
                "lt" => order.is_lt(),
                "le" => order.is_le(),
                other => panic!("{other}"),
            },
        },
    })
}

/// The order of two values; `None` if one is not a number. A literal beside a number of another class is compared
/// exactly, other numbers as doubles.
fn order((left, one): (&Expression, &Value), (right, other): (&Expression, &Value)) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Some(one.compare(*other)),
        (Value::Number(number), Value::Double(value)) => mixed((left, *number), (right, *value)),
        (Value::Double(value), Value::Number(number)) => {
            mixed((right, *number), (left, *value)).map(Ordering::reverse)
        }
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Boolean(one), Value::Boolean(other)) => Some(one.cmp(other)),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        (Value::Binary(one), Value::Binary(other)) => Some(one.cmp(other)),
        (Value::Duration(one), Value::Duration(other)) => Some(one.cmp(other)),
        other => panic!("{other:?}"),
    }
}

fn mixed((left, number): (&Expression, Decimal), (right, value): (&Expression, f64)) -> Option<Ordering> {
    let is_exact = right.is_literal() && (left.class == Class::Integer || !left.is_literal());
    if !is_exact || value.is_nan() {
        return number.double().partial_cmp(&value);
    }
    match Decimal::read(&value.to_string()) {
        Some(exact) if left.class != Class::Integer || value.abs() < 9e15 => Some(number.compare(exact)),
        // The whole numbers beyond are further apart than one, and the digits of the text stand for less.
        _ if value.abs() < 1e38 => {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^127")]
            let whole = Decimal::whole(value.floor() as i128);
            let order = number.compare(whole);
            Some(if order.is_eq() && value.fract() != 0.0 { Ordering::Less } else { order })
        }
        _ => number.double().partial_cmp(&value),
    }
}

/// The order of rows by a term: null comes first, and what is not a number after all numbers.
pub(crate) fn in_order(one: &Value, other: &Value) -> Ordering {
    let is_null = |value: &Value| matches!(value, Value::Null);
    match (one, other) {
        _ if is_null(one) || is_null(other) => is_null(other).cmp(&is_null(one)),
        (Value::Double(one), Value::Double(other)) => {
            one.partial_cmp(other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
        }
        (Value::Number(one), Value::Number(other)) => one.compare(*other),
        (Value::Boolean(one), Value::Boolean(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        (Value::Binary(one), Value::Binary(other)) => one.cmp(other),
        (Value::Duration(one), Value::Duration(other)) => one.cmp(other),
        other => panic!("{other:?}"),
    }
}
