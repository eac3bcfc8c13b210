//! What the commands for databases of servers have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use app::management::data_sources::{DataSourceDraft, MaxAuthenticationAge};
use clap::Args;
use serde_json::json;

use super::arguments::{declared_keys, parse_key};
use super::create::create;
use crate::arguments::InstallationArgs;
use crate::bootstrap::OpenedInstallation;
use crate::terminal;

/// A database of a server.
#[derive(Debug, Args)]
pub(super) struct ServerSource {
    /// The name: letters, digits, underscore, dash
    name: String,
    /// The host of the server; `data_sources.allowed_hosts` must allow it
    #[arg(long)]
    host: String,
    /// The name of the database to read
    #[arg(long, value_name = "NAME")]
    database_name: String,
    /// The user who reads the database
    #[arg(long)]
    user: String,
    /// Read the user's password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Do not encrypt connections
    #[arg(long, conflicts_with_all = ["certificate_host", "certificate_authorities"])]
    unencrypted: bool,
    /// The name in the certificate of the server, if it is not the host
    #[arg(long, value_name = "HOST")]
    certificate_host: Option<String>,
    /// A file with the authorities that may sign the certificate, in PEM; Mozilla's list by default
    #[arg(long, value_name = "FILE")]
    certificate_authorities: Option<PathBuf>,
    /// The columns that identify the rows of a view or of a table without a key; may be given several times
    #[arg(long = "key", value_name = "TABLE=COLUMN,…", value_parser = parse_key)]
    keys: Vec<(String, Vec<String>)>,
    /// A description for people
    #[arg(long, default_value = "")]
    description: String,
    /// The longest time since the sign-in of a reader, in seconds; any by default
    #[arg(long, value_name = "SECONDS")]
    max_authentication_age: Option<i64>,
    /// Whether readers must have signed in with a second factor: true or false
    #[arg(long, value_name = "BOOL")]
    require_second_factor: Option<bool>,
    /// Let users change data over OData, as far as their applications are allowed to
    #[arg(long)]
    writable: bool,
    /// The user who owns the data source
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
    #[command(flatten)]
    pub(super) installation: InstallationArgs,
}

impl ServerSource {
    /// Adds the data source of this kind, after connecting once. `more` are the options that only this kind has.
    pub(super) async fn add(
        &self,
        opened: &OpenedInstallation,
        data_store: i64,
        port: u16,
        more: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let mut options = self.options()?;
        options.insert("PortNumber".to_owned(), port.to_string());
        options.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let draft = DataSourceDraft {
            name: Some(self.name.clone()),
            data_store: Some(data_store),
            description: self.description.clone(),
            options: Some(options),
            max_authentication_age: self.max_authentication_age.map(MaxAuthenticationAge::Secs),
            requires_second_factor: self.require_second_factor,
            writable: Some(self.writable),
        };
        let place = format_args!("{} at {}", self.database_name, self.host);
        create(opened, self.owner.as_deref(), draft, &place).await
    }

    /// The options that all kinds have, by their keys.
    fn options(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut options = BTreeMap::new();
        let mut set = |key: &str, value: String| options.insert(key.to_owned(), value);
        set("ServerName", self.host.clone());
        set("Database", self.database_name.clone());
        set("User", self.user.clone());
        if self.password_stdin {
            set("Password", terminal::read_password()?.expose().to_owned());
        }
        if self.unencrypted {
            set("EncryptionMethod", "noEncryption".to_owned());
        }
        if let Some(host) = &self.certificate_host {
            set("HostNameInCertificate", host.clone());
        }
        if let Some(file) = &self.certificate_authorities {
            let read = std::fs::read_to_string(file);
            set(
                "CertificateAuthorities",
                read.with_context(|| format!("{} cannot be read", file.display()))?,
            );
        }
        if !self.keys.is_empty() {
            set("keys", json!(declared_keys(&self.keys)?).to_string());
        }
        Ok(options)
    }
}
