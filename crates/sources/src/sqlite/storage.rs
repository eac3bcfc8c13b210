//! What a database guarantees about its columns, without examining the data.

use odata::edm_type::EdmType;
use odata::form::Layout;
use odata::model::{Collation, Storage, Table};
use rusqlite::Connection;

use super::identifier::quoted;

/// The number of columns in one statement. A statement of SQLite has at most 2,000 results, and each column takes three.
const COMPARED_AT_ONCE: usize = 500;

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
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let rules = names.chunks(COMPARED_AT_ONCE).flat_map(|names| collations(sqlite, &table.name, names));
    let rules: Vec<Collation> = rules.collect();
    for (column, rule) in table.columns.iter_mut().zip(rules) {
        let found = indexes.iter().filter(|(name, _)| *name == column.name).map(|(_, rule)| *rule);
        column.storage.index = found.reduce(|best, rule| if best == Collation::Binary { best } else { rule });
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

/// The collations of columns. A table may have thousands, so one statement finds out as many as it can.
fn collations(sqlite: &Connection, table: &str, columns: &[&str]) -> Vec<Collation> {
    if let Some(found) = compared(sqlite, table, columns) {
        return found;
    }
    // One of them has a collation of another program.
    match columns {
        [] | [_] => vec![Collation::Unknown; columns.len()],
        _ => {
            let (before, after) = columns.split_at(columns.len() / 2);
            [collations(sqlite, table, before), collations(sqlite, table, after)].concat()
        }
    }
}

/// The collations of columns, found by comparing: a column of a union has the collation of its first part.
fn compared(sqlite: &Connection, table: &str, columns: &[&str]) -> Option<Vec<Collation>> {
    let list = |part: &dyn Fn(usize, &str) -> String| {
        columns.iter().enumerate().map(|(at, name)| part(at, name)).collect::<Vec<_>>().join(", ")
    };
    let sql = format!(
        "SELECT {} FROM (SELECT {} FROM {} WHERE 0 UNION ALL SELECT {})",
        list(&|at, _| format!("x{at} = 'A', x{at} = 'a ', x{at} = 'b'")),
        list(&|at, name| format!("{} AS x{at}", quoted(name))),
        quoted(table),
        list(&|_, _| "'a'".to_owned()),
    );
    let rule = |row: &rusqlite::Row<'_>, at: usize| {
        Ok(match (row.get(3 * at)?, row.get(3 * at + 1)?, row.get(3 * at + 2)?) {
            (false, false, false) => Collation::Binary,
            (true, false, false) => Collation::Named("NOCASE"),
            (false, true, false) => Collation::Named("RTRIM"),
            _ => Collation::Unknown,
        })
    };
    sqlite.query_row(&sql, [], |row| (0..columns.len()).map(|at| rule(row, at)).collect()).ok()
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
        let binary = Collation::Binary;
        let (nocase, rtrim) = (Collation::Named("NOCASE"), Collation::Named("RTRIM"));
        assert_eq!(collations(&sqlite, "t", &["b", "n", "r", "i"]), [binary, nocase, rtrim, binary]);
        assert_eq!(collations(&sqlite, "v", &["x"]), [nocase]);
        sqlite.create_collation("OTHER", str::cmp).unwrap();
        sqlite.execute_batch("CREATE TABLE o (a TEXT, b TEXT COLLATE OTHER, c TEXT COLLATE NOCASE)").unwrap();
        sqlite.remove_collation("OTHER").unwrap();
        assert_eq!(collations(&sqlite, "o", &["a", "b", "c"]), [binary, Collation::Unknown, nocase]);
        assert_eq!(indexes(&sqlite, "t").unwrap(), [("i".to_owned(), Collation::Named("NOCASE"))]);
    }
}
