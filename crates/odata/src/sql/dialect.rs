//! The kinds of database, and what each decides about its SQL.
//!
//! The files beside this one write what all databases understand alike; everything else is a method of
//! [`Rules`]. No method has a default, and a dialect matches functions and operators without a catch-all, so
//! that what a dialect forgets does not compile.

use super::Writer;
use super::clauses::RowLimits;
use crate::cell::Value;
use crate::model::{EntityType, Property};
use crate::position::Mark;
use crate::tree::AggregateFunction;
use crate::tree::cast::Cast;
use crate::tree::class::Class;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::function::Function;
use crate::tree::new_value::NewValues;
use crate::tree::typed::{Arithmetic, Comparison, Constant, Typed};

/// A kind of database, as far as its SQL differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// SQLite 3.37 or later, with [`functions::FUNCTIONS`](super::functions::FUNCTIONS) registered.
    Sqlite,
    /// PostgreSQL 14 or later, with ICU, and with UTF-8 as the encoding of the database.
    ///
    /// The types of parameters are those of their values: `int8`, `float8`, `text` and `bytea`; no parameter is null or
    /// text that is not UTF-8. A statement converts them itself where it needs another type. It relies on the defaults of
    /// `extra_float_digits` and `standard_conforming_strings`, and on nothing that precedes `pg_catalog` in the search
    /// path.
    Postgres,
    /// MySQL 8.0 or later, and MariaDB 10.6 or later.
    ///
    /// The types of parameters are those of their values: `BIGINT`, `DOUBLE`, text in `utf8mb4`, and bytes. A statement
    /// converts them itself where it needs another type. It relies on the session: the time zone is UTC, the
    /// connection has `utf8mb4_bin`, `max_sort_length` is 65,536, and `sql_mode` has neither
    /// `PAD_CHAR_TO_FULL_LENGTH` nor `HIGH_NOT_PRECEDENCE`, `PIPES_AS_CONCAT` or `ANSI_QUOTES`.
    Mysql,
    /// The second dialect, of the tests.
    #[cfg(test)]
    Strict,
}

/// How much a statement may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// The maximum number of columns in a row of the result.
    pub(crate) columns: usize,
    /// The maximum number of parameters.
    pub(crate) parameters: usize,
}

/// The differences between databases.
pub(crate) trait Rules {
    /// How much a statement may have.
    fn capacity(&self) -> Capacity;

    /// The clause after the name of a table that must be read without an index.
    fn without_index(&self) -> &'static str;

    /// Writes a quoted identifier.
    fn identifier(&self, sql: &mut String, name: &str);

    /// Writes a parameter marker, numbered from one.
    fn mark(&self, sql: &mut String, number: usize);

    /// Whether a marker says which parameter it stands for, so that one parameter can be used several times.
    fn has_numbered_marks(&self) -> bool;

    /// A Boolean value, including as a condition.
    fn boolean(&self, value: bool) -> &'static str;

    /// What follows a condition to test that it is true, or that it is false or null.
    fn is_true(&self, holds: bool) -> &'static str;

    /// Whether row values of several columns can be compared and looked up: `(a, b) > (?, ?)`.
    fn has_row_values(&self) -> bool;

    /// Whether the subquery of a list may limit its rows: `a IN (SELECT … LIMIT 5)`.
    fn has_limits_in_lists(&self) -> bool;

    /// What follows a term of an order. Null comes before every value, and after all of them if the order
    /// descends.
    fn direction(&self, nullable: bool, descending: bool) -> &'static str;

    /// Writes the end of a statement that limits its rows.
    fn limit(&self, writer: &mut Writer<'_>, limits: RowLimits);

    /// Writes the end of a subquery that needs only its first rows.
    fn first_rows(&self, sql: &mut String, rows: u8);

    /// Whether the rows of `UNION ALL` come in the order of its branches, each in its own order. If not, the
    /// whole is sorted again.
    fn keeps_order_of_union(&self) -> bool;

    /// Writes what gives a table, or a subquery in parentheses, the alias of a scan.
    fn alias(&self, sql: &mut String, scan: ScanId);

    /// Writes what precedes a column to say that it is one of the scan with this alias.
    fn qualifier(&self, sql: &mut String, scan: ScanId);

    /// What ends a subquery that the database must evaluate before it evaluates expressions about its rows.
    fn not_merged(&self) -> &'static str;

    /// What follows a subquery in parentheses after `FROM` that no column names, because some databases want it
    /// to have an alias.
    fn subquery_alias(&self) -> &'static str;

    /// The parameter with which a statement assigns a constant to the column of a property; `None` if the column cannot have
    /// that value.
    fn assigned(&self, property: &Property, constant: &Constant) -> Option<Value>;

    /// Writes the default of a column as the value to assign; `expression` is the one that the database declares, if
    /// it is known.
    fn assigned_default(&self, writer: &mut Writer<'_>, column: ScanColumn, expression: Option<&str>);

    /// Writes, after the assignments of an `UPDATE`, where [their defaults](Self::assigned_default) are evaluated.
    fn evaluated_defaults(&self, writer: &mut Writer<'_>, values: &NewValues<'_>);

    /// What follows `INSERT` or `UPDATE` so that a row is refused that has the values of another, whatever the table says.
    fn never_replacing(&self) -> &'static str;

    /// What follows the table in a statement that inserts a row of defaults.
    fn row_of_defaults(&self) -> &'static str;

    /// An expression for the number that the database has generated for the last row that the session inserted; `None` if
    /// statements that change rows can return values of them with `RETURNING`.
    fn generated_number(&self) -> Option<&'static str>;

    /// Writes a constant, as a parameter except for Booleans.
    fn constant(&self, writer: &mut Writer<'_>, constant: &Constant);

    /// Whether an operand of this type can be equal to the constant. It cannot be if the database has no such
    /// value: one with more digits than it keeps, for example.
    fn can_equal(&self, writer: &Writer<'_>, operand: &Typed, constant: &Constant) -> bool;

    /// Writes the value that a position contains for a term of the order. `mark` and `form` identify it.
    fn marked(&self, writer: &mut Writer<'_>, term: &Typed, mark: &Mark, form: u8, value: &Value);

    /// Whether values of this class are compared by SQL's own operators alone. If not,
    /// [`compare`](Self::compare) may be null even if neither side is.
    fn compares_directly(&self, operand: &Typed) -> bool;

    /// Whether what is not a number is null in an expression, though it is not equal to null.
    fn no_number_is_null(&self) -> bool;

    /// Whether arithmetic with doubles may fail, because the result is out of range.
    fn doubles_can_fail(&self) -> bool;

    /// Whether `divby` may fail, because the database has no infinity that a division by zero could return.
    fn divby_can_fail(&self) -> bool;

    /// Writes the value of a column: null if it is null or has no value of its type. The values of all
    /// operands have the form in which [`constant`](Self::constant) writes constants.
    fn column(&self, writer: &mut Writer<'_>, column: ScanColumn);

    /// Writes an expression that is true exactly if a column has no value.
    fn is_null(&self, writer: &mut Writer<'_>, column: ScanColumn);

    /// Writes an expression that is true exactly if a Boolean column is `value`.
    fn is(&self, writer: &mut Writer<'_>, column: ScanColumn, value: bool);

    /// Writes an expression that is true exactly if the key of a row is an address that no other row has. If
    /// several rows share an address, the one whose key has the usual layout may own it.
    fn is_addressed(&self, writer: &mut Writer<'_>, scan: ScanId);

    /// Writes the number of rows with a key that are omitted because they share their address.
    fn count_shared(&self, writer: &mut Writer<'_>);

    /// A statement with one row and column that returns 1 if every row has a key at present; `None` if it would not
    /// help.
    fn addressed_check(&self, entity_type: &EntityType) -> Option<String>;

    /// A statement with one row and column that returns 1 if no two rows share an address at present; `None`
    /// if the database ensures that, or nearly so.
    fn sharing_check(&self, entity_type: &EntityType) -> Option<String>;

    /// Writes a condition that the row has this key in the usual layout, so that no other row has its
    /// address. Returns `false` and writes nothing if that does not suffice. `key` has a comparison for each
    /// property of the key.
    fn has_common_key(&self, writer: &mut Writer<'_>, scan: ScanId, key: &[Typed]) -> bool;

    /// Whether a row other than the one with [the usual key](Self::has_common_key) may have the same address.
    fn may_have_uncommon_key(&self, entity_type: &EntityType, key: &[Typed]) -> bool;

    /// Whether a column can be ordered by its stored form, whatever it contains.
    fn sorts_as_stored(&self, entity_type: &EntityType, column: usize) -> bool;

    /// Whether a column can be ordered by its stored form in rows in which it has a value.
    fn values_sort_as_stored(&self, entity_type: &EntityType, column: usize) -> bool;

    /// Whether an order that begins with this term, which may be null, is read in two parts, with and without null,
    /// because an index can then serve it.
    fn reads_nulls_apart(&self, writer: &Writer<'_>, term: &Typed) -> bool;

    /// Writes a condition that a term of an order is null, or that it is not.
    fn sorts_as_null(&self, writer: &mut Writer<'_>, term: &Typed, null: bool);

    /// Writes, after a comparison of a term of an order with its value at a position, that the term has a value, if
    /// that does not follow.
    fn and_has_value(&self, writer: &mut Writer<'_>, term: &Typed);

    /// Writes the stored form of a column, for an order.
    fn stored(&self, writer: &mut Writer<'_>, column: ScanColumn);

    /// Writes the operand of a list: a column in the form in which it can be compared with
    /// [constants](Self::is_listable), or another value.
    fn listed(&self, writer: &mut Writer<'_>, operand: &Typed);

    /// Writes an item of a list, such that neither its type nor its place in the list changes how the operand is compared
    /// with other items.
    fn listed_item(&self, writer: &mut Writer<'_>, operand: &Typed, item: &Typed);

    /// Writes a column to be read.
    fn read(&self, writer: &mut Writer<'_>, column: ScanColumn);

    /// Writes a computed value to be read.
    fn computed(&self, writer: &mut Writer<'_>, value: &Typed);

    /// Writes a column as it is stored, to be matched with the same column of other rows.
    fn same(&self, writer: &mut Writer<'_>, column: ScanColumn);

    /// Writes a term of an order whose columns are not known to be in order as they are stored.
    fn sorted(&self, writer: &mut Writer<'_>, term: &Typed);

    /// Writes the value of a column in the form used for ordering and for equality with a constant.
    fn ordered(&self, writer: &mut Writer<'_>, column: ScanColumn);

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

    /// Writes a number with the opposite sign.
    fn negate(&self, writer: &mut Writer<'_>, operand: &Typed);

    /// What precedes and what separates two sides to test that they are equal or both null, or that they are not.
    fn null_safe(&self, equal: bool) -> (&'static str, &'static str);

    /// Writes a number, rounded half away from zero, as an integer between these bounds; null if it is not between them.
    fn whole(&self, writer: &mut Writer<'_>, operand: &Typed, bounds: [i64; 2]);

    /// Writes a cast between a text and another value.
    fn cast(&self, writer: &mut Writer<'_>, operand: &Typed, cast: Cast);

    /// Writes a call, which is null if an argument is.
    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]);

    /// Writes an aggregate function of the operand's values. Only the number of rows has no operand.
    fn aggregate(&self, writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>);

    /// Writes the sum of the operand's values in a window, which `window` writes after the name of the function and its operand.
    fn sum_over(&self, writer: &mut Writer<'_>, operand: &Typed, window: &dyn Fn(&mut Writer<'_>));

    /// Null as a value of a class, in a list of columns of which only others say the type.
    fn null_of(&self, class: Class) -> &'static str;

    /// Writes an arithmetic operation, which is null if an operand is, or if the result is not a number.
    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed);
}
