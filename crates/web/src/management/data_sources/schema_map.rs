//! The schema map of Hybrid Data Pipeline, `odata_mapping_v3`, as a model document. What has no counterpart is a finding of the
//! document, so that nobody finds it missing later.

use odata::model::document::{ColumnShape, EntityShape, ImportFinding, ModelDocument, TableName};

use crate::json::{Json, PayloadFaults};

/// The member by which a schema map is recognised.
const MAP: &str = "odata_mapping_v3";

/// The document of a schema map; `None` if the payload is none.
pub(super) fn converted(json: &Json, faults: &PayloadFaults) -> Option<ModelDocument> {
    let map = json.get(MAP)?;
    let mut import = Import { document: ModelDocument::default(), faults };
    for (name, value) in members(json).iter().filter(|(name, _)| name != MAP) {
        import.ignored(name, name, value);
    }
    import.root(map);
    Some(import.document)
}

struct Import<'f> {
    document: ModelDocument,
    faults: &'f PayloadFaults,
}

impl Import<'_> {
    fn note(&mut self, subject: &str, message: impl Into<String>) {
        let finding = ImportFinding { subject: subject.to_owned(), message: message.into() };
        self.document.import_findings.push(finding);
    }

    /// A member without a counterpart. One that asks for nothing needs none.
    fn ignored(&mut self, subject: &str, member: &str, value: &Json) {
        if !matches!(value, Json::Null | Json::Bool(false)) {
            self.note(subject, format!("{member} of the schema map has no counterpart and is ignored"));
        }
    }

    fn wrong(&self, path: &str, expected: &str, found: &Json) {
        self.faults.add(path, format!("must be {expected}, not {}", found.kind()));
    }

    fn object<'j>(&self, path: &str, json: &'j Json) -> &'j [(String, Json)] {
        match json {
            Json::Object(members) => members,
            Json::Null => &[],
            other => {
                self.wrong(path, "an object", other);
                &[]
            }
        }
    }

    fn text(&self, path: &str, json: &Json) -> Option<String> {
        match json {
            Json::String(text) if !text.is_empty() => Some(text.clone()),
            Json::String(_) | Json::Null => None,
            other => {
                self.wrong(path, "a string", other);
                None
            }
        }
    }

    fn texts(&self, path: &str, json: &Json) -> Vec<String> {
        let Json::Array(elements) = json else {
            if *json != Json::Null {
                self.wrong(path, "an array", json);
            }
            return Vec::new();
        };
        let read = |(at, element)| self.text(&format!("{path}[{at}]"), element);
        elements.iter().enumerate().filter_map(read).collect()
    }

    fn root(&mut self, map: &Json) {
        for (name, value) in self.object(MAP, map) {
            match name.as_str() {
                "schemas" => self.schemas(value),
                name => self.ignored(MAP, name, value),
            }
        }
    }

    fn schemas(&mut self, schemas: &Json) {
        let path = format!("{MAP}.schemas");
        let Json::Array(schemas) = schemas else { return self.wrong(&path, "an array", schemas) };
        let mut whole = Vec::new();
        for (at, schema) in schemas.iter().enumerate() {
            whole.extend(self.schema(&format!("{path}[{at}]"), schema));
        }
        // A list of tables leaves out all others, so it cannot stand beside a whole schema.
        if !self.document.tables.include.is_empty() {
            for schema in &whole {
                self.note(schema, "the schema map lists no tables of this schema, so none is served beside the listed ones of others");
            }
        }
        self.document.schemas.include.extend(whole);
    }

    /// Returns the name of a schema that is served as a whole.
    fn schema(&mut self, path: &str, schema: &Json) -> Option<String> {
        let members = self.object(path, schema);
        let find = |name: &str| members.iter().find(|(member, _)| member == name).map(|(_, value)| value);
        let name = find("name").and_then(|name| self.text(&format!("{path}.name"), name));
        let tables = find("tables").map_or(&[][..], |tables| self.object(&format!("{path}.tables"), tables));
        for (table, value) in tables {
            let table = TableName { schema: name.clone(), table: table.clone() };
            self.table(&format!("{path}.tables.{}", table.table), &table, value);
            self.document.tables.include.push(table);
        }
        let excluded = find("excludedTables").map(|list| self.texts(&format!("{path}.excludedTables"), list));
        // The list counts only if no tables are listed.
        if tables.is_empty() {
            let names = excluded.into_iter().flatten();
            let names = names.map(|table| TableName { schema: name.clone(), table });
            self.document.tables.exclude.extend(names);
        }
        for (member, value) in members {
            if !["name", "tables", "excludedTables"].contains(&member.as_str()) {
                self.ignored(name.as_deref().unwrap_or(path), member, value);
            }
        }
        name.filter(|_| tables.is_empty())
    }

    fn table(&mut self, path: &str, name: &TableName, json: &Json) {
        let mut entity =
            EntityShape { schema: name.schema.clone(), table: name.table.clone(), ..EntityShape::default() };
        let subject = subject(name);
        for (member, value) in self.object(path, json) {
            let path = format!("{path}.{member}");
            match member.as_str() {
                "ODataAlias" => entity.entity_type = self.text(&path, value),
                "ODataPluralAlias" => entity.entity_set = self.text(&path, value),
                "columns" => self.columns(&path, &subject, value, &mut entity),
                "excludedColumns" => entity.hidden_columns = self.texts(&path, value),
                member => self.ignored(&subject, member, value),
            }
        }
        if entity.entity_set.is_none() {
            self.note(
                &subject,
                "without ODataPluralAlias, the entity set has the name of the table, not a plural of it",
            );
        }
        self.document.entities.push(entity);
    }

    fn columns(&mut self, path: &str, table: &str, json: &Json, entity: &mut EntityShape) {
        let mut key: Vec<(i64, String)> = Vec::new();
        for (name, json) in self.object(path, json) {
            let (path, subject) = (format!("{path}.{name}"), format!("{table}.{name}"));
            entity.shown_columns.push(name.clone());
            for (member, value) in self.object(&path, json) {
                let path = format!("{path}.{member}");
                match (member.as_str(), value) {
                    ("primaryKeyComponent", Json::Number(place)) if place.as_i64().is_some() => {
                        let place = place.as_i64().filter(|place| *place > 0);
                        key.extend(place.map(|place| (place, name.clone())));
                    }
                    ("primaryKeyComponent", Json::Null) => {}
                    ("primaryKeyComponent", other) => self.wrong(&path, "a whole number", other),
                    ("searchable", Json::Bool(true)) => entity.searchable_columns.push(name.clone()),
                    ("alias", value) => {
                        let property = self.text(&path, value);
                        let named = |property| ColumnShape {
                            column: name.clone(),
                            property: Some(property),
                            storage_form: None,
                        };
                        entity.columns.extend(property.map(named));
                    }
                    ("typeInfo", Json::Object(_)) => {
                        self.note(
                            &subject,
                            "typeInfo of the schema map is ignored: the type in the database decides",
                        );
                    }
                    (member, value) => self.ignored(&subject, member, value),
                }
            }
        }
        key.sort_by_key(|(place, _)| *place);
        entity.key = key.into_iter().map(|(_, name)| name).collect();
    }
}

fn members(json: &Json) -> &[(String, Json)] {
    if let Json::Object(members) = json { members } else { &[] }
}

fn subject(name: &TableName) -> String {
    let TableName { schema, table } = name;
    schema.as_ref().map_or_else(|| table.clone(), |schema| format!("{schema}.{table}"))
}
