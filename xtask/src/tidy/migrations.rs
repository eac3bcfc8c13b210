//! Migrations are append-only and have the same numbers and names in every backend.
//!
//! `xtask/tidy/migrations.toml` contains a checksum of each, because a database that has run a migration will
//! not run it again.

use std::collections::BTreeMap;

use super::{Fault, Tree};

const RULE: &str = "migrations";
const REMEMBERED: &str = "xtask/tidy/migrations.toml";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut backends: BTreeMap<&str, Vec<(&str, &str, u64)>> = BTreeMap::new();
    for file in &tree.files {
        let Some((backend, name)) =
            file.path.strip_prefix("crates/").and_then(|path| path.split_once("/migrations/"))
        else {
            continue;
        };
        if backend.starts_with("store-") && name.rsplit('.').next() == Some("sql") {
            backends.entry(backend).or_default().push((name, &file.path, checksum(&file.text)));
        }
    }
    let mut faults = remembered_faults(tree, &backends);
    let mut numbering: Option<(&str, Vec<&str>)> = None;
    for (backend, migrations) in &backends {
        let names: Vec<&str> = migrations.iter().map(|(name, _, _)| *name).collect();
        for (index, (name, path, _)) in migrations.iter().enumerate() {
            let number = format!("{:04}_", index + 1);
            if !name.starts_with(&number) {
                faults.push(Fault::new(RULE, path, 0, format!("its name must begin with {number}")));
            }
        }
        match &numbering {
            None => numbering = Some((backend, names)),
            Some((other, expected)) if *expected != names => {
                let path = format!("crates/{backend}/migrations");
                faults.push(Fault::new(
                    RULE,
                    &path,
                    0,
                    format!("must hold the same migrations as {other}: {expected:?}"),
                ));
            }
            Some(_) => {}
        }
    }
    faults
}

fn remembered_faults(tree: &Tree, backends: &BTreeMap<&str, Vec<(&str, &str, u64)>>) -> Vec<Fault> {
    let text = tree.file(REMEMBERED).map(|file| file.text.as_str()).unwrap_or_default();
    let Ok(remembered) = text.parse::<toml::Table>() else {
        return vec![Fault::new(RULE, REMEMBERED, 0, "is not TOML")];
    };
    let mut faults = Vec::new();
    for (backend, migrations) in backends {
        for (name, path, sum) in migrations {
            let known =
                remembered.get(*backend).and_then(|table| table.get(*name)).and_then(toml::Value::as_str);
            let sum = format!("{sum:016x}");
            if known.is_none() {
                let advice = format!("add `\"{name}\" = \"{sum}\"` under [{backend}]");
                faults.push(Fault::new(RULE, REMEMBERED, 0, advice));
            } else if known != Some(&sum) {
                faults.push(Fault::new(
                    RULE,
                    path,
                    0,
                    format!("changed (now {sum}): a released migration stays as it is, add a new one"),
                ));
            }
        }
    }
    for (backend, table) in &remembered {
        for name in table.as_table().into_iter().flat_map(toml::Table::keys) {
            let present = backends
                .get(backend.as_str())
                .is_some_and(|all| all.iter().any(|(other, _, _)| other == name));
            if !present {
                faults.push(Fault::new(RULE, REMEMBERED, 0, format!("{backend} lost its migration {name}")));
            }
        }
    }
    faults
}

/// FNV-1a, which protects against accidents, not against attackers.
fn checksum(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check, checksum};

    #[test]
    fn a_changed_migration_is_a_fault() {
        let remembered = format!("[store-sqlite]\n'0001_initial.sql' = '{:016x}'\n", checksum("CREATE"));
        let check_with = |text: &str| {
            let files =
                [("crates/store-sqlite/migrations/0001_initial.sql", text), (super::REMEMBERED, &remembered)];
            check(&Tree::sample(&files)).len()
        };
        assert_eq!(check_with("CREATE"), 0);
        assert_eq!(check_with("CREATE TABLE"), 1);
    }

    #[test]
    fn backends_hold_the_same_migrations() {
        let remembered = format!(
            "[store-sqlite]\n'0001_a.sql' = '{0:016x}'\n'0002_b.sql' = '{0:016x}'\n[store-postgres]\n'0001_a.sql' = '{0:016x}'\n",
            checksum("")
        );
        let faults = check(&Tree::sample(&[
            ("crates/store-sqlite/migrations/0001_a.sql", ""),
            ("crates/store-sqlite/migrations/0002_b.sql", ""),
            ("crates/store-postgres/migrations/0001_a.sql", ""),
            (super::REMEMBERED, &remembered),
        ]));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.contains("same migrations"));
    }

    #[test]
    fn numbers_have_no_gap() {
        let faults = check(&Tree::sample(&[("crates/store-sqlite/migrations/0002_b.sql", "")]));
        assert!(faults.iter().any(|fault| fault.message.contains("0001_")));
    }
}
