//! The options of a SQLite source: its file, and what its owner declares about tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use odata::edm_type::EdmType;
use odata::form::Form;
use odata::named_members::NamedMembers;

use crate::SourceError;
use crate::options::{
    DataStore, FORMS, KEYS, OptionSchema, OptionValues, ValueKind, refuse_twins, shown, twins,
};

/// The option with the file.
const PATH: &str = "path";

/// The maximum length of a path in bytes, which is that of Linux.
const LONGEST_PATH: usize = 4096;

/// The maximum length of a declaration in bytes.
const LONGEST_DECLARATION: usize = 64 * 1024;

/// SQLite database files.
pub const STORE: DataStore = DataStore {
    id: 1,
    name: "SQLite",
    url_schemes: &[],
    options: &[
        OptionSchema {
            name: PATH,
            required: true,
            secret: false,
            default: None,
            value: ValueKind::Text { longest: LONGEST_PATH },
            description: "The database file, as a path of the server's machine.",
        },
        OptionSchema {
            name: KEYS,
            required: false,
            secret: false,
            default: None,
            value: ValueKind::Declaration { longest: LONGEST_DECLARATION, check: check_keys },
            description: "The columns that identify the rows of each view, and of each table without a primary key.",
        },
        OptionSchema {
            name: FORMS,
            required: false,
            secret: false,
            default: None,
            value: ValueKind::Declaration { longest: LONGEST_DECLARATION, check: check_forms },
            description: "How columns store their values, by table and column.",
        },
    ],
};

/// The columns of keys by the name of the table or view.
pub type Keys = BTreeMap<String, Vec<String>>;

/// The names of storage forms by table and column.
pub type Forms = BTreeMap<String, BTreeMap<String, String>>;

/// The owner's declarations about the tables of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declarations {
    /// Keys of tables and views that have none.
    pub keys: Keys,
    /// How columns store their values.
    pub forms: Forms,
}

/// The options of a SQLite source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The path of the file.
    pub path: PathBuf,
    /// The owner's declarations about its tables.
    pub declared: Declarations,
}

impl SqliteOptions {
    /// A file without declarations.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), declared: Declarations::default() }
    }

    /// Reads valid options.
    ///
    /// # Errors
    /// [`SourceError::Missing`] if there is no path, [`SourceError::Failed`] for declarations that are not
    /// valid.
    pub fn read(options: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        let path = options.get(PATH).ok_or(SourceError::Missing)?;
        let failed = |key: &'static str| {
            move |detail| SourceError::Failed { detail: format!("the option {key} {detail}") }
        };
        let keys = options.get(KEYS).map(|json| keys(json)).transpose().map_err(failed(KEYS))?;
        let forms = options.get(FORMS).map(|json| forms(json)).transpose().map_err(failed(FORMS))?;
        let declared = Declarations { keys: keys.unwrap_or_default(), forms: forms.unwrap_or_default() };
        Ok(Self { path: PathBuf::from(path), declared })
    }

    /// The options from which [`SqliteOptions::read`] creates this again.
    ///
    /// # Errors
    /// [`SourceError::NotAllowed`] for a path that is not UTF-8, which no option can contain.
    pub fn write(&self) -> Result<BTreeMap<String, String>, SourceError> {
        let path = self.path.to_str().ok_or(SourceError::NotAllowed)?;
        let mut options = BTreeMap::from([(PATH.to_owned(), path.to_owned())]);
        let failed = |error: serde_json::Error| SourceError::Failed { detail: error.to_string() };
        let declared = &self.declared;
        if !declared.keys.is_empty() {
            options.insert(KEYS.to_owned(), serde_json::to_string(&declared.keys).map_err(failed)?);
        }
        if !declared.forms.is_empty() {
            options.insert(FORMS.to_owned(), serde_json::to_string(&declared.forms).map_err(failed)?);
        }
        Ok(options)
    }

    /// The same as values for opening a source.
    ///
    /// # Errors
    /// As for [`SqliteOptions::write`].
    pub fn values(&self) -> Result<OptionValues, SourceError> {
        Ok(OptionValues { plain: self.write()?, ..OptionValues::default() })
    }
}

/// SQLite ignores the case of ASCII letters in names.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn check_keys(json: &str) -> Result<(), String> {
    keys(json).and_then(|keys| check_key_names(json, &keys))
}

fn check_forms(json: &str) -> Result<(), String> {
    forms(json).and_then(|_| check_form_names(json))
}

/// Parses the option `storageForms`.
fn forms(json: &str) -> Result<Forms, String> {
    let shape = "must be an object of objects, such as {\"Table\": {\"Column\": \"unix-seconds\"}}";
    let forms: Forms = serde_json::from_str(json).map_err(|_| shape.to_owned())?;
    for name in forms.values().flat_map(BTreeMap::values) {
        if Form::declared(name, EdmType::Int64).is_none() {
            let name = shown(name);
            return Err(format!(
                "names the storage form {name}, which does not exist; the forms are {}",
                Form::names()
            ));
        }
    }
    Ok(forms)
}

/// Parses the option `keys`.
fn keys(json: &str) -> Result<Keys, String> {
    let shape = "must be an object of lists of columns, such as {\"View\": [\"a\", \"b\"]}";
    serde_json::from_str(json).map_err(|_| shape.to_owned())
}

/// Refuses names that would silently be ignored. Data sources that were created before may have them.
fn check_key_names(json: &str, keys: &Keys) -> Result<(), String> {
    let tables: NamedMembers<Vec<String>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    refuse_twins(&tables, folded)?;
    for (table, columns) in keys {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        if names.is_empty() || twins(&names, folded).is_some() {
            let table = shown(table);
            return Err(format!("must name each column of the key of {table} once, and at least one"));
        }
    }
    Ok(())
}

/// The same for storage forms.
fn check_form_names(json: &str) -> Result<(), String> {
    let tables: NamedMembers<NamedMembers<String>> =
        serde_json::from_str(json).map_err(|error| error.to_string())?;
    refuse_twins(&tables, folded)?;
    tables.iter().try_for_each(|(table, columns)| {
        refuse_twins(columns, folded).map_err(|fault| format!("{fault}, for {}", shown(table)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::OptionFault;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn faults(pairs: &[(&str, &str)]) -> Vec<OptionFault> {
        STORE.faults(&options(pairs), |_| false)
    }

    #[test]
    fn options_lead_to_a_source_and_back() {
        let given = options(&[
            ("path", "/data/a.db"),
            ("keys", r#"{"V":["b","a"]}"#),
            ("storageForms", r#"{"T":{"c":"unix-seconds"}}"#),
        ]);
        assert_eq!(SqliteOptions::read(&given).unwrap().write().unwrap(), given);
        assert_eq!(SqliteOptions::read(&options(&[])), Err(SourceError::Missing));
    }

    #[test]
    fn every_fault_of_options_is_named() {
        let messages = |pairs: &[(&str, &str)]| {
            let faults = faults(pairs);
            faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect::<Vec<_>>()
        };
        assert!(messages(&[("path", "/data/a.db")]).is_empty());
        assert_eq!(messages(&[]), ["path is required"]);
        assert_eq!(messages(&[("path", "")]), ["path must not be empty"]);
        assert_eq!(messages(&[("path", "a\nb")]), ["path must not contain control characters"]);
        assert_eq!(messages(&[("path", "a"), ("ho\nst", "b")]), ["host is not an option of SQLite"]);
        assert!(messages(&[("path", "a"), ("keys", r#"{"V": ["a", "b"]}"#)]).is_empty());
        for keys in [
            "",
            "[]",
            "x",
            r#"{"V": "a"}"#,
            r#"{"V": [1]}"#,
            r#"{"V": []}"#,
            r#"{"V": ["a", "a"]}"#,
            r#"{"V": ["a", "A"]}"#,
        ] {
            assert_eq!(messages(&[("path", "a"), ("keys", keys)]).len(), 1, "{keys}");
        }
        assert!(
            messages(&[("path", "a"), ("storageForms", r#"{"T": {"c": "decimal(2)", "d": "0/1"}}"#)])
                .is_empty()
        );
        for forms in ["", "[]", r#"{"T": "text"}"#, r#"{"T": {"c": 1}}"#, r#"{"T": {"c": "fortnights"}}"#] {
            assert_eq!(messages(&[("path", "a"), ("storageForms", forms)]).len(), 1, "{forms}");
        }
    }

    #[test]
    fn two_spellings_of_one_name_are_refused_and_both_are_named() {
        for (key, value, one, other) in [
            ("keys", r#"{"Sales": ["a"], "SALES": ["b"]}"#, "Sales", "SALES"),
            ("keys", r#"{"Sales": ["a"], "Sales": ["b"]}"#, "Sales", "Sales"),
            ("storageForms", r#"{"t": {"c": "text"}, "T": {"d": "text"}}"#, "t", "T"),
            ("storageForms", r#"{"t": {"c": "text", "C": "real"}}"#, "c", "C"),
        ] {
            let faults = faults(&[("path", "a"), (key, value)]);
            assert_eq!(faults.len(), 1, "{value}");
            let names = format!("names {one} and {other}, which are the same name here");
            assert!(faults[0].message.starts_with(&names), "{}", faults[0].message);
        }
        // SQLite distinguishes the case of letters beyond ASCII.
        assert!(faults(&[("path", "a"), ("keys", r#"{"ä": ["a"], "Ä": ["a"]}"#)]).is_empty());
    }
}
