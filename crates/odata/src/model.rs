//! The compiled model of a data source: its tables as entity types, ready to bind requests against.
//!
//! A driver describes what it found as a [`Schema`]; [`Model::compile`] mends the names to OData identifiers, drops
//! what cannot be served and says so in a [`Finding`]. The model is immutable: a changed schema gives a new one.

pub(crate) mod compile;
mod names;
mod references;

use std::collections::HashMap;

use crate::form::{Form, Layout, Reading};

/// What a driver read from its database, in the database's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// In the order in which they are to be listed.
    pub tables: Vec<Table>,
}

/// One table or view as the database describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Name in the database.
    pub name: String,
    /// In the table's order.
    pub columns: Vec<Column>,
    /// Names of the columns of the primary key, in key order; empty when the table has none.
    pub primary_key: Vec<String>,
    /// Whether the database itself lets no two rows have the same key.
    pub key_is_enforced: bool,
    /// What its rows refer to.
    pub foreign_keys: Vec<ForeignKey>,
    /// Whether it has an index that cannot be used here, so that no statement may be left to choose it.
    pub has_unusable_index: bool,
}

/// One column, already mapped to the type under which it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in the database.
    pub name: String,
    /// Type under which it is served.
    pub ty: EdmType,
    /// Whether the database lets it be null.
    pub nullable: bool,
    /// How its values are kept.
    pub storage: Storage,
}

/// How the values of a column are kept, and what the database promises of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Storage {
    /// How a cell is read.
    pub form: Form,
    /// How most cells are stored.
    pub layout: Layout,
    /// Whether the database makes sure that each cell is null or a value of the type, stored in that layout.
    pub is_guaranteed: bool,
    /// Whether the database makes text of every number that is put in, and keeps text as UTF-8.
    pub is_textual: bool,
    /// By which rule the column itself compares text.
    pub collation: Collation,
    /// Whether an index begins with the column, and by which rule it compares text.
    pub index: Option<Collation>,
    /// What was found in it; none if nobody looked.
    pub found: Option<Findings>,
}

/// What was found when somebody looked at the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// Whether these were all cells.
    pub all: bool,
    /// How many stand for no value of the type, nulls included where the column is declared never to be null.
    pub misfits: u64,
    /// How many are values, but stored otherwise than most.
    pub strays: u64,
}

/// A rule by which a database compares text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Collation {
    /// Byte by byte.
    #[default]
    Binary,
    /// By SQLite's rule of this name, under which equal texts are equal too.
    Named(&'static str),
    /// By a rule of which nothing is known.
    Unknown,
}

/// A reference from this table's columns to another table's columns, pairwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Columns of this table.
    pub columns: Vec<String>,
    /// Name of the table referred to.
    pub target_table: String,
    /// Its columns, as many as `columns`; empty for its primary key.
    pub target_columns: Vec<String>,
}

/// The primitive types of [OData CSDL 4.01 §3.3](https://docs.oasis-open.org/odata/odata-csdl-xml/v4.01/odata-csdl-xml-v4.01.html#sec_PrimitiveTypes)
/// that a column can be served as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named like the primitive types")]
pub enum EdmType {
    Boolean,
    Byte,
    SByte,
    Int16,
    Int32,
    Int64,
    /// Digits in total and after the point, where the database declares them.
    Decimal {
        precision: Option<u16>,
        scale: Option<u16>,
    },
    Single,
    Double,
    /// The longest value in characters, where the database declares one.
    String {
        max_length: Option<u32>,
    },
    Guid,
    Date,
    TimeOfDay,
    DateTimeOffset,
    Duration,
    Binary,
}

/// An entity set and its type, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityType {
    /// Name of the entity set and of its type.
    pub name: String,
    /// Name of the table in the database.
    pub table: String,
    /// In the table's order.
    pub properties: Vec<Property>,
    /// Indexes into `properties`, in key order; never empty.
    pub key: Vec<usize>,
    /// Those of `key` that the database lets be null or something else than a value of the type. Such rows have no
    /// address and are not served.
    pub loose_key: Vec<usize>,
    /// Whether the database itself lets no two rows have the same key. Of rows that share an address all the same, since
    /// their keys are the same value stored in two ways, at most one is served.
    pub key_is_enforced: bool,
    /// Ways to related entities.
    pub navigations: Vec<Navigation>,
    /// Whether the table has an index that cannot be used here, so that no statement may be left to choose it.
    pub has_unusable_index: bool,
}

/// One structural property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Name in the model, unique within its type.
    pub name: String,
    /// Name of the column in the database; differs from `name` where that is no OData identifier.
    pub column: String,
    /// Type under which it is served.
    pub ty: EdmType,
    /// Whether its value may be null.
    pub nullable: bool,
    /// How its values are kept.
    pub storage: Storage,
    /// Whether the database may hold something that is no value of the type, and is null to a client.
    pub may_misfit: bool,
}

/// One navigation property, from one entity type to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Navigation {
    /// Name in the model, unique within its type.
    pub name: String,
    /// Index of the target in [`Model::entity_types`].
    pub target: usize,
    /// Whether it leads to many entities.
    pub collection: bool,
    /// Pairs of indexes: own property, target's property.
    pub on: Vec<(usize, usize)>,
    /// Name of the navigation property that leads back.
    pub partner: String,
}

/// Something of the schema that is served under another name, or not at all, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `Table` or `Table.Column`.
    pub subject: String,
    /// What was done and why.
    pub message: String,
}

/// The compiled model: what requests are bound against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Namespace of the schema in `$metadata`.
    pub namespace: String,
    /// In the schema's order.
    pub entity_types: Vec<EntityType>,
    /// What was mended or dropped.
    pub findings: Vec<Finding>,
    /// Changes whenever entity types, or what their stored values mean, do; part of each next link.
    pub version: u64,
    /// Changes whenever anything does that a plan depends on, such as how the values are stored.
    pub plan_version: u64,
    by_name: HashMap<String, usize>,
}

impl Model {
    /// The entity type whose entity set has this name, in exactly this case.
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.by_name.get(name).map(|index| &self.entity_types[*index])
    }
}

impl Property {
    /// How a cell of its column is read.
    pub fn reading(&self) -> Reading {
        Reading { ty: self.ty, form: self.storage.form }
    }
}

impl EntityType {
    /// The property of this name and its index.
    pub fn property(&self, name: &str) -> Option<(usize, &Property)> {
        self.properties.iter().enumerate().find(|(_, property)| property.name == name)
    }

    /// The navigation property of this name.
    pub fn navigation(&self, name: &str) -> Option<&Navigation> {
        self.navigations.iter().find(|navigation| navigation.name == name)
    }
}

impl EdmType {
    /// The qualified name in `$metadata`, such as `Edm.Int32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Edm.Boolean",
            Self::Byte => "Edm.Byte",
            Self::SByte => "Edm.SByte",
            Self::Int16 => "Edm.Int16",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::Decimal { .. } => "Edm.Decimal",
            Self::Single => "Edm.Single",
            Self::Double => "Edm.Double",
            Self::String { .. } => "Edm.String",
            Self::Guid => "Edm.Guid",
            Self::Date => "Edm.Date",
            Self::TimeOfDay => "Edm.TimeOfDay",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
            Self::Duration => "Edm.Duration",
            Self::Binary => "Edm.Binary",
        }
    }
}
