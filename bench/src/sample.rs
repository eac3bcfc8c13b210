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
            format!("20{:02}-{:02}-{:02}", 10 + dice.below(15), 1 + dice.below(12), 1 + dice.below(28)),
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
