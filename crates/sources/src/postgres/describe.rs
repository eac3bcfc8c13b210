//! Reads tables, columns, keys and references from the catalogs.

mod catalog;
mod columns;
mod keys;
mod served_type;
mod shared_keys;

use std::collections::HashMap;

use odata::model::{Finding, ForeignKey, KeyCheck, Table, TableChanges};

use self::catalog::{Catalog, LETTERS, Omission, Relation};
pub(super) use self::catalog::{RELATIONS, SCHEMAS, each, integer, text};
use self::shared_keys::SharedKeys;
use super::connection::PostgresConnection;
use crate::own_tables::refuse_by_tables;
use crate::server::DeclaredKeys;
use crate::{Described, SourceError};

/// The schema whose tables give their names to entity sets, if the owner names no schemas.
const MAIN: &str = "public";

/// How the rows of a table can be changed. Those of a table from which others inherit are partly theirs.
fn changes(relation: &Relation, catalog: &Catalog) -> TableChanges {
    let columns = catalog.columns.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
    TableChanges {
        possible: relation.is_table && !relation.has_heirs,
        key_check: KeyCheck::AtOnce,
        may_replace: false,
        may_rewrite: relation.has_triggers,
        supplied: columns.iter().map(|column| (column.name.clone(), column.supply.clone())).collect(),
    }
}

/// Describes the tables and views in these schemas, or in all if there are none. What cannot be served is a finding.
pub(super) async fn describe(
    connection: &mut PostgresConnection,
    schemas: &[String],
    keys: &DeclaredKeys,
) -> Result<Described, SourceError> {
    let mut catalog = Catalog::read(connection, schemas).await?;
    refuse_own(&catalog.relations)?;
    let mut described = Described::default();
    refuse_missing_schemas(&catalog.relations, schemas, &mut described);
    report_missing_letters(connection, &mut described).await?;
    let main = schemas.first().map_or(MAIN, String::as_str);
    let relations = std::mem::take(&mut catalog.relations);
    let shared_keys = SharedKeys::within_patience();
    for relation in &relations {
        if let Some(omission) = relation.omitted {
            described.unreadable += usize::from(omission == Omission::Unreadable);
            let message = omission.message().to_owned();
            described.findings.push(Finding { subject: relation.full_name(), message });
            continue;
        }
        let changes = changes(relation, &catalog);
        let columns = columns::of(relation, &mut catalog, &mut described.findings);
        let mut table = Table {
            schema: Some(relation.schema.clone()),
            name: relation.name.clone(),
            set_name: (relation.schema != main).then(|| format!("{}_{}", relation.schema, relation.name)),
            columns,
            primary_key: Vec::new(),
            key_is_enforced: true,
            foreign_keys: references(relation, &catalog),
            has_unusable_index: false,
            changes,
        };
        if let Some(declared) = keys::complete(&mut table, relation, &catalog, keys, main, &mut described) {
            shared_keys.look_for(connection, &table, declared, &mut described).await?;
        }
        described.schema.tables.push(table);
    }
    keys::refuse_strays(keys, &relations, main, &mut described);
    order(&mut described.schema.tables, schemas);
    Ok(described)
}

/// Refuses a system database of Sluicegate, with everybody's password hashes and grants.
fn refuse_own(relations: &[Relation]) -> Result<(), SourceError> {
    let mut by_schema: HashMap<&str, Vec<&str>> = HashMap::new();
    for relation in relations {
        by_schema.entry(&relation.schema).or_default().push(&relation.name);
    }
    by_schema.into_values().try_for_each(|names| refuse_by_tables(names.into_iter()))
}

/// Reports schemas that were asked for and have nothing to serve.
fn refuse_missing_schemas(relations: &[Relation], schemas: &[String], described: &mut Described) {
    for schema in schemas {
        if !relations.iter().any(|relation| relation.schema == *schema) {
            let message = "there is no such schema, or it has no tables that the user may see".to_owned();
            described.findings.push(Finding { subject: schema.clone(), message });
        }
    }
}

/// Reports that letters cannot change their case.
async fn report_missing_letters(
    connection: &mut PostgresConnection,
    described: &mut Described,
) -> Result<(), SourceError> {
    if !Catalog::has_unicode_letters(connection).await? {
        let message = format!(
            "refused, because the database lacks the collation {LETTERS} of ICU: the server was built without ICU, or \
             ICU does not know the encoding of the database"
        );
        described.findings.push(Finding { subject: "tolower and toupper".to_owned(), message });
    }
    Ok(())
}

/// The references of a table, in the order of their names. A reference to a table that is not served is kept, and the
/// model reports it.
fn references(relation: &Relation, catalog: &Catalog) -> Vec<ForeignKey> {
    let found = catalog.references.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
    let references = found.iter().filter_map(|reference| {
        let names = |table: u32, numbers: &[i16]| -> Option<Vec<String>> {
            numbers.iter().map(|number| catalog.column_name(table, *number)).collect()
        };
        Some(ForeignKey {
            columns: names(relation.oid, &reference.columns)?,
            target_schema: Some(reference.target_schema.clone()),
            target_table: reference.target_name.clone(),
            // Of a table that is not served nothing is known.
            target_columns: names(reference.target, &reference.target_columns).unwrap_or_default(),
        })
    });
    references.collect()
}

/// Orders tables by schema, in the order that the owner gave, and by name.
fn order(tables: &mut [Table], schemas: &[String]) {
    let place = |table: &Table| {
        let schema = table.schema.as_deref().unwrap_or_default();
        let given = schemas.iter().position(|given| given == schema);
        (given.unwrap_or(usize::MAX), schema != MAIN)
    };
    tables.sort_by(|one, other| {
        let names = || (&one.schema, &one.name).cmp(&(&other.schema, &other.name));
        place(one).cmp(&place(other)).then_with(names)
    });
}
