//! Tables that refer to each other and to themselves, by keys of one and of two columns, and their rows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use testkit::Random;

/// The rows of each table, as they are shown.
pub(crate) type Rows = BTreeMap<&'static str, Vec<Map<String, Value>>>;

/// The tables, so that each refers only to itself and to those before it.
const TABLES: &str = "
    CREATE TABLE regions (code varchar(10) NOT NULL PRIMARY KEY, name varchar(40));
    CREATE TABLE ports (region varchar(10) NOT NULL, no bigint NOT NULL, name varchar(40),
        PRIMARY KEY (region, no), FOREIGN KEY (region) REFERENCES regions (code));
    CREATE TABLE ships (id bigint NOT NULL PRIMARY KEY, name varchar(40), tonnage bigint, region varchar(10), home bigint,
        sister bigint, FOREIGN KEY (sister) REFERENCES ships (id), FOREIGN KEY (region, home) REFERENCES ports (region, no));
    CREATE TABLE visits (ship bigint NOT NULL, number bigint NOT NULL, region varchar(10), port bigint,
        note varchar(40), PRIMARY KEY (ship, number), FOREIGN KEY (ship) REFERENCES ships (id),
        FOREIGN KEY (region, port) REFERENCES ports (region, no));
    CREATE INDEX ships_sister ON ships (sister);
    CREATE INDEX visits_port ON visits (region, port);";

pub(crate) const TEXTS: [&str; 8] = ["a", "b", "Ä", "it's", "a;b", "(x)", "a,b=c&d#e", ""];

/// The rows of a seed, and the statements that create them.
pub(crate) fn sample(random: &mut Random) -> (Rows, String) {
    let mut rows = Rows::new();
    let text = |random: &mut Random| match random.below(4) {
        0 => Value::Null,
        _ => json!(TEXTS[random.place(TEXTS.len())]),
    };
    let count = 2 + random.place(4);
    let codes: Vec<String> = (0..count).map(|at| format!("{}{at}", ["r", "R", "ö"][at % 3])).collect();
    let of = |pairs: &[(&str, Value)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    rows.insert(
        "regions",
        codes.iter().map(|code| of(&[("code", json!(code)), ("name", text(random))])).collect(),
    );
    let mut ports: Vec<(String, i64)> = Vec::new();
    for at in 0..=random.place(9) {
        ports.push((codes[random.place(codes.len())].clone(), i64::try_from(at).unwrap()));
    }
    let port = |(region, no): &(String, i64), name: Value| {
        of(&[("region", json!(region)), ("no", json!(no)), ("name", name)])
    };
    rows.insert("ports", ports.iter().map(|one| port(one, text(random))).collect());
    let reference = |random: &mut Random| match random.below(5) {
        0 => (Value::Null, Value::Null),
        1 => (json!(codes[0]), Value::Null),
        _ => {
            let (region, no) = &ports[random.place(ports.len())];
            (json!(region), json!(no))
        }
    };
    let mut ships = Vec::new();
    for id in 1..=i64::try_from(3 + random.place(12)).unwrap() {
        let (region, home) = reference(random);
        let sister =
            if random.below(3) == 0 { Value::Null } else { json!(1 + random.below(id.unsigned_abs())) };
        let tonnage = if random.below(4) == 0 { Value::Null } else { json!(random.below(4)) };
        ships.push(of(&[
            ("id", json!(id)),
            ("name", text(random)),
            ("tonnage", tonnage),
            ("region", region),
            ("home", home),
            ("sister", sister),
        ]));
    }
    let mut visits = Vec::new();
    for ship in 1..=ships.len() {
        for number in 0..random.below(7) {
            let (region, port) = reference(random);
            visits.push(of(&[
                ("ship", json!(ship)),
                ("number", json!(number)),
                ("region", region),
                ("port", port),
                ("note", text(random)),
            ]));
        }
    }
    rows.insert("ships", ships);
    rows.insert("visits", visits);
    let sql = statements(&rows);
    (rows, sql)
}

fn statements(rows: &Rows) -> String {
    let mut sql = TABLES.to_owned();
    for table in ["regions", "ports", "ships", "visits"] {
        for row in &rows[table] {
            let names = row.keys().cloned().collect::<Vec<_>>().join(", ");
            let values: Vec<String> = row.values().map(literal).collect();
            write!(sql, "\nINSERT INTO {table} ({names}) VALUES ({});", values.join(", ")).unwrap();
        }
    }
    sql
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Null => "NULL".to_owned(),
        other => other.to_string(),
    }
}
