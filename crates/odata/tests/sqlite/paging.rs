//! Next links: all pages together are the whole result.

use odata::edm_type::EdmType;
use odata::plan::Plan;
use odata::position::Position;
use proptest::prelude::*;

use crate::database::{Database, ids, table};

fn database() -> Database {
    let columns = [
        ("id", EdmType::Int64, false),
        ("k", EdmType::String { max_length: None }, false),
        ("a", EdmType::Int32, true),
        ("b", EdmType::Double, true),
        ("n", EdmType::Int32, false),
        ("s", EdmType::String { max_length: None }, true),
        ("at", EdmType::DateTimeOffset, true),
    ];
    let sql = "CREATE TABLE T (id INTEGER NOT NULL, k TEXT NOT NULL, a INTEGER, b REAL, n INTEGER NOT NULL, s TEXT, at TEXT, PRIMARY KEY (k, id));
        CREATE INDEX T_a ON T (a, n);
        WITH RECURSIVE c (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 59)
        INSERT INTO T SELECT i, char(65 + i % 4), CASE i % 3 WHEN 0 THEN NULL ELSE i % 5 END,
          CASE i % 7 WHEN 0 THEN NULL ELSE (i % 4) / 2.0 END, i % 6, CASE i % 5 WHEN 0 THEN NULL ELSE 'ä' || (i % 3) END,
          CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN '2024-05-01 12:00:0' || (i % 10) WHEN 2 THEN '2024-05-01T1' || (i % 10) || ':00:00+02:00'
            WHEN 3 THEN '2024-05-02T00:30:00-1' || (i % 5) || ':00' WHEN 4 THEN '2024-04-30T23:59Z' ELSE '2024-05-01T12:00:00.' || (i % 10) END FROM c";
    Database::new(sql, vec![table("T", &columns, &["k", "id"])])
}

fn walk(database: &Database, url: &str, page_size: usize) -> (Vec<i64>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut position: Option<Position> = None;
    loop {
        let token = if pages == 0 { "" } else { "&$skiptoken=T" };
        let Plan::Entities(query) =
            database.plan(&format!("{url}{token}"), page_size, position.take()).unwrap()
        else {
            panic!("{url} is not a collection");
        };
        let (body, after) = database.page(&query);
        let rows = ids(&body);
        assert!(rows.len() <= page_size, "{url}");
        assert_eq!(after.is_some(), body.contains("@odata.nextLink"), "{url}");
        all.extend(rows);
        pages += 1;
        match after {
            // In the encoded form.
            Some(after) => position = Some(Position::from_bytes(&after.to_bytes()).unwrap()),
            None => return (all, pages),
        }
    }
}

fn order() -> impl Strategy<Value = String> {
    let term = prop::sample::select(vec![
        "a",
        "b",
        "n",
        "s",
        "k",
        "id",
        "length(s)",
        "a add n",
        "a gt 2",
        "tolower(k)",
        "a divby n",
        "at",
        "date(at)",
        "time(at)",
    ]);
    let direction = prop::sample::select(vec!["", " asc", " desc"]);
    prop::collection::vec((term, direction), 0..4).prop_map(|terms| {
        terms.iter().map(|(term, way)| format!("{term}{way}")).collect::<Vec<_>>().join(",")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn walking_all_pages_equals_one_big_query(
        order in order(),
        page_size in 1..25_usize,
        top in prop::option::of(0..70_u64),
        skip in prop::option::of(0..70_u64),
        filter in prop::sample::select(vec!["", "&$filter=a ne 2", "&$filter=contains(s,'ä') or b lt 1"]),
    ) {
        thread_local!(static DATABASE: Database = database());
        let mut url = format!("T?$select=id{filter}");
        if !order.is_empty() {
            url.extend(["&$orderby=", &order]);
        }
        if let Some(top) = top {
            url.extend(["&$top=", &top.to_string()]);
        }
        if let Some(skip) = skip {
            url.extend(["&$skip=", &skip.to_string()]);
        }
        DATABASE.with(|database| {
            let (whole, pages) = walk(database, &url, 1000);
            prop_assert_eq!(pages, 1);
            let (walked, pages) = walk(database, &url, page_size);
            prop_assert_eq!(&walked, &whole, "{}", url);
            // No next link on a complete result.
            prop_assert_eq!(pages, whole.len().div_ceil(page_size).max(1), "{}", url);
            Ok(())
        })?;
    }
}

#[test]
fn nulls_sort_first_ascending_and_last_descending() {
    let database = database();
    let value = |url: &str| -> serde_json::Value { serde_json::from_str(&database.body(url)).unwrap() };
    assert!(value("T?$orderby=a&$top=1")["value"][0]["a"].is_null());
    assert!(value("T?$orderby=a desc&$skip=59")["value"][0]["a"].is_null());
    assert!(!value("T?$orderby=a desc&$top=1")["value"][0]["a"].is_null());
}

#[test]
fn instants_in_mixed_zones_and_forms_are_in_order_by_date_and_time() {
    let database = database();
    let url = "T?$select=at,id&$filter=at ne null&$orderby=date(at),time(at),id";
    let body: serde_json::Value = serde_json::from_str(&database.body(url)).unwrap();
    let rows = body["value"].as_array().unwrap();
    let instants = rows.iter().map(|row| row["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap());
    let instants: Vec<_> = instants.collect();
    assert_eq!(instants.len(), 50);
    assert!(instants.is_sorted(), "{instants:?}");
    assert!(!instants.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_count_is_of_all_pages_and_only_on_the_first() {
    let database = database();
    let Plan::Entities(query) = database.plan("T?$count=true&$filter=n eq 1", 3, None).unwrap() else {
        panic!()
    };
    let (body, position) = database.page(&query);
    assert!(body.contains("\"@odata.count\":10,"), "{body}");
    assert!(body.contains(
        "\"@odata.nextLink\":\"https://host/api/odata4/test/T?$count=true&$filter=n eq 1&$skiptoken=TOKEN\""
    ));
    let next = database.plan("T?$count=true&$filter=n eq 1&$skiptoken=T", 3, position).unwrap();
    assert!(!next.is_cacheable());
    let Plan::Entities(next) = next else { panic!() };
    assert!(next.count.is_none());
}

#[test]
fn a_next_link_is_refused_by_another_request_and_another_model() {
    let database = database();
    let Plan::Entities(query) = database.plan("T?$top=50", 3, None).unwrap() else { panic!() };
    let position = database.page(&query).1.unwrap();
    let code =
        |database: &Database, url: &str| database.plan(url, 3, Some(position.clone())).unwrap_err().code();
    assert_eq!(code(&database, "T?$top=51&$skiptoken=T"), "BadNextLink");
    assert_eq!(code(&database, "T?$top=50&$orderby=n&$skiptoken=T"), "BadNextLink");
    let other = Database::new("", vec![table("T", &[("id", EdmType::Int64, false)], &["id"])]);
    assert_eq!(code(&other, "T?$top=50&$skiptoken=T"), "StaleNextLink");
    assert_eq!(code(&other, "T?$top=51&$skiptoken=T"), "StaleNextLink");
    assert_eq!(database.plan("T?$top=50&$skiptoken=T", 3, None).unwrap_err().code(), "BadNextLink");
}

#[test]
fn a_next_link_is_stale_whatever_became_of_the_names_in_its_request() {
    let integers = |name: &str, columns: &[&str], key: &[&str]| {
        let columns: Vec<(&str, EdmType, bool)> =
            columns.iter().map(|column| (*column, EdmType::Int64, !key.contains(column))).collect();
        Database::new(
            "CREATE TABLE T (id INTEGER PRIMARY KEY, a, b); INSERT INTO T VALUES (1, 1, 1), (2, 2, 2)",
            vec![table(name, &columns, key)],
        )
    };
    let database = integers("T", &["id", "a", "b"], &["id"]);
    for options in
        ["$orderby=a", "$filter=a gt 0", "$select=a", "$orderby=a add b", "$top=2", "$count=true&$orderby=id"]
    {
        let url = format!("T?{options}");
        let Plan::Entities(query) = database.plan(&url, 1, None).unwrap() else { panic!() };
        let position = database.page(&query).1.unwrap();
        let link = format!("{url}&$skiptoken=T");
        assert!(database.plan(&link, 1, Some(position.clone())).is_ok(), "{link}");
        for changed in [
            integers("T", &["id", "b"], &["id"]),
            integers("T", &["id", "A", "b"], &["id"]),
            integers("T", &["id", "a", "b"], &["a"]),
            integers("T", &["id", "a", "b", "c"], &["id"]),
            integers("T", &["number", "a", "b"], &["number"]),
            integers("U", &["id", "a", "b"], &["id"]),
        ] {
            let error = changed.plan(&link, 1, Some(position.clone())).unwrap_err();
            assert_eq!(error.code(), "StaleNextLink", "{link}: {error}");
        }
        // A next link of another request is refused.
        let other =
            integers("T", &["id", "b"], &["id"]).plan("T?$orderby=a&$top=7&$skiptoken=T", 1, Some(position));
        assert_eq!(other.unwrap_err().code(), "UnknownProperty");
    }
}

#[test]
fn a_page_after_a_position_is_read_by_index_without_sorting() {
    let database = database();
    for url in ["T?$orderby=k", "T?$orderby=a,n,k,id", "T"] {
        let Plan::Entities(query) = database.plan(url, 3, None).unwrap() else { panic!() };
        let position = database.page(&query).1;
        let Plan::Entities(query) = database
            .plan(&format!("{url}{}$skiptoken=T", if url.contains('?') { '&' } else { '?' }), 3, position)
            .map_err(|error| error.to_string())
            .unwrap_or_else(|error| panic!("{url}: {error}"))
        else {
            panic!()
        };
        let plan = database.explained_statement(&query.statement);
        assert!(plan.contains("SEARCH T"), "{url}: {plan}");
    }
}

#[test]
fn values_that_no_next_link_can_carry_and_text_that_is_none_lose_and_repeat_nothing() {
    let sql = "CREATE TABLE T (id INTEGER PRIMARY KEY, s TEXT); CREATE INDEX T_s ON T (s);
        CREATE TABLE K (s TEXT PRIMARY KEY, id INTEGER);
        WITH RECURSIVE c (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 11)
        INSERT INTO T SELECT i, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN CAST(x'61ff' || char(65 + i) AS TEXT)
          ELSE substr(hex(zeroblob(15000)), 1, 20000) || (i % 3) END FROM c;
        INSERT INTO K SELECT substr(hex(zeroblob(15000)), 1, 20000) || id, id FROM T";
    let text = EdmType::String { max_length: None };
    let tables = vec![
        table("T", &[("id", EdmType::Int64, false), ("s", text, true)], &["id"]),
        table("K", &[("s", text, false), ("id", EdmType::Int64, true)], &["s"]),
    ];
    let database = Database::new(sql, tables);
    for order in ["s", "s desc", "tolower(s)", "concat(s,s) desc", "s desc,id desc", "id desc"] {
        for set in ["T", "K"] {
            let url = format!("{set}?$select=id&$orderby={order}");
            let (whole, _) = walk(&database, &url, 1000);
            assert_eq!(whole.len(), 12, "{url}");
            assert_eq!(walk(&database, &url, 1).0, whole, "{url}");
        }
    }
    let position = |url: &str| {
        let Plan::Entities(query) = database.plan(url, 1, None).unwrap() else { panic!() };
        database.page(&query).1.unwrap().to_bytes().len()
    };
    assert!(position("T?$orderby=s desc") < 16 * 1024 && position("K") < 16 * 1024);
}
