//! Paths that lead through a navigation property to one entity, whose key they do not say.

use super::{Resource, not_implemented, resolve};
use crate::error::Error;
use crate::model::Model;
use crate::syntax::Step;
use crate::tree::Page;

/// The last entity of a path to which a navigation property alone leads.
pub(crate) struct Leading<'m> {
    /// How many segments lead to it.
    pub(crate) segments: usize,
    /// Finds it.
    pub(crate) page: Page<'m>,
}

impl<'m> Leading<'m> {
    /// Such an entity of a path, if there is one. A reference to an entity is not the entity.
    pub(crate) fn of(model: &'m Model, path: &[Step<'_>]) -> Result<Option<Self>, Error> {
        let Some((first, rest)) = path.split_first() else { return Ok(None) };
        let Some(mut entity_type) = model.entity_type(first.name) else { return Ok(None) };
        let mut segments = None;
        for (at, step) in rest.iter().enumerate() {
            let Some(navigation) = entity_type.navigation(step.name) else { break };
            let is_reference = rest.get(at + 1).is_some_and(|next| next.name == "$ref");
            if !navigation.collection && !is_reference && step.arguments.is_none() {
                segments = Some(at + 2);
            }
            entity_type = &model.entity_types[navigation.target];
        }
        let Some(segments) = segments else { return Ok(None) };
        match resolve(model, &path[..segments])?.resource {
            Resource::Entity(of) => Ok(Some(Self { segments, page: of.page() })),
            _ => Err(not_implemented("a change by this path")),
        }
    }
}
