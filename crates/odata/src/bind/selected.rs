//! What `$select` leaves of rows.

use std::collections::HashMap;

use super::SelectedProperties;
use super::expression::unknown_property;
use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::syntax::{EntityOptions, MAX_SELECT};
use crate::tree::column::{ScanColumn, ScanId};

/// Up to this many names are looked up one by one.
const FEW: usize = 32;

/// The names of computed values where there are none.
pub(super) const NOTHING_COMPUTED: (ScanId, &[&str]) = (ScanId::FIRST, &[]);

/// What `$select` names, without repetition. `values` and `computed` are the scan of the computed values and their names,
/// `target` is the option that contains it.
pub(super) fn shown<'m>(
    entity_type: &'m EntityType,
    (values, computed): (ScanId, &[&str]),
    options: &EntityOptions<'_>,
    target: &'static str,
) -> Result<SelectedProperties<'m>, Error> {
    let value = |(at, name): (usize, &&str)| (values.column(at), (*name).to_owned());
    let all = || SelectedProperties {
        properties: (0..entity_type.named().len()).collect(),
        computed: computed.iter().enumerate().map(value).collect(),
        navigations: entity_type.navigations.iter().map(|navigation| &*navigation.name).collect(),
        narrowed: false,
    };
    let Some(items) = &options.select else { return Ok(all()) };
    let most = MAX_SELECT.max(entity_type.named().len());
    if items.len() > most {
        return Err(Reason::TooManyItems(most).at(target, items[most].at));
    }
    let names = entity_type.named().iter().enumerate().map(|(index, property)| (&*property.name, index));
    let by_name: HashMap<&str, usize> = if items.len() > FEW { names.collect() } else { HashMap::new() };
    let find = |name: &str| match by_name.get(name) {
        None if items.len() <= FEW => entity_type.property(name).map(|(index, _)| index),
        found => found.copied(),
    };
    let mut is_shown = vec![false; entity_type.properties.len()];
    let mut properties = Vec::with_capacity(items.len());
    let mut shown_values: Vec<(ScanColumn, String)> = Vec::new();
    let mut navigations: Vec<&str> = Vec::new();
    let mut is_all = false;
    for item in items {
        let unsupported = |what: &str| Err(Reason::NotImplemented(what.to_owned()).at(target, item.at));
        let path = item.path.join("/");
        let name = path.as_str();
        if item.path.len() > 1 && find(name).is_none() {
            return unsupported("a path in $select");
        }
        match find(name) {
            _ if name == "*" => is_all = true,
            _ if item.nested => return unsupported("a selection in parentheses"),
            Some(index) if is_shown[index] => {}
            Some(index) => {
                is_shown[index] = true;
                properties.push(index);
            }
            None if let Some(found) = computed.iter().enumerate().find(|(_, other)| **other == name) => {
                if !shown_values.iter().any(|(_, other)| other == name) {
                    shown_values.push(value(found));
                }
            }
            None => match entity_type.navigation(name) {
                Some(navigation) if navigations.contains(&&*navigation.name) => {}
                Some(navigation) => navigations.push(&navigation.name),
                None if item.well_formed && (name.contains('.') || name.starts_with('@')) => {
                    return unsupported("an operation or annotation in $select");
                }
                None => return Err(unknown_property(entity_type, name, target, item.at)),
            },
        }
    }
    let computed = shown_values;
    Ok(if is_all { all() } else { SelectedProperties { properties, computed, navigations, narrowed: true } })
}
