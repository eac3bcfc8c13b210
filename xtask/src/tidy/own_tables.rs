//! Only `store` and its backends use the tables of the system database.

use super::{Fault, Tree};

const RULE: &str = "own-tables";

/// SQL keywords before the name of a table.
const BEFORE_A_TABLE: &[&str] = &["FROM", "INTO", "UPDATE", "JOIN", "TABLE"];

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let tables = own_tables(tree);
    let mut faults = Vec::new();
    for (file, source) in tree.sources() {
        let is_ours = file.crate_name() == "store" || file.crate_name().starts_with("store-");
        if is_ours || !file.path.starts_with("crates/") {
            continue;
        }
        for piece in source.shipped_strings() {
            let touched = tables_in(&piece.text).into_iter().find(|table| tables.contains(table));
            if let Some(table) = touched {
                let advice =
                    format!("the table {table} belongs to the store: call an operation of its contract");
                faults.push(Fault::new(RULE, &file.path, piece.line, advice));
            }
        }
    }
    faults
}

/// The names after `CREATE TABLE` in the backends' migrations and code.
fn own_tables(tree: &Tree) -> Vec<String> {
    let backends = tree.files.iter().filter(|file| file.crate_name().starts_with("store-"));
    let mut tables = Vec::new();
    for file in backends {
        for created in file.text.split("CREATE TABLE ").skip(1) {
            let name = created.strip_prefix("IF NOT EXISTS ").unwrap_or(created);
            tables.push(identifier(name));
        }
    }
    tables
}

/// The tables in an SQL text. Keywords are in upper case, as everywhere in this repository.
fn tables_in(sql: &str) -> Vec<String> {
    let words: Vec<&str> = sql.split_whitespace().collect();
    let pairs = words.windows(2).filter(|pair| BEFORE_A_TABLE.contains(&pair[0]));
    pairs.map(|pair| identifier(pair[1])).collect()
}

fn identifier(text: &str) -> String {
    let bare = text.trim_start_matches(['"', '`', '[']);
    bare.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    #[test]
    fn a_query_on_our_tables_outside_the_stores_is_a_fault() {
        let query = "let sql = \"SELECT 1 FROM grants WHERE id = ?\";";
        let tree = Tree::sample(&[
            ("crates/store-sqlite/migrations/0001_a.sql", "CREATE TABLE grants (\n  id INTEGER"),
            ("crates/store-sqlite/src/a.rs", query),
            ("crates/store/src/a.rs", query),
            ("crates/app/src/a.rs", query),
            ("crates/app/src/b.rs", "let sql = \"SELECT 1 FROM ships\";"),
        ]);
        let faults = check(&tree);
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].path, "crates/app/src/a.rs");
    }
}
