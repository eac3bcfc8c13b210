//! Complete statements: a page, one entity, a count.

use super::assumed::{Assumed, LONG_PATIENCE};
use super::columns::StatementColumns;
use super::rows::page::{Paged, keyset};
use super::rows::{Rows, has_key};
use super::{Dialect, MAX_SQL_AFTER, Writer};
use crate::error::{Error, Reason};
use crate::model::EntityType;
use crate::position::Mark;
use crate::sql::clauses::RowLimits;
use crate::statement::{Quicker, Statement};
use crate::tree::{Order, Page, PlanNode, Scans};

/// The statement that reads a page, from its start or after its position.
pub(crate) fn page(columns: &StatementColumns<'_>) -> Result<Statement, Error> {
    let (page, after) = (Paged::of(columns), columns.page.after.as_deref());
    let mut statement = written(&page, columns, after, Assumed::default())?;
    statement.quicker = quicker(&page, columns, after).map(Box::new);
    Ok(statement)
}

/// The statement that reads rows with others that are related to them. `base` is the page below them, if there is one.
pub(crate) fn related(columns: &StatementColumns<'_>, base: Option<&Page<'_>>) -> Result<Statement, Error> {
    let page = Paged::of(columns);
    let mut writer = Writer::of(columns.dialect, columns.scans, &page.rows);
    page.write(&mut writer, None);
    if let Some(base) = base.filter(|base| base.after.is_none()) {
        later_pages_fit(&writer, &base.order)?;
    }
    writer.statement(columns.read.len())
}

/// Returns the statement that uses stored values, if an index can then serve an order or a condition. Stored
/// values are only equivalent while each column keeps to its layout; the checks find out.
fn quicker(page: &Paged<'_>, columns: &StatementColumns<'_>, after: Option<&[Mark]>) -> Option<Quicker> {
    let scan = page.rows.table()?;
    let mut assumed = Assumed::of_order(scan, page.order, columns.rules(), after)
        .unwrap_or_else(|| Assumed { marks: after.map(<[Mark]>::to_vec), ..Assumed::default() });
    assumed.of_condition(columns.dialect, scan, &page.rows.conditions);
    assumed.of_sharing(columns.dialect, scan);
    if assumed.checks.is_empty() {
        return None;
    }
    let (checks, marks) = (std::mem::take(&mut assumed.checks), assumed.marks.take());
    let patience_millis = assumed.patience_millis;
    let statement = written(page, columns, marks.as_deref(), assumed).ok()?;
    Some(Quicker { checks, patience_millis, statement })
}

fn written(
    page: &Paged<'_>,
    columns: &StatementColumns<'_>,
    after: Option<&[Mark]>,
    assumed: Assumed,
) -> Result<Statement, Error> {
    let mut writer = assumed.writer(Writer::of(columns.dialect, columns.scans, &page.rows));
    page.write(&mut writer, after);
    if after.is_none() {
        later_pages_fit(&writer, page.order)?;
    }
    writer.statement(columns.read.len())
}

/// Later pages must be possible too. Besides its own text, each branch repeats terms of the order.
fn later_pages_fit(writer: &Writer<'_>, order: &[Order]) -> Result<(), Error> {
    let branches = keyset::most_branches(writer.rules, order);
    if writer.sql.len() * branches * 3 / 2 > MAX_SQL_AFTER {
        return Err(Reason::TooComplex.at("query", 0));
    }
    Ok(())
}

/// The statement that finds out whether a page has a row.
pub(crate) fn existence(dialect: Dialect, page: &Page<'_>) -> Result<Statement, Error> {
    let (scans, key) = (Scans::of_page(page), page.input.key());
    one(&StatementColumns::of(dialect, &scans, page, &key[..1]))
}

/// The statement that reads one row.
pub(crate) fn one(columns: &StatementColumns<'_>) -> Result<Statement, Error> {
    match Paged::of(columns).rows.table() {
        Some(_) => entity(columns),
        None => related(columns, None),
    }
}

/// The statement that reads one entity by its key, if no other row has the same address. It searches first
/// for the row whose key has the usual layout, which an index finds, and for others only if there is none.
pub(crate) fn entity(columns: &StatementColumns<'_>) -> Result<Statement, Error> {
    let page = Paged::of(columns);
    let scan = page.rows.table().unwrap_or_else(|| unreachable!("an entity is a row of a table"));
    let mut writer = Writer::of(columns.dialect, columns.scans, &page.rows);
    writer.may_search = true;
    let rules = writer.rules;
    page.select(&mut writer);
    writer.text(" WHERE ");
    let has_common = rules.has_common_key(&mut writer, scan.id, &scan.key);
    if has_common {
        further(&mut writer, &page.rows);
    }
    if !has_common || rules.may_have_uncommon_key(scan.entity_type, &scan.key) {
        if has_common {
            writer.sql.insert_str(0, "SELECT * FROM (");
            writer.text(" UNION ALL ");
        } else {
            writer.sql = String::from("SELECT * FROM (");
        }
        page.select(&mut writer);
        writer.text(" WHERE ");
        has_key(&mut writer, &scan.key);
        further(&mut writer, &page.rows);
        writer.text(" AND 1 = (SELECT count(*) FROM (SELECT 1 FROM ");
        writer.every_row(scan.id);
        writer.text(" WHERE ");
        has_key(&mut writer, &scan.key);
        rules.first_rows(&mut writer.sql, 2);
        writer.text(")");
        writer.text(rules.subquery_alias());
        writer.text("))");
        writer.text(rules.subquery_alias());
    }
    rules.limit(&mut writer, RowLimits { rows: 1, skip: 0 });
    writer.statement(columns.read.len())
}

/// Writes the conditions of the filters over the row with a key.
fn further(writer: &mut Writer<'_>, rows: &Rows<'_>) {
    for condition in &rows.conditions {
        writer.text(" AND ");
        writer.truth(condition);
    }
}

/// The statement that counts the rows of a tree.
pub(crate) fn count_rows(dialect: Dialect, tree: &PlanNode<'_>) -> Result<Statement, Error> {
    let (scans, rows) = (Scans::of(tree), Rows::of(tree));
    let mut statement = counted(Writer::of(dialect, &scans, &rows), &rows)?;
    let Some(scan) = rows.table() else { return Ok(statement) };
    let mut assumed = Assumed::default();
    assumed.of_condition(dialect, scan, &rows.conditions);
    assumed.of_sharing(dialect, scan);
    assumed.of_keys(dialect, scan, &rows.conditions);
    let checks = std::mem::take(&mut assumed.checks);
    if !checks.is_empty() {
        let of_stored = counted(assumed.writer(Writer::of(dialect, &scans, &rows)), &rows)?;
        let quicker = Quicker { checks, patience_millis: LONG_PATIENCE, statement: of_stored };
        statement.quicker = Some(Box::new(quicker));
    }
    Ok(statement)
}

fn counted(mut writer: Writer<'_>, rows: &Rows<'_>) -> Result<Statement, Error> {
    writer.text("SELECT count(*)");
    rows.from(&mut writer);
    let named = writer.sql.len();
    rows.conditions(&mut writer, |_| {});
    // If all rows are counted, SQLite uses the smallest index, whatever it needs.
    let is_alone = |entity_type: &EntityType| entity_type.has_unusable_index && entity_type.rule.is_none();
    let has_unusable_index = rows.table().is_some_and(|scan| is_alone(scan.entity_type));
    if writer.sql.len() == named && has_unusable_index {
        writer.text(writer.rules.without_index());
    }
    writer.statement(1)
}

/// The statement that counts the rows that have a key but are omitted, because they share their address with
/// others.
pub(crate) fn count_shared(dialect: Dialect, entity_type: &EntityType) -> Result<Statement, Error> {
    let mut writer = Writer::of_table(dialect, entity_type);
    writer.rules.count_shared(&mut writer);
    writer.statement(1)
}
