//! A table with a column of each type, and rows with the values at the ends of each.

use std::fmt::Write as _;

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::model::{Collation, Column, Storage, Table};
use testkit::Random;

use crate::database::table;
use crate::decimal::Decimal;
use crate::oracle::Value;

/// The classes of expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Boolean,
    Integer,
    Decimal,
    Double,
    String,
    Guid,
    Binary,
    Date,
    Time,
    Instant,
    Duration,
}

/// A column with the values that occur in it: each as SQL text, and as what it is in OData.
pub(crate) struct Sampled {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    declared: &'static str,
    ty: EdmType,
    storage: Storage,
    pub(crate) samples: Vec<(String, Value)>,
}

/// The table and its rows.
pub(crate) struct Sample {
    pub(crate) columns: Vec<Sampled>,
    /// The values of each row, by column.
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) sql: String,
    /// Whether arithmetic with decimals is exact to 15 digits only.
    pub(crate) decimals_are_doubles: bool,
}

pub(crate) const TEXTS: [&str; 24] = [
    "",
    "a",
    "A",
    "ä",
    "Ä",
    "ab",
    "Ab",
    "a%",
    "a_b",
    "100%",
    "\\",
    "O'Hara",
    " x ",
    "ß",
    "ΑΣ",
    "😀",
    "e\u{301}",
    "é",
    "z",
    "straße",
    "a\tb",
    "\u{a0}b\u{3000}",
    "ab\u{1}",
    "ÄB",
];

pub(crate) fn text(text: &str) -> (String, Value) {
    (format!("'{}'", text.replace('\'', "''")), Value::Text(text.to_owned()))
}

pub(crate) fn given(samples: &[(&str, Value)]) -> Vec<(String, Value)> {
    samples.iter().map(|(sql, value)| (format!("'{sql}'"), value.clone())).collect()
}

/// Values whose text is the same in SQL and in OData.
pub(crate) fn alike(texts: &[&str]) -> Vec<(String, Value)> {
    texts.iter().map(|text| (format!("'{text}'"), Value::Text((*text).to_owned()))).collect()
}

pub(crate) fn numbers(texts: &[&str]) -> Vec<(String, Value)> {
    texts.iter().map(|text| (format!("'{text}'"), Value::Number(Decimal::read(text).unwrap()))).collect()
}

pub(crate) fn doubles(values: &[f64]) -> Vec<(String, Value)> {
    values
        .iter()
        .map(|value| (format!("'{value}'").replace("inf", "Infinity"), Value::Double(*value)))
        .collect()
}

/// Values that OData does not have.
pub(crate) fn none(texts: &[&str]) -> Vec<(String, Value)> {
    texts.iter().map(|text| (format!("'{text}'"), Value::Null)).collect()
}

pub(crate) fn joined(parts: Vec<Vec<(String, Value)>>) -> Vec<(String, Value)> {
    parts.into_iter().flatten().collect()
}

impl Sampled {
    pub(crate) fn new(
        name: &'static str,
        class: Class,
        declared: &'static str,
        samples: Vec<(String, Value)>,
    ) -> Self {
        let ty = match class {
            Class::Boolean => EdmType::Boolean,
            Class::Integer => EdmType::Int64,
            Class::Decimal => EdmType::Decimal { precision: None, scale: None },
            Class::Double => EdmType::Double,
            Class::String => EdmType::String { max_length: None },
            Class::Guid => EdmType::Guid,
            Class::Binary => EdmType::Binary,
            Class::Date => EdmType::Date,
            Class::Time => EdmType::TimeOfDay,
            Class::Instant => EdmType::DateTimeOffset,
            Class::Duration => EdmType::Duration,
        };
        let is_guaranteed =
            !matches!(class, Class::Decimal | Class::Date | Class::Time | Class::Instant | Class::Duration);
        let index = Some(Collation::Binary);
        let is_textual = class == Class::String;
        let storage = Storage { is_guaranteed, is_textual, index, ..Storage::default() };
        Self { name, class, declared, ty, storage, samples }
    }

    pub(crate) fn typed(self, ty: EdmType) -> Self {
        Self { ty, ..self }
    }

    pub(crate) fn form(self, form: Form) -> Self {
        Self { storage: Storage { form, ..self.storage }, ..self }
    }

    pub(crate) fn collated(self, collation: Collation) -> Self {
        Self { storage: Storage { collation, index: Some(collation), ..self.storage }, ..self }
    }

    /// The character set has not all characters.
    pub(crate) fn narrow(self) -> Self {
        Self { storage: Storage { is_textual: false, ..self.storage }, ..self }
    }

    /// All stored values are values of the type.
    pub(crate) fn guaranteed(self) -> Self {
        Self { storage: Storage { is_guaranteed: true, ..self.storage }, ..self }
    }

    /// Writes the samples in another way.
    pub(crate) fn written(self, write: fn(&str) -> String) -> Self {
        let samples = self.samples.into_iter().map(|(text, value)| (write(&text), value)).collect();
        Self { samples, ..self }
    }

    fn is_required(&self) -> bool {
        self.declared.contains("NOT NULL") || self.declared.contains("PRIMARY KEY")
    }
}

impl Sample {
    /// Rows of random samples, some of which are null.
    /// `quote` encloses names, and `first` runs before.
    pub(crate) fn of(columns: Vec<Sampled>, seed: u64, count: usize, quote: char, first: &str) -> Self {
        let mut random = Random::new(seed);
        let quoted = |name: &str| format!("{quote}{name}{quote}");
        let declared: Vec<String> =
            columns.iter().map(|column| format!("{} {}", quoted(column.name), column.declared)).collect();
        let table = quoted("T");
        let mut sql = format!("{first}CREATE TABLE {table} ({});", declared.join(", "));
        let mut rows = Vec::with_capacity(count);
        for id in 0..count {
            let mut texts = vec![id.to_string()];
            let mut row = vec![Value::Number(Decimal::whole(id as i128))];
            for column in &columns[1..] {
                if !column.is_required() && random.below(6) == 0 {
                    texts.push("NULL".to_owned());
                    row.push(Value::Null);
                    continue;
                }
                let (text, value) = &column.samples[random.place(column.samples.len())];
                texts.push(text.clone());
                row.push(value.clone());
            }
            write!(sql, "INSERT INTO {table} VALUES ({});", texts.join(", ")).unwrap();
            rows.push(row);
        }
        for column in &columns[1..] {
            let name = quoted(&format!("by_{}", column.name));
            write!(sql, "CREATE INDEX {name} ON {table} ({});", quoted(column.name)).unwrap();
        }
        Self { columns, rows, sql, decimals_are_doubles: false }
    }

    pub(crate) fn table(&self) -> Table {
        let column = |column: &Sampled| Column {
            name: column.name.to_owned(),
            ty: column.ty,
            nullable: !column.is_required(),
            storage: column.storage,
        };
        table("T", self.columns.iter().map(column).collect(), &["id"])
    }
}
