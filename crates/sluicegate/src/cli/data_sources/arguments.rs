//! The arguments of `sluicegate data-source`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use serde_json::json;

use crate::arguments::InstallationArgs;
use crate::arguments::ShowArgs;

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The name: letters, digits, underscore, dash
    pub(super) name: String,
    /// The SQLite file; any that the server can read, except its own
    pub(super) path: PathBuf,
    /// A description for people
    #[arg(long, default_value = "")]
    pub(super) description: String,
    #[command(flatten)]
    pub(super) declared: Declared,
    /// The longest time since the sign-in of a reader, in seconds; any by default
    #[arg(long, value_name = "SECONDS")]
    pub(super) max_authentication_age: Option<i64>,
    /// Whether readers must have signed in with a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    pub(super) require_second_factor: Option<bool>,
    /// Let users change data over OData, as far as their applications are allowed to
    #[arg(long)]
    pub(super) writable: bool,
    /// The user who owns the data source
    #[arg(long, value_name = "USER")]
    pub(super) owner: Option<String>,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

/// What the owner declares about the tables. The arguments replace earlier declarations.
#[derive(Debug, Args)]
pub(crate) struct Declared {
    /// The columns that identify the rows of a view or of a table without a primary key; may be given several
    /// times
    #[arg(long = "key", value_name = "TABLE=COLUMN,…", value_parser = parse_key)]
    keys: Vec<(String, Vec<String>)>,
    /// How a column stores its values, such as `Orders.At=unix-seconds`; may be given several times
    #[arg(long = "storage-form", value_name = "TABLE.COLUMN=FORM", value_parser = parse_form)]
    storage_forms: Vec<(String, String, String)>,
}

impl Declared {
    /// The options for which there are arguments.
    ///
    /// # Errors
    /// A table or a column that is named twice.
    pub(super) fn options(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut options = BTreeMap::new();
        if !self.keys.is_empty() {
            options.insert("keys".to_owned(), json!(declared_keys(&self.keys)?).to_string());
        }
        let mut forms: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for (table, column, form) in &self.storage_forms {
            let before = forms.entry(table).or_default().insert(column, form);
            ensure!(before.is_none(), "--storage-form names {table}.{column} twice");
        }
        if !forms.is_empty() {
            options.insert("storageForms".to_owned(), json!(forms).to_string());
        }
        Ok(options)
    }
}

/// The columns of keys by table.
///
/// # Errors
/// A table that is named twice.
pub(super) fn declared_keys(keys: &[(String, Vec<String>)]) -> anyhow::Result<BTreeMap<&str, &[String]>> {
    let mut declared = BTreeMap::new();
    for (table, columns) in keys {
        let before = declared.insert(table.as_str(), columns.as_slice());
        ensure!(before.is_none(), "--key names {table} twice");
    }
    Ok(declared)
}

pub(super) fn parse_key(text: &str) -> Result<(String, Vec<String>), String> {
    let (table, columns) = text.split_once('=').ok_or("a key is like View=a,b")?;
    Ok((table.to_owned(), columns.split(',').map(str::to_owned).collect()))
}

fn parse_form(text: &str) -> Result<(String, String, String), String> {
    let parts = text.split_once('=').and_then(|(column, form)| Some((column.rsplit_once('.')?, form)));
    let ((table, column), form) = parts.ok_or("a storage form is like Orders.At=unix-seconds")?;
    Ok((table.to_owned(), column.to_owned(), form.to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct Share {
    /// The data source's name
    pub(super) name: String,
    /// The users who may read it
    #[arg(required = true, value_name = "USER")]
    pub(super) users: Vec<String>,
    /// Stop sharing with these users
    #[arg(long)]
    pub(super) stop: bool,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOne {
    /// The data source's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) shown: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The data source's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The data source's name
    pub(super) name: String,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_declarations_are_refused() {
        let key = |column: &str| ("View".to_owned(), vec![column.to_owned()]);
        let form = |form: &str| ("View".to_owned(), "a".to_owned(), form.to_owned());
        let declared = |keys, storage_forms| Declared { keys, storage_forms }.options();
        let options = declared(vec![key("a")], vec![form("text")]).unwrap();
        assert_eq!(options["keys"], r#"{"View":["a"]}"#);
        assert_eq!(options["storageForms"], r#"{"View":{"a":"text"}}"#);
        let fault = declared(vec![key("a"), key("b")], Vec::new()).unwrap_err();
        assert_eq!(fault.to_string(), "--key names View twice");
        let fault = declared(Vec::new(), vec![form("text"), form("real")]).unwrap_err();
        assert_eq!(fault.to_string(), "--storage-form names View.a twice");
    }
}
