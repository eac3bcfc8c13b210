//! A database that differs from SQLite wherever it may: it keeps the declared types, has Booleans, names
//! subqueries, puts null last, and compares no row values.

use std::fmt::Write as _;

use crate::cell::Value;
use crate::instant::date_text;
use crate::literal::guid_text;
use crate::model::{EntityType, Property};
use crate::position::Mark;
use crate::sql::clauses::{RowLimits, count, symbol};
use crate::sql::{Capacity, Dialect, Rules, Writer};
use crate::tree::AggregateFunction;
use crate::tree::cast::Cast;
use crate::tree::class::Class;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::function::Function;
use crate::tree::new_value::NewValues;
use crate::tree::typed::{Arithmetic, Comparison, Constant, Term, Typed};

pub(in crate::sql) struct Strict;

/// What a call begins with.
pub(super) fn name(function: Function) -> &'static str {
    match function {
        Function::Contains => "contains(",
        Function::StartsWith => "starts_with(",
        Function::EndsWith => "ends_with(",
        Function::Length => "char_length(",
        Function::IndexOf => "index_of(",
        Function::Substring => "substring(",
        Function::ToLower => "lower(",
        Function::ToUpper => "upper(",
        Function::Trim => "btrim(",
        Function::Concat => "concat(",
        Function::Year => "year(",
        Function::Month => "month(",
        Function::Day => "day(",
        Function::Hour => "hour(",
        Function::Minute => "minute(",
        Function::Second => "second(",
        Function::FractionalSeconds => "fraction(",
        Function::Date => "to_date(",
        Function::Time => "to_time(",
        Function::TotalSeconds => "seconds(",
        Function::Round => "round(",
        Function::Floor => "floor(",
        Function::Ceiling => "ceil(",
    }
}

fn joined(writer: &mut Writer<'_>, before: &str, operands: &[&Typed], between: &str) {
    writer.text(before);
    for (index, operand) in operands.iter().enumerate() {
        writer.text(if index == 0 { "" } else { between });
        writer.operand(operand);
    }
    writer.text(")");
}

fn value(constant: &Constant) -> Value {
    match constant {
        Constant::Boolean(value) => Value::Integer(i64::from(*value)),
        Constant::Integer(value) => Value::Integer(*value),
        Constant::Double(value) => Value::Real(*value),
        Constant::Decimal(text) | Constant::String(text) | Constant::Duration(text) => {
            Value::Text(text.clone())
        }
        Constant::Guid(guid) => Value::Text(guid_text(guid)),
        Constant::Date(date) => Value::Text(date_text(*date)),
        Constant::TimeOfDay(clock) => Value::Text(clock.text()),
        Constant::DateTimeOffset(instant) => Value::Text(instant.text()),
        Constant::Binary(bytes) => Value::Blob(bytes.clone()),
    }
}

impl Rules for Strict {
    fn capacity(&self) -> Capacity {
        Capacity { columns: 8, parameters: 40 }
    }

    fn without_index(&self) -> &'static str {
        ""
    }

    fn identifier(&self, sql: &mut String, name: &str) {
        write!(sql, "[{}]", name.replace(']', "]]")).unwrap();
    }

    fn mark(&self, sql: &mut String, number: usize) {
        write!(sql, "${number}").unwrap();
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
        false
    }

    fn has_limits_in_lists(&self) -> bool {
        true
    }

    fn direction(&self, nullable: bool, descending: bool) -> &'static str {
        match (nullable, descending) {
            (true, true) => " DESC NULLS LAST",
            (true, false) => " NULLS FIRST",
            (false, true) => " DESC",
            (false, false) => "",
        }
    }

    fn limit(&self, writer: &mut Writer<'_>, limits: RowLimits) {
        writer.text(" OFFSET ");
        writer.parameter(count(limits.skip));
        writer.text(" ROWS FETCH NEXT ");
        writer.parameter(count(limits.rows));
        writer.text(" ROWS ONLY");
    }

    fn first_rows(&self, sql: &mut String, rows: u8) {
        write!(sql, " FETCH FIRST {rows} ROWS ONLY").unwrap();
    }

    fn keeps_order_of_union(&self) -> bool {
        false
    }

    fn alias(&self, sql: &mut String, scan: ScanId) {
        write!(sql, " AS [s{}]", scan.index()).unwrap();
    }

    fn qualifier(&self, sql: &mut String, scan: ScanId) {
        write!(sql, "[s{}].", scan.index()).unwrap();
    }

    fn not_merged(&self) -> &'static str {
        " OFFSET 0"
    }

    fn subquery_alias(&self) -> &'static str {
        " AS t"
    }

    fn assigned(&self, property: &Property, constant: &Constant) -> Option<Value> {
        Dialect::Sqlite.rules().assigned(property, constant)
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
        match constant {
            Constant::Boolean(value) => writer.text(self.boolean(*value)),
            constant => writer.repeated(constant, 0, value(constant)),
        }
    }

    fn can_equal(&self, _: &Writer<'_>, _: &Typed, _: &Constant) -> bool {
        true
    }

    fn marked(&self, writer: &mut Writer<'_>, _: &Typed, mark: &Mark, form: u8, value: &Value) {
        writer.repeated(mark, form, value.clone());
    }

    fn compares_directly(&self, _: &Typed) -> bool {
        true
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
        writer.column(column);
    }

    fn is_null(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.text("(");
        writer.column(column);
        writer.text(" IS NULL)");
    }

    fn is(&self, writer: &mut Writer<'_>, column: ScanColumn, value: bool) {
        writer.text(if value { "" } else { "NOT " });
        writer.column(column);
    }

    fn is_addressed(&self, writer: &mut Writer<'_>, _: ScanId) {
        writer.text(self.boolean(true));
    }

    fn count_shared(&self, writer: &mut Writer<'_>) {
        writer.text("SELECT 0");
    }

    fn addressed_check(&self, _: &EntityType) -> Option<String> {
        None
    }

    fn sharing_check(&self, _: &EntityType) -> Option<String> {
        None
    }

    fn has_common_key(&self, writer: &mut Writer<'_>, _: ScanId, key: &[Typed]) -> bool {
        for (index, condition) in key.iter().enumerate() {
            writer.text(if index == 0 { "" } else { " AND " });
            writer.truth(condition);
        }
        true
    }

    /// Text is compared without case here, so that rows may share an address.
    fn may_have_uncommon_key(&self, entity_type: &EntityType, _: &[Typed]) -> bool {
        entity_type.key.iter().any(|column| entity_type.properties[*column].ty.bounds().is_none())
    }

    fn sorts_as_stored(&self, _: &EntityType, _: usize) -> bool {
        true
    }

    fn values_sort_as_stored(&self, _: &EntityType, _: usize) -> bool {
        true
    }

    fn reads_nulls_apart(&self, writer: &Writer<'_>, term: &Typed) -> bool {
        matches!(term.term, Term::Column(column) if writer.property(column).storage.index.is_some())
    }

    fn sorts_as_null(&self, writer: &mut Writer<'_>, term: &Typed, null: bool) {
        writer.sort_term(term);
        writer.text(if null { " IS NULL" } else { " IS NOT NULL" });
    }

    fn and_has_value(&self, _: &mut Writer<'_>, _: &Typed) {}

    fn stored(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.column(column);
    }

    fn listed(&self, writer: &mut Writer<'_>, operand: &Typed) {
        writer.operand(operand);
    }

    fn listed_item(&self, writer: &mut Writer<'_>, _: &Typed, item: &Typed) {
        writer.operand(item);
    }

    fn read(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.column(column);
    }

    fn computed(&self, writer: &mut Writer<'_>, value: &Typed) {
        writer.operand(value);
    }

    fn same(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.column(column);
    }

    fn sorted(&self, writer: &mut Writer<'_>, term: &Typed) {
        writer.operand(term);
    }

    fn ordered(&self, writer: &mut Writer<'_>, column: ScanColumn) {
        writer.column(column);
    }

    fn order_check(&self, _: &EntityType, _: usize) -> Option<String> {
        None
    }

    fn layout_check(&self, _: &EntityType, _: usize) -> Option<String> {
        None
    }

    fn stored_constant(&self, _: &EntityType, _: usize, constant: &Constant) -> Option<Value> {
        Some(value(constant))
    }

    fn is_listable(&self, _: &EntityType, _: usize, _: &Constant) -> bool {
        true
    }

    fn digest(&self, writer: &mut Writer<'_>, term: &Typed) {
        joined(writer, "digest(", &[term], "");
    }

    fn begins(&self, _: &mut Writer<'_>, _: &[Typed]) -> bool {
        false
    }

    fn at_least(&self, writer: &mut Writer<'_>, left: &Typed, right: &Typed) {
        joined(writer, "at_least(", &[left, right], ", ");
    }

    fn compare(&self, writer: &mut Writer<'_>, comparison: Comparison, left: &Typed, right: &Typed) {
        joined(writer, "(", &[left, right], symbol(comparison));
    }

    fn negate(&self, writer: &mut Writer<'_>, operand: &Typed) {
        joined(writer, "(-", &[operand], "");
    }

    fn null_safe(&self, equal: bool) -> (&'static str, &'static str) {
        ("", if equal { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " })
    }

    fn whole(&self, writer: &mut Writer<'_>, operand: &Typed, _: [i64; 2]) {
        joined(writer, "whole(", &[operand], "");
    }

    fn cast(&self, writer: &mut Writer<'_>, operand: &Typed, _: Cast) {
        joined(writer, "cast(", &[operand], "");
    }

    fn call(&self, writer: &mut Writer<'_>, function: Function, arguments: &[Typed]) {
        let arguments: Vec<&Typed> = arguments.iter().collect();
        joined(writer, name(function), &arguments, ", ");
    }

    fn aggregate(&self, writer: &mut Writer<'_>, function: AggregateFunction, operand: Option<&Typed>) {
        let before = match function {
            AggregateFunction::Count => "COUNT(*",
            AggregateFunction::CountDistinct => "COUNT(DISTINCT ",
            AggregateFunction::Sum => "SUM(",
            AggregateFunction::Average => "AVG(",
            AggregateFunction::Min => "MIN(",
            AggregateFunction::Max => "MAX(",
        };
        joined(writer, before, operand.as_slice(), "");
    }

    fn sum_over(&self, writer: &mut Writer<'_>, operand: &Typed, window: &dyn Fn(&mut Writer<'_>)) {
        self.aggregate(writer, AggregateFunction::Sum, Some(operand));
        window(writer);
    }

    fn null_of(&self, _: Class) -> &'static str {
        "NULL"
    }

    fn arithmetic(&self, writer: &mut Writer<'_>, operator: Arithmetic, left: &Typed, right: &Typed) {
        let symbol = match operator {
            Arithmetic::Add => " + ",
            Arithmetic::Sub => " - ",
            Arithmetic::Mul => " * ",
            Arithmetic::Div | Arithmetic::DivBy => " / ",
            Arithmetic::Mod => " % ",
        };
        joined(writer, "(", &[left, right], symbol);
    }
}
