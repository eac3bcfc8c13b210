//! Entities that are created or changed together ([Protocol
//! §11.4.2.2](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_CreateRelatedEntitiesWhenCreatinganE)
//! and
//! [§11.4.3.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UpdateRelatedEntitiesWhenUpdatinganE)):
//! an entity to which another one refers comes before it, so that the database has its key by then.

mod listed;
mod lookup;
mod names;
mod ordering;

use super::body::{Body, MOST_RELATED, Role};
use super::{
    Creation, EntityState, SentValues, Verb, body, creation_of, reference, replaced, supplies, updated,
};
use crate::bind::resource::{self, Changed, ChangedEntity};
use crate::error::{Error, Reason};
use crate::model::document::RuleAction;
use crate::model::{EntityType, Model, Supply};
use crate::sql::{Dialect, change as sql};
use crate::statement::Statement;
use crate::syntax::Request;
use crate::tree::Scan;
use crate::tree::new_value::NewValues;
use crate::url::Url;
pub use listed::Listing;
pub use lookup::{EntityLookup, FoundEntity};
use names::NestedNames;
use ordering::Ordering;

/// An entity with related ones, to be created or changed in one transaction.
#[derive(Debug)]
pub struct DeepChange {
    verb: Verb,
    entities: Vec<NestedEntity>,
    lists: Vec<NestedList>,
    steps: Vec<DeepStep>,
    root: usize,
    names: NestedNames,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeepStep {
    /// Find out whether an entity exists.
    Find(usize),
    /// Create or change it.
    Make(usize),
    /// Relate it to the other no more, or delete it.
    Remove(usize),
    /// Relate the entities to the other no more that this list does not have.
    Prune(usize),
}

#[derive(Debug)]
struct NestedEntity {
    set: String,
    body: Body,
    role: Role,
    tag: Option<String>,
    /// The place in the body of the request, such as `Entries[1]`; empty for the entity itself.
    place: String,
    /// Its navigation properties that lead to other entities of the body, by their places.
    refers: Vec<(String, usize)>,
    /// The list in which it is.
    list: Option<usize>,
}

/// A list of related entities.
#[derive(Debug)]
struct NestedList {
    owner: usize,
    navigation: String,
    place: String,
}

/// Where the entities of a body are, as far as that is known.
#[derive(Debug)]
pub struct FoundEntities(Vec<Option<FoundEntity>>);

/// New values of an entity that exists, or its end.
#[derive(Debug)]
pub struct NestedChange {
    /// The name of the entity set.
    pub set: String,
    /// The statements in the order in which they are tried until one returns a row.
    pub statements: Vec<Statement>,
    /// What it gives to properties.
    pub given: SentValues,
    /// Reads the entity.
    pub state: EntityState,
    /// Whether it ends.
    pub is_deletion: bool,
}

impl DeepChange {
    /// The entity of this type with all that are nested in its body.
    pub(super) fn of(model: &Model, entity_type: &EntityType, body: Body, verb: Verb) -> Result<Self, Error> {
        let mut names = NestedNames::default();
        let mut ordering = Ordering::new(model, verb);
        let root = ordering.whole(entity_type, body, &mut names)?;
        names.check()?;
        let Ordering { entities, lists, steps, .. } = ordering;
        let change = Self { verb, entities, lists, steps, root, names };
        change.check_deletions(model)?;
        Ok(change)
    }

    /// Makes sure that no entity that is to be deleted is also to be created, changed or related.
    fn check_deletions(&self, model: &Model) -> Result<(), Error> {
        if !(0..self.entities.len()).any(|at| self.is_deletion(at)) {
            return Ok(());
        }
        let key = |entity: &NestedEntity| lookup::key_of(model.entity_type(&entity.set)?, &entity.body);
        let named = self.entities.iter().map(|entity| Some((&entity.set, key(entity)?)));
        let named: Vec<_> = named.enumerate().filter_map(|(at, named)| Some((at, named?))).collect();
        for (at, deleted) in named.iter().filter(|(at, _)| self.is_deletion(*at)) {
            if named.iter().any(|(other, named)| other != at && named == deleted) {
                let (_, place) = self.about(DeepStep::Remove(*at));
                return Err(Reason::TwoValues("an entity".to_owned()).at("body", 0).within(place));
            }
        }
        Ok(())
    }

    /// What is to be done, in this order.
    pub fn steps(&self) -> &[DeepStep] {
        &self.steps
    }

    /// The place of the entity that was asked for.
    pub fn root(&self) -> usize {
        self.root
    }

    /// No entity is known yet.
    pub fn none_found(&self) -> FoundEntities {
        FoundEntities(self.entities.iter().map(|_| None).collect())
    }

    /// The entity set, and the place in the body of the request, which is empty for the whole.
    pub fn about(&self, step: DeepStep) -> (&str, &str) {
        let of_entity = |at: usize| self.entities.get(at).map(|entity| (&*entity.set, &*entity.place));
        let about = match step {
            DeepStep::Find(at) | DeepStep::Make(at) | DeepStep::Remove(at) => of_entity(at),
            DeepStep::Prune(list) => {
                self.lists.get(list).and_then(|list| Some((of_entity(list.owner)?.0, list.place.as_str())))
            }
        };
        about.unwrap_or_default()
    }

    /// Whether an entity is only referred to, so that it must exist.
    pub fn must_exist(&self, at: usize) -> bool {
        self.entities.get(at).is_some_and(|entity| entity.role != Role::Entity)
    }

    /// Whether an entity that was found, or was not, has the tag that its body demands.
    pub fn has_tag(&self, at: usize, places: &FoundEntities) -> bool {
        let demanded = self.entities.get(at).and_then(|entity| entity.tag.as_deref());
        match (demanded, places.found(at)) {
            (None, _) => true,
            (Some(demanded), Some(found)) => {
                demanded == "*" || demanded == found.tag.as_str().trim_start_matches("W/")
            }
            (Some(_), None) => false,
        }
    }

    /// What is to be done to create an entity.
    ///
    /// # Errors
    /// If it lacks a value, has two of them, or must not be created.
    pub fn creation(
        &self,
        at: usize,
        places: &FoundEntities,
        model: &Model,
        dialect: Dialect,
    ) -> Result<Creation, Error> {
        let (entity, entity_type) = self.entity(at, model)?;
        let body = entity.related_body(places, model)?;
        if self.verb != Verb::Create && lookup::key_of(entity_type, &body).is_some() {
            not_supplied(entity_type)?;
        }
        creation_of(dialect, entity_type, |property| body.value(property))
    }

    /// The change of an entity that was found; `None` if there is nothing to change.
    ///
    /// # Errors
    /// If it must not be changed in this way.
    pub fn alteration(
        &self,
        at: usize,
        places: &FoundEntities,
        model: &Model,
        dialect: Dialect,
    ) -> Result<Option<NestedChange>, Error> {
        let (entity, entity_type) = self.entity(at, model)?;
        let Some(found) = places.found(at) else { return Ok(None) };
        let related = entity.related_body(places, model)?;
        let supplies = || supplies(entity_type, RuleAction::Update);
        if !found.is_related {
            entity.check_references(entity_type, supplies()?)?;
        }
        let is_replaced = self.verb == Verb::Replace && entity.role == Role::Entity;
        let values = if is_replaced {
            replaced(entity_type, supplies()?, &related)?
        } else {
            let body = if found.is_related { &entity.body } else { &related };
            let known = entity_type.changes.as_deref().unwrap_or_default();
            updated(entity_type, known, body)
        };
        if values.is_empty() && at != self.root {
            return Ok(None);
        }
        supplies()?;
        altered(model, &found.path, dialect, &values).map(Some)
    }

    /// The removal of an entity that was found: it refers to the other no more, or is deleted.
    ///
    /// # Errors
    /// If it must not be changed in this way.
    pub fn removal(
        &self,
        at: usize,
        places: &FoundEntities,
        model: &Model,
        dialect: Dialect,
    ) -> Result<Option<NestedChange>, Error> {
        let (entity, entity_type) = self.entity(at, model)?;
        let Some(found) = places.found(at).filter(|found| found.is_related) else { return Ok(None) };
        if entity.role == (Role::Removed { deleted: true }) {
            supplies(entity_type, RuleAction::Delete)?;
            return at_path(model, &found.path, |scan| {
                let statements = sql::delete(dialect, scan)?;
                NestedChange::of(dialect, scan, statements, &[], true)
            })
            .map(Some);
        }
        let [(back, _)] = entity.refers.as_slice() else { return Ok(None) };
        unrelated(model, entity_type, back, &found.path, dialect).map(Some)
    }

    /// Whether an entity is to be deleted.
    pub fn is_deletion(&self, at: usize) -> bool {
        self.entities.get(at).is_some_and(|entity| entity.role == Role::Removed { deleted: true })
    }

    /// What shows the nested entities: the value of `$expand`, percent-encoded.
    pub fn expand(&self) -> String {
        self.names.expand()
    }

    fn entity<'m>(&self, at: usize, model: &'m Model) -> Result<(&NestedEntity, &'m EntityType), Error> {
        let entity = self.entities.get(at).ok_or_else(unknown)?;
        Ok((entity, model.entity_type(&entity.set).ok_or_else(unknown)?))
    }
}

impl NestedEntity {
    /// The body of an entity with the foreign keys that lead to others of the request.
    fn related_body(&self, places: &FoundEntities, model: &Model) -> Result<Body, Error> {
        let entity_type = model.entity_type(&self.set).ok_or_else(unknown)?;
        let mut body = self.body.clone();
        for (name, other) in &self.refers {
            let navigation = entity_type.navigation(name).ok_or_else(unknown)?;
            let other = places.found(*other).ok_or_else(unknown)?;
            let key = body::key_of(model, navigation, &other.path, "")?;
            body.refer(model, entity_type, navigation, &key)?;
        }
        Ok(body)
    }

    /// Makes sure that statements can change the foreign keys by which an entity refers to others. Those that are part of its key
    /// lead to them already, or it would not have been found.
    fn check_references(&self, entity_type: &EntityType, supplies: &[Supply]) -> Result<(), Error> {
        for (name, _) in &self.refers {
            let navigation = entity_type.navigation(name).ok_or_else(unknown)?;
            let own = navigation.on.iter().map(|(own, _)| *own);
            let fixed = own.filter(|own| supplies.get(*own) == Some(&Supply::Database));
            if let Some(own) = fixed.into_iter().find(|own| !entity_type.key.contains(own)) {
                return Err(Reason::NotChangeable(entity_type.properties[own].name.clone()).at("body", 0));
            }
        }
        Ok(())
    }
}

impl FoundEntities {
    /// An entity that exists.
    pub fn found(&self, at: usize) -> Option<&FoundEntity> {
        self.0.get(at).and_then(Option::as_ref)
    }

    /// Notes where an entity is.
    pub fn set(&mut self, at: usize, found: FoundEntity) {
        if let Some(place) = self.0.get_mut(at) {
            *place = Some(found);
        }
    }
}

impl NestedChange {
    fn of(
        dialect: Dialect,
        scan: &Scan<'_>,
        statements: Vec<Statement>,
        values: &NewValues<'_>,
        is_deletion: bool,
    ) -> Result<Self, Error> {
        Ok(Self {
            set: scan.entity_type.name.clone(),
            statements,
            given: SentValues::of(scan.entity_type, values),
            state: EntityState::of(dialect, scan)?,
            is_deletion,
        })
    }
}

fn unknown() -> Error {
    Reason::NotChangeable("this resource".to_owned()).at("path", 0)
}

/// A new entity cannot have the key of its address if the database alone supplies it.
fn not_supplied(entity_type: &EntityType) -> Result<(), Error> {
    let supplies = supplies(entity_type, RuleAction::Insert)?;
    match entity_type.key.iter().find(|index| supplies.get(**index) == Some(&Supply::Database)) {
        Some(index) => Err(Reason::NotChangeable(entity_type.properties[*index].name.clone()).at("body", 0)),
        None => Ok(()),
    }
}

/// What becomes of the entity at a path.
fn at_path<T>(
    model: &Model,
    path: &str,
    become_of: impl FnOnce(&Scan<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let url = Url::read(path)?;
    match resource::changed(model, &Request::parse(&url)?.path)? {
        Changed::Entity(ChangedEntity { scan, .. }) => become_of(&scan),
        _ => Err(unknown()),
    }
}

fn altered(
    model: &Model,
    path: &str,
    dialect: Dialect,
    values: &NewValues<'_>,
) -> Result<NestedChange, Error> {
    at_path(model, path, |scan| {
        let statements = sql::update(dialect, scan, values)?;
        NestedChange::of(dialect, scan, statements, values, false)
    })
}

/// The entity at a path refers to none by this navigation property.
fn unrelated(
    model: &Model,
    entity_type: &EntityType,
    navigation: &str,
    path: &str,
    dialect: Dialect,
) -> Result<NestedChange, Error> {
    let supplies = supplies(entity_type, RuleAction::Update)?;
    let navigation = entity_type.navigation(navigation).ok_or_else(unknown)?;
    let values = reference::referring_to_none(entity_type, navigation, supplies)
        .map_err(|property| Reason::PropertyMissing(property).at("body", 0))?;
    altered(model, path, dialect, &values)
}
