//! Foreign keys as navigation properties.

use std::collections::HashMap;

use super::names::{Names, with_suffix};
use super::shape::NamedReference;
use super::spelling::TablesByName;
use super::{EntityType, Finding, ForeignKey, Navigation, full_name, spelling};

/// A foreign key whose two tables are both served.
struct Reference {
    source: usize,
    target: usize,
    on: Vec<(usize, usize)>,
    /// The suffix that is added to a name to distinguish it from others.
    suffix: String,
    /// Whether there are several references between the two tables; then none of them gets the bare name.
    is_one_of_many: bool,
    /// The names that the owner gives to the two ends.
    given: [Option<String>; 2],
}

/// Turns each foreign key into a navigation property in either direction.
pub(super) fn connect(types: &mut [EntityType], keys: &[Vec<NamedReference>], findings: &mut Vec<Finding>) {
    let references = references(types, keys, findings);
    let properties =
        |entity: &EntityType| Names::of(entity.properties.iter().map(|property| property.name.clone()));
    let mut names: Vec<Names> = types.iter().map(properties).collect();
    // Each end is a property of its own type, and has the name of the type to which it leads.
    let ends: Vec<(usize, usize, &Reference, Option<&String>)> = references
        .iter()
        .flat_map(|reference| {
            let [one, back] = reference.given.each_ref().map(Option::as_ref);
            [
                (reference.source, reference.target, reference, one),
                (reference.target, reference.source, reference, back),
            ]
        })
        .collect();
    let mut given: Vec<Option<String>> = ends
        .iter()
        .map(|(owner, _, _, name)| {
            let name = (*name)?;
            let is_free = names[*owner].take(name);
            if !is_free {
                let message = format!("no navigation property is named {name}, because that name is taken");
                findings.push(Finding { subject: types[*owner].full_table_name(), message });
            }
            is_free.then(|| name.clone())
        })
        .collect();
    for (given, (owner, other, reference, _)) in given.iter_mut().zip(&ends) {
        let wanted = &types[*other].name;
        if given.is_none() && !reference.is_one_of_many && names[*owner].take(wanted) {
            *given = Some(wanted.clone());
        }
    }
    let given: Vec<String> = ends
        .iter()
        .zip(given)
        .map(|((owner, other, reference, _), given)| {
            let with_column = || with_suffix(&types[*other].name, &reference.suffix);
            given.unwrap_or_else(|| names[*owner].unique(&with_column()))
        })
        .collect();
    for (reference, pair) in references.into_iter().zip(given.chunks_exact(2)) {
        let (name, back) = (pair[0].clone(), pair[1].clone());
        let Reference { source, target, on, .. } = reference;
        let reversed = on.iter().map(|(own, other)| (*other, *own)).collect();
        let one = Navigation { name: name.clone(), target, collection: false, on, partner: back.clone() };
        let many = Navigation { name: back, target: source, collection: true, on: reversed, partner: name };
        types[source].navigations.push(one);
        types[target].navigations.push(many);
    }
}

/// The foreign keys to and from the served types. Those of a table are in the order of their columns: databases list them in other
/// orders, by generated names for example.
fn references(
    types: &[EntityType],
    named: &[Vec<NamedReference>],
    findings: &mut Vec<Finding>,
) -> Vec<Reference> {
    let tables =
        TablesByName::of(types.iter().map(|entity| (entity.schema.as_deref(), entity.table.as_str())));
    let find =
        |key: &ForeignKey| tables.find(key.target_schema.as_deref(), &key.target_table).last().copied();
    let mut references = Vec::new();
    for (source, named) in named.iter().enumerate() {
        let mut named: Vec<&NamedReference> = named.iter().collect();
        named.sort_by_cached_key(|one| positions(&types[source], &one.key.columns));
        let mut numbers: HashMap<Option<usize>, usize> = HashMap::new();
        for one in &named {
            *numbers.entry(find(&one.key)).or_default() += 1;
        }
        for NamedReference { key, navigation, inverse } in named {
            let target = find(key);
            let is_one_of_many = numbers.get(&target).is_some_and(|number| *number > 1);
            let Some((target, on)) =
                target.and_then(|target| Some((target, pairs(types, source, target, key)?)))
            else {
                findings.push(Finding {
                    subject: format!("{}.{}", types[source].full_table_name(), key.columns.join(",")),
                    message: format!(
                        "no navigation to {}: its target is not served",
                        full_name(key.target_schema.as_deref(), &key.target_table)
                    ),
                });
                continue;
            };
            let columns: Vec<&str> =
                on.iter().map(|(own, _)| types[source].properties[*own].name.as_str()).collect();
            let suffix = format!("_{}", columns.join("_"));
            let given = [navigation.clone(), inverse.clone()];
            references.push(Reference { source, target, on, suffix, is_one_of_many, given });
        }
    }
    references
}

/// The pairs of properties that a foreign key joins.
fn pairs(
    types: &[EntityType],
    source: usize,
    target: usize,
    key: &ForeignKey,
) -> Option<Vec<(usize, usize)>> {
    let own = positions(&types[source], &key.columns)?;
    let others = if key.target_columns.is_empty() {
        types[target].key.clone()
    } else {
        positions(&types[target], &key.target_columns)?
    };
    (own.len() == others.len() && !own.is_empty()).then(|| own.into_iter().zip(others).collect())
}

/// The places of the columns among the properties; `None` if one of them is not served.
fn positions(entity: &EntityType, columns: &[String]) -> Option<Vec<usize>> {
    let names = entity.properties.iter().map(|property| property.column.as_str());
    columns.iter().map(|column| spelling::position(&names, column)).collect()
}
