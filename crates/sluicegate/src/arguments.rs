//! Arguments that many commands share.

use std::path::PathBuf;

use clap::Args;

use crate::config::{self, ConfigError, Environment, Overrides, Settings};

/// The location of the installation.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct InstallationArgs {
    /// The folder with the database and the master key [default: sluicegate-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The PostgreSQL database that several nodes share. Other users of this machine can read the command
    /// line; if the URL contains a password, set `SLUICEGATE_DATABASE` instead
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

impl InstallationArgs {
    /// The settings that the arguments override.
    pub(crate) fn overrides(&self) -> Overrides {
        let mut overrides = Overrides::default();
        overrides.set("data_dir", "--data-dir", self.data_dir.as_ref().map(|path| path.display()));
        overrides.set("database", "--database", self.database.as_ref());
        overrides
    }

    /// The settings for a command that works on the installation.
    pub(crate) fn settings(&self, environment: &Environment) -> Result<Settings, ConfigError> {
        config::load(self.config.as_deref(), environment, &self.overrides())
    }
}

/// Parses a whole number, for a flag or an argument.
pub(crate) fn whole_number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "it must be a whole number".to_owned())
}

/// The output format.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Print JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) installation: InstallationArgs,
}
