//! Binding `$apply` and `$compute`: rows that are derived from those of an entity set.

mod bound;
mod grouping;
mod sequence;

use super::crossed::{self, CrossedSet};
use super::names::Named;
use super::resource::Addressed;
use super::{Binding, Kinds, SelectedProperties, Selection, complete, drop_constants, search, shown};
use crate::aggregation_method::Method;
use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::syntax::apply::{AggregateItem, GroupingPath, Transformation, TransformationKind};
use crate::syntax::compute::Alias;
use crate::syntax::search::Search;
use crate::syntax::{EntityOptions, Request, Step};
use crate::tree::class::Class;
use crate::tree::column::ScanId;
use crate::tree::lookup::JoinedOne;
use crate::tree::typed::Typed;
use crate::tree::{Aggregate, AggregateFunction, Aggregated, Compute, Filter, Order, Page, PlanNode};
use grouping::Joined;

pub(super) const APPLY: &str = "$apply";

/// Rows on their way through transformations.
#[derive(Clone)]
pub(super) struct Derived<'m> {
    pub(super) rows: PlanNode<'m>,
    /// The values that were computed since rows were last grouped.
    names: Vec<Named>,
    /// The order in which they are, without the key.
    order: Vec<Order>,
    /// The related rows that are joined with them.
    joins: Vec<JoinedOne<'m>>,
    /// The kinds of rows, if they do not all have the same properties.
    kinds: Option<Kinds>,
    /// The sets whose entities the rows combine, if these are those of a cross join.
    crossed: Vec<CrossedSet<'m>>,
}

impl<'m> Derived<'m> {
    /// Rows of which nothing has been made yet.
    fn new(rows: PlanNode<'m>) -> Self {
        Self {
            rows,
            names: Vec::new(),
            order: Vec::new(),
            joins: Vec::new(),
            kinds: None,
            crossed: Vec::new(),
        }
    }

    /// The type of the rows, with its scan.
    pub(super) fn first_scan(&self) -> (ScanId, &EntityType) {
        self.rows.first_scan()
    }

    fn filtered(self, condition: Typed) -> Self {
        let rows = PlanNode::Filter(Filter { input: Box::new(self.rows), condition });
        Self { rows, ..self }
    }

    /// The rows that match a search.
    fn searched(self, search: &Search<'_>, target: &'static str) -> Result<Self, Error> {
        if self.rows.is_grouped() {
            return Err(Reason::NotImplemented("a search in groups".to_owned()).at(target, 0));
        }
        let condition = search::matches(search, self.rows.first_scan(), target)?;
        Ok(self.filtered(condition))
    }

    /// Some of the rows, by their place in an order.
    fn limited(self, mut order: Vec<Order>, skip: u64, most: Option<u64>) -> Self {
        let (scan, entity_type) = self.rows.first_scan();
        complete(&mut order, scan, entity_type);
        let page = Page { input: Box::new(self.rows), order, after: None, skip, rows: most };
        Self { rows: PlanNode::Page(page).joined(&self.joins), ..self }
    }

    /// An order that begins with further terms.
    fn ordered(&self, mut terms: Vec<Order>) -> Vec<Order> {
        for order in &self.order {
            if !terms.iter().any(|other| other.term == order.term) {
                terms.push(order.clone());
            }
        }
        terms
    }

    /// Checks that a name is not that of a property or of another value.
    fn is_free(&self, alias: Alias<'_>, target: &'static str) -> Result<(), Error> {
        let is_set = self.crossed.iter().any(|set| set.entity_type.name == alias.name);
        let (_, entity_type) = self.first_scan();
        let is_computed = self.names.iter().any(|named| named.computed.property.name == alias.name);
        let is_property =
            entity_type.property(alias.name).is_some() || entity_type.navigation(alias.name).is_some();
        if is_computed || is_set || (is_property && self.crossed.is_empty()) {
            Err(taken(alias.name, target, alias.at))
        } else {
            Ok(())
        }
    }
}

fn taken(name: &str, target: &'static str, at: usize) -> Error {
    Reason::NameTaken(name.to_owned()).at(target, at)
}

impl<'m> Binding<'m> {
    /// The rows of a set with `$apply` or `$compute`.
    pub(super) fn derived_set(
        &mut self,
        addressed: Addressed<'m>,
        filters: &[&Step<'_>],
        request: &Request<'_>,
    ) -> Result<Selection<'m>, Error> {
        let (entity_type, owner) = (addressed.entity_type, addressed.owner());
        let mut derived = Derived::new(addressed.rows());
        for step in filters {
            let condition = self.bound(&mut derived, "path", |binder| binder.segment(step))?;
            derived = derived.filtered(condition);
        }
        derived = self.sequence(derived, &request.apply)?;
        self.shaped(derived, Some((entity_type, owner)), request)
    }

    /// Rows with the other options of the request; entities of a type, which may be related to another one, or groups.
    fn shaped(
        &mut self,
        mut derived: Derived<'m>,
        entities: Option<(&'m EntityType, Option<Page<'m>>)>,
        request: &Request<'_>,
    ) -> Result<Selection<'m>, Error> {
        if let Some(search) = &request.search {
            derived = derived.searched(search, search::SEARCH)?;
        }
        let groups = derived.rows.is_grouped();
        if groups && !request.options.expand.is_empty() {
            return Err(Reason::NotImplemented("$expand of groups".to_owned()).at("$expand", 0));
        }
        self.compute(&mut derived, &request.compute, "$compute")?;
        let options = &request.options;
        if let Some(filter) = &options.filter {
            let condition = self.bound(&mut derived, "$filter", |binder| binder.condition(filter))?;
            derived = derived.filtered(condition);
        }
        let terms = self.terms(&mut derived, &options.order, "$orderby")?;
        let mut order = derived.ordered(terms);
        let (scan, own) = derived.first_scan();
        complete(&mut order, scan, own);
        let (entity_type, owner) =
            entities.map_or((None, None), |(entity_type, owner)| (Some(entity_type), owner));
        let expanded = match entity_type {
            Some(entity_type) => self.expand(entity_type, &options.expand)?,
            None => Vec::new(),
        };
        let (values, kinds) = (self.budget.scan(), derived.kinds.take());
        let joins = std::mem::take(&mut derived.joins);
        let shown = selected(&derived, entity_type.filter(|_| !groups), options, values)?;
        Ok(Selection {
            page: Page {
                input: Box::new(derived.with_values(values)),
                order,
                after: None,
                skip: options.skip.unwrap_or(0),
                rows: options.top,
            },
            shown,
            count: options.count.unwrap_or(false),
            expanded,
            owner,
            groups,
            cross_join: None,
            kinds,
            joins,
            next_scan: self.budget.next_scan,
        })
    }

    /// The groups that `$apply` makes of a cross join.
    pub(super) fn grouped_cross_join(
        &mut self,
        sets: &[CrossedSet<'m>],
        request: &Request<'_>,
    ) -> Result<Selection<'m>, Error> {
        let rows = Derived { crossed: sets.to_vec(), ..Derived::new(crossed::rows(sets)) };
        let derived = self.sequence(rows, &request.apply)?;
        if !derived.crossed.is_empty() {
            return Err(crossed::unsupported("$apply without groups"));
        }
        let selection = self.shaped(derived, None, request)?;
        Ok(Selection { cross_join: Some(Vec::new()), ..selection })
    }

    /// One entity with `$compute`.
    pub(super) fn derived_one(
        &mut self,
        addressed: Addressed<'m>,
        request: &Request<'_>,
    ) -> Result<Selection<'m>, Error> {
        let (entity_type, owner) = (addressed.entity_type, addressed.owner());
        let Page { input, .. } = addressed.page();
        let mut derived = Derived::new(*input);
        self.compute(&mut derived, &request.compute, "$compute")?;
        let expanded = self.expand(entity_type, &request.options.expand)?;
        let values = self.budget.scan();
        let shown = selected(&derived, Some(entity_type), &request.options, values)?;
        let input = Box::new(derived.with_values(values));
        let page = Page { input, order: Vec::new(), after: None, skip: 0, rows: Some(1) };
        Ok(self.selected_one(page, shown, expanded, owner))
    }

    fn transformed(
        &mut self,
        mut input: Derived<'m>,
        transformation: &Transformation<'_>,
    ) -> Result<Derived<'m>, Error> {
        let keeps_rows = matches!(
            transformation.kind,
            TransformationKind::Identity
                | TransformationKind::Filter(_)
                | TransformationKind::Compute(_)
                | TransformationKind::OrderBy(_)
        );
        if !input.crossed.is_empty() && !keeps_rows {
            return Err(crossed::unsupported("this transformation"));
        }
        match &transformation.kind {
            TransformationKind::Identity => Ok(input),
            TransformationKind::Filter(condition) => {
                let condition = self.bound(&mut input, APPLY, |binder| binder.condition(condition))?;
                Ok(input.filtered(condition))
            }
            TransformationKind::Compute(items) => {
                self.compute(&mut input, items, APPLY)?;
                Ok(input)
            }
            TransformationKind::OrderBy(terms) => {
                let terms = self.terms(&mut input, terms, APPLY)?;
                Ok(Derived { order: input.ordered(terms), ..input })
            }
            TransformationKind::Top(rows) => {
                let order = input.order.clone();
                Ok(input.limited(order, 0, Some(*rows)))
            }
            TransformationKind::Skip(rows) => {
                let order = input.order.clone();
                Ok(input.limited(order, *rows, None))
            }
            TransformationKind::Extreme { count, by, bottom } => {
                let operation = if *bottom { "bottomcount" } else { "topcount" };
                let order = self.ranking(&mut input, by, *bottom, operation)?.1;
                Ok(input.limited(order, 0, Some(*count)))
            }
            TransformationKind::Reach { amount, percent, by, bottom } => {
                self.reaching(input, amount, *percent, (by, *bottom))
            }
            TransformationKind::Search(search) => input.searched(search, APPLY),
            TransformationKind::Group(..) | TransformationKind::Concat(_) => {
                unreachable!("a sequence makes several parts of them")
            }
        }
    }

    fn grouped(
        &mut self,
        mut input: Derived<'m>,
        paths: &[&GroupingPath<'_>],
        items: &[AggregateItem<'_>],
    ) -> Result<Derived<'m>, Error> {
        let mut keys: Vec<(String, Typed)> = Vec::with_capacity(paths.len());
        let mut joined = Joined::new();
        for &GroupingPath { at, path } in paths {
            let (name, key) = (path.join("/"), self.grouping_key(&mut input, &mut joined, *at, path)?);
            if keys.iter().any(|(other, _)| *other == name) {
                return Err(taken(&name, APPLY, *at));
            }
            keys.push((name, key));
        }
        if !joined.is_empty() {
            // The properties of one entity are written together.
            keys.sort_by(|(one, _), (other, _)| one.split('/').cmp(other.split('/')));
        }
        let keys = keys.iter().map(|(name, key)| (name.as_str(), key.clone())).collect();
        let mut aggregates: Vec<(&str, Aggregated)> = Vec::with_capacity(items.len());
        for item in items {
            input.is_free(item.alias, APPLY)?;
            if aggregates.iter().any(|(other, _)| *other == item.alias.name) {
                return Err(taken(item.alias.name, APPLY, item.alias.at));
            }
            aggregates.push((item.alias.name, self.aggregated(&mut input, item)?));
        }
        let groups = Aggregate::of(input.rows, self.budget.scan(), keys, aggregates);
        Ok(Derived::new(PlanNode::Aggregate(groups)))
    }

    fn aggregated(&mut self, input: &mut Derived<'m>, item: &AggregateItem<'_>) -> Result<Aggregated, Error> {
        let (Some(operand), Some((at, name))) = (&item.operand, item.method) else {
            return Ok(Aggregated { function: AggregateFunction::Count, operand: None });
        };
        let method = Method::find(name).ok_or_else(|| {
            let reason = if name.contains('.') {
                Reason::NotImplemented(format!("the aggregation method {name}"))
            } else {
                Reason::UnknownFunction(name.to_owned())
            };
            reason.at(APPLY, at)
        })?;
        let function = AggregateFunction::from(method);
        let bound = self.bound(input, APPLY, |binder| binder.bind_subject(operand))?;
        let is_numeric = bound.class.is_numeric();
        let mismatch =
            || Reason::TypeMismatch { operation: function.name(), found: bound.class.name().to_owned() };
        let refusal = match function {
            _ if bound.class == Class::Null => Some(mismatch()),
            AggregateFunction::Sum | AggregateFunction::Average if !is_numeric => Some(mismatch()),
            AggregateFunction::Min | AggregateFunction::Max if !has_extremes(bound.class) => {
                let what = format!("{} of {}", function.name(), bound.class.name());
                Some(Reason::NotImplemented(what))
            }
            _ => None,
        };
        match refusal {
            Some(reason) => Err(reason.at(APPLY, operand.at)),
            None => Ok(Aggregated { function, operand: Some(bound) }),
        }
    }
}

impl<'m> Derived<'m> {
    /// The rows with the values that are computed from them.
    fn with_values(self, id: ScanId) -> PlanNode<'m> {
        if self.names.is_empty() {
            return self.rows;
        }
        let values = self.names.into_iter().map(|named| named.computed).collect();
        PlanNode::Compute(Compute { input: Box::new(self.rows), id, values, scans: Vec::new() })
    }
}

/// Whether the smallest and the greatest value of a class are supported.
fn has_extremes(class: Class) -> bool {
    class.is_numeric()
        || matches!(class, Class::String | Class::Date | Class::TimeOfDay | Class::DateTimeOffset)
}

/// Terms of an order without those that are constant.
fn ordering(mut terms: Vec<Order>) -> Vec<Order> {
    drop_constants(&mut terms);
    terms
}

/// What is shown of rows of an entity type, or of groups if there is none. `values` is the scan of the computed values.
fn selected<'m>(
    derived: &Derived<'m>,
    entity_type: Option<&'m EntityType>,
    options: &EntityOptions<'_>,
    values: ScanId,
) -> Result<SelectedProperties<'m>, Error> {
    let names: Vec<&str> = derived.names.iter().map(|named| named.computed.property.name.as_str()).collect();
    let names = (values, names.as_slice());
    if let Some(entity_type) = entity_type {
        return shown(entity_type, names, options, "$select");
    }
    let (_, groups) = derived.first_scan();
    let SelectedProperties { mut properties, computed, .. } = shown(groups, names, options, "$select")?;
    // Those of one related entity are written together.
    properties.sort_unstable();
    // Their context always lists what they have.
    Ok(SelectedProperties { properties, computed, navigations: Vec::new(), narrowed: true })
}
