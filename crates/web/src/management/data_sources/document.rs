//! The strict reader of a model document.

use odata::model::document::{
    ColumnShape, DocumentFault, EntityShape, ImportFinding, ModelDocument, Relation, Served, TableName,
};

mod rules;

use super::schema_map;
use crate::json::{Fields, FromJson, Json, PayloadFaults, parse};
use crate::respond::management::Detail;

/// Members that only the server sets; a client that changes the result of a GET sends them back.
const READ_ONLY: &[&str] = &["version", "entitySets", "findings"];

/// The payload with a model document.
#[derive(Debug)]
pub(crate) struct ModelPayload(pub(super) ModelDocument);

/// Reads a model document from a file.
///
/// # Errors
/// All faults of the document.
pub fn read(bytes: &[u8]) -> Result<ModelDocument, Vec<Detail>> {
    let malformed = |message| vec![Detail { field: String::new(), message }];
    let json = parse(bytes).map_err(|error| malformed(format!("is not acceptable JSON: {error}")))?;
    let faults = PayloadFaults::default();
    let ModelPayload(document) = ModelPayload::from_json(&json, &faults);
    if !faults.is_empty() {
        return Err(faults.into_details());
    }
    let faults: Vec<Detail> = faults_of(&document).into_iter().map(Detail::from).collect();
    if faults.is_empty() { Ok(document) } else { Err(faults) }
}

/// Everything that is wrong with a document, whatever the database contains.
pub(super) fn faults_of(document: &ModelDocument) -> Vec<DocumentFault> {
    let mut faults = document.faults();
    faults.extend(odata::rules::faults(document, domain::fold::fold_name));
    faults
}

impl From<DocumentFault> for Detail {
    fn from(fault: DocumentFault) -> Self {
        Self { field: fault.path, message: fault.message }
    }
}

impl FromJson for ModelPayload {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        if let Some(document) = schema_map::converted(json, faults) {
            return Self(document);
        }
        let mut fields = Fields::of(json, "", faults);
        fields.ignore(READ_ONLY);
        let document = ModelDocument {
            format_version: unsigned(&mut fields, "formatVersion", true).unwrap_or_default(),
            schemas: selection(&mut fields, "schemas", texts),
            tables: selection(&mut fields, "tables", |fields, name| {
                let read = |element, path: &str| table(element, path, faults);
                fields.array(name, read).unwrap_or_default()
            }),
            entities: fields.array("entities", |json, path| entity(json, path, faults)).unwrap_or_default(),
            relations: fields
                .array("relations", |json, path| relation(json, path, faults))
                .unwrap_or_default(),
            page_size: unsigned(&mut fields, "pageSize", false),
            read_only: fields.boolean("readOnly").unwrap_or_default(),
            record_requests: fields.boolean("recordRequests").unwrap_or_default(),
            repeatable_requests: fields
                .value("repeatableRequests")
                .map(|json| table(json, "repeatableRequests", faults)),
            rules: fields.array("rules", |json, path| rules::rule(json, path, faults)).unwrap_or_default(),
            user_attributes: rules::attributes(&mut fields, "userAttributes", faults),
            import_findings: fields
                .array("importFindings", |json, path| finding(json, path, faults))
                .unwrap_or_default(),
        };
        fields.finish();
        Self(document)
    }
}

/// A whole number that is not negative; 0 after a fault.
fn unsigned(fields: &mut Fields<'_>, name: &'static str, is_required: bool) -> Option<u32> {
    let number = if is_required { fields.required_integer(name) } else { fields.integer(name) }?;
    let unsigned = u32::try_from(number).ok();
    if unsigned.is_none() {
        fields.fault(name, format!("must be a whole number from 0 to {}", u32::MAX));
    }
    unsigned
}

fn text(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    fields.string(name).map(str::to_owned)
}

fn required(fields: &mut Fields<'_>, name: &'static str) -> String {
    fields.required_string(name).unwrap_or_default().to_owned()
}

fn texts(fields: &mut Fields<'_>, name: &'static str) -> Vec<String> {
    fields.strings(name).unwrap_or_default().into_iter().map(str::to_owned).collect()
}

fn selection<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    mut list: impl FnMut(&mut Fields<'_>, &'static str) -> Vec<T>,
) -> Served<T> {
    let Some(mut inner) = fields.object(name) else { return Served::default() };
    let selection = Served { include: list(&mut inner, "include"), exclude: list(&mut inner, "exclude") };
    inner.finish();
    selection
}

fn table(json: &Json, path: &str, faults: &PayloadFaults) -> TableName {
    let mut fields = Fields::of(json, path, faults);
    let table = TableName { schema: text(&mut fields, "schema"), table: required(&mut fields, "table") };
    fields.finish();
    table
}

fn entity(json: &Json, path: &str, faults: &PayloadFaults) -> EntityShape {
    let mut fields = Fields::of(json, path, faults);
    let entity = EntityShape {
        schema: text(&mut fields, "schema"),
        table: required(&mut fields, "table"),
        entity_set: text(&mut fields, "entitySet"),
        entity_type: text(&mut fields, "entityType"),
        key: texts(&mut fields, "key"),
        shown_columns: texts(&mut fields, "shownColumns"),
        hidden_columns: texts(&mut fields, "hiddenColumns"),
        searchable_columns: texts(&mut fields, "searchableColumns"),
        columns: fields.array("columns", |json, path| column(json, path, faults)).unwrap_or_default(),
        read_only: fields.boolean("readOnly").unwrap_or_default(),
    };
    fields.finish();
    entity
}

fn column(json: &Json, path: &str, faults: &PayloadFaults) -> ColumnShape {
    let mut fields = Fields::of(json, path, faults);
    let column = ColumnShape {
        column: required(&mut fields, "column"),
        property: text(&mut fields, "property"),
        storage_form: text(&mut fields, "storageForm"),
    };
    fields.finish();
    column
}

fn relation(json: &Json, path: &str, faults: &PayloadFaults) -> Relation {
    let mut fields = Fields::of(json, path, faults);
    let mut end = |name: &'static str| {
        let value = fields.value(name);
        if value.is_none() {
            fields.fault(name, "is required");
        }
        let read = |json| table(json, &format!("{path}.{name}"), faults);
        value.map_or_else(|| TableName { schema: None, table: String::new() }, read)
    };
    let (from, to) = (end("from"), end("to"));
    let relation = Relation {
        from,
        columns: texts(&mut fields, "columns"),
        to,
        to_columns: texts(&mut fields, "toColumns"),
        navigation: text(&mut fields, "navigation"),
        inverse: text(&mut fields, "inverse"),
    };
    fields.finish();
    relation
}

fn finding(json: &Json, path: &str, faults: &PayloadFaults) -> ImportFinding {
    let mut fields = Fields::of(json, path, faults);
    let finding = ImportFinding {
        subject: required(&mut fields, "subject"),
        message: required(&mut fields, "message"),
    };
    fields.finish();
    finding
}

#[cfg(test)]
mod tests;
