//! Peculiarities of PostgreSQL: a column has a type, but the type may have values that OData does not, such as the date
//! `infinity`, and null comes last in an index.
//!
//! What a statement compares has the type of its [class](crate::tree::class::Class): integers and decimals are integers
//! or `numeric`, doubles `float8`, instants `timestamptz`, and text has the collation `C`. `NaN` stays a number until it
//! is compared.

mod assigned;
mod call;
mod cast;
mod column;
mod compare;
mod constant;
mod number;

use super::clauses::{RowLimits, limit_and_offset, limit_to, plain_alias, quote};
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

pub(super) struct Postgres;

const KEYS: TypedKeys = TypedKeys {
    has_value: column::has_value,
    value: column::value,
    zero: "SELECT 0::int8",
    total: "SELECT coalesce(sum(d.n), 0)::int8",
};

impl Rules for Postgres {
    /// The limits of the protocol and of a row.
    fn capacity(&self) -> Capacity {
        Capacity { columns: 1_600, parameters: 65_535 }
    }

    fn without_index(&self) -> &'static str {
        ""
    }

    fn identifier(&self, sql: &mut String, name: &str) {
        quote(sql, name, '"');
    }

    fn mark(&self, sql: &mut String, number: usize) {
        sql.push('$');
        sql.push_str(itoa::Buffer::new().format(number));
    }

    fn has_numbered_marks(&self) -> bool {
        true
    }

    fn boolean(&self, value: bool) -> &'static str {
        if value { "TRUE" } else { "FALSE" }
    }

    fn is_true(&self, holds: bool) -> &'static str {
        if holds { " IS TRUE" } else { " IS NOT TRUE" }
    }

    fn has_row_values(&self) -> bool {
        true
    }

    fn has_limits_in_lists(&self) -> bool {
        true
    }

    /// Null comes last by itself. An index can serve an order only if both put null in the same place.
    fn direction(&self, nullable: bool, descending: bool) -> &'static str {
        match (nullable, descending) {
            (true, true) => " DESC NULLS LAST",
            (true, false) => " NULLS FIRST",
            (false, true) => " DESC",
            (false, false) => "",
        }
    }

    fn limit(&self, writer: &mut Writer<'_>, limits: RowLimits) {
        limit_and_offset(writer, limits);
    }

    fn first_rows(&self, sql: &mut String, rows: u8) {
        limit_to(sql, rows);
    }

    /// The branches may be read in parallel.
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
        " OFFSET 0"
    }

    fn subquery_alias(&self) -> &'static str {
        " AS t"
    }

    fn assigned(&self, _: &Property, constant: &Constant) -> Option<Value> {
        assigned::text(constant).map(Value::Untyped)
    }

    fn assigned_default(&self, writer: &mut Writer<'_>, _: ScanColumn, _: Option<&str>) {
        writer.text("DEFAULT");
    }

    fn evaluated_defaults(&self, _: &mut Writer<'_>, _: &NewValues<'_>) {}

    fn never_replacing(&self) -> &'static str {
        ""
    }

    fn row_of_defaults(&self) -> &'static str {
        " DEFAULT VALUES"
    }

    fn generated_number(&self) -> Option<&'static str> {
        None
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
        false
    }

    fn column(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::value(writer, column);
    }

    fn is_null(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::is_null(writer, column);
    }

    fn is(&self, writer: &mut Writer<'_>, column: ScanColumn, value: bool) {
        writer.text(if value { "" } else { "NOT " });
        writer.column(column);
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
        column::values_sort_as_stored(entity_type, column)
    }

    fn reads_nulls_apart(&self, writer: &Writer<'_>, term: &Typed) -> bool {
        match term.term {
            Term::Column(column) => column::has_index_in_order(writer.property(column)),
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
            _ => compare::side(writer, operand),
        }
    }

    /// A double would make PostgreSQL compare the whole list as doubles.
    fn listed_item(&self, writer: &mut Writer<'_>, operand: &Typed, item: &Typed) {
        match &item.term {
            Term::Constant(double @ Constant::Double(_)) => compare::value(writer, operand, double),
            _ => writer.operand(item),
        }
    }

    fn read(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::shown(writer, column);
    }

    fn computed(&self, writer: &mut Writer<'_>, value: &Typed) {
        writer.operand(value);
    }

    fn same(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.column(column);
    }

    fn sorted(&self, writer: &mut Writer<'_>, term: &Typed) {
        match term.term {
            Term::Column(column) => column::sorted(writer, column),
            _ => writer.operand(term),
        }
    }

    fn ordered(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::beside_equal(writer, column);
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
        writer.text("('x' || left(encode(sha256(");
        if term.class == Class::Binary {
            writer.sort_term(term);
        } else {
            writer.text("convert_to(");
            writer.sort_term(term);
            writer.text(", 'UTF8')");
        }
        writer.text("), 'hex'), 16))::bit(64)::int8");
    }

    fn begins(&self, writer: &mut Writer<'_>, arguments: &[Typed]) -> bool {
        compare::begins(writer, arguments)
    }

    fn at_least(&self, writer: &mut Writer<'_>, left: &Typed, right: &Typed) {
        once(writer, "coalesce(d.a >= d.b, d.a IS NULL AND d.b IS NULL)", &[left, right]);
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
        ("", if equal { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " })
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
        call::sum_over(writer, operand, window);
    }

    fn null_of(&self, class: Class) -> &'static str {
        column::null_of(class)
    }

    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
        number::arithmetic(writer, operator, left, right);
    }
}

/// Writes an expression that uses each of several operands more than once, under the names `d.a`, `d.b` and `d.c`. The
/// operands are written and evaluated once: `OFFSET` keeps PostgreSQL from copying them into the expression, which would
/// double a nested one at each level.
fn once(writer: &mut Writer<'_>, expression: &str, operands: &[&Typed]) {
    once_as(writer, expression, operands, plain);
}

fn plain(writer: &mut Writer<'_>, operand: &Typed) {
    writer.operand(operand);
}

/// Like [`once`], with a way to write the operands.
fn once_as(
    writer: &mut Writer<'_>,
    expression: &str,
    operands: &[&Typed],
    write: fn(&mut Writer<'_>, &Typed),
) {
    writer.text("(SELECT ");
    writer.text(expression);
    writer.text(" FROM (SELECT ");
    for (index, (operand, name)) in operands.iter().zip(["a", "b", "c"]).enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        write(writer, operand);
        writer.text(" AS ");
        writer.text(name);
    }
    writer.text(" OFFSET 0) AS d)");
}
