//! The table in which a data source keeps which repeatable requests were made.

use super::document::TableName;
use super::spelling::TablesByName;
use super::{Finding, Schema, Table, full_name};
use crate::edm_type::EdmType;

/// Its columns for texts; the key is the first two.
const TEXTS: [&str; 4] = ["caller", "request", "content", "answer"];

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
        let Table { schema: of, name: table, columns, primary_key, key_is_enforced, changes, .. } =
            schema.tables.remove(at);
        let has = |name: &str, fits: &dyn Fn(EdmType) -> bool| {
            columns.iter().any(|column| column.name == name && fits(column.ty))
        };
        let is_text = |ty| matches!(ty, EdmType::String { .. });
        let has_columns =
            TEXTS.iter().all(|name| has(name, &is_text)) && has(MADE, &|ty| ty == EdmType::Int64);
        let has_key = key_is_enforced && primary_key == TEXTS[..2];
        if !(has_columns && has_key) {
            report(
                "not used for repeatable requests, because its columns or its primary key are not those in the documentation",
            );
            return None;
        }
        if !changes.possible {
            report("not used for repeatable requests, because its rows cannot be changed");
            return None;
        }
        Some(Self { schema: of, table })
    }
}
