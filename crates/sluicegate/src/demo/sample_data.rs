//! The sample database: a harbour with berths, ships, their visits and their cargo. Every run writes the same
//! rows.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, date};
use rusqlite::{Connection, Transaction, params};

mod names;
mod random;

use random::Random;

const SCHEMA: &str = include_str!("sample_data/schema.sql");

const BERTHS: i64 = 24;
const SHIPS: i64 = 320;
const VISITS: i64 = 4_200;

/// The first day of the harbour's records.
const OPENING: Date = date(2021, 1, 1);

/// Writes the database to a new file, which gets its final name only when it is complete.
///
/// # Errors
/// If the file cannot be written.
pub(crate) fn write(path: &Path) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    let _ = std::fs::remove_file(&unfinished);
    let message = || format!("the sample database {} cannot be written", path.display());
    fill_file(&unfinished).with_context(message)?;
    std::fs::rename(&unfinished, path).with_context(message)
}

/// Writes the database to a file that must not exist: an existing file belongs to somebody else.
///
/// # Errors
/// If the file exists or cannot be written.
pub(crate) fn write_new(path: &Path) -> anyhow::Result<()> {
    let message = || format!("the sample database {} cannot be written", path.display());
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    if made.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::AlreadyExists) {
        bail!("{} exists already and is left as it is: name a new file", path.display());
    }
    made.with_context(message)?;
    let written = fill_file(path);
    if written.is_err() {
        // Best effort: the error says what failed.
        let _ = std::fs::remove_file(path);
    }
    written.with_context(message)
}

/// Fills a file. Errors say what to do.
fn fill_file(path: &Path) -> anyhow::Result<()> {
    let written = Connection::open(path).and_then(|mut database| {
        fill(&mut database)?;
        database.close().map_err(|(_, error)| error)
    });
    written.map_err(|error| anyhow!(store_sqlite::in_words(&error)))
}

fn fill(database: &mut Connection) -> rusqlite::Result<()> {
    // A crash loses nothing, because the file is written again.
    database.pragma_update(None, "synchronous", "OFF")?;
    database.execute_batch(SCHEMA)?;
    let transaction = database.transaction()?;
    let mut random = Random::new(20_210_101);
    berths(&transaction, &mut random)?;
    ships(&transaction, &mut random)?;
    visits(&transaction, &mut random)?;
    transaction.commit()
}

fn berths(database: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut insert = database.prepare("INSERT INTO Berths VALUES (?, ?, ?, ?, ?)")?;
    for id in 1..=BERTHS {
        let quay = names::QUAYS[usize::try_from((id - 1) / 4).unwrap_or(0) % names::QUAYS.len()];
        let length = tenths(random.between(900, 3_800));
        let depth = tenths(random.between(55, 165));
        insert.execute(params![
            id,
            format!("{quay} {}", (id - 1) % 4 + 1),
            length,
            depth,
            random.chance(60)
        ])?;
    }
    Ok(())
}

fn ships(database: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut insert = database.prepare("INSERT INTO Ships VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    for id in 1..=SHIPS {
        let kind = random.pick(names::KINDS);
        let length = random.between(kind.length.0, kind.length.1);
        let tonnage = length * length * length / random.between(620, 900);
        let inspected = random.chance(70).then(|| day(random.between(0, 1_600)).to_string());
        insert.execute(params![
            id,
            format!("{} {}", random.pick(names::FIRST), random.pick(names::SECOND)),
            kind.name,
            random.pick(names::FLAGS),
            random.between(1985, 2024),
            tenths(length * 10 + random.between(0, 9)),
            tonnage,
            random.chance(85).then(|| random.pick(names::OWNERS)),
            inspected,
        ])?;
    }
    Ok(())
}

fn visits(database: &Transaction<'_>, random: &mut Random) -> rusqlite::Result<()> {
    let mut insert = database.prepare("INSERT INTO Visits VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let mut load = database.prepare("INSERT INTO Cargo VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for id in 1..=VISITS {
        let arrival = moment(id * 1_825 / VISITS, random.between(0, 24 * 60 - 1));
        let stay_minutes = random.between(5 * 60, 96 * 60);
        // The last visitors are still in the harbour.
        let departure = (id <= VISITS - 9).then(|| timestamp(arrival.saturating_add(stay_minutes.minutes())));
        let dues = random.between(18_000, 4_200_000);
        insert.execute(params![
            id,
            random.between(1, SHIPS),
            random.between(1, BERTHS),
            timestamp(arrival),
            departure,
            random.chance(40).then(|| random.pick(names::PILOTS)),
            hundredths(dues),
        ])?;
        for line in 1..=random.between(1, 4) {
            let goods = random.pick(names::GOODS);
            let tonnes = random.between(80, 90_000);
            let value = random.chance(75).then(|| hundredths(tonnes * random.between(900, 65_000)));
            let direction = if random.chance(55) { "unloaded" } else { "loaded" };
            load.execute(params![
                id,
                line,
                goods.name,
                hundredths(tonnes),
                direction,
                value,
                goods.hazardous
            ])?;
        }
    }
    Ok(())
}

fn day(after_opening: i64) -> Date {
    OPENING.saturating_add(after_opening.days())
}

fn moment(days: i64, minutes: i64) -> DateTime {
    day(days).to_datetime(jiff::civil::Time::midnight()).saturating_add(minutes.minutes())
}

fn timestamp(moment: DateTime) -> String {
    format!("{moment}Z")
}

/// Converts tenths to a decimal as SQLite stores it.
fn tenths(number: i64) -> f64 {
    scaled(number, 10.0)
}

/// Converts hundredths to a decimal as SQLite stores it.
fn hundredths(number: i64) -> f64 {
    scaled(number, 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "the numbers of this harbour are far below 2^52")]
fn scaled(number: i64, parts: f64) -> f64 {
    number as f64 / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("harbour.sqlite");
        write(&path).unwrap();
        let database = Connection::open(path).unwrap();
        (folder, database)
    }

    #[test]
    fn the_sample_database_is_always_the_same() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let read = |folder: &tempfile::TempDir| {
            let path = folder.path().join("harbour.sqlite");
            write(&path).unwrap();
            std::fs::read(path).unwrap()
        };
        assert!(read(&first) == read(&second));
    }

    #[test]
    fn the_sample_database_has_ten_thousand_related_rows() {
        let (_folder, database) = written();
        let number = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        let rows: i64 = ["Berths", "Ships", "Visits", "Cargo"]
            .map(|table| number(&format!("SELECT count(*) FROM {table}")))
            .iter()
            .sum();
        assert!(rows >= 10_000, "{rows}");
        assert_eq!(number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        assert_eq!(number("SELECT count(*) FROM pragma_table_info('Cargo') WHERE pk > 0"), 2);
        assert!(number("SELECT count(*) FROM Visits WHERE DepartedAt IS NULL") > 0);
        assert_eq!(number("SELECT count(*) FROM Visits WHERE DepartedAt <= ArrivedAt"), 0);
    }
}
