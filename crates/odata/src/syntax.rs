//! The syntax tree of a request, borrowed from its decoded [`Url`]. It knows no model: names are just names.
//!
//! The tree covers more of the grammar than can be bound, so that valid but unsupported requests can be
//! distinguished from wrong ones.

mod alias;
pub mod apply;
pub mod compute;
mod cursor;
mod expand;
pub(crate) mod expression;
mod literal;
mod operator;
pub(crate) mod options;
pub mod search;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::error::{Error, Reason};
use crate::url::{QueryOption, Segment, SystemOption, Url};
use cursor::Cursor;
use expression::Parser;

/// The maximum number of parts in one expression. A run of `and` or of `or` is one part besides its terms.
pub const MAX_NODES: usize = 1000;
/// The maximum nesting depth of one expression.
pub const MAX_DEPTH: usize = 32;
/// The maximum number of consecutive arithmetic or comparison operators without parentheses.
pub const MAX_ROW: usize = 100;
/// The maximum number of items in a list to the right of `in`, and in a chain such as `Id eq 1 or Id eq 2`.
pub const MAX_LIST: usize = 1000;
/// The maximum number of items in `$select` for a type with fewer properties; otherwise its number of
/// properties.
pub const MAX_SELECT: usize = 1000;
/// The maximum number of terms in `$orderby`.
pub const MAX_ORDER: usize = 8;
/// The maximum number of levels of `$expand`, and of navigation properties in a resource path.
pub const MAX_EXPAND_DEPTH: usize = 5;
/// The maximum number of navigation properties that a request expands, on all levels together.
pub const MAX_EXPANDED: usize = 16;
/// The maximum number of values in `$compute`, and in one `compute` of `$apply`.
pub const MAX_COMPUTED: usize = 64;
/// The maximum number of transformations in `$apply`.
pub const MAX_TRANSFORMATIONS: usize = 16;
/// The maximum number of `concat` within each other.
pub const MAX_CONCAT_DEPTH: usize = 4;
/// The maximum number of times that `concat` and `rollup` make a request read its rows.
pub const MAX_READINGS: usize = 16;
/// The maximum number of properties by which rows are grouped.
pub const MAX_GROUPING: usize = 32;
/// The maximum number of values in one `aggregate`.
pub const MAX_AGGREGATES: usize = 64;
/// The maximum number of times that the expressions of a request follow a navigation property.
pub const MAX_FOLLOWED: usize = 32;
/// The maximum number of entity sets in a cross join.
pub const MAX_CROSSED: usize = 4;
/// The maximum number of segments of a resource path.
pub const MAX_SEGMENTS: usize = 64;
/// The maximum number of words and phrases in `$search`.
pub const MAX_SEARCHED: usize = 32;
/// The maximum number of nested lambda operators, and counts of related entities.
pub const MAX_LAMBDAS: usize = 3;

/// A request: the addressed resource and its query options.
#[derive(Debug, Clone, PartialEq)]
pub struct Request<'t> {
    /// The resource path, one step for each segment; empty for the service document.
    pub path: Vec<Step<'t>>,
    /// The options that say which entities are wanted, and what of them.
    pub options: EntityOptions<'t>,
    /// `$apply`; empty if absent.
    pub apply: Vec<apply::Transformation<'t>>,
    /// `$compute`; empty if absent.
    pub compute: Vec<compute::ComputeItem<'t>>,
    /// `$search`.
    pub search: Option<search::Search<'t>>,
    /// `$format`, as text.
    pub format: Option<&'t str>,
    /// `$skiptoken`, sealed.
    pub skip_token: Option<&'t str>,
    /// `$id`, which is supported for changes of references only.
    pub(crate) id: Option<&'t str>,
    /// Known system query options that are not supported.
    pub(crate) unsupported: Vec<SystemOption>,
}

/// The options that say which entities are wanted, and what of them: those of the request, or those of an item of
/// `$expand`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EntityOptions<'t> {
    /// `$filter`.
    pub filter: Option<Node<'t>>,
    /// `$orderby`; empty if absent.
    pub order: Vec<OrderTerm<'t>>,
    /// `$select`.
    pub select: Option<Vec<SelectItem<'t>>>,
    /// `$top`.
    pub top: Option<u64>,
    /// `$skip`.
    pub skip: Option<u64>,
    /// `$count`.
    pub count: Option<bool>,
    /// `$expand`; empty if absent.
    pub expand: Vec<ExpandItem<'t>>,
}

/// An item of `$expand`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpandItem<'t> {
    /// The byte offset.
    pub at: usize,
    /// The name of the navigation property; `*` stands for all.
    pub name: &'t str,
    /// What is wanted of the related entities.
    pub form: ExpandedForm,
    /// The options in parentheses.
    pub options: EntityOptions<'t>,
    /// `$levels`, with its byte offset.
    pub levels: Option<(usize, Levels)>,
    /// Each option as it is written, without `$levels`.
    pub(crate) texts: Vec<(SystemOption, &'t str)>,
}

impl ExpandItem<'_> {
    /// Whether it stands for all navigation properties.
    pub(crate) fn is_all(&self) -> bool {
        self.name == "*"
    }
}

/// What is wanted of related entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpandedForm {
    /// The entities.
    Entities,
    /// Their ids: `/$ref`.
    References,
    /// Only their number: `/$count`.
    Count,
}

/// How often a navigation property that leads to its own type is expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Levels {
    /// At least once.
    Number(u64),
    /// As often as this server does.
    Max,
}

/// An expression and its start in the decoded text of its option.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'t> {
    /// The byte offset.
    pub at: usize,
    /// The expression.
    pub expression: Expression<'t>,
}

/// An expression of [OData URL Conventions 4.01 §5.1.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part2-url-conventions.html#sec_CommonExpressionSyntax).
#[derive(Debug, Clone, PartialEq)]
pub enum Expression<'t> {
    /// A primitive literal.
    Literal(Literal<'t>),
    /// Property names, navigation, function calls and lambda operators, joined by slashes.
    Path(Vec<Step<'t>>),
    /// `not a`, `-a`.
    Unary(Unary, Box<Node<'t>>),
    /// `a and b and c`, `a or b or c`: at least two terms.
    Junction(Junction, Vec<Node<'t>>),
    /// `a eq b`, `a add b`, …
    Binary(Binary, Box<Node<'t>>, Box<Node<'t>>),
    /// `a in (b, c)`.
    In(Box<Node<'t>>, Box<Node<'t>>),
    /// `(b, c)` to the right of `in`, or a JSON array.
    List(Vec<Node<'t>>),
    /// A JSON object.
    Object(Vec<(Cow<'t, str>, Node<'t>)>),
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<'t> {
    /// The byte offset.
    pub at: usize,
    /// The name, qualified or not, or a word such as `$it` or `$count`.
    pub name: &'t str,
    /// The content of the parentheses after it.
    pub arguments: Option<Arguments<'t>>,
}

/// The content of the parentheses after a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Arguments<'t> {
    /// `(a, b)` or `(x=a, y=b)`.
    Call(Vec<(Option<&'t str>, Node<'t>)>),
    /// `(x: predicate)` of `any` and `all`.
    Lambda(&'t str, Box<Node<'t>>),
    /// `($filter=…)` of a count segment; `None` for other options.
    Count(Option<Box<Node<'t>>>),
    /// `(condition: value, …)` of `case`.
    Cases(Vec<(Node<'t>, Node<'t>)>),
    /// What is not read.
    Options,
}

/// A primitive literal.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named like the primitive types")]
pub enum Literal<'t> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// With a decimal point, or too long for 64 bits.
    Decimal(&'t str),
    Double(f64),
    String(Cow<'t, str>),
    Guid([u8; 16]),
    Date(jiff::civil::Date),
    TimeOfDay(crate::instant::ClockTime),
    /// The instant, and the time zone in which it was written, in seconds east of UTC.
    DateTimeOffset(crate::instant::Moment, i32),
    Duration(&'t str),
    Binary(Vec<u8>),
    /// A geographic literal, unparsed.
    Geo(&'t str),
    /// The qualified name of an enumeration, and its member.
    Enum(&'t str, &'t str),
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the operators")]
pub enum Unary {
    Not,
    Negate,
}

/// Operators with any number of operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the operators")]
pub enum Junction {
    Or,
    And,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named like the operators")]
pub enum Binary {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Add,
    Sub,
    Mul,
    Div,
    DivBy,
    Mod,
    Has,
}

/// One term of `$orderby`.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderTerm<'t> {
    /// What to order by.
    pub node: Node<'t>,
    /// Whether the order is descending.
    pub descending: bool,
}

/// One item of `$select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectItem<'t> {
    /// The byte offset.
    pub at: usize,
    /// The names between the slashes; `*` stands for all.
    pub path: Vec<&'t str>,
    /// Whether options in parentheses follow.
    pub nested: bool,
    /// Whether it follows the grammar. If not, the only name is the given text, because it may be meant as a
    /// name in the database.
    pub well_formed: bool,
}

impl<'t> Request<'t> {
    /// Parses the syntax of a request.
    ///
    /// # Errors
    /// Everything that violates the grammar or exceeds a limit. What is only unsupported is refused when it
    /// is bound.
    pub fn parse(url: &'t Url) -> Result<Self, Error> {
        if url.segments.len() > MAX_SEGMENTS {
            return Err(Reason::TooManyItems(MAX_SEGMENTS).at("path", 0));
        }
        let path = url.segments.iter().map(|segment| path_segment(segment, &url.options));
        let path = path.collect::<Result<_, _>>()?;
        let mut request = Self {
            path,
            options: EntityOptions::default(),
            apply: Vec::new(),
            compute: Vec::new(),
            search: None,
            format: None,
            skip_token: None,
            id: None,
            unsupported: Vec::new(),
        };
        for option in &url.options {
            if let crate::url::OptionName::System(name) = option.name {
                request.option(name, &option.value, &url.options)?;
            }
        }
        Ok(request)
    }

    fn option(
        &mut self,
        name: SystemOption,
        value: &'t str,
        aliases: &'t [QueryOption],
    ) -> Result<(), Error> {
        let cursor = Cursor { text: value, at: 0, target: name.name(), aliases };
        if self.options.read(name, cursor)? {
            return Ok(());
        }
        match name {
            SystemOption::Expand => self.options.expand = expand::items(cursor)?,
            SystemOption::Apply => self.apply = apply::transformations(cursor)?,
            SystemOption::Compute => self.compute = compute::items(cursor)?,
            SystemOption::Search => self.search = Some(search::search(cursor)?),
            SystemOption::Format => self.format = Some(value),
            SystemOption::SkipToken => self.skip_token = Some(value),
            SystemOption::SchemaVersion if value == "*" => {}
            _ => {
                self.id = self.id.or(Some(value).filter(|_| name == SystemOption::Id));
                self.unsupported.push(name);
            }
        }
        Ok(())
    }
}

/// Checks that a whole text is one expression.
pub(crate) fn check_expression(text: &str, target: &'static str) -> Result<(), Error> {
    Parser::new(text, target).whole().map(drop)
}

impl<'t> EntityOptions<'t> {
    /// Reads the value of an option, which ends with the text of the cursor. Returns `false` for another option than these.
    fn read(&mut self, name: SystemOption, cursor: Cursor<'t>) -> Result<bool, Error> {
        let value = cursor.rest();
        let bad = || Reason::BadOptionValue(value.to_owned()).at(cursor.target, cursor.at);
        match name {
            SystemOption::Filter => self.filter = Some(Parser::at(cursor).whole()?),
            SystemOption::OrderBy => self.order = options::order(cursor)?,
            SystemOption::Select => self.select = Some(options::select(cursor)?),
            SystemOption::Top => self.top = Some(options::count(value).ok_or_else(bad)?),
            SystemOption::Skip => self.skip = Some(options::count(value).ok_or_else(bad)?),
            SystemOption::Count => self.count = Some(options::boolean(value).ok_or_else(bad)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A segment of the resource path is a step of a path expression, with a key where a call has arguments.
fn path_segment<'t>(segment: &'t Segment, aliases: &'t [QueryOption]) -> Result<Step<'t>, Error> {
    let mut parser = Parser::at(Cursor { text: &segment.text, at: 0, target: "path", aliases });
    match parser.resource_segment() {
        Ok(step) => Ok(Step { at: step.at + segment.offset, ..step }),
        Err(mut error) => {
            if let Some(location) = &mut error.location {
                location.offset += segment.offset;
            }
            Err(error)
        }
    }
}
