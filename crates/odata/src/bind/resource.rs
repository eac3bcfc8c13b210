//! The resource that a path addresses.

mod crossed;
mod key;
mod leading;
mod link;

use super::crossed::CrossedSet;
use crate::error::{Error, Reason};
use crate::hint;
use crate::model::{EntityType, Model, Navigation};
use crate::syntax::{Arguments, MAX_EXPAND_DEPTH, Request, Step};
use crate::tree::column::ScanId;
use crate::tree::typed::Typed;
use crate::tree::{Expand, Page, PlanNode, Scan};
pub(super) use key::key;
pub(crate) use key::key_of_values;
pub(crate) use leading::Leading;
pub(crate) use link::Link;

/// An addressed resource.
pub(super) enum Resource<'m> {
    ServiceDocument,
    Metadata,
    Set(Addressed<'m>),
    References(Addressed<'m>),
    Count(Addressed<'m>),
    CrossJoin(Vec<CrossedSet<'m>>),
    CrossJoinCount(Vec<CrossedSet<'m>>),
    Entity(Addressed<'m>),
    Reference(Addressed<'m>),
    Property { of: Addressed<'m>, property: usize, raw: bool },
}

/// The rows that a path addresses.
#[derive(Debug, Clone)]
pub(super) struct Addressed<'m> {
    scan: ScanId,
    pub(super) entity_type: &'m EntityType,
    /// For one entity of a set, a comparison with each property of its key.
    key: Vec<Typed>,
    /// The entity to which they are related, and the navigation property that leads to it.
    owner: Option<Box<(Addressed<'m>, &'m Navigation)>>,
}

/// What a resource path addresses.
pub(super) struct Resolved<'m, 'r, 't> {
    pub(super) resource: Resource<'m>,
    /// The scan after all that the path uses.
    pub(super) next_scan: ScanId,
    /// The segments `$filter(…)`.
    pub(super) filters: Vec<&'r Step<'t>>,
}

/// What a change is about.
pub(crate) enum Changed<'m> {
    /// An entity set, to which an entity is added.
    Set(&'m EntityType),
    /// The entities to which one is related, to which another one is added.
    Related(Box<Link<'m>>),
    /// An entity.
    Entity(ChangedEntity<'m>),
    /// A property of an entity, and whether its raw value is meant.
    Property(ChangedEntity<'m>, usize, bool),
    /// The references of an entity.
    References(Box<Link<'m>>),
}

/// An entity that is to be changed.
pub(crate) struct ChangedEntity<'m> {
    pub(crate) scan: Scan<'m>,
    /// Finds it as the path leads to it, if that is by a navigation property.
    pub(crate) through: Option<Page<'m>>,
}

/// What a path means for a change.
pub(crate) fn changed<'m>(model: &'m Model, path: &[Step<'_>]) -> Result<Changed<'m>, Error> {
    let entity = |of: Addressed<'m>| {
        if of.owner.is_some() && of.key.is_empty() {
            return Err(not_implemented("a change of the one entity to which a navigation property leads"));
        }
        let through = of.owner.is_some().then(|| of.clone().page());
        Ok(ChangedEntity { scan: of.scan(), through })
    };
    let Resolved { resource, filters, .. } = resolve(model, path)?;
    if !filters.is_empty() {
        return Err(not_implemented("a change of filtered entities"));
    }
    match resource {
        Resource::Set(of) if of.owner.is_some() => {
            Link::of(model, path, of).map(Box::new).map(Changed::Related)
        }
        Resource::Set(of) => Ok(Changed::Set(of.entity_type)),
        Resource::Entity(of) => entity(of).map(Changed::Entity),
        Resource::Property { of, property, raw } => {
            entity(of).map(|entity| Changed::Property(entity, property, raw))
        }
        Resource::References(of) | Resource::Reference(of) => {
            Link::of(model, path, of).map(Box::new).map(Changed::References)
        }
        Resource::ServiceDocument
        | Resource::Metadata
        | Resource::Count(_)
        | Resource::CrossJoin(_)
        | Resource::CrossJoinCount(_) => Err(Reason::NotChangeable("this resource".to_owned()).at("path", 0)),
    }
}

fn not_implemented(what: &str) -> Error {
    Reason::NotImplemented(what.to_owned()).at("path", 0)
}

/// Words of [OData URL Conventions 4.01
/// §4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_ResourcePath)
/// at the start of a path or after a set that are not supported.
const UNSUPPORTED: [&str; 9] =
    ["$batch", "$all", "$entity", "$crossjoin", "$ref", "$each", "$query", "$root", "$value"];

pub(super) fn resolve<'m, 'r, 't>(
    model: &'m Model,
    path: &'r [Step<'t>],
) -> Result<Resolved<'m, 'r, 't>, Error> {
    let without_rows = |resource| Resolved { resource, next_scan: ScanId::FIRST, filters: Vec::new() };
    let Some((first, rest)) = path.split_first() else {
        return Ok(without_rows(Resource::ServiceDocument));
    };
    if first.name == "$metadata" && first.arguments.is_none() && rest.is_empty() {
        return Ok(without_rows(Resource::Metadata));
    }
    if let Some(sets) = crossed::named(model, first)? {
        let next_scan = ScanId::all().nth(sets.len()).unwrap_or(ScanId::FIRST);
        return Ok(Resolved { resource: combined(sets, rest)?, next_scan, filters: Vec::new() });
    }
    refuse_unsupported(first)?;
    let no_set = || unknown_set(model, first.name, first.at);
    let entity_type = model.entity_type(first.name).ok_or_else(no_set)?;
    let mut way = vec![Segment { step: first, entity_type, navigation: None }];
    let mut rest = rest;
    while let [step, after @ ..] = rest {
        let last = &way[way.len() - 1];
        let Some(navigation) = last.entity_type.navigation(step.name).filter(|_| last.is_one()) else {
            break;
        };
        if way.len() > MAX_EXPAND_DEPTH {
            return Err(Reason::TooManyLevels(MAX_EXPAND_DEPTH).at("path", step.at));
        }
        let entity_type = &model.entity_types[navigation.target];
        way.push(Segment { step, entity_type, navigation: Some(navigation) });
        rest = after;
    }
    let is_one = way[way.len() - 1].is_one();
    let addressed = addressed(&way)?;
    let next_scan = ScanId::all().nth(way.len()).unwrap_or(ScanId::FIRST);
    let is_filter = |step: &&Step<'_>| step.name == "$filter" && step.arguments.is_some() && !is_one;
    let filters: Vec<&Step<'_>> = rest.iter().take_while(is_filter).collect();
    let resource = within(addressed, is_one, &rest[filters.len()..])?;
    Ok(Resolved { resource, next_scan, filters })
}

/// What the rest of a path names in a cross join.
fn combined<'m>(sets: Vec<CrossedSet<'m>>, rest: &[Step<'_>]) -> Result<Resource<'m>, Error> {
    match rest {
        [] => Ok(Resource::CrossJoin(sets)),
        [step] if step.name == "$count" && step.arguments.is_none() => Ok(Resource::CrossJoinCount(sets)),
        [step, ..] => {
            let what = format!("the path segment {} after $crossjoin", step.name);
            Err(Reason::NotImplemented(what).at("path", step.at))
        }
    }
}

/// A segment of a path that addresses rows.
struct Segment<'m, 's> {
    step: &'s Step<'s>,
    entity_type: &'m EntityType,
    /// The navigation property that it names; the first segment names an entity set.
    navigation: Option<&'m Navigation>,
}

impl Segment<'_, '_> {
    /// Whether it addresses at most one row.
    fn is_one(&self) -> bool {
        self.step.arguments.is_some() || self.navigation.is_some_and(|navigation| !navigation.collection)
    }
}

/// The rows at the end of a way. They are the first scan, and the entities on the way follow backwards.
fn addressed<'m>(way: &[Segment<'m, '_>]) -> Result<Addressed<'m>, Error> {
    let scans: Vec<ScanId> = ScanId::all().take(way.len()).collect();
    let mut addressed: Option<Addressed<'m>> = None;
    for (Segment { step, entity_type, navigation }, scan) in way.iter().zip(scans.into_iter().rev()) {
        let key = match &step.arguments {
            None => Vec::new(),
            Some(Arguments::Call(arguments)) if navigation.is_none_or(|navigation| navigation.collection) => {
                key(entity_type, scan, arguments, step.at)?
            }
            Some(_) => return Err(unknown(step)),
        };
        let owner = match (addressed, navigation) {
            (Some(owner), Some(navigation)) => {
                // Seen from the rows at the end, each entity is related to the one before it.
                let back = entity_type.navigation(&navigation.partner);
                Some(Box::new((owner, back.ok_or_else(|| unknown(step))?)))
            }
            _ => None,
        };
        addressed = Some(Addressed { scan, entity_type, key, owner });
    }
    addressed.ok_or_else(|| Reason::UnknownResource(String::new()).at("path", 0))
}

/// What the rest of a path names in or about the addressed rows.
fn within<'m>(of: Addressed<'m>, is_one: bool, rest: &[Step<'_>]) -> Result<Resource<'m>, Error> {
    let is_word = |step: &Step<'_>, word: &str| step.name == word && step.arguments.is_none();
    match rest {
        [] if is_one => Ok(Resource::Entity(of)),
        [] => Ok(Resource::Set(of)),
        [step] if is_word(step, "$count") && !is_one => Ok(Resource::Count(of)),
        // The ids of an entity set are those of its entities.
        [step] if is_word(step, "$ref") && of.owner.is_some() => {
            Ok(if is_one { Resource::Reference(of) } else { Resource::References(of) })
        }
        [step, rest @ ..] if is_one => property(of, step, rest),
        [step, ..] => Err(refuse_unsupported(step).err().unwrap_or_else(|| unknown(step))),
    }
}

fn property<'m>(of: Addressed<'m>, step: &Step<'_>, rest: &[Step<'_>]) -> Result<Resource<'m>, Error> {
    let entity_type = of.entity_type;
    refuse_unsupported(step)?;
    let no_property = || unknown(step).hinting(hint::property(entity_type, step.name));
    let (property, _) =
        entity_type.property(step.name).filter(|_| step.arguments.is_none()).ok_or_else(no_property)?;
    let raw = match rest {
        [] => false,
        [value] if value.name == "$value" && value.arguments.is_none() => true,
        [step, ..] => return Err(refuse_unsupported(step).err().unwrap_or_else(|| unknown(step))),
    };
    Ok(Resource::Property { of, property, raw })
}

impl<'m> Addressed<'m> {
    /// The row with its key alone.
    fn scan(self) -> Scan<'m> {
        Scan { id: ScanId::FIRST, entity_type: self.entity_type, key: self.key }
    }

    /// The rows, joined with the entities to which they must be related.
    pub(super) fn rows(self) -> PlanNode<'m> {
        let Self { scan, entity_type, key, owner } = self;
        let rows = PlanNode::Scan(Scan { id: scan, entity_type, key });
        let Some(owner) = owner else { return rows };
        let (owner, navigation) = *owner;
        PlanNode::Expand(Expand {
            input: Box::new(rows),
            navigation,
            parent: scan,
            child: owner.scan,
            nested: Box::new(owner.rows()),
            only_related: true,
        })
    }

    /// The first of the rows.
    pub(super) fn page(self) -> Page<'m> {
        Page { input: Box::new(self.rows()), order: Vec::new(), after: None, skip: 0, rows: Some(1) }
    }

    /// The entity to which the rows are related.
    pub(super) fn owner(&self) -> Option<Page<'m>> {
        self.owner.as_ref().map(|owner| owner.0.clone().page())
    }
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

/// There is no entity set with this name.
pub(super) fn unknown_set(model: &Model, name: &str, at: usize) -> Error {
    Reason::UnknownResource(name.to_owned()).at("path", at).hinting(hint::entity_set(model, name))
}

fn unknown(step: &Step<'_>) -> Error {
    Reason::UnknownResource(step.name.to_owned()).at("path", step.at).hinting(hint::segment(step.name))
}

/// Options that do not apply to the resource are faults: ignoring one would give a wrong response. `/$count`
/// is not affected by paging and order ([Protocol
/// §11.2.10](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_RequestingtheNumberofItemsinaCollect)).
pub(super) fn check_options(request: &Request<'_>, resource: &Resource<'_>) -> Result<(), Error> {
    let applies = |name: &str| match resource {
        Resource::ServiceDocument
        | Resource::Metadata
        | Resource::Property { .. }
        | Resource::Reference(_) => false,
        Resource::Set(_) | Resource::CrossJoin(_) => true,
        Resource::References(_) => !matches!(name, "$select" | "$expand" | "$apply" | "$compute"),
        Resource::Count(_) => {
            matches!(name, "$apply" | "$compute" | "$search" | "$filter" | "$orderby" | "$top" | "$skip")
        }
        Resource::Entity(..) => matches!(name, "$select" | "$expand" | "$compute"),
        Resource::CrossJoinCount(_) => !matches!(name, "$select" | "$expand" | "$count" | "$skiptoken"),
    };
    let is_cross_join = matches!(resource, Resource::CrossJoin(_) | Resource::CrossJoinCount(_));
    match given(request).find(|name| !applies(name)) {
        Some(name @ ("$apply" | "$compute")) if matches!(resource, Resource::References(_)) => {
            Err(Reason::NotImplemented(format!("{name} for this resource")).at(name, 0))
        }
        Some(name) => Err(Reason::OptionNotApplicable(name).at(name, 0)),
        None if is_cross_join => match given(request).find(|name| matches!(*name, "$compute" | "$search")) {
            Some(name) => Err(Reason::NotImplemented(format!("{name} of a cross join")).at(name, 0)),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// Refuses an option that does not apply to a change: only those that shape the entity in the response do ([Protocol
/// §11.4.2](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_CreateanEntity)).
pub(crate) fn check_options_of_change(request: &Request<'_>, changed: &Changed<'_>) -> Result<(), Error> {
    let has_entity = !matches!(changed, Changed::Property(..) | Changed::References(_));
    let applies = |name: &str| name == "$select" && has_entity;
    match given(request).find(|name| !applies(name)) {
        // The response is read before the change is durable, and no other change is made meanwhile.
        Some(name @ "$expand") => Err(Reason::NotImplemented("$expand of a change".to_owned()).at(name, 0)),
        Some(name) => Err(Reason::OptionNotApplicable(name).at(name, 0)),
        None => Ok(()),
    }
}

/// The options of a request that shape its result.
fn given(request: &Request<'_>) -> impl Iterator<Item = &'static str> {
    let options = &request.options;
    let all = [
        ("$apply", !request.apply.is_empty()),
        ("$compute", !request.compute.is_empty()),
        ("$search", request.search.is_some()),
        ("$filter", options.filter.is_some()),
        ("$orderby", !options.order.is_empty()),
        ("$select", options.select.is_some()),
        ("$expand", !options.expand.is_empty()),
        ("$top", options.top.is_some()),
        ("$skip", options.skip.is_some()),
        ("$count", options.count.is_some()),
        ("$skiptoken", request.skip_token.is_some()),
    ];
    all.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
}
