//! Random searches find the rows whose texts contain what they name.

use std::fmt::{Display, Formatter};

use testkit::Random;

use crate::database::Database;
use crate::oracle::{Expression, Term, Value};
use crate::random::{COUNT, FIRST, SEED, number};
use crate::requests::encoded;
use crate::rows::{Class, Sample};

/// How many searches are tried, unless the environment says otherwise.
const SEARCHES: u64 = 300;

enum Search {
    Phrase(String),
    Not(Box<Self>),
    And(Vec<Self>),
    Or(Vec<Self>),
}

impl Display for Search {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let all = |terms: &[Self], between: &str| {
            terms.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
        };
        match self {
            Self::Phrase(text) => write!(out, "\"{text}\""),
            Self::Not(term) => write!(out, "NOT {term}"),
            Self::And(terms) => write!(out, "({})", all(terms, " ")),
            Self::Or(terms) => write!(out, "({})", all(terms, " OR ")),
        }
    }
}

/// A part of a text of the sample, or one that is probably nowhere.
fn phrase(sample: &Sample, random: &mut Random) -> String {
    let row = &sample.rows[random.place(sample.rows.len())];
    let texts: Vec<&str> = row
        .iter()
        .filter_map(|value| if let Value::Text(text) = value { Some(&**text) } else { None })
        .collect();
    let text = if texts.is_empty() { "x" } else { texts[random.place(texts.len())] };
    let letters: Vec<char> = text.chars().filter(|letter| *letter != '"').collect();
    let from = random.place(letters.len().max(1));
    let part: String = letters.iter().skip(from).take(1 + random.place(3)).collect();
    let part = if random.below(2) == 0 { part.to_uppercase() } else { part };
    if part.trim().is_empty() { "e".to_owned() } else { part }
}

fn search(sample: &Sample, random: &mut Random, depth: u64) -> Search {
    let several =
        |random: &mut Random| (0..2 + random.place(2)).map(|_| search(sample, random, depth - 1)).collect();
    match random.below(if depth == 0 { 1 } else { 5 }) {
        1 => Search::And(several(random)),
        2 => Search::Or(several(random)),
        3 => Search::Not(Box::new(search(sample, random, depth - 1))),
        _ => Search::Phrase(phrase(sample, random)),
    }
}

fn lower(term: Term) -> Expression {
    let text = Expression { class: Class::String, term };
    Expression { class: Class::String, term: Term::Call("tolower", vec![text]) }
}

/// Whether a row matches, by what `contains` and `tolower` are.
fn matches(search: &Search, sample: &Sample, row: &[Value]) -> bool {
    match search {
        Search::Phrase(text) => sample.columns.iter().enumerate().any(|(at, column)| {
            let literal = Term::Literal(String::new(), Value::Text(text.clone()));
            let arguments = vec![lower(Term::Column(column.name, at)), lower(literal)];
            let contains = Expression { class: Class::Boolean, term: Term::Call("contains", arguments) };
            column.class == Class::String && matches!(contains.value(row), Ok(Value::Boolean(true)))
        }),
        Search::Not(term) => !matches(term, sample, row),
        Search::And(terms) => terms.iter().all(|term| matches(term, sample, row)),
        Search::Or(terms) => terms.iter().any(|term| matches(term, sample, row)),
    }
}

/// Compares random searches with the rows.
pub(crate) fn find_the_rows_that_contain_them(database: &impl Database, sample: &Sample) {
    let first = number(SEED, FIRST);
    for seed in first..first + number(COUNT, SEARCHES) {
        let mut random = Random::new(seed);
        let search = search(sample, &mut random, 3);
        let url = format!("/T?$select=id&$search={}", encoded(&search.to_string()));
        let rows = sample.rows.iter().enumerate().filter(|(_, row)| matches(&search, sample, row));
        let expected: Vec<i64> = rows.map(|(id, _)| i64::try_from(id).unwrap()).collect();
        let page_size = 1 + random.place(12);
        assert_eq!(database.ids(&url, page_size), Ok(expected), "{SEED}={seed} {COUNT}=1: {search}");
    }
}
