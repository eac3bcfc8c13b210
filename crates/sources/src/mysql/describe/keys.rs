//! Keys: the primary key, otherwise a unique index over columns that are never null, otherwise what the owner declares.

use odata::model::{Finding, Table};

use super::catalog::{Index, Relation};
use crate::Described;
use crate::server::{declare_key, refuse_key, unensured_key};

/// Gives a table its key, if it has one.
pub(super) fn complete(
    table: &mut Table,
    relation: &Relation,
    declared: Option<&Vec<String>>,
    described: &mut Described,
) {
    let found = own_key(table, relation);
    if found.is_some() && declared.is_some() {
        let message = "the declared key is ignored, because it has a key".to_owned();
        refuse_key(described, &table.name, message);
    }
    if let Some(key) = found {
        table.primary_key = key;
    } else if let Some(columns) = declared {
        let ensures = |index: &Index| {
            let is_in_key = |name: &Option<String>| name.as_ref().is_some_and(|name| columns.contains(name));
            index.is_unique && index.columns.iter().all(is_in_key)
        };
        let is_unique = relation.indexes.iter().any(ensures);
        if let Some(named) = declare_key(table, columns, is_unique, described) {
            let message = unensured_key(&named);
            described.findings.push(Finding { subject: table.full_name(), message });
        }
    }
}

/// The key that an index ensures. An index over the start of a text ensures it too, but looks nothing up.
fn own_key(table: &Table, relation: &Relation) -> Option<Vec<String>> {
    let names = |index: &Index| -> Option<Vec<String>> {
        let names: Vec<String> = index.columns.iter().cloned().collect::<Option<_>>()?;
        let fits =
            |name: &String| table.columns.iter().any(|column| column.name == *name && !column.nullable);
        names.iter().all(fits).then_some(names)
    };
    let unique = || relation.indexes.iter().filter(|index| index.is_unique);
    let primary = unique().filter(|index| index.is_primary()).find_map(names);
    primary.or_else(|| unique().find_map(names))
}
