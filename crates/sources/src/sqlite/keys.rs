//! Keys of tables and views that have none: what the owner declares, else the number that SQLite gives each row.

use std::time::Duration;

use odata::model::{Column, EdmType, Finding, Table};

use super::connection::OpenConnection;
use super::probe::quoted;
use crate::stores::Keys;
use crate::{Described, SourceError};

/// The names under which a table may have [its row number](https://www.sqlite.org/lang_createtable.html#rowid), unless a
/// column has taken them.
const ROW_NUMBER: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// How long it may take to find out whether the columns of one declared key tell the rows apart.
const PATIENCE: Duration = Duration::from_secs(2);

/// The declaration for a table of that name, which SQLite compares without the case of ASCII letters.
fn declared<'k>(keys: &'k Keys, table: &str) -> Option<&'k [String]> {
    let (_, columns) = keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(table))?;
    Some(columns)
}

/// Says which declarations name nothing.
pub(super) fn refuse_strays<'t>(
    keys: &Keys,
    names: impl Iterator<Item = &'t str>,
    described: &mut Described,
) {
    let names: Vec<&str> = names.collect();
    for table in keys.keys().filter(|table| !names.iter().any(|name| name.eq_ignore_ascii_case(table))) {
        refuse(described, table, "a key is declared for it, but there is no such table or view".to_owned());
    }
}

/// Gives a table without a primary key another one, where there is one.
pub(super) fn complete(
    connection: &OpenConnection,
    table: &mut Table,
    has_row_number: bool,
    keys: &Keys,
    described: &mut Described,
) -> Result<(), SourceError> {
    match (declared(keys, &table.name), table.primary_key.is_empty()) {
        (None, true) if has_row_number => number_rows(table, described),
        (None, _) => {}
        (Some(_), false) => {
            let message = "the declared key is passed over, since it has a primary key of its own".to_owned();
            refuse(described, &table.name, message);
        }
        (Some(columns), true) => {
            let fault = declare(connection, table, columns, described)?;
            if let Some(message) = fault {
                table.primary_key.clear();
                refuse(described, &table.name, message);
                if has_row_number {
                    number_rows(table, described);
                }
            }
        }
    }
    Ok(())
}

fn number_rows(table: &mut Table, described: &mut Described) {
    let taken = |name: &str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let Some(name) = ROW_NUMBER.into_iter().find(|name| !taken(name)) else { return };
    let storage = super::storage::of_row_number();
    table.columns.push(Column { name: name.to_owned(), ty: EdmType::Int64, nullable: false, storage });
    table.primary_key = vec![name.to_owned()];
    let message = format!(
        "it has no primary key, so its rows are told apart by {name}, the number that SQLite gives each row; VACUUM may \
         change it. Declare a key with the option keys to use columns instead"
    );
    described.findings.push(Finding { subject: table.name.clone(), message });
}

/// Takes the declared columns as the key; answers what is wrong with them.
fn declare(
    connection: &OpenConnection,
    table: &mut Table,
    columns: &[String],
    described: &mut Described,
) -> Result<Option<String>, SourceError> {
    for wanted in columns {
        let found = table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(wanted));
        let Some(column) = found else {
            return Ok(Some(format!("the declared key names {wanted}, which is no column of it")));
        };
        table.primary_key.push(column.name.clone());
    }
    let list: Vec<String> = table.primary_key.iter().map(|name| quoted(name)).collect();
    let named = table.primary_key.join(", ");
    connection.allow_row(table.columns.len())?;
    let repeats = match repeats(connection, &table.name, &list, "")? {
        // By a rule that this server does not have nothing is compared later either.
        Err(SourceError::Unsupported { .. }) => repeats(connection, &table.name, &list, " COLLATE BINARY")?,
        repeats => repeats,
    };
    match repeats {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some(format!("not served: rows share the values of the declared key {named}"))),
        Err(SourceError::TimedOut) => {
            let message = format!(
                "it has too many rows to find out whether the declared key {named} tells all apart: of rows that share one, \
                 only the first has an address, and pages may lack others"
            );
            described.findings.push(Finding { subject: table.name.clone(), message });
            Ok(None)
        }
        Err(SourceError::ValueTooLarge) => {
            Ok(Some("not served: a row of it is larger than this server passes on".to_owned()))
        }
        Err(SourceError::Unsupported { .. }) => {
            Ok(Some(format!("not served: the declared key {named} cannot be compared here")))
        }
        Err(error) => Err(error),
    }
}

/// Whether rows share their values of these columns, compared by a rule. The inner error is what kept it from an answer.
fn repeats(
    connection: &OpenConnection,
    table: &str,
    columns: &[String],
    rule: &str,
) -> Result<Result<bool, SourceError>, SourceError> {
    let present: Vec<String> = columns.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let compared: Vec<String> = columns.iter().map(|name| format!("{name}{rule}")).collect();
    let sql = format!(
        "SELECT 1 FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
        quoted(table),
        present.join(" AND "),
        compared.join(", ")
    );
    connection.within(PATIENCE, || {
        let found = connection.sqlite().prepare(&sql).and_then(|mut statement| statement.exists([]));
        found.map_err(|error| connection.failure(&error))
    })
}

/// Notes that a declaration does not hold.
fn refuse(described: &mut Described, table: &str, message: String) {
    described.refused.push(Finding { subject: table.to_owned(), message });
}
