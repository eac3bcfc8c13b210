//! Model documents: their stored form, and what of them a driver must know.

use std::collections::{BTreeMap, HashSet};

use odata::model::Finding;
use odata::model::document::{EntityShape, LONGEST_DOCUMENT, ModelDocument};
use serde::de::DeserializeOwned;

use crate::SourceSpec;
use crate::options::{DataStore, FORMS, KEYS};

/// A stored document is not one.
#[derive(Debug, thiserror::Error)]
#[error("a stored model document cannot be read: {0}")]
pub struct UnreadableDocument(String);

/// Reads a stored document.
///
/// # Errors
/// If this program does not understand it.
pub fn parsed(json: &str) -> Result<ModelDocument, UnreadableDocument> {
    serde_json::from_str(json).map_err(|error| UnreadableDocument(error.to_string()))
}

/// The document in the form to store; `None` if it is too long.
pub fn serialized(document: &ModelDocument) -> Option<String> {
    serde_json::to_string(document).ok().filter(|json| json.len() <= LONGEST_DOCUMENT)
}

impl SourceSpec {
    /// The same source with what a document declares to the driver, and what the driver cannot take.
    pub fn shaped(self, document: &ModelDocument) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let mut options = self.options().clone();
        declare_keys(self.store(), document, &mut options, &mut findings);
        declare_forms(self.store(), document, &mut options, &mut findings);
        (self.with_options(options), findings)
    }
}

/// The name of a table, as drivers expect it in options.
fn full_name(entity: &EntityShape) -> String {
    entity.schema.as_ref().map_or_else(|| entity.table.clone(), |schema| format!("{schema}.{}", entity.table))
}

/// The declarations of an option by table, without those to which the document says something else.
fn declared<T: DeserializeOwned>(
    options: &BTreeMap<String, String>,
    key: &str,
    of_document: &HashSet<String>,
) -> BTreeMap<String, T> {
    let stored = options.get(key).and_then(|json| serde_json::from_str(json).ok());
    let mut declared: BTreeMap<String, T> = stored.unwrap_or_default();
    declared.retain(|table, _| !of_document.contains(&table.to_ascii_lowercase()));
    declared
}

fn folded_names<'e>(entities: impl Iterator<Item = &'e EntityShape>) -> HashSet<String> {
    entities.map(|entity| full_name(entity).to_ascii_lowercase()).collect()
}

fn declare_keys(
    store: &DataStore,
    document: &ModelDocument,
    options: &mut BTreeMap<String, String>,
    findings: &mut Vec<Finding>,
) {
    let entities = || document.entities.iter().filter(|entity| !entity.key.is_empty());
    if entities().next().is_none() {
        return;
    }
    if store.option(KEYS).is_none() {
        findings.extend(entities().map(|entity| Finding {
            subject: full_name(entity),
            message: "the key of the document is ignored: this kind of database takes none".to_owned(),
        }));
        return;
    }
    let mut keys: BTreeMap<String, Vec<String>> = declared(options, KEYS, &folded_names(entities()));
    keys.extend(entities().map(|entity| (full_name(entity), entity.key.clone())));
    if let Ok(json) = serde_json::to_string(&keys) {
        options.insert(KEYS.to_owned(), json);
    }
}

fn declare_forms(
    store: &DataStore,
    document: &ModelDocument,
    options: &mut BTreeMap<String, String>,
    findings: &mut Vec<Finding>,
) {
    let forms_of = |entity: &EntityShape| -> BTreeMap<String, String> {
        let columns = entity.columns.iter();
        columns.filter_map(|column| Some((column.column.clone(), column.storage_form.clone()?))).collect()
    };
    let entities = || document.entities.iter().filter(|entity| !forms_of(entity).is_empty());
    if entities().next().is_none() {
        return;
    }
    if store.option(FORMS).is_none() {
        findings.extend(entities().flat_map(|entity| {
            forms_of(entity).into_keys().map(|column| Finding {
                subject: format!("{}.{column}", full_name(entity)),
                message: "the storage form of the document is ignored: the type of the column in the database decides".to_owned(),
            })
        }));
        return;
    }
    let mut forms: BTreeMap<String, BTreeMap<String, String>> = declared(options, FORMS, &HashSet::new());
    for entity in entities() {
        let name = full_name(entity);
        let known = forms.keys().find(|table| table.eq_ignore_ascii_case(&name)).cloned();
        let columns = forms.entry(known.unwrap_or(name)).or_default();
        for (column, form) in forms_of(entity) {
            columns.retain(|known, _| !known.eq_ignore_ascii_case(&column));
            columns.insert(column, form);
        }
    }
    if let Ok(json) = serde_json::to_string(&forms) {
        options.insert(FORMS.to_owned(), json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite;

    fn options(
        document: &str,
        given: &[(&str, &str)],
        store: &DataStore,
    ) -> (BTreeMap<String, String>, usize) {
        let document = parsed(document).unwrap();
        let mut options = given.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut findings = Vec::new();
        declare_keys(store, &document, &mut options, &mut findings);
        declare_forms(store, &document, &mut options, &mut findings);
        (options, findings.len())
    }

    const OTHER: DataStore = DataStore { id: 9, name: "Other", url_schemes: &[], options: &[] };

    #[test]
    fn keys_and_forms_of_the_document_come_before_those_of_the_options() {
        let document = r#"{"entities": [
            {"table": "V", "key": ["a"]}, {"table": "W"},
            {"table": "t", "columns": [{"column": "C", "storageForm": "real"}, {"column": "x", "property": "Y"}]}]}"#;
        let given = [
            ("path", "a.db"),
            ("keys", r#"{"v": ["b"], "u": ["c"]}"#),
            ("storageForms", r#"{"T": {"c": "text", "d": "0/1"}}"#),
        ];
        let (declared, findings) = options(document, &given, &sqlite::STORE);
        assert_eq!(declared["keys"], r#"{"V":["a"],"u":["c"]}"#);
        assert_eq!(declared["storageForms"], r#"{"T":{"C":"real","d":"0/1"}}"#);
        assert_eq!((declared["path"].as_str(), findings), ("a.db", 0));
        let (ignored, findings) = options(document, &given, &OTHER);
        assert_eq!((ignored["keys"].as_str(), findings), (given[1].1, 2), "each is a finding");
        let (same, findings) = options("{}", &given, &sqlite::STORE);
        assert_eq!((same["keys"].as_str(), findings), (given[1].1, 0), "so that an open source stays open");
    }

    #[test]
    fn a_document_of_a_later_format_is_not_ignored() {
        assert!(parsed(r#"{"formatVersion": 1, "rowRules": []}"#).is_err());
        assert!(parsed("x").is_err());
    }
}
