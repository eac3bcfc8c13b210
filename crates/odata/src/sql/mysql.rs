//! Peculiarities of MySQL and MariaDB: the collation of a column decides which texts are equal and in which order they are,
//! a date may be none of the calendar, and there is neither an infinite number nor one that is none.
//!
//! What a statement compares has the type of its [class](crate::tree::class::Class): text is the bytes of its UTF-8, which
//! no collation takes for others and to which no blanks are added, integers and decimals are exact, and instants have no
//! time zone. An operand that is needed twice is written twice, because MariaDB has no subquery in `FROM` that could refer
//! to the row; a statement that grows too long by that is refused.

mod call;
mod cast;
mod column;
mod compare;
mod constant;
mod number;

use super::clauses::{RowLimits, around, limit_and_offset, limit_to, plain_alias, quote};
use super::keys::{self, TypedKeys};
use super::{Capacity, Rules, Writer};
use crate::cell::Value;
use crate::model::{EntityType, Property};
use crate::position::Mark;
use crate::tree::AggregateFunction;
use crate::tree::cast::Cast;
use crate::tree::class::Class;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::function::Function;
use crate::tree::new_value::NewValues;
use crate::tree::typed::{Arithmetic, Comparison, Constant, Term, Typed};

pub(super) struct Mysql;

const KEYS: TypedKeys = TypedKeys {
    has_value: column::has_value,
    value: column::value,
    zero: "SELECT 0",
    total: "SELECT CAST(COALESCE(SUM(d.n), 0) AS SIGNED)",
};

impl Rules for Mysql {
    /// The limits of a table and of the protocol.
    fn capacity(&self) -> Capacity {
        Capacity { columns: 4_096, parameters: 65_535 }
    }

    fn without_index(&self) -> &'static str {
        ""
    }

    fn identifier(&self, sql: &mut String, name: &str) {
        quote(sql, name, '`');
    }

    fn mark(&self, sql: &mut String, _: usize) {
        sql.push('?');
    }

    fn has_numbered_marks(&self) -> bool {
        false
    }

    fn boolean(&self, value: bool) -> &'static str {
        if value { "TRUE" } else { "FALSE" }
    }

    fn is_true(&self, holds: bool) -> &'static str {
        if holds { " IS TRUE" } else { " IS NOT TRUE" }
    }

    /// There are row values, but no index serves an order of them.
    fn has_row_values(&self) -> bool {
        false
    }

    fn has_limits_in_lists(&self) -> bool {
        false
    }

    fn direction(&self, _: bool, descending: bool) -> &'static str {
        if descending { " DESC" } else { "" }
    }

    fn limit(&self, writer: &mut Writer<'_>, limits: RowLimits) {
        limit_and_offset(writer, limits);
    }

    fn first_rows(&self, sql: &mut String, rows: u8) {
        limit_to(sql, rows);
    }

    fn keeps_order_of_union(&self) -> bool {
        false
    }

    fn alias(&self, sql: &mut String, scan: ScanId) {
        sql.push_str(" AS ");
        plain_alias(sql, scan);
    }

    fn qualifier(&self, sql: &mut String, scan: ScanId) {
        plain_alias(sql, scan);
        sql.push('.');
    }

    fn not_merged(&self) -> &'static str {
        " LIMIT 18446744073709551615"
    }

    fn subquery_alias(&self) -> &'static str {
        " AS t"
    }

    fn assigned(&self, _: &Property, constant: &Constant) -> Option<Value> {
        constant::assigned(constant)
    }

    fn assigned_default(&self, writer: &mut Writer<'_>, _: ScanColumn, _: Option<&str>) {
        writer.text("DEFAULT");
    }

    fn evaluated_defaults(&self, _: &mut Writer<'_>, _: &NewValues<'_>) {}

    fn never_replacing(&self) -> &'static str {
        ""
    }

    fn row_of_defaults(&self) -> &'static str {
        " () VALUES ()"
    }

    fn generated_number(&self) -> Option<&'static str> {
        Some("LAST_INSERT_ID()")
    }

    fn constant(&self, writer: &mut Writer<'_>, constant: &Constant) {
        constant::write(writer, constant);
    }

    fn can_equal(&self, writer: &Writer<'_>, operand: &Typed, constant: &Constant) -> bool {
        constant::can_equal(writer, operand, constant)
    }

    fn marked(&self, writer: &mut Writer<'_>, term: &Typed, mark: &Mark, form: u8, value: &Value) {
        constant::marked(writer, term, mark, form, value);
    }

    fn compares_directly(&self, operand: &Typed) -> bool {
        compare::is_direct(operand)
    }

    fn no_number_is_null(&self) -> bool {
        false
    }

    fn doubles_can_fail(&self) -> bool {
        true
    }

    fn divby_can_fail(&self) -> bool {
        true
    }

    fn column(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::value(writer, column);
    }

    fn is_null(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::is_null(writer, column);
    }

    fn is(&self, writer: &mut Writer<'_>, column: ScanColumn, value: bool) {
        writer.text("(");
        writer.column(column);
        writer.text(if value { " <> 0)" } else { " = 0)" });
    }

    fn is_addressed(&self, writer: &mut Writer<'_>, scan: ScanId) {
        KEYS.is_addressed(writer, scan);
    }

    fn count_shared(&self, writer: &mut Writer<'_>) {
        KEYS.count_shared(writer);
    }

    /// An index serves the test of each row, if there is one.
    fn addressed_check(&self, _: &EntityType) -> Option<String> {
        None
    }

    /// The statement itself compares the keys of all rows, once.
    fn sharing_check(&self, _: &EntityType) -> Option<String> {
        None
    }

    fn has_common_key(&self, writer: &mut Writer<'_>, scan: ScanId, key: &[Typed]) -> bool {
        keys::is_enforced(writer, scan, key)
    }

    fn may_have_uncommon_key(&self, entity_type: &EntityType, _: &[Typed]) -> bool {
        !entity_type.key_is_enforced
    }

    fn sorts_as_stored(&self, entity_type: &EntityType, column: usize) -> bool {
        column::sorts_as_stored(entity_type, column)
    }

    fn values_sort_as_stored(&self, entity_type: &EntityType, column: usize) -> bool {
        column::values_sort_as_stored(&entity_type.properties[column])
    }

    fn reads_nulls_apart(&self, writer: &Writer<'_>, term: &Typed) -> bool {
        match term.term {
            Term::Column(column) => column::has_index_of_values(writer.property(column)),
            _ => false,
        }
    }

    fn sorts_as_null(&self, writer: &mut Writer<'_>, term: &Typed, null: bool) {
        match term.term {
            Term::Column(column) if null => column::is_null(writer, column),
            Term::Column(column) => column::has_value(writer, column),
            _ => {
                writer.sort_term(term);
                writer.text(if null { " IS NULL" } else { " IS NOT NULL" });
            }
        }
    }

    fn and_has_value(&self, writer: &mut Writer<'_>, term: &Typed) {
        if let Term::Column(column) = term.term {
            column::and_has_value(writer, column);
        }
    }

    fn stored(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::stored(writer, column);
    }

    fn listed(&self, writer: &mut Writer<'_>, operand: &Typed) {
        match operand.term {
            Term::Column(column) => column::beside_equal(writer, column),
            _ => writer.operand(operand),
        }
    }

    fn listed_item(&self, writer: &mut Writer<'_>, _: &Typed, item: &Typed) {
        writer.operand(item);
    }

    fn read(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::shown(writer, column);
    }

    fn computed(&self, writer: &mut Writer<'_>, value: &Typed) {
        if matches!(value.class, Class::String | Class::Duration) {
            characters(writer, value);
        } else {
            writer.operand(value);
        }
    }

    fn same(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.column(column);
    }

    fn sorted(&self, writer: &mut Writer<'_>, term: &Typed) {
        match term.term {
            Term::Column(column) => column::sorted(writer, column),
            _ if matches!(term.class, Class::String | Class::Binary) => {
                around(writer, "LEFT(", [term], "", column::SORTED_BYTES);
            }
            _ => writer.operand(term),
        }
    }

    fn ordered(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::beside_different(writer, column);
    }

    fn order_check(&self, _: &EntityType, _: usize) -> Option<String> {
        None
    }

    fn layout_check(&self, _: &EntityType, _: usize) -> Option<String> {
        None
    }

    fn stored_constant(&self, _: &EntityType, _: usize, _: &Constant) -> Option<Value> {
        None
    }

    fn is_listable(&self, entity_type: &EntityType, column: usize, constant: &Constant) -> bool {
        column::is_listable(&entity_type.properties[column], constant)
    }

    fn digest(&self, writer: &mut Writer<'_>, term: &Typed) {
        writer.text("CAST(CONV(LEFT(SHA2(");
        if term.class == Class::String {
            writer.text("CONVERT(");
            writer.sort_term(term);
            writer.text(" USING utf8mb4)");
        } else {
            writer.sort_term(term);
        }
        writer.text(", 256), 16), 16, -10) AS SIGNED)");
    }

    fn begins(&self, writer: &mut Writer<'_>, arguments: &[Typed]) -> bool {
        compare::begins(writer, arguments)
    }

    fn at_least(&self, writer: &mut Writer<'_>, left: &Typed, right: &Typed) {
        around(writer, "COALESCE(", [left, right], " >= ", ", ");
        around(writer, "", [left, right], " IS NULL AND ", " IS NULL)");
    }

    fn compare(&self, writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed) {
        compare::compare(writer, comparison, left, right);
    }

    fn negate(&self, writer: &mut Writer<'_>, operand: &Typed) {
        writer.text("(- ");
        number::exact(writer, operand);
        writer.text(")");
    }

    fn null_safe(&self, equal: bool) -> (&'static str, &'static str) {
        (if equal { "" } else { "NOT " }, " <=> ")
    }

    fn whole(&self, writer: &mut Writer<'_>, operand: &Typed, bounds: [i64; 2]) {
        number::whole(writer, operand, bounds);
    }

    fn cast(&self, writer: &mut Writer<'_>, operand: &Typed, cast: Cast) {
        cast::write(writer, operand, cast);
    }

    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
        call::call(writer, function, arguments);
    }

    fn aggregate(&self, writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>) {
        call::aggregate(writer, function, operand);
    }

    fn sum_over(&self, writer: &mut Writer<'_>, operand: &Typed, window: &dyn Fn(&mut Writer<'_>)) {
        self.aggregate(writer, AggregateFunction::Sum, Some(operand));
        window(writer);
    }

    fn null_of(&self, _: Class) -> &'static str {
        "NULL"
    }

    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
        number::arithmetic(writer, operator, left, right);
    }
}

/// Writes a text as characters. Their collation tells all of them apart.
fn characters(writer: &mut Writer<'_>, operand: &Typed) {
    around(writer, "(CONVERT(", [operand], "", " USING utf8mb4) COLLATE utf8mb4_bin)");
}
