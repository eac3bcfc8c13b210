//! What a driver runs, and why it may have no result for a row.

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

/// Why a statement has no result for a row, although the request is well formed. `Display` gives the public
/// message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// `div` of integers and decimals, and every `mod`
    /// ([§5.1.1.2.5](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_Division)).
    #[error("the query divides by zero")]
    DivisionByZero,
    /// `substring` with a negative length
    /// ([§5.1.1.5.7](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_substring)).
    #[error("the length of a substring is negative")]
    NegativeLength,
    /// A computed number that is outside the range of its type, where the database has no infinity instead.
    #[error("a number that the query computes is out of range")]
    OutOfRange,
}

impl Unanswerable {
    pub(crate) const ALL: [Self; 3] = [Self::DivisionByZero, Self::NegativeLength, Self::OutOfRange];

    /// The reason with this message, which is all that some databases report.
    pub fn with_message(message: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.to_string() == message)
    }
}
