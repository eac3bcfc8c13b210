//! Reads tables, columns, keys and references from the catalogs.

mod catalog;
mod columns;
mod keys;

use odata::model::{Finding, ForeignKey, KeyCheck, Table, TableChanges};

use self::catalog::{Catalog, Relation};
pub(super) use self::catalog::{TABLES, each, number, text};
use super::connection::MysqlConnection;
use crate::own_tables::refuse_by_tables;
use crate::server::DeclaredKeys;
use crate::{Described, SourceError};

/// Describes the tables and views of the database. What cannot be served is a finding.
pub(super) async fn describe(
    connection: &mut MysqlConnection,
    declared: &DeclaredKeys,
) -> Result<Described, SourceError> {
    let Catalog { relations, database } = Catalog::read(connection).await?;
    refuse_by_tables(relations.keys().map(String::as_str))?;
    let mut described = Described::default();
    for (name, relation) in &relations {
        let columns = columns::of(name, relation, &mut described.findings);
        if columns.is_empty() {
            described.unreadable += 1;
            let message = "omitted, because the user of the data source may not read it".to_owned();
            described.findings.push(Finding { subject: name.clone(), message });
            continue;
        }
        let mut table = Table {
            schema: None,
            name: name.clone(),
            set_name: None,
            columns,
            primary_key: Vec::new(),
            key_is_enforced: true,
            foreign_keys: references(relation, &database),
            has_unusable_index: false,
            changes: TableChanges {
                possible: relation.is_table,
                key_check: KeyCheck::AtOnce,
                may_replace: false,
                may_rewrite: relation.has_triggers,
                supplied: relation
                    .columns
                    .iter()
                    .map(|column| (column.name.clone(), column.supply.clone()))
                    .collect(),
            },
        };
        keys::complete(&mut table, relation, declared.get(name), &mut described);
        columns::widen_keys(&mut table, relation);
        described.schema.tables.push(table);
    }
    for name in declared.keys().filter(|name| !relations.contains_key(*name)) {
        let message = "a key is declared for it, but there is no such table or view".to_owned();
        crate::server::refuse_key(&mut described, name, message);
    }
    Ok(described)
}

/// The references of a table, in the order of their names. A reference to a table that is not served is kept, and the
/// model reports it.
fn references(relation: &Relation, database: &str) -> Vec<ForeignKey> {
    let references = relation.references.iter().map(|reference| ForeignKey {
        columns: reference.columns.clone(),
        target_schema: (reference.target_database != database).then(|| reference.target_database.clone()),
        target_table: reference.target_table.clone(),
        target_columns: reference.target_columns.clone(),
    });
    references.collect()
}
