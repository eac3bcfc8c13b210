//! What a driver says about the structure of a database.

use odata::model::{Finding, Schema};

/// The description of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// The tables that can be served, sorted by name.
    pub schema: Schema,
    /// What was left out or looks doubtful, and why; to be reported with the findings of the compiled model.
    pub findings: Vec<Finding>,
    /// Declarations of the owner that do not hold, each with the option that contains it. They are reported
    /// too; for a new source they are a fault.
    pub refused: Vec<(&'static str, Finding)>,
    /// The number of tables and views that were left out because the user of the data source may not read them.
    pub unreadable: usize,
}

/// What a test of a database finds out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The product and its version, as the server names them.
    pub product: String,
    /// The structure.
    pub described: Described,
}

/// Identifies a state of a database's structure: if two versions are equal, a model compiled for one also
/// fits the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchemaVersion([u64; 3]);

impl SchemaVersion {
    /// A version of numbers that mean something to the driver only.
    pub fn new(parts: [u64; 3]) -> Self {
        Self(parts)
    }
}
