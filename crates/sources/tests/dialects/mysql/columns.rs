//! A column of each type of MySQL.

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::model::Collation;

use crate::oracle::Value;
use crate::rows::{Class, Sample, Sampled, TEXTS, alike, doubles, given, joined, none, numbers, text};

/// Letters whose other case has another number of letters, or depends on the place, change it letter by letter.
const SPECIAL: [&str; 3] = ["ß", "straße", "ΑΣ"];

/// A backslash is itself in the texts of samples, and days need not be in the calendar.
const MODE: &str = "SET sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES'; SET time_zone = '+00:00';";

/// A table with rows of random samples.
pub(crate) fn sample(seed: u64, count: usize) -> Sample {
    Sample::of(columns(), seed, count, '`', MODE)
}

fn columns() -> Vec<Sampled> {
    let mut columns = whole_numbers();
    columns.extend(texts());
    columns.extend(fractions());
    columns.extend(others());
    columns.extend(times());
    columns
}

fn whole_numbers() -> Vec<Sampled> {
    let sampled = Sampled::new;
    vec![
        sampled("id", Class::Integer, "int PRIMARY KEY", Vec::new()).typed(EdmType::Int32),
        sampled("i", Class::Integer, "smallint NOT NULL", numbers(&["-3", "-1", "0", "1", "2", "5"]))
            .typed(EdmType::Int16),
        sampled(
            "n",
            Class::Integer,
            "bigint",
            numbers(&["0", "1", "-7", "9223372036854775807", "-9223372036854775808", "9007199254740993"]),
        ),
        sampled("q", Class::Integer, "bit(12)", numbers(&["0", "1", "4095"]))
            .typed(EdmType::Int64)
            .form(Form::Converted)
            .written(|text| format!("CAST({text} AS UNSIGNED)")),
    ]
}

fn texts() -> Vec<Sampled> {
    let texts = || {
        let common = TEXTS.iter().filter(|text| !SPECIAL.contains(text));
        common.map(|sample| text(sample)).collect::<Vec<_>>()
    };
    let loose = |name, declared, samples| {
        Sampled::new(name, Class::String, declared, samples).collated(Collation::Unknown)
    };
    vec![
        loose("s", "varchar(40) COLLATE utf8mb4_unicode_ci", texts()),
        Sampled::new("u", Class::String, "varchar(40) COLLATE utf8mb4_nopad_bin NOT NULL", texts())
            .typed(EdmType::String { max_length: Some(40) }),
        loose("k", "varchar(40) COLLATE utf8mb4_bin", texts()),
        loose("l", "varchar(40) CHARACTER SET latin1", alike(&["a", "A", "ä", "Ä", "ab ", "ab", ""]))
            .narrow(),
        loose("p", "char(6)", alike(&["ab", "Ab", "", "a%", "ä", "ab\u{1}"])),
        loose("e", "enum('sad', 'ok', 'Happy')", alike(&["sad", "Happy", "ok"])).form(Form::Converted),
    ]
}

fn fractions() -> Vec<Sampled> {
    let decimal = |precision, scale| EdmType::Decimal { precision: Some(precision), scale: Some(scale) };
    let sampled = Sampled::new;
    vec![
        sampled("f", Class::Double, "double", doubles(&[0.0, 1.5, 0.1, -2.5, 2.5, 1e300, 5e-324])),
        // As doubles, these are the numbers that are shown.
        sampled("r", Class::Double, "float NOT NULL", doubles(&[0.5, -2.5, 16_777_216.0, 0.0, 0.015_625]))
            .typed(EdmType::Single),
        sampled(
            "d",
            Class::Decimal,
            "decimal(65,30)",
            numbers(&[
                "0",
                "0.1",
                "-2.5",
                "1000000000000000000000000000000",
                "0.000000000000000000001",
                "12345678901234567890.123",
                "2.50",
            ]),
        )
        .typed(decimal(65, 30))
        .guaranteed(),
        sampled("m", Class::Decimal, "decimal(12,2)", numbers(&["0.10", "2.50", "-2.50", "9999999999.99"]))
            .typed(decimal(12, 2))
            .guaranteed(),
        sampled("c", Class::Decimal, "bigint unsigned", numbers(&["0", "7", "18446744073709551615"]))
            .typed(decimal(20, 0))
            .guaranteed(),
    ]
}

fn others() -> Vec<Sampled> {
    let sampled = Sampled::new;
    let bits = |name: &str, value: bool| (name.to_owned(), Value::Boolean(value));
    vec![
        sampled(
            "b",
            Class::Boolean,
            "tinyint(1)",
            vec![bits("1", true), bits("0", false), bits("2", true), bits("-1", true)],
        ),
        sampled("x", Class::Boolean, "bit(1) NOT NULL", vec![bits("b'1'", true), bits("b'0'", false)]),
        sampled(
            "g",
            Class::Guid,
            "uuid",
            alike(&["01234567-89ab-4def-8123-456789abcdef", "00000000-0000-0000-0000-000000000000"]),
        ),
        sampled(
            "y",
            Class::Binary,
            "varbinary(10)",
            vec![
                ("x'00ff'".to_owned(), Value::Binary(vec![0, 255])),
                ("x''".to_owned(), Value::Binary(vec![])),
            ],
        ),
    ]
}

fn times() -> Vec<Sampled> {
    let sampled = Sampled::new;
    let days = ["0000-00-00", "2024-00-10", "2024-02-31", "2024-05-00", "0000-00-05"];
    vec![
        sampled(
            "day",
            Class::Date,
            "date",
            joined(vec![
                alike(&["9999-12-31", "2024-02-29", "0001-01-01", "1969-12-31", "0000-05-01"]),
                none(&days),
            ]),
        ),
        sampled(
            "hour",
            Class::Time,
            "time(6) NOT NULL",
            joined(vec![
                alike(&["00:00:00", "23:59:59.999999", "12:30:15.5"]),
                none(&["24:00:00", "-00:00:01", "-12:30:15.5", "838:59:59"]),
            ]),
        ),
        sampled(
            "at",
            Class::Instant,
            "timestamp(6) NULL",
            joined(vec![
                given(&[
                    ("2024-05-01 10:00:00.5", Value::Text("2024-05-01T10:00:00.5".to_owned())),
                    ("2024-05-01 10:00:00.500001", Value::Text("2024-05-01T10:00:00.500001".to_owned())),
                    ("1970-01-01 00:00:01", Value::Text("1970-01-01T00:00:01".to_owned())),
                ]),
                none(&["0000-00-00 00:00:00"]),
            ]),
        ),
        sampled(
            "lo",
            Class::Instant,
            "datetime(6) NOT NULL",
            joined(vec![
                given(&[
                    ("2024-05-01 10:00:00.5", Value::Text("2024-05-01T10:00:00.5".to_owned())),
                    ("2024-05-01 10:00:00.500001", Value::Text("2024-05-01T10:00:00.500001".to_owned())),
                    ("9999-12-31 23:59:59.999999", Value::Text("9999-12-31T23:59:59.999999".to_owned())),
                    ("0000-01-01 00:00:00", Value::Text("0000-01-01T00:00:00".to_owned())),
                    ("1969-12-31 23:59:59", Value::Text("1969-12-31T23:59:59".to_owned())),
                ]),
                none(&["0000-00-00 00:00:00", "2024-02-30 10:00:00", "2024-00-10 00:00:01"]),
            ]),
        )
        .form(Form::Local),
    ]
}
