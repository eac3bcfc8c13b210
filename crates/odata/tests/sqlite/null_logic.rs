//! Filters on rows with nulls, compared with an evaluator that follows the standard's tables literally.

use std::fmt::{Display, Formatter, Result};

use odata::edm_type::EdmType;
use proptest::prelude::*;

use crate::database::{Database, table};

#[derive(Debug, Clone, Copy)]
struct Facts {
    id: i64,
    a: Option<i64>,
    b: Option<i64>,
    s: Option<&'static str>,
    f: Option<bool>,
}

#[derive(Debug, Clone)]
enum Number {
    Null,
    Literal(i64),
    A,
    B,
    Sum(Box<Number>, Box<Number>),
}

#[derive(Debug, Clone)]
enum Filter {
    Compare(&'static str, Number, Number),
    Truths(&'static str, Box<Filter>, Box<Filter>),
    Contains(&'static str),
    StartsWith(&'static str),
    EndsWith(&'static str),
    Flag,
    In(Number, Vec<Number>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
}

impl Display for Number {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Null => write!(out, "null"),
            Self::Literal(value) => write!(out, "{value}"),
            Self::A => write!(out, "a"),
            Self::B => write!(out, "b"),
            Self::Sum(left, right) => write!(out, "({left} add {right})"),
        }
    }
}

impl Display for Filter {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Compare(operator, left, right) => write!(out, "({left} {operator} {right})"),
            Self::Truths(operator, left, right) => write!(out, "({left} {operator} {right})"),
            Self::Contains(part) => write!(out, "contains(s,'{part}')"),
            Self::StartsWith(part) => write!(out, "startswith(s,'{part}')"),
            Self::EndsWith(part) => write!(out, "endswith(s,'{part}')"),
            Self::Flag => write!(out, "f"),
            Self::In(left, list) => {
                let list: Vec<String> = list.iter().map(ToString::to_string).collect();
                write!(out, "({left} in ({}))", list.join(","))
            }
            Self::And(left, right) => write!(out, "({left} and {right})"),
            Self::Or(left, right) => write!(out, "({left} or {right})"),
            Self::Not(operand) => write!(out, "(not {operand})"),
        }
    }
}

impl Number {
    fn value(&self, facts: Facts) -> Option<i64> {
        match self {
            Self::Null => None,
            Self::Literal(value) => Some(*value),
            Self::A => facts.a,
            Self::B => facts.b,
            Self::Sum(left, right) => Some(left.value(facts)? + right.value(facts)?),
        }
    }
}

fn compare<T: PartialOrd>(operator: &str, left: Option<T>, right: Option<T>) -> bool {
    match (operator, left, right) {
        ("eq", left, right) => left == right,
        ("ne", left, right) => left != right,
        ("gt", Some(left), Some(right)) => left > right,
        ("lt", Some(left), Some(right)) => left < right,
        ("ge", Some(left), Some(right)) => left >= right,
        ("le", Some(left), Some(right)) => left <= right,
        ("ge" | "le", None, None) => true,
        _ => false,
    }
}

impl Filter {
    /// True, false or null.
    fn value(&self, facts: Facts) -> Option<bool> {
        match self {
            Self::Compare(operator, left, right) => {
                Some(compare(operator, left.value(facts), right.value(facts)))
            }
            Self::Truths(operator, left, right) => {
                Some(compare(operator, left.value(facts), right.value(facts)))
            }
            Self::Contains(part) => Some(facts.s?.contains(part)),
            Self::StartsWith(part) => Some(facts.s?.starts_with(part)),
            Self::EndsWith(part) => Some(facts.s?.ends_with(part)),
            Self::Flag => facts.f,
            Self::In(left, list) => {
                Some(list.iter().any(|item| compare("eq", left.value(facts), item.value(facts))))
            }
            Self::And(left, right) => match (left.value(facts), right.value(facts)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(left, right) => match (left.value(facts), right.value(facts)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(operand) => operand.value(facts).map(|value| !value),
        }
    }
}

fn rows() -> Vec<Facts> {
    let mut rows = Vec::new();
    for a in [None, Some(1), Some(2)] {
        for b in [None, Some(1), Some(2)] {
            for s in [None, Some(""), Some("x"), Some("yx")] {
                for f in [None, Some(false), Some(true)] {
                    rows.push(Facts { id: i64::try_from(rows.len()).unwrap(), a, b, s, f });
                }
            }
        }
    }
    rows
}

fn database() -> Database {
    let columns = [
        ("id", EdmType::Int64, false),
        ("a", EdmType::Int32, true),
        ("b", EdmType::Int32, true),
        ("s", EdmType::String { max_length: None }, true),
        ("f", EdmType::Boolean, true),
    ];
    let sql = "CREATE TABLE T (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, s TEXT, f BOOLEAN)";
    let database = Database::new(sql, vec![table("T", &columns, &["id"])]);
    for facts in rows() {
        let values = rusqlite::params![facts.id, facts.a, facts.b, facts.s, facts.f];
        database.connection.execute("INSERT INTO T VALUES (?,?,?,?,?)", values).unwrap();
    }
    database
}

fn number() -> impl Strategy<Value = Number> {
    let leaf = prop_oneof![
        Just(Number::A),
        Just(Number::B),
        Just(Number::Null),
        (0..4_i64).prop_map(Number::Literal)
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner).prop_map(|(left, right)| Number::Sum(Box::new(left), Box::new(right)))
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let operator = || prop::sample::select(vec!["eq", "ne", "gt", "ge", "lt", "le"]);
    let part = || prop::sample::select(vec!["", "x", "y", "yx", "z"]);
    let leaf = prop_oneof![
        4 => (operator(), number(), number()).prop_map(|(operator, left, right)| Filter::Compare(operator, left, right)),
        1 => part().prop_map(Filter::Contains),
        1 => part().prop_map(Filter::StartsWith),
        1 => part().prop_map(Filter::EndsWith),
        1 => Just(Filter::Flag),
        1 => (number(), prop::collection::vec(number(), 0..3)).prop_map(|(left, list)| Filter::In(left, list)),
    ];
    leaf.prop_recursive(4, 16, 2, move |inner| {
        let pair =
            || (inner.clone(), inner.clone()).prop_map(|(left, right)| (Box::new(left), Box::new(right)));
        prop_oneof![
            pair().prop_map(|(left, right)| Filter::And(left, right)),
            pair().prop_map(|(left, right)| Filter::Or(left, right)),
            inner.clone().prop_map(|operand| Filter::Not(Box::new(operand))),
            (operator(), pair()).prop_map(|(operator, (left, right))| Filter::Truths(operator, left, right)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filters_on_nulls_select_what_the_standard_says(filters in prop::collection::vec(filter(), 4)) {
        thread_local!(static DATABASE: Database = database());
        for filter in filters {
            let expected: Vec<i64> =
                rows().into_iter().filter(|facts| filter.value(*facts) == Some(true)).map(|facts| facts.id).collect();
            let url = format!("T?$top=1000&$select=id&$filter={filter}");
            let page = DATABASE.with(|database| {
                let odata::plan::Plan::Entities(query) = database.plan(&url, 1000, None).unwrap() else { panic!() };
                crate::database::ids(&database.page(&query).0)
            });
            prop_assert_eq!(page, expected, "{}", url);
        }
    }
}

#[test]
fn null_equals_only_itself() {
    let database = database();
    let all = rows().len();
    let count = |filter: &str| database.body(&format!("T/$count?$filter={filter}")).parse::<usize>().unwrap();
    assert_eq!(count("a eq null"), all / 3);
    assert_eq!(count("a ne 1"), all / 3 * 2);
    assert_eq!(count("not (a eq 1)"), all / 3 * 2);
    assert_eq!(count("a gt 1 or a le 1"), all / 3 * 2);
    assert_eq!(count("a ge null"), all / 3);
    assert_eq!(count("null eq null"), all);
    assert_eq!(count("f"), all / 3);
    assert_eq!(count("not f"), all / 3);
    assert_eq!(count("null"), 0);
    assert_eq!(count("not null"), 0);
}
