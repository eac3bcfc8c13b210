//! The tree of a plan: which rows a request reads, and in which order. It is plain data that knows nothing of
//! SQL: the binder makes it, and the writer of SQL reads it.
//!
//! ```text
//! Page              ten rows by Name, after a position
//! └─ Filter         whose Price is above 5
//!    └─ Scan        of Products
//! ```
//!
//! Each node reads the rows of its `input`. These rules hold for every tree:
//!
//! - The root is a [`Page`], or any node whose rows are counted. A [`Scan`] is the only leaf.
//! - Each [`ScanId`] belongs to one table, and an expression uses only columns of the scans below its node. A scan that a
//!   [`Page`] hides may be joined again above it.
//! - A [`Filter`], a [`Compute`] or a [`Lookup`] may stand over any node.
//! - An [`Aggregate`] hides the columns below it: above it, there are only its own.
//! - An [`Expand`] to one may stand over any node. An [`Expand`] to many stands over the [`Page`] that limits
//!   its parents, because it repeats each of them. The first scan of a path is one of many if the path leads back to
//!   one entity.
//! - A [`Take`] may stand over any node but an [`Aggregate`]; the columns below it are visible above it if it lists them.
//! - A [`Page`] or a [`Reaching`] below another node reads one table (filters over a scan), groups or a [`Concat`], and only the
//!   columns of that scan are visible above it.
//! - A [`Concat`] hides the columns below it, like an aggregate. Its parts may have the same scans.
//! - A [`Cross`] stands over scans and other ones, and the columns of all of them are visible above it.

mod aggregate;
pub(crate) mod cast;
pub(crate) mod class;
pub(crate) mod column;
pub(crate) mod concat;
pub(crate) mod cross;
pub(crate) mod described;
mod failing;
pub(crate) mod function;
pub(crate) mod lookup;
pub(crate) mod new_value;
pub(crate) mod parts;
pub(crate) mod reach;
mod structure;
pub(crate) mod sums;
pub(crate) mod typed;

use crate::model::{EntityType, Navigation, Property};
use crate::position::Mark;
use column::{ScanColumn, ScanId};
use concat::Concat;
use cross::Cross;
use described::DescribedValue;
use lookup::Lookup;
use reach::Reaching;
use typed::Typed;

/// A node: a set of rows.
#[derive(Debug, Clone)]
pub(crate) enum PlanNode<'m> {
    Scan(Scan<'m>),
    Filter(Filter<'m>),
    Compute(Compute<'m>),
    Lookup(Lookup<'m>),
    Aggregate(Aggregate<'m>),
    Expand(Expand<'m>),
    Cross(Cross<'m>),
    Take(Take<'m>),
    Reach(Reaching<'m>),
    Concat(Concat<'m>),
    Page(Page<'m>),
}

/// The rows of a table that have an address of their own. Every statement reads tables through scans, so that
/// a rule about rows or columns belongs in one place.
#[derive(Debug, Clone)]
pub(crate) struct Scan<'m> {
    pub(crate) id: ScanId,
    pub(crate) entity_type: &'m EntityType,
    /// For a single entity, a comparison with each property of its key; otherwise empty.
    pub(crate) key: Vec<Typed>,
}

/// The rows for which a condition is true.
#[derive(Debug, Clone)]
pub(crate) struct Filter<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    pub(crate) condition: Typed,
}

/// The same rows with further values. Its columns can be shown. An expression that uses a computed value
/// contains that value's expression instead of the column, so that a dialect writes it like any other.
/// Computed values of computed values can grow exponentially in this way, so a binder has to bound their size.
#[derive(Debug, Clone)]
pub(crate) struct Compute<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    pub(crate) id: ScanId,
    pub(crate) values: Vec<Computed>,
    /// The scans that the values read besides those of the input.
    pub(crate) scans: Vec<(ScanId, &'m EntityType)>,
}

/// A computed value with the property that describes it.
#[derive(Debug, Clone)]
pub(crate) struct Computed {
    pub(crate) property: Property,
    pub(crate) value: Typed,
}

/// One row for each group of rows that agree in the keys; without keys, one row for all of them, even if
/// there are none. There is at least one key or aggregate.
#[derive(Debug, Clone)]
pub(crate) struct Aggregate<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    pub(crate) id: ScanId,
    pub(crate) keys: Vec<Typed>,
    pub(crate) aggregates: Vec<Aggregated>,
    /// The type of the resulting rows: a property for each key, which together are the key of the type, and
    /// one for each aggregate. Its columns are called by their position.
    pub(crate) entity_type: Box<EntityType>,
}

/// An aggregate function with its operand.
#[derive(Debug, Clone)]
pub(crate) struct Aggregated {
    pub(crate) function: AggregateFunction,
    /// A number for a sum and an average; anything but text, bytes and Booleans for a minimum and a maximum.
    /// The number of rows has none.
    pub(crate) operand: Option<Typed>,
}

/// The functions of [OData Data Aggregation 4.0
/// §3.2.1.1](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#sec_AggregationMethods).
/// All ignore null; without values, a count is 0 and the others are null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateFunction {
    /// The number of rows.
    Count,
    CountDistinct,
    Sum,
    Average,
    Min,
    Max,
}

/// Each row with the related rows of another node, in pairs.
#[derive(Debug, Clone)]
pub(crate) struct Expand<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    /// Leads from `parent` to `child`; whether to one row or to many is its cardinality.
    pub(crate) navigation: &'m Navigation,
    /// The scan of the input from which the navigation starts.
    pub(crate) parent: ScanId,
    /// The scan of the nested node in which it ends.
    pub(crate) child: ScanId,
    /// The related rows, without a page.
    pub(crate) nested: Box<PlanNode<'m>>,
    /// Whether a row without related rows is left out. If not, it appears once, with null in the columns of the others.
    pub(crate) only_related: bool,
}

/// Of the rows that agree in some columns, those from a certain place in an order.
#[derive(Debug, Clone)]
pub(crate) struct Take<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    pub(crate) id: ScanId,
    /// The columns in which they agree.
    pub(crate) partition: Vec<ScanColumn>,
    pub(crate) order: Vec<Order>,
    pub(crate) skip: u64,
    /// The maximum number of rows; `None` for all.
    pub(crate) rows: Option<u64>,
    /// The columns of the input that are visible above.
    pub(crate) columns: Vec<ScanColumn>,
}

/// A part of the rows, in order.
#[derive(Debug, Clone)]
pub(crate) struct Page<'m> {
    pub(crate) input: Box<PlanNode<'m>>,
    /// In the page of a request, the terms end with the key, so that no two rows are equal.
    pub(crate) order: Vec<Order>,
    /// The position after which it starts: a value for each term.
    pub(crate) after: Option<Vec<Mark>>,
    /// The number of rows to skip first.
    pub(crate) skip: u64,
    /// The maximum number of rows; `None` for all.
    pub(crate) rows: Option<u64>,
}

/// One term of an order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) term: Typed,
    pub(crate) descending: bool,
}

impl Computed {
    /// An expression under a name. `scans` are those of the input.
    pub(crate) fn new(name: &str, value: Typed, scans: &Scans<'_>) -> Self {
        let property = DescribedValue::of(&value, scans).property(name, name.to_owned());
        Self { property, value }
    }
}

impl Navigation {
    /// The columns that are equal in related rows: that of the key, and that of the reference to it.
    pub(crate) fn columns(&self, parent: ScanId, child: ScanId) -> Vec<(ScanColumn, ScanColumn)> {
        let pair = |(own, other): &(usize, usize)| {
            let (own, other) = (parent.column(*own), child.column(*other));
            if self.collection { (own, other) } else { (other, own) }
        };
        self.on.iter().map(pair).collect()
    }
}

impl<'m> Scan<'m> {
    /// All rows of a table that have an address of their own.
    pub(crate) fn of(id: ScanId, entity_type: &'m EntityType) -> Self {
        Self { id, entity_type, key: Vec::new() }
    }

    /// Whether a row may have no key, or share its address with another row, so that it is not served.
    pub(crate) fn may_omit_rows(&self) -> bool {
        !self.entity_type.loose_key.is_empty() || !self.entity_type.key_is_enforced
    }
}

/// The number of stored texts that a value of a derived table may be put together from.
const MOST_COPIES: u32 = 100;

/// What the scans of a tree contain, by their ids.
#[derive(Debug, Clone)]
pub(crate) struct Scans<'t> {
    contents: Vec<Option<Content<'t>>>,
    /// Whether an expression of the tree may fail, if it reads a table of which the caller reaches some rows only.
    may_fail: bool,
}

#[derive(Debug, Clone, Copy)]
enum Content<'t> {
    Rows(&'t EntityType),
    Values(&'t [Computed]),
}

impl Content<'_> {
    /// Whether both are rows of the same table, or derived in the same way.
    fn is(self, other: Content<'_>) -> bool {
        matches!((self, other), (Self::Rows(one), Content::Rows(other)) if std::ptr::eq(one, other) || one == other)
    }
}

impl<'t> Scans<'t> {
    /// The scans of a tree.
    pub(crate) fn of(tree: &'t PlanNode<'_>) -> Self {
        let mut scans = Self { contents: Vec::with_capacity(1), may_fail: false };
        scans.add(tree);
        scans.may_fail = scans.are_ruled() && tree.may_fail();
        scans
    }

    /// The scans of a page.
    pub(crate) fn of_page(page: &'t Page<'_>) -> Self {
        let mut scans = Self::of(&page.input);
        scans.may_fail |= scans.are_ruled() && page.may_fail();
        scans
    }

    /// One table as the first scan.
    pub(crate) fn of_table(entity_type: &'t EntityType) -> Self {
        Self { contents: vec![Some(Content::Rows(entity_type))], may_fail: false }
    }

    /// Whether the caller reaches some rows only of one of the tables.
    fn are_ruled(&self) -> bool {
        let is_ruled = |content: &Content<'_>| matches!(content, Content::Rows(entity_type) if entity_type.rule.is_some());
        self.contents.iter().flatten().any(is_ruled)
    }

    /// Whether an expression about rows may fail, so that a database must not evaluate it for rows that the caller does not reach.
    pub(crate) fn may_fail(&self) -> bool {
        self.may_fail
    }

    /// Whether a step puts texts together that earlier steps have put together already, so that a few of them fill the memory of
    /// the database. The length of the statement does not bound this.
    pub(crate) fn multiply_texts(&self) -> bool {
        self.contents.iter().flatten().any(|content| match content {
            Content::Rows(rows) if rows.table.is_empty() => {
                rows.properties.iter().any(|property| property.copies > MOST_COPIES)
            }
            _ => false,
        })
    }

    fn add(&mut self, node: &'t PlanNode<'_>) {
        match node {
            PlanNode::Scan(scan) => self.insert(scan.id, Content::Rows(scan.entity_type)),
            PlanNode::Filter(Filter { input, .. })
            | PlanNode::Take(Take { input, .. })
            | PlanNode::Page(Page { input, .. }) => self.add(input),
            PlanNode::Compute(Compute { input, id, values, scans }) => {
                self.insert(*id, Content::Values(values));
                self.insert_tables(scans);
                self.add(input);
            }
            PlanNode::Lookup(Lookup { input, scans }) => {
                self.insert_tables(scans);
                self.add(input);
            }
            PlanNode::Aggregate(Aggregate { input, id, entity_type, .. })
            | PlanNode::Reach(Reaching { input, id, entity_type, .. }) => {
                self.insert(*id, Content::Rows(entity_type));
                self.add(input);
            }
            PlanNode::Concat(Concat { parts, id, entity_type }) => {
                self.insert(*id, Content::Rows(entity_type));
                for part in parts {
                    self.add(&part.input);
                }
            }
            PlanNode::Expand(Expand { input, nested, .. }) | PlanNode::Cross(Cross { input, nested }) => {
                self.add(input);
                self.add(nested);
            }
        }
    }

    fn insert_tables(&mut self, scans: &[(ScanId, &'t EntityType)]) {
        for (scan, entity_type) in scans {
            self.insert(*scan, Content::Rows(entity_type));
        }
    }

    fn insert(&mut self, id: ScanId, content: Content<'t>) {
        if self.contents.len() <= id.index() {
            self.contents.resize(id.index() + 1, None);
        }
        let other = self.contents[id.index()].replace(content);
        debug_assert!(other.is_none_or(|other| other.is(content)), "two nodes have the id {id:?}");
    }

    /// Whether there are rows of one table only.
    pub(crate) fn are_of_one_table(&self) -> bool {
        self.contents.iter().flatten().filter(|content| matches!(content, Content::Rows(_))).count() == 1
    }

    /// The type of the rows of a table or of an aggregation.
    pub(crate) fn entity_type(&self, scan: ScanId) -> &'t EntityType {
        match self.contents.get(scan.index()) {
            Some(Some(Content::Rows(entity_type))) => entity_type,
            other => unreachable!("{scan:?} has no rows of its own: {other:?}"),
        }
    }

    /// The property of a column.
    pub(crate) fn property(&self, column: ScanColumn) -> &'t Property {
        match self.computed(column) {
            Some(computed) => &computed.property,
            None => &self.entity_type(column.scan).properties[column.property],
        }
    }

    /// The computed value of a column, unless the column belongs to rows.
    pub(crate) fn computed(&self, column: ScanColumn) -> Option<&'t Computed> {
        match self.contents.get(column.scan.index()) {
            Some(Some(Content::Values(values))) => values.get(column.property),
            _ => None,
        }
    }
}
