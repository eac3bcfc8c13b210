//! The columns of a table, with the types as which they are served.

use odata::edm_type::EdmType;
use odata::form::{Form, Layout};
use odata::model::{Collation, Column, Finding, Storage, Table};

use super::catalog::{CatalogColumn, Relation};

/// How a column is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Served {
    ty: EdmType,
    form: Form,
    /// Whether every value of the type in the database is one of `ty`.
    is_guaranteed: bool,
}

/// The columns that can be served.
pub(super) fn of(table: &str, relation: &Relation, findings: &mut Vec<Finding>) -> Vec<Column> {
    let mut columns = Vec::with_capacity(relation.columns.len());
    for column in &relation.columns {
        let mut omit = |message: String| {
            findings.push(Finding { subject: format!("{table}.{}", column.name), message });
        };
        if !column.is_readable {
            omit("omitted, because the user of the data source may not read it".to_owned());
        } else if let Some(served) = served(column) {
            columns.push(read(column, served, relation));
        } else {
            omit(format!("omitted, because the type {} has no counterpart in OData", column.ty));
        }
    }
    columns
}

fn read(column: &CatalogColumn, Served { ty, form, is_guaranteed }: Served, relation: &Relation) -> Column {
    let is_text = matches!(ty, EdmType::String { .. });
    let is_by_bytes = form != Form::Converted && column.collation.as_deref().is_some_and(compares_bytes);
    let collation = if is_text && !is_by_bytes { Collation::Unknown } else { Collation::Binary };
    let leads = |index: &&super::catalog::Index| {
        index.is_ordered
            && !index.is_cut
            && index.columns.first().and_then(Option::as_ref) == Some(&column.name)
    };
    let index = relation.indexes.iter().find(leads).map(|_| collation);
    let is_textual = is_text && column.collation.as_deref().is_some_and(is_of_unicode);
    let storage = Storage {
        form,
        layout: Layout::PLAIN,
        is_guaranteed,
        is_textual,
        is_numeric: false,
        collation,
        index,
        fraction: fraction(column, ty),
        found: None,
    };
    Column { name: column.name.clone(), ty, nullable: column.is_nullable, storage }
}

/// The digits after the second that a column keeps.
fn fraction(column: &CatalogColumn, ty: EdmType) -> Option<u8> {
    let has_seconds = matches!(ty, EdmType::TimeOfDay | EdmType::DateTimeOffset);
    column.precision.filter(|_| has_seconds)?.try_into().ok()
}

/// Whether a collation compares the bytes of texts in UTF-8, without adding blanks.
fn compares_bytes(collation: &str) -> bool {
    matches!(collation, "utf8mb4_0900_bin" | "utf8mb4_nopad_bin" | "utf8mb3_nopad_bin" | "utf8_nopad_bin")
}

/// Whether a collation is one of a character set that has all characters.
fn is_of_unicode(collation: &str) -> bool {
    ["utf8", "utf16", "utf32"].iter().any(|set| collation.starts_with(set))
}

/// How a column is served; `None` for a type that has no value in OData.
fn served(column: &CatalogColumn) -> Option<Served> {
    let plain = |ty: EdmType| Served { ty, form: Form::Canonical, is_guaranteed: true };
    // Days that the calendar does not have, and times of more than a day, are values that OData does not have.
    let partly = |ty: EdmType| Served { is_guaranteed: false, ..plain(ty) };
    let converted = |ty: EdmType| Served { form: Form::Converted, ..plain(ty) };
    let text = EdmType::String { max_length: None };
    let is_unsigned = column.full_type.contains("unsigned");
    let of_sign = |signed: EdmType, unsigned: EdmType| plain(if is_unsigned { unsigned } else { signed });
    let of_digits = |digits: u16| EdmType::Decimal { precision: Some(digits), scale: Some(0) };
    Some(match column.ty.as_str() {
        "tinyint" if column.full_type.starts_with("tinyint(1)") => plain(EdmType::Boolean),
        "tinyint" => of_sign(EdmType::SByte, EdmType::Byte),
        "smallint" => of_sign(EdmType::Int16, EdmType::Int32),
        "mediumint" => plain(EdmType::Int32),
        "int" => of_sign(EdmType::Int32, EdmType::Int64),
        "bigint" => of_sign(EdmType::Int64, of_digits(20)),
        "year" => plain(EdmType::Int16),
        "bit" => match column.precision {
            Some(1) => plain(EdmType::Boolean),
            Some(64) => converted(of_digits(20)),
            _ => converted(EdmType::Int64),
        },
        "decimal" => {
            plain(EdmType::Decimal { precision: narrow(column.precision), scale: narrow(column.scale) })
        }
        "float" => plain(EdmType::Single),
        "double" => plain(EdmType::Double),
        "char" | "varchar" => {
            plain(EdmType::String { max_length: column.length.and_then(|length| length.try_into().ok()) })
        }
        "tinytext" | "text" | "mediumtext" | "longtext" => plain(text),
        "enum" | "set" | "json" | "inet4" | "inet6" => converted(text),
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => plain(EdmType::Binary),
        "uuid" => plain(EdmType::Guid),
        "date" => partly(EdmType::Date),
        "time" => partly(EdmType::TimeOfDay),
        "timestamp" => partly(EdmType::DateTimeOffset),
        "datetime" => Served { form: Form::Local, ..partly(EdmType::DateTimeOffset) },
        _ => return None,
    })
}

fn narrow(number: Option<i64>) -> Option<u16> {
    number?.try_into().ok()
}

/// Serves the numbers in a key as numbers: different ones could be the same Boolean value, and the rows would have the
/// same address.
pub(super) fn widen_keys(table: &mut Table, relation: &Relation) {
    for column in &mut table.columns {
        if column.ty == EdmType::Boolean && table.primary_key.contains(&column.name) {
            let found = relation.columns.iter().find(|one| one.name == column.name);
            if let Some(found) = found.filter(|found| found.ty == "tinyint") {
                let is_unsigned = found.full_type.contains("unsigned");
                column.ty = if is_unsigned { EdmType::Byte } else { EdmType::SByte };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use odata::model::Supply;

    fn served_as(full_type: &str) -> Option<(EdmType, Form, bool)> {
        let ty = full_type.split(['(', ' ']).next().unwrap_or_default().to_owned();
        let numbers = |at: usize| {
            full_type.split(['(', ',', ')']).nth(at).and_then(|number| number.trim().parse().ok())
        };
        let column = CatalogColumn {
            name: "c".to_owned(),
            ty,
            full_type: full_type.to_owned(),
            is_nullable: true,
            length: numbers(1),
            precision: numbers(1),
            scale: numbers(2),
            collation: None,
            is_readable: true,
            supply: Supply::Statement,
        };
        served(&column).map(|served| (served.ty, served.form, served.is_guaranteed))
    }

    #[test]
    fn each_type_is_served_as_one_that_has_its_values() {
        let digits = |precision, scale| EdmType::Decimal { precision: Some(precision), scale: Some(scale) };
        let text = EdmType::String { max_length: None };
        for (full_type, ty, form, is_guaranteed) in [
            ("tinyint(1)", EdmType::Boolean, Form::Canonical, true),
            ("tinyint(1) unsigned", EdmType::Boolean, Form::Canonical, true),
            ("tinyint(4)", EdmType::SByte, Form::Canonical, true),
            ("tinyint unsigned", EdmType::Byte, Form::Canonical, true),
            ("smallint(6)", EdmType::Int16, Form::Canonical, true),
            ("smallint(5) unsigned", EdmType::Int32, Form::Canonical, true),
            ("mediumint(8) unsigned", EdmType::Int32, Form::Canonical, true),
            ("int", EdmType::Int32, Form::Canonical, true),
            ("int(10) unsigned", EdmType::Int64, Form::Canonical, true),
            ("bigint(20)", EdmType::Int64, Form::Canonical, true),
            ("bigint(20) unsigned", digits(20, 0), Form::Canonical, true),
            ("bit(1)", EdmType::Boolean, Form::Canonical, true),
            ("bit(63)", EdmType::Int64, Form::Converted, true),
            ("bit(64)", digits(20, 0), Form::Converted, true),
            ("year(4)", EdmType::Int16, Form::Canonical, true),
            ("decimal(10,2)", digits(10, 2), Form::Canonical, true),
            ("float", EdmType::Single, Form::Canonical, true),
            ("double", EdmType::Double, Form::Canonical, true),
            ("varchar(40)", EdmType::String { max_length: Some(40) }, Form::Canonical, true),
            ("longtext", text, Form::Canonical, true),
            ("enum('a','b')", text, Form::Converted, true),
            ("json", text, Form::Converted, true),
            ("varbinary(16)", EdmType::Binary, Form::Canonical, true),
            ("uuid", EdmType::Guid, Form::Canonical, true),
            ("date", EdmType::Date, Form::Canonical, false),
            ("time(6)", EdmType::TimeOfDay, Form::Canonical, false),
            ("datetime(3)", EdmType::DateTimeOffset, Form::Local, false),
            ("timestamp", EdmType::DateTimeOffset, Form::Canonical, false),
        ] {
            assert_eq!(served_as(full_type), Some((ty, form, is_guaranteed)), "{full_type}");
        }
        for unknown in ["point", "geometry", "vector(3)"] {
            assert_eq!(served_as(unknown), None, "{unknown}");
        }
    }
}
