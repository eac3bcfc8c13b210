//! The table in which a data source keeps which repeatable requests were made.

use super::document::TableName;
use super::spelling::TablesByName;
use super::{Column, Finding, KeyCheck, Schema, Supply, Table, full_name};
use crate::edm_type::EdmType;
use crate::form::Form;

/// Its columns for texts; the key is the first two.
const TEXTS: [&str; 4] = ["caller", "request", "content", "answer"];

/// How many characters their values have: digests, and an address of an entity, which the text of the documentation has room for.
const LENGTHS: [u32; 4] = [64, 64, 64, 1000];

/// Its column for the number of seconds since 1970.
const MADE: &str = "made";

/// A table of the data source for the records of repeatable requests. It is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTable {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

impl RequestTable {
    /// Takes the table that the owner names out of those that are served, if it can have the records.
    pub(super) fn taken_from(
        schema: &mut Schema,
        name: &TableName,
        findings: &mut Vec<Finding>,
    ) -> Option<Self> {
        let names = schema.tables.iter().map(|table| (table.schema.as_deref(), table.name.as_str()));
        let found = TablesByName::of(names).find(name.schema.as_deref(), &name.table).to_vec();
        let mut report = |message: &str| {
            let subject = full_name(name.schema.as_deref(), &name.table);
            findings.push(Finding { subject, message: message.to_owned() });
        };
        let [at] = found[..] else {
            report(
                "the document names it for repeatable requests, but there is no such table, or more than one",
            );
            return None;
        };
        let found = schema.tables.remove(at);
        match fault(&found) {
            Some(fault) => report(&format!("not used for repeatable requests, because {fault}")),
            None => return Some(Self { schema: found.schema, table: found.name }),
        }
        None
    }
}

/// Why a table cannot have the records.
fn fault(table: &Table) -> Option<&'static str> {
    let Table { columns, primary_key, key_is_enforced, changes, .. } = table;
    let column = |name: &str| columns.iter().find(|column| column.name == name);
    let has_texts = TEXTS
        .iter()
        .zip(LENGTHS)
        .all(|(name, length)| column(name).is_some_and(|column| keeps(column, length)));
    let has_columns = has_texts && column(MADE).is_some_and(|column| column.ty == EdmType::Int64);
    let is_known = |column: &Column| TEXTS.contains(&column.name.as_str()) || column.name == MADE;
    let is_demanded = |column: &Column| {
        let supply = changes.supplied.get(&column.name).unwrap_or(&Supply::Statement);
        !column.nullable && *supply == Supply::Statement
    };
    if !has_columns || !key_is_enforced || primary_key[..] != TEXTS[..2] {
        Some("its columns or its primary key are not those in the documentation")
    } else if changes.key_check == KeyCheck::Later {
        // Two equal requests would both be made before the second one is found out.
        Some("its primary key is deferrable")
    } else if columns.iter().any(|column| !is_known(column) && is_demanded(column)) {
        Some("another column of it must have a value")
    } else if !changes.possible {
        Some("its rows cannot be changed, or not in a transaction")
    } else {
        None
    }
}

/// Whether a column returns each text of up to so many characters as it was stored. One of fixed length fills it up.
fn keeps(column: &Column, length: u32) -> bool {
    let EdmType::String { max_length } = column.ty else { return false };
    match column.storage.form {
        Form::Padded => max_length == Some(length) && TEXTS[..3].contains(&column.name.as_str()),
        Form::Canonical => max_length.is_none_or(|most| most >= length),
        _ => false,
    }
}
