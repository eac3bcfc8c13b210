//! The model document: how the owner of a data source shapes what is served.
//!
//! The document names tables and columns as the database does. What it names need not exist, because tables come and
//! go: the compiled model reports it as a finding. Without a document, everything is served under its own name.

mod check;
pub(crate) mod condition;
mod rules;

use serde::{Deserialize, Serialize};

pub use check::DocumentFault;
pub(crate) use rules::quoted;
pub use rules::{AccessRule, AttributeValue, ColumnMask, RuleAction, RuleAttributes};

/// The version of the format that this program reads and writes.
pub const FORMAT_VERSION: u32 = 1;

/// The maximum size of a document as JSON, in bytes.
pub const LONGEST_DOCUMENT: usize = 1024 * 1024;

/// How an owner shapes the model of a data source. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ModelDocument {
    /// The version of the format: [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The schemas that are served.
    #[serde(skip_serializing_if = "Served::is_everything")]
    pub schemas: Served<String>,
    /// The tables that are served.
    #[serde(skip_serializing_if = "Served::is_everything")]
    pub tables: Served<TableName>,
    /// The shapes of single tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<EntityShape>,
    /// Relations between tables, and the names of their navigation properties.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub relations: Vec<Relation>,
    /// The number of rows of a page if the client has no preference; never more than the server allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Whether nothing may be changed.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
    /// Whether the audit log has a record of each request for data.
    #[serde(skip_serializing_if = "is_false")]
    pub record_requests: bool,
    /// The table for records of repeatable requests. It is not served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeatable_requests: Option<TableName>,
    /// Who may do what with which rows. A table that no rule names is open to all readers of the data source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<AccessRule>,
    /// The attributes of users that conditions of rules can name.
    #[serde(skip_serializing_if = "RuleAttributes::is_empty")]
    pub user_attributes: RuleAttributes,
    /// What an import could not take over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub import_findings: Vec<ImportFinding>,
}

impl Default for ModelDocument {
    fn default() -> Self {
        Self {
            format_version: FORMAT_VERSION,
            schemas: Served::default(),
            tables: Served::default(),
            entities: Vec::new(),
            relations: Vec::new(),
            page_size: None,
            read_only: false,
            record_requests: false,
            repeatable_requests: None,
            rules: Vec::new(),
            user_attributes: RuleAttributes::new(),
            import_findings: Vec::new(),
        }
    }
}

/// What is served: what `include` lists, or everything if it is empty, except what `exclude` lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Served<T> {
    /// Empty for everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<T>,
    /// Takes precedence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<T>,
}

impl<T> Default for Served<T> {
    fn default() -> Self {
        Self { include: Vec::new(), exclude: Vec::new() }
    }
}

impl<T> Served<T> {
    /// Whether it leaves nothing out.
    pub fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}

/// A table or view. Without a schema, it means the tables with this name in all schemas.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableName {
    /// The schema, for a database that has schemas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name in the database.
    pub table: String,
}

/// How one table is served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EntityShape {
    /// The schema, for a database that has schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The name in the database.
    pub table: String,
    /// The name of the entity set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_set: Option<String>,
    /// The name of the entity type; by default that of the entity set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<String>,
    /// The columns that identify a row, for a table or view without a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// The only columns that are served; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shown_columns: Vec<String>,
    /// Columns that are not served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hidden_columns: Vec<String>,
    /// Columns in which a search looks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub searchable_columns: Vec<String>,
    /// The names and forms of single columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnShape>,
    /// Whether nothing may be changed in this entity set.
    #[serde(skip_serializing_if = "is_false")]
    pub read_only: bool,
}

impl EntityShape {
    /// The table.
    pub fn name(&self) -> TableName {
        TableName { schema: self.schema.clone(), table: self.table.clone() }
    }
}

/// How one column is served.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ColumnShape {
    /// The name in the database.
    pub column: String,
    /// The name of the property.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// The storage form, which determines the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_form: Option<String>,
}

/// A relation from columns of one table to columns of another. One that the database declares too only gets its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Relation {
    /// The table that refers to the other.
    pub from: TableName,
    /// Its columns.
    pub columns: Vec<String>,
    /// The table to which it refers.
    pub to: TableName,
    /// The columns of that table, in the same order; empty for its key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to_columns: Vec<String>,
    /// The name of the navigation property that leads to one entity of the other table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub navigation: Option<String>,
    /// The name of the navigation property that leads back to many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<String>,
}

/// What an import could not take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportFinding {
    /// Where it was in the imported document.
    pub subject: String,
    /// What was done and why.
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
