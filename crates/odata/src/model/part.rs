//! Parts of a model: fewer entity sets, and fewer columns.

use std::collections::{HashMap, HashSet};

use super::{EntityType, Model, Navigation, Supply, by_name};
use crate::edm_type::EdmType;

/// What is left of an entity type.
pub(crate) struct TypePart {
    pub(crate) entity_type: EntityType,
    /// The new places of the properties; `None` for those that are left out. Nothing if all are where they were.
    places: Option<Vec<Option<usize>>>,
    /// The former places of the properties whose values are replaced.
    masked: HashSet<usize>,
}

impl TypePart {
    /// All of it.
    pub(crate) fn whole(entity_type: &EntityType) -> Self {
        Self { entity_type: entity_type.clone(), places: None, masked: HashSet::new() }
    }

    /// Leaves properties out. If one of them is part of the key, the type must not be served, because rows would have no address.
    pub(crate) fn hide(&mut self, hidden: &HashSet<usize>) {
        if hidden.is_empty() {
            return;
        }
        let mut places = Vec::with_capacity(self.entity_type.properties.len());
        let mut next = 0;
        for place in 0..self.entity_type.properties.len() {
            let is_shown = !hidden.contains(&place);
            places.push(is_shown.then_some(next));
            next += usize::from(is_shown);
        }
        let EntityType { properties, key, loose_key, searchable, changes, .. } = &mut self.entity_type;
        retain(properties, &places);
        if let Some(supplies) = changes {
            retain(supplies, &places);
        }
        for list in [loose_key, searchable] {
            *list = list.iter().filter_map(|index| places[*index]).collect();
        }
        // Without all of its properties there is no key.
        *key = key.iter().map(|index| places[*index]).collect::<Option<_>>().unwrap_or_default();
        self.places = Some(places);
    }

    /// Replaces the values of properties, which only the database can then set. They identify no row and relate none: if one of
    /// them is part of the key, the type must not be served.
    pub(crate) fn mask(&mut self, masked: HashSet<usize>) {
        for place in &masked {
            let Some(new) = self.place(*place) else { continue };
            let EntityType { properties, key, changes, .. } = &mut self.entity_type;
            if let Some(property) = properties.get_mut(new) {
                property.nullable = true;
                property.storage.index = None;
                if let EdmType::String { max_length } = &mut property.ty {
                    *max_length = None;
                }
            }
            if let Some(supply) = changes.as_mut().and_then(|supplies| supplies.get_mut(new)) {
                *supply = Supply::Database;
            }
            if key.contains(&new) {
                key.clear();
            }
        }
        self.masked = masked;
    }

    /// The new place of a property, if it is left with its values.
    fn place(&self, property: usize) -> Option<usize> {
        if self.masked.contains(&property) {
            return None;
        }
        self.places.as_ref().map_or(Some(property), |places| places[property])
    }
}

fn retain<T>(list: &mut Vec<T>, places: &[Option<usize>]) {
    let mut places = places.iter();
    list.retain(|_| places.next().is_some_and(Option::is_some));
}

impl Model {
    /// The same model with these entity sets only, as if the database had no others. The versions stay, so plans of the
    /// two must be distinguished by something else.
    #[must_use]
    pub fn limited_to(&self, names: &[String]) -> Self {
        let names: HashSet<&String> = names.iter().collect();
        self.with_parts(|_, entity_type| {
            names.contains(&entity_type.name).then(|| TypePart::whole(entity_type))
        })
    }

    /// The same model with what is left of each entity type. Navigation properties stay if both ends and the columns that relate them do.
    pub(crate) fn with_parts(&self, part: impl Fn(usize, &EntityType) -> Option<TypePart>) -> Self {
        let types = self.entity_types.iter().enumerate();
        let part = |(at, entity_type)| Some((at, part(at, entity_type)?));
        let kept: Vec<(usize, TypePart)> =
            types.filter_map(part).filter(|(_, part)| !part.entity_type.key.is_empty()).collect();
        let at_new: HashMap<usize, usize> =
            kept.iter().enumerate().map(|(new, (old, _))| (*old, new)).collect();
        let navigation = |own: &TypePart, navigation: &Navigation| {
            let target = *at_new.get(&navigation.target)?;
            let other = &kept[target].1;
            let on = navigation.on.iter().map(|(from, to)| Some((own.place(*from)?, other.place(*to)?)));
            Some(Navigation { target, on: on.collect::<Option<_>>()?, ..navigation.clone() })
        };
        let navigations: Vec<Vec<Navigation>> = kept
            .iter()
            .map(|(_, own)| {
                own.entity_type.navigations.iter().filter_map(|one| navigation(own, one)).collect()
            })
            .collect();
        let entity_types: Vec<EntityType> = kept
            .into_iter()
            .zip(navigations)
            .map(|((_, part), navigations)| EntityType { navigations, ..part.entity_type })
            .collect();
        let by_name = by_name(&entity_types);
        let (namespace, request_table) = (self.namespace.clone(), self.request_table.clone());
        Self { entity_types, findings: Vec::new(), by_name, namespace, request_table, ..*self }
    }
}
