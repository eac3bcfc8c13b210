//! The kinds of database that can be a data source: their numbers and names on the wire, their options, and
//! how options become something to open. A new kind is added here, in [`SourceSpec`], and as a driver.

mod members;

use std::collections::BTreeMap;
use std::path::PathBuf;

use odata::edm_type::EdmType;
use odata::form::Form;

use self::members::{Members, shown, twins};
use crate::{AllowedFolders, SourceError, SourceSpec};

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataStore {
    /// The number on the wire.
    pub id: i64,
    /// The name on the wire.
    pub name: &'static str,
    /// The keys of the required options, whose values are strings.
    pub options: &'static [&'static str],
    /// The keys of the owner's optional declarations, whose values are JSON objects.
    pub declarations: &'static [&'static str],
}

/// SQLite database files.
pub const SQLITE: DataStore =
    DataStore { id: 1, name: "SQLite", options: &[PATH], declarations: &[KEYS, FORMS] };

/// Every kind of database that can be a data source.
pub const DATA_STORES: &[DataStore] = &[SQLITE];

/// The option with the file of a SQLite source.
const PATH: &str = "path";

/// The option with the columns that identify the rows of a table without a primary key, or of a view:
/// `{"View": ["a", "b"]}`.
pub(crate) const KEYS: &str = "keys";

/// The option that says how columns store their values: `{"Table": {"Column": "unix-seconds"}}`.
pub(crate) const FORMS: &str = "storageForms";

/// The maximum length of a declaration in bytes.
const LONGEST_DECLARATION: usize = 64 * 1024;

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

/// A fault of an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionFault {
    /// The key of the option; shortened, and without control characters.
    pub key: String,
    /// What is wrong, as the end of a sentence that starts with the key.
    pub message: String,
}

impl DataStore {
    /// The kind with that number.
    pub fn of(id: i64) -> Option<&'static Self> {
        DATA_STORES.iter().find(|store| store.id == id)
    }

    /// All faults of the options, without opening anything.
    pub fn option_faults(&self, options: &BTreeMap<String, String>) -> Vec<OptionFault> {
        let mut faults = Vec::new();
        let mut fault =
            |key: &str, message: String| faults.push(OptionFault { key: key.to_owned(), message });
        for key in self.options {
            match options.get(*key) {
                None => fault(key, "is required".to_owned()),
                Some(value) if value.is_empty() => fault(key, "must not be empty".to_owned()),
                Some(value) if value.chars().any(char::is_control) => {
                    fault(key, "must not contain control characters".to_owned());
                }
                Some(_) => {}
            }
        }
        for (key, value) in self.declarations.iter().filter_map(|key| options.get_key_value(*key)) {
            if value.len() > LONGEST_DECLARATION {
                fault(key, format!("is longer than {LONGEST_DECLARATION} bytes"));
            } else if let Err(message) = declaration_fault(key, value) {
                fault(key, message);
            }
        }
        let known = |key: &str| self.options.contains(&key) || self.declarations.contains(&key);
        for key in options.keys().filter(|key| !known(key)) {
            let key: String = key.chars().filter(|character| !character.is_control()).take(64).collect();
            fault(&key, format!("is not an option of {}", self.name));
        }
        faults
    }
}

fn declaration_fault(key: &str, value: &str) -> Result<(), String> {
    match key {
        KEYS => keys(value).and_then(|keys| check_key_names(value, &keys)),
        FORMS => forms(value).and_then(|_| check_form_names(value)),
        _ => Ok(()),
    }
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
    let tables: Members<Vec<String>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    tables.refuse_twins()?;
    for (table, columns) in keys {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        if names.is_empty() || twins(&names).is_some() {
            let table = shown(table);
            return Err(format!("must name each column of the key of {table} once, and at least one"));
        }
    }
    Ok(())
}

/// The same for storage forms.
fn check_form_names(json: &str) -> Result<(), String> {
    let tables: Members<Members<String>> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    tables.refuse_twins()?;
    tables.iter().try_for_each(|(table, columns)| {
        columns.refuse_twins().map_err(|fault| format!("{fault}, for {}", shown(table)))
    })
}

impl SourceSpec {
    /// How to open a source of the kind with that number with these options.
    ///
    /// # Errors
    /// [`SourceError::Missing`] if an option is absent, [`SourceError::Failed`] for an unknown number.
    pub fn of(data_store: i64, options: &BTreeMap<String, String>) -> Result<Self, SourceError> {
        if data_store != SQLITE.id {
            return Err(SourceError::Failed { detail: format!("there is no data store {data_store}") });
        }
        let path = options.get(PATH).ok_or(SourceError::Missing)?;
        let failed = |key: &'static str| {
            move |detail| SourceError::Failed { detail: format!("the option {key} {detail}") }
        };
        let keys = options.get(KEYS).map(|json| keys(json)).transpose().map_err(failed(KEYS))?;
        let forms = options.get(FORMS).map(|json| forms(json)).transpose().map_err(failed(FORMS))?;
        let declared = Declarations { keys: keys.unwrap_or_default(), forms: forms.unwrap_or_default() };
        Ok(Self::Sqlite { path: PathBuf::from(path), declared })
    }

    /// A SQLite database without declarations.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite { path: path.into(), declared: Declarations::default() }
    }

    /// The same source with links resolved, if it is in an allowed place. Reads the file system: call it off
    /// the request threads.
    ///
    /// # Errors
    /// As for [`AllowedFolders::check`].
    pub fn allowed(&self, folders: &AllowedFolders) -> Result<Self, SourceError> {
        match self {
            Self::Sqlite { path, declared } => {
                Ok(Self::Sqlite { path: folders.check(path)?, declared: declared.clone() })
            }
        }
    }

    /// The kind of database.
    pub fn data_store(&self) -> &'static DataStore {
        match self {
            Self::Sqlite { .. } => &SQLITE,
        }
    }

    /// The options from which [`SourceSpec::of`] creates this again.
    ///
    /// # Errors
    /// [`SourceError::NotAllowed`] for a path that is not UTF-8, which no option can contain.
    pub fn options(&self) -> Result<BTreeMap<String, String>, SourceError> {
        match self {
            Self::Sqlite { path, declared } => {
                let path = path.to_str().ok_or(SourceError::NotAllowed)?;
                let mut options = BTreeMap::from([(PATH.to_owned(), path.to_owned())]);
                let failed = |error: serde_json::Error| SourceError::Failed { detail: error.to_string() };
                if !declared.keys.is_empty() {
                    options.insert(KEYS.to_owned(), serde_json::to_string(&declared.keys).map_err(failed)?);
                }
                if !declared.forms.is_empty() {
                    options.insert(FORMS.to_owned(), serde_json::to_string(&declared.forms).map_err(failed)?);
                }
                Ok(options)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_kind_has_a_number_and_a_name_of_its_own() {
        for store in DATA_STORES {
            assert_eq!(DataStore::of(store.id), Some(store));
            assert_eq!(DATA_STORES.iter().filter(|other| other.name == store.name).count(), 1);
        }
        assert_eq!(DataStore::of(0), None);
    }

    #[test]
    fn options_lead_to_a_source_and_back() {
        let given = options(&[
            ("path", "/data/a.db"),
            ("keys", r#"{"V":["b","a"]}"#),
            ("storageForms", r#"{"T":{"c":"unix-seconds"}}"#),
        ]);
        let spec = SourceSpec::of(SQLITE.id, &given).unwrap();
        assert_eq!(spec.options().unwrap(), given);
        assert_eq!(spec.data_store(), &SQLITE);
        assert_eq!(SourceSpec::of(SQLITE.id, &options(&[])), Err(SourceError::Missing));
        assert!(matches!(SourceSpec::of(99, &given), Err(SourceError::Failed { .. })));
    }

    #[test]
    fn every_fault_of_options_is_named() {
        let told = |pairs: &[(&str, &str)]| {
            let faults = SQLITE.option_faults(&options(pairs));
            faults.into_iter().map(|fault| format!("{} {}", fault.key, fault.message)).collect::<Vec<_>>()
        };
        assert!(told(&[("path", "/data/a.db")]).is_empty());
        assert_eq!(told(&[]), ["path is required"]);
        assert_eq!(told(&[("path", "")]), ["path must not be empty"]);
        assert_eq!(told(&[("path", "a\nb")]), ["path must not contain control characters"]);
        assert_eq!(told(&[("path", "a"), ("ho\nst", "b")]), ["host is not an option of SQLite"]);
        assert!(told(&[("path", "a"), ("keys", r#"{"V": ["a", "b"]}"#)]).is_empty());
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
            assert_eq!(told(&[("path", "a"), ("keys", keys)]).len(), 1, "{keys}");
        }
        assert!(
            told(&[("path", "a"), ("storageForms", r#"{"T": {"c": "decimal(2)", "d": "0/1"}}"#)]).is_empty()
        );
        for forms in ["", "[]", r#"{"T": "text"}"#, r#"{"T": {"c": 1}}"#, r#"{"T": {"c": "fortnights"}}"#] {
            assert_eq!(told(&[("path", "a"), ("storageForms", forms)]).len(), 1, "{forms}");
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
            let faults = SQLITE.option_faults(&options(&[("path", "a"), (key, value)]));
            assert_eq!(faults.len(), 1, "{value}");
            let names = format!("names {one} and {other}, which are the same name here");
            assert!(faults[0].message.starts_with(&names), "{}", faults[0].message);
        }
        // SQLite distinguishes the case of letters beyond ASCII.
        assert!(
            SQLITE
                .option_faults(&options(&[("path", "a"), ("keys", r#"{"ä": ["a"], "Ä": ["a"]}"#)]))
                .is_empty()
        );
    }
}
