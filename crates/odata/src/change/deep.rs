//! Entities that are created together ([Protocol
//! §11.4.2.2](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_CreateRelatedEntitiesWhenCreatinganE)):
//! an entity to which another one refers comes before it, so that the database has its key by then.

use std::collections::BTreeMap;

use super::body::{Body, Nested};
use super::{Creation, body, creation_of};
use crate::encode::text;
use crate::error::{Error, Reason};
use crate::model::{EntityType, Model};
use crate::sql::Dialect;
use crate::syntax::MAX_EXPANDED;

/// An entity with related ones, to be created in one transaction.
#[derive(Debug)]
pub struct DeepCreation {
    /// In the order in which they must be created.
    entities: Vec<NewEntity>,
    root: usize,
    names: NestedNames,
}

#[derive(Debug)]
struct NewEntity {
    set: String,
    body: Body,
    /// The place in the body of the request, such as `Entries[1]`; empty for the entity itself.
    place: String,
    /// Its navigation properties that lead to other new entities, by their places in the order.
    refers: Vec<(String, usize)>,
}

/// The navigation properties whose entities are created, and so on.
#[derive(Debug, Default)]
struct NestedNames(BTreeMap<String, NestedNames>);

impl DeepCreation {
    /// The entity of this type with all that are nested in its body.
    pub(super) fn of(model: &Model, entity_type: &EntityType, body: Body) -> Result<Self, Error> {
        let mut ordering = Ordering { model, entities: Vec::new() };
        let mut names = NestedNames::default();
        let root = ordering.add(entity_type, body, "", Vec::new(), &mut names)?;
        if names.count() > MAX_EXPANDED {
            return Err(Reason::TooManyExpanded(MAX_EXPANDED).at("body", 0));
        }
        Ok(Self { entities: ordering.entities, root, names })
    }

    /// The places of the entities in the order in which they are created.
    pub fn order(&self) -> std::ops::Range<usize> {
        0..self.entities.len()
    }

    /// The place of the entity that was asked for.
    pub fn root(&self) -> usize {
        self.root
    }

    /// The entity set, and the place in the body of the request, which is empty for the whole.
    pub fn about(&self, at: usize) -> (&str, &str) {
        self.entities.get(at).map_or(("", ""), |entity| (&entity.set, &entity.place))
    }

    /// What is to be done for an entity, if those before it are at these paths, relative to the service document.
    ///
    /// # Errors
    /// If it lacks a value, has two of them, or must not be created.
    pub fn creation(
        &self,
        at: usize,
        created: &[String],
        model: &Model,
        dialect: Dialect,
    ) -> Result<Creation, Error> {
        let unknown = || Reason::NotChangeable("this resource".to_owned()).at("path", 0);
        let entity = self.entities.get(at).ok_or_else(unknown)?;
        let entity_type = model.entity_type(&entity.set).ok_or_else(unknown)?;
        let made = || {
            let mut body = entity.body.clone();
            for (name, other) in &entity.refers {
                let navigation = entity_type.navigation(name).ok_or_else(unknown)?;
                let path = created.get(*other).ok_or_else(unknown)?;
                let key = body::key_of(model, navigation, path, "")?;
                body.refer(model, entity_type, navigation, &key)?;
            }
            creation_of(dialect, entity_type, |property| body.value(property))
        };
        made().map_err(|error| error.within(&entity.place))
    }

    /// What shows the nested entities: the value of `$expand`, percent-encoded.
    pub fn expand(&self) -> String {
        self.names.expand()
    }
}

/// Puts entities in order.
struct Ordering<'m> {
    model: &'m Model,
    entities: Vec<NewEntity>,
}

impl Ordering<'_> {
    /// Adds an entity with those that are nested in it, and returns its place. The depth of bodies is bounded when they are read.
    fn add(
        &mut self,
        entity_type: &EntityType,
        mut body: Body,
        place: &str,
        mut refers: Vec<(String, usize)>,
        names: &mut NestedNames,
    ) -> Result<usize, Error> {
        let (many, one): (Vec<Nested>, Vec<Nested>) =
            body.take_nested().into_iter().partition(|nested| nested.index.is_some());
        let at = |nested: &Nested| {
            let separator = if place.is_empty() { "" } else { "/" };
            let index = nested.index.map(|index| format!("[{index}]")).unwrap_or_default();
            format!("{place}{separator}{}{index}", nested.navigation)
        };
        for nested in one {
            if refers.iter().any(|(name, _)| *name == nested.navigation) {
                return Err(Reason::TwoValues(nested.navigation).at("body", 0).within(place));
            }
            let navigation = navigation(entity_type, &nested)?;
            let (place, names) = (at(&nested), names.0.entry(nested.navigation.clone()).or_default());
            let target = &self.model.entity_types[navigation.target];
            let other = self.add(target, nested.body, &place, Vec::new(), names)?;
            refers.push((nested.navigation, other));
        }
        let own = self.entities.len();
        self.entities.push(NewEntity {
            set: entity_type.name.clone(),
            body,
            place: place.to_owned(),
            refers,
        });
        for nested in many {
            let navigation = navigation(entity_type, &nested)?;
            let (place, names) = (at(&nested), names.0.entry(nested.navigation.clone()).or_default());
            let target = &self.model.entity_types[navigation.target];
            self.add(target, nested.body, &place, vec![(navigation.partner.clone(), own)], names)?;
        }
        Ok(own)
    }
}

fn navigation<'m>(
    entity_type: &'m EntityType,
    nested: &Nested,
) -> Result<&'m crate::model::Navigation, Error> {
    let unknown = || Reason::NotChangeable(nested.navigation.clone()).at("body", 0);
    entity_type.navigation(&nested.navigation).ok_or_else(unknown)
}

impl NestedNames {
    fn count(&self) -> usize {
        self.0.values().map(|names| 1 + names.count()).sum()
    }

    fn expand(&self) -> String {
        let item = |(name, names): (&String, &Self)| {
            let name = text::in_url(name);
            if names.0.is_empty() { name } else { format!("{name}($expand={})", names.expand()) }
        };
        self.0.iter().map(item).collect::<Vec<_>>().join(",")
    }
}
