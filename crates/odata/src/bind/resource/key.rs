//! Keys in a path.

use crate::error::{Error, Reason};
use crate::model::{EntityType, Property};
use crate::syntax::{Expression, Node};
use crate::tree::column::ScanId;
use crate::tree::typed::{Comparison, Constant, Term, Typed, constant, numeric};

/// `(1)` for a key with one property, otherwise `(a=1,b=2)` in any order.
pub(in crate::bind) fn key(
    entity_type: &EntityType,
    scan: ScanId,
    arguments: &[(Option<&str>, Node<'_>)],
    at: usize,
) -> Result<Vec<Typed>, Error> {
    let bad = || bad_key(entity_type, at);
    if arguments.len() != entity_type.key.len() {
        return Err(bad());
    }
    let mut conditions = Vec::with_capacity(arguments.len());
    for index in &entity_type.key {
        let property = &entity_type.properties[*index];
        let by_name = |(name, _): &&(Option<&str>, Node<'_>)| *name == Some(property.name.as_str());
        let value = match arguments {
            [(None, value)] => value,
            _ => &arguments.iter().find(by_name).ok_or_else(bad)?.1,
        };
        let column = Typed::column(scan.column(*index), property);
        let value = key_value(value, &column).map_err(|reason| match reason {
            Some(reason) => reason.at("path", at + value.at),
            None => bad(),
        })?;
        conditions.push(key_condition(property, column, value));
    }
    Ok(conditions)
}

/// The conditions that a key has these values.
pub(crate) fn key_of_values(entity_type: &EntityType, scan: ScanId, values: Vec<Constant>) -> Vec<Typed> {
    let condition = |(index, value): (&usize, Constant)| {
        let property = &entity_type.properties[*index];
        let (column, value) = (Typed::column(scan.column(*index), property), Typed::constant(value));
        let value = value.converted(column.class).unwrap_or(value);
        key_condition(property, column, value)
    };
    entity_type.key.iter().zip(values).map(condition).collect()
}

/// The condition that a key property has this value. What is not a number equals nothing, not even itself, but it is a
/// key like any other.
fn key_condition(property: &Property, column: Typed, value: Typed) -> Typed {
    if value.is_no_number() {
        return Typed::compare(Comparison::Ne, column.clone(), column);
    }
    let longer = numeric::scale(property)
        .and_then(|scale| numeric::beside_longer(Comparison::Eq, &column, scale, &value));
    longer.unwrap_or_else(|| Typed::compare(Comparison::Eq, column, value))
}

/// The value of a key predicate, converted to the type of the key; or the reason for a refusal, unless it is
/// simply a wrong key.
fn key_value(value: &Node<'_>, column: &Typed) -> Result<Typed, Option<Reason>> {
    match &value.expression {
        Expression::Literal(literal) => {
            let value = constant(literal).ok_or(None)?;
            let value = value.converted(column.class).unwrap_or(value);
            let fits = value.class == column.class || (value.class.is_numeric() && column.class.is_numeric());
            if fits && !matches!(value.term, Term::Null) { Ok(value) } else { Err(None) }
        }
        Expression::Path(steps) if steps.iter().any(|step| step.name.starts_with('@')) => {
            Err(Some(Reason::NotImplemented("a parameter alias".to_owned())))
        }
        _ => Err(None),
    }
}

fn bad_key(entity_type: &EntityType, at: usize) -> Error {
    Reason::BadKey { entity_type: entity_type.name.clone(), expected: entity_type.key_in_words() }
        .at("path", at)
}
