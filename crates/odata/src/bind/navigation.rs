//! Binding paths: properties of the current row and of rows that are related to it, lambda operators and counts.

use super::crossed::combination;
use super::expression::{Binder, unknown_property};
use super::names::related_property;
use super::resource;
use super::scope::{Entered, NamedRow};
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::Navigation;
use crate::syntax::{Arguments, Expression, Literal, Node, Step};
use crate::tree::typed::Typed;

/// A lambda operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lambda {
    Any,
    All,
}

/// What a path leads to.
enum Reached<'m, 's, 't> {
    Row(NamedRow<'m>),
    /// The property of a row.
    Property(NamedRow<'m>, usize),
    /// A computed value of the rows of the option.
    Computed(Typed),
    /// The rows to which a navigation property leads from a row, with the steps from its name on.
    Rows(NamedRow<'m>, &'m Navigation, &'s [Step<'t>]),
}

impl<'m> Binder<'m> {
    /// Binds a path that is not only a call.
    pub(super) fn path(&mut self, steps: &[Step<'_>]) -> Result<Typed, Error> {
        let current = self.scopes.current();
        let own = match steps {
            [first, rest @ ..] if first.name == "$it" && first.arguments.is_none() => rest,
            _ => steps,
        };
        if let Some((index, property)) = related_property(current.entity_type, own) {
            return Ok(Typed::column(current.scan.column(index), property));
        }
        if is_rooted(steps) {
            return self.rooted(steps);
        }
        match self.reach(steps)? {
            Reached::Row(_) => Err(self.unsupported("an entity as a value", steps[0].at)),
            Reached::Property(place, property) => {
                let column =
                    Typed::column(place.scan.column(property), &place.entity_type.properties[property]);
                Ok(Typed { nullable: column.nullable || place.may_be_missing, ..column })
            }
            Reached::Computed(value) => Ok(value),
            Reached::Rows(place, navigation, steps) => self.related(place, navigation, steps),
        }
    }

    /// Binds a segment `$filter(…)` of the resource path.
    pub(super) fn segment(&mut self, step: &Step<'_>) -> Result<Typed, Error> {
        let filter = filter_of(step).map_err(|reason| self.at(reason, 0));
        // The places in an expression are those in its segment.
        filter.and_then(|filter| self.condition(filter)).map_err(|mut error| {
            if let Some(location) = &mut error.location {
                location.offset += step.at;
            }
            error
        })
    }

    /// Binds the comparison of an entity with null; `None` if it is another comparison. There is an entity if the
    /// navigation property leads to one.
    pub(super) fn presence(&mut self, left: &Node<'_>, right: &Node<'_>) -> Result<Option<Typed>, Error> {
        let is_null = |node: &Node<'_>| matches!(node.expression, Expression::Literal(Literal::Null));
        let steps = match (&left.expression, &right.expression) {
            (Expression::Path(steps), _) if is_null(right) => steps,
            (_, Expression::Path(steps)) if is_null(left) => steps,
            _ => return Ok(None),
        };
        let [before @ .., last] = steps.as_slice() else { return Ok(None) };
        if is_rooted(steps) {
            return Ok(None);
        }
        let place = match before {
            [] => self.scopes.current(),
            // Groups have values whose names are paths.
            _ => match self.reach(before) {
                Ok(Reached::Row(place)) => place,
                _ => return Ok(None),
            },
        };
        let is_variable = before.is_empty() && self.scopes.variable(last.name).is_some();
        let navigation = place.entity_type.navigation(last.name).filter(|_| last.arguments.is_none());
        let Some(navigation) = navigation.filter(|navigation| !navigation.collection && !is_variable) else {
            return Ok(None);
        };
        let entered = self.scopes.enter(place, navigation).map_err(|reason| self.at(reason, last.at))?;
        Ok(Some(Typed::exists(self.scopes.leave(entered, Vec::new()))))
    }

    /// Follows a path from the current row, or from that for which its first step stands.
    fn reach<'s, 't>(&mut self, steps: &'s [Step<'t>]) -> Result<Reached<'m, 's, 't>, Error> {
        let (place, steps) = self.start(steps)?;
        self.follow(place, steps)
    }

    /// Follows a path from a row.
    fn follow<'s, 't>(
        &mut self,
        mut place: NamedRow<'m>,
        mut steps: &'s [Step<'t>],
    ) -> Result<Reached<'m, 's, 't>, Error> {
        while let [step, rest @ ..] = steps {
            let entity_type = place.entity_type;
            if step.name.contains('.') {
                return Err(self.unsupported("a type cast in an expression", step.at));
            }
            if let Some(entity) = self.scopes.crossed(place, step.name).filter(|_| step.arguments.is_none()) {
                place = entity;
                steps = rest;
                continue;
            }
            match (entity_type.navigation(step.name), &step.arguments) {
                (Some(navigation), None) if navigation.collection => {
                    return Ok(Reached::Rows(place, navigation, steps));
                }
                (Some(navigation), None) => {
                    place = self.scopes.step(place, navigation).map_err(|reason| self.at(reason, step.at))?;
                    steps = rest;
                    continue;
                }
                (Some(_), Some(_)) => return Err(self.unsupported("a key in an expression", step.at)),
                (None, _) => {}
            }
            return match (entity_type.property(step.name), rest, &step.arguments) {
                (Some((property, _)), [], None) => Ok(Reached::Property(place, property)),
                (Some(_), ..) => Err(self.unsupported("a path beyond a primitive property", step.at)),
                (None, _, Some(_)) if lambda(step).is_some() => {
                    Err(self.mismatch(name_of(step), "one entity".to_owned(), step.at))
                }
                (None, ..) if step.name == "$count" => {
                    Err(self.mismatch("$count", "one entity".to_owned(), step.at))
                }
                (None, ..) if step.name.starts_with(['$', '@']) => {
                    Err(self.unsupported(&format!("the path segment {}", step.name), step.at))
                }
                (None, [], None)
                    if place.is_first()
                        && let Some(value) = self.names.find(step.name, self.target, step.at)? =>
                {
                    Ok(Reached::Computed(value))
                }
                (None, ..) if std::ptr::eq(entity_type, combination()) => {
                    let error = unknown_property(entity_type, step.name, self.target, step.at);
                    Err(error.hinting(hint::crossed_set(&self.scopes.crossed_sets(), step.name)))
                }
                (None, ..) => Err(unknown_property(entity_type, step.name, self.target, step.at)),
            };
        }
        Ok(Reached::Row(place))
    }

    /// The row at which a path starts, and the steps from there.
    fn start<'s, 't>(&self, steps: &'s [Step<'t>]) -> Result<(NamedRow<'m>, &'s [Step<'t>]), Error> {
        let current = self.scopes.current();
        let [first, rest @ ..] = steps else { return Ok((current, steps)) };
        if first.arguments.is_some() {
            return Ok((current, steps));
        }
        if let Some(place) = self.scopes.variable(first.name) {
            return Ok((place, rest));
        }
        let named = match first.name {
            "$it" => self.scopes.addressed(),
            "$this" => Some(current),
            name if name.starts_with(|letter: char| letter == '_' || letter.is_alphabetic()) => {
                return Ok((current, steps));
            }
            _ => None,
        };
        match named {
            Some(place) => Ok((place, rest)),
            None => Err(self.unsupported("a parameter alias, annotation or word such as $it", first.at)),
        }
    }

    /// Binds what a path says of the rows to which a navigation property leads. The first step is its name.
    fn related(
        &mut self,
        place: NamedRow<'m>,
        navigation: &'m Navigation,
        steps: &[Step<'_>],
    ) -> Result<Typed, Error> {
        let (own, rest) =
            steps.split_first().unwrap_or_else(|| unreachable!("the first step names the property"));
        self.scopes.check_depth().map_err(|reason| self.at(reason, own.at))?;
        let entered = self.scopes.enter(place, navigation).map_err(|reason| self.at(reason, own.at))?;
        self.of_rows(entered, own, rest)
    }

    /// Binds a path from the root of the service: `$root/Ships(7)/Name`, `$root/Ships/$count` ([URL Conventions
    /// §5.1.1.14.3](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_root)).
    fn rooted(&mut self, steps: &[Step<'_>]) -> Result<Typed, Error> {
        let [_, set, rest @ ..] = steps else {
            return Err(self.unsupported("$root by itself", steps[0].at));
        };
        let (target, at) = (self.target, set.at);
        let here = move |reason: Reason| reason.at(target, at);
        self.scopes.check_depth().map_err(here)?;
        let (entered, entity_type) = self.scopes.enter_set(set.name).map_err(here)?;
        let Some(arguments) = &set.arguments else { return self.of_rows(entered, set, rest) };
        let Arguments::Call(arguments) = arguments else {
            return Err(self.unsupported("such a key in an expression", set.at));
        };
        let key = resource::key(entity_type, entered.scan, arguments, set.at);
        let key = key.map_err(|error| here(error.reason))?;
        let value = match self.follow(self.scopes.innermost(), rest)? {
            Reached::Row(_) => return Err(self.unsupported("an entity as a value", set.at)),
            Reached::Property(place, property) => {
                Typed::column(place.scan.column(property), &place.entity_type.properties[property])
            }
            Reached::Computed(value) => value,
            Reached::Rows(place, navigation, steps) => self.related(place, navigation, steps)?,
        };
        Ok(Typed::value_of(self.scopes.leave(entered, key), value))
    }

    /// Binds what a path says of rows that have been entered. `own` is the step that names them.
    fn of_rows(&mut self, entered: Entered, own: &Step<'_>, mut rest: &[Step<'_>]) -> Result<Typed, Error> {
        let mut conditions = Vec::new();
        while let Some((step, after)) = rest.split_first().filter(|(step, _)| step.name == "$filter") {
            let filter = filter_of(step).map_err(|reason| self.at(reason, step.at))?;
            conditions.push(self.condition(filter)?);
            rest = after;
        }
        let step = match rest {
            [] => return Err(self.unsupported("a collection as a value", own.at)),
            [step, next, ..] if lambda(step).is_some() || step.name == "$count" => {
                return Err(self.unsupported(&format!("a path beyond {}", step.name), next.at));
            }
            [step, ..] => step,
        };
        match (lambda(step), &step.arguments) {
            (Some(operator), Some(arguments)) => {
                let predicate = self.predicate(operator, step, arguments)?;
                conditions.extend(predicate);
                let exists = Typed::exists(self.scopes.leave(entered, conditions));
                Ok(if operator == Lambda::Any { exists } else { Typed::negated(exists) })
            }
            (_, arguments) if step.name == "$count" => {
                match arguments {
                    None => {}
                    Some(Arguments::Count(Some(filter))) => conditions.push(self.condition(filter)?),
                    Some(_) => return Err(self.unsupported("other options of $count than $filter", step.at)),
                }
                Ok(Typed::count(self.scopes.leave(entered, conditions)))
            }
            _ if step.name.starts_with(['$', '@']) || step.name.contains('.') => {
                Err(self.unsupported(&format!("the path segment {} after a collection", step.name), step.at))
            }
            _ => {
                let found = format!("the collection {}, which needs any, all or $count", own.name);
                Err(self.mismatch("a property", found, step.at))
            }
        }
    }

    /// Binds what must be true of one of the current rows so that `any` is true or `all` is false.
    fn predicate(
        &mut self,
        operator: Lambda,
        step: &Step<'_>,
        arguments: &Arguments<'_>,
    ) -> Result<Option<Typed>, Error> {
        match (operator, arguments) {
            (Lambda::Any, Arguments::Call(none)) if none.is_empty() => Ok(None),
            (_, Arguments::Lambda(variable, predicate)) => {
                self.scopes.name(variable);
                let predicate = self.condition(predicate)?;
                Ok(Some(if operator == Lambda::Any { predicate } else { Typed::untrue(predicate) }))
            }
            _ => {
                let (function, expected) =
                    (name_of(step), "a variable and a condition, as in any(x:x/Id gt 1)");
                Err(self.at(Reason::ArgumentCount { function, expected }, step.at))
            }
        }
    }
}

/// Whether a path starts at the root of the service.
fn is_rooted(steps: &[Step<'_>]) -> bool {
    steps.first().is_some_and(|first| first.name == "$root" && first.arguments.is_none())
}

/// The lambda operator that a step calls.
fn lambda(step: &Step<'_>) -> Option<Lambda> {
    step.arguments.as_ref()?;
    match step.name {
        name if name.eq_ignore_ascii_case("any") => Some(Lambda::Any),
        name if name.eq_ignore_ascii_case("all") => Some(Lambda::All),
        _ => None,
    }
}

fn name_of(step: &Step<'_>) -> &'static str {
    if lambda(step) == Some(Lambda::Any) { "any" } else { "all" }
}

/// The condition of `$filter(…)` in a path.
pub(super) fn filter_of<'s, 't>(step: &'s Step<'t>) -> Result<&'s Node<'t>, Reason> {
    match &step.arguments {
        Some(Arguments::Call(arguments)) => match arguments.as_slice() {
            [(None, condition)] => Ok(condition),
            _ => Err(NOT_ONE_CONDITION),
        },
        _ => Err(NOT_ONE_CONDITION),
    }
}

const NOT_ONE_CONDITION: Reason = Reason::ArgumentCount { function: "$filter", expected: "one condition" };
