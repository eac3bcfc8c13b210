//! Keys: the primary key, otherwise a unique index over columns that are never null, otherwise what the owner declares.

use odata::model::{Finding, KeyCheck, Table};

use super::catalog::{Catalog, Index, Relation};
use crate::Described;
use crate::server::{DeclaredKeys, declare_key, refuse_key};

/// Gives a table its key, if it has one. Returns a declared key that no index ensures, in words.
pub(super) fn complete(
    table: &mut Table,
    relation: &Relation,
    catalog: &Catalog,
    keys: &DeclaredKeys,
    main: &str,
    described: &mut Described,
) -> Option<String> {
    let indexes = catalog.indexes.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
    let found = own_key(table, relation, catalog, indexes);
    let declared = keys.iter().find(|(name, _)| names(name, relation, main));
    match (found, declared) {
        (Some((key, check)), None) => {
            table.primary_key = key;
            table.changes.key_check = check;
            // Tables that inherit from it do not inherit the index.
            table.key_is_enforced = !relation.has_heirs;
            if relation.has_heirs {
                let message = "other tables inherit from it, whose rows may have the same key: rows that share one are \
                               not served, and each request looks for them";
                described.findings.push(Finding { subject: table.full_name(), message: message.to_owned() });
            }
        }
        (None, Some((_, columns))) => return declare(table, relation, catalog, columns, described),
        (Some((key, check)), Some(_)) => {
            table.primary_key = key;
            table.changes.key_check = check;
            table.key_is_enforced = !relation.has_heirs;
            refuse_key(
                described,
                &table.full_name(),
                "the declared key is ignored, because it has a key".to_owned(),
            );
        }
        (None, None) => {}
    }
    None
}

/// The key that an index ensures, and when it does. A materialized view says of no column that it is never null.
fn own_key(
    table: &Table,
    relation: &Relation,
    catalog: &Catalog,
    indexes: &[Index],
) -> Option<(Vec<String>, KeyCheck)> {
    let names = |index: &Index| -> Option<(Vec<String>, KeyCheck)> {
        let names = index.columns.iter().map(|number| catalog.column_name(relation.oid, *number));
        let names: Vec<String> = names.collect::<Option<_>>()?;
        let served = |name: &String| table.columns.iter().find(|column| column.name == *name);
        let fits =
            |name: &String| served(name).is_some_and(|column| relation.is_materialized || !column.nullable);
        (!names.is_empty() && names.iter().all(fits)).then_some((names, index.check))
    };
    let unique = indexes.iter().filter(|index| index.is_unique);
    let primary = unique.clone().filter(|index| index.is_primary).find_map(names);
    primary.or_else(|| unique.clone().find_map(names))
}

/// Uses the declared columns as the key, and returns them in words if no index ensures that they are one.
fn declare(
    table: &mut Table,
    relation: &Relation,
    catalog: &Catalog,
    columns: &[String],
    described: &mut Described,
) -> Option<String> {
    let indexes = catalog.indexes.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
    let in_key =
        |number: &i16| catalog.column_name(relation.oid, *number).is_some_and(|name| columns.contains(&name));
    let ensures = |index: &Index| index.is_unique && index.columns.iter().all(in_key);
    let is_unique = !relation.has_heirs && indexes.iter().any(ensures);
    declare_key(table, columns, is_unique, described)
}

/// Reports declarations that name nothing.
pub(super) fn refuse_strays(
    keys: &DeclaredKeys,
    relations: &[Relation],
    main: &str,
    described: &mut Described,
) {
    for name in keys.keys() {
        if !relations.iter().any(|relation| names(name, relation, main)) {
            let message = "a key is declared for it, but there is no such table or view".to_owned();
            refuse_key(described, name, message);
        }
    }
}

/// Whether a declaration means this table: by its name with the schema, or without if it is in the main schema.
fn names(name: &str, relation: &Relation, main: &str) -> bool {
    name == relation.full_name() || (relation.schema == main && name == relation.name)
}
