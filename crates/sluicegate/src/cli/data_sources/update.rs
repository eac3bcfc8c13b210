//! `sluicegate data-source update`, for every kind of database.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail, ensure};
use app::management::data_sources::{DataSourceDraft, DataStore, MaxAuthenticationAge, OptionSchema};
use clap::{ArgGroup, Args};

use super::arguments::Declared;
use super::find;
use crate::arguments::InstallationArgs;
use crate::bootstrap::OpenedInstallation;
use crate::cli::users::actor;
use crate::messages::of_data_source;
use crate::terminal::{self, say};

/// The arguments that change something.
const CHANGES: [&str; 16] = [
    "new_name",
    "path",
    "options",
    "option_files",
    "no_options",
    "password_stdin",
    "description",
    "keys",
    "no_keys",
    "storage_forms",
    "no_storage_forms",
    "max_authentication_age",
    "no_max_authentication_age",
    "require_second_factor",
    "writable",
    "read_only",
];

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("changes").args(CHANGES).required(true).multiple(true)),
    override_usage = "sluicegate data-source update [OPTIONS] <NAME>"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Update {
    /// The data source's name
    name: String,
    /// The new name: letters, digits, underscore, dash
    #[arg(id = "new_name", long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// Another SQLite file
    #[arg(long)]
    path: Option<PathBuf>,
    /// An option of the kind of database, such as `ServerName=db.example.com`; may be given several times
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = parse_option)]
    options: Vec<(String, String)>,
    /// An option whose value is the content of a file, such as `CertificateAuthorities=ca.pem`; may be given several
    /// times
    #[arg(long = "option-file", value_name = "KEY=FILE", value_parser = parse_option)]
    option_files: Vec<(String, String)>,
    /// Remove an option, so that its default applies; may be given several times
    #[arg(long = "no-option", value_name = "KEY")]
    no_options: Vec<String>,
    /// Read the new password from the first line of standard input; a change of the host or the port needs it
    #[arg(long)]
    password_stdin: bool,
    /// A description for people
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    declared: Declared,
    /// Remove all declared keys
    #[arg(long, conflicts_with = "keys")]
    no_keys: bool,
    /// Remove all declared storage forms
    #[arg(long, conflicts_with = "storage_forms")]
    no_storage_forms: bool,
    /// The longest time since the sign-in of a reader, in seconds
    #[arg(long, value_name = "SECONDS")]
    max_authentication_age: Option<i64>,
    /// Let readers read however long ago they signed in
    #[arg(long, conflicts_with = "max_authentication_age")]
    no_max_authentication_age: bool,
    /// Whether readers must have signed in with a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    require_second_factor: Option<bool>,
    /// Let users change data over OData, as far as their applications are allowed to
    #[arg(long)]
    writable: bool,
    /// Let nobody change data over OData any more
    #[arg(long, conflicts_with = "writable")]
    read_only: bool,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

fn parse_option(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("an option is like KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Changes the data source, after connecting once if options change.
pub(super) async fn run(opened: &OpenedInstallation, command: &Update) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let seen = find(opened, &actor, &command.name).await?;
    let store =
        seen.store.ok_or_else(|| anyhow!("this version does not know the kind of {}", command.name))?;
    let record = seen.record;
    let draft = DataSourceDraft {
        name: command.new_name.clone(),
        data_store: None,
        description: command.description.clone().unwrap_or(record.description),
        options: Some(command.changed(record.options, store)?),
        max_authentication_age: match command.max_authentication_age {
            None if command.no_max_authentication_age => Some(MaxAuthenticationAge::Any),
            age => age.map(MaxAuthenticationAge::Secs),
        },
        requires_second_factor: command.require_second_factor,
        writable: (command.writable || command.read_only).then_some(command.writable),
    };
    let updated = opened.app.data_sources().update(&actor, record.id, draft, &opened.origin).await;
    say(&format!("{} is changed", updated.map_err(of_data_source)?.record.name));
    Ok(())
}

impl Update {
    /// The stored options with the changes. Secrets are not among the stored ones, and stay if they are omitted.
    fn changed(
        &self,
        stored: BTreeMap<String, String>,
        store: &DataStore,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let mut options = stored;
        for key in self.removed() {
            known(store, key)?;
            options.remove(key);
        }
        let given = self.given()?;
        for (key, value) in given {
            let option = known(store, &key)?;
            ensure!(
                !option.secret,
                "{key} is a secret, which other users could read here: use --password-stdin"
            );
            options.insert(key, value);
        }
        if self.password_stdin {
            let mut secrets = store.options.iter().filter(|option| option.secret);
            let (Some(secret), None) = (secrets.next(), secrets.next()) else {
                bail!("{} has no password", store.name);
            };
            options.insert(secret.name.to_owned(), terminal::read_password()?.expose().to_owned());
        }
        Ok(options)
    }

    fn removed(&self) -> impl Iterator<Item = &str> {
        let declarations = [(self.no_keys, "keys"), (self.no_storage_forms, "storageForms")];
        let declarations = declarations.into_iter().filter_map(|(is_removed, key)| is_removed.then_some(key));
        self.no_options.iter().map(String::as_str).chain(declarations)
    }

    /// The options for which there are arguments.
    fn given(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut given = self.declared.options()?;
        let mut set = |key: &str, value: String| {
            let before = given.insert(key.to_owned(), value);
            ensure!(before.is_none(), "the option {key} is given twice");
            Ok(())
        };
        if let Some(path) = &self.path {
            let path = std::path::absolute(path).context("the path cannot be understood")?;
            set("path", path.to_str().context("the path must be UTF-8")?.to_owned())?;
        }
        for (key, value) in &self.options {
            set(key, value.clone())?;
        }
        for (key, file) in &self.option_files {
            set(key, std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?)?;
        }
        Ok(given)
    }
}

/// The option with that key.
fn known<'s>(store: &'s DataStore, key: &str) -> anyhow::Result<&'s OptionSchema> {
    let names = || store.options.iter().map(|option| option.name).collect::<Vec<_>>().join(", ");
    store.option(key).ok_or_else(|| anyhow!("{} has no option {key}; it has {}", store.name, names()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use sources::{postgres, sqlite};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        update: Update,
    }

    fn changed(
        arguments: &[&str],
        stored: &[(&str, &str)],
        store: &DataStore,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let command = Command::try_parse_from([&["update", "shop"], arguments].concat())?;
        let stored = stored.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        command.update.changed(stored.collect(), store)
    }

    #[test]
    fn options_of_every_kind_are_set_and_removed() {
        let stored = [("ServerName", "one.example"), ("Database", "sales"), ("keys", r#"{"v":["a"]}"#)];
        let arguments = ["--option", "ServerName=two.example", "--no-option", "Database", "--key", "w=b,c"];
        let options = changed(&arguments, &stored, &postgres::STORE).unwrap();
        let expected = [("ServerName", "two.example"), ("keys", r#"{"w":["b","c"]}"#)];
        assert_eq!(
            options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(),
            expected
        );
        let options = changed(&["--path", "/srv/b.db"], &[("path", "/srv/a.db")], &sqlite::STORE).unwrap();
        assert_eq!(options["path"], "/srv/b.db");
    }

    #[test]
    fn options_that_cannot_be_given_are_refused() {
        for (arguments, store, words) in [
            (["--path", "/srv/b.db"], &postgres::STORE, "PostgreSQL has no option path"),
            (["--storage-form", "t.a=text"], &postgres::STORE, "has no option storageForms"),
            (["--option", "Password=secret"], &postgres::STORE, "use --password-stdin"),
            (["--option", "Host=a"], &postgres::STORE, "it has ServerName, PortNumber"),
            (["--no-option", "Schemas"], &sqlite::STORE, "SQLite has no option Schemas"),
            (["--option", "nothing"], &sqlite::STORE, "an option is like KEY=VALUE"),
        ] {
            let refused = changed(&arguments, &[], store).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
        let twice = ["--option", "path=/a", "--path", "/b"];
        assert!(changed(&twice, &[], &sqlite::STORE).unwrap_err().to_string().contains("given twice"));
        assert!(changed(&[], &[], &sqlite::STORE).is_err(), "nothing is changed");
    }
}
