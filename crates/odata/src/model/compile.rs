//! From the schema of a database to a model in terms of OData.

use std::collections::HashMap;

use super::document::ModelDocument;
use super::names::Names;
use super::references::connect;
use super::row_rule::AllowedChanges;
use super::shape::{self, NamedReference, Shape, ShapedTable};
use super::{Column, EntityType, Finding, Model, Property, RequestTable, Schema, Supply, Table};
use crate::edm_type::EdmType;
use crate::hash::Fnv;

/// The name of the entity container. No entity type may have it, because both are members of the schema.
pub(crate) const CONTAINER: &str = "Container";

impl Model {
    /// Compiles the schema of a driver. Nothing is an error: what cannot be served is dropped with a
    /// [`Finding`].
    pub fn compile(namespace: &str, schema: Schema) -> Self {
        Self::shaped(namespace, schema, &ModelDocument::default())
    }

    /// Compiles the schema of a driver as its owner shapes it.
    pub fn shaped(namespace: &str, mut schema: Schema, document: &ModelDocument) -> Self {
        let mut findings = Vec::new();
        let take = |name| RequestTable::taken_from(&mut schema, name, &mut findings);
        let request_table = document.repeatable_requests.as_ref().and_then(take);
        let tables = shape::apply(document, schema, &mut findings);
        let mut names = SetNames::of(&tables, &mut findings);
        let mut entity_types = Vec::with_capacity(tables.len());
        let mut references = Vec::with_capacity(tables.len());
        for (at, mut table) in tables.into_iter().enumerate() {
            table.shape.read_only |= document.read_only;
            if let Some((entity_type, named)) = entity_type(at, table, &mut names, &mut findings) {
                entity_types.push(entity_type);
                references.push(named);
            }
        }
        for entity in entity_types.iter_mut().filter(|entity| entity.type_name.is_empty()) {
            entity.type_name = names.types.unique(&entity.name);
        }
        connect(&mut entity_types, &references, &mut findings);
        let by_name =
            entity_types.iter().enumerate().map(|(index, entity)| (entity.name.clone(), index)).collect();
        let version = version(namespace, &entity_types);
        let plan_version = version_of_plans(namespace, &entity_types);
        Self {
            namespace: namespace.to_owned(),
            entity_types,
            findings,
            version,
            plan_version,
            page_size: document.page_size,
            request_table,
            by_name,
        }
    }
}

/// The names of entity sets and of entity types. Those that the owner gives come before those of tables.
struct SetNames {
    sets: Names,
    types: Names,
    /// The names that the owner gave, by the place of the table.
    given_sets: HashMap<usize, String>,
    given_types: HashMap<usize, String>,
}

impl SetNames {
    fn of(tables: &[ShapedTable], findings: &mut Vec<Finding>) -> Self {
        let (mut sets, mut types) = (Names::of([CONTAINER.to_owned()]), Names::of([CONTAINER.to_owned()]));
        let (mut given_sets, mut given_types) = (HashMap::new(), HashMap::new());
        let served = || tables.iter().enumerate().filter(|(_, shaped)| !key(&shaped.table).is_empty());
        for (at, ShapedTable { table, shape, .. }) in served() {
            for (wanted, names, given, kind) in [
                (&shape.entity_set, &mut sets, &mut given_sets, "entity set"),
                (&shape.entity_type, &mut types, &mut given_types, "entity type"),
            ] {
                let Some(name) = wanted else { continue };
                if names.take(name) {
                    given.insert(at, name.clone());
                } else {
                    let message = format!("its {kind} is not named {name}, because that name is taken");
                    findings.push(Finding { subject: table.full_name(), message });
                }
            }
        }
        let own = served().filter(|(at, _)| !given_sets.contains_key(at));
        sets.reserve(own.map(|(_, shaped)| shaped.table.wanted_name()));
        Self { sets, types, given_sets, given_types }
    }
}

/// The type of one table, and the references that are still to become navigation properties; `None` if the
/// table cannot be served.
fn entity_type(
    at: usize,
    ShapedTable { table, shape, references }: ShapedTable,
    names: &mut SetNames,
    findings: &mut Vec<Finding>,
) -> Option<(EntityType, Vec<NamedReference>)> {
    let key = key(&table);
    if key.is_empty() {
        let message = "not served: it has no key, so its rows have no address. Declare the columns that distinguish its rows with \
             the data source's option keys, such as {\"View\": [\"a\", \"b\"]}, or with key in its model document";
        findings.push(Finding { subject: table.full_name(), message: message.to_owned() });
        return None;
    }
    let full_name = table.full_name();
    let given = names.given_sets.remove(&at);
    let is_given = given.is_some();
    let name = given.unwrap_or_else(|| names.sets.identifier(table.wanted_name()));
    if !is_given && name != *table.wanted_name() {
        findings.push(Finding { subject: full_name.clone(), message: served_as(&name) });
    }
    let changes = if shape.read_only { None } else { supplies(&table) };
    let is_searched = |column: &Column| {
        let is_named = shape.searchable.as_ref().is_none_or(|named| named.contains(&column.name));
        is_named && matches!(column.ty, EdmType::String { .. })
    };
    let searchable = (0..table.columns.len()).filter(|at| is_searched(&table.columns[*at])).collect();
    let (properties, loose_key) = properties(&full_name, table.columns, &key, &shape, findings);
    let entity_type = EntityType {
        name,
        type_name: names.given_types.remove(&at).unwrap_or_default(),
        schema: table.schema,
        table: table.name,
        properties,
        unnamed: 0,
        key,
        loose_key,
        key_is_enforced: table.key_is_enforced,
        navigations: Vec::new(),
        has_unusable_index: table.has_unusable_index,
        searchable,
        changes,
        may_replace: table.changes.may_replace,
        may_rewrite: table.changes.may_rewrite,
        allowed_changes: AllowedChanges::ALL,
        rule: None,
    };
    Some((entity_type, references))
}

/// The properties of a table, and the places of those that are part of the key but may not identify a row.
fn properties(
    table: &str,
    columns: Vec<Column>,
    key: &[usize],
    shape: &Shape,
    findings: &mut Vec<Finding>,
) -> (Vec<Property>, Vec<usize>) {
    let mut names = property_names(table, &columns, shape, findings);
    let (mut properties, mut loose_key) = (Vec::with_capacity(columns.len()), Vec::new());
    for (index, column) in columns.into_iter().enumerate() {
        let mut add = |message: String| {
            findings.push(Finding { subject: format!("{table}.{}", column.name), message });
        };
        let given = names.1.remove(&index);
        let is_given = given.is_some();
        let name = given.unwrap_or_else(|| names.0.identifier(&column.name));
        if !is_given && name != column.name {
            add(served_as(&name));
        }
        let in_key = key.contains(&index);
        if in_key && column.nullable {
            add("a key column that may be null: rows in which it is null are not served".to_owned());
        }
        if let Some(message) = invalid_values(&column, in_key) {
            add(message);
        }
        if in_key && (column.nullable || !column.storage.is_guaranteed) {
            loose_key.push(index);
        }
        properties.push(property(name, column, in_key));
    }
    (properties, loose_key)
}

/// The names of the properties of a table, and those that the owner gave, by the place of the column.
fn property_names(
    table: &str,
    columns: &[Column],
    shape: &Shape,
    findings: &mut Vec<Finding>,
) -> (Names, HashMap<usize, String>) {
    let (mut names, mut given) = (Names::of([]), HashMap::new());
    for (at, column) in columns.iter().enumerate() {
        let Some(name) = shape.properties.get(&column.name) else { continue };
        if names.take(name) {
            given.insert(at, name.clone());
        } else {
            let message = format!("not named {name}, because that name is taken");
            findings.push(Finding { subject: format!("{table}.{}", column.name), message });
        }
    }
    let own = columns.iter().enumerate().filter(|(at, _)| !given.contains_key(at));
    names.reserve(own.map(|(_, column)| &column.name));
    (names, given)
}

fn property(name: String, column: Column, in_key: bool) -> Property {
    let may_be_invalid = !column.storage.is_guaranteed && !in_key;
    // A property can only be declared non-null if it is known to be a value.
    let is_doubtful =
        column.storage.found.is_some_and(|found| (may_be_invalid && !found.all) || found.invalid_values > 0);
    Property {
        name,
        column: column.name,
        ty: column.ty,
        nullable: (column.nullable || is_doubtful) && !in_key,
        storage: column.storage,
        may_be_invalid,
        copies: 1,
    }
}

/// What supplies the value of each column; `None` if rows cannot be changed.
fn supplies(table: &Table) -> Option<Vec<Supply>> {
    let supplied = &table.changes.supplied;
    let of = |column: &Column| supplied.get(&column.name).cloned().unwrap_or_default();
    table.changes.possible.then(|| table.columns.iter().map(of).collect())
}

/// The remark about a name in the model that differs from the one in the database.
fn served_as(name: &str) -> String {
    format!("served as {name}, because its own name is not an identifier in OData or is taken")
}

/// The columns of a table's key; empty if one of them is missing.
fn key(table: &Table) -> Vec<usize> {
    let place = |name: &String| table.columns.iter().position(|column| column.name == *name);
    table.primary_key.iter().map(place).collect::<Option<_>>().unwrap_or_default()
}

/// The remark about cells that represent no value of the column's type.
fn invalid_values(column: &Column, in_key: bool) -> Option<String> {
    let found = column.storage.found?;
    let ty = column.ty.name();
    let seen = if found.all { "" } else { " among the rows that were examined" };
    if in_key {
        let rows = found.invalid_values;
        return (rows > 0)
            .then(|| format!("a key column: {rows} rows{seen} contain no {ty} there and are not served"));
    }
    (found.invalid_values > 0).then(|| {
        format!(
            "{} values{seen} are not {ty} and are shown as null; the option storageForms can declare how the column is stored",
            found.invalid_values
        )
    })
}

fn version(namespace: &str, types: &[EntityType]) -> u64 {
    hash(namespace, types).finish()
}

/// Also depends on the survey of the data, which must not invalidate next links.
fn version_of_plans(namespace: &str, types: &[EntityType]) -> u64 {
    let mut hash = hash(namespace, types);
    for entity in types {
        hash.field(&[
            entity.has_unusable_index.into(),
            entity.key_is_enforced.into(),
            entity.may_rewrite.into(),
        ]);
        hash.field(format!("{:?} {:?}", entity.changes, entity.searchable).as_bytes());
        for property in &entity.properties {
            hash.field(format!("{} {:?}", property.nullable, property.storage).as_bytes());
        }
    }
    hash.finish()
}

fn hash(namespace: &str, types: &[EntityType]) -> Fnv {
    let mut hash = Fnv::new();
    hash.field(namespace.as_bytes());
    for entity in types {
        hash.field(entity.name.as_bytes());
        if entity.type_name != entity.name {
            hash.field(entity.type_name.as_bytes());
        }
        if let Some(schema) = &entity.schema {
            hash.field(schema.as_bytes());
        }
        hash.field(entity.table.as_bytes());
        for property in &entity.properties {
            hash.field(property.name.as_bytes());
            hash.field(property.column.as_bytes());
            hash.field(format!("{:?} {:?}", property.ty, property.storage.form).as_bytes());
        }
        hash.field(format!("{:?} {:?}", entity.key, entity.loose_key).as_bytes());
        for navigation in &entity.navigations {
            hash.field(navigation.name.as_bytes());
            hash.field(
                format!("{} {} {:?}", navigation.target, navigation.collection, navigation.on).as_bytes(),
            );
        }
    }
    hash
}

#[cfg(test)]
mod tests;
