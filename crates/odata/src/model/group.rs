//! Models of data sources that are served together: each with a text before its names, and all of them in one document.

use std::sync::Arc;

use super::part::TypePart;
use super::{EntityType, Model, Navigation, by_name};
use crate::identifier;

impl Model {
    /// The same model in another namespace, and with a text before the names of entity sets and types. What would have too long a
    /// name for OData is left out. The versions stay, so plans of the two must be distinguished by something else.
    #[must_use]
    pub fn preceded_by(&self, namespace: &str, text: &str) -> Self {
        let added = text.chars().count();
        let is_short = |name: &str| name.chars().count() + added <= identifier::MAX_LENGTH;
        let mut model = self.with_parts(|_, entity_type| {
            let is_served = is_short(&entity_type.name) && is_short(&entity_type.type_name);
            is_served.then(|| TypePart::whole(entity_type))
        });
        namespace.clone_into(&mut model.namespace);
        for entity_type in &mut model.entity_types {
            entity_type.name.insert_str(0, text);
            entity_type.type_name.insert_str(0, text);
        }
        model.by_name = by_name(&model.entity_types);
        model
    }

    /// A model with everything of these, of which no two have a name in common. It describes what there is; requests for data are
    /// bound to the model of which they name an entity set.
    #[must_use]
    pub fn of_group(namespace: &str, models: &[Arc<Self>]) -> Self {
        let mut entity_types = Vec::new();
        for model in models {
            let first = entity_types.len();
            let moved = |navigation: &Navigation| Navigation {
                target: navigation.target + first,
                ..navigation.clone()
            };
            entity_types.extend(model.entity_types.iter().map(|entity_type| EntityType {
                navigations: entity_type.navigations.iter().map(moved).collect(),
                rule: None,
                ..entity_type.clone()
            }));
        }
        let by_name = by_name(&entity_types);
        Self { namespace: namespace.to_owned(), entity_types, by_name, ..Self::default() }
    }
}
