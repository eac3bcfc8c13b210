//! Foreign keys as navigation properties.

use std::collections::HashMap;

use super::names::{Names, with_suffix};
use super::{EntityType, Finding, ForeignKey, Navigation, full_name};

/// A foreign key whose two tables are both served.
struct Reference {
    source: usize,
    target: usize,
    on: Vec<(usize, usize)>,
    /// The suffix that is added to a name to distinguish it from others.
    suffix: String,
    /// Whether there are several references between the two tables; then none of them gets the bare name.
    is_one_of_many: bool,
}

/// Turns each foreign key into a navigation property in either direction.
pub(super) fn connect(
    types: &mut [EntityType],
    foreign_keys: &[Vec<ForeignKey>],
    findings: &mut Vec<Finding>,
) {
    let references = references(types, foreign_keys, findings);
    let properties =
        |entity: &EntityType| Names::of(entity.properties.iter().map(|property| property.name.clone()));
    let mut names: Vec<Names> = types.iter().map(properties).collect();
    // Each end is a property of its own type, and has the name of the type to which it leads.
    let ends: Vec<(usize, usize, &Reference)> = references
        .iter()
        .flat_map(|reference| {
            [(reference.source, reference.target, reference), (reference.target, reference.source, reference)]
        })
        .collect();
    let bare: Vec<Option<String>> = ends
        .iter()
        .map(|(owner, other, reference)| {
            let wanted = &types[*other].name;
            (!reference.is_one_of_many && names[*owner].take(wanted)).then(|| wanted.clone())
        })
        .collect();
    let given: Vec<String> = ends
        .iter()
        .zip(bare)
        .map(|((owner, other, reference), bare)| {
            let with_column = || with_suffix(&types[*other].name, &reference.suffix);
            bare.unwrap_or_else(|| names[*owner].unique(&with_column()))
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

/// The foreign keys to and from the served types, in the order of their declaration.
fn references(
    types: &[EntityType],
    foreign_keys: &[Vec<ForeignKey>],
    findings: &mut Vec<Finding>,
) -> Vec<Reference> {
    let tables = Tables::of(types);
    let mut references = Vec::new();
    for (source, foreign_keys) in foreign_keys.iter().enumerate() {
        let target_of = |key: &ForeignKey| tables.find(key.target_schema.as_deref(), &key.target_table);
        for foreign_key in foreign_keys {
            let target = target_of(foreign_key);
            let is_one_of_many = foreign_keys.iter().filter(|other| target_of(other) == target).count() > 1;
            let Some((target, on)) =
                target.and_then(|target| Some((target, pairs(types, source, target, foreign_key)?)))
            else {
                findings.push(Finding {
                    subject: format!("{}.{}", types[source].full_table_name(), foreign_key.columns.join(",")),
                    message: format!(
                        "no navigation to {}: its target is not served",
                        full_name(foreign_key.target_schema.as_deref(), &foreign_key.target_table)
                    ),
                });
                continue;
            };
            let columns: Vec<&str> =
                on.iter().map(|(own, _)| types[source].properties[*own].name.as_str()).collect();
            let suffix = format!("_{}", columns.join("_"));
            references.push(Reference { source, target, on, suffix, is_one_of_many });
        }
    }
    references
}

/// The served tables by schema and name. One that is spelled exactly like a reference comes before one that differs in
/// the case of ASCII letters, which some databases ignore.
struct Tables<'t> {
    exact: HashMap<(Option<&'t str>, &'t str), usize>,
    folded: HashMap<(Option<&'t str>, String), usize>,
}

impl<'t> Tables<'t> {
    fn of(types: &'t [EntityType]) -> Self {
        let all =
            || types.iter().enumerate().map(|(at, entity)| (entity.schema.as_deref(), &entity.table, at));
        Self {
            exact: all().map(|(schema, table, at)| ((schema, table.as_str()), at)).collect(),
            folded: all().map(|(schema, table, at)| ((schema, table.to_ascii_lowercase()), at)).collect(),
        }
    }

    fn find(&self, schema: Option<&str>, table: &str) -> Option<usize> {
        let exact = self.exact.get(&(schema, table));
        exact.or_else(|| self.folded.get(&(schema, table.to_ascii_lowercase()))).copied()
    }
}

/// The pairs of properties that a foreign key joins.
fn pairs(
    types: &[EntityType],
    source: usize,
    target: usize,
    key: &ForeignKey,
) -> Option<Vec<(usize, usize)>> {
    let find = |entity: &EntityType, column: &str| {
        let mut columns = entity.properties.iter().map(|property| property.column.as_str());
        let exact = columns.clone().position(|own| own == column);
        exact.or_else(|| columns.position(|own| own.eq_ignore_ascii_case(column)))
    };
    let own: Vec<usize> =
        key.columns.iter().map(|column| find(&types[source], column)).collect::<Option<_>>()?;
    let others: Vec<usize> = if key.target_columns.is_empty() {
        types[target].key.clone()
    } else {
        key.target_columns.iter().map(|column| find(&types[target], column)).collect::<Option<_>>()?
    };
    (own.len() == others.len() && !own.is_empty()).then(|| own.into_iter().zip(others).collect())
}
