//! Whether an entity of a body exists, and where.

use super::{DeepChange, EntityState, FoundEntities, Role, unknown};
use crate::bind::resource;
use crate::cell::Row;
use crate::change::body::Body;
use crate::change::row_address::RowAddress;
use crate::change::sent_values::is_kept_exactly;
use crate::entity_tag::EntityTag;
use crate::error::{Error, Reason};
use crate::form::Reading;
use crate::model::{EntityType, Model};
use crate::sql::Dialect;
use crate::statement::Statement;
use crate::tree::Scan;
use crate::tree::column::ScanId;
use crate::tree::new_value::NewValue;
use crate::tree::typed::Constant;

/// Finds an entity.
#[derive(Debug)]
pub struct EntityLookup {
    state: EntityState,
    address: RowAddress,
    /// The foreign keys by which it should refer to others.
    references: Vec<(usize, Reading, NewValue)>,
}

/// An entity that exists.
#[derive(Debug, Clone)]
pub struct FoundEntity {
    /// Its path, relative to the service document.
    pub path: String,
    /// Its entity tag.
    pub tag: EntityTag,
    /// Whether it refers to the others already.
    pub(super) is_related: bool,
    /// Whether the request has created it.
    pub(super) is_new: bool,
}

impl DeepChange {
    /// What finds an entity; `None` if it has no key, so that it is a new one.
    ///
    /// # Errors
    /// If it must exist and has no key, or has another foreign key than its place in the body means.
    pub fn lookup(
        &self,
        at: usize,
        places: &FoundEntities,
        model: &Model,
        dialect: Dialect,
    ) -> Result<Option<EntityLookup>, Error> {
        let (entity, entity_type) = self.entity(at, model)?;
        let body = entity.related_body(places, model)?;
        let Some(key) = key_of(entity_type, &body) else {
            if entity.role == Role::Entity {
                return Ok(None);
            }
            let expected = entity_type.key_in_words();
            return Err(Reason::BadKey { entity_type: entity_type.name.clone(), expected }.at("body", 0));
        };
        let key = resource::key_of_values(entity_type, ScanId::FIRST, key);
        let state = EntityState::of(dialect, &Scan { id: ScanId::FIRST, entity_type, key })?;
        let mut references = Vec::new();
        for (name, _) in &entity.refers {
            let navigation = entity_type.navigation(name).ok_or_else(unknown)?;
            for (own, _) in &navigation.on {
                let value = body.value(*own).cloned().unwrap_or(NewValue::Null);
                references.push((*own, entity_type.properties[*own].reading(), value));
            }
        }
        let address = RowAddress::of(entity_type, entity_type.key.clone());
        Ok(Some(EntityLookup { state, address, references }))
    }

    /// Makes sure that no other item of the same list is the entity that was found for this one.
    ///
    /// # Errors
    /// If one is.
    pub fn check_once(&self, at: usize, places: &FoundEntities) -> Result<(), Error> {
        let (Some(entity), Some(found)) = (self.entities.get(at), places.found(at)) else { return Ok(()) };
        let Some(list) = entity.list else { return Ok(()) };
        let is_same = |other: usize| places.found(other).is_some_and(|other| other.path == found.path);
        let mut before = self.entities.iter().enumerate().take(at);
        if before.any(|(at, other)| other.list == Some(list) && is_same(at)) {
            return Err(Reason::TwoValues("an entity".to_owned()).at("body", 0));
        }
        Ok(())
    }
}

impl EntityLookup {
    /// The statement.
    pub fn statement(&self) -> &Statement {
        &self.state.statement
    }

    /// The entity in a row of its result.
    pub fn found(&self, row: &impl Row) -> FoundEntity {
        let is_kept = |(at, reading, value): &(usize, Reading, NewValue)| {
            is_kept_exactly(*reading, row.cell(*at), value)
        };
        FoundEntity {
            path: self.address.path(row),
            tag: self.state.tag(row),
            is_related: self.references.iter().all(is_kept),
            is_new: false,
        }
    }
}

impl FoundEntity {
    /// One that was just created.
    pub fn new(path: String, tag: EntityTag) -> Self {
        Self { path, tag, is_related: true, is_new: true }
    }
}

/// The key that a body gives, if it gives all of it.
pub(super) fn key_of(entity_type: &EntityType, body: &Body) -> Option<Vec<Constant>> {
    let value = |index: &usize| match body.value(*index) {
        Some(NewValue::Value(value)) => Some(value.clone()),
        _ => None,
    };
    entity_type.key.iter().map(value).collect()
}
