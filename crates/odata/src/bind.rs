//! From the syntax tree of a request and a model to a [tree](crate::tree) of typed, nullability-aware
//! nodes.

mod chain;
pub(crate) mod expression;
mod resource;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::error::{Error, Reason};
use crate::format::{self, Format, RequestedFormat};
use crate::model::{EntityType, Model};
use crate::syntax::{MAX_SELECT, Request};
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::{Term, Typed};
use crate::tree::{Filter, Order, Page, PlanNode, Scan};
use expression::{Binder, unknown_property};

/// Up to this many names are looked up one by one.
const FEW: usize = 32;

/// The result of binding a request.
#[derive(Debug)]
pub(crate) struct BoundRequest<'m> {
    pub(crate) target: Target<'m>,
    pub(crate) format: Format,
    /// Whether the result depends on the time of the request.
    pub(crate) uses_now: bool,
}

#[derive(Debug)]
pub(crate) enum Target<'m> {
    ServiceDocument,
    Metadata,
    Entities(Selection<'m>),
    /// One entity by its key.
    Entity(Selection<'m>),
    /// One property of one entity, and whether its raw value is requested.
    Property(Selection<'m>, bool),
    /// The number of rows.
    Count(PlanNode<'m>),
}

/// Rows, and what is shown of them.
#[derive(Debug)]
pub(crate) struct Selection<'m> {
    /// From its first row, with the rows that `$top` allows.
    pub(crate) page: Page<'m>,
    /// The columns to show, in order.
    pub(crate) shown: Vec<ScanColumn>,
    /// Whether `$select` narrowed them.
    pub(crate) narrowed: bool,
    /// Whether the rows of all pages are counted.
    pub(crate) count: bool,
}

/// Binds a request to a model.
pub(crate) fn bind<'m>(
    model: &'m Model,
    request: &Request<'_>,
    now: Timestamp,
    accepted: Format,
) -> Result<BoundRequest<'m>, Error> {
    let resource = resource::resolve(model, &request.path)?;
    if let Some(option) = request.unsupported.first() {
        return Err(
            Reason::NotImplemented(format!("the query option {}", option.name())).at(option.name(), 0)
        );
    }
    let format = representation(request, accepted, &resource)?;
    resource::check_options(request, &resource)?;
    let (target, uses_now) = match resource {
        resource::Resource::ServiceDocument => (Target::ServiceDocument, false),
        resource::Resource::Metadata => (Target::Metadata, false),
        resource::Resource::Set(entity_type) => {
            let (selection, uses_now) = selection(entity_type, request, now)?;
            (Target::Entities(selection), uses_now)
        }
        resource::Resource::Count(entity_type) => {
            let (selection, uses_now) = selection(entity_type, request, now)?;
            (Target::Count(*selection.page.input), uses_now)
        }
        resource::Resource::Entity(entity_type, key) => {
            let (mut selection, uses_now) = selection(entity_type, request, now)?;
            selection.page = one(entity_type, key);
            (Target::Entity(selection), uses_now)
        }
        resource::Resource::Property { entity_type, key, property, raw } => {
            let shown = vec![ScanId::FIRST.column(property)];
            let selection = Selection { page: one(entity_type, key), shown, narrowed: true, count: false };
            (Target::Property(selection, raw), false)
        }
    };
    Ok(BoundRequest { target, format, uses_now })
}

/// `$format` takes precedence over the `Accept` header.
fn representation(
    request: &Request<'_>,
    accepted: Format,
    resource: &resource::Resource<'_>,
) -> Result<Format, Error> {
    let Some(asked) = request.format else { return Ok(accepted) };
    let metadata = matches!(resource, resource::Resource::Metadata);
    match format::read(asked) {
        RequestedFormat::Xml if metadata => Ok(accepted),
        RequestedFormat::Json(format) if !metadata => Ok(format),
        _ => Err(Reason::NotImplemented(format!("the format {asked} for this resource")).at("$format", 0)),
    }
}

/// The row with this key, if no other row has the same address.
fn one(entity_type: &EntityType, key: Vec<Typed>) -> Page<'_> {
    let scan = Scan { id: ScanId::FIRST, entity_type, key };
    Page { input: Box::new(PlanNode::Scan(scan)), order: Vec::new(), after: None, skip: 0, rows: Some(1) }
}

fn selection<'m>(
    entity_type: &'m EntityType,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<(Selection<'m>, bool), Error> {
    let mut rows = PlanNode::Scan(Scan::of(ScanId::FIRST, entity_type));
    let mut uses_now = false;
    if let Some(filter) = &request.filter {
        let mut binder = Binder::new(ScanId::FIRST, entity_type, "$filter", now);
        let condition = binder.condition(filter)?;
        rows = PlanNode::Filter(Filter { input: Box::new(rows), condition });
        uses_now |= binder.used_now;
    }
    let mut order = Vec::with_capacity(request.order.len() + entity_type.key.len());
    let mut binder = Binder::new(ScanId::FIRST, entity_type, "$orderby", now);
    for term in &request.order {
        let bound = binder.bind_subject(&term.node)?;
        // A constant does not order anything.
        if !matches!(bound.term, Term::Constant(_) | Term::Null) {
            order.push(Order { term: bound, descending: term.descending });
        }
    }
    uses_now |= binder.used_now;
    complete(&mut order, entity_type);
    let shown = shown(entity_type, request)?;
    let narrowed = shown.is_some();
    let shown = shown.unwrap_or_else(|| (0..entity_type.properties.len()).collect());
    let skip = request.skip.unwrap_or(0);
    let selection = Selection {
        page: Page { input: Box::new(rows), order, after: None, skip, rows: request.top },
        shown: shown.into_iter().map(|property| ScanId::FIRST.column(property)).collect(),
        narrowed,
        count: request.count.unwrap_or(false),
    };
    Ok((selection, uses_now))
}

/// Makes an order total: key properties that it does not name are appended in stored form, so that an index
/// serves the order whatever else is stored there. They have the direction of the last term, so that one
/// index, read either way, can serve the whole order.
fn complete(order: &mut Vec<Order>, entity_type: &EntityType) {
    let descending = order.last().is_some_and(|last| last.descending);
    for key in &entity_type.key {
        let key = ScanId::FIRST.column(*key);
        if !order.iter().any(|order| matches!(order.term.term, Term::Column(column) if column == key)) {
            let term = Typed::stored(key, &entity_type.properties[key.property]);
            order.push(Order { term, descending });
        }
    }
}

/// The properties that `$select` names, without repetition; `None` if it names all.
fn shown(entity_type: &EntityType, request: &Request<'_>) -> Result<Option<Vec<usize>>, Error> {
    let Some(items) = &request.select else { return Ok(None) };
    let most = MAX_SELECT.max(entity_type.properties.len());
    if items.len() > most {
        return Err(Reason::TooManyItems(most).at("$select", items[most].at));
    }
    let names = entity_type.properties.iter().enumerate().map(|(index, property)| (&*property.name, index));
    let by_name: HashMap<&str, usize> = if items.len() > FEW { names.collect() } else { HashMap::new() };
    let find = |name: &str| match by_name.get(name) {
        None if items.len() <= FEW => entity_type.property(name).map(|(index, _)| index),
        found => found.copied(),
    };
    let mut is_shown = vec![false; entity_type.properties.len()];
    let mut shown = Vec::with_capacity(items.len());
    let mut all = false;
    for item in items {
        let unsupported = |what: &str| Err(Reason::NotImplemented(what.to_owned()).at("$select", item.at));
        let [name] = item.path[..] else { return unsupported("a path in $select") };
        match find(name) {
            _ if name == "*" => all = true,
            _ if item.nested => return unsupported("a selection in parentheses"),
            Some(index) if is_shown[index] => {}
            Some(index) => {
                is_shown[index] = true;
                shown.push(index);
            }
            None if entity_type.navigation(name).is_some() => {
                return unsupported("a navigation property in $select");
            }
            None if item.well_formed && (name.contains('.') || name.starts_with('@')) => {
                return unsupported("an operation or annotation in $select");
            }
            None => return Err(unknown_property(entity_type, name, "$select", item.at)),
        }
    }
    Ok((!all).then_some(shown))
}
