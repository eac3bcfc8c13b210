//! Values that PostgreSQL cannot store.

use store::columns::{Impossible, StoredCell, StoredRow, StoredTable};

/// The table whose texts are for people and may be changed in single characters, as they are for new events.
const FOR_PEOPLE: &str = "audit_events";

/// Makes a row storable in PostgreSQL, which allows no NUL in a text. In the audit log NUL is replaced by
/// U+FFFD; returns the number of texts that were changed.
///
/// # Errors
/// If another text contains NUL; the error names the table, the column and the key.
pub fn fit(table: &StoredTable, row: &mut StoredRow) -> Result<u64, Impossible> {
    let key = table.key_of(row)?;
    let mut replaced = 0;
    for (cell, column) in row.iter_mut().zip(table.columns) {
        match cell {
            StoredCell::Text(text) if text.contains('\0') => {
                if table.name != FOR_PEOPLE {
                    return Err(Impossible(format!(
                        "{}.{} of the row {key:?} contains the character NUL, which PostgreSQL cannot store: change \
                         that text first",
                        table.name, column.name
                    )));
                }
                *text = text.replace('\0', "\u{fffd}");
                replaced += 1;
            }
            _ => {}
        }
    }
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use store::columns::TABLES;

    use super::*;

    #[test]
    fn nul_is_replaced_in_the_audit_log_and_refused_elsewhere() {
        let table = |name: &str| TABLES.iter().find(|table| table.name == name).unwrap();
        let row = |table: &StoredTable| -> StoredRow {
            let mut row = vec![StoredCell::Text("a\0b\0".to_owned()); table.columns.len()];
            row[0] = StoredCell::Number(7);
            row[1] = StoredCell::Null;
            row
        };
        let mut event = row(table("audit_events"));
        assert_eq!(fit(table("audit_events"), &mut event), Ok(11));
        assert!(event[2] == StoredCell::Text("a\u{fffd}b\u{fffd}".to_owned()));
        let message = fit(table("roles"), &mut row(table("roles"))).unwrap_err().to_string();
        assert!(
            message.starts_with("roles.folded_name of the row [7]") && !message.contains("a\0b"),
            "{message}"
        );
    }
}
