//! The compiled model of a data source: its tables as entity types, ready to bind requests.
//!
//! A driver describes its database as a [`Schema`]; [`Model::compile`] turns the names into OData
//! identifiers, drops what cannot be served and reports it as a [`Finding`]. The model is immutable: a
//! changed schema results in a new one.

pub(crate) mod compile;
pub mod document;
mod group;
pub(crate) mod mask;
mod names;
pub(crate) mod part;
mod references;
mod request_table;
pub(crate) mod row_rule;
mod shape;
pub(crate) mod spelling;

use std::collections::{BTreeMap, HashMap};

use crate::edm_type::EdmType;
use crate::form::{Form, Layout, Reading};
pub use request_table::RequestTable;
pub use row_rule::{AllowedChanges, RowRule};

/// What a driver has read from its database, in the database's own terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// The tables, in the order in which they are listed.
    pub tables: Vec<Table>,
}

/// One table or view as the database describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The schema that contains it, for a database in which tables of two schemas may have the same name.
    pub schema: Option<String>,
    /// The name in the database.
    pub name: String,
    /// The name that its entity set should have, if not that of the table.
    pub set_name: Option<String>,
    /// The columns, in the order of the table.
    pub columns: Vec<Column>,
    /// The names of the columns of the primary key, in key order; empty if the table has none.
    pub primary_key: Vec<String>,
    /// Whether the database itself prevents two rows with the same key.
    pub key_is_enforced: bool,
    /// The references to other tables.
    pub foreign_keys: Vec<ForeignKey>,
    /// Whether it has an index that this server cannot use, so statements must not let SQLite choose it.
    pub has_unusable_index: bool,
    /// Whether and how its rows can be changed.
    pub changes: TableChanges,
}

/// Whether and how the rows of a table can be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableChanges {
    /// Whether rows can be inserted, updated and deleted at all, which is not so for a view.
    pub possible: bool,
    /// When the database looks for another row with the same key.
    pub key_check: KeyCheck,
    /// Whether the table itself may say that a new row replaces another one instead of being refused.
    pub may_replace: bool,
    /// Whether something in the database, such as a trigger, may give a row other values than a statement does.
    pub may_rewrite: bool,
    /// The columns, by their names in the database, for which something other than the statement supplies a value.
    pub supplied: BTreeMap<String, Supply>,
}

/// When the database looks for another row with the same key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyCheck {
    /// When a row is inserted.
    #[default]
    AtOnce,
    /// At the end of a statement or of a transaction.
    Later,
}

/// What supplies the value of a column in a new row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Supply {
    /// The statement; without one, the value is null.
    #[default]
    Statement,
    /// The statement, or else the database, which has a default. Statements that cannot name a default evaluate its expression;
    /// `None` if they need none, or if it cannot be evaluated by itself.
    Default(Option<String>),
    /// The statement, or else the database, which counts.
    Number,
    /// Always the database: no statement can change the value.
    Database,
}

/// A column with the type as which it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The name in the database.
    pub name: String,
    /// The type as which it is served.
    pub ty: EdmType,
    /// Whether it may be null in the database.
    pub nullable: bool,
    /// How its values are stored.
    pub storage: Storage,
}

/// How the values of a column are stored, and what the database guarantees about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Storage {
    /// How to interpret a cell.
    pub form: Form,
    /// The layout of most cells.
    pub layout: Layout,
    /// Whether the database guarantees that each cell is null or a value of the type in that layout.
    pub is_guaranteed: bool,
    /// Whether the database converts every number to text, and stores text as UTF-8.
    pub is_textual: bool,
    /// Whether the database stores a text that reads as a number as that number.
    pub is_numeric: bool,
    /// The collation of the column.
    pub collation: Collation,
    /// The collation of an index that starts with the column, if there is one.
    pub index: Option<Collation>,
    /// The number of digits after the second that the database keeps; `None` for as many as the type has.
    pub fraction: Option<u8>,
    /// The result of examining it; `None` if it was not examined.
    pub found: Option<Findings>,
}

/// The result of examining the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// Whether all cells were examined.
    pub all: bool,
    /// The number of cells that represent no value of the type, including nulls if the column is declared
    /// never to be null.
    pub invalid_values: u64,
    /// The number of values that are stored differently from most.
    pub strays: u64,
}

/// A collation: the rule by which a database compares text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Collation {
    /// Byte by byte.
    #[default]
    Binary,
    /// SQLite's collation with this name, under which equal texts are equal too.
    Named(&'static str),
    /// The order of a language, under which different texts are never equal.
    Linguistic,
    /// An unknown collation.
    Unknown,
}

/// A reference from columns of this table to columns of another table, in pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns of this table.
    pub columns: Vec<String>,
    /// The schema of the referenced table; `None` for one without.
    pub target_schema: Option<String>,
    /// The name of the referenced table.
    pub target_table: String,
    /// Its columns, as many as `columns`; empty for its primary key.
    pub target_columns: Vec<String>,
}

/// An entity set and its type, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct EntityType {
    /// The name of the entity set.
    pub name: String,
    /// The name of the entity type, usually the same.
    pub type_name: String,
    /// The schema of the table in the database, if statements must name it.
    pub schema: Option<String>,
    /// The name of the table in the database.
    pub table: String,
    /// The properties, in the order of the table.
    pub properties: Vec<Property>,
    /// How many of the last ones have no name: those of rows that a request makes and that only their order needs.
    pub unnamed: usize,
    /// The indexes of the key properties, in key order; never empty.
    pub key: Vec<usize>,
    /// The key properties that may be null in the database, or something other than a value of the type. Such
    /// rows have no address and are not served.
    pub loose_key: Vec<usize>,
    /// Whether the database itself prevents two rows with the same key. If rows still share an address,
    /// because their keys are the same value stored in two ways, at most one of them is served.
    pub key_is_enforced: bool,
    /// The navigation properties.
    pub navigations: Vec<Navigation>,
    /// Whether the table has an index that this server cannot use, so statements must not let SQLite choose
    /// it.
    pub has_unusable_index: bool,
    /// The properties in which a search looks, as indexes: the texts that the owner names, or all of them.
    pub searchable: Vec<usize>,
    /// For each property, what supplies its value in a new row; `None` if rows cannot be changed.
    pub changes: Option<Vec<Supply>>,
    /// Whether the table itself may say that a new row replaces another one instead of being refused.
    pub may_replace: bool,
    /// Whether something in the database, such as a trigger, may give a row other values than a statement does.
    pub may_rewrite: bool,
    /// Which changes the rules of the data source allow.
    pub allowed_changes: AllowedChanges,
    /// The rows that the caller reaches; `None` for all.
    pub rule: Option<RowRule>,
}

/// One structural property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The name in the model, unique within its type.
    pub name: String,
    /// The name of the column in the database; differs from `name` if that is not an OData identifier.
    pub column: String,
    /// The type as which it is served.
    pub ty: EdmType,
    /// Whether its value may be null.
    pub nullable: bool,
    /// How its values are stored.
    pub storage: Storage,
    /// Whether the database may contain something that is not a value of the type, which is null for a
    /// client.
    pub may_be_invalid: bool,
    /// The number of stored texts that a value may be put together from: 1 for what a table stores.
    pub copies: u32,
}

/// A navigation property from one entity type to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// The name in the model, unique within its type.
    pub name: String,
    /// The index of the target in [`Model::entity_types`].
    pub target: usize,
    /// Whether it leads to many entities.
    pub collection: bool,
    /// Pairs of indexes: own property, property of the target.
    pub on: Vec<(usize, usize)>,
    /// The name of the navigation property in the opposite direction.
    pub partner: String,
}

/// Something in the schema that is served under another name, or not at all, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The subject: `Table` or `Table.Column`.
    pub subject: String,
    /// What was done and why.
    pub message: String,
}

/// The compiled model, to which requests are bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    /// The namespace of the schema in `$metadata`.
    pub namespace: String,
    /// The entity types, in the order of the schema.
    pub entity_types: Vec<EntityType>,
    /// The remarks about changed and dropped parts of the schema.
    pub findings: Vec<Finding>,
    /// Changes if the entity types, or the meaning of their stored values, change; part of each next link.
    pub version: u64,
    /// Changes if anything changes on which a plan depends, such as how values are stored.
    pub plan_version: u64,
    /// The number of rows of a page, if the owner wants a number of its own.
    pub page_size: Option<u32>,
    /// The table for records of repeatable requests, if the owner names one.
    pub request_table: Option<RequestTable>,
    by_name: HashMap<String, usize>,
}

impl Model {
    /// The entity type whose entity set has this name, case-sensitively.
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.by_name.get(name).map(|index| &self.entity_types[*index])
    }
}

/// The places of entity types by the names of their entity sets.
fn by_name(entity_types: &[EntityType]) -> HashMap<String, usize> {
    entity_types.iter().enumerate().map(|(at, entity_type)| (entity_type.name.clone(), at)).collect()
}

impl Table {
    /// The name with that of the schema, if it has one, as findings and declarations of owners write it.
    pub fn full_name(&self) -> String {
        full_name(self.schema.as_deref(), &self.name)
    }

    /// The name that its entity set should have.
    pub(crate) fn wanted_name(&self) -> &String {
        self.set_name.as_ref().unwrap_or(&self.name)
    }
}

/// The name of a table with that of its schema.
pub(crate) fn full_name(schema: Option<&str>, table: &str) -> String {
    schema.map_or_else(|| table.to_owned(), |schema| format!("{schema}.{table}"))
}

impl Property {
    /// How to interpret a cell of its column.
    pub fn reading(&self) -> Reading {
        Reading { ty: self.ty, form: self.storage.form }
    }
}

impl EntityType {
    /// The name of the table in the database, with that of its schema, if it has one.
    pub fn full_table_name(&self) -> String {
        full_name(self.schema.as_deref(), &self.table)
    }

    /// The key properties with their types, for people.
    pub(crate) fn key_in_words(&self) -> String {
        let key = self.key.iter().map(|index| &self.properties[*index]);
        let parts: Vec<String> =
            key.map(|property| format!("{} ({})", property.name, property.ty.name())).collect();
        parts.join(", ")
    }

    /// Whether its entities can be changed in some way, so that readers need their tags.
    pub(crate) fn is_changeable(&self) -> bool {
        let AllowedChanges { insert, update, delete } = self.allowed_changes;
        self.changes.is_some() && (insert || update || delete)
    }

    /// The properties that have a name; their indexes are those of all properties.
    pub(crate) fn named(&self) -> &[Property] {
        &self.properties[..self.properties.len() - self.unnamed]
    }

    /// The property with this name, and its index.
    pub fn property(&self, name: &str) -> Option<(usize, &Property)> {
        self.named().iter().enumerate().find(|(_, property)| property.name == name)
    }

    /// The navigation property with this name.
    pub fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigations.iter().find(|navigation| navigation.name == name)
    }
}
