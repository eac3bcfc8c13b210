//! Complete statements: a page of a selection, one entity, a count.

use super::assumed::{Assumed, LONG_PATIENCE};
use super::clauses::{Limits, conditions, list, order, plain};
use super::columns::Columns;
use super::{Dialect, MAX_SQL_AFTER, Writer, keyset};
use crate::bind::typed::{Term, Typed};
use crate::bind::{Scan, Selection};
use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::plan::column::ScanId;
use crate::position::Mark;
use crate::statement::{Quicker, Statement};

/// The statement that reads a page of a selection, from its start or after a position.
pub(crate) fn page(
    selection: &Selection<'_>,
    columns: &Columns,
    after: Option<&[Mark]>,
    limits: Limits,
) -> Result<Statement, Error> {
    let mut statement = written(selection, columns, after, limits, Assumed::default())?;
    statement.quicker = quicker(selection, columns, after, limits).map(Box::new);
    Ok(statement)
}

/// Returns the statement that uses stored values, if an index can then serve an order or a condition. Stored
/// values are only equivalent while each column keeps to its layout; the checks find out.
fn quicker(
    selection: &Selection<'_>,
    columns: &Columns,
    after: Option<&[Mark]>,
    limits: Limits,
) -> Option<Quicker> {
    let mut assumed = Assumed::of_order(selection, columns, after)
        .unwrap_or_else(|| Assumed { marks: after.map(<[Mark]>::to_vec), ..Assumed::default() });
    assumed.of_condition(columns.dialect, &selection.scan);
    assumed.of_sharing(columns.dialect, &selection.scan);
    if assumed.checks.is_empty() {
        return None;
    }
    let (checks, marks) = (std::mem::take(&mut assumed.checks), assumed.marks.take());
    let patience_millis = assumed.patience_millis;
    let statement = written(selection, columns, marks.as_deref(), limits, assumed).ok()?;
    Some(Quicker { checks, patience_millis, statement })
}

fn written(
    selection: &Selection<'_>,
    columns: &Columns,
    after: Option<&[Mark]>,
    limits: Limits,
    assumed: Assumed,
) -> Result<Statement, Error> {
    let mut writer = assumed.writer(columns.dialect, &selection.scan);
    match after {
        Some(values) => {
            writer.longest = MAX_SQL_AFTER;
            keyset::after(&mut writer, selection, columns, values, limits);
        }
        None if limits.skip > 0 && skips_by_key(&writer, selection) => {
            skipping(&mut writer, selection, columns, limits);
        }
        None => plain(&mut writer, selection, columns, limits, |_| {}),
    }
    // Later pages must be possible too. Besides its own text, each branch repeats terms of the order.
    let branches = keyset::most_branches(writer.rules, &selection.order);
    if after.is_none() && writer.sql.len() * branches * 3 / 2 > MAX_SQL_AFTER {
        return Err(Reason::TooComplex.at("query", 0));
    }
    writer.statement(columns.read.len())
}

/// The statement that reads one entity by its key, if no other row has the same address. It searches first
/// for the row whose key has the usual layout, which an index finds, and for others only if there is none.
pub(crate) fn entity(selection: &Selection<'_>, columns: &Columns) -> Result<Statement, Error> {
    let mut writer = Writer::new(columns.dialect, selection.scan.entity_type);
    writer.may_search = true;
    let (rules, key) = (writer.rules, &selection.scan.key);
    list(&mut writer, selection, columns);
    writer.text(" WHERE ");
    let has_usual = rules.has_usual_key(&mut writer, ScanId::FIRST, key);
    if !has_usual || rules.may_have_unusual_key(selection.scan.entity_type, key) {
        if has_usual {
            writer.sql.insert_str(0, "SELECT * FROM (");
            writer.text(" UNION ALL ");
        } else {
            writer.sql = String::from("SELECT * FROM (");
        }
        list(&mut writer, selection, columns);
        writer.text(" WHERE ");
        has_key(&mut writer, key);
        writer.text(" AND 1 = (SELECT count(*) FROM (SELECT 1 FROM ");
        writer.table(ScanId::FIRST);
        writer.text(" WHERE ");
        has_key(&mut writer, key);
        rules.first_rows(&mut writer.sql, 2);
        writer.text(")");
        writer.text(rules.subquery_alias());
        writer.text("))");
        writer.text(rules.subquery_alias());
    }
    rules.limit(&mut writer, Limits { rows: 1, skip: 0 });
    writer.statement(columns.read.len())
}

/// Writes a condition that the key has these values.
fn has_key(writer: &mut Writer<'_>, key: &[Typed]) {
    for (index, condition) in key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        writer.truth(condition);
    }
}

/// The statement that counts the rows of a scan.
pub(crate) fn count_rows(dialect: Dialect, scan: &Scan<'_>) -> Result<Statement, Error> {
    let mut statement = counted(dialect, scan, Assumed::default())?;
    let mut assumed = Assumed::default();
    assumed.of_condition(dialect, scan);
    assumed.of_sharing(dialect, scan);
    assumed.of_keys(dialect, scan);
    let checks = std::mem::take(&mut assumed.checks);
    if !checks.is_empty() {
        let of_stored = counted(dialect, scan, assumed)?;
        let quicker = Quicker { checks, patience_millis: LONG_PATIENCE, statement: of_stored };
        statement.quicker = Some(Box::new(quicker));
    }
    Ok(statement)
}

fn counted(dialect: Dialect, scan: &Scan<'_>, assumed: Assumed) -> Result<Statement, Error> {
    let mut writer = assumed.writer(dialect, scan);
    writer.text("SELECT count(*) FROM ");
    writer.table(ScanId::FIRST);
    let named = writer.sql.len();
    conditions(&mut writer, scan, |_| {});
    // If all rows are counted, SQLite uses the smallest index, whatever it needs.
    if writer.sql.len() == named && scan.entity_type.has_unusable_index {
        writer.text(writer.rules.without_index());
    }
    writer.statement(1)
}

/// The statement that counts the rows that have a key but are omitted, because they share their address with
/// others.
pub(crate) fn count_shared(dialect: Dialect, entity_type: &EntityType) -> Result<Statement, Error> {
    let mut writer = Writer::new(dialect, entity_type);
    writer.rules.count_shared(&mut writer);
    writer.statement(1)
}

/// Skips keys only and then fetches the remaining rows, because a skipped row need not be read completely.
fn skipping(writer: &mut Writer<'_>, selection: &Selection<'_>, columns: &Columns, limits: Limits) {
    list(writer, selection, columns);
    writer.text(" WHERE ");
    key(writer, true);
    writer.text(" IN (SELECT ");
    key(writer, false);
    writer.text(" FROM ");
    writer.table(ScanId::FIRST);
    conditions(writer, &selection.scan, |_| {});
    order(writer, selection);
    writer.rules.limit(writer, limits);
    writer.text(")");
    order(writer, selection);
}

fn key(writer: &mut Writer<'_>, parentheses: bool) {
    let entity_type = writer.entity_type(ScanId::FIRST);
    let parentheses = parentheses && entity_type.key.len() > 1;
    writer.text(if parentheses { "(" } else { "" });
    for (index, property) in entity_type.key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        // Keys that are not enforced may be equal under the collation of their column and still be two keys.
        if entity_type.key_is_enforced {
            writer.rules.same(writer, ScanId::FIRST.column(*property));
        } else {
            writer.rules.stored(writer, ScanId::FIRST.column(*property));
        }
    }
    writer.text(if parentheses { ")" } else { "" });
}

/// Whether the rows to skip are found by their keys first.
fn skips_by_key(writer: &Writer<'_>, selection: &Selection<'_>) -> bool {
    let is_one_column = selection.scan.entity_type.key.len() == 1;
    (is_one_column || writer.rules.has_row_values()) && !is_by_key(selection)
}

fn is_by_key(selection: &Selection<'_>) -> bool {
    let key = &selection.scan.entity_type.key;
    selection
        .order
        .iter()
        .all(|order| matches!(&order.term.term, Term::Column(column) | Term::Stored(column) if key.contains(&column.property)))
}
