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
}
