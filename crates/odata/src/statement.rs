//! What a driver is asked to run.

use crate::cell::Value;

/// SQL text of one dialect with its parameters. No literal of a request is ever part of `sql`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The text, the same for all requests that differ in their literals only.
    pub sql: String,
    /// In the order of their marks.
    pub parameters: Vec<Value>,
    /// How many columns each row has.
    pub columns: usize,
    /// Another statement for the same rows.
    pub quicker: Option<Box<Quicker>>,
}

/// A statement that gives the same as another one, and sooner, while the data are as they nearly always are.
#[derive(Debug, Clone, PartialEq)]
pub struct Quicker {
    /// Statements of one row and column each, without parameters. All must give 1, in the state of the data that the
    /// statement reads.
    pub checks: Vec<String>,
    /// How long a check may take, in milliseconds: no longer than the other statement is likely to.
    pub patience_millis: u64,
    /// What to run then.
    pub statement: Statement,
}

impl Statement {
    /// About how many bytes it takes in memory.
    pub fn weight(&self) -> usize {
        let parameters: usize = self.parameters.iter().map(Value::bytes).sum();
        let quicker = self.quicker.as_ref().map_or(0, |quicker| {
            quicker.statement.weight() + quicker.checks.iter().map(String::len).sum::<usize>()
        });
        self.sql.len() + parameters + 96 * self.columns + quicker
    }
}
