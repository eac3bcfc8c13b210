//! A database with 100,000 rows and 10 columns, the same for every run.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

/// Rows of the table `readings`, with the keys 1 to this.
pub(crate) const ROWS: i64 = 100_000;

/// Writes a new SQLite file.
pub(crate) fn write(path: &Path) -> Result<()> {
    let mut database = Connection::open(path).with_context(|| format!("cannot create {}", path.display()))?;
    database.execute_batch(
        "CREATE TABLE readings (
            id INTEGER PRIMARY KEY, station TEXT NOT NULL, measured_on DATE NOT NULL, hour INTEGER NOT NULL,
            temperature REAL, pressure REAL NOT NULL, wind INTEGER, direction TEXT, valid BOOLEAN NOT NULL, remark TEXT
        );",
    )?;
    let transaction = database.transaction()?;
    let mut insert = transaction.prepare("INSERT INTO readings VALUES (?,?,?,?,?,?,?,?,?,?)")?;
    let mut state = 1_u64;
    for id in 1..=ROWS {
        let dice = Dice::throw(&mut state);
        insert.execute(params![
            id,
            format!("Station {:03}", dice.below(250)),
            day(&dice),
            dice.below(24),
            (dice.below(20) != 0).then(|| f64::from(dice.below(600)) / 10.0 - 20.0),
            950.0 + f64::from(dice.below(1_000)) / 10.0,
            (dice.below(10) != 0).then(|| dice.below(40)),
            ["north", "east", "south", "west"][dice.below(4) as usize],
            dice.below(50) != 0,
            (dice.below(5) == 0).then(|| format!("checked by hand, note {}", dice.below(10_000))),
        ])?;
    }
    drop(insert);
    transaction.commit()?;
    Ok(())
}

/// The tables of an installation with relations: 10,000 orders with four lines each, besides the readings. In SQL that SQLite,
/// PostgreSQL and MariaDB understand; each statement has less than 128 KiB.
pub(crate) fn related() -> Vec<String> {
    let orders = "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer VARCHAR(40) NOT NULL, placed_on DATE NOT NULL)";
    let lines = "CREATE TABLE order_lines (order_id INTEGER NOT NULL, line INTEGER NOT NULL,
            article VARCHAR(40) NOT NULL, amount INTEGER NOT NULL, price DECIMAL(10,2) NOT NULL,
            PRIMARY KEY (order_id, line), FOREIGN KEY (order_id) REFERENCES orders(id))";
    let mut sql = vec![orders.to_owned(), lines.to_owned()];
    let (mut orders, mut lines) = (Vec::new(), Vec::new());
    let mut state = 1_u64;
    for id in 1..=ORDERS {
        let dice = Dice::throw(&mut state);
        orders.push(format!("({id},'Customer {:03}','{}')", dice.below(500), day(&dice)));
        for line in 1..=4 {
            let dice = Dice::throw(&mut state);
            let (article, amount, cents) = (dice.below(900), 1 + dice.below(20), dice.below(100));
            lines.push(format!(
                "({id},{line},'Article {article:03}',{amount},{}.{cents:02})",
                dice.below(500)
            ));
        }
    }
    insert(&mut sql, "orders", &orders);
    insert(&mut sql, "order_lines", &lines);
    sql
}

/// The statements that create the table `readings` of an SQLite file on a database server.
pub(crate) fn readings_for_servers(file: &Path) -> Result<Vec<String>> {
    let table = "CREATE TABLE readings (
            id BIGINT PRIMARY KEY, station VARCHAR(40) NOT NULL, measured_on DATE NOT NULL, hour BIGINT NOT NULL,
            temperature DOUBLE PRECISION, pressure DOUBLE PRECISION NOT NULL, wind BIGINT, direction VARCHAR(10),
            valid BOOLEAN NOT NULL, remark VARCHAR(100))";
    let mut sql = vec![table.to_owned()];
    let database = Connection::open(file)?;
    let mut read = database.prepare(
        "SELECT '(' || id || ',' || quote(station) || ',' || quote(measured_on) || ',' || hour || ',' || quote(temperature) \
         || ',' || pressure || ',' || quote(wind) || ',' || quote(direction) || ',' || iif(valid, 'true', 'false') \
         || ',' || quote(remark) || ')' FROM readings",
    )?;
    let rows = read.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    insert(&mut sql, "readings", &rows);
    Ok(sql)
}

/// Rows of the table `orders`, with the keys 1 to this.
pub(crate) const ORDERS: i64 = 10_000;

/// Adds statements that insert rows, 800 each.
fn insert(sql: &mut Vec<String>, table: &str, rows: &[String]) {
    sql.extend(rows.chunks(800).map(|rows| format!("INSERT INTO {table} VALUES {}", rows.join(","))));
}

fn day(dice: &Dice) -> String {
    format!("20{:02}-{:02}-{:02}", 10 + dice.below(15), 1 + dice.below(12), 1 + dice.below(28))
}

/// A random number, read at several scales: enough variety for a sample, without a library.
struct Dice(u64);

impl Dice {
    /// Xorshift: the next number of a fixed sequence.
    fn throw(state: &mut u64) -> Self {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        Self(*state)
    }

    fn below(&self, limit: u32) -> u32 {
        u32::try_from(self.0 % u64::from(limit)).unwrap_or_default()
    }
}
