//! Applies the document of the owner to what a driver has read: leaves out tables and columns, and attaches names.

use std::collections::{HashMap, HashSet};

use super::document::{EntityShape, ModelDocument, Relation, Served, TableName};
use super::spelling::TablesByName;
use super::{Finding, ForeignKey, Schema, Table, spelling};

/// A table that is served, and what its owner says about it.
pub(super) struct ShapedTable {
    pub(super) table: Table,
    pub(super) shape: Shape,
    /// The references, which are taken out of the table.
    pub(super) references: Vec<NamedReference>,
}

/// What the owner says about a table.
#[derive(Default)]
pub(super) struct Shape {
    pub(super) entity_set: Option<String>,
    pub(super) entity_type: Option<String>,
    /// The names of properties by that of the column.
    pub(super) properties: HashMap<String, String>,
    /// The columns in which alone a search looks, if the owner says so.
    pub(super) searchable: Option<HashSet<String>>,
    pub(super) read_only: bool,
}

/// A reference, and the names that its navigation properties should have.
pub(super) struct NamedReference {
    pub(super) key: ForeignKey,
    pub(super) navigation: Option<String>,
    pub(super) inverse: Option<String>,
}

/// The tables that are served, in their order.
pub(super) fn apply(
    document: &ModelDocument,
    schema: Schema,
    findings: &mut Vec<Finding>,
) -> Vec<ShapedTable> {
    let mut report = Report(findings);
    let kept = kept(document, &schema.tables, &mut report);
    let tables = schema.tables.into_iter().zip(kept).filter_map(|(table, kept)| kept.then_some(table));
    let mut tables: Vec<ShapedTable> = tables.map(ShapedTable::of).collect();
    let lookup = by_name(tables.iter().map(|shaped| &shaped.table));
    // What is said about one schema takes precedence over what is said about all.
    let (general, special): (Vec<_>, Vec<_>) =
        document.entities.iter().partition(|entity| entity.schema.is_none());
    for entity in general.into_iter().chain(special) {
        let found = lookup.find(entity.schema.as_deref(), &entity.table);
        if found.is_empty() {
            report.add(&entity.name(), "the document shapes it, but no such table or view is served");
        }
        for &at in found {
            tables[at].shape(entity, &mut report);
        }
    }
    for relation in &document.relations {
        relate(&mut tables, &lookup, relation, &mut report);
    }
    tables.retain(|shaped| shaped.has_its_key(&mut report));
    tables
}

struct Report<'f>(&'f mut Vec<Finding>);

impl Report<'_> {
    fn add(&mut self, subject: &TableName, message: impl Into<String>) {
        let subject = super::full_name(subject.schema.as_deref(), &subject.table);
        self.0.push(Finding { subject, message: message.into() });
    }

    fn add_column(&mut self, table: &Table, column: &str, message: &str) {
        let subject = format!("{}.{column}", table.full_name());
        self.0.push(Finding { subject, message: message.to_owned() });
    }
}

/// Which of the tables are served.
fn kept(document: &ModelDocument, tables: &[Table], report: &mut Report<'_>) -> Vec<bool> {
    let lookup = by_name(tables.iter());
    let mut kept: Vec<bool> = vec![document.tables.include.is_empty(); tables.len()];
    for (list, value) in [(&document.tables.include, true), (&document.tables.exclude, false)] {
        for name in list {
            let found = lookup.find(name.schema.as_deref(), &name.table);
            if found.is_empty() {
                report.add(
                    name,
                    "the document lists it, but there is no such table or view that can be served",
                );
            }
            for &at in found {
                kept[at] = value;
            }
        }
    }
    let schemas = schemas(&document.schemas, tables, report);
    for (kept, table) in kept.iter_mut().zip(tables) {
        *kept &= schemas.as_ref().is_none_or(|schemas| schemas.contains(&table.schema.as_deref()));
    }
    kept
}

/// The schemas that are served; `None` for all.
fn schemas<'t>(
    selection: &Served<String>,
    tables: &'t [Table],
    report: &mut Report<'_>,
) -> Option<HashSet<Option<&'t str>>> {
    if selection.is_everything() {
        return None;
    }
    let all: HashSet<Option<&'t str>> = tables.iter().map(|table| table.schema.as_deref()).collect();
    let mut find = |names: &[String]| -> HashSet<Option<&'t str>> {
        let mut found = HashSet::new();
        for name in names {
            let exact = all.iter().find(|known| **known == Some(name.as_str()));
            let folded =
                || all.iter().find(|known| known.is_some_and(|known| known.eq_ignore_ascii_case(name)));
            match exact.or_else(folded) {
                Some(schema) => drop(found.insert(*schema)),
                None => report.0.push(Finding {
                    subject: name.clone(),
                    message: "the document lists this schema, but none of its tables can be served"
                        .to_owned(),
                }),
            }
        }
        found
    };
    let (included, excluded) = (find(&selection.include), find(&selection.exclude));
    let included = if selection.include.is_empty() { all.clone() } else { included };
    Some(included.difference(&excluded).copied().collect())
}

/// Adds a relation, or gives names to a reference that the database declares.
fn relate(tables: &mut [ShapedTable], lookup: &TablesByName, relation: &Relation, report: &mut Report<'_>) {
    let sources = lookup.find(relation.from.schema.as_deref(), &relation.from.table);
    if sources.is_empty() {
        report.add(&relation.from, "no relation: there is no such table or view that is served");
    }
    for &source in sources {
        let from = &tables[source].table;
        let targets = lookup.find(relation.to.schema.as_deref(), &relation.to.table);
        let beside = targets.iter().copied().find(|target| tables[*target].table.schema == from.schema);
        let only = targets.first().copied().filter(|_| targets.len() == 1);
        let Some(to) = beside.or(only).map(|target| &tables[target].table) else {
            let to = super::full_name(relation.to.schema.as_deref(), &relation.to.table);
            let message = if targets.is_empty() {
                format!("no relation to {to}: there is no such table or view that is served")
            } else {
                format!("no relation to {to}: several schemas have such a table; name one of them")
            };
            report.add(&relation.from, message);
            continue;
        };
        let columns = relation.columns.iter().map(|name| spelled(from, name));
        let to_columns = relation.to_columns.iter().map(|name| spelled(to, name));
        let key = ForeignKey {
            columns: columns.collect(),
            target_schema: to.schema.clone(),
            target_table: to.name.clone(),
            target_columns: to_columns.collect(),
        };
        let implied = to.primary_key.clone();
        tables[source].refer(key, &implied, relation);
    }
}

/// The name of a column as the table spells it.
fn spelled(table: &Table, name: &str) -> String {
    column(table, name).map_or_else(|| name.to_owned(), |at| table.columns[at].name.clone())
}

/// A column by its name.
fn column(table: &Table, name: &str) -> Option<usize> {
    spelling::position(&table.columns.iter().map(|column| column.name.as_str()), name)
}

fn by_name<'t>(tables: impl Iterator<Item = &'t Table>) -> TablesByName {
    TablesByName::of(tables.map(|table| (table.schema.as_deref(), table.name.as_str())))
}

impl ShapedTable {
    fn of(mut table: Table) -> Self {
        let references = std::mem::take(&mut table.foreign_keys);
        let references = references
            .into_iter()
            .map(|key| NamedReference { key, navigation: None, inverse: None })
            .collect();
        Self { table, shape: Shape::default(), references }
    }

    fn shape(&mut self, entity: &EntityShape, report: &mut Report<'_>) {
        let shape = &mut self.shape;
        let set = |member: &mut Option<String>, name: &Option<String>| {
            if name.is_some() {
                member.clone_from(name);
            }
        };
        set(&mut shape.entity_set, &entity.entity_set);
        set(&mut shape.entity_type, &entity.entity_type);
        shape.read_only |= entity.read_only;
        for named in &entity.columns {
            let Some(at) = column(&self.table, &named.column) else {
                report.add_column(&self.table, &named.column, NO_COLUMN);
                continue;
            };
            if let Some(name) = &named.property {
                shape.properties.insert(self.table.columns[at].name.clone(), name.clone());
            }
        }
        if !entity.searchable_columns.is_empty() {
            let named = found(&self.table, &entity.searchable_columns, report);
            shape.searchable.get_or_insert_default().extend(named);
        }
        let hidden = found(&self.table, &entity.hidden_columns, report);
        let shown = found(&self.table, &entity.shown_columns, report);
        let is_served = |name: &String| {
            !hidden.contains(name) && (entity.shown_columns.is_empty() || shown.contains(name))
        };
        self.table.columns.retain(|column| is_served(&column.name));
    }

    fn refer(&mut self, key: ForeignKey, implied: &[String], relation: &Relation) {
        let columns = |key: &ForeignKey| -> Vec<String> {
            if key.target_columns.is_empty() { implied.to_vec() } else { key.target_columns.clone() }
        };
        let is_same = |other: &&mut NamedReference| {
            let other = &other.key;
            other.columns == key.columns
                && other.target_schema == key.target_schema
                && other.target_table == key.target_table
                && columns(other) == columns(&key)
        };
        let (navigation, inverse) = (relation.navigation.clone(), relation.inverse.clone());
        match self.references.iter_mut().find(is_same) {
            Some(known) => (known.navigation, known.inverse) = (navigation, inverse),
            None => self.references.push(NamedReference { key, navigation, inverse }),
        }
    }

    /// Whether no column of its key is hidden. What is hidden stays so, even if the table cannot be served then.
    fn has_its_key(&self, report: &mut Report<'_>) -> bool {
        let table = &self.table;
        let served: HashSet<&String> = table.columns.iter().map(|column| &column.name).collect();
        let Some(hidden) = table.primary_key.iter().find(|name| !served.contains(name)) else { return true };
        let name = TableName { schema: table.schema.clone(), table: table.name.clone() };
        report.add(&name, format!("not served: the column {hidden} of its key is hidden"));
        false
    }
}

const NO_COLUMN: &str = "the document names it, but there is no such column that is served";

/// The names of the columns as the table spells them.
fn found(table: &Table, names: &[String], report: &mut Report<'_>) -> HashSet<String> {
    let mut found = HashSet::with_capacity(names.len());
    for name in names {
        match column(table, name) {
            Some(at) => drop(found.insert(table.columns[at].name.clone())),
            None => report.add_column(table, name, NO_COLUMN),
        }
    }
    found
}

#[cfg(test)]
mod tests;
