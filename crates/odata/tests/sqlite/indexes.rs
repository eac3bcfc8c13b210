//! Indexes serve clean data, and results are correct for data that are not clean.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::form::{Form, Layout, Reading, Survey};
use odata::model::{Collation, Column, Storage, Table, TableChanges};
use odata::plan::Plan;
use odata::statement::Statement;

use crate::database::{Database, cell, table};

/// A table of indexed columns with so many rows that a scan is not the best plan.
fn database() -> Database {
    let columns = [
        ("n", "INTEGER", EdmType::Int64, "CASE WHEN i % 500 = 0 THEN NULL ELSE i END"),
        ("small", "SMALLINT", EdmType::Int16, "CASE WHEN i % 500 = 1 THEN NULL ELSE i % 99 END"),
        (
            "price",
            "DECIMAL(9,2)",
            EdmType::Decimal { precision: Some(9), scale: Some(2) },
            "nullif(i, 7) / 4.0",
        ),
        ("day", "DATE", EdmType::Date, "date('2020-01-01', i || ' days')"),
        ("w", "REAL", EdmType::Double, "nullif(i, 8) / 4.0"),
        ("s", "TEXT", EdmType::String { max_length: None }, "nullif('s' || i, 's9')"),
        ("at", "DATETIME", EdmType::DateTimeOffset, "datetime('2020-01-01', i || ' minutes')"),
        ("g", "UUID", EdmType::Guid, "printf('01234567-89ab-cdef-0123-%012x', i)"),
    ];
    let mut sql = "CREATE TABLE T (id INTEGER PRIMARY KEY".to_owned();
    let (mut indexes, mut values) = (String::new(), String::new());
    for (name, declared, _, value) in &columns {
        let _ = write!(sql, ", {name} {declared}");
        let _ = write!(indexes, "CREATE INDEX T_{name} ON T ({name});");
        let _ = write!(values, ", {value}");
    }
    let _ = write!(
        sql,
        "); {indexes} WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000)
         INSERT INTO T SELECT i{values} FROM c;
         CREATE TABLE K (k TEXT PRIMARY KEY, v INT); INSERT INTO K SELECT 'k' || id, id FROM T"
    );
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch(&sql).unwrap();
    let storage = |name: &str, ty| {
        let mut survey = Survey::of(Reading { ty, form: Form::Canonical });
        let mut statement = connection.prepare(&format!("SELECT {name} FROM T")).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            survey.examine(cell(row.get_ref(0).unwrap()));
        }
        let found = survey.found();
        assert_ne!(found.layout, Layout::NONE);
        let (form, layout, index) = (found.form, found.layout, Some(Collation::Binary));
        Storage { form, layout, index, is_textual: name == "s", ..Storage::default() }
    };
    let key = Storage { is_guaranteed: true, ..Storage::default() };
    let id = Column { name: "id".into(), ty: EdmType::Int64, nullable: false, storage: key };
    let others = columns.iter().map(|(name, _, ty, _)| Column {
        name: (*name).into(),
        ty: *ty,
        nullable: true,
        storage: storage(name, *ty),
    });
    let clean = Table {
        schema: None,
        set_name: None,
        name: "T".into(),
        columns: std::iter::once(id).chain(others).collect(),
        primary_key: vec!["id".into()],
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    let keyed = [("k", EdmType::String { max_length: None }, true), ("v", EdmType::Int64, true)];
    let keyed = table("K", &keyed, &["k"]);
    Database::new(&sql, vec![clean, keyed])
}

/// The statement that is chosen, and whether it is the faster one.
fn chosen(database: &Database, url: &str) -> (Statement, bool) {
    let statement = match database.plan(url, 10, None).unwrap() {
        Plan::Entities(query) => query.statement,
        Plan::Count { statement, .. } => statement,
        other => panic!("{url} gives {other:?}"),
    };
    match statement.quicker.as_deref().filter(|quicker| database.holds(&quicker.checks)) {
        Some(quicker) => (quicker.statement.clone(), true),
        None => (statement, false),
    }
}

fn lists(count: usize) -> Vec<(&'static str, String)> {
    let list = |item: fn(usize) -> String| (1..=count).map(item).collect::<Vec<_>>().join(",");
    vec![
        ("g", format!("g in ({})", list(|at| format!("01234567-89ab-cdef-0123-{at:012x}")))),
        ("day", format!("day in ({})", list(|at| format!("2020-{:02}-{:02}", at % 12 + 1, at % 28 + 1)))),
        (
            "at",
            format!("at in ({})", list(|at| format!("2020-01-01T{:02}:{:02}:00Z", at / 60 % 24, at % 60))),
        ),
    ]
}

#[test]
fn null_and_lists_are_found_by_index_while_the_data_are_clean() {
    let database = database();
    let mut asked: Vec<(&str, String)> = ["n", "small", "price", "w", "s"]
        .iter()
        .map(|column| (*column, format!("{column} eq null")))
        .collect();
    for count in [2, 9, 300] {
        asked.extend(lists(count));
    }
    for (column, filter) in asked {
        for url in [format!("T?$filter={filter}"), format!("T/$count?$filter={filter}")] {
            let (statement, _) = chosen(&database, &url);
            let plan = database.explained_statement(&statement);
            let by_index = plan.contains("SEARCH T") && plan.contains(&format!("INDEX T_{column} ({column}"));
            assert!(by_index && !plan.contains("SCAN T"), "{url:.60}: {plan}");
        }
        // `body` compares the results of both statements.
        database.body(&format!("T?$filter={filter}"));
        database.body(&format!("T/$count?$filter={filter}"));
    }
}

#[test]
fn null_and_lists_are_right_when_the_data_are_not_clean() {
    let database = database();
    let dirty = "INSERT INTO T (id, n, small, price, day, at, g, w, s) VALUES
        (9001, 'x', 'x', 'x', 'x', 'x', 'x', 'x', x''), (9002, 5.5, 1000000, 9e999, 17, x'00', x'0123456789abcdef0123000000000001', '', x'00'),
        (9003, x'00', -1.5, x'', '2020-02-02 00:00:00', '2020-01-01T00:02:00Z', '01234567-89AB-cdef-0123-000000000002', x'', x'ff')";
    database.connection.execute_batch(dirty).unwrap();
    for (filter, column, others) in [
        ("n eq null", "n", vec![9001, 9002, 9003]),
        ("small eq null", "small", vec![9001, 9002, 9003]),
        ("price eq null", "price", vec![9001, 9002, 9003]),
        ("w eq null", "w", vec![9001, 9002, 9003]),
        ("s eq null", "s", vec![9001, 9002, 9003]),
    ] {
        let (_, is_quicker) = chosen(&database, &format!("T?$filter={filter}"));
        assert!(!is_quicker, "{filter}");
        let sql = format!("SELECT id FROM T WHERE {column} IS NULL OR id > 9000 ORDER BY id");
        let mut statement = database.connection.prepare(&sql).unwrap();
        let expected: Vec<i64> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(expected.ends_with(&others));
        assert_eq!(database.ids(&format!("T?$filter={filter}&$orderby=id")), expected, "{filter}");
    }
    for count in [3, 9, 300] {
        for (column, filter) in lists(count) {
            let found = database.body_of(&format!("T?$filter={filter}&$orderby=id"), 1_000);
            let found = crate::database::ids(&found);
            let others: &[i64] = if column == "g" { &[9002, 9003] } else { &[9003] };
            assert!(found.ends_with(others), "{count} {column}: {found:?}");
        }
    }
}

#[test]
fn rows_are_counted_by_index_while_all_have_an_address() {
    let database = database();
    let (statement, is_quicker) = chosen(&database, "K/$count");
    assert!(is_quicker && !statement.sql.contains("sluicegate"), "{}", statement.sql);
    assert_eq!(database.body("K/$count"), "2000");
    // Invalid text is still shown as a text, which is its address.
    for (dirty, count) in [("NULL", "2000"), ("x'00'", "2000"), ("CAST(x'ff' AS TEXT)", "2001")] {
        database.connection.execute_batch(&format!("INSERT INTO K VALUES ({dirty}, 0)")).unwrap();
        assert!(!chosen(&database, "K/$count").1, "{dirty}");
        assert_eq!(database.body("K/$count"), count, "{dirty}");
    }
    // With a condition, another index may serve the request, and a check of all keys would be useless.
    assert!(!chosen(&database, "K/$count?$filter=v eq 7").1);
}
