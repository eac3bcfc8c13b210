//! `$apply`: transformations, one after the other ([OData Data Aggregation 4.0
//! §3](https://docs.oasis-open.org/odata/odata-data-aggregation-ext/v4.0/odata-data-aggregation-ext-v4.0.html#SystemQueryOptionapply)).

use super::compute::{self, Alias, ComputeItem};
use super::cursor::Cursor;
use super::expression::Parser;
use super::{MAX_AGGREGATES, MAX_GROUPING, MAX_TRANSFORMATIONS, Node, OrderTerm, Step, options};
use crate::error::{Error, Reason};

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
    Group(Vec<GroupingPath<'t>>, Vec<AggregateItem<'t>>),
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
pub(crate) const SUPPORTED: [&str; 10] = [
    "aggregate",
    "bottomcount",
    "compute",
    "filter",
    "groupby",
    "identity",
    "orderby",
    "skip",
    "top",
    "topcount",
];

/// Transformations of the standard that are not supported.
const UNSUPPORTED: [&str; 14] = [
    "ancestors",
    "bottompercent",
    "bottomsum",
    "concat",
    "descendants",
    "expand",
    "join",
    "nest",
    "outerjoin",
    "search",
    "topsum",
    "toppercent",
    "traverse",
    "addnested",
];

/// The whole text of `$apply`: `filter(Price gt 5)/groupby((Name),aggregate($count as Number))`.
pub(super) fn transformations(cursor: Cursor<'_>) -> Result<Vec<Transformation<'_>>, Error> {
    let mut parser = Parser::at(cursor);
    let mut all = Vec::new();
    loop {
        parser.cursor.blanks();
        if all.len() == MAX_TRANSFORMATIONS {
            let reason = Reason::TooManyItems(MAX_TRANSFORMATIONS);
            return Err(reason.at(parser.cursor.target, parser.cursor.at));
        }
        all.push(transformation(&mut parser)?);
        parser.cursor.blanks();
        if parser.cursor.rest().is_empty() {
            return Ok(all);
        }
        parser.cursor.expect(b'/', "'/' with a further transformation, or the end")?;
    }
}

fn transformation<'t>(parser: &mut Parser<'t>) -> Result<Transformation<'t>, Error> {
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
        "filter" => TransformationKind::Filter(parser.expression()?),
        "compute" => TransformationKind::Compute(compute::list(parser)?),
        "aggregate" => TransformationKind::Group(Vec::new(), aggregates(parser)?),
        "groupby" => grouping(parser)?,
        "orderby" => TransformationKind::OrderBy(options::order_terms(parser)?),
        "top" => TransformationKind::Top(number(parser)?),
        "skip" => TransformationKind::Skip(number(parser)?),
        "topcount" | "bottomcount" => extreme(parser, name == "bottomcount")?,
        _ => {
            parser.cursor.at = at;
            return Err(parser.cursor.unexpected(EXPECTED));
        }
    };
    parser.cursor.blanks();
    parser.cursor.expect(b')', "an operator, ',' or ')'")?;
    Ok(Transformation { at, kind })
}

const EXPECTED: &str = "a transformation such as filter(…), groupby((…),aggregate(…)) or compute(…)";

fn unsupported(parser: &Parser<'_>, what: &str, at: usize) -> Error {
    Reason::NotImplemented(what.to_owned()).at(parser.cursor.target, at)
}

/// `(City,Name),aggregate($count as Number)`.
fn grouping<'t>(parser: &mut Parser<'t>) -> Result<TransformationKind<'t>, Error> {
    parser.cursor.expect(b'(', "'(' with the properties by which to group")?;
    let mut paths = Vec::new();
    loop {
        parser.cursor.blanks();
        if paths.len() == MAX_GROUPING {
            return Err(Reason::TooManyItems(MAX_GROUPING).at(parser.cursor.target, parser.cursor.at));
        }
        paths.push(path(parser)?);
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            break;
        }
    }
    parser.cursor.expect(b')', "',' or ')'")?;
    parser.cursor.blanks();
    if !parser.cursor.eat(b',') {
        return Ok(TransformationKind::Group(paths, Vec::new()));
    }
    parser.cursor.blanks();
    let at = parser.cursor.at;
    let name = parser.cursor.name();
    if name != "aggregate" {
        let is_known = parser.cursor.peek() == Some(b'(') || name == "identity";
        if is_known && !name.is_empty() {
            let what = format!("the transformation {name} within groups, other than a single aggregate");
            return Err(unsupported(parser, &what, at));
        }
        parser.cursor.at = at;
        return Err(parser.cursor.unexpected("aggregate(…)"));
    }
    parser.cursor.expect(b'(', "'('")?;
    let aggregates = aggregates(parser)?;
    parser.cursor.blanks();
    parser.cursor.expect(b')', "',' or ')'")?;
    parser.cursor.blanks();
    if parser.cursor.peek() == Some(b'/') {
        return Err(unsupported(parser, "a further transformation within groups", parser.cursor.at));
    }
    Ok(TransformationKind::Group(paths, aggregates))
}

/// `City` or `Country/Name`.
fn path<'t>(parser: &mut Parser<'t>) -> Result<GroupingPath<'t>, Error> {
    let at = parser.cursor.at;
    let mut path = Vec::with_capacity(1);
    loop {
        let start = parser.cursor.at;
        let name = parser.cursor.name();
        if name.is_empty() {
            parser.cursor.at = start;
            return Err(parser.cursor.unexpected("the name of a property"));
        }
        if name == "rollup" && parser.cursor.peek() == Some(b'(') {
            return Err(unsupported(parser, "rollup", start));
        }
        path.push(name);
        if !parser.cursor.eat(b'/') {
            return Ok(GroupingPath { at, path });
        }
    }
}

/// `Price with sum as Total,$count as Number`.
fn aggregates<'t>(parser: &mut Parser<'t>) -> Result<Vec<AggregateItem<'t>>, Error> {
    let mut items = Vec::new();
    loop {
        parser.cursor.blanks();
        if items.len() == MAX_AGGREGATES {
            return Err(Reason::TooManyItems(MAX_AGGREGATES).at(parser.cursor.target, parser.cursor.at));
        }
        items.push(aggregate(parser)?);
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            return Ok(items);
        }
    }
}

fn aggregate<'t>(parser: &mut Parser<'t>) -> Result<AggregateItem<'t>, Error> {
    let at = parser.cursor.at;
    let operand = parser.expression()?;
    let steps: &[Step<'_>] = match &operand.expression {
        super::Expression::Path(steps) => steps,
        _ => &[],
    };
    match steps {
        [only] if only.name == "$count" && only.arguments.is_none() => {
            return Ok(AggregateItem { operand: None, method: None, alias: compute::alias(parser)? });
        }
        [.., last] if last.name == "$count" => {
            return Err(unsupported(parser, "the number of related entities in aggregate", at));
        }
        _ => {}
    }
    parser.cursor.blanks();
    let is_custom = !steps.is_empty() && matches!(parser.cursor.peek(), None | Some(b',' | b')'));
    if is_custom {
        return Err(unsupported(parser, "a custom aggregate, which has no method after 'with'", at));
    }
    compute::word(parser, "with", "'with' and a method: sum, min, max, average or countdistinct")?;
    let start = parser.cursor.at;
    let method = parser.cursor.name();
    if method.is_empty() {
        return Err(parser.cursor.unexpected("sum, min, max, average or countdistinct"));
    }
    parser.cursor.blanks();
    if parser.cursor.rest().starts_with("from ") {
        return Err(unsupported(parser, "the keyword from in aggregate", parser.cursor.at));
    }
    let alias = compute::alias(parser)?;
    Ok(AggregateItem { operand: Some(operand), method: Some((start, method)), alias })
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

/// A number of rows.
fn number(parser: &mut Parser<'_>) -> Result<u64, Error> {
    let at = parser.cursor.at;
    let text = parser.cursor.run(|byte| byte.is_ascii_digit());
    options::count(text).ok_or_else(|| {
        parser.cursor.at = at;
        parser.cursor.unexpected("a number of rows")
    })
}
