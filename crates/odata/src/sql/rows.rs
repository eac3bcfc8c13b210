//! The rows that one `SELECT` reads: the tables of a tree, how they are joined, and which rows of them count.

pub(super) mod page;

use super::Writer;
use crate::tree::typed::Typed;
use crate::tree::{Aggregate, Expand, Filter, Page, PlanNode, Scan};

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
    Page(&'t Page<'t>),
}

/// The related rows of an expansion. Rows without any stay.
#[derive(Debug)]
struct Join<'t> {
    expand: &'t Expand<'t>,
    nested: Rows<'t>,
}

impl<'t> Rows<'t> {
    /// The rows of a tree.
    pub(super) fn of(node: &'t PlanNode<'t>) -> Self {
        let from = match node {
            PlanNode::Scan(scan) => FromItem::Table(scan),
            PlanNode::Aggregate(aggregate) => FromItem::Groups(aggregate),
            PlanNode::Page(page) => FromItem::Page(page),
            // Computed values belong to the list of columns.
            PlanNode::Compute(compute) => return Self::of(&compute.input),
            PlanNode::Filter(Filter { input, condition }) => {
                let mut rows = Self::of(input);
                rows.conditions.push(condition);
                return rows;
            }
            PlanNode::Expand(expand) => {
                let mut rows = Self::of(&expand.input);
                rows.joins.push(Join { expand, nested: Self::of(&expand.nested) });
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

    /// Writes `FROM …`.
    pub(super) fn from(&self, writer: &mut Writer<'_>) {
        writer.text(" FROM ");
        self.tables(writer);
    }

    fn tables(&self, writer: &mut Writer<'_>) {
        match self.from {
            FromItem::Table(scan) => writer.table(scan.id),
            FromItem::Groups(aggregate) => groups(writer, aggregate),
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
        let Expand { navigation, parent, child, .. } = self.expand;
        let is_one = self.nested.joins.is_empty();
        writer.text(if is_one { " LEFT JOIN " } else { " LEFT JOIN (" });
        self.nested.tables(writer);
        writer.text(if is_one { " ON " } else { ") ON " });
        for (index, (own, other)) in navigation.on.iter().enumerate() {
            writer.text(if index == 0 { "" } else { " AND " });
            let (own, other) = (parent.column(*own), child.column(*other));
            // The collation of the key decides.
            let (key, reference) = if navigation.collection { (own, other) } else { (other, own) };
            writer.rules.same(writer, key);
            writer.text(" = ");
            writer.rules.same(writer, reference);
        }
        self.nested.conditions_after(writer, " AND ", |_| {});
    }
}

/// Writes a subquery with a row for each group.
fn groups(writer: &mut Writer<'_>, aggregate: &Aggregate<'_>) {
    let rows = Rows::of(&aggregate.input);
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
    for (index, key) in aggregate.keys.iter().enumerate() {
        writer.text(if index == 0 { " GROUP BY " } else { ", " });
        writer.operand(key);
    }
    writer.text(")");
    writer.rules.alias(&mut writer.sql, aggregate.id);
}
