//! Sequences of transformations, some of which have several results that follow each other.

use super::{APPLY, Derived, ordering};
use crate::bind::{Binding, Kinds, complete, crossed};
use crate::error::{Error, Reason};
use crate::syntax::apply::{AggregateItem, Grouping, GroupingPath, Transformation, TransformationKind};
use crate::syntax::{MAX_READINGS, Node};
use crate::tree::concat::Concat;
use crate::tree::described::DescribedValue;
use crate::tree::parts::NewPart;
use crate::tree::reach::Reaching;
use crate::tree::sums::Wanted;
use crate::tree::typed::{Constant, Term, Typed};
use crate::tree::{Order, PlanNode, Scans};

impl<'m> Binding<'m> {
    /// The rows after transformations.
    pub(super) fn sequence(
        &mut self,
        input: Derived<'m>,
        transformations: &[Transformation<'_>],
    ) -> Result<Derived<'m>, Error> {
        let parts = self.parts(input, transformations)?;
        self.concatenated(parts, 0)
    }

    /// Likewise; the rows are those of all parts, one after the other.
    fn parts(
        &mut self,
        input: Derived<'m>,
        transformations: &[Transformation<'_>],
    ) -> Result<Vec<Derived<'m>>, Error> {
        let mut parts = vec![input];
        for transformation in transformations {
            let input = self.concatenated(parts, transformation.at)?;
            parts = match &transformation.kind {
                TransformationKind::Concat(sequences) => {
                    check_readings(&input, sequences.len(), transformation.at)?;
                    let mut all = Vec::new();
                    for sequence in sequences {
                        all.extend(self.parts(input.clone(), sequence)?);
                    }
                    all
                }
                TransformationKind::Group(by, items) => self.levels(&input, by, items, transformation.at)?,
                _ => vec![self.transformed(input, transformation)?],
            };
            let readings: usize = parts.iter().map(|part| part.rows.readings()).sum();
            if readings > MAX_READINGS {
                return Err(Reason::TooComplex.at(APPLY, transformation.at));
            }
        }
        Ok(parts)
    }

    /// The groups of each level of each rollup, together with those of the others, from the finest to the coarsest.
    fn levels(
        &mut self,
        input: &Derived<'m>,
        by: &[Grouping<'_>],
        items: &[AggregateItem<'_>],
        at: usize,
    ) -> Result<Vec<Derived<'m>>, Error> {
        let mut levels: Vec<Vec<&GroupingPath<'_>>> = vec![Vec::new()];
        for grouping in by {
            let prefixes: Vec<&[GroupingPath<'_>]> = match grouping {
                Grouping::Path(path) => vec![std::slice::from_ref(path)],
                Grouping::Rollup { all, paths } => {
                    let least = usize::from(!all);
                    (least..=paths.len()).rev().map(|count| &paths[..count]).collect()
                }
            };
            check_readings(input, levels.len() * prefixes.len(), at)?;
            levels =
                levels.iter().flat_map(|level| prefixes.iter().map(|prefix| with(level, prefix))).collect();
        }
        // A group of all rows without values would be a row of nothing.
        levels.retain(|level| !level.is_empty() || !items.is_empty());
        levels.iter().map(|level| self.grouped(input.clone(), level, items)).collect()
    }

    /// The rows of all parts, one after the other.
    fn concatenated(&mut self, mut parts: Vec<Derived<'m>>, at: usize) -> Result<Derived<'m>, Error> {
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        if parts.iter().any(|part| part.kinds.is_some()) {
            let what = "a transformation after concat or rollup within concat";
            return Err(Reason::NotImplemented(what.to_owned()).at(APPLY, at));
        }
        if parts.iter().any(|part| !part.crossed.is_empty()) {
            return Err(crossed::unsupported("concat without groups"));
        }
        let valued: Vec<Vec<Value>> = parts.iter().map(Derived::values).collect();
        let named = names(&valued).map_err(|reason| reason.at(APPLY, at))?;
        let place = |name: &str| named.iter().position(|(other, _)| other == name).unwrap_or_default();
        let keys = valued.iter().flatten().filter(|value| value.is_key).map(|value| place(&value.name));
        let mut key: Vec<usize> = keys.collect();
        key.sort_unstable();
        key.dedup();
        let kinds = valued.iter().map(|values| values.iter().map(|value| place(&value.name)).collect());
        let kinds = kinds.collect();
        let with_places = |(part, values): (Derived<'m>, Vec<Value>)| NewPart {
            input: part.rows,
            values: values.into_iter().map(|value| (place(&value.name), value.term)).collect(),
            order: part.order,
        };
        let parts = parts.into_iter().zip(valued).map(with_places).collect();
        let (concat, order) = Concat::of(self.budget.scan(), parts, &named, key);
        let column = concat.id.column(concat.entity_type.properties.len() - 1);
        Ok(Derived { order, kinds: Some(Kinds { column, kinds }), ..Derived::new(PlanNode::Concat(concat)) })
    }

    /// A number by which rows are ranked, and their order with the highest or lowest ones first.
    pub(super) fn ranking(
        &mut self,
        input: &mut Derived<'m>,
        by: &Node<'_>,
        bottom: bool,
        operation: &'static str,
    ) -> Result<(Typed, Vec<Order>), Error> {
        let term = self.bound(input, APPLY, |binder| binder.bind_subject(by))?;
        if !term.class.is_numeric() {
            let found = term.class.name().to_owned();
            return Err(Reason::TypeMismatch { operation, found }.at(APPLY, by.at));
        }
        let order = ordering(vec![Order { term: term.clone(), descending: !bottom }]);
        Ok((term, input.ordered(order)))
    }

    /// The rows with the highest or lowest values of a number that together reach a sum.
    pub(super) fn reaching(
        &mut self,
        mut input: Derived<'m>,
        amount: &Node<'_>,
        percent: bool,
        (by, bottom): (&Node<'_>, bool),
    ) -> Result<Derived<'m>, Error> {
        let operation = match (bottom, percent) {
            (false, false) => "topsum",
            (false, true) => "toppercent",
            (true, false) => "bottomsum",
            (true, true) => "bottompercent",
        };
        let (term, mut order) = self.ranking(&mut input, by, bottom, operation)?;
        let number = self.amount(&mut input, amount, operation)?;
        let wanted = if percent {
            if !share(&number).is_some_and(|share| share > 0.0 && share <= 100.0) {
                let bad =
                    Reason::BadOptionValue("a number of percent that is not between 0 and 100".to_owned());
                return Err(bad.at(APPLY, amount.at));
            }
            Wanted::Percent(number)
        } else {
            Wanted::Sum(number)
        };
        let (scan, entity_type) = input.rows.first_scan();
        complete(&mut order, scan, entity_type);
        let reach = Reaching::of(input.rows, self.budget.scan(), term, order, wanted);
        Ok(Derived { rows: PlanNode::Reach(reach).joined(&input.joins), ..input })
    }

    /// A number that a request contains.
    fn amount(
        &mut self,
        input: &mut Derived<'m>,
        amount: &Node<'_>,
        operation: &'static str,
    ) -> Result<Typed, Error> {
        let bound = self.bound(input, APPLY, |binder| binder.bind(amount))?;
        match bound.term {
            _ if !bound.class.is_numeric() => {
                let found = bound.class.name().to_owned();
                Err(Reason::TypeMismatch { operation, found }.at(APPLY, amount.at))
            }
            Term::Constant(_) => Ok(bound),
            _ => {
                Err(Reason::NotImplemented(format!("{operation} of a computed amount")).at(APPLY, amount.at))
            }
        }
    }
}

/// The paths of a level with further ones.
fn with<'p, 't>(
    level: &[&'p GroupingPath<'t>],
    further: &'p [GroupingPath<'t>],
) -> Vec<&'p GroupingPath<'t>> {
    level.iter().copied().chain(further).collect()
}

/// Refuses to read rows too often.
fn check_readings(input: &Derived<'_>, times: usize, at: usize) -> Result<(), Error> {
    let most = MAX_READINGS / input.rows.readings();
    if times > most { Err(Reason::TooComplex.at(APPLY, at)) } else { Ok(()) }
}

/// The value of a number that a request contains.
#[expect(clippy::cast_precision_loss, reason = "only small numbers matter")]
fn share(number: &Typed) -> Option<f64> {
    match &number.term {
        Term::Constant(Constant::Integer(value)) => Some(*value as f64),
        Term::Constant(Constant::Decimal(text)) => text.parse().ok(),
        Term::Constant(Constant::Double(value)) => Some(*value),
        _ => None,
    }
}

/// A value of the rows of a part.
struct Value {
    name: String,
    described: DescribedValue,
    term: Typed,
    /// Whether it is part of their key.
    is_key: bool,
}

impl Derived<'_> {
    /// The properties and the computed values.
    fn values(&self) -> Vec<Value> {
        let scans = Scans::of(&self.rows);
        let (scan, entity_type) = self.rows.first_scan();
        let properties = entity_type.named().iter().enumerate().map(|(at, property)| {
            let term = Typed::column(scan.column(at), property);
            (property.name.clone(), term, entity_type.key.contains(&at))
        });
        let computed = self.names.iter().map(|named| &named.computed);
        let computed =
            computed.map(|computed| (computed.property.name.clone(), computed.value.clone(), false));
        let all = properties.chain(computed);
        all.map(|(name, term, is_key)| Value {
            described: DescribedValue::of(&term, &scans),
            name,
            term,
            is_key,
        })
        .collect()
    }
}

/// The names of the values of all parts, with what is known of the values. Those of one related entity follow each other.
fn names(parts: &[Vec<Value>]) -> Result<Vec<(String, DescribedValue)>, Reason> {
    let mut all: Vec<(String, DescribedValue)> = Vec::new();
    for Value { name, described, .. } in parts.iter().flatten() {
        match all.iter_mut().find(|(other, _)| other == name) {
            None => all.push((name.clone(), *described)),
            Some((_, known)) => {
                let what = || {
                    Reason::NotImplemented(format!("values of different types that are all called {name}"))
                };
                *known = known.or(*described).ok_or_else(what)?;
            }
        }
    }
    for (name, described) in &mut all {
        described.nullable |= !parts.iter().all(|part| part.iter().any(|value| value.name == *name));
    }
    let is_path = |name: &str| name.contains('/');
    all.sort_by(|(one, _), (other, _)| match (is_path(one), is_path(other)) {
        (true, true) => one.split('/').cmp(other.split('/')),
        (one, other) => other.cmp(&one),
    });
    Ok(all)
}
