//! Random requests with `$apply` and `$compute`, compared with what the standard says.

mod aggregates;
mod parts;

use std::cmp::Ordering;
use std::fmt::Write as _;

use odata::sql::Dialect;
use serde_json::Value as Json;
use testkit::Random;

use crate::database::Database;
use crate::decimal::Decimal;
use crate::oracle::{Expression, Term, Value, in_order};
use crate::random::{COUNT, FIRST, SEED, is_refused, number};
use crate::requests::{NUMBERS, ORDERED, Requests, encoded, whole};
use crate::rows::{Class, Sample};

/// How many requests are tried, unless the environment says otherwise.
const REQUESTS: u64 = 800;
pub(crate) const ROWS: usize = 40;
/// With it, exact numbers are texts.
const FORMAT: &str = "$format=application/json;IEEE754Compatible=true";

const COMPUTED: [&str; 2] = ["C0", "C1"];
const AGGREGATED: [&str; 3] = ["A0", "A1", "A2"];
/// Those of the groups of groups.
const AGAIN: [&str; 3] = ["B0", "B1", "B2"];

/// A column of derived rows.
#[derive(Debug, Clone)]
struct Named {
    name: &'static str,
    class: Class,
    /// Whether it is compared and ordered exactly.
    exact: bool,
}

/// A row with the ids of the rows that it was made of.
#[derive(Debug, Clone)]
struct Derived {
    values: Vec<Value>,
    members: Vec<usize>,
    /// The places of the columns that it does not have.
    missing: Vec<usize>,
}

/// A request and its rows.
struct Expected {
    url: String,
    columns: Vec<Named>,
    rows: Vec<Derived>,
    /// Whether the order decides the place of each row.
    total: bool,
    /// The number of rows without `$top` and `$skip`.
    count: usize,
    /// Whether only some of the columns are shown.
    is_narrowed: bool,
}

/// Makes one request.
struct Maker<'s> {
    requests: Requests<'s>,
    sample: &'s Sample,
    url: String,
    columns: Vec<Named>,
    /// The places of the columns that are the key of the rows.
    keys: Vec<usize>,
    /// The columns by which the rows are ordered before their key, and whether they descend.
    order: Vec<(usize, bool)>,
    rows: Vec<Derived>,
}

impl<'s> Maker<'s> {
    fn new(sample: &'s Sample, seed: u64) -> Self {
        let column =
            |column: &crate::rows::Sampled| Named { name: column.name, class: column.class, exact: true };
        let row = |(id, row): (usize, &Vec<Value>)| Derived {
            values: row.clone(),
            members: vec![id],
            missing: Vec::new(),
        };
        Self {
            requests: Requests::new(sample, Random::new(seed).bits()),
            sample,
            url: String::new(),
            columns: sample.columns.iter().map(column).collect(),
            keys: vec![0],
            order: Vec::new(),
            rows: sample.rows.iter().enumerate().map(row).collect(),
        }
    }

    fn transformation(&mut self, text: &str) {
        let separator = if self.url.is_empty() { "/T?$apply=" } else { "/" };
        write!(self.url, "{separator}{}", encoded(text)).unwrap();
    }

    /// `None` if some row has no answer.
    fn filter(&mut self) -> Option<()> {
        let condition = self.requests.condition(2);
        self.keep(&condition)?;
        self.transformation(&format!("filter({condition})"));
        Some(())
    }

    fn keep(&mut self, condition: &Expression) -> Option<()> {
        let mut kept = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            if matches!(condition.value(&row.values).ok()?, Value::Boolean(true)) {
                kept.push(row);
            }
        }
        self.rows = kept;
        Some(())
    }

    /// Adds computed values; returns their text.
    fn compute(&mut self) -> Option<String> {
        let mut items = Vec::new();
        for name in &COMPUTED[..=self.requests.random.place(2)] {
            let class =
                self.requests.one(&[NUMBERS[0], NUMBERS[1], NUMBERS[2], Class::String, Class::Integer]);
            let has_class = self.sample.columns.iter().any(|column| column.class == class);
            let expression = Some(()).filter(|()| has_class).map(|()| self.requests.computed(class, 1))?;
            if !expression.has_column() {
                return None;
            }
            for row in &mut self.rows {
                let value = expression.value(&row.values).ok()?;
                row.values.push(shown(class, value)?);
            }
            self.columns.push(Named { name, class, exact: class != Class::Double });
            items.push(format!("{expression} as {name}"));
        }
        Some(items.join(","))
    }

    /// The options that follow: a filter, an order and a part of the rows.
    fn options(mut self) -> Option<Expected> {
        let exact: Vec<usize> = (0..self.columns.len())
            .filter(|at| self.columns[*at].exact && ORDERED.contains(&self.columns[*at].class))
            .collect();
        let numbers: Vec<usize> = exact
            .iter()
            .copied()
            .filter(|at| matches!(self.columns[*at].class, Class::Integer | Class::Decimal))
            .collect();
        if self.requests.chance(2) && !numbers.is_empty() {
            let at = self.requests.one(&numbers);
            let column =
                Expression { class: self.columns[at].class, term: Term::Column(self.columns[at].name, at) };
            let operator = self.requests.one(&["gt", "le", "ne", "eq"]);
            let literal = self.requests.one(&["0", "1", "3", "7"]);
            let term = Term::Compare(operator, Box::new(column), Box::new(whole(literal)));
            let condition = Expression { class: Class::Boolean, term };
            self.keep(&condition)?;
            write!(self.url, "&$filter={}", encoded(&condition.to_string())).unwrap();
        }
        let mut order: Vec<(usize, bool)> = Vec::new();
        for _ in 0..self.requests.random.place(3) {
            if exact.is_empty() {
                break;
            }
            let at = self.requests.one(&exact);
            if !order.iter().any(|(other, _)| *other == at) {
                order.push((at, self.requests.chance(2)));
            }
        }
        for (index, (at, descending)) in order.iter().enumerate() {
            self.url.push_str(if index == 0 { "&$orderby=" } else { "," });
            self.url.push_str(self.columns[*at].name);
            self.url.push_str(if *descending { "%20desc" } else { "" });
        }
        Some(self.finish(order))
    }

    fn finish(mut self, mut order: Vec<(usize, bool)>) -> Expected {
        order.extend(self.order.iter().copied());
        // The key completes the order.
        let last = order.last().is_some_and(|(_, descending)| *descending);
        let total = self.keys.iter().all(|at| ORDERED.contains(&self.columns[*at].class));
        order.extend(self.keys.iter().map(|at| (*at, last)));
        self.rows.sort_by(|one, other| by(&order, one, other));
        let count = self.rows.len();
        if total {
            if self.requests.chance(4) {
                let skip = self.requests.random.place(5);
                write!(self.url, "&$skip={skip}").unwrap();
                self.rows.drain(..skip.min(count));
            }
            if self.requests.chance(4) {
                let top = self.requests.random.place(8);
                write!(self.url, "&$top={top}").unwrap();
                self.rows.truncate(top);
            }
        }
        let (url, columns, rows) = (self.url, self.columns, self.rows);
        let is_narrowed = url.contains("$select");
        Expected { url, columns, rows, total, count, is_narrowed }
    }
}

fn by(order: &[(usize, bool)], one: &Derived, other: &Derived) -> Ordering {
    order.iter().fold(Ordering::Equal, |so_far, (at, descending)| {
        let next = in_order(&one.values[*at], &other.values[*at]);
        so_far.then(if *descending { next.reverse() } else { next })
    })
}

/// The value as it is shown; `None` if it is out of the range of its type, or would not be the same everywhere.
fn shown(class: Class, value: Value) -> Option<Value> {
    match &value {
        Value::Number(number) if class == Class::Integer => number.integer().map(|_| value),
        Value::Double(double) => double.is_finite().then_some(value),
        _ => Some(value),
    }
}

/// A request, and what it gives; `None` if it has no answer.
fn expected(sample: &Sample, seed: u64) -> Option<Expected> {
    let mut maker = Maker::new(sample, seed);
    if maker.requests.chance(3) {
        let items = maker.compute()?;
        let names: Vec<&str> = maker.columns[sample.columns.len()..].iter().map(|named| named.name).collect();
        maker.url = format!("/T?$compute={}&$select=id,{}", encoded(&items), names.join(","));
        return maker.options();
    }
    if maker.requests.chance(3) {
        maker.filter()?;
    }
    if maker.requests.chance(3) {
        let items = maker.compute()?;
        maker.transformation(&format!("compute({items})"));
    }
    if maker.requests.chance(4) {
        maker.reach()?;
    }
    match maker.requests.random.below(6) {
        0 => maker.concat()?,
        1 => maker.rollup()?,
        2 => {
            maker.group(&AGGREGATED)?;
            maker.group(&AGAIN)?;
        }
        _ => maker.group(&AGGREGATED)?,
    }
    maker.options()
}

/// The number that a text is, which may have any number of zeros at its end.
fn decimal(text: &str) -> Option<Decimal> {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    Decimal::read(text)
}

impl Named {
    /// Whether a database keeps the exact number as a double.
    fn is_double(&self, dialect: Dialect) -> bool {
        dialect == Dialect::Sqlite && self.class == Class::Decimal
    }
}

/// Whether a shown value is the expected one. `members` are the shown rows of which it is made.
fn is_shown(dialect: Dialect, named: &Named, value: &Value, found: &Json, members: &[&Json]) -> bool {
    let close = |one: f64, other: f64| {
        one.total_cmp(&other).is_eq() || (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
    };
    match (value, found) {
        (Value::Null, found) => found.is_null(),
        (Value::Number(number), Json::String(text)) => {
            let is_exact = decimal(text).is_some_and(|found| found.compare(*number).is_eq());
            is_exact || (named.is_double(dialect) && close(text.parse().unwrap(), number.double()))
        }
        (Value::Number(number), Json::Number(found)) => number.integer() == found.as_i64(),
        (Value::Double(double), Json::Number(found)) => {
            found.as_f64().is_some_and(|found| close(*double, found))
        }
        (Value::Double(_), found) if !named.exact => found.is_string(),
        (Value::Text(text), Json::String(found)) if named.class == Class::String => text == found,
        // Written as in the rows of which the group is made.
        (_, found) => members.iter().any(|row| row.as_object().unwrap().values().any(|value| value == found)),
    }
}

fn compare<D: Database>(
    database: &D,
    all: &[Json],
    expected: &Expected,
    place: &str,
    page_size: usize,
) -> bool {
    let url = format!("{}&{FORMAT}", expected.url);
    if is_refused(database, &url) {
        return false;
    }
    let Ok(found) = database.walk(&url, page_size) else { return false };
    let at_once = database.walk(&url, 1_000).unwrap();
    assert_eq!(found, at_once, "{place}: pages of {page_size} and one page: {url}");
    assert_eq!(found.len(), expected.rows.len(), "{place}: {url}: {found:?}");
    let fits = |row: &Derived, found: &Json| {
        let members: Vec<&Json> = row.members.iter().map(|id| &all[*id]).collect();
        let mut pairs = expected.columns.iter().zip(&row.values).enumerate();
        pairs.all(|(at, (named, value))| match found.get(named.name) {
            Some(found) => !row.missing.contains(&at) && is_shown(D::DIALECT, named, value, found, &members),
            None => expected.is_narrowed || row.missing.contains(&at),
        })
    };
    if expected.total {
        for (row, found) in expected.rows.iter().zip(&found) {
            assert!(fits(row, found), "{place}: {row:?} is shown as {found}: {url}");
        }
    } else {
        for row in &expected.rows {
            assert!(found.iter().any(|found| fits(row, found)), "{place}: no {row:?}: {url}: {found:?}");
        }
    }
    counts(database, expected, place);
    true
}

/// `$count` is the number of rows without `$top` and `$skip`.
fn counts(database: &impl Database, expected: &Expected, place: &str) {
    let url = format!("{}&$count=true&{FORMAT}", expected.url);
    let body: Json = serde_json::from_str(&database.body(&url)).unwrap();
    assert_eq!(body["@odata.count"], expected.count.to_string(), "{place}: {url}");
}

/// Compares random requests to the database with the answers of the evaluator.
pub(crate) fn give_what_the_standard_says(database: &impl Database, sample: &Sample) {
    let (first, count) = (number(SEED, FIRST), number(COUNT, REQUESTS));
    let all = database.walk(&format!("/T?{FORMAT}"), 1_000).unwrap();
    let mut compared = 0;
    for seed in first..first + count {
        let page_size = 1 + Random::new(seed).place(7);
        let Some(expected) = expected(sample, seed) else { continue };
        compared +=
            u64::from(compare(database, &all, &expected, &format!("{SEED}={seed} {COUNT}=1"), page_size));
    }
    assert!(compared * 10 >= count * 5, "only {compared} of {count} requests were compared");
}
