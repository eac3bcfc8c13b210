//! What a driver runs.

use crate::cell::Value;

/// SQL text of one dialect, with its parameters. `sql` never contains a literal of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text, which is the same for all requests that differ only in their literals.
    pub sql: String,
    /// The parameters, in the order of their markers.
    pub parameters: Vec<Value>,
    /// The number of columns in each row.
    pub columns: usize,
    /// Another statement for the same rows.
    pub quicker: Option<Box<Quicker>>,
}

/// A statement with the same result as another one, which is faster and applies while the data are in their
/// normal state.
#[derive(Debug, Clone, PartialEq)]
pub struct Quicker {
    /// Statements with one row and one column each, without parameters. All must return 1 in the snapshot of
    /// the data that the statement reads.
    pub checks: Vec<String>,
    /// The maximum time of a check in milliseconds. It is no longer than the other statement is likely to
    /// take.
    pub patience_millis: u64,
    /// The faster statement.
    pub statement: Statement,
}

impl Statement {
    /// The approximate size in memory, in bytes.
    pub fn weight(&self) -> usize {
        let parameters: usize = self.parameters.iter().map(Value::bytes).sum();
        let quicker = self.quicker.as_ref().map_or(0, |quicker| {
            quicker.statement.weight() + quicker.checks.iter().map(String::len).sum::<usize>()
        });
        self.sql.len() + parameters + 96 * self.columns + quicker
    }
}
