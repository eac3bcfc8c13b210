//! From a selection to SQL text and parameters.
//!
//! Predicates are translated in a polarity, so that SQL's third truth value never decides what a row filter says:
//! `truth` writes what is true exactly where the expression is true, `falsity` what is true exactly
//! where it is false, `operand` its value, null included. `docs/spec/odata.md` has the table.

pub(crate) mod keyset;
mod predicate;
pub(crate) mod select;
mod sqlite;

use crate::bind::function::Function;
use crate::bind::typed::{Arithmetic, Comparison, Constant, Typed};
use crate::cell::Value;
use crate::error::{Error, Reason};
use crate::model::EntityType;

/// The longest statement, in bytes. Some expressions are written more than once; this ends their growth.
const MAX_SQL: usize = 400_000;
/// The most parameters of one statement: what SQLite allows by default.
const MAX_PARAMETERS: usize = 32_766;

/// A kind of database, as far as its SQL differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.37 or later, with the functions `sluicegate_lower` and `sluicegate_upper` registered.
    Sqlite,
}

impl Dialect {
    pub(crate) fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Sqlite => &sqlite::Sqlite,
        }
    }
}

/// What differs between databases.
pub(crate) trait Rules {
    /// Writes a quoted identifier.
    fn identifier(&self, sql: &mut String, name: &str);

    /// Writes the mark of a parameter, counted from one.
    fn mark(&self, sql: &mut String, number: usize);

    /// The parameter for a constant.
    fn value(&self, constant: &Constant) -> Value;

    /// Whether values of this column's type are compared as they are stored. If not, [`compare`](Self::compare) may
    /// be null even where no side is.
    fn compares_directly(&self, operand: &Typed) -> bool;

    /// Writes a comparison that is true or false where both sides are not null.
    fn compare(&self, writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed);

    /// The operator that is true where both sides are equal or both null, and its negation.
    fn null_safe(&self, equal: bool) -> &'static str;

    /// Writes a call; it is null if an argument is.
    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]);

    /// Writes arithmetic; it is null if an operand is, or on division by zero.
    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed);
}

/// A statement being written.
pub(crate) struct Writer<'m> {
    pub(crate) rules: &'static dyn Rules,
    pub(crate) entity_type: &'m EntityType,
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
}

impl<'m> Writer<'m> {
    pub(crate) fn new(dialect: Dialect, entity_type: &'m EntityType) -> Self {
        Self { rules: dialect.rules(), entity_type, sql: String::with_capacity(256), parameters: Vec::new() }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    pub(crate) fn parameter(&mut self, value: Value) {
        self.parameters.push(value);
        self.rules.mark(&mut self.sql, self.parameters.len());
    }

    pub(crate) fn column(&mut self, property: usize) {
        let entity_type = self.entity_type;
        self.rules.identifier(&mut self.sql, &entity_type.properties[property].column);
    }

    pub(crate) fn table(&mut self) {
        let entity_type = self.entity_type;
        self.rules.identifier(&mut self.sql, &entity_type.table);
    }

    /// Whether what is written has grown too long already; then there is no use in writing on.
    pub(crate) fn is_full(&self) -> bool {
        self.sql.len() > MAX_SQL || self.parameters.len() > MAX_PARAMETERS
    }

    pub(crate) fn statement(self, columns: usize) -> Result<crate::statement::Statement, Error> {
        if self.is_full() {
            return Err(Reason::TooComplex.at("query", 0));
        }
        Ok(crate::statement::Statement { sql: self.sql, parameters: self.parameters, columns })
    }
}
