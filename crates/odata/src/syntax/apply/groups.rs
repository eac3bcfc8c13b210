//! The syntax of `groupby` and `aggregate`.

use super::{AggregateItem, Grouping, GroupingPath, TransformationKind, unsupported};
use crate::error::{Error, Reason};
use crate::syntax::expression::Parser;
use crate::syntax::{Expression, MAX_AGGREGATES, MAX_GROUPING, Step, compute};

/// `(City,Name),aggregate($count as Number)`.
pub(super) fn grouping<'t>(parser: &mut Parser<'t>) -> Result<TransformationKind<'t>, Error> {
    parser.cursor.expect(b'(', "'(' with the properties by which to group")?;
    let mut paths = Vec::new();
    let mut left = MAX_GROUPING;
    loop {
        parser.cursor.blanks();
        paths.push(grouped_by(parser, &mut left)?);
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

/// `City` or `rollup(Country,City)`. `left` is how many paths there may still be.
fn grouped_by<'t>(parser: &mut Parser<'t>, left: &mut usize) -> Result<Grouping<'t>, Error> {
    let start = parser.cursor.at;
    if parser.cursor.name() != "rollup" || !parser.cursor.eat(b'(') {
        parser.cursor.at = start;
        return path(parser, left).map(Grouping::Path);
    }
    parser.cursor.blanks();
    let all = parser.cursor.rest().starts_with("$all");
    if all {
        parser.cursor.at += "$all".len();
        parser.cursor.blanks();
        parser.cursor.expect(b',', "',' with the properties by which to group")?;
    }
    let mut paths = Vec::new();
    loop {
        parser.cursor.blanks();
        paths.push(path(parser, left)?);
        parser.cursor.blanks();
        if !parser.cursor.eat(b',') {
            break;
        }
    }
    parser.cursor.expect(b')', "',' or ')'")?;
    Ok(Grouping::Rollup { all, paths })
}

/// `City` or `Country/Name`.
fn path<'t>(parser: &mut Parser<'t>, left: &mut usize) -> Result<GroupingPath<'t>, Error> {
    let at = parser.cursor.at;
    *left =
        left.checked_sub(1).ok_or_else(|| Reason::TooManyItems(MAX_GROUPING).at(parser.cursor.target, at))?;
    let mut path = Vec::with_capacity(1);
    loop {
        let start = parser.cursor.at;
        let name = parser.cursor.name();
        if name.is_empty() {
            parser.cursor.at = start;
            return Err(parser.cursor.unexpected("the name of a property"));
        }
        path.push(name);
        if !parser.cursor.eat(b'/') {
            return Ok(GroupingPath { at, path });
        }
    }
}

/// `Price with sum as Total,$count as Number`.
pub(super) fn aggregates<'t>(parser: &mut Parser<'t>) -> Result<Vec<AggregateItem<'t>>, Error> {
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

/// Whether `with` comes next.
fn is_followed_by_method(parser: &Parser<'_>) -> bool {
    let mut cursor = parser.cursor;
    cursor.blanks() && cursor.name().eq_ignore_ascii_case("with")
}

fn aggregate<'t>(parser: &mut Parser<'t>) -> Result<AggregateItem<'t>, Error> {
    let at = parser.cursor.at;
    let operand = parser.expression()?;
    let steps: &[Step<'_>] = match &operand.expression {
        Expression::Path(steps) => steps,
        _ => &[],
    };
    match steps {
        [only] if only.name == "$count" && only.arguments.is_none() => {
            return Ok(AggregateItem { operand: None, method: None, alias: compute::alias(parser)? });
        }
        [.., last] if last.name == "$count" && !is_followed_by_method(parser) => {
            return Err(unsupported(
                parser,
                "the number of related entities in aggregate, without a method",
                at,
            ));
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
