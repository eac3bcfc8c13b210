//! The references of an entity, as a path addresses them.

use super::{Addressed, Changed, Resource, not_implemented, resolve, unknown};
use crate::error::Error;
use crate::model::{EntityType, Model, Navigation};
use crate::syntax::Step;
use crate::tree::{Page, PlanNode, Scan};

/// The navigation property of an entity to whose references a path leads.
pub(crate) struct Link<'m> {
    /// The entity.
    pub(crate) owner: Scan<'m>,
    pub(crate) navigation: &'m Navigation,
    /// The related entities, or the one that the path names.
    of: Addressed<'m>,
}

impl<'m> Link<'m> {
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

    /// The entity whose navigation property it is.
    pub(crate) fn owner_page(&self) -> Page<'m> {
        let input = Box::new(PlanNode::Scan(self.owner.clone()));
        Page { input, order: Vec::new(), after: None, skip: 0, rows: Some(1) }
    }
}

/// The references to which the path of an entity, a navigation property and `$ref` leads.
pub(super) fn changed<'m>(
    model: &'m Model,
    path: &[Step<'_>],
    of: Addressed<'m>,
) -> Result<Changed<'m>, Error> {
    let [first, own, _] = path else {
        return Err(not_implemented("a change of references behind several navigation properties"));
    };
    let owner = resolve(model, std::slice::from_ref(first))?.resource;
    let navigation = |scan: &Scan<'m>| scan.entity_type.navigation(own.name);
    match owner {
        Resource::Entity(owner) => {
            let owner = owner.scan();
            let navigation = navigation(&owner).ok_or_else(|| unknown(own))?;
            Ok(Changed::References(Box::new(Link { owner, navigation, of })))
        }
        _ => Err(unknown(first)),
    }
}
