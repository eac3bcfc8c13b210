//! Keys of tables and views that have none: what the owner declares, otherwise the number that SQLite gives
//! each row.

use std::collections::BTreeMap;
use std::time::Duration;

use odata::edm_type::EdmType;
use odata::model::{Column, Finding, Findings, Model, Schema, Supply, Table};
use odata::plan::count_shared as count_of_shared;
use odata::sql::Dialect;

use super::connection::OpenConnection;
use super::identifier::quoted;
use super::options::Keys;
use crate::options::KEYS;
use crate::{Deadline, Described, SourceError};

/// The possible names of a table's [row number](https://www.sqlite.org/lang_createtable.html#rowid), unless a
/// column has taken them.
const ROW_NUMBER: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// The maximum time to find out whether the columns of a declared key identify the rows.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time limit for counting the rows of a table that share their address.
const PATIENCE_FOR_COUNTING: Duration = Duration::from_millis(500);

/// The declaration for the table with that name, which SQLite compares ignoring the case of ASCII letters.
fn declared<'k>(keys: &'k Keys, table: &str) -> Option<&'k [String]> {
    let (_, columns) = keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(table))?;
    Some(columns)
}

/// Reports declarations that name nothing that is served.
pub(super) fn refuse_strays(keys: &Keys, listed: &[&str], described: &mut Described) {
    let is_among = |table: &str, names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(table));
    let served: Vec<&str> = described.schema.tables.iter().map(|table| table.name.as_str()).collect();
    let strays: Vec<&String> = keys.keys().filter(|table| !is_among(table, &served)).collect();
    let strays: Vec<(String, &str)> = strays
        .into_iter()
        .map(|table| {
            let is_there = is_among(table, listed);
            let message = if is_there {
                "a key is declared for it, but it cannot be read here"
            } else {
                "a key is declared for it, but there is no such table or view"
            };
            (table.clone(), message)
        })
        .collect();
    for (table, message) in strays {
        refuse(described, &table, message.to_owned());
    }
}

/// Gives a table without a primary key another one, if possible.
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
            let message = "the declared key is ignored, because it has a primary key".to_owned();
            refuse(described, &table.name, message);
        }
        (Some(columns), true) => {
            table.key_is_enforced = false;
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
    table.changes.supplied.insert(name.to_owned(), Supply::Number);
    table.key_is_enforced = true;
    let message = format!(
        "it has no primary key, so its rows are distinguished by {name}, the number that SQLite gives each row; VACUUM may \
         change it. Declare a key with the option keys to use columns instead"
    );
    described.findings.push(Finding { subject: table.name.clone(), message });
}

/// Uses the declared columns as the key; returns what is wrong with them.
fn declare(
    connection: &OpenConnection,
    table: &mut Table,
    columns: &[String],
    described: &mut Described,
) -> Result<Option<String>, SourceError> {
    for wanted in columns {
        let found = table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(wanted));
        let Some(column) = found else {
            return Ok(Some(format!("the declared key names {wanted}, which is not one of its columns")));
        };
        table.primary_key.push(column.name.clone());
    }
    table.key_is_enforced = is_unique(connection, table)?;
    if table.key_is_enforced {
        return Ok(None);
    }
    let list: Vec<String> = table.primary_key.iter().map(|name| quoted(name)).collect();
    let named = table.primary_key.join(", ");
    connection.allow_row(table.columns.len())?;
    let repeats = match repeats(connection, &table.name, &list, "")? {
        // If the server does not have the collation, later comparisons do not use it either.
        Err(SourceError::Unsupported { .. }) => repeats(connection, &table.name, &list, " COLLATE BINARY")?,
        repeats => repeats,
    };
    match repeats {
        Ok(false) => Ok(None),
        Ok(true) => {
            // Such rows may have been added after the key was declared. Rows with a unique key are still
            // served.
            let message =
                format!("rows share the values of the declared key {named}: those that do are not served");
            refuse(described, &table.name, message);
            Ok(None)
        }
        Err(SourceError::TimedOut) => {
            let message = format!(
                "it has too many rows to find out soon whether the declared key {named} is unique: rows that share \
                 one are not served, and each request looks for them. A UNIQUE index on {named} would save that"
            );
            described.findings.push(Finding { subject: table.name.clone(), message });
            Ok(None)
        }
        Err(SourceError::ValueTooLarge) => {
            Ok(Some("not served: a row of it is larger than this server can return".to_owned()))
        }
        Err(SourceError::Unsupported { .. }) => {
            Ok(Some(format!("not served: the declared key {named} cannot be compared here")))
        }
        Err(error) => Err(error),
    }
}

/// Whether several rows have the same values in these columns under a collation. The inner error is what
/// prevented the check.
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

/// Whether an index over all rows prevents two of them from having the same values in the key columns.
fn is_unique(connection: &OpenConnection, table: &Table) -> Result<bool, SourceError> {
    let fail = |error: rusqlite::Error| connection.failure(&error);
    let mut statement = connection
        .sqlite()
        .prepare_cached(
            r#"SELECT i.name, x.name FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
               WHERE i."unique" AND NOT i.partial AND x.key"#,
        )
        .map_err(fail)?;
    let mut indexes: BTreeMap<String, bool> = BTreeMap::new();
    let mut rows = statement.query([&table.name]).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        let column: Option<String> = row.get(1).map_err(fail)?;
        let in_key = column.is_some_and(|column| table.primary_key.contains(&column));
        *indexes.entry(row.get(0).map_err(fail)?).or_insert(true) &= in_key;
    }
    Ok(indexes.into_values().any(|in_key| in_key))
}

/// Counts the rows that have a key but are omitted, because other rows have the same address.
pub(super) fn count_shared(
    connection: &OpenConnection,
    table: &Table,
    until: Deadline,
    findings: &mut Vec<Finding>,
) -> Result<(), SourceError> {
    let is_stray = |column: &Column| {
        let found = column.storage.found.unwrap_or(Findings { all: true, ..Findings::default() });
        table.primary_key.contains(&column.name) && (!found.all || found.strays > 0)
    };
    let patience = until.remaining().min(PATIENCE_FOR_COUNTING);
    if table.primary_key.is_empty()
        || patience.is_zero()
        || (table.key_is_enforced && !table.columns.iter().any(is_stray))
    {
        return Ok(());
    }
    let model = Model::compile("", Schema { tables: vec![table.clone()] });
    let Some(Ok(statement)) =
        model.entity_types.first().map(|entity| count_of_shared(entity, Dialect::Sqlite))
    else {
        return Ok(());
    };
    let counted = connection.within(patience, || {
        let counted = connection.sqlite().query_row(&statement.sql, [], |row| row.get::<_, i64>(0));
        counted.map_err(|error| connection.failure(&error))
    })?;
    if let Some(rows) = counted.ok().filter(|rows| *rows > 0) {
        let message = format!(
            "{rows} rows are not served, because another row has the same address, which is the key as it is shown"
        );
        findings.push(Finding { subject: table.name.clone(), message });
    }
    Ok(())
}

/// Records that a declaration does not hold.
fn refuse(described: &mut Described, table: &str, message: String) {
    described.refused.push((KEYS, Finding { subject: table.to_owned(), message }));
}
