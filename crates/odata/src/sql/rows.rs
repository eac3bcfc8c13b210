//! The rows that one `SELECT` reads: the tables of a tree, how they are joined, and which rows of them count.

mod concat;
pub(super) mod page;
mod reach;
mod take;

use super::Writer;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::concat::Concat;
use crate::tree::cross::Cross;
use crate::tree::reach::Reaching;
use crate::tree::typed::Typed;
use crate::tree::{Aggregate, Expand, Filter, Page, PlanNode, Scan, Take};

/// What a `SELECT` reads.
#[derive(Debug)]
pub(super) struct Rows<'t> {
    from: FromItem<'t>,
    joins: Vec<Join<'t>>,
    /// The conditions of the filters, in their order.
    pub(super) conditions: Vec<&'t Typed>,
}

/// What the joins start from.
#[derive(Debug)]
enum FromItem<'t> {
    Table(&'t Scan<'t>),
    Groups(&'t Aggregate<'t>),
    Taken(&'t Take<'t>),
    Reached(&'t Reaching<'t>),
    Concat(&'t Concat<'t>),
    Page(&'t Page<'t>),
}

/// The related rows of an expansion, or all rows of a cross join.
#[derive(Debug)]
struct Join<'t> {
    expand: Option<&'t Expand<'t>>,
    nested: Rows<'t>,
}

impl<'t> Rows<'t> {
    /// The rows of a tree.
    pub(super) fn of(node: &'t PlanNode<'t>) -> Self {
        let from = match node {
            PlanNode::Scan(scan) => FromItem::Table(scan),
            PlanNode::Aggregate(aggregate) => FromItem::Groups(aggregate),
            PlanNode::Take(take) => FromItem::Taken(take),
            PlanNode::Reach(reach) => FromItem::Reached(reach),
            PlanNode::Concat(concat) => FromItem::Concat(concat),
            PlanNode::Page(page) => FromItem::Page(page),
            // Computed values belong to the list of columns.
            PlanNode::Compute(compute) => return Self::of(&compute.input),
            PlanNode::Lookup(lookup) => return Self::of(&lookup.input),
            PlanNode::Filter(Filter { input, condition }) => {
                let mut rows = Self::of(input);
                rows.conditions.push(condition);
                return rows;
            }
            PlanNode::Expand(expand) => {
                let mut rows = Self::of(&expand.input);
                rows.joins.push(Join { expand: Some(expand), nested: Self::of(&expand.nested) });
                return rows;
            }
            PlanNode::Cross(Cross { input, nested }) => {
                let mut rows = Self::of(input);
                rows.joins.push(Join { expand: None, nested: Self::of(nested) });
                return rows;
            }
        };
        Self { from, joins: Vec::new(), conditions: Vec::new() }
    }

    /// The only table, if there are no other rows. Its columns then need no alias.
    pub(super) fn table(&self) -> Option<&'t Scan<'t>> {
        match self.from {
            FromItem::Table(scan) if self.joins.is_empty() => Some(scan),
            _ => None,
        }
    }

    /// The scans whose columns are those of a subquery, with the alias of that subquery.
    pub(super) fn taken(&self) -> Vec<(ScanId, ScanId)> {
        let FromItem::Taken(take) = self.from else { return Vec::new() };
        take.columns.iter().map(|column| (column.scan, take.id)).collect()
    }

    /// Writes `FROM …`.
    pub(super) fn from(&self, writer: &mut Writer<'_>) {
        writer.text(" FROM ");
        self.tables(writer);
    }

    fn tables(&self, writer: &mut Writer<'_>) {
        match self.from {
            FromItem::Table(scan) => writer.table(scan.id),
            FromItem::Groups(aggregate) => groups(writer, aggregate),
            FromItem::Taken(take) => take::subquery(writer, take),
            FromItem::Reached(reach) => reach::subquery(writer, reach),
            FromItem::Concat(concat) => concat::subquery(writer, concat),
            FromItem::Page(page) => page::subquery(writer, page),
        }
        for join in &self.joins {
            join.write(writer);
        }
    }

    /// Writes `WHERE …`, or nothing without conditions; `further` writes a condition in addition.
    pub(super) fn conditions(&self, writer: &mut Writer<'_>, further: impl FnOnce(&mut Writer<'_>)) {
        self.conditions_after(writer, " WHERE ", further);
    }

    /// Writes the conditions after `word`.
    fn conditions_after(&self, writer: &mut Writer<'_>, word: &str, further: impl FnOnce(&mut Writer<'_>)) {
        let mut word = Some(word);
        let mut next = |writer: &mut Writer<'_>| writer.text(word.take().unwrap_or(" AND "));
        match self.from {
            FromItem::Taken(take) => {
                next(writer);
                take::bounds(writer, take);
            }
            FromItem::Table(Scan { key, .. }) if !key.is_empty() => {
                next(writer);
                has_key(writer, key);
            }
            _ => {}
        }
        let checked = match self.from {
            FromItem::Table(scan) if scan.may_omit_rows() && !writer.is_addressed => Some(scan.id),
            _ => None,
        };
        // The key is checked in the remaining rows, unless a condition may fail in a row without a key.
        let can_fail = self.conditions.iter().any(|condition| writer.can_fail(condition));
        if let Some(scan) = checked.filter(|_| can_fail) {
            next(writer);
            writer.rules.is_addressed(writer, scan);
        }
        for condition in &self.conditions {
            next(writer);
            writer.truth(condition);
        }
        if let Some(scan) = checked.filter(|_| !can_fail) {
            next(writer);
            writer.rules.is_addressed(writer, scan);
        }
        let start = writer.sql.len();
        next(writer);
        let empty = writer.sql.len();
        further(writer);
        if writer.sql.len() == empty {
            writer.sql.truncate(start);
        }
    }
}

impl Join<'_> {
    /// Writes the join. Columns are matched as they are stored, which is how the database itself matches a
    /// foreign key with the key that it refers to.
    fn write(&self, writer: &mut Writer<'_>) {
        let Some(Expand { navigation, parent, child, only_related, .. }) = self.expand else {
            return self.write_cross(writer);
        };
        let is_one = self.nested.joins.is_empty();
        writer.text(if *only_related { " JOIN " } else { " LEFT JOIN " });
        writer.text(if is_one { "" } else { "(" });
        self.nested.tables(writer);
        writer.text(if is_one { " ON " } else { ") ON " });
        let on = navigation.columns(*parent, *child);
        matched(writer, &on);
        // A database may test conditions in any order. One that may fail is not to be tested for rows that are not related.
        if self.nested.conditions.iter().any(|condition| writer.can_fail(condition)) {
            writer.text(" AND CASE WHEN ");
            matched(writer, &on);
            self.nested.conditions_after(writer, " THEN ", |_| {});
            writer.text(" ELSE ");
            writer.text(writer.rules.boolean(false));
            writer.text(" END");
        } else {
            self.nested.conditions_after(writer, " AND ", |_| {});
        }
    }

    /// Writes the join with every row. (`CROSS JOIN` would fix the order in which SQLite reads the tables.)
    fn write_cross(&self, writer: &mut Writer<'_>) {
        writer.text(" JOIN ");
        self.nested.tables(writer);
        writer.text(" ON ");
        writer.text(writer.rules.boolean(true));
        self.nested.conditions_after(writer, " AND ", |_| {});
    }
}

/// Writes a condition that columns are equal as they are stored: that of the key, whose collation decides, and that of the
/// reference.
pub(super) fn matched(writer: &mut Writer<'_>, on: &[(ScanColumn, ScanColumn)]) {
    for (index, (key, reference)) in on.iter().enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        writer.rules.same(writer, *key);
        writer.text(" = ");
        writer.rules.same(writer, *reference);
    }
}

/// Writes a condition that the key has these values, in whatever form they are stored. An index finds each of these forms.
pub(super) fn has_key(writer: &mut Writer<'_>, key: &[Typed]) {
    let searched = std::mem::replace(&mut writer.may_search, true);
    for (index, condition) in key.iter().enumerate() {
        writer.text(if index == 0 { "" } else { " AND " });
        writer.truth(condition);
    }
    writer.may_search = searched;
}

/// Writes a subquery with a row for each group.
fn groups(writer: &mut Writer<'_>, aggregate: &Aggregate<'_>) {
    let rows = Rows::of(&aggregate.input);
    let outside = std::mem::replace(&mut writer.taken, rows.taken());
    writer.text("(SELECT ");
    let count = aggregate.entity_type.properties.len();
    for property in 0..count {
        writer.text(if property == 0 { "" } else { ", " });
        if let Some(key) = aggregate.keys.get(property) {
            writer.operand(key);
        } else {
            let aggregated = &aggregate.aggregates[property - aggregate.keys.len()];
            writer.rules.aggregate(writer, aggregated.function, aggregated.operand.as_ref());
        }
        writer.text(" AS ");
        writer.name(aggregate.id.column(property));
    }
    rows.from(writer);
    rows.conditions(writer, |_| {});
    // By their places: a database may not see that an expression with a parameter is the same as another one.
    for place in 1..=aggregate.keys.len() {
        writer.text(if place == 1 { " GROUP BY " } else { ", " });
        writer.text(itoa::Buffer::new().format(place));
    }
    writer.taken = outside;
    writer.text(")");
    writer.rules.alias(&mut writer.sql, aggregate.id);
}
