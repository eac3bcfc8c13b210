//! From a selection to SQL text and parameters.
//!
//! Predicates are translated with a polarity, so that SQL's third truth value never decides about a row:
//! `truth` writes an expression that is true exactly if the predicate is true, `falsity` one that is true
//! exactly if it is false, and `operand` its value, including null. `docs/spec/odata.md` has the table.

mod assumed;
pub mod functions;
pub(crate) mod keyset;
mod predicate;
pub(crate) mod select;
mod sqlite;

use std::collections::HashMap;

use crate::bind::function::Function;
use crate::bind::typed::{Arithmetic, Comparison, Constant, Term, Typed};
use crate::cell::Value;
use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::statement::Statement;

/// The maximum length of a statement in bytes. Operands are written once, so a statement is not much longer
/// than its request; this bounds the rest, such as the branches of a page after a position.
pub(crate) const MAX_SQL: usize = 400_000;
/// The maximum length in bytes of a statement for a page after a position: if the first page is served, so
/// are all others.
pub(crate) const MAX_SQL_AFTER: usize = 1_000_000;
/// The maximum total size of the parameters of a statement in bytes. A constant is bound once, however often
/// it appears.
const MAX_PARAMETER_BYTES: usize = 1_000_000;
/// The maximum number of columns in a result: SQLite's default.
const MAX_COLUMNS: usize = 2_000;
/// The maximum number of parameters of a statement: SQLite's default.
const MAX_PARAMETERS: usize = 32_766;

/// A kind of database, as far as its SQL differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.37 or later, with [`functions::FUNCTIONS`] registered.
    Sqlite,
}

impl Dialect {
    pub(crate) fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Sqlite => &sqlite::Sqlite,
        }
    }
}

/// The differences between databases.
pub(crate) trait Rules {
    /// The clause after the name of a table that must be read without an index.
    fn without_index(&self) -> &'static str;

    /// Writes a quoted identifier.
    fn identifier(&self, sql: &mut String, name: &str);

    /// Writes a parameter marker, numbered from one.
    fn mark(&self, sql: &mut String, number: usize);

    /// The parameter for a constant.
    fn value(&self, constant: &Constant) -> Value;

    /// Whether values of this class are compared by SQL's own operators alone. If not,
    /// [`compare`](Self::compare) may be null even if neither side is.
    fn compares_directly(&self, operand: &Typed) -> bool;

    /// Writes the value of a column: null if it is null or has no value of its type. The values of all
    /// operands have the form in which [`value`](Self::value) returns constants.
    fn column(&self, writer: &mut Writer<'_>, column: usize);

    /// Writes an expression that is true exactly if a column has no value.
    fn is_null(&self, writer: &mut Writer<'_>, column: usize);

    /// Writes an expression that is true exactly if a Boolean column is `value`.
    fn is(&self, writer: &mut Writer<'_>, column: usize, value: bool);

    /// Writes an expression that is true exactly if the key of a row is an address that no other row has. If
    /// several rows share an address, the one whose key has the usual layout may own it.
    fn is_addressed(&self, writer: &mut Writer<'_>);

    /// Writes the number of rows with a key that are omitted because they share their address.
    fn count_shared(&self, writer: &mut Writer<'_>);

    /// A statement with one row and column that returns 1 if no two rows share an address at present; `None`
    /// if the database ensures that, or nearly so.
    fn sharing_check(&self, entity_type: &EntityType) -> Option<String>;

    /// Writes a condition that the row has this key in the usual layout, so that no other row has its
    /// address. Returns `false` and writes nothing if that does not suffice. `key` has a comparison for each
    /// property of the key.
    fn has_usual_key(&self, writer: &mut Writer<'_>, key: &[Typed]) -> bool;

    /// Whether a row other than the one with [the usual key](Self::has_usual_key) may have the same address.
    fn may_have_unusual_key(&self, entity_type: &EntityType, key: &[Typed]) -> bool;

    /// Whether a column can be ordered by its stored form, whatever it contains.
    fn sorts_as_stored(&self, entity_type: &EntityType, column: usize) -> bool;

    /// Writes the stored form of a column, for an order or a list.
    fn stored(&self, writer: &mut Writer<'_>, column: usize);

    /// Writes a column as it is stored, to be read, or to be matched with the same column of other rows.
    fn same(&self, writer: &mut Writer<'_>, column: usize);

    /// Writes a term of an order whose columns are not known to be in order as they are stored.
    fn sorted(&self, writer: &mut Writer<'_>, term: &Typed);

    /// Writes the value of a column in the form used for ordering and for equality with a constant.
    fn ordered(&self, writer: &mut Writer<'_>, column: usize);

    /// A statement with one row and column that returns 1 if a column can currently be ordered by its stored
    /// form; `None` if it never can.
    fn order_check(&self, entity_type: &EntityType, column: usize) -> Option<String>;

    /// Like [`order_check`](Self::order_check), for a check that a column contains only null and values in
    /// its layout. `None` if no index begins with the column, or if the check would not help.
    fn layout_check(&self, entity_type: &EntityType, column: usize) -> Option<String>;

    /// The stored form of a constant in the layout of a column, or `None` if no cell there can be equal to
    /// it.
    fn stored_constant(&self, entity_type: &EntityType, column: usize, constant: &Constant) -> Option<Value>;

    /// Whether the stored cells of a column can be compared with a constant, so that a list of constants
    /// suffices.
    fn is_listable(&self, entity_type: &EntityType, column: usize, constant: &Constant) -> bool;

    /// Writes an integer that distinguishes values that are too long for a position.
    fn digest(&self, writer: &mut Writer<'_>, term: &Typed);

    /// Writes an expression that is true exactly if a text starts with another one, if an index can serve it;
    /// otherwise writes nothing and returns `false`.
    fn begins(&self, writer: &mut Writer<'_>, arguments: &[Typed]) -> bool;

    /// Writes an expression that is true if the left side is at least the right one or both are null, and
    /// false otherwise; each side is written once.
    fn at_least(&self, writer: &mut Writer<'_>, left: &Typed, right: &Typed);

    /// Writes a comparison that is true or false if both sides are not null.
    fn compare(&self, writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed);

    /// The operator that is true if both sides are equal or both null, or its negation.
    fn null_safe(&self, equal: bool) -> &'static str;

    /// Writes a call, which is null if an argument is.
    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]);

    /// Writes an arithmetic operation, which is null if an operand is, or if the result is not a number.
    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed);
}

/// A statement that is being written.
pub(crate) struct Writer<'m> {
    pub(crate) rules: &'static dyn Rules,
    pub(crate) entity_type: &'m EntityType,
    pub(crate) sql: String,
    parameters: Vec<Value>,
    parameter_bytes: usize,
    /// The maximum length of the statement in bytes.
    pub(crate) longest: usize,
    /// The parameter that contains a value of the expression, by the value's address and the form in which it
    /// is bound.
    bound: HashMap<(usize, u8), usize>,
    /// Columns that are known to be in the order of their values.
    pub(crate) in_order: Vec<usize>,
    /// Columns that are known to contain only null and values in their layout.
    pub(crate) in_layout: Vec<usize>,
    /// Whether every row is known to have a key.
    pub(crate) is_addressed: bool,
    /// Whether no two rows are known to share an address.
    pub(crate) unshared: bool,
    /// Whether a key may be searched for in all of its possible stored forms at once.
    pub(crate) may_search: bool,
}

impl<'m> Writer<'m> {
    pub(crate) fn new(dialect: Dialect, entity_type: &'m EntityType) -> Self {
        Self {
            rules: dialect.rules(),
            entity_type,
            sql: String::with_capacity(256),
            parameters: Vec::new(),
            parameter_bytes: 0,
            longest: MAX_SQL,
            bound: HashMap::new(),
            in_order: Vec::new(),
            in_layout: Vec::new(),
            is_addressed: false,
            unshared: false,
            may_search: false,
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.sql.push_str(text);
    }

    /// Binds a value and writes its marker.
    pub(crate) fn parameter(&mut self, value: Value) {
        self.parameter_bytes += value.bytes();
        self.parameters.push(value);
        self.rules.mark(&mut self.sql, self.parameters.len());
    }

    /// Binds a value that is derived from `owner` and writes its marker; if it was bound before, only the
    /// marker is written. One owner may be bound in several forms.
    pub(crate) fn repeated<T>(&mut self, owner: &T, form: u8, value: Value) {
        let key = (std::ptr::from_ref(owner).addr(), form);
        match self.bound.get(&key) {
            // The address alone proves nothing, because another value may be at the same address now.
            Some(number) if self.parameters[number - 1] == value => {
                self.rules.mark(&mut self.sql, *number);
            }
            _ => {
                self.parameter(value);
                self.bound.insert(key, self.parameters.len());
            }
        }
    }

    /// Binds a constant of the expression.
    pub(crate) fn constant(&mut self, constant: &Constant) {
        self.repeated(constant, 0, self.rules.value(constant));
    }

    /// Writes a column's name.
    pub(crate) fn column(&mut self, property: usize) {
        let entity_type = self.entity_type;
        self.rules.identifier(&mut self.sql, &entity_type.properties[property].column);
    }

    /// Writes a term of an order.
    pub(crate) fn sort_term(&mut self, term: &Typed) {
        match term.term {
            Term::Column(column) if self.sorts_as_stored(column) => self.rules.stored(self, column),
            Term::Stored(column) => self.rules.stored(self, column),
            _ => self.position(term),
        }
    }

    /// Writes a term of an order in the form in which a position contains it.
    pub(crate) fn position(&mut self, term: &Typed) {
        self.rules.sorted(self, term);
    }

    fn sorts_as_stored(&self, column: usize) -> bool {
        self.in_order.contains(&column) || self.rules.sorts_as_stored(self.entity_type, column)
    }

    pub(crate) fn table(&mut self) {
        let entity_type = self.entity_type;
        self.rules.identifier(&mut self.sql, &entity_type.table);
    }

    /// Whether the text is already too long, so that writing on is useless.
    pub(crate) fn is_full(&self) -> bool {
        self.sql.len() > self.longest
            || self.parameters.len() > MAX_PARAMETERS
            || self.parameter_bytes > MAX_PARAMETER_BYTES
    }

    pub(crate) fn statement(self, columns: usize) -> Result<Statement, Error> {
        if self.is_full() || columns > MAX_COLUMNS {
            return Err(Reason::TooComplex.at("query", 0));
        }
        Ok(Statement { sql: self.sql, parameters: self.parameters, columns, quicker: None })
    }
}
