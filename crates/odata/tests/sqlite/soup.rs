//! Requests made of random words: none panics, and every planned SQL statement is accepted by the database.

use odata::edm_type::EdmType;
use odata::plan::Plan;
use odata::statement::Unanswerable;
use proptest::prelude::*;

use crate::database::{Database, table};

/// A table with a column of each distinct type.
pub(crate) fn database() -> Database {
    let text = EdmType::String { max_length: None };
    let columns = [
        ("id", EdmType::Int64, false),
        ("s", text, true),
        ("f", EdmType::Boolean, true),
        ("d", EdmType::Date, true),
        ("t", EdmType::DateTimeOffset, true),
        ("c", EdmType::TimeOfDay, true),
        ("g", EdmType::Guid, true),
        ("n", EdmType::Decimal { precision: None, scale: None }, true),
        ("w", EdmType::Double, true),
    ];
    let sql = "CREATE TABLE T (id INTEGER PRIMARY KEY, s TEXT, f BOOLEAN, d DATE, t DATETIME, c TIME, g, n NUMERIC, w REAL)";
    Database::new(sql, vec![table("T", &columns, &["id"])])
}

/// An expression that is usually grammatical and sometimes well-typed.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "id",
        "s",
        "f",
        "d",
        "t",
        "c",
        "g",
        "n",
        "w",
        "null",
        "NaN",
        "0",
        "9223372036854775807.5",
        "true",
        "1",
        "-2.5",
        "1e3",
        "INF",
        "''",
        "'x'",
        "2024-02-29",
        "2024-02-29T10:00:00Z",
        "12:30",
        "01234567-89ab-cdef-0123-456789abcdef",
        "duration'P1D'",
        "9999-12-31",
        "9999-12-31T23:59:59.9999999Z",
        "0001-01-01T00:00:00Z",
        "now()",
        "'2024-02-29'",
        "x",
        "(",
    ])
    .prop_map(ToOwned::to_owned);
    leaf.prop_recursive(5, 24, 3, |inner| {
        let operator = prop::sample::select(vec![
            "eq", "ne", "gt", "ge", "lt", "le", "and", "or", "add", "sub", "mul", "div", "divby", "mod",
        ]);
        let chain = prop::sample::select(vec![("eq", " or "), ("ne", " and "), ("gt", " or ")]);
        let one = prop::sample::select(vec![
            "length", "tolower", "toupper", "trim", "year", "month", "day", "hour", "minute", "second",
            "fractionalseconds", "date", "time", "round", "floor", "ceiling", "not ", "-",
        ]);
        let two = prop::sample::select(vec!["contains", "startswith", "endswith", "indexof", "concat", "substring"]);
        prop_oneof![
            3 => (operator, inner.clone(), inner.clone()).prop_map(|(operator, a, b)| format!("({a} {operator} {b})")),
            2 => (one, inner.clone()).prop_map(|(function, a)| format!("{function}({a})")),
            1 => (two, inner.clone(), inner.clone()).prop_map(|(function, a, b)| format!("{function}({a},{b})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} in ({b},{c}))")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("substring({a},{b},{c})")),
            1 => (chain, inner.clone(), prop::collection::vec(inner, 2..5)).prop_map(|((compare, join), a, items)| {
                let terms: Vec<String> = items.iter().map(|item| format!("{a} {compare} {item}")).collect();
                format!("({})", terms.join(join))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_planned_is_sql_that_runs(left in expression(), right in expression(), skip in 0..2_u8) {
        thread_local!(static DATABASE: Database = database());
        for url in [
            format!("T?$count=true&$filter={left}"),
            format!("T?$orderby={left} desc,{right}&$skip={skip}"),
            format!("T?$filter={left} eq {right}&$select=s"),
            format!("T({left})"),
            format!("T?$compute={left} as A,concat(A,{right}) as B&$orderby=A&$filter=B ne null"),
            format!("T?$apply=compute({left} as A)/groupby((A,s),aggregate({right} with max as M,$count as N))&$orderby=M"),
            format!("T?$apply=topcount(2,{left})/aggregate({right} with average as X,{right} with sum as Y)"),
        ] {
            DATABASE.with(|database| {
                if let Ok(Plan::Entities(query)) = database.plan(&url, 5, None) {
                    // Whatever it divides by zero.
                    if let Err(error) = database.try_each(&query.statement, |_| {}) {
                        let message = error.to_string();
                        assert!(Unanswerable::with_message(&message).is_some(), "{url}: {message}");
                    }
                }
            });
        }
    }
}
