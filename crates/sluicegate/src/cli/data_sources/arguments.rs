//! The arguments of `sluicegate data-source`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{ArgGroup, Args};
use sources::sqlite::Declarations;

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
    /// The user who owns the data source
    #[arg(long, value_name = "USER")]
    pub(super) owner: Option<String>,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

/// The arguments of [`Update`] that change something.
const CHANGES: [&str; 9] = [
    "new_name",
    "path",
    "description",
    "keys",
    "no_keys",
    "storage_forms",
    "no_storage_forms",
    "max_authentication_age",
    "no_max_authentication_age",
];

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(CHANGES).required(true).multiple(true)),
    override_usage = "sluicegate data-source update [OPTIONS] <NAME>"
)]
pub(crate) struct Update {
    /// The data source's name
    pub(super) name: String,
    /// The new name: letters, digits, underscore, dash
    #[arg(id = "new_name", long = "name", value_name = "NAME")]
    pub(super) new_name: Option<String>,
    /// Another SQLite file
    #[arg(long)]
    pub(super) path: Option<PathBuf>,
    /// A description for people
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) declared: Declared,
    /// Remove all declared keys
    #[arg(long, conflicts_with = "keys")]
    pub(super) no_keys: bool,
    /// Remove all declared storage forms
    #[arg(long, conflicts_with = "storage_forms")]
    pub(super) no_storage_forms: bool,
    /// The longest time since the sign-in of a reader, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) max_authentication_age: Option<i64>,
    /// Let readers read however long ago they signed in
    #[arg(long, conflicts_with = "max_authentication_age")]
    pub(super) no_max_authentication_age: bool,
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
    /// Returns the declarations of a new data source.
    ///
    /// # Errors
    /// As for [`replace_in`](Self::replace_in).
    pub(super) fn declarations(&self) -> anyhow::Result<Declarations> {
        let mut declared = Declarations::default();
        self.replace_in(&mut declared)?;
        Ok(declared)
    }

    /// Replaces the declarations for which there are arguments.
    ///
    /// # Errors
    /// A table or a column that is named twice.
    pub(super) fn replace_in(&self, declared: &mut Declarations) -> anyhow::Result<()> {
        if !self.keys.is_empty() {
            declared.keys.clear();
        }
        for (table, columns) in &self.keys {
            let before = declared.keys.insert(table.clone(), columns.clone());
            ensure!(before.is_none(), "--key names {table} twice");
        }
        if !self.storage_forms.is_empty() {
            declared.forms.clear();
        }
        for (table, column, form) in &self.storage_forms {
            let columns = declared.forms.entry(table.clone()).or_default();
            let before = columns.insert(column.clone(), form.clone());
            ensure!(before.is_none(), "--storage-form names {table}.{column} twice");
        }
        Ok(())
    }
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
        let declared = |keys, storage_forms| Declared { keys, storage_forms }.declarations();
        assert_eq!(declared(vec![key("a")], vec![form("text")]).unwrap().keys.len(), 1);
        let fault = declared(vec![key("a"), key("b")], Vec::new()).unwrap_err();
        assert_eq!(fault.to_string(), "--key names View twice");
        let fault = declared(Vec::new(), vec![form("text"), form("real")]).unwrap_err();
        assert_eq!(fault.to_string(), "--storage-form names View.a twice");
    }
}
