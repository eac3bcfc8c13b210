//! A page of rows, as a statement or as a subquery.

pub(in crate::sql) mod keyset;

use super::Rows;
use crate::position::Mark;
use crate::sql::clauses::{RowLimits, order};
use crate::sql::columns::{Read, StatementColumns};
use crate::sql::{MAX_SQL_AFTER, Writer};
use crate::tree::column::ScanId;
use crate::tree::reach::unused_prefix;
use crate::tree::typed::Term;
use crate::tree::{Order, Page};

/// A page with the columns to read of its rows.
#[derive(Debug)]
pub(in crate::sql) struct Paged<'t> {
    pub(in crate::sql) rows: Rows<'t>,
    pub(in crate::sql) order: &'t [Order],
    limits: Option<RowLimits>,
    list: List<'t>,
}

/// What a page reads of its rows.
#[derive(Debug, Clone, Copy)]
enum List<'t> {
    Columns(&'t StatementColumns<'t>),
    /// All columns of the table.
    All(ScanId),
}

impl<'t> Paged<'t> {
    pub(in crate::sql) fn of(columns: &'t StatementColumns<'t>) -> Self {
        Self::with(columns.page, List::Columns(columns))
    }

    fn with(page: &'t Page<'t>, list: List<'t>) -> Self {
        let limits = RowLimits::of(page);
        Self { rows: Rows::of(&page.input), order: &page.order, limits, list }
    }

    /// Writes the statement that reads the page from its start, or after a position.
    pub(in crate::sql) fn write(&self, writer: &mut Writer<'_>, after: Option<&[Mark]>) {
        match after {
            Some(values) => {
                writer.longest = MAX_SQL_AFTER;
                keyset::after(writer, self, values);
            }
            None if self.skips_by_key(writer) => self.skipping(writer),
            None if self.reads_nulls_apart(writer) => keyset::with_nulls_apart(writer, self),
            None => self.plain(writer, &[], self.limits, |_| {}),
        }
    }

    /// `SELECT … FROM … WHERE … ORDER BY … LIMIT …`; `further` writes a condition in addition to those of the
    /// rows. With labels, each column is called by its place, and the terms of the order follow under their
    /// labels.
    fn plain(
        &self,
        writer: &mut Writer<'_>,
        labels: &[String],
        limits: Option<RowLimits>,
        further: impl FnOnce(&mut Writer<'_>),
    ) {
        self.list(writer, labels);
        self.rows.from(writer);
        self.rows.conditions(writer, further);
        order(writer, self.order);
        if let Some(limits) = limits {
            writer.rules.limit(writer, limits);
        }
    }

    /// The columns that are read, and the tables.
    pub(in crate::sql) fn select(&self, writer: &mut Writer<'_>) {
        self.list(writer, &[]);
        self.rows.from(writer);
    }

    fn list(&self, writer: &mut Writer<'_>, labels: &[String]) {
        writer.text("SELECT ");
        match self.list {
            List::All(scan) => {
                for property in 0..writer.entity_type(scan).properties.len() {
                    writer.text(if property == 0 { "" } else { ", " });
                    writer.column(scan.column(property));
                }
            }
            List::Columns(columns) => {
                for (index, read) in columns.read.iter().enumerate() {
                    writer.text(if index == 0 { "" } else { ", " });
                    self.item(writer, *read);
                    if !labels.is_empty() {
                        writer.text(" AS ");
                        writer.rules.identifier(&mut writer.sql, &place(index));
                    }
                }
            }
        }
        for (label, order) in labels.iter().zip(self.order) {
            writer.text(", ");
            writer.sort_term(&order.term);
            writer.text(" AS ");
            writer.rules.identifier(&mut writer.sql, label);
        }
    }

    /// A label for each term of the order, different from the names of all columns that are read.
    fn labels(&self, writer: &Writer<'_>) -> Vec<String> {
        let prefix = match self.list {
            List::All(scan) => unused_prefix(writer.entity_type(scan)),
            List::Columns(_) => "o".to_owned(),
        };
        (0..self.order.len()).map(|term| format!("{prefix}{term}")).collect()
    }

    /// Writes the columns that are read by the names that they have in a labelled list.
    fn labelled(&self, writer: &mut Writer<'_>) {
        match self.list {
            List::All(scan) => {
                for property in 0..writer.entity_type(scan).properties.len() {
                    writer.text(if property == 0 { "" } else { ", " });
                    writer.name(scan.column(property));
                }
            }
            List::Columns(columns) => {
                for index in 0..columns.read.len() {
                    writer.text(if index == 0 { "" } else { ", " });
                    writer.rules.identifier(&mut writer.sql, &place(index));
                }
            }
        }
    }

    fn item(&self, writer: &mut Writer<'_>, read: Read) {
        match read {
            Read::Column(column) => writer.shown(column),
            Read::Term(term) => writer.position(&self.order[term].term),
        }
    }

    fn limit(&self, writer: &mut Writer<'_>) {
        if let Some(limits) = self.limits {
            writer.rules.limit(writer, limits);
        }
    }

    /// Skips keys only and then fetches the remaining rows, because a skipped row need not be read completely.
    fn skipping(&self, writer: &mut Writer<'_>) {
        self.select(writer);
        writer.text(" WHERE ");
        self.key(writer, true);
        // Some databases allow a limit only one level further down.
        let is_direct = writer.rules.has_limits_in_lists();
        writer.text(if is_direct { " IN (SELECT " } else { " IN (SELECT * FROM (SELECT " });
        self.key(writer, false);
        self.rows.from(writer);
        self.rows.conditions(writer, |_| {});
        order(writer, self.order);
        self.limit(writer);
        writer.text(")");
        if !is_direct {
            writer.text(writer.rules.subquery_alias());
            writer.text(")");
        }
        order(writer, self.order);
    }

    fn key(&self, writer: &mut Writer<'_>, parentheses: bool) {
        let Some(scan) = self.rows.table() else { return };
        let parentheses = parentheses && scan.entity_type.key.len() > 1;
        writer.text(if parentheses { "(" } else { "" });
        for (index, property) in scan.entity_type.key.iter().enumerate() {
            let column = scan.id.column(*property);
            writer.text(if index == 0 { "" } else { ", " });
            // Keys that are not enforced may be equal under the collation of their column and still be two keys.
            if scan.entity_type.key_is_enforced {
                writer.rules.same(writer, column);
            } else {
                writer.rules.stored(writer, column);
            }
        }
        writer.text(if parentheses { ")" } else { "" });
    }

    /// Whether rows in which the first term of the order is null are read apart from the others.
    fn reads_nulls_apart(&self, writer: &Writer<'_>) -> bool {
        let has_one_part = self.limits.is_none_or(|limits| limits.skip > 0) || self.rows.table().is_none();
        let first = self.order.first().filter(|_| !has_one_part);
        first.is_some_and(|first| first.term.nullable && writer.rules.reads_nulls_apart(writer, &first.term))
    }

    /// Whether the rows to skip are found by their keys first: those of one table, unless the key is all that
    /// the order needs.
    fn skips_by_key(&self, writer: &Writer<'_>) -> bool {
        let skips = self.limits.is_some_and(|limits| limits.skip > 0);
        let Some(scan) = self.rows.table().filter(|_| skips) else { return false };
        let key = &scan.entity_type.key;
        let is_by_key = |order: &Order| matches!(&order.term.term, Term::Column(column) | Term::Stored(column) if key.contains(&column.property));
        (key.len() == 1 || writer.rules.has_row_values()) && !self.order.iter().all(is_by_key)
    }
}

/// The name of a column by its place.
fn place(index: usize) -> String {
    format!("c{index}")
}

/// Writes a page below another node as a subquery: the columns of its table, under the alias of that table.
pub(super) fn subquery(writer: &mut Writer<'_>, page: &Page<'_>) {
    let (scan, _) = page.input.first_scan();
    writer.text("(");
    Paged::with(page, List::All(scan)).write(writer, page.after.as_deref());
    writer.text(")");
    writer.rules.alias(&mut writer.sql, scan);
}
