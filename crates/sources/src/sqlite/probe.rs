//! Finds out which parts of a table this server can use.
//!
//! The program that created a database may have defined its own collations and functions. They are not in the
//! file, so whatever needs one cannot run here: some columns can only be compared byte by byte, others cannot
//! be read at all. Statements are compiled but not run, so this takes microseconds per table.

use odata::model::{Finding, Table};

use super::connection::OpenConnection;
use super::identifier::quoted;
use crate::SourceError;

/// The table without its unreadable parts; `None` if nothing useful is left. Each omission is a finding.
pub(super) fn usable(
    connection: &OpenConnection,
    mut table: Table,
    findings: &mut Vec<Finding>,
) -> Result<Option<Table>, SourceError> {
    let from = quoted(&table.name);
    let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    let names = names.join(", ");
    if fault(connection, &format!("SELECT {names} FROM {from} ORDER BY {names}"))?.is_none() {
        return Ok(Some(table));
    }
    let mut lost_key = None;
    for column in std::mem::take(&mut table.columns) {
        let name = quoted(&column.name);
        let subject = format!("{}.{}", table.name, column.name);
        // Neither statement needs the column's collation.
        let lost = fault(connection, &format!("SELECT {name} FROM {from} ORDER BY {name} COLLATE BINARY"))?;
        if let Some(why) = lost {
            if table.primary_key.contains(&column.name) {
                lost_key = Some(column.name);
            }
            let message = format!("omitted, because it cannot be read here: {why}");
            findings.push(Finding { subject, message });
            continue;
        }
        if let Some(why) = fault(connection, &format!("SELECT {name} FROM {from} ORDER BY {name}"))? {
            let message = format!(
                "compared and ordered byte by byte, and by no index, since only the program that made the database has the \
                 rule of the column: {why}"
            );
            findings.push(Finding { subject, message });
        }
        table.columns.push(column);
    }
    if let Some(key) = lost_key {
        let message = format!("not served: its rows have no address, since {key} of its key cannot be read");
        findings.push(Finding { subject: table.name, message });
        return Ok(None);
    }
    if table.columns.is_empty() {
        let message = "not served: none of its columns can be read here".to_owned();
        findings.push(Finding { subject: table.name, message });
        return Ok(None);
    }
    Ok(Some(table))
}

/// The finding for a table with an index that needs a collation of another program.
pub(super) fn unusable_index(table: &Table) -> Finding {
    let message = "an index of it is not used, since only the program that made the database has the rule by which it \
                   compares";
    Finding { subject: table.name.clone(), message: message.to_owned() }
}

/// Why a statement cannot be compiled, in SQLite's words; an error if that is not the fault of the statement.
fn fault(connection: &OpenConnection, sql: &str) -> Result<Option<String>, SourceError> {
    match connection.sqlite().prepare(sql) {
        Ok(_) => Ok(None),
        Err(error) => match connection.failure(&error) {
            SourceError::Unsupported { .. }
            | SourceError::StructureChanged { .. }
            | SourceError::Failed { .. }
            | SourceError::ReadOnly => Ok(Some(words(&error))),
            other => Err(other),
        },
    }
}

/// SQLite's message, without the statement.
pub(super) fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(_, Some(words)) => words.clone(),
        other => other.to_string(),
    }
}
