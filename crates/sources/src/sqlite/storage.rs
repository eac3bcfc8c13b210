//! What a database guarantees about its columns, without examining the data.

use odata::edm_type::EdmType;
use odata::form::Layout;
use odata::model::{Collation, Storage, Table};
use rusqlite::Connection;

use super::identifier::quoted;

/// The relevant properties of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Whether it is a table, not a view. Cells of a view may not have passed through a column's affinity.
    pub(super) is_table: bool,
    /// Whether [its types are enforced](https://www.sqlite.org/stricttables.html).
    pub(super) is_strict: bool,
}

/// Whether text is stored as UTF-8.
pub(super) fn is_utf8(sqlite: &Connection) -> rusqlite::Result<bool> {
    sqlite.query_row("PRAGMA encoding", [], |row| Ok(row.get_ref(0)?.as_bytes()? == b"UTF-8"))
}

/// What a column declared as `declared` guarantees.
pub(super) fn of(declared: &str, ty: EdmType, kind: Kind, is_utf8: bool) -> Storage {
    let is_number = matches!(ty, EdmType::Int64 | EdmType::Double);
    Storage {
        is_guaranteed: kind.is_table && kind.is_strict && is_number,
        is_textual: kind.is_table && is_utf8 && has_text_affinity(declared),
        is_numeric: kind.is_table && !kind.is_strict && has_number_affinity(declared),
        ..Storage::default()
    }
}

/// The guarantees about a row number.
pub(super) fn of_row_number() -> Storage {
    Storage {
        is_guaranteed: true,
        layout: Layout::PLAIN,
        index: Some(Collation::Binary),
        ..Storage::default()
    }
}

/// Whether SQLite converts numbers to text: see [its
/// rules](https://www.sqlite.org/datatype3.html#determination_of_column_affinity).
fn has_text_affinity(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    !declared.contains("INT") && ["CHAR", "CLOB", "TEXT"].iter().any(|part| declared.contains(part))
}

/// Whether SQLite converts texts that read as numbers to numbers.
fn has_number_affinity(declared: &str) -> bool {
    let upper = declared.to_ascii_uppercase();
    let is_blob = !upper.contains("INT") && (upper.trim().is_empty() || upper.contains("BLOB"));
    !is_blob && !has_text_affinity(declared)
}

/// Finds out the collations of columns, and which columns have an index.
pub(super) fn complete(sqlite: &Connection, table: &mut Table) -> rusqlite::Result<()> {
    let indexes = indexes(sqlite, &table.name)?;
    table.has_unusable_index = indexes.iter().any(|(_, rule)| *rule == Collation::Unknown);
    for column in &mut table.columns {
        let found = indexes.iter().filter(|(name, _)| *name == column.name).map(|(_, rule)| *rule);
        column.storage.index = found.reduce(|best, rule| if best == Collation::Binary { best } else { rule });
        let rule = collation(sqlite, &table.name, &column.name);
        // Collations only affect the order of text.
        if matches!(column.ty, EdmType::String { .. }) || rule == Collation::Unknown {
            column.storage.collation = rule;
        }
    }
    Ok(())
}

/// The first column of each index over all rows, and its collation. An index with an unknown collation cannot
/// be used.
fn indexes(sqlite: &Connection, table: &str) -> rusqlite::Result<Vec<(String, Collation)>> {
    let mut statement = sqlite.prepare_cached(
        "SELECT x.name, coalesce(min(y.coll), x.coll)
         FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
           LEFT JOIN pragma_index_xinfo(i.name, 'main') AS y ON upper(y.coll) NOT IN ('BINARY', 'NOCASE', 'RTRIM')
         WHERE x.seqno = 0 AND x.name IS NOT NULL AND NOT i.partial GROUP BY i.name",
    )?;
    let rows = statement.query_map([table], |row| {
        let rule: String = row.get(1)?;
        Ok((row.get(0)?, named(&rule)))
    })?;
    rows.collect()
}

fn named(rule: &str) -> Collation {
    match rule.to_ascii_uppercase().as_str() {
        "BINARY" => Collation::Binary,
        "NOCASE" => Collation::Named("NOCASE"),
        "RTRIM" => Collation::Named("RTRIM"),
        _ => Collation::Unknown,
    }
}

/// The collation of a column, found by comparing: a column of a union has the collation of its first part.
fn collation(sqlite: &Connection, table: &str, column: &str) -> Collation {
    let sql = format!(
        "SELECT x = 'A', x = 'a ', x = 'b' FROM (SELECT {} AS x FROM {} WHERE 0 UNION ALL SELECT 'a')",
        quoted(column),
        quoted(table)
    );
    let compared = sqlite.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    match compared {
        Ok((false, false, false)) => Collation::Binary,
        Ok((true, false, false)) => Collation::Named("NOCASE"),
        Ok((false, true, false)) => Collation::Named("RTRIM"),
        _ => Collation::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_or_texts_numbers_where_the_declared_type_says_so() {
        for (declared, texts, numbers) in [
            ("TEXT", true, false),
            ("varchar(40)", true, false),
            ("CLOB", true, false),
            ("STRING", false, true),
            ("JSON", false, true),
            ("ANY", false, true),
            ("UUID", false, true),
            ("", false, false),
            ("CHARINT", false, true),
            ("BLOB", false, false),
            ("BLOBINT", false, true),
        ] {
            assert_eq!(has_text_affinity(declared), texts, "{declared}");
            assert_eq!(has_number_affinity(declared), numbers, "{declared}");
        }
    }

    #[test]
    fn the_rule_of_a_column_is_seen_by_what_it_calls_equal() {
        let sqlite = Connection::open_in_memory().unwrap();
        sqlite
            .execute_batch(
                "CREATE TABLE t (b TEXT, n TEXT COLLATE NOCASE, r TEXT COLLATE RTRIM, i TEXT);
                 CREATE INDEX t_i ON t (i COLLATE NOCASE); CREATE VIEW v AS SELECT n AS x, b || '' AS y FROM t;",
            )
            .unwrap();
        assert_eq!(collation(&sqlite, "t", "b"), Collation::Binary);
        assert_eq!(collation(&sqlite, "t", "n"), Collation::Named("NOCASE"));
        assert_eq!(collation(&sqlite, "t", "r"), Collation::Named("RTRIM"));
        assert_eq!(collation(&sqlite, "t", "i"), Collation::Binary);
        assert_eq!(collation(&sqlite, "v", "x"), Collation::Named("NOCASE"));
        assert_eq!(indexes(&sqlite, "t").unwrap(), [("i".to_owned(), Collation::Named("NOCASE"))]);
    }
}
