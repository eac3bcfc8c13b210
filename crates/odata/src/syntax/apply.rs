//! `$apply`: transformations, one after the other ([OData Data Aggregation 4.0
//! §3](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#SystemQueryOptionapply)).

mod groups;

use super::compute::{self, Alias, ComputeItem};
use super::cursor::Cursor;
use super::expression::Parser;
use super::search::{self, Search};
use super::{MAX_CONCAT_DEPTH, MAX_TRANSFORMATIONS, Node, OrderTerm, options};
use crate::error::{Error, Reason};
use groups::{aggregates, grouping};

/// What turns rows into other rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformation<'t> {
    /// The byte offset.
    pub at: usize,
    /// What it does.
    pub kind: TransformationKind<'t>,
}

/// What a transformation does.
#[derive(Debug, Clone, PartialEq)]
pub enum TransformationKind<'t> {
    /// Nothing.
    Identity,
    /// Keeps the rows for which a condition is true.
    Filter(Node<'t>),
    /// Adds values.
    Compute(Vec<ComputeItem<'t>>),
    /// Leaves one row for each group of rows that agree in the paths; without a path, one for all rows.
    Group(Vec<Grouping<'t>>, Vec<AggregateItem<'t>>),
    /// Orders the rows.
    OrderBy(Vec<OrderTerm<'t>>),
    /// Keeps the first rows.
    Top(u64),
    /// Drops the first rows.
    Skip(u64),
    /// Keeps the rows with the highest or lowest values, in their order.
    Extreme {
        /// How many.
        count: u64,
        /// By which value.
        by: Node<'t>,
        /// Whether the lowest ones are kept.
        bottom: bool,
    },
    /// Keeps the rows with the highest or lowest values that together reach a sum.
    Reach {
        /// The sum, or so many percent of the sum of all rows.
        amount: Node<'t>,
        /// Whether it is given in percent.
        percent: bool,
        /// By which value.
        by: Node<'t>,
        /// Whether the lowest ones are kept.
        bottom: bool,
    },
    /// The results of several sequences of transformations, one after the other.
    Concat(Vec<Vec<Transformation<'t>>>),
    /// Keeps the rows that match.
    Search(Search<'t>),
}

/// By what rows are grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping<'t> {
    /// By the values of a path.
    Path(GroupingPath<'t>),
    /// By the values of all paths, then of all but the last, and so on up to the first one.
    Rollup {
        /// Whether all rows together are a group too.
        all: bool,
        /// At least one path.
        paths: Vec<GroupingPath<'t>>,
    },
}

/// A path by whose values rows are grouped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupingPath<'t> {
    /// The byte offset.
    pub at: usize,
    /// The names between the slashes.
    pub path: Vec<&'t str>,
}

/// A value that is aggregated from the rows of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateItem<'t> {
    /// What is aggregated; `None` for the number of rows.
    pub operand: Option<Node<'t>>,
    /// The byte offset of the method, and its name; `None` for the number of rows.
    pub method: Option<(usize, &'t str)>,
    /// The name of the value.
    pub alias: Alias<'t>,
}

/// The names of the transformations that are supported.
pub(crate) const SUPPORTED: [&str; 16] = [
    "aggregate",
    "bottomcount",
    "bottompercent",
    "bottomsum",
    "compute",
    "concat",
    "filter",
    "groupby",
    "identity",
    "orderby",
    "search",
    "skip",
    "top",
    "topcount",
    "toppercent",
    "topsum",
];

/// Transformations of the standard that are not supported.
const UNSUPPORTED: [&str; 8] =
    ["ancestors", "descendants", "expand", "join", "nest", "outerjoin", "traverse", "addnested"];

/// The whole text of `$apply`: `filter(Price gt 5)/groupby((Name),aggregate($count as Number))`.
pub(super) fn transformations(cursor: Cursor<'_>) -> Result<Vec<Transformation<'_>>, Error> {
    let mut sequences = Sequences { parser: Parser::at(cursor), number: 0, depth: 0 };
    let all = sequences.sequence()?;
    if sequences.parser.cursor.rest().is_empty() {
        return Ok(all);
    }
    Err(sequences.parser.cursor.unexpected("'/' with a further transformation, or the end"))
}

/// Reads sequences of transformations, which may contain others.
struct Sequences<'t> {
    parser: Parser<'t>,
    /// The number of transformations so far.
    number: usize,
    /// How many sequences are around the present one.
    depth: usize,
}

impl<'t> Sequences<'t> {
    /// Transformations with slashes between them.
    fn sequence(&mut self) -> Result<Vec<Transformation<'t>>, Error> {
        let mut all = Vec::new();
        loop {
            self.parser.cursor.blanks();
            if self.number == MAX_TRANSFORMATIONS {
                return Err(self.here(Reason::TooManyItems(MAX_TRANSFORMATIONS)));
            }
            self.number += 1;
            all.push(self.transformation()?);
            self.parser.cursor.blanks();
            if !self.parser.cursor.eat(b'/') {
                return Ok(all);
            }
        }
    }

    fn here(&self, reason: Reason) -> Error {
        reason.at(self.parser.cursor.target, self.parser.cursor.at)
    }

    fn transformation(&mut self) -> Result<Transformation<'t>, Error> {
        let parser = &mut self.parser;
        let at = parser.cursor.at;
        let name = parser.cursor.name();
        if name == "identity" {
            return Ok(Transformation { at, kind: TransformationKind::Identity });
        }
        let is_unsupported = UNSUPPORTED.contains(&name) || name.contains('.');
        if is_unsupported {
            return Err(unsupported(parser, &format!("the transformation {name}"), at));
        }
        if parser.cursor.peek() != Some(b'(') {
            parser.cursor.at = at;
            return Err(parser.cursor.unexpected(EXPECTED));
        }
        parser.cursor.at += 1;
        parser.cursor.blanks();
        let kind = match name {
            "concat" => TransformationKind::Concat(self.concatenated()?),
            "filter" => TransformationKind::Filter(parser.expression()?),
            "compute" => TransformationKind::Compute(compute::list(parser)?),
            "aggregate" => TransformationKind::Group(Vec::new(), aggregates(parser)?),
            "groupby" => grouping(parser)?,
            "orderby" => TransformationKind::OrderBy(options::order_terms(parser)?),
            "search" => TransformationKind::Search(search::inside(&mut parser.cursor)?),
            "top" => TransformationKind::Top(number(parser)?),
            "skip" => TransformationKind::Skip(number(parser)?),
            "topcount" | "bottomcount" => extreme(parser, name == "bottomcount")?,
            "topsum" | "bottomsum" | "toppercent" | "bottompercent" => reach(parser, name)?,
            _ => {
                parser.cursor.at = at;
                return Err(parser.cursor.unexpected(EXPECTED));
            }
        };
        self.parser.cursor.blanks();
        self.parser.cursor.expect(b')', "an operator, ',' or ')'")?;
        Ok(Transformation { at, kind })
    }

    /// At least two sequences, with commas between them.
    fn concatenated(&mut self) -> Result<Vec<Vec<Transformation<'t>>>, Error> {
        if self.depth == MAX_CONCAT_DEPTH {
            return Err(self.here(Reason::TooDeep(MAX_CONCAT_DEPTH)));
        }
        self.depth += 1;
        let mut sequences = vec![self.sequence()?];
        self.parser.cursor.expect(b',', "',' with a further sequence of transformations")?;
        loop {
            sequences.push(self.sequence()?);
            if !self.parser.cursor.eat(b',') {
                break;
            }
        }
        self.depth -= 1;
        Ok(sequences)
    }
}

const EXPECTED: &str = "a transformation such as filter(…), groupby((…),aggregate(…)) or compute(…)";

fn unsupported(parser: &Parser<'_>, what: &str, at: usize) -> Error {
    Reason::NotImplemented(what.to_owned()).at(parser.cursor.target, at)
}

/// `3,Price`.
fn extreme<'t>(parser: &mut Parser<'t>, bottom: bool) -> Result<TransformationKind<'t>, Error> {
    let count = number(parser)?;
    parser.cursor.blanks();
    parser.cursor.expect(b',', "',' and an expression")?;
    parser.cursor.blanks();
    let by = parser.expression()?;
    Ok(TransformationKind::Extreme { count, by, bottom })
}

/// `50,Price`.
fn reach<'t>(parser: &mut Parser<'t>, name: &str) -> Result<TransformationKind<'t>, Error> {
    let amount = parser.expression()?;
    parser.cursor.blanks();
    parser.cursor.expect(b',', "',' and an expression")?;
    parser.cursor.blanks();
    let by = parser.expression()?;
    let (percent, bottom) = (name.ends_with("percent"), name.starts_with("bottom"));
    Ok(TransformationKind::Reach { amount, percent, by, bottom })
}

/// A number of rows.
fn number(parser: &mut Parser<'_>) -> Result<u64, Error> {
    let at = parser.cursor.at;
    let text = parser.cursor.run(|byte| byte.is_ascii_digit());
    options::count(text).ok_or_else(|| {
        parser.cursor.at = at;
        parser.cursor.unexpected("a number of rows")
    })
}
