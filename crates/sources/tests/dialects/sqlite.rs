//! SQLite, as its driver describes and reads it.

use std::sync::Arc;

use odata::model::{Collation, Model};
use odata::sql::Dialect;
use odata::statement::{Statement, Unanswerable};
use sources::{SourceError, SqliteKind};
use tempfile::TempDir;

use crate::database::Database;
use crate::decimal::Decimal;
use crate::driver::{Driver, ReadRow};
use crate::oracle::Value;
use crate::rows::{Class, Sample, Sampled, TEXTS, alike, doubles, numbers, text};
use crate::{derived, random, related, ruled, search};

struct Sqlite {
    driver: Driver,
    model: Model,
    _folder: TempDir,
}

impl Sqlite {
    fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let options = [("path".to_owned(), path.to_str().unwrap().to_owned())].into();
        let driver = Driver::open(Arc::new(SqliteKind), options);
        let model = Model::compile("Test", driver.schema());
        Self { driver, model, _folder: folder }
    }
}

impl Database for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;
    const HAS_NAN: bool = false;

    type Row = ReadRow;
    type Failure = Unanswerable;

    fn model(&self) -> &Model {
        &self.model
    }

    fn rows(&self, statement: &Statement) -> Result<Vec<ReadRow>, Unanswerable> {
        self.driver.read(statement).map_err(|error| match error {
            SourceError::Unanswerable(reason) => reason,
            other => panic!("{other:?}: {}", statement.sql),
        })
    }
}

/// Numbers are stored as the numbers that they are.
fn unquoted(text: &str) -> String {
    text.trim_matches('\'').to_owned()
}

fn columns() -> Vec<Sampled> {
    let sampled = Sampled::new;
    let texts = || TEXTS.iter().map(|sample| text(sample)).collect::<Vec<_>>();
    vec![
        sampled("id", Class::Integer, "integer PRIMARY KEY", Vec::new()),
        sampled("i", Class::Integer, "integer NOT NULL", numbers(&["-3", "-1", "0", "1", "2", "5"])),
        // Together with decimals, numbers of up to 15 digits are exact.
        sampled("n", Class::Integer, "bigint", numbers(&["0", "1", "-7", "70000000001"])),
        sampled("s", Class::String, "text", texts()),
        sampled("c", Class::String, "text COLLATE NOCASE", texts()).collated(Collation::Named("NOCASE")),
        sampled("f", Class::Double, "double", doubles(&[0.0, 1.5, 0.1, -2.5, 2.5, 1e300])).written(unquoted),
        sampled("d", Class::Decimal, "decimal", numbers(&["0.1", "0.2", "-7.25", "1", "100.5", "0"]))
            .written(unquoted),
        sampled(
            "b",
            Class::Boolean,
            "boolean",
            vec![("1".to_owned(), Value::Boolean(true)), ("0".to_owned(), Value::Boolean(false))],
        ),
        sampled("day", Class::Date, "date", alike(&["2024-02-29", "1999-12-31", "2024-03-01"])),
        sampled("clock", Class::Time, "time", alike(&["00:00:00", "12:30:15.5", "23:59:59"])),
        sampled(
            "at",
            Class::Instant,
            "datetime",
            vec![
                ("'2024-05-01T10:00:00Z'".to_owned(), Value::Text("2024-05-01T10:00:00".to_owned())),
                ("'2024-05-01 10:00:00'".to_owned(), Value::Text("2024-05-01T10:00:00".to_owned())),
                ("'1999-12-31T23:59:59.5Z'".to_owned(), Value::Text("1999-12-31T23:59:59.5".to_owned())),
            ],
        ),
    ]
}

#[test]
fn random_requests_give_the_rows_that_the_standard_says() {
    let of_columns = Sample::of(columns(), 7, random::ROWS, '"', "");
    let sample = Sample { decimals_are_doubles: true, ..of_columns };
    random::give_the_rows_that_the_standard_says(&Sqlite::new(&sample.sql), &sample);
}

#[test]
fn random_groups_are_in_sqlite_what_the_standard_says() {
    let sample = Sample::of(columns(), 11, derived::ROWS, '"', "");
    derived::give_what_the_standard_says(&Sqlite::new(&sample.sql), &sample);
}

#[test]
fn random_searches_find_in_sqlite_the_rows_that_contain_them() {
    let sample = Sample::of(columns(), 5, random::ROWS, '"', "");
    search::find_the_rows_that_contain_them(&Sqlite::new(&sample.sql), &sample);
}

#[test]
fn a_sum_of_integers_beyond_64_bits_is_refused() {
    let most = i64::MAX;
    let sql = format!(
        "CREATE TABLE T (id integer PRIMARY KEY, n bigint); INSERT INTO T VALUES (1, {most}), (2, {most});"
    );
    let database = Sqlite::new(&sql);
    assert_eq!(
        database.walk("/T?$apply=aggregate(n%20with%20sum%20as%20S)", 9),
        Err(Unanswerable::OutOfRange)
    );
    let sum = Decimal::whole(most.into()).text();
    let walked =
        database.walk("/T?$apply=filter(id%20eq%201)/aggregate(n%20with%20sum%20as%20S)", 9).unwrap();
    assert_eq!(walked[0]["S"].to_string(), sum);
}

#[test]
fn groups_by_related_entities_are_right_in_sqlite() {
    let database = Sqlite::new(&related::sql('"'));
    related::group_as_the_standard_says(&database);
    related::derived_rows_are_what_the_standard_says(&database);
    ruled::rules_follow_navigation(&database);
    ruled::the_end_of_a_masked_text_is_read(&database);
}
