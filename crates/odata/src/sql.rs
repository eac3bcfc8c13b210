//! From the tree of a plan to SQL text and parameters. `rows` finds out what a `SELECT` of a tree reads, `select`
//! writes whole statements, and `dialect` has what databases decide in different ways.
//!
//! Predicates are translated with a polarity, so that SQL's third truth value never decides about a row:
//! `truth` writes an expression that is true exactly if the predicate is true, `falsity` one that is true
//! exactly if it is false, and `operand` its value, including null. `docs/spec/odata.md` has the table.

mod assumed;
pub(crate) mod change;
pub(crate) mod clauses;
pub(crate) mod columns;
mod dialect;
pub mod functions;
mod kept;
mod keys;
mod mysql;
mod postgres;
mod predicate;
mod rows;
mod ruled;
pub(crate) mod select;
mod sqlite;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::cell::Value;
use crate::error::{Error, Reason};
use crate::model::{EntityType, Property};
use crate::statement::Statement;
use crate::tree::Scans;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::{Constant, Term, Typed};
pub use dialect::Dialect;
pub(crate) use dialect::{Capacity, Rules};
use rows::Rows;

impl Dialect {
    pub(crate) fn rules(self) -> &'static dyn Rules {
        match self {
            Self::Sqlite => &sqlite::Sqlite,
            Self::Postgres => &postgres::Postgres,
            Self::Mysql => &mysql::Mysql,
            #[cfg(test)]
            Self::Strict => &tests::Strict,
        }
    }
}

/// The maximum length of a statement in bytes. Operands are written once, so a statement is not much longer
/// than its request; this bounds the rest, such as the branches of a page after a position.
pub(crate) const MAX_SQL: usize = 400_000;
/// The maximum length in bytes of a statement for a page after a position: if the first page is served, so
/// are all others.
pub(crate) const MAX_SQL_AFTER: usize = 1_000_000;
/// The maximum total size of the parameters of a statement in bytes. A constant is bound once, however often
/// it appears.
const MAX_PARAMETER_BYTES: usize = 1_000_000;
/// The same of a statement that changes rows: no body is that long.
const MAX_BYTES_OF_CHANGE: usize = 128 * 1024 * 1024;

/// A statement that is being written.
pub(crate) struct Writer<'m> {
    pub(crate) rules: &'static dyn Rules,
    scans: Scans<'m>,
    naming: Naming,
    /// The scans whose columns are those of a subquery, with the alias of that subquery.
    taken: Vec<(ScanId, ScanId)>,
    pub(crate) sql: String,
    parameters: Vec<Value>,
    parameter_bytes: usize,
    /// The maximum total size of the parameters in bytes.
    most_parameter_bytes: usize,
    /// The maximum length of the statement in bytes.
    pub(crate) longest: usize,
    /// The parameter that contains a value of the expression, by the value's address and the form in which it
    /// is bound.
    bound: HashMap<(usize, u8), usize>,
    /// Columns that are known to be in the order of their values.
    pub(crate) in_order: Vec<ScanColumn>,
    /// Columns that are known to contain only null and values in their layout.
    pub(crate) in_layout: Vec<ScanColumn>,
    /// Columns that have a value in every row that is read.
    pub(crate) valued: Vec<ScanColumn>,
    /// Whether every row is known to have a key.
    pub(crate) is_addressed: bool,
    /// Whether no two rows are known to share an address.
    pub(crate) unshared: bool,
    /// Whether a key may be searched for in all of its possible stored forms at once.
    pub(crate) may_search: bool,
    /// Why the statement cannot be written, if so.
    refused: Option<Reason>,
}

/// How tables and columns are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// By their name alone, because there is only one table.
    Bare,
    /// Tables have the alias of their scan, and columns name it.
    Aliased,
}

impl<'m> Writer<'m> {
    /// Writes a statement that reads these rows.
    fn of(dialect: Dialect, scans: &Scans<'m>, rows: &Rows<'_>) -> Self {
        let is_alone = rows.table().is_some() && scans.are_of_one_table();
        let naming = if is_alone { Naming::Bare } else { Naming::Aliased };
        Self { taken: rows.taken(), ..Self::new(dialect, scans.clone(), naming) }
    }

    /// Writes a statement that changes a table, as [the first scan](ScanId::FIRST). Its values come from a body, which is bounded.
    fn changing_table(dialect: Dialect, entity_type: &'m EntityType) -> Self {
        Self { most_parameter_bytes: MAX_BYTES_OF_CHANGE, ..Self::of_table(dialect, entity_type) }
    }

    /// Writes a statement that reads one table, as [the first scan](ScanId::FIRST).
    fn of_table(dialect: Dialect, entity_type: &'m EntityType) -> Self {
        Self::new(dialect, Scans::of_table(entity_type), Naming::Bare)
    }

    fn new(dialect: Dialect, scans: Scans<'m>, naming: Naming) -> Self {
        Self { sql: String::with_capacity(256), ..Self::empty(dialect.rules(), scans, naming) }
    }

    fn empty(rules: &'static dyn Rules, scans: Scans<'m>, naming: Naming) -> Self {
        Self {
            rules,
            scans,
            naming,
            taken: Vec::new(),
            sql: String::new(),
            parameters: Vec::new(),
            parameter_bytes: 0,
            most_parameter_bytes: MAX_PARAMETER_BYTES,
            longest: MAX_SQL,
            bound: HashMap::new(),
            in_order: Vec::new(),
            in_layout: Vec::new(),
            valued: Vec::new(),
            is_addressed: false,
            unshared: false,
            may_search: false,
            refused: None,
        }
    }

    /// Gives the statement up.
    pub(crate) fn refuse(&mut self, reason: Reason) {
        self.refused.get_or_insert(reason);
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
                let number = *number;
                if !self.rules.has_numbered_marks() {
                    self.parameters.push(value);
                }
                self.rules.mark(&mut self.sql, number);
            }
            _ => {
                self.parameter(value);
                self.bound.insert(key, self.parameters.len());
            }
        }
    }

    /// Binds a constant of the expression.
    pub(crate) fn constant(&mut self, constant: &Constant) {
        self.rules.constant(self, constant);
    }

    /// The type of the rows of a scan.
    pub(crate) fn entity_type(&self, scan: ScanId) -> &'m EntityType {
        self.scans.entity_type(scan)
    }

    /// The property of a column.
    pub(crate) fn property(&self, column: ScanColumn) -> &'m Property {
        self.scans.property(column)
    }

    /// Writes a column of a row, as the database names it.
    pub(crate) fn column(&mut self, column: ScanColumn) {
        if let Some((_, subquery)) = self.taken.iter().find(|(scan, _)| *scan == column.scan) {
            self.rules.qualifier(&mut self.sql, *subquery);
            return self.label(column);
        }
        if self.naming == Naming::Aliased {
            self.rules.qualifier(&mut self.sql, column.scan);
        }
        self.name(column);
    }

    /// Writes the name that a column has in a subquery of several tables.
    fn label(&mut self, column: ScanColumn) {
        let label = format!("s{}c{}", column.scan.index(), column.property);
        self.rules.identifier(&mut self.sql, &label);
    }

    /// Writes the name of a column alone.
    fn name(&mut self, column: ScanColumn) {
        let property = self.property(column);
        self.rules.identifier(&mut self.sql, &property.column);
    }

    /// Writes a column to be read: the value of a computed one.
    fn shown(&mut self, column: ScanColumn) {
        match self.scans.computed(column) {
            Some(computed) => self.rules.computed(self, &computed.value),
            None => self.rules.read(self, column),
        }
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

    fn sorts_as_stored(&self, column: ScanColumn) -> bool {
        let entity_type = self.entity_type(column.scan);
        self.in_order.contains(&column)
            || self.rules.sorts_as_stored(entity_type, column.property)
            || (self.valued.contains(&column)
                && self.rules.values_sort_as_stored(entity_type, column.property))
    }

    /// Whether a term of an order may be null in the rows that are read.
    pub(crate) fn may_be_null(&self, term: &Typed) -> bool {
        term.nullable && !matches!(term.term, Term::Column(column) if self.valued.contains(&column))
    }

    /// Writes the rows of a scan: those of its table that the caller reaches.
    pub(crate) fn table(&mut self, scan: ScanId) {
        let entity_type = self.entity_type(scan);
        match &entity_type.rule {
            Some(rule) => ruled::rows(self, entity_type, rule),
            None => self.whole_table(entity_type),
        }
        if entity_type.rule.is_some() && self.naming == Naming::Bare {
            self.text(self.rules.subquery_alias());
        }
        self.alias(scan);
    }

    /// Writes the table of a scan with all of its rows, which decide together whether one of them has an address of its own.
    pub(crate) fn every_row(&mut self, scan: ScanId) {
        self.whole_table(self.entity_type(scan));
        self.alias(scan);
    }

    fn alias(&mut self, scan: ScanId) {
        if self.naming == Naming::Aliased {
            self.rules.alias(&mut self.sql, scan);
        }
    }

    /// Writes the name of a table with all of its rows.
    pub(crate) fn whole_table(&mut self, entity_type: &EntityType) {
        if let Some(schema) = &entity_type.schema {
            self.rules.identifier(&mut self.sql, schema);
            self.sql.push('.');
        }
        self.rules.identifier(&mut self.sql, &entity_type.table);
    }

    /// Whether the text is already too long, so that writing on is useless.
    pub(crate) fn is_full(&self) -> bool {
        self.sql.len() > self.longest
            || self.parameters.len() > self.rules.capacity().parameters
            || self.parameter_bytes > self.most_parameter_bytes
    }

    /// A statement that changes rows. Its values come from a body, which is bounded already.
    pub(crate) fn changing(self, columns: usize) -> Result<Statement, Error> {
        if let Some(reason) = self.refused {
            return Err(reason.at("query", 0));
        }
        // Conditions are left out of a statement that is full.
        if self.is_full() {
            return Err(Reason::TooComplex.at("body", 0));
        }
        Ok(Statement { sql: self.sql, parameters: self.parameters, columns, quicker: None })
    }

    pub(crate) fn statement(self, columns: usize) -> Result<Statement, Error> {
        if let Some(reason) = self.refused {
            return Err(reason.at("query", 0));
        }
        if self.scans.multiply_texts() || self.is_full() || columns > self.rules.capacity().columns {
            return Err(Reason::TooComplex.at("query", 0));
        }
        Ok(Statement { sql: self.sql, parameters: self.parameters, columns, quicker: None })
    }
}
