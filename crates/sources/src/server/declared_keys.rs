//! The keys that the owner of a data source declares for tables and views that have none.

use std::collections::{BTreeMap, BTreeSet};

use odata::model::{Finding, Table};
use odata::named_members::NamedMembers;

use crate::Described;
use crate::options::{KEYS, refuse_twins, shown};

/// The columns of keys by the name of the table or view, with or without its schema.
pub type DeclaredKeys = BTreeMap<String, Vec<String>>;

pub(super) fn parse_keys(json: &str) -> Result<DeclaredKeys, String> {
    let shape = "must be an object of lists of columns, such as {\"public.View\": [\"a\", \"b\"]}";
    serde_json::from_str(json).map_err(|_| shape.to_owned())
}

pub(super) fn check_keys(json: &str) -> Result<(), String> {
    let keys = parse_keys(json)?;
    let tables: NamedMembers<Vec<String>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    refuse_twins(&tables, str::to_owned)?;
    for (table, columns) in keys {
        let distinct: BTreeSet<&String> = columns.iter().collect();
        if columns.is_empty() || distinct.len() < columns.len() {
            let table = shown(&table);
            return Err(format!("must name each column of the key of {table} once, and at least one"));
        }
    }
    Ok(())
}

/// Uses the declared columns as the key of a table that has none. `is_unique` says whether the database ensures that no two
/// rows share it. Returns the columns in words if it does not.
pub(crate) fn declare_key(
    table: &mut Table,
    columns: &[String],
    is_unique: bool,
    described: &mut Described,
) -> Option<String> {
    if let Some(unknown) =
        columns.iter().find(|name| !table.columns.iter().any(|column| column.name == **name))
    {
        let message = format!("the declared key names {unknown}, which is not one of its columns");
        refuse_key(described, &table.full_name(), message);
        return None;
    }
    table.primary_key = columns.to_vec();
    table.key_is_enforced = is_unique;
    (!is_unique).then(|| columns.join(", "))
}

/// What is reported of a declared key that no index ensures.
pub(crate) fn unensured_key(named: &str) -> String {
    format!(
        "no unique index ensures that the declared key {named} is unique: rows that share one are not served, and each \
         request looks for them"
    )
}

/// Records that a declaration about a table does not hold.
pub(crate) fn refuse_key(described: &mut Described, table: &str, message: String) {
    described.refused.push((KEYS, Finding { subject: table.to_owned(), message }));
}
