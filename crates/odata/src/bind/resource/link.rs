//! The entities to which one is related, as a path addresses them.

use super::{Addressed, Resource, not_implemented, resolve, unknown};
use crate::error::{Error, Reason};
use crate::model::{EntityType, Model, Navigation};
use crate::syntax::Step;
use crate::tree::{Page, PlanNode, Scan};

/// A navigation property of an entity, by which a path leads to others.
pub(crate) struct Link<'m> {
    /// The entity.
    pub(crate) owner: Scan<'m>,
    pub(crate) navigation: &'m Navigation,
    /// The related entities, or the one that the path names.
    of: Addressed<'m>,
}

impl<'m> Link<'m> {
    /// What the path of an entity and its navigation property leads to.
    pub(super) fn of(model: &'m Model, path: &[Step<'_>], of: Addressed<'m>) -> Result<Self, Error> {
        let is_direct = of.owner.as_ref().is_some_and(|owner| owner.0.owner.is_none());
        let [first, own, ..] = path else { return Err(not_implemented("a change of this resource")) };
        if !is_direct {
            return Err(not_implemented("a change of relations behind several navigation properties"));
        }
        match resolve(model, std::slice::from_ref(first))?.resource {
            Resource::Entity(owner) => {
                let owner = owner.scan();
                let navigation = owner.entity_type.navigation(own.name).ok_or_else(|| unknown(own))?;
                Ok(Self { owner, navigation, of })
            }
            _ => Err(unknown(first)),
        }
    }

    /// The navigation property that leads back from the related entities.
    pub(crate) fn back(&self) -> Result<&'m Navigation, Error> {
        let unknown = || Reason::NotChangeable(self.navigation.name.clone()).at("path", 0);
        self.of.entity_type.navigation(&self.navigation.partner).ok_or_else(unknown)
    }

    /// The type of the related entities.
    pub(crate) fn related_type(&self) -> &'m EntityType {
        self.of.entity_type
    }

    /// The related entity that the path names by its key.
    pub(crate) fn related(&self) -> Option<Scan<'m>> {
        (!self.of.key.is_empty()).then(|| self.of.clone().scan())
    }

    /// An entity, if it is one of the related ones.
    pub(crate) fn page_of(&self, entity: &Scan<'m>) -> Page<'m> {
        Addressed { key: entity.key.clone(), ..self.of.clone() }.page()
    }

    /// At most this many of the related entities.
    pub(crate) fn related_page(&self, most: u64) -> Page<'m> {
        Page { rows: Some(most), ..self.of.clone().page() }
    }

    /// The entity whose navigation property it is.
    pub(crate) fn owner_page(&self) -> Page<'m> {
        let input = Box::new(PlanNode::Scan(self.owner.clone()));
        Page { input, order: Vec::new(), after: None, skip: 0, rows: Some(1) }
    }
}
