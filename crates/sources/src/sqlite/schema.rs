//! Reads tables, columns, keys and references.

use std::collections::HashMap;

use odata::model::{Column, Finding, ForeignKey, KeyCheck, Supply, Table, TableChanges};
use rusqlite::Connection;

use super::connection::OpenConnection;
use super::declared::edm_type;
use super::options::Declarations;
use super::{defaults, keys, own, probe, storage, survey};
use crate::own_tables::refuse_by_tables;
use crate::{Described, SourceError};

/// The description of a table by `pragma_table_list`.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Listed {
    name: String,
    kind: Kind,
    has_rowid: bool,
    is_strict: bool,
    /// Whether a constraint of it may have [`ON CONFLICT REPLACE`](https://www.sqlite.org/lang_conflict.html).
    may_replace: bool,
    /// Whether a trigger runs when its rows are changed.
    has_triggers: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Table,
    View,
    /// Computed by an extension, such as a full-text index.
    Virtual,
    /// Storage of a virtual table.
    Shadow,
}

/// Describes every ordinary table and view. What cannot be served is a finding, not an error, so that one
/// broken view does not prevent reading the rest. `declared` are the owner's declarations.
pub(super) fn describe(
    connection: &OpenConnection,
    declared: &Declarations,
) -> Result<Described, SourceError> {
    let fail = |error: rusqlite::Error| connection.failure(&error);
    connection.allow_declarations()?;
    let sqlite = connection.sqlite();
    // Within the transaction that reads the structure, so that no other file can be swapped in.
    own::refuse_marked(sqlite)?;
    let listed = list(sqlite).map_err(fail)?;
    refuse_by_tables(listed.iter().map(|listed| listed.name.as_str()))?;
    let is_utf8 = storage::is_utf8(sqlite).map_err(fail)?;
    let until = survey::until();
    let (keys, forms) = (&declared.keys, &declared.forms);
    let mut described = Described::default();
    for listed in &listed {
        // The statements about one table are too short to be stopped.
        connection.stop_if_due()?;
        if let Some(message) = reason_to_drop(listed) {
            described.findings.push(Finding { subject: listed.name.clone(), message: message.to_owned() });
        } else if listed.kind != Kind::Shadow {
            let Some(table) = readable(connection, listed, is_utf8, &mut described.findings)? else {
                continue;
            };
            let Some(mut table) = probe::usable(connection, table, &mut described.findings)? else {
                continue;
            };
            keys::complete(connection, &mut table, listed.has_rowid, keys, &mut described)?;
            storage::complete(sqlite, &mut table).map_err(fail)?;
            described.findings.extend(table.has_unusable_index.then(|| probe::unusable_index(&table)));
            let declared = survey::declare(forms, &mut table);
            survey::examine(connection, &mut table, &declared, until, &mut described.findings)?;
            keys::count_shared(connection, &table, until, &mut described.findings)?;
            described.schema.tables.push(table);
        }
    }
    let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
    keys::refuse_strays(keys, &names, &mut described);
    survey::refuse_strays(forms, &mut described);
    resolve_references(&mut described.schema.tables);
    Ok(described)
}

/// The table as declared, or a finding.
fn readable(
    connection: &OpenConnection,
    listed: &Listed,
    is_utf8: bool,
    findings: &mut Vec<Finding>,
) -> Result<Option<Table>, SourceError> {
    let error = match table(connection.sqlite(), listed, is_utf8) {
        Ok(table) => return Ok(Some(table)),
        Err(error) => error,
    };
    // A deadline, a lock or an unreadable file is not a fault of the table.
    connection.stop_if_due()?;
    if !is_about_the_table(&error) {
        return Err(connection.failure(&error));
    }
    let message = format!("omitted, because its columns cannot be read: {}", probe::words(&error));
    findings.push(Finding { subject: listed.name.clone(), message });
    Ok(None)
}

fn list(sqlite: &Connection) -> rusqlite::Result<Vec<Listed>> {
    let mut statement = sqlite.prepare_cached(
        // The names in the list have no index: a subquery for each of them would read all tables for each table.
        r"WITH replacing AS MATERIALIZED (SELECT name FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE '%replace%'),
          triggered AS MATERIALIZED (SELECT tbl_name FROM main.sqlite_schema WHERE type = 'trigger')
          SELECT CAST(name AS TEXT), type, wr, strict, name IN replacing, name COLLATE NOCASE IN triggered FROM pragma_table_list
          WHERE schema = 'main' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| {
        let kind = match row.get_ref(1)?.as_bytes()? {
            b"view" => Kind::View,
            b"virtual" => Kind::Virtual,
            b"shadow" => Kind::Shadow,
            _ => Kind::Table,
        };
        let name = String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned();
        let has_rowid = !row.get::<_, bool>(2)? && kind == Kind::Table;
        let (is_strict, may_replace, has_triggers) = (row.get(3)?, row.get(4)?, row.get(5)?);
        Ok(Listed { name, kind, has_rowid, is_strict, may_replace, has_triggers })
    })?;
    rows.collect()
}

fn reason_to_drop(listed: &Listed) -> Option<&'static str> {
    match listed.kind {
        Kind::Virtual => Some("omitted, because it is a virtual table"),
        _ if listed.name.contains(['\0', '\u{FFFD}']) => Some("omitted, because its name is not valid text"),
        _ => None,
    }
}

fn is_about_the_table(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(code, _) => code.code == rusqlite::ErrorCode::Unknown,
        _ => true,
    }
}

/// One column as declared, with its position in the primary key; 0 for none.
struct Declared {
    column: Column,
    type_name: String,
    key_place: u32,
    supply: Supply,
}

fn table(sqlite: &Connection, listed: &Listed, is_utf8: bool) -> rusqlite::Result<Table> {
    let mut columns = declared_columns(sqlite, listed, is_utf8)?;
    let mut key: Vec<usize> = (0..columns.len()).filter(|&at| columns[at].key_place > 0).collect();
    key.sort_by_key(|&at| columns[at].key_place);
    if let [only] = key[..]
        && listed.has_rowid
        && columns[only].type_name.eq_ignore_ascii_case("INTEGER")
        && !has_key_index(sqlite, &listed.name)?
    {
        // The column is the row number, which always exists.
        columns[only].column.nullable = false;
        columns[only].column.storage = storage::of_row_number();
        columns[only].supply = Supply::Number;
    }
    if listed.kind == Kind::Table && !listed.has_rowid {
        for &at in &key {
            columns[at].column.nullable = false;
        }
    }
    let foreign_keys =
        if listed.kind == Kind::Table { references(sqlite, &listed.name)? } else { Vec::new() };
    Ok(Table {
        schema: None,
        set_name: None,
        name: listed.name.clone(),
        primary_key: key.iter().map(|&at| columns[at].column.name.clone()).collect(),
        key_is_enforced: true,
        changes: TableChanges {
            possible: listed.kind == Kind::Table,
            key_check: KeyCheck::AtOnce,
            may_replace: listed.may_replace,
            may_rewrite: listed.has_triggers,
            supplied: columns.iter().map(|one| (one.column.name.clone(), one.supply.clone())).collect(),
        },
        columns: columns.into_iter().map(|declared| declared.column).collect(),
        foreign_keys,
        has_unusable_index: false,
    })
}

fn declared_columns(sqlite: &Connection, listed: &Listed, is_utf8: bool) -> rusqlite::Result<Vec<Declared>> {
    let kind = storage::Kind { is_table: listed.kind == Kind::Table, is_strict: listed.is_strict };
    let mut statement = sqlite.prepare_cached(
        // 1 is a hidden column of a virtual table; generated columns are 2 and 3.
        r#"SELECT name, type, "notnull", pk, hidden, dflt_value FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1"#,
    )?;
    let rows = statement.query_map([&listed.name], |row| {
        let type_name: String = row.get(1)?;
        let ty = edm_type(&type_name);
        let storage = storage::of(&type_name, ty, kind, is_utf8);
        let column = Column { name: row.get(0)?, ty, nullable: !row.get::<_, bool>(2)?, storage };
        let supply = match (row.get::<_, i64>(4)?, row.get::<_, Option<String>>(5)?) {
            (2 | 3, _) => Supply::Database,
            (_, Some(declared)) => Supply::Default(defaults::expression(sqlite, &declared)?),
            (_, None) => Supply::Statement,
        };
        Ok(Declared { column, type_name, key_place: row.get(3)?, supply })
    })?;
    rows.collect()
}

/// Whether the primary key has its own index, so that it is not the row number, as with [`INTEGER PRIMARY KEY
/// DESC`](https://www.sqlite.org/lang_createtable.html#rowids_and_the_integer_primary_key).
fn has_key_index(sqlite: &Connection, table: &str) -> rusqlite::Result<bool> {
    let mut statement =
        sqlite.prepare_cached("SELECT 1 FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'")?;
    statement.exists([table])
}

/// The references of a table, in the order of declaration; target columns are empty if the declaration omits
/// them.
fn references(sqlite: &Connection, table: &str) -> rusqlite::Result<Vec<ForeignKey>> {
    let mut statement = sqlite.prepare_cached(
        r#"SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?1, 'main') ORDER BY id DESC, seq"#,
    )?;
    let mut rows = statement.query([table])?;
    let mut found: Vec<ForeignKey> = Vec::new();
    let mut last = None;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if last.replace(id) != Some(id) {
            let target_table = row.get(1)?;
            found.push(ForeignKey {
                columns: Vec::new(),
                target_schema: None,
                target_table,
                target_columns: Vec::new(),
            });
        }
        if let Some(reference) = found.last_mut() {
            reference.columns.push(row.get(2)?);
            reference.target_columns.extend(row.get::<_, Option<String>>(3)?);
        }
    }
    Ok(found)
}

/// Spells the names in references as the target declares them, and fills in implied columns. A reference to
/// nothing is kept, and the model reports it.
fn resolve_references(tables: &mut [Table]) {
    let by_name: HashMap<String, usize> =
        tables.iter().enumerate().map(|(at, table)| (table.name.to_ascii_lowercase(), at)).collect();
    for at in 0..tables.len() {
        let mut references = std::mem::take(&mut tables[at].foreign_keys);
        for reference in &mut references {
            let target = by_name.get(&reference.target_table.to_ascii_lowercase());
            if let Some(found) = target.and_then(|&target| resolved(reference, &tables[target])) {
                *reference = found;
            }
        }
        tables[at].foreign_keys = references;
    }
}

fn resolved(reference: &ForeignKey, target: &Table) -> Option<ForeignKey> {
    let named =
        if reference.target_columns.is_empty() { &target.primary_key } else { &reference.target_columns };
    let declared = |name: &String| {
        target
            .columns
            .iter()
            .map(|column| &column.name)
            .find(|column| column.eq_ignore_ascii_case(name))
            .cloned()
    };
    let target_columns: Vec<String> = named.iter().map(declared).collect::<Option<_>>()?;
    (target_columns.len() == reference.columns.len()).then(|| ForeignKey {
        columns: reference.columns.clone(),
        target_schema: None,
        target_table: target.name.clone(),
        target_columns,
    })
}
