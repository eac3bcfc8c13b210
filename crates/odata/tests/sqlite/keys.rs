//! Keys: which rows have an address, in whatever form their keys are stored.

use odata::change::{ChangeContext, ChangeKind, Payload, References, Verb};
use odata::edm_type::EdmType;
use odata::model::{Collation, Column, Storage, Table, TableChanges};
use odata::plan::Plan;
use odata::sql::Dialect;
use odata::url::Url;
use serde_json::{Value, json};

use crate::database::Database;
use crate::forms::{rows, survey, walk};

/// A table with these columns, as it is when the source is opened; `later` is executed afterwards.
fn database(
    sql: &str,
    columns: &[(&str, EdmType)],
    key: &[&str],
    is_enforced: bool,
    later: &str,
) -> Database {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch(sql).unwrap();
    let column = |(name, ty): &(&str, EdmType)| {
        let (form, layout, found) = survey(&connection, "K", name, *ty);
        let index = (key[0] == *name).then_some(Collation::Binary);
        let storage = Storage { form, layout, found: Some(found), index, ..Storage::default() };
        Column { name: (*name).into(), ty: *ty, nullable: true, storage }
    };
    let table = Table {
        schema: None,
        set_name: None,
        name: "K".into(),
        columns: columns.iter().map(column).collect(),
        primary_key: key.iter().map(|name| (*name).into()).collect(),
        key_is_enforced: is_enforced,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges { possible: true, ..TableChanges::default() },
    };
    let database = Database::new(sql, vec![table]);
    database.connection.execute_batch(later).unwrap();
    database
}

fn numbers(rows: &[Value]) -> Vec<i64> {
    let mut numbers: Vec<i64> = rows.iter().map(|row| row["n"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

/// The rows that are served; they must be the same for every kind of request.
fn served(database: &Database) -> Vec<i64> {
    let every = rows(&database.body("K"));
    let found = numbers(&every);
    for url in ["K?", "K?$orderby=n", "K?$orderby=n%20desc"] {
        assert_eq!(numbers(&walk(database, url)), found, "{url}");
    }
    assert_eq!(database.body("K/$count"), found.len().to_string());
    let counted: Value = serde_json::from_str(&database.body("K?$count=true&$top=0")).unwrap();
    assert_eq!(counted["@odata.count"], json!(found.len()));
    found
}

/// The number of the entity at an address, or `None` if there is none.
fn at(database: &Database, address: &str) -> Option<i64> {
    let body = database.body(&format!("K({address})"));
    if body.is_empty() {
        return None;
    }
    let entity: Value = serde_json::from_str(&body).unwrap();
    Some(entity["n"].as_i64().unwrap())
}

const GUID: &str = "a1b2c3d4-e5f6-4711-8899-aabbccddeeff";
const OTHER: &str = "01234567-89ab-cdef-0123-456789abcdef";

#[test]
fn keys_of_several_guids_are_found_in_any_case_and_as_bytes() {
    let (upper, bytes) = (GUID.to_uppercase(), GUID.replace('-', ""));
    let mixed = GUID.replacen('a', "A", 1).replace("dd", "dD");
    let sql = format!(
        "CREATE TABLE K (a UUID, b UUID, n INTEGER, PRIMARY KEY (a, b));
         INSERT INTO K VALUES ('{GUID}', '{GUID}', 1), ('{upper}', '{OTHER}', 2), ('{OTHER}', '{mixed}', 3),
           ('{OTHER}', '{OTHER}', 4), ('{mixed}', x'{}', 5), ('none', '{OTHER}', 6)",
        "00".repeat(16)
    );
    let columns = [("a", EdmType::Guid), ("b", EdmType::Guid), ("n", EdmType::Int64)];
    let zero = "00000000-0000-0000-0000-000000000000";
    // The last row has the address of the first.
    for later in ["", &format!("INSERT INTO K VALUES (x'{bytes}', '{upper}', 7)")] {
        let database = database(&sql, &columns, &["a", "b"], true, later);
        let is_shared = !later.is_empty();
        assert_eq!(served(&database), [1, 2, 3, 4, 5], "{later}");
        for (a, b, n) in [
            (GUID, GUID, Some(1)),
            (&upper, &mixed, Some(1)),
            (GUID, OTHER, Some(2)),
            (OTHER, GUID, Some(3)),
            (OTHER, OTHER, Some(4)),
            (GUID, zero, Some(5)),
            (zero, zero, None),
        ] {
            assert_eq!(at(&database, &format!("a={a},b={b}")), n, "{a} {b} {is_shared}");
            let filter = format!("K?$filter=a%20eq%20{a}%20and%20b%20eq%20{b}");
            assert_eq!(numbers(&rows(&database.body(&filter))), n.into_iter().collect::<Vec<_>>());
        }
        assert_eq!(numbers(&rows(&database.body(&format!("K?$filter=a%20eq%20{GUID}")))), [1, 2, 5]);
        assert_eq!(numbers(&walk(&database, "K?$orderby=b,a%20desc")), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn rows_whose_key_is_stored_otherwise_than_most_are_served_unless_they_share_an_address() {
    let guid = |n: u32| format!("a1b2c3d4-e5f6-4711-8899-aabbccdd{n:04x}");
    let at_noon = |n: u32| format!("2024-05-01 12:00:{:02}", n % 60);
    for (declared, ty, most, strays) in [
        (
            "DATETIME",
            EdmType::DateTimeOffset,
            (0..40).map(at_noon).collect::<Vec<_>>(),
            vec![
                "'2024-05-01T12:00:50Z'",
                "'2024-05-01 12:00:51.250000'",
                "'2024-05-01 14:00:52+02:00'",
                "'2024-05-01'",
            ],
        ),
        (
            "UUID",
            EdmType::Guid,
            (0..40).map(guid).collect(),
            vec![
                "'B1B2C3D4-E5F6-4711-8899-AABBCCDDEEFF'",
                "'c1B2C3D4-E5F6-4711-8899-AABBCCDDEEFF'",
                "x'00112233445566778899aabbccddeeff'",
            ],
        ),
        (
            "TIME",
            EdmType::TimeOfDay,
            (0..40).map(|n| format!("12:00:{n:02}")).collect(),
            vec!["'13:00'", "'13:00:01.5'", "'13:00:02.000000'"],
        ),
        (
            "",
            EdmType::String { max_length: None },
            (0..40).map(|n| format!("t{n}")).collect(),
            vec!["5", "5.5", "CAST(x'ff' AS TEXT)", "'a' || char(0) || 'b'"],
        ),
    ] {
        let values = most.iter().enumerate().map(|(n, value)| format!("('{value}', {n})"));
        let values = values.collect::<Vec<_>>().join(",");
        let sql =
            format!("CREATE TABLE K (k {declared} PRIMARY KEY, n INTEGER); INSERT INTO K VALUES {values};");
        let others =
            strays.iter().zip(100..).map(|(value, n)| format!("INSERT INTO K VALUES ({value}, {n});"));
        let others = others.collect::<String>();
        let columns = [("k", ty), ("n", EdmType::Int64)];
        let all: Vec<i64> = (0..40).chain((100..).take(strays.len())).collect();
        // Once with the rows present when the source is opened, and once added later.
        for (before, later) in [(others.as_str(), ""), ("", others.as_str())] {
            let database = database(&format!("{sql}{before}"), &columns, &["k"], true, later);
            assert_eq!(served(&database), all, "{declared}");
            for row in rows(&database.body("K")) {
                let literal = crate::forms::literal(ty, &row["k"]);
                assert_eq!(at(&database, &literal), row["n"].as_i64(), "{declared}: {literal}");
                let found = rows(&database.body(&format!("K?$filter=k%20eq%20{literal}")));
                assert_eq!(found, [row], "{declared}: {literal}");
            }
        }
    }
}

#[test]
fn of_rows_that_share_an_address_none_or_the_common_one_is_served() {
    let moments = "CREATE TABLE K (k DATETIME PRIMARY KEY, n INTEGER);
        INSERT INTO K VALUES ('2024-05-01 12:00:00', 1), ('2024-05-02 12:00:00', 2), ('2024-05-03 12:00:00', 3);";
    let columns = [("k", EdmType::DateTimeOffset), ("n", EdmType::Int64)];
    let later = "INSERT INTO K VALUES ('2024-05-01T12:00:00Z', 4), ('2024-05-04T12:00:00Z', 5),
        ('2024-05-04 14:00:00+02:00', 6), ('2024-05-05', 7), ('never', 8), (NULL, 9);";
    for (before, later) in [(later, ""), ("", later)] {
        let database = database(&format!("{moments}{before}"), &columns, &["k"], true, later);
        assert_eq!(served(&database), [1, 2, 3, 7]);
        assert_eq!(at(&database, "2024-05-01T12:00:00Z"), Some(1));
        assert_eq!(at(&database, "2024-05-04T12:00:00Z"), None);
        assert_eq!(at(&database, "2024-05-05T00:00:00Z"), Some(7));
        let statement =
            odata::plan::count_shared(&database.model.entity_types[0], odata::sql::Dialect::Sqlite);
        assert_eq!(database.number(&statement.unwrap()), 3);
    }
}

#[test]
fn a_key_that_the_database_does_not_enforce_shows_no_address_twice_and_loses_nothing_else() {
    let sql = "CREATE TABLE t (a TEXT, b INTEGER, n INTEGER);
        INSERT INTO t VALUES ('x', 1, 1), ('x', 2, 2), ('y', 1, 3), (NULL, 1, 4); CREATE VIEW K AS SELECT * FROM t;";
    let text = EdmType::String { max_length: None };
    let columns = [("a", text), ("b", EdmType::Int64), ("n", EdmType::Int64)];
    for (later, expected) in [
        ("", vec![1, 2, 3]),
        ("INSERT INTO t VALUES ('z', 1, 5)", vec![1, 2, 3, 5]),
        ("INSERT INTO t VALUES ('x', 1, 5)", vec![2, 3]),
        ("INSERT INTO t VALUES ('x', 1, 5), ('x', 1, 6), ('y', 2, 7)", vec![2, 3, 7]),
    ] {
        let database = database(sql, &columns, &["a", "b"], false, later);
        assert_eq!(served(&database), expected, "{later}");
        let is_there = expected.contains(&1);
        assert_eq!(at(&database, "a='x',b=1"), is_there.then_some(1));
        assert_eq!(at(&database, "b=1,a='y'"), Some(3));
        let Plan::Entities(query) = database.plan("K", 10, None).unwrap() else { panic!() };
        let quicker = query.statement.quicker.as_deref().unwrap();
        assert_eq!(database.holds(&quicker.checks), is_there, "{:?}", quicker.checks);
    }
}

#[test]
fn an_index_on_the_key_serves_equality_ranges_orders_and_entities() {
    let guid = "randomblob(16)";
    let moment = "datetime(1714564800 + i, 'unixepoch')";
    for (declared, ty, value, literal) in [
        ("UUID", EdmType::Guid, guid, GUID),
        ("DATETIME", EdmType::DateTimeOffset, moment, "2024-05-01T12:00:07Z"),
        ("TIME", EdmType::TimeOfDay, "time(i, 'unixepoch')", "00:00:07"),
        ("DATE", EdmType::Date, "date(86400 * i, 'unixepoch')", "1970-01-08"),
        ("INT", EdmType::Int64, "i", "7"),
        ("DECIMAL(10,2)", EdmType::Decimal { precision: Some(10), scale: Some(2) }, "i / 4.0", "1.75"),
        ("", EdmType::String { max_length: None }, "'t' || i", "'t7'"),
    ] {
        let sql = format!(
            "CREATE TABLE K (k {declared} PRIMARY KEY NOT NULL, n INTEGER);
             WITH RECURSIVE c (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 999) INSERT INTO K SELECT {value}, i FROM c"
        );
        let database = database(&sql, &[("k", ty), ("n", EdmType::Int64)], &["k"], true, "");
        let explained = |sql: &str| {
            let mut steps = database.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let (mut steps, mut plan) = (steps.raw_query(), String::new());
            while let Some(step) = steps.next().unwrap() {
                plan += &step.get::<_, String>(3).unwrap();
                plan += "; ";
            }
            plan
        };
        for url in [
            format!("K({literal})"),
            format!("K?$filter=k%20eq%20{literal}"),
            format!("K?$filter=k%20ge%20{literal}"),
            "K".to_owned(),
        ] {
            // GUIDs have no order, and if numbers are stored as texts too, the stored order is not that of
            // the texts.
            if url.contains("ge") && matches!(ty, EdmType::Guid | EdmType::String { .. }) {
                continue;
            }
            let statement = match database.plan(&url, 10, None).unwrap() {
                Plan::Entities(query) => query.statement,
                Plan::Entity(single) => single.statement,
                other => panic!("{other:?}"),
            };
            let steps = explained(&statement.sql);
            // Rows that share an address are searched for in the whole table, but only when the first row
            // with an unusual layout is met.
            let (outer, _) = steps.split_once("LIST SUBQUERY").unwrap_or((&steps, ""));
            let is_searched = !outer.contains("SCAN K") || url == "K" && outer.contains("SCAN K USING INDEX");
            let is_quick = is_searched && !outer.contains("TEMP B-TREE");
            assert!(is_quick, "{declared} {url}: {steps}\n{}", statement.sql);
        }
    }
}

#[test]
fn an_index_finds_the_row_that_is_changed() {
    let sql = "CREATE TABLE K (k TEXT PRIMARY KEY, n INTEGER);
        WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500)
        INSERT INTO K SELECT printf('01234567-89ab-cdef-0123-%012x', i), i FROM c";
    let database = database(sql, &[("k", EdmType::Guid), ("n", EdmType::Int64)], &["k"], true, "");
    let url = Url::read("K(01234567-89ab-cdef-0123-000000000007)").unwrap();
    let payload = Payload { bytes: b"", numbers_as_text: false };
    let context = ChangeContext {
        verb: Verb::Delete,
        payload,
        service_root: "https://host/",
        references: &References::NONE,
    };
    let change = odata::change::prepare(&url, &database.model, &context, Dialect::Sqlite).unwrap();
    let ChangeKind::Delete(statements) = change.kind else { panic!("{change:?}") };
    assert_eq!(statements.len(), 2, "the usual form, and the others");
    for statement in statements {
        let plan = database.explained_statement(&statement);
        assert!(plan.contains("SEARCH K USING"), "{plan} {}", statement.sql);
        assert!(!plan.contains("SCAN") && !plan.contains("SUBQUERY"), "{plan} {}", statement.sql);
    }
}
