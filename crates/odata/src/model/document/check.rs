//! What every document must obey, whatever the database contains.

use std::collections::HashSet;

use super::{
    AccessRule, AttributeValue, EntityShape, FORMAT_VERSION, ModelDocument, Relation, RuleAction,
    RuleAttributes, TableName,
};
use crate::edm_type::EdmType;
use crate::form::Form;
use crate::identifier;

/// The maximum number of tables in a list, of entities and of relations.
const MOST_TABLES: usize = 20_000;

/// The maximum number of schemas in a list.
const MOST_SCHEMAS: usize = 1_000;

/// The maximum number of columns in a list.
const MOST_COLUMNS: usize = 4_096;

/// The maximum number of columns of a key or of a relation.
const MOST_KEY_COLUMNS: usize = 32;

/// The maximum number of rows of a page that a document may ask for.
const MOST_ROWS: u32 = 100_000;

/// The maximum number of rules, because each request asks which of them apply.
const MOST_RULES: usize = 1_000;

/// The maximum number of names of users, roles or applications in a rule, and of attributes of a user.
const MOST_SUBJECTS: usize = 1_000;

/// The maximum number of users with attributes.
const MOST_USERS: usize = 20_000;

/// The maximum length of the name of a schema, table or column, in characters.
const LONGEST_NAME: usize = 256;

/// The maximum number of characters that a mask leaves.
const MOST_CHARACTERS: u32 = 64;

/// A fault of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentFault {
    /// The path of the member, such as `entities[1].key`.
    pub path: String,
    /// What is wrong, as the end of a sentence that starts with the path.
    pub message: String,
}

impl ModelDocument {
    /// Everything that is wrong with the document, whatever the database contains, except what [rules](crate::rules::faults)
    /// say.
    pub fn faults(&self) -> Vec<DocumentFault> {
        let mut faults = Faults(Vec::new());
        if self.format_version != FORMAT_VERSION {
            faults.add("formatVersion", format!("must be {FORMAT_VERSION}"));
        }
        for (path, list) in
            [("schemas.include", &self.schemas.include), ("schemas.exclude", &self.schemas.exclude)]
        {
            faults.list(path, list.len(), MOST_SCHEMAS);
            faults.names(path, list);
        }
        for (path, list) in
            [("tables.include", &self.tables.include), ("tables.exclude", &self.tables.exclude)]
        {
            faults.tables(path, list);
        }
        if let Some(table) = &self.repeatable_requests {
            faults.table("repeatableRequests", table);
        }
        faults.page_size("pageSize", self.page_size);
        faults.list("importFindings", self.import_findings.len(), MOST_TABLES);
        faults.tables_once("entities", self.entities.iter().map(EntityShape::name));
        for (at, entity) in self.entities.iter().enumerate() {
            faults.entity(&format!("entities[{at}]"), entity);
        }
        let sets = self.entities.iter().enumerate();
        faults.distinct(
            sets.clone().filter_map(|(at, entity)| Some((at, entity.entity_set.as_ref()?))),
            "entitySet",
        );
        faults
            .distinct(sets.filter_map(|(at, entity)| Some((at, entity.entity_type.as_ref()?))), "entityType");
        faults.list("relations", self.relations.len(), MOST_TABLES);
        for (at, relation) in self.relations.iter().enumerate() {
            faults.relation(&format!("relations[{at}]"), relation);
        }
        faults.list("rules", self.rules.len(), MOST_RULES);
        for (at, rule) in self.rules.iter().enumerate() {
            faults.rule(&format!("rules[{at}]"), rule);
        }
        faults.attributes(&self.user_attributes);
        faults.0
    }
}

struct Faults(Vec<DocumentFault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(DocumentFault { path: path.into(), message: message.into() });
    }

    fn list(&mut self, path: &str, entries: usize, most: usize) {
        if entries > most {
            self.add(path, format!("has {entries} entries; at most {most} are allowed"));
        }
    }

    /// The name of something in a database.
    fn name(&mut self, path: &str, name: &str) {
        let length = name.chars().count();
        if name.is_empty() {
            self.add(path, "must not be empty");
        } else if length > LONGEST_NAME {
            self.add(path, format!("is {length} characters long; at most {LONGEST_NAME} are allowed"));
        } else if name.chars().any(char::is_control) {
            self.add(path, "must not contain control characters");
        }
    }

    /// Names, each of them once.
    fn names(&mut self, path: &str, names: &[String]) {
        let mut seen = HashSet::new();
        for (at, name) in names.iter().enumerate() {
            let path = format!("{path}[{at}]");
            self.name(&path, name);
            if !seen.insert(name) {
                self.add(path, "is given twice");
            }
        }
    }

    fn table(&mut self, path: &str, table: &TableName) {
        self.name(&format!("{path}.table"), &table.table);
        if let Some(schema) = &table.schema {
            self.name(&format!("{path}.schema"), schema);
        }
    }

    fn tables(&mut self, path: &str, tables: &[TableName]) {
        for (at, table) in tables.iter().enumerate() {
            self.table(&format!("{path}[{at}]"), table);
        }
        self.tables_once(path, tables.iter().cloned());
    }

    fn tables_once(&mut self, path: &str, tables: impl ExactSizeIterator<Item = TableName>) {
        self.list(path, tables.len(), MOST_TABLES);
        let mut seen = HashSet::new();
        for (at, table) in tables.enumerate() {
            if !seen.insert(table) {
                self.add(format!("{path}[{at}]"), "is given twice");
            }
        }
    }

    fn identifier(&mut self, path: String, name: Option<&String>) {
        if name.is_some_and(|name| identifier::nearest(name) != *name) {
            self.add(
                path,
                "must be an identifier of OData: at most 128 letters, digits and underscores, and no digit at the start",
            );
        }
    }

    /// A name of entities in the whole model, by the place of the entity.
    fn distinct<'n>(&mut self, names: impl Iterator<Item = (usize, &'n String)>, member: &str) {
        let mut seen = HashSet::new();
        for (at, name) in names {
            if !seen.insert(name) {
                self.add(format!("entities[{at}].{member}"), "is the name of another entity too");
            }
        }
    }

    fn page_size(&mut self, path: &str, rows: Option<u32>) {
        if rows.is_some_and(|rows| !(1..=MOST_ROWS).contains(&rows)) {
            self.add(path, format!("must be a number of rows from 1 to {MOST_ROWS}"));
        }
    }

    fn entity(&mut self, path: &str, entity: &EntityShape) {
        self.table(path, &entity.name());
        self.identifier(format!("{path}.entitySet"), entity.entity_set.as_ref());
        self.identifier(format!("{path}.entityType"), entity.entity_type.as_ref());
        for (member, columns, most) in [
            ("key", &entity.key, MOST_KEY_COLUMNS),
            ("shownColumns", &entity.shown_columns, MOST_COLUMNS),
            ("hiddenColumns", &entity.hidden_columns, MOST_COLUMNS),
            ("searchableColumns", &entity.searchable_columns, MOST_COLUMNS),
        ] {
            let path = format!("{path}.{member}");
            self.list(&path, columns.len(), most);
            self.names(&path, columns);
        }
        self.list(&format!("{path}.columns"), entity.columns.len(), MOST_COLUMNS);
        let (mut columns, mut properties) = (HashSet::new(), HashSet::new());
        for (at, column) in entity.columns.iter().enumerate() {
            let path = format!("{path}.columns[{at}]");
            self.name(&format!("{path}.column"), &column.column);
            if !columns.insert(&column.column) {
                self.add(format!("{path}.column"), "is given twice");
            }
            self.identifier(format!("{path}.property"), column.property.as_ref());
            if column.property.as_ref().is_some_and(|name| !properties.insert(name)) {
                self.add(format!("{path}.property"), "is the name of another column too");
            }
            let form = column.storage_form.as_deref();
            if form.is_some_and(|form| Form::declared(form, EdmType::Int64).is_none()) {
                self.add(format!("{path}.storageForm"), format!("must be one of {}", Form::names()));
            }
        }
    }

    fn rule(&mut self, path: &str, rule: &AccessRule) {
        self.tables(&format!("{path}.tables"), &rule.tables);
        for (member, names, most) in [
            ("roles", &rule.roles, MOST_SUBJECTS),
            ("users", &rule.users, MOST_SUBJECTS),
            ("hiddenColumns", &rule.hidden_columns, MOST_COLUMNS),
        ] {
            let path = format!("{path}.{member}");
            self.list(&path, names.len(), most);
            self.names(&path, names);
        }
        self.list(&format!("{path}.applications"), rule.applications.len(), MOST_SUBJECTS);
        if rule.actions.is_empty() {
            self.add(format!("{path}.actions"), "must name one of read, insert, update and delete");
        }
        if !rule.hidden_columns.is_empty() && !rule.actions.contains(&RuleAction::Read) {
            self.add(format!("{path}.hiddenColumns"), "needs the action read, which decides what is shown");
        }
        self.masks(&format!("{path}.maskedColumns"), rule);
    }

    fn masks(&mut self, path: &str, rule: &AccessRule) {
        let masks = &rule.masked_columns;
        self.list(path, masks.len(), MOST_COLUMNS);
        if !masks.is_empty() && !rule.actions.contains(&RuleAction::Read) {
            self.add(path, "needs the action read, which decides what is shown");
        }
        let mut columns: HashSet<String> =
            rule.hidden_columns.iter().map(|column| column.to_ascii_lowercase()).collect();
        for (at, mask) in masks.iter().enumerate() {
            let path = format!("{path}[{at}]");
            self.name(&format!("{path}.column"), &mask.column);
            if !columns.insert(mask.column.to_ascii_lowercase()) {
                self.add(format!("{path}.column"), "is masked twice, or hidden");
            }
            if mask.text.is_some() && mask.last_characters.is_some() {
                self.add(&path, "has both text and lastCharacters");
            }
            if let Some(text) = &mask.text {
                if text.chars().count() > LONGEST_NAME {
                    self.add(format!("{path}.text"), format!("must have at most {LONGEST_NAME} characters"));
                }
                if text.contains('\0') {
                    self.add(format!("{path}.text"), "must not contain the character U+0000");
                }
            }
            if mask.last_characters.is_some_and(|characters| !(1..=MOST_CHARACTERS).contains(&characters)) {
                self.add(format!("{path}.lastCharacters"), format!("must be from 1 to {MOST_CHARACTERS}"));
            }
        }
    }

    fn attributes(&mut self, attributes: &RuleAttributes) {
        self.list("userAttributes", attributes.len(), MOST_USERS);
        for (user, values) in attributes {
            let path = format!("userAttributes.{user}");
            self.name(&path, user);
            self.list(&path, values.len(), MOST_SUBJECTS);
            for (name, value) in values {
                let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
                if name.is_empty() || name == "name" || !name.chars().all(is_word) {
                    self.add(
                        format!("{path}.{name}"),
                        "must be named with ASCII letters, digits and underscores, and not name",
                    );
                }
                let length = match value {
                    AttributeValue::Texts(texts) => texts.len(),
                    AttributeValue::Integers(numbers) => numbers.len(),
                    _ => 0,
                };
                self.list(&format!("{path}.{name}"), length, MOST_SUBJECTS);
            }
        }
    }

    fn relation(&mut self, path: &str, relation: &Relation) {
        self.table(&format!("{path}.from"), &relation.from);
        self.table(&format!("{path}.to"), &relation.to);
        for (member, columns) in [("columns", &relation.columns), ("toColumns", &relation.to_columns)] {
            let path = format!("{path}.{member}");
            self.list(&path, columns.len(), MOST_KEY_COLUMNS);
            self.names(&path, columns);
        }
        if relation.columns.is_empty() {
            self.add(format!("{path}.columns"), "must not be empty");
        }
        if !relation.to_columns.is_empty() && relation.to_columns.len() != relation.columns.len() {
            self.add(format!("{path}.toColumns"), "must have as many entries as columns");
        }
        self.identifier(format!("{path}.navigation"), relation.navigation.as_ref());
        self.identifier(format!("{path}.inverse"), relation.inverse.as_ref());
    }
}
