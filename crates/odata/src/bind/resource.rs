//! The resource that a path addresses.

use crate::error::{Error, Reason};
use crate::hint;
use crate::model::{EntityType, Model, Property};
use crate::syntax::{Arguments, Expression, Node, Request, Step};
use crate::tree::column::ScanId;
use crate::tree::typed::{Comparison, Typed, constant, numeric};

/// An addressed resource. Keys are conditions, one for each key property.
pub(super) enum Resource<'m> {
    ServiceDocument,
    Metadata,
    Set(&'m EntityType),
    Count(&'m EntityType),
    Entity(&'m EntityType, Vec<Typed>),
    Property { entity_type: &'m EntityType, key: Vec<Typed>, property: usize, raw: bool },
}

/// Words of [OData URL Conventions 4.01
/// §4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_ResourcePath)
/// at the start of a path or after a set that are not supported.
const UNSUPPORTED: [&str; 10] =
    ["$batch", "$all", "$entity", "$crossjoin", "$ref", "$filter", "$each", "$query", "$root", "$value"];

pub(super) fn resolve<'m>(model: &'m Model, path: &[Step<'_>]) -> Result<Resource<'m>, Error> {
    let Some((first, rest)) = path.split_first() else { return Ok(Resource::ServiceDocument) };
    if first.name == "$metadata" && first.arguments.is_none() && rest.is_empty() {
        return Ok(Resource::Metadata);
    }
    refuse_unsupported(first)?;
    let no_set = || unknown(first).hinting(hint::entity_set(model, first.name));
    let entity_type = model.entity_type(first.name).ok_or_else(no_set)?;
    let key = match &first.arguments {
        None => None,
        Some(Arguments::Call(arguments)) => Some(key(entity_type, arguments, first.at)?),
        Some(_) => return Err(unknown(first)),
    };
    match (key, rest) {
        (None, []) => Ok(Resource::Set(entity_type)),
        (None, [step]) if step.name == "$count" && step.arguments.is_none() => {
            Ok(Resource::Count(entity_type))
        }
        (None, [step, ..]) => Err(refuse_unsupported(step).err().unwrap_or_else(|| unknown(step))),
        (Some(key), []) => Ok(Resource::Entity(entity_type, key)),
        (Some(key), [step, rest @ ..]) => property(entity_type, key, step, rest),
    }
}

fn property<'m>(
    entity_type: &'m EntityType,
    key: Vec<Typed>,
    step: &Step<'_>,
    rest: &[Step<'_>],
) -> Result<Resource<'m>, Error> {
    if entity_type.navigation(step.name).is_some() {
        return Err(Reason::NotImplemented("navigation in the path".to_owned()).at("path", step.at));
    }
    refuse_unsupported(step)?;
    let no_property = || unknown(step).hinting(hint::property(entity_type, step.name));
    let (property, _) =
        entity_type.property(step.name).filter(|_| step.arguments.is_none()).ok_or_else(no_property)?;
    let raw = match rest {
        [] => false,
        [value] if value.name == "$value" && value.arguments.is_none() => true,
        [step, ..] => return Err(refuse_unsupported(step).err().unwrap_or_else(|| unknown(step))),
    };
    Ok(Resource::Property { entity_type, key, property, raw })
}

fn refuse_unsupported(step: &Step<'_>) -> Result<(), Error> {
    if UNSUPPORTED.contains(&step.name) {
        return Err(Reason::NotImplemented(format!("the path segment {}", step.name)).at("path", step.at));
    }
    if step.name.contains('.') && step.name.starts_with(|first: char| first.is_alphabetic()) {
        let what = "a qualified name (type cast or operation) in the path".to_owned();
        return Err(Reason::NotImplemented(what).at("path", step.at));
    }
    Ok(())
}

fn unknown(step: &Step<'_>) -> Error {
    Reason::UnknownResource(step.name.to_owned()).at("path", step.at).hinting(hint::segment(step.name))
}

/// `(1)` for a key with one property, otherwise `(a=1,b=2)` in any order.
fn key(
    entity_type: &EntityType,
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
        let column = Typed::column(ScanId::FIRST.column(*index), property);
        let value = key_value(value, &column).map_err(|reason| match reason {
            Some(reason) => reason.at("path", at + value.at),
            None => bad(),
        })?;
        conditions.push(key_condition(property, column, value));
    }
    Ok(conditions)
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
            if fits && !matches!(value.term, super::Term::Null) { Ok(value) } else { Err(None) }
        }
        Expression::Path(steps) if steps.iter().any(|step| step.name.starts_with('@')) => {
            Err(Some(Reason::NotImplemented("a parameter alias".to_owned())))
        }
        _ => Err(None),
    }
}

fn bad_key(entity_type: &EntityType, at: usize) -> Error {
    let parts: Vec<String> = entity_type
        .key
        .iter()
        .map(|index| &entity_type.properties[*index])
        .map(|property| format!("{} ({})", property.name, property.ty.name()))
        .collect();
    Reason::BadKey { entity_type: entity_type.name.clone(), expected: parts.join(", ") }.at("path", at)
}

/// Options that do not apply to the resource are faults: ignoring one would give a wrong response. `/$count`
/// is not affected by paging and order ([Protocol
/// §11.2.10](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_RequestingtheNumberofItemsinaCollect)).
pub(super) fn check_options(request: &Request<'_>, resource: &Resource<'_>) -> Result<(), Error> {
    let given = [
        ("$filter", request.filter.is_some()),
        ("$orderby", !request.order.is_empty()),
        ("$select", request.select.is_some()),
        ("$top", request.top.is_some()),
        ("$skip", request.skip.is_some()),
        ("$count", request.count.is_some()),
        ("$skiptoken", request.skip_token.is_some()),
    ];
    let applies = |name: &str| match resource {
        Resource::ServiceDocument | Resource::Metadata | Resource::Property { .. } => false,
        Resource::Set(_) => true,
        Resource::Count(_) => matches!(name, "$filter" | "$orderby" | "$top" | "$skip"),
        Resource::Entity(..) => name == "$select",
    };
    match given.into_iter().find(|(name, given)| *given && !applies(name)) {
        Some((name, _)) => Err(Reason::OptionNotApplicable(name).at(name, 0)),
        None => Ok(()),
    }
}
