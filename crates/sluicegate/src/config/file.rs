//! The configuration file: TOML, each value with its line.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{InvalidSetting, Raw, RawConfig};

/// Adds the values of the file. A file that cannot be read or is not TOML is a fault.
pub(super) fn read(path: &Path, raw_config: &mut RawConfig) {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&name, &text, raw_config),
        Err(error) => raw_config.add_fault(InvalidSetting {
            origin: name,
            key: String::new(),
            message: format!("the configuration file cannot be read: {error}"),
        }),
    }
}

/// Adds the values of a text, whose file name is `name`.
pub(super) fn parse(name: &str, text: &str, raw_config: &mut RawConfig) {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        raw_config.add_fault(InvalidSetting {
            origin: format!("{name}:{line}"),
            key: String::new(),
            message: format!("this is not TOML: {}", error.message()),
        });
    }
    Walk { name, text, raw_config }.table("", table.get_ref());
}

struct Walk<'a> {
    name: &'a str,
    text: &'a str,
    raw_config: &'a mut RawConfig,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = match prefix {
                "" => key.get_ref().to_string(),
                prefix => format!("{prefix}.{}", key.get_ref()),
            };
            if let DeValue::Table(inner) = value.get_ref() {
                self.table(&path, inner);
            } else {
                let origin = format!("{}:{}", self.name, line_of(self.text, key.span().start));
                self.raw_config.add(path, raw(value), origin);
            }
        }
    }
}

fn raw(value: &Spanned<DeValue<'_>>) -> Raw {
    match value.get_ref() {
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Unfit("a number that is too large"), Raw::Number),
        DeValue::Array(values) => {
            let texts = values.iter().map(|value| value.get_ref().as_str().map(str::to_owned)).collect();
            Option::<Vec<String>>::map_or(
                texts,
                Raw::Unfit("a list with values other than strings"),
                Raw::List,
            )
        }
        DeValue::Float(_) => Raw::Unfit("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Unfit("a date"),
        DeValue::Table(_) => Raw::Unfit("a table"),
    }
}

/// The line, from 1, of a byte offset in the text.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
