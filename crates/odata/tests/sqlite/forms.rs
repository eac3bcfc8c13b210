//! Values are compared in the form in which they are shown: each type with each way to store a value.
//!
//! For every pair of a declared type and a stored value these must agree: the value that a client sees, the
//! rows that a comparison with that value finds, the entity at its address, the order, and the pages with one
//! row each.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::form::{Form, Layout, Reading, Survey};
use odata::model::{Collation, Column, Findings, Storage, Table, TableChanges};
use odata::plan::Plan;
use odata::position::Position;
use serde_json::Value;

use crate::database::{Database, cell};
use crate::stored::{TYPES, VALUES};

/// The result of examining a column.
pub(crate) fn survey(
    connection: &rusqlite::Connection,
    table: &str,
    column: &str,
    ty: EdmType,
) -> (Form, Layout, Findings) {
    let mut survey = Survey::of(Reading { ty, form: Form::Canonical });
    let mut statement = connection.prepare(&format!("SELECT {column} FROM {table}")).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        survey.examine(cell(row.get_ref(0).unwrap()));
    }
    let found = survey.found();
    (
        found.form,
        found.layout,
        Findings { all: true, invalid_values: found.invalid_values, strays: found.strays },
    )
}

/// A table with these values, once with an integer key and once with the value as the key.
fn database(declared: &str, ty: EdmType, values: &[&str], is_indexed: bool) -> Database {
    let mut sql = format!("CREATE TABLE T (id INTEGER PRIMARY KEY, v {declared});");
    if is_indexed {
        sql.push_str("CREATE INDEX T_v ON T (v);");
    }
    for (id, value) in values.iter().enumerate() {
        let _ = write!(sql, "INSERT INTO T VALUES ({id}, {value});");
    }
    // The row number is an integer.
    let of_key = if declared == "INTEGER" { "INT" } else { declared };
    let _ = write!(
        sql,
        "CREATE TABLE K (v {of_key} PRIMARY KEY, id INTEGER); INSERT OR IGNORE INTO K SELECT v, id FROM T"
    );
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch(&sql).unwrap();
    let (form, layout, found) = survey(&connection, "T", "v", ty);
    let is_textual = declared.starts_with("TEXT") || declared.starts_with("VARCHAR");
    let index = match declared {
        _ if declared.contains("NOCASE") => Collation::Named("NOCASE"),
        _ => Collation::Binary,
    };
    let storage = Storage {
        form,
        layout,
        is_textual,
        index: is_indexed.then_some(index),
        collation: index,
        found: Some(found),
        ..Storage::default()
    };
    let guaranteed = Storage { is_guaranteed: true, ..Storage::default() };
    let column = |name: &str, ty, nullable, storage| Column { name: name.into(), ty, nullable, storage };
    let table = |name: &str, columns: Vec<Column>, key: &str| Table {
        schema: None,
        set_name: None,
        name: name.into(),
        columns,
        primary_key: vec![key.into()],
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    let id = column("id", EdmType::Int64, false, guaranteed);
    let tables = vec![
        table("T", vec![id, column("v", ty, true, storage)], "id"),
        table(
            "K",
            vec![column("v", ty, true, storage), column("id", EdmType::Int64, true, Storage::default())],
            "v",
        ),
    ];
    Database::new(&sql, tables)
}

pub(crate) fn rows(body: &str) -> Vec<Value> {
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    body["value"].as_array().unwrap().clone()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A displayed value as a literal in a URL.
pub(crate) fn literal(ty: EdmType, shown: &Value) -> String {
    match (ty, shown) {
        (_, Value::Null) => "null".into(),
        (EdmType::Single | EdmType::Double, Value::String(text)) => text.clone(),
        (EdmType::String { .. }, Value::String(text)) => encoded(&format!("'{}'", text.replace('\'', "''"))),
        (EdmType::Duration, Value::String(text)) => encoded(&format!("duration'{text}'")),
        (EdmType::Binary, Value::String(text)) => encoded(&format!("binary'{text}'")),
        (_, Value::String(text)) => encoded(text),
        (_, other) => encoded(&other.to_string()),
    }
}

/// All rows, in this order, in pages of one.
pub(crate) fn walk(database: &Database, url: &str) -> Vec<Value> {
    let (mut all, mut position): (Vec<Value>, Option<Position>) = (Vec::new(), None);
    loop {
        let token = if position.is_some() { "&$skiptoken=T" } else { "" };
        let Plan::Entities(query) = database.plan(&format!("{url}{token}"), 1, position.take()).unwrap()
        else {
            panic!("{url} is not a collection")
        };
        let (body, after) = database.page(&query);
        all.extend(rows(&body));
        assert!(all.len() <= 2 * VALUES.len(), "{url} repeats itself");
        match after {
            Some(after) => {
                let bytes = after.to_bytes();
                assert!(bytes.len() < 16 * 1024);
                position = Some(Position::from_bytes(&bytes).unwrap());
            }
            None => return all,
        }
    }
}

/// Null comes first, then the values in the order of the type.
fn sort_key(ty: EdmType, shown: &Value) -> (u8, f64, String) {
    match (ty, shown) {
        (_, Value::Null) => (0, 0.0, String::new()),
        (_, Value::Bool(value)) => (1, f64::from(u8::from(*value)), String::new()),
        (EdmType::Double, Value::String(text)) => {
            (1, if text == "INF" { f64::INFINITY } else { f64::NEG_INFINITY }, String::new())
        }
        (_, Value::Number(number)) => (1, number.as_f64().unwrap(), String::new()),
        (EdmType::DateTimeOffset, Value::String(text)) => {
            let text = text.trim_end_matches('Z');
            (
                1,
                0.0,
                if text.contains('.') {
                    text.trim_end_matches('0').trim_end_matches('.').into()
                } else {
                    text.into()
                },
            )
        }
        (_, Value::String(text)) => (1, 0.0, text.clone()),
        _ => unreachable!(),
    }
}

/// Whether two displayed values are the same: integers to the last digit.
fn is_same(ty: EdmType, one: &Value, other: &Value) -> bool {
    let exact = |value: &Value| match value {
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap();
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 1e19")]
            let whole = value as i128;
            (value.fract() == 0.0 && value.abs() < 1e19).then_some(whole)
        }
        Value::Number(number) => number.as_i64().map(i128::from),
        _ => None,
    };
    match (exact(one), exact(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => sort_key(ty, one) == sort_key(ty, other),
        _ => false,
    }
}

fn agree(declared: &str, ty: EdmType, database: &Database) {
    let every = rows(&database.body("T?$orderby=id&$select=id,v"));
    let mut tried = std::collections::HashSet::new();
    for row in &every {
        let (id, shown) = (&row["id"], &row["v"]);
        if !tried.insert(shown.to_string()) {
            continue;
        }
        let what = format!(
            "{declared} of {}, shown as {shown}",
            VALUES.get(usize::try_from(id.as_u64().unwrap()).unwrap()).unwrap_or(&"?")
        );
        let literal = literal(ty, shown);
        let same: Vec<&Value> =
            every.iter().filter(|other| is_same(ty, &other["v"], shown)).map(|other| &other["id"]).collect();
        let of = |filter: &str| {
            rows(&database.body(&format!("T?$filter={filter}&$orderby=id&$select=id")))
                .iter()
                .map(|row| row["id"].clone())
                .collect::<Vec<Value>>()
        };
        let found = of(&format!("v%20eq%20{literal}"));
        // Floating-point numbers and integers with more than 53 bits may be the same in JSON.
        assert!(found.contains(id), "{what}: {literal} finds {found:?}");
        assert_eq!(found.iter().collect::<Vec<_>>(), same, "{what}: {literal}");
        let unequal = of(&format!("v%20ne%20{literal}"));
        assert_eq!(unequal.len() + found.len(), every.len(), "{what} {unequal:?} {found:?}");
        assert_eq!(of(&format!("not%20(v%20eq%20{literal})")), unequal, "{what}");
        assert_eq!(of(&format!("v%20in%20({literal})")), found, "{what}");
        let many = vec![literal.as_str(); 65].join(",");
        assert_eq!(of(&format!("v%20in%20({many})")), found, "{what}");
        if !matches!(ty, EdmType::Guid | EdmType::Duration | EdmType::Binary) {
            let at_least = of(&format!("v%20ge%20{literal}"));
            let above = of(&format!("v%20gt%20{literal}"));
            let below = of(&format!("v%20lt%20{literal}"));
            let at_most = of(&format!("v%20le%20{literal}"));
            let values = every.iter().filter(|row| !row["v"].is_null()).count();
            let (nulls, rest) = (every.len() - values, values);
            let (others, own) = if shown.is_null() { (0, nulls) } else { (rest, found.len()) };
            assert_eq!(at_least.len(), above.len() + own, "{what}");
            assert_eq!(at_most.len(), below.len() + own, "{what}");
            assert_eq!(
                above.len() + below.len() + own,
                if shown.is_null() { nulls } else { others },
                "{what}"
            );
            assert_eq!(of(&format!("not%20(v%20gt%20{literal})")).len(), every.len() - above.len(), "{what}");
        }
    }
    for direction in ["", "%20desc"] {
        let url = format!("T?$orderby=v{direction}&$select=id,v");
        let paged = walk(database, &url);
        assert_eq!(paged, rows(&database.body(&url)), "{declared}{direction}");
        assert_eq!(paged.len(), every.len(), "{declared}{direction}");
        let keys: Vec<_> = paged.iter().map(|row| sort_key(ty, &row["v"])).collect();
        let is_sorted = keys
            .windows(2)
            .all(|pair| if direction.is_empty() { pair[0] <= pair[1] } else { pair[0] >= pair[1] });
        assert!(
            is_sorted || matches!(ty, EdmType::Guid | EdmType::Binary | EdmType::Duration),
            "{declared}{direction}: {keys:?}"
        );
    }
}

fn keys_agree(declared: &str, ty: EdmType, database: &Database) {
    let every = rows(&database.body("K?$select=id,v"));
    assert_eq!(walk(database, "K?$select=id,v"), every, "{declared}");
    assert_eq!(walk(database, "K?$orderby=v%20desc&$select=id,v").len(), every.len(), "{declared}");
    assert_eq!(database.body("K/$count"), every.len().to_string(), "{declared}");
    for id in lonely(ty, database) {
        assert!(
            every.iter().any(|row| row["id"] == id),
            "{declared}: {id} shares its key with nobody: {every:?}"
        );
    }
    let mut addresses = std::collections::HashSet::new();
    for row in &every {
        let shown = &row["v"];
        assert!(!shown.is_null(), "{declared}: {row}");
        assert!(addresses.insert(shown.to_string()), "{declared}: two rows are called {shown}");
        let address = format!("K({})", literal(ty, shown));
        let body = database.body(&address);
        let entity: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{declared}: nothing at {address}"));
        assert_eq!(entity["id"], row["id"], "{declared}: {address}");
    }
}

/// The rows that must be served: those whose key is shown as a value that no other key is shown as.
fn lonely(ty: EdmType, database: &Database) -> Vec<i64> {
    let mut keyed = database.connection.prepare("SELECT id FROM K").unwrap();
    let keyed: Vec<i64> = keyed.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let shown: Vec<(i64, Value)> = rows(&database.body("T?$orderby=id&$select=id,v"))
        .into_iter()
        .map(|row| (row["id"].as_i64().unwrap(), row["v"].clone()))
        .filter(|(id, _)| keyed.contains(id))
        .collect();
    let is_lonely = |(id, own): &&(i64, Value)| {
        !own.is_null()
            && !shown.iter().any(|(other, value)| other != id && !value.is_null() && is_same(ty, own, value))
    };
    shown.iter().filter(is_lonely).map(|(id, _)| *id).collect()
}

#[test]
fn what_is_shown_is_what_is_compared_ordered_and_addressed() {
    for (declared, ty) in TYPES {
        for is_indexed in [false, true] {
            let database = database(declared, *ty, VALUES, is_indexed);
            agree(declared, *ty, &database);
            keys_agree(declared, *ty, &database);
        }
    }
}

#[test]
fn so_it_is_with_each_value_alone() {
    // There are many pairs: each type is tested with a third of the values, the next type with another third.
    for (at, (declared, ty)) in TYPES.iter().enumerate() {
        for value in VALUES.iter().skip(at % 3).step_by(3) {
            let database = database(declared, *ty, &[value, "NULL"], true);
            agree(declared, *ty, &database);
            keys_agree(declared, *ty, &database);
        }
    }
}

#[test]
fn so_it_is_with_what_comes_later() {
    for (declared, ty) in TYPES {
        // Surveyed while there was only one value; the others are inserted afterwards.
        for (first, value) in VALUES.iter().enumerate().step_by(19) {
            let database = database(declared, *ty, &[value], true);
            for (id, later) in VALUES.iter().enumerate().filter(|(id, _)| *id != first) {
                let id = if id == 0 { VALUES.len() } else { id };
                database.connection.execute_batch(&format!("INSERT INTO T VALUES ({id}, {later})")).unwrap();
            }
            database.connection.execute_batch("INSERT OR IGNORE INTO K SELECT v, id FROM T").unwrap();
            agree(declared, *ty, &database);
            keys_agree(declared, *ty, &database);
        }
    }
}
