//! Peculiarities of SQLite: a column may contain anything, whatever type it declares.

mod assigned;
mod call;
mod cast;
mod column;
mod compare;
mod key;

use super::clauses::{RowLimits, around, limit_and_offset, limit_to, plain_alias, quote};
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

pub(super) struct Sqlite;

impl Rules for Sqlite {
    /// SQLite's defaults.
    fn capacity(&self) -> Capacity {
        Capacity { columns: 2_000, parameters: 32_766 }
    }

    fn without_index(&self) -> &'static str {
        " NOT INDEXED"
    }

    fn identifier(&self, sql: &mut String, name: &str) {
        quote(sql, name, '"');
    }

    fn mark(&self, sql: &mut String, number: usize) {
        sql.push('?');
        sql.push_str(itoa::Buffer::new().format(number));
    }

    /// SQLite interprets the words as columns if a table has such.
    fn has_numbered_marks(&self) -> bool {
        true
    }

    fn boolean(&self, value: bool) -> &'static str {
        if value { "1" } else { "0" }
    }

    fn is_true(&self, holds: bool) -> &'static str {
        if holds { " IS 1" } else { " IS NOT 1" }
    }

    fn has_row_values(&self) -> bool {
        true
    }

    fn has_limits_in_lists(&self) -> bool {
        true
    }

    /// Null comes first by itself.
    fn direction(&self, _: bool, descending: bool) -> &'static str {
        if descending { " DESC" } else { "" }
    }

    fn limit(&self, writer: &mut Writer<'_>, limits: RowLimits) {
        limit_and_offset(writer, limits);
    }

    fn first_rows(&self, sql: &mut String, rows: u8) {
        limit_to(sql, rows);
    }

    /// SQLite runs the branches of a subquery one after another, and stops when there are enough rows.
    fn keeps_order_of_union(&self) -> bool {
        true
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
        " LIMIT -1 OFFSET 0"
    }

    fn subquery_alias(&self) -> &'static str {
        ""
    }

    fn assigned(&self, property: &Property, constant: &Constant) -> Option<Value> {
        assigned::stored(property, constant)
    }

    /// SQLite has no word for the default in an `UPDATE`.
    fn assigned_default(&self, writer: &mut Writer<'_>, column: ScanColumn, expression: Option<&str>) {
        assigned::default(writer, column, expression);
    }

    fn evaluated_defaults(&self, writer: &mut Writer<'_>, values: &NewValues<'_>) {
        assigned::evaluated_defaults(writer, values);
    }

    fn never_replacing(&self) -> &'static str {
        " OR ABORT"
    }

    fn row_of_defaults(&self) -> &'static str {
        " DEFAULT VALUES"
    }

    fn generated_number(&self) -> Option<&'static str> {
        None
    }

    fn constant(&self, writer: &mut Writer<'_>, constant: &Constant) {
        match constant {
            Constant::Boolean(value) => writer.text(self.boolean(*value)),
            constant => writer.repeated(constant, 0, constant.compared()),
        }
    }

    fn can_equal(&self, _: &Writer<'_>, _: &Typed, _: &Constant) -> bool {
        true
    }

    fn marked(&self, writer: &mut Writer<'_>, _: &Typed, mark: &Mark, form: u8, value: &Value) {
        writer.repeated(mark, form, value.clone());
    }
    fn compares_directly(&self, operand: &Typed) -> bool {
        // NaN is null here, but not equal to null.
        !operand.may_be_no_number()
    }

    fn no_number_is_null(&self) -> bool {
        true
    }

    fn doubles_can_fail(&self) -> bool {
        false
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
        column::is(writer, column, value);
    }

    fn is_addressed(&self, writer: &mut Writer<'_>, scan: ScanId) {
        key::is_addressed(writer, scan);
    }

    fn count_shared(&self, writer: &mut Writer<'_>) {
        key::count_shared(writer);
    }

    fn addressed_check(&self, entity_type: &EntityType) -> Option<String> {
        Some(key::addressed_check(entity_type))
    }

    fn sharing_check(&self, entity_type: &EntityType) -> Option<String> {
        key::sharing_check(entity_type)
    }

    fn has_common_key(&self, writer: &mut Writer<'_>, scan: ScanId, key: &[Typed]) -> bool {
        key::has_common(writer, scan, key)
    }

    fn may_have_uncommon_key(&self, entity_type: &EntityType, key: &[Typed]) -> bool {
        key::may_be_uncommon(entity_type, key)
    }

    fn sorts_as_stored(&self, entity_type: &EntityType, column: usize) -> bool {
        column::sorts_as_stored(entity_type, column)
    }

    /// The checks of [faster statements](crate::statement::Quicker) decide instead.
    fn values_sort_as_stored(&self, _: &EntityType, _: usize) -> bool {
        false
    }

    /// Null comes first in an index too.
    fn reads_nulls_apart(&self, _: &Writer<'_>, _: &Typed) -> bool {
        false
    }

    fn sorts_as_null(&self, writer: &mut Writer<'_>, term: &Typed, null: bool) {
        writer.sort_term(term);
        writer.text(if null { " IS NULL" } else { " IS NOT NULL" });
    }

    fn and_has_value(&self, _: &mut Writer<'_>, _: &Typed) {}

    fn stored(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::stored(writer, column);
    }

    fn listed(&self, writer: &mut Writer<'_>, operand: &Typed) {
        match operand.term {
            Term::Column(column) => column::stored(writer, column),
            _ => writer.operand(operand),
        }
    }

    fn listed_item(&self, writer: &mut Writer<'_>, _: &Typed, item: &Typed) {
        writer.operand(item);
    }

    fn read(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::same(writer, column);
    }

    fn computed(&self, writer: &mut Writer<'_>, value: &Typed) {
        writer.operand(value);
    }

    fn same(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::same(writer, column);
    }

    fn sorted(&self, writer: &mut Writer<'_>, term: &Typed) {
        match term.term {
            Term::Column(column) if column::keeps_text(writer, column) => column::ordered(writer, column),
            _ if column::may_be_recoded(writer, term) => column::in_order_of_characters(writer, term),
            Term::Column(column) => column::ordered(writer, column),
            _ => writer.operand(term),
        }
    }

    fn ordered(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        column::ordered(writer, column);
    }

    fn order_check(&self, entity_type: &EntityType, column: usize) -> Option<String> {
        column::order_check(entity_type, column)
    }

    fn layout_check(&self, entity_type: &EntityType, column: usize) -> Option<String> {
        column::layout_check(entity_type, column)
    }

    fn stored_constant(&self, entity_type: &EntityType, column: usize, constant: &Constant) -> Option<Value> {
        column::stored_constant(entity_type, column, constant)
    }

    fn is_listable(&self, entity_type: &EntityType, column: usize, constant: &Constant) -> bool {
        column::is_listable(entity_type, column, constant)
    }

    fn digest(&self, writer: &mut Writer<'_>, term: &Typed) {
        column::digest(writer, term);
    }

    /// A literal prefix of a column is a range.
    fn begins(&self, writer: &mut Writer<'_>, arguments: &[Typed]) -> bool {
        let [Typed { term: Term::Column(column), .. }, Typed { term: Term::Constant(constant), .. }] =
            arguments
        else {
            return false;
        };
        let Constant::String(prefix) = constant else { return false };
        let is_textual = writer.property(*column).storage.is_textual;
        if prefix.is_empty() || prefix.contains('\u{FFFD}') || !is_textual {
            return false;
        }
        writer.text("(");
        compare::begins(writer, *column, prefix, constant);
        writer.text(")");
        true
    }

    fn at_least(&self, writer: &mut Writer<'_>, left: &Typed, right: &Typed) {
        around(writer, "sluicegate_at_least(", [left, right], ", ", ")");
    }

    fn compare(&self, writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed) {
        compare::compare(writer, comparison, left, right);
    }

    fn negate(&self, writer: &mut Writer<'_>, operand: &Typed) {
        around(writer, "(-", [operand], "", ")");
    }

    fn null_safe(&self, equal: bool) -> (&'static str, &'static str) {
        ("", if equal { " IS " } else { " IS NOT " })
    }

    fn whole(&self, writer: &mut Writer<'_>, operand: &Typed, [least, most]: [i64; 2]) {
        around(writer, "sluicegate_whole(", [operand], "", &format!(", {least}, {most})"));
    }

    fn cast(&self, writer: &mut Writer<'_>, operand: &Typed, cast: Cast) {
        cast::write(writer, operand, cast);
    }

    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
        call::call(writer, function, arguments);
    }

    fn aggregate(&self, writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>) {
        call::check_order(writer, function, operand);
        let before = call::aggregate(function, operand.map(|operand| operand.class));
        around(writer, before, operand, "", ")");
    }

    fn sum_over(&self, writer: &mut Writer<'_>, operand: &Typed, window: &dyn Fn(&mut Writer<'_>)) {
        self.aggregate(writer, AggregateFunction::Sum, Some(operand));
        window(writer);
    }

    fn null_of(&self, _: Class) -> &'static str {
        "NULL"
    }

    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
        call::arithmetic(writer, operator, left, right);
    }
}
