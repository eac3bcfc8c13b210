//! Complete statements: a page of a selection, one entity, a count.

use super::assumed::{Assumed, LONG_PATIENCE};
use super::{Dialect, MAX_SQL_AFTER, Rules, Writer, keyset};
use crate::bind::typed::{Term, Typed};
use crate::bind::{Scan, Selection};
use crate::cell::Value;
use crate::error::{Error, Reason};
use crate::form::{Layout, Reading};
use crate::model::EntityType;
use crate::position::Mark;
use crate::statement::{Quicker, Statement};

/// The number of rows to read, and the number to skip first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) rows: u64,
    pub(crate) skip: u64,
}

/// The columns of a statement: first those that are shown, then those that only the position or the address
/// of a row needs.
#[derive(Debug)]
pub(crate) struct Columns {
    dialect: Dialect,
    /// A column of the table by its property, or a term of the order by its index.
    read: Vec<Read>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Property(usize),
    Term(usize),
}

impl Columns {
    pub(crate) fn of(dialect: Dialect, selection: &Selection<'_>) -> Self {
        let read = selection.shown.iter().map(|property| Read::Property(*property)).collect();
        let mut columns = Self { dialect, read };
        for index in 0..selection.order.len() {
            columns.term(selection, index);
        }
        columns
    }

    pub(super) fn rules(&self) -> &'static dyn Rules {
        self.dialect.rules()
    }

    /// The statement's column for a property, added if necessary.
    pub(crate) fn property(&mut self, property: usize) -> usize {
        self.add(Read::Property(property))
    }

    /// The statement's column for a term of the order.
    pub(crate) fn term(&mut self, selection: &Selection<'_>, index: usize) -> usize {
        let (entity_type, rules) = (selection.scan.entity_type, self.dialect.rules());
        self.add(match selection.order[index].term.term {
            Term::Stored(property) => Read::Property(property),
            Term::Column(property) if rules.sorts_as_stored(entity_type, property) => {
                Read::Property(property)
            }
            _ => Read::Term(index),
        })
    }

    /// The key columns of the statement whose cells all had the same layout when they were examined, with
    /// that layout.
    pub(crate) fn stored_alike(&self, selection: &Selection<'_>) -> Vec<(usize, Reading, Layout)> {
        let entity_type = selection.scan.entity_type;
        let of = |property: &usize| {
            let column = self.read.iter().position(|read| *read == Read::Property(*property))?;
            let property = &entity_type.properties[*property];
            let is_alike = property.storage.found.is_some_and(|found| found.all && found.strays == 0);
            is_alike.then_some((column, property.reading(), property.storage.layout))
        };
        entity_type.key.iter().filter_map(of).collect()
    }

    fn add(&mut self, read: Read) -> usize {
        self.read.iter().position(|other| *other == read).unwrap_or_else(|| {
            self.read.push(read);
            self.read.len() - 1
        })
    }
}

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
    let has_usual = rules.has_usual_key(&mut writer, key);
    if !has_usual || rules.may_have_unusual_key(writer.entity_type, key) {
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
        writer.table();
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
    writer.table();
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

/// `SELECT … FROM … WHERE … ORDER BY … LIMIT …`; `further` writes a condition in addition to those of the
/// scan.
pub(super) fn plain(
    writer: &mut Writer<'_>,
    selection: &Selection<'_>,
    columns: &Columns,
    limits: Limits,
    further: impl FnOnce(&mut Writer<'_>),
) {
    list(writer, selection, columns);
    conditions(writer, &selection.scan, further);
    order(writer, selection);
    writer.rules.limit(writer, limits);
}

/// Skips keys only and then fetches the remaining rows, because a skipped row need not be read completely.
fn skipping(writer: &mut Writer<'_>, selection: &Selection<'_>, columns: &Columns, limits: Limits) {
    list(writer, selection, columns);
    writer.text(" WHERE ");
    key(writer, true);
    writer.text(" IN (SELECT ");
    key(writer, false);
    writer.text(" FROM ");
    writer.table();
    conditions(writer, &selection.scan, |_| {});
    order(writer, selection);
    writer.rules.limit(writer, limits);
    writer.text(")");
    order(writer, selection);
}

fn key(writer: &mut Writer<'_>, parentheses: bool) {
    let entity_type = writer.entity_type;
    let parentheses = parentheses && entity_type.key.len() > 1;
    writer.text(if parentheses { "(" } else { "" });
    for (index, property) in entity_type.key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        // Keys that are not enforced may be equal under the collation of their column and still be two keys.
        if entity_type.key_is_enforced {
            writer.rules.same(writer, *property);
        } else {
            writer.rules.stored(writer, *property);
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
        .all(|order| matches!(&order.term.term, Term::Column(column) | Term::Stored(column) if key.contains(column)))
}

fn list(writer: &mut Writer<'_>, selection: &Selection<'_>, columns: &Columns) {
    writer.text("SELECT ");
    for (index, read) in columns.read.iter().enumerate() {
        writer.text(if index == 0 { "" } else { ", " });
        match read {
            Read::Property(property) => writer.rules.same(writer, *property),
            Read::Term(term) => {
                writer.position(&selection.order[*term].term);
            }
        }
    }
    writer.text(" FROM ");
    writer.table();
}

fn conditions(writer: &mut Writer<'_>, scan: &Scan<'_>, further: impl FnOnce(&mut Writer<'_>)) {
    let start = writer.sql.len();
    writer.text(" WHERE ");
    let empty = writer.sql.len();
    let (keys, asked): (Vec<&Typed>, Vec<&Typed>) =
        scan.conditions.iter().partition(|condition| matches!(condition.term, Term::Addressed));
    let keys = if writer.is_addressed { Vec::new() } else { keys };
    // The key is checked in the remaining rows, unless a condition may fail in a row without a key.
    let can_fail = asked.iter().any(|condition| condition.can_fail());
    let (first, second) = if can_fail { (keys, asked) } else { (asked, keys) };
    for (index, condition) in first.into_iter().chain(second).enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        writer.truth(condition);
    }
    let between = writer.sql.len();
    if between > empty {
        writer.text(" AND ");
    }
    let before = writer.sql.len();
    further(writer);
    if writer.sql.len() == before {
        writer.sql.truncate(if between > empty { between } else { start });
    }
}

fn order(writer: &mut Writer<'_>, selection: &Selection<'_>) {
    for (index, order) in selection.order.iter().enumerate() {
        writer.text(if index == 0 { " ORDER BY " } else { ", " });
        writer.sort_term(&order.term);
        writer.text(writer.rules.direction(&order.term, order.descending));
    }
}

/// A number of rows as a parameter.
pub(super) fn count(rows: u64) -> Value {
    Value::Integer(i64::try_from(rows).unwrap_or(i64::MAX))
}
