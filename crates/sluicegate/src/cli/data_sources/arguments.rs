//! What may be said to `sluicegate data-source`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use sources::stores::Declarations;

use crate::cli::{Place, Shown};

#[derive(Debug, Args)]
pub(in crate::cli) struct Add {
    /// Its name: letters, digits, underscore, dash
    pub(super) name: String,
    /// The SQLite file; any that the server can read, except its own
    pub(super) path: PathBuf,
    /// For people
    #[arg(long, default_value = "")]
    pub(super) description: String,
    #[command(flatten)]
    pub(super) declared: Declared,
    /// The user to whom it belongs
    #[arg(long, value_name = "USER")]
    pub(super) owner: Option<String>,
    #[command(flatten)]
    pub(super) place: Place,
}

/// The arguments of [`Update`] that change something.
const CHANGES: [&str; 7] =
    ["new_name", "path", "description", "keys", "no_keys", "storage_forms", "no_storage_forms"];

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("changes").args(CHANGES).required(true).multiple(true)))]
pub(in crate::cli) struct Update {
    /// The data source's name
    pub(super) name: String,
    /// Its new name: letters, digits, underscore, dash
    #[arg(id = "new_name", long = "name", value_name = "NAME")]
    pub(super) new_name: Option<String>,
    /// Another SQLite file
    #[arg(long)]
    pub(super) path: Option<PathBuf>,
    /// For people
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) declared: Declared,
    /// Take all keys away that were declared
    #[arg(long, conflicts_with = "keys")]
    pub(super) no_keys: bool,
    /// Take all storage forms away that were declared
    #[arg(long, conflicts_with = "storage_forms")]
    pub(super) no_storage_forms: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

/// What the owner declares of the tables. What is given replaces what was declared before.
#[derive(Debug, Args)]
pub(super) struct Declared {
    /// The columns by which the rows of a view, or of a table without a primary key, are told apart; may be given
    /// several times
    #[arg(long = "key", value_name = "TABLE=COLUMN,…", value_parser = parse_key)]
    keys: Vec<(String, Vec<String>)>,
    /// How a column keeps its values, such as `Orders.At=unix-seconds`; may be given several times
    #[arg(long = "storage-form", value_name = "TABLE.COLUMN=FORM", value_parser = parse_form)]
    storage_forms: Vec<(String, String, String)>,
}

impl Declared {
    /// What is declared, where nothing was declared before.
    pub(super) fn declarations(&self) -> Declarations {
        let mut declared = Declarations::default();
        self.replace_in(&mut declared);
        declared
    }

    /// Puts what is given in the place of what is declared.
    pub(super) fn replace_in(&self, declared: &mut Declarations) {
        if !self.keys.is_empty() {
            declared.keys = self.keys.iter().cloned().collect();
        }
        if !self.storage_forms.is_empty() {
            declared.forms.clear();
        }
        for (table, column, form) in &self.storage_forms {
            declared.forms.entry(table.clone()).or_default().insert(column.clone(), form.clone());
        }
    }
}

fn parse_key(text: &str) -> Result<(String, Vec<String>), String> {
    let (table, columns) = text.split_once('=').ok_or("a key is like View=a,b")?;
    Ok((table.to_owned(), columns.split(',').map(str::to_owned).collect()))
}

fn parse_form(text: &str) -> Result<(String, String, String), String> {
    let parts = text.split_once('=').and_then(|(column, form)| Some((column.rsplit_once('.')?, form)));
    let ((table, column), form) = parts.ok_or("a storage form is like Orders.At=unix-seconds")?;
    Ok((table.to_owned(), column.to_owned(), form.to_owned()))
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Share {
    /// The data source's name
    pub(super) name: String,
    /// The users who may read it
    #[arg(required = true, value_name = "USER")]
    pub(super) users: Vec<String>,
    /// They may no longer read it
    #[arg(long)]
    pub(super) stop: bool,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ShowOne {
    /// The data source's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) shown: Shown,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct One {
    /// The data source's name
    pub(super) name: String,
    #[command(flatten)]
    pub(super) place: Place,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Delete {
    /// The data source's name
    pub(super) name: String,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
    #[command(flatten)]
    pub(super) place: Place,
}
