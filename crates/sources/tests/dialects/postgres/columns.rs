//! A column of each type of PostgreSQL.

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::model::Collation;

use crate::oracle::Value;
use crate::rows::{Class, Sample, Sampled, TEXTS, alike, doubles, given, joined, none, numbers, text};

const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'Happy');
    CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false);";

/// A table with rows of random samples.
pub(crate) fn sample(seed: u64, count: usize) -> Sample {
    let mut sample = Sample::of(columns(), seed, count, '"', TYPES);
    sample.sql.push_str("ANALYZE \"T\";");
    sample
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
        sampled("id", Class::Integer, "int4 PRIMARY KEY", Vec::new()).typed(EdmType::Int32),
        sampled("i", Class::Integer, "int2 NOT NULL", numbers(&["-3", "-1", "0", "1", "2", "5"]))
            .typed(EdmType::Int16),
        sampled(
            "n",
            Class::Integer,
            "int8",
            numbers(&["0", "1", "-7", "9223372036854775807", "-9223372036854775808", "9007199254740993"]),
        ),
    ]
}

fn texts() -> Vec<Sampled> {
    let texts = || TEXTS.iter().map(|sample| text(sample)).collect::<Vec<_>>();
    let sampled = Sampled::new;
    vec![
        sampled("s", Class::String, "text COLLATE \"en-x-icu\"", texts()).collated(Collation::Linguistic),
        sampled("u", Class::String, "varchar(40) COLLATE \"C\" NOT NULL", texts()),
        sampled("k", Class::String, "text COLLATE folded", texts()).collated(Collation::Unknown),
        sampled(
            "p",
            Class::String,
            "char(6) COLLATE \"en-x-icu\"",
            alike(&["ab", "Ab", "", "a%", "ä", "ab\u{1}"]),
        )
        .form(Form::Padded)
        .collated(Collation::Linguistic),
        sampled("e", Class::String, "mood", alike(&["sad", "Happy", "ok"])).form(Form::Converted),
    ]
}

fn fractions() -> Vec<Sampled> {
    let money = EdmType::Decimal { precision: Some(12), scale: Some(2) };
    let sampled = Sampled::new;
    vec![
        sampled(
            "f",
            Class::Double,
            "float8",
            doubles(&[0.0, 1.5, 0.1, -2.5, 2.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, 5e-324]),
        ),
        sampled(
            "r",
            Class::Double,
            "float4 NOT NULL",
            doubles(&[0.1, -2.5, 16_777_216.0, f64::NAN, f64::INFINITY, 3.4e38, 1e-45, 0.0]),
        )
        .typed(EdmType::Single),
        sampled(
            "d",
            Class::Decimal,
            "numeric",
            joined(vec![
                numbers(&["0", "0.1", "-2.5", "1000000000000000000000000000000", "0.000000000000000000001"]),
                numbers(&["12345678901234567890.123", "2.50"]),
                none(&["NaN", "Infinity", "-Infinity"]),
            ]),
        ),
        sampled(
            "m",
            Class::Decimal,
            "numeric(12,2)",
            joined(vec![numbers(&["0.10", "2.50", "-2.50", "9999999999.99"]), none(&["NaN"])]),
        )
        .typed(money),
    ]
}

fn others() -> Vec<Sampled> {
    let sampled = Sampled::new;
    vec![
        sampled(
            "b",
            Class::Boolean,
            "bool",
            given(&[("true", Value::Boolean(true)), ("false", Value::Boolean(false))]),
        ),
        sampled(
            "g",
            Class::Guid,
            "uuid",
            alike(&["01234567-89ab-cdef-0123-456789abcdef", "00000000-0000-0000-0000-000000000000"]),
        ),
        sampled(
            "y",
            Class::Binary,
            "bytea",
            given(&[("\\x00ff", Value::Binary(vec![0, 255])), ("", Value::Binary(vec![]))]),
        ),
    ]
}

fn times() -> Vec<Sampled> {
    let sampled = Sampled::new;
    vec![
        sampled(
            "day",
            Class::Date,
            "date",
            joined(vec![
                alike(&["9999-12-31", "2024-02-29", "0001-01-01", "1969-12-31"]),
                given(&[("0001-05-01 BC", Value::Text("0000-05-01".to_owned()))]),
                none(&["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"]),
            ]),
        ),
        sampled(
            "hour",
            Class::Time,
            "time NOT NULL",
            joined(vec![alike(&["00:00:00", "23:59:59.999999", "12:30:15.5"]), none(&["24:00:00"])]),
        ),
        sampled("at", Class::Instant, "timestamptz", instants("+00")),
        sampled("lo", Class::Instant, "timestamp NOT NULL", instants("")).form(Form::Local),
        sampled(
            "w",
            Class::Duration,
            "interval",
            joined(vec![
                given(&[
                    ("1 day", Value::Duration(86_400_000_000)),
                    ("24:00:00", Value::Duration(86_400_000_000)),
                    ("30 days", Value::Duration(30 * 86_400_000_000)),
                    ("-1 days 12:00", Value::Duration(-43_200_000_000)),
                    ("00:00:00.000001", Value::Duration(1)),
                ]),
                none(&["1 mon", "1 year -1 day", "-1 mon 30 days"]),
            ]),
        ),
    ]
}

/// Instants, with a time zone or without.
fn instants(zone: &str) -> Vec<(String, Value)> {
    let given = |sql: &str, text: &str| (format!("'{sql}'"), Value::Text(text.to_owned()));
    let outside = ["infinity", "-infinity", "10000-01-01 00:00", "0002-12-31 23:59:59 BC"];
    joined(vec![
        vec![
            given(&format!("2024-05-01 10:00:00.5{zone}"), "2024-05-01T10:00:00.5"),
            given(&format!("2024-05-01 10:00:00.500001{zone}"), "2024-05-01T10:00:00.500001"),
            given(&format!("9999-12-31 23:59:59.999999{zone}"), "9999-12-31T23:59:59.999999"),
            given(&format!("0001-01-01 00:00:00{zone} BC"), "0000-01-01T00:00:00"),
            given(&format!("1969-12-31 23:59:59{zone}"), "1969-12-31T23:59:59"),
        ],
        outside
            .iter()
            .map(|text| match text.strip_suffix(" BC") {
                Some(text) => (format!("'{text}{zone} BC'"), Value::Null),
                None if text.ends_with("infinity") => (format!("'{text}'"), Value::Null),
                None => (format!("'{text}{zone}'"), Value::Null),
            })
            .collect(),
    ])
}
