//! The cost of a request: statements and parameters stay close to the length of the request, whatever its
//! shape.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::plan::Plan;
use odata::statement::Statement;
use proptest::prelude::*;

use crate::database::{Database, reference, table};
use crate::soup::database;

/// The maximum length of a request in bytes.
const LONGEST: usize = 32 * 1024;

/// The maximum growth: a factor of the request's length, and a constant in bytes.
const GROWTH: usize = 24;
const BESIDES: usize = 8 * 1024;

fn cost(statement: &Statement) -> usize {
    statement.sql.len() + statement.parameters.iter().map(odata::cell::Value::bytes).sum::<usize>()
}

/// Functions and operators around `x` whose result is that of `x`, a number, or a truth value.
const AROUND: &[&str] = &[
    "concat(x,x)",
    "concat(x,s)",
    "substring(x,1)",
    "substring(x,1,2)",
    "substring(x,length(x),indexof(x,'a'))",
    "trim(x)",
    "tolower(x)",
    "toupper(x)",
    "floor(x)",
    "ceiling(x)",
    "round(x)",
    "-x",
    "not (x)",
    "length(x)",
    "indexof(x,x)",
    "contains(x,x)",
    "startswith(x,x)",
    "startswith(s,x)",
    "endswith(x,x)",
    "(x add 1)",
    "(x sub n)",
    "(x mul x)",
    "(x div 3)",
    "(x divby n)",
    "(x mod 7.5)",
    "(x mod id)",
    "(x eq x)",
    "(x ne f)",
    "(f ge x)",
    "(x le x)",
    "(x gt null)",
    "(x in (null,x,s,'a'))",
    "(x in (f,x,true))",
    "(x and f)",
    "(f or x or f)",
    "year(x)",
    "hour(x)",
    "date(x)",
    "time(x)",
    "(t lt x)",
    "(d eq x)",
    "(g in (x,x))",
];

const CORES: &[&str] = &["s", "n", "id", "f", "t", "d", "w", "'LONG'", "1.5", "2e0", "7", "true", "now()"];

fn nested(core: &str, layers: &[&str], long: usize) -> String {
    let mut filter = core.replace("LONG", &"a".repeat(long));
    for layer in layers {
        let grown = layer.replace('x', &filter);
        if grown.len() > LONGEST {
            break;
        }
        filter = grown;
    }
    filter
}

fn assert_bounded(url: &str) {
    thread_local!(static DATABASE: crate::database::Database = database());
    DATABASE.with(|database| match database.plan(url, 10, None) {
        Ok(Plan::Entities(query)) => {
            let cost = cost(&query.statement);
            let start: String = url.chars().take(200).collect();
            assert!(cost <= GROWTH * url.len() + BESIDES, "{cost} bytes for {}: {start}", url.len());
            database.connection.prepare(&query.statement.sql).unwrap();
        }
        Ok(_) => panic!("a page was asked for"),
        Err(_) => {}
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_nest_of_whatever_functions_costs_little_more_than_its_length(
        core in prop::sample::select(CORES.to_vec()),
        layers in prop::collection::vec(prop::sample::select(AROUND.to_vec()), 1..28),
        long in prop::sample::select(vec![1, 100, 20_000]),
    ) {
        let filter = nested(core, &layers, long);
        assert_bounded(&format!("T?$filter={filter}"));
        assert_bounded(&format!("T?$filter={filter} eq {core}").replace("LONG", "a"));
        assert_bounded(&format!("T?$orderby={filter} desc"));
    }
}

/// Parts of requests, from which random texts are composed.
const PIECES: &[&str] = &[
    "T",
    "T(1)",
    "/$count",
    "?",
    "&",
    "$filter=",
    "$orderby=",
    "$select=",
    "$expand=",
    "$top=3",
    "$skip=2",
    "$count=true",
    "$search=a",
    "$apply=",
    "id",
    "s",
    "f",
    "t",
    "n",
    "w",
    "*",
    "(",
    ")",
    ",",
    ";",
    " ",
    "%20",
    "'",
    "'a''b'",
    "%27",
    " eq ",
    " in ",
    " and ",
    " or ",
    " add ",
    " mod ",
    " desc",
    "not ",
    "-",
    "null",
    "1",
    "1.5",
    "9223372036854775808",
    "2024-02-29",
    "2024-02-29T10:00:00Z",
    "length(",
    "concat(",
    "substring(",
    "floor(",
    "endswith(",
    "isdefined(",
    "@p=1",
    "@p",
    "$it/",
    "ä",
    "\u{0}",
    "%FF",
    "%",
];

fn assert_bounded_if_planned(text: &str) {
    thread_local!(static DATABASE: crate::database::Database = database());
    DATABASE.with(|database| {
        if let Ok(Plan::Entities(query)) = database.plan(text, 10, None) {
            let cost = cost(&query.statement);
            assert!(cost <= GROWTH * text.len() + BESIDES, "{cost} bytes for {}: {text}", text.len());
            database.connection.prepare(&query.statement.sql).unwrap();
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    // The property of the fuzz target `odata_plan`.
    #[test]
    fn whatever_text_asks_is_planned_within_its_length_or_refused(
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40),
        begins in prop::sample::select(vec!["", "T?$filter=", "T?$orderby=", "T?$select=id&$filter="]),
        wild in "\\PC{0,20}",
        at in 0..40_usize,
    ) {
        let mut text = format!("{begins}{}", pieces.concat());
        let place = text.floor_char_boundary(at.min(text.len()));
        assert_bounded_if_planned(&text);
        text.insert_str(place, &wild);
        assert_bounded_if_planned(&text);
    }
}

#[test]
fn a_nest_of_one_function_costs_little_more_than_its_length() {
    for core in CORES {
        for layer in AROUND {
            for depth in [1, 4, 15, 30] {
                for long in [1, 27_000] {
                    let filter = nested(core, &vec![*layer; depth], long);
                    assert_bounded(&format!("T?$filter={filter}"));
                    assert_bounded(&format!("T?$filter={filter} ge n"));
                    assert_bounded(&format!("T?$filter={filter} eq 'a'"));
                    assert_bounded(&format!("T?$orderby={filter}"));
                }
            }
        }
    }
}

#[test]
fn long_lists_and_chains_cost_little_more_than_their_length() {
    let items = |item: &str, separator: &str| {
        let count = ((LONGEST - 100) / (item.len() + separator.len())).min(1_000);
        vec![item; count].join(separator)
    };
    for (property, literal) in [
        ("id", "1"),
        ("s", "'x'"),
        ("n", "1.5"),
        ("f", "true"),
        ("d", "2024-02-29"),
        ("t", "2024-02-29T10:00:00Z"),
        ("c", "12:30"),
        ("g", "01234567-89ab-cdef-0123-456789abcdef"),
        ("s", "null"),
    ] {
        for filter in [
            format!("{property} in ({})", items(literal, ",")),
            items(&format!("{property} eq {literal}"), " or "),
            items(&format!("{property} ne {literal}"), " and "),
            items(&format!("({literal} eq {property})"), " or "),
        ] {
            let url = format!("T?$filter={filter}");
            assert_bounded(&url);
            let database = database();
            let Plan::Entities(query) = database.plan(&url, 10, None).unwrap() else { panic!() };
            database.page(&query);
        }
    }
}

#[test]
fn a_literal_is_bound_once_however_often_it_is_written() {
    let database = database();
    let long = "b".repeat(20_000);
    let url = format!("T?$orderby=s,d desc,concat(s,'{long}')");
    let Plan::Entities(first) = database.plan(&url, 1, None).unwrap() else { panic!() };
    let position = first.position_after(&crate::database::TextRow("a"), 1);
    let url = format!("{url}&$skiptoken=x");
    let Plan::Entities(query) = database.plan(&url, 1, Some(position)).unwrap() else { panic!() };
    assert!(query.statement.sql.matches("UNION ALL").count() > 2, "{}", query.statement.sql);
    assert!(cost(&query.statement) < 30_000, "{}", cost(&query.statement));
}

#[test]
fn a_request_whose_first_page_is_planned_has_its_later_pages_planned_too() {
    let database = database();
    for filter in [500, 1_000].map(|items| {
        let list = vec!["2024-02-29T10:00:00.0000Z"; items].join(",");
        format!("t in ({list}) or d in ({})", vec!["2024-02-29"; 200].join(","))
    }) {
        let url = format!("T?$orderby=s,d desc,t,c desc,n,w desc&$filter={filter}");
        let first = match database.plan(&url, 1, None) {
            Ok(Plan::Entities(first)) => first,
            Ok(_) => panic!("a page was asked for"),
            Err(error) => {
                assert_eq!(error.code(), "TooComplex");
                continue;
            }
        };
        let position = first.position_after(&crate::database::TextRow("2024-01-01"), 1);
        database.plan(&format!("{url}&$skiptoken=x"), 1, Some(position)).unwrap();
    }
}

/// Each expression may use long computed values, but not all of them.
#[test]
fn the_sum_of_what_computed_values_contribute_is_bounded() {
    let database = database();
    let grown = |count: usize| {
        let mut computed = format!("concat(s,'{}') as C0", "a".repeat(2_000));
        for at in 1..=2 {
            write!(computed, ",concat(C{0},C{0}) as C{at}", at - 1).unwrap();
        }
        let uses: Vec<String> = (0..count).map(|at| format!("length(C2) as L{at}")).collect();
        format!("{computed},{}", uses.join(","))
    };
    for (before, after, target) in [("$apply=compute(", ")", "$apply"), ("$compute=", "", "$compute")] {
        for (count, is_bounded) in [(1, true), (60, false)] {
            let url = format!("T?{before}{}{after}", grown(count));
            match database.plan(&url, 10, None) {
                Ok(_) => assert!(is_bounded, "{target} {count}"),
                Err(error) => {
                    assert!(!is_bounded, "{target} {count}: {error}");
                    assert_eq!(error.code(), "TooComplex");
                    assert_eq!(error.location.map(|location| location.target), Some(target));
                }
            }
        }
    }
}

#[test]
fn groups_follow_no_more_navigation_than_expressions_do() {
    let number = EdmType::Int32;
    let mut nodes =
        table("Nodes", &[("id", number, false), ("a", number, true), ("b", number, true)], &["id"]);
    nodes.foreign_keys.extend([reference("a", "Nodes"), reference("b", "Nodes")]);
    let sql = "CREATE TABLE Nodes (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)";
    let database = Database::new(sql, vec![nodes]);
    let navigations = &database.model.entity_type("Nodes").unwrap().navigations;
    let ones: Vec<&str> =
        navigations.iter().filter(|navigation| !navigation.collection).map(|one| one.name.as_str()).collect();
    assert_eq!(ones.len(), 2);
    let mut ways = vec![String::new()];
    for _ in 0..4 {
        ways = ways.iter().flat_map(|way| ones.iter().map(move |one| format!("{way}{one}/"))).collect();
    }
    for (count, is_bounded) in [(2, true), (16, true), (32, false)] {
        // 16 ways of four steps have 30 different ones; twice as many of five have 62.
        let paths: Vec<String> = match count {
            32 => ways.iter().flat_map(|way| ones.iter().map(move |one| format!("{way}{one}/id"))).collect(),
            count => ways.iter().take(count).map(|way| format!("{way}id")).collect(),
        };
        let url = format!("Nodes?$apply=groupby(({}))", paths.join(","));
        match database.plan(&url, 10, None) {
            Ok(Plan::Entities(query)) => {
                assert!(is_bounded, "{count}");
                database.page(&query);
            }
            Ok(_) => panic!("groups were asked for"),
            Err(error) => {
                assert!(!is_bounded, "{count}: {error}");
                assert_eq!((error.code(), error.location.unwrap().target), ("TooComplex", "$apply"));
            }
        }
    }
}
