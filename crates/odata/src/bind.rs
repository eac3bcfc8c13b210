//! From the syntax tree of a request and a model to a [tree](crate::tree) of typed, nullability-aware
//! nodes.

mod call;
mod chain;
pub(crate) mod condition;
pub(crate) mod cross_join;
mod crossed;
mod derived;
pub(crate) mod expand;
pub(crate) mod expression;
mod names;
mod navigation;
pub(crate) mod resource;
pub(crate) mod scope;
mod search;
mod selected;

use jiff::Timestamp;

use crate::error::{Error, Reason};
use crate::format::{self, Format, MetadataFormat, Notation, RequestedFormat};
use crate::model::{EntityType, Model};
use crate::syntax::{EntityOptions, Request, Step};
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::lookup::JoinedOne;
use crate::tree::typed::{Term, Typed};
use crate::tree::{Filter, Order, Page, PlanNode};
use cross_join::CrossedMember;
use expand::BoundExpand;
use expression::Binder;
use names::MAX_TOTAL;
use resource::{Addressed, Resolved, Resource};
use scope::{Budget, NamedRow, Needed, Scopes};
use selected::{NOTHING_COMPUTED, shown};

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
    Metadata(Option<MetadataFormat>),
    Entities(Selection<'m>),
    /// One entity by its key, or the one to which a navigation property leads.
    Entity(Selection<'m>),
    /// The ids of entities.
    References(Selection<'m>),
    /// The id of one entity.
    Reference(Selection<'m>),
    /// One property of one entity, and whether its raw value is requested.
    Property(Selection<'m>, bool),
    /// The number of rows, and the entity to which they must be related.
    Count(PlanNode<'m>, Option<Page<'m>>),
}

impl Target<'_> {
    /// Whether values are within objects of their own. To leave such a value out, its name would have to know which others
    /// are there.
    fn has_nested_values(&self) -> bool {
        let Self::Entities(Selection { page, shown, groups: true, .. }) = self else { return false };
        let properties = &page.input.entity_type().properties;
        shown.properties.iter().any(|property| properties[*property].name.contains('/'))
    }
}

/// Rows, and what is shown of them.
#[derive(Debug)]
pub(crate) struct Selection<'m> {
    /// From its first row, with the rows that `$top` allows.
    pub(crate) page: Page<'m>,
    /// What is shown of each row.
    pub(crate) shown: SelectedProperties<'m>,
    /// Whether the rows of all pages are counted.
    pub(crate) count: bool,
    /// The navigation properties to expand.
    pub(crate) expanded: Vec<BoundExpand<'m>>,
    /// The entity to which the rows are related, if the path leads through a navigation property. If there are no rows,
    /// it may not exist either.
    pub(crate) owner: Option<Page<'m>>,
    /// Whether the rows are groups, which have no ids.
    pub(crate) groups: bool,
    /// If the rows are of a cross join: what is shown of each set, unless they are groups.
    pub(crate) cross_join: Option<Vec<CrossedMember<'m>>>,
    /// The kinds of rows, if they do not all have the same properties.
    pub(crate) kinds: Option<Kinds>,
    /// The rows that are joined for the filter and the order, which a page hides.
    pub(crate) joins: Vec<JoinedOne<'m>>,
    /// The scan after all that the request uses.
    pub(crate) next_scan: ScanId,
}

/// Rows of several kinds, each of which has some of the properties of their type.
#[derive(Debug, Clone)]
pub(crate) struct Kinds {
    /// The column with the number of the kind, from zero.
    pub(crate) column: ScanColumn,
    /// The properties of each kind.
    pub(crate) kinds: Vec<Vec<usize>>,
}

/// What `$select` leaves of the rows of one type.
#[derive(Debug, Clone)]
pub(crate) struct SelectedProperties<'m> {
    /// The properties, in order.
    pub(crate) properties: Vec<usize>,
    /// The computed values with their names.
    pub(crate) computed: Vec<(ScanColumn, String)>,
    /// The navigation properties that are selected; all of them without `$select`.
    pub(crate) navigations: Vec<&'m str>,
    /// Whether `$select` narrowed them.
    pub(crate) narrowed: bool,
}

/// What is the same for all parts of a request while it is bound.
pub(crate) struct Binding<'m> {
    pub(crate) model: &'m Model,
    now: Timestamp,
    uses_now: bool,
    budget: Budget,
    /// The length of what computed values may still contribute to expressions.
    names_left: usize,
}

/// The options with which rows were bound, in a tree without a page.
struct BoundRows<'m> {
    rows: PlanNode<'m>,
    order: Vec<Order>,
    shown: SelectedProperties<'m>,
    /// The rows that are joined for the filter and the order.
    joins: Vec<JoinedOne<'m>>,
}

/// Rows for which conditions hold, with their order, which is not total.
struct Ordered<'m> {
    rows: PlanNode<'m>,
    order: Vec<Order>,
    /// The rows that are joined for both.
    joins: Vec<JoinedOne<'m>>,
}

impl SelectedProperties<'_> {
    /// Nothing.
    fn none() -> Self {
        Self { properties: Vec::new(), computed: Vec::new(), navigations: Vec::new(), narrowed: false }
    }
}

/// Binds a request to a model. `rows` is the format of collections, if it is not the one that is accepted.
pub(crate) fn bind<'m>(
    model: &'m Model,
    request: &Request<'_>,
    now: Timestamp,
    accepted: Format,
    rows: Option<Format>,
) -> Result<BoundRequest<'m>, Error> {
    let Resolved { resource, next_scan, filters } = resource::resolve(model, &request.path)?;
    if let Some(option) = request.unsupported.first() {
        return Err(
            Reason::NotImplemented(format!("the query option {}", option.name())).at(option.name(), 0)
        );
    }
    let format = representation(request, accepted, rows, &resource)?;
    resource::check_options(request, &resource)?;
    rows_alone_have_a_place_for_it(request, format)?;
    let mut binding =
        Binding { model, now, uses_now: false, budget: Budget::from(next_scan), names_left: MAX_TOTAL };
    let target = match resource {
        Resource::ServiceDocument => Target::ServiceDocument,
        Resource::Metadata => Target::Metadata(metadata_format(request)?),
        Resource::Set(addressed) => Target::Entities(binding.set(addressed, &filters, request)?),
        Resource::References(addressed) => Target::References(binding.set(addressed, &filters, request)?),
        Resource::Count(addressed) => {
            let selection = binding.set(addressed, &filters, request)?;
            Target::Count(*selection.page.input, selection.owner)
        }
        Resource::CrossJoin(sets) => Target::Entities(binding.cross_join(&sets, request)?),
        Resource::CrossJoinCount(sets) => {
            Target::Count(*binding.cross_join(&sets, request)?.page.input, None)
        }
        Resource::Entity(addressed) => Target::Entity(binding.one(addressed, request)?),
        Resource::Reference(addressed) => Target::Reference(binding.one(addressed, request)?),
        Resource::Property { of, property, raw } => {
            let mut selection = binding.one(of, request)?;
            selection.shown = SelectedProperties {
                properties: vec![property],
                computed: Vec::new(),
                navigations: Vec::new(),
                narrowed: true,
            };
            Target::Property(selection, raw)
        }
    };
    let omits_nulls = format.omits_nulls && !target.has_nested_values();
    Ok(BoundRequest { target, format: Format { omits_nulls, ..format }, uses_now: binding.uses_now })
}

/// `$format` takes precedence over the `Accept` header.
fn representation(
    request: &Request<'_>,
    accepted: Format,
    rows: Option<Format>,
    resource: &Resource<'_>,
) -> Result<Format, Error> {
    let is_set = matches!(resource, Resource::Set(_));
    // Combinations of entities are objects, for which CSV has no place.
    let has_rows = |format: Format| {
        is_set || (matches!(resource, Resource::CrossJoin(_)) && format.notation != Notation::Csv)
    };
    let asked = request.format.filter(|_| !matches!(resource, Resource::Metadata));
    let format = match asked.map(|asked| (asked, format::read(asked))) {
        None => rows.filter(|rows| has_rows(*rows)).unwrap_or(accepted),
        Some((_, RequestedFormat::Json(format))) => format,
        Some((_, RequestedFormat::Rows(format))) if has_rows(format) => format,
        Some((asked, _)) => return Err(unavailable(asked)),
    };
    let has_names = format.notation != Notation::Csv
        && (is_set || matches!(resource, Resource::Entity(_) | Resource::CrossJoin(_)));
    Ok(Format { omits_nulls: has_names && accepted.omits_nulls, ..format })
}

/// Refuses what would get lost: rows alone have no place for their number, and those of CSV none for related entities.
fn rows_alone_have_a_place_for_it(request: &Request<'_>, format: Format) -> Result<(), Error> {
    let options = &request.options;
    let (name, hint) = match format.notation {
        Notation::Csv if !options.expand.is_empty() => {
            ("$expand", "CSV has no place for related entities, NDJSON and JSON have")
        }
        Notation::Csv | Notation::Lines if options.count == Some(true) => {
            ("$count", "CSV and NDJSON have no place for the number of rows, /$count tells it")
        }
        _ => return Ok(()),
    };
    Err(Reason::OptionNotApplicable(name).at(name, 0).hinting(Some(hint.to_owned())))
}

/// The format that `$format` names for the metadata document.
fn metadata_format(request: &Request<'_>) -> Result<Option<MetadataFormat>, Error> {
    let Some(asked) = request.format else { return Ok(None) };
    match format::read(asked) {
        RequestedFormat::Xml => Ok(Some(MetadataFormat::Xml)),
        RequestedFormat::Json(_) => Ok(Some(MetadataFormat::Json)),
        RequestedFormat::Rows(_) | RequestedFormat::Other => Err(unavailable(asked)),
    }
}

fn unavailable(format: &str) -> Error {
    Reason::NotImplemented(format!("the format {format} for this resource")).at("$format", 0)
}

impl<'m> Binding<'m> {
    /// Many rows, with all options of the request.
    fn set(
        &mut self,
        addressed: Addressed<'m>,
        filters: &[&Step<'_>],
        request: &Request<'_>,
    ) -> Result<Selection<'m>, Error> {
        if !request.apply.is_empty() || !request.compute.is_empty() {
            return self.derived_set(addressed, filters, request);
        }
        let entity_type = addressed.entity_type;
        let owner = addressed.owner();
        let options = &request.options;
        let scopes = Scopes::of(self.model, self.budget, ScanId::FIRST, entity_type, true);
        let mut binder = Binder::new(scopes, "path", self.now);
        let mut conditions: Vec<Typed> =
            filters.iter().map(|step| binder.segment(step)).collect::<Result<_, _>>()?;
        if let Some(search) = &request.search {
            conditions.push(search::matches(search, (ScanId::FIRST, entity_type), search::SEARCH)?);
        }
        let BoundRows { rows, order, shown, joins } =
            self.rows(addressed.rows(), binder, conditions, options, None)?;
        let expanded = self.expand(entity_type, &options.expand)?;
        let skip = options.skip.unwrap_or(0);
        Ok(Selection {
            page: Page { input: Box::new(rows), order, after: None, skip, rows: options.top },
            shown,
            count: options.count.unwrap_or(false),
            expanded,
            owner,
            groups: false,
            cross_join: None,
            kinds: None,
            joins,
            next_scan: self.budget.next_scan,
        })
    }

    /// At most one row, if no other row has the same address.
    fn one(&mut self, addressed: Addressed<'m>, request: &Request<'_>) -> Result<Selection<'m>, Error> {
        if !request.compute.is_empty() {
            return self.derived_one(addressed, request);
        }
        let entity_type = addressed.entity_type;
        let owner = addressed.owner();
        let shown = shown(entity_type, NOTHING_COMPUTED, &request.options, "$select")?;
        let expanded = self.expand(entity_type, &request.options.expand)?;
        Ok(self.selected_one(addressed.page(), shown, expanded, owner))
    }

    /// At most one entity, with what is shown of it.
    fn selected_one(
        &self,
        page: Page<'m>,
        shown: SelectedProperties<'m>,
        expanded: Vec<BoundExpand<'m>>,
        owner: Option<Page<'m>>,
    ) -> Selection<'m> {
        Selection {
            page,
            shown,
            count: false,
            expanded,
            owner,
            groups: false,
            cross_join: None,
            kinds: None,
            joins: Vec::new(),
            next_scan: self.budget.next_scan,
        }
    }

    /// The rows for which conditions and `$filter` hold, in the order of `$orderby`. `whole` is the option that contains the
    /// options, if they are not those of the request.
    fn rows(
        &mut self,
        rows: PlanNode<'m>,
        binder: Binder<'m>,
        conditions: Vec<Typed>,
        options: &EntityOptions<'_>,
        whole: Option<&'static str>,
    ) -> Result<BoundRows<'m>, Error> {
        let NamedRow { scan, entity_type, .. } = binder.scopes.current();
        let Ordered { rows, mut order, joins } = self.ordered(rows, binder, conditions, options, whole)?;
        complete(&mut order, scan, entity_type);
        let shown = shown(entity_type, NOTHING_COMPUTED, options, whole.unwrap_or("$select"))?;
        Ok(BoundRows { rows, order, shown, joins })
    }

    /// Likewise, with the terms of `$orderby` alone as their order.
    fn ordered(
        &mut self,
        rows: PlanNode<'m>,
        mut binder: Binder<'m>,
        mut conditions: Vec<Typed>,
        options: &EntityOptions<'_>,
        whole: Option<&'static str>,
    ) -> Result<Ordered<'m>, Error> {
        if let Some(filter) = &options.filter {
            binder.target = whole.unwrap_or("$filter");
            conditions.push(binder.condition(filter)?);
        }
        binder.target = whole.unwrap_or("$orderby");
        let mut order = Vec::with_capacity(options.order.len() + 1);
        for term in &options.order {
            order.push(Order { term: binder.bind_subject(&term.node)?, descending: term.descending });
        }
        self.uses_now |= binder.used_now;
        let (Needed { joins, looked_up }, budget) = binder.scopes.finish();
        self.budget = budget;
        let rows = rows.joined(&joins).looking_up(looked_up);
        let filtered = |input, condition| PlanNode::Filter(Filter { input: Box::new(input), condition });
        Ok(Ordered { rows: conditions.into_iter().fold(rows, filtered), order, joins })
    }
}

/// Makes an order total: key properties that it does not name are appended in stored form, so that an index
/// serves the order whatever else is stored there. They have the direction of the last term, so that one
/// index, read either way, can serve the whole order. Constant terms are dropped; one at the end still gives the direction.
fn complete(order: &mut Vec<Order>, scan: ScanId, entity_type: &EntityType) {
    let descending = order.last().is_some_and(|last| last.descending);
    drop_constants(order);
    for key in &entity_type.key {
        let key = scan.column(*key);
        if !order.iter().any(|order| matches!(order.term.term, Term::Column(column) if column == key)) {
            let term = Typed::stored(key, &entity_type.properties[key.property]);
            order.push(Order { term, descending });
        }
    }
}

/// Drops the terms that order nothing.
fn drop_constants(order: &mut Vec<Order>) {
    order.retain(|order| !order.term.is_constant());
}
