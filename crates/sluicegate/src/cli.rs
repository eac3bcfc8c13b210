//! The command line: what each command is called, what it takes, and what its help says. A file below has the
//! commands of one subject; [`dispatch`](crate::dispatch) runs them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::arguments::InstallationArgs;
use crate::config::{self, ConfigError, Environment, Overrides, Settings};

pub(crate) mod allow_lists;
pub(crate) mod allowed;
pub(crate) mod applications;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod copy;
pub(crate) mod cors;
pub(crate) mod data_sources;
pub(crate) mod doctor;
pub(crate) mod documents;
pub(crate) mod initial_access_tokens;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod mail;
pub(crate) mod personal_access_tokens;
pub(crate) mod resource_servers;
pub(crate) mod restore;
pub(crate) mod revoke;
pub(crate) mod roles;
pub(crate) mod scopes;
pub(crate) mod secrets;
pub(crate) mod sessions;
pub(crate) mod setup;
pub(crate) mod signer;
pub(crate) mod trusted_issuers;
pub(crate) mod users;

/// An OAuth 2.0 authorization server and OData V4 gateway for your databases, in one program.
#[derive(Debug, Parser)]
#[command(
    name = "sluicegate",
    version,
    arg_required_else_help = true,
    after_help = "Example: sluicegate demo\n\n\
        Each command has a help of its own, and `sluicegate check-config` names every fault of the settings."
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one for each run")]
pub(crate) enum Command {
    /// Create a new installation: database, master key, accounts d2cadmin and d2cuser.
    #[command(
        after_help = "Example: SLUICEGATE_ADMIN_PASSWORD=… SLUICEGATE_USER_PASSWORD=… sluicegate init --data-dir ./data\n\n\
        Without the two variables the passwords are asked for on a terminal, or generated and printed once."
    )]
    Init(Init),
    /// Run the server.
    #[command(after_help = "Examples:\n  sluicegate serve --data-dir ./data\n  \
        sluicegate serve --data-dir ./data --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem \
        --public-url https://gate.example.org:8443\n  \
        SLUICEGATE_DATABASE=postgres://user:password@host/name sluicegate serve --data-dir ./node")]
    Serve(Serve),
    /// Watch the whole flow on a sample database: register, allow, read, revoke.
    #[command(
        after_help = "Examples:\n  sluicegate demo\n  sluicegate demo --auto --listen 127.0.0.1:0 --data-dir /tmp/demo"
    )]
    Demo(Demo),
    /// Write the sample database of the demo into a new SQLite file, as data to serve.
    #[command(after_help = "Example: sluicegate sample-data ./data/sources/harbour.sqlite")]
    SampleData {
        /// The file; it must not exist yet
        file: PathBuf,
    },
    /// Migrate the database to the schema of this version.
    #[command(after_help = "Examples:\n  sluicegate migrate --data-dir ./data\n  \
        SLUICEGATE_DATABASE=postgres://… sluicegate migrate --check\n\n\
        It is safe beside running nodes of this version and of the one before.")]
    Migrate(Migrate),
    /// Copy the database into one file, even while the server is running. The copy does not contain the
    /// master key.
    #[command(
        after_help = "Example: sluicegate backup --data-dir ./data --to /srv/backup/sluicegate-monday.db\n\n\
        Keep the master key elsewhere: without it the backup is useless, and together they give everything away."
    )]
    Backup(backup::BackupArguments),
    /// Replace the database by a backup. Nothing that was revoked since becomes valid again.
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::RestoreArguments),
    /// Migrate an installation to PostgreSQL: copy the embedded database, compare every row, and switch over.
    #[command(after_help = copy::EXAMPLES)]
    Copy(copy::CopyArguments),
    /// Hold the signing keys of a hardware module for a server, in a process of their own.
    #[command(after_help = signer::EXAMPLE)]
    Signer(signer::SignerArguments),
    /// Report every fault of the configuration, or that there is none.
    #[command(after_help = "Example: sluicegate check-config --config gate.toml")]
    CheckConfig(Serve),
    /// Look for what is misconfigured: settings, files, database, keys, backups, data sources, and the running server.
    /// Corrects nothing, and says for each finding what to do.
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(doctor::DoctorArguments),
    /// Manage user accounts.
    #[command(after_help = "Example: sluicegate user add ada --data-dir ./data")]
    User {
        #[command(subcommand)]
        command: users::UserCommand,
    },
    /// Manage registered applications.
    #[command(after_help = "Example: sluicegate application list --data-dir ./data")]
    Application {
        #[command(subcommand)]
        command: applications::ApplicationCommand,
    },
    /// Manage the client secrets of an application.
    #[command(after_help = "Example: sluicegate secret add 3 --data-dir ./data")]
    Secret {
        #[command(subcommand)]
        command: secrets::SecretCommand,
    },
    /// List and revoke the access that users have given applications.
    #[command(after_help = "Example: sluicegate allowed list ada --data-dir ./data")]
    Allowed {
        #[command(subcommand)]
        command: allowed::AllowedCommand,
    },
    /// List and end the personal access tokens of a user.
    #[command(after_help = "Example: sluicegate personal-access-token list ada --data-dir ./data")]
    PersonalAccessToken {
        #[command(subcommand)]
        command: personal_access_tokens::PersonalAccessTokenCommand,
    },
    /// Revoke everything of a user, of an application, of both together, or of a time.
    #[command(after_help = "Examples:\n  sluicegate revoke --user ada --data-dir ./data\n  \
        sluicegate revoke --issued-before 2026-01-31T00:00:00Z --yes --data-dir ./data")]
    Revoke(revoke::Revoke),
    /// Manage the origins whose web pages may read responses.
    #[command(after_help = "Example: sluicegate cors list --data-dir ./data")]
    Cors {
        #[command(subcommand)]
        command: cors::CorsCommand,
    },
    /// Manage resource servers: the APIs that access tokens protect.
    #[command(
        after_help = "Example: sluicegate resource-server add https://orders.example.com Orders --data-dir ./data"
    )]
    ResourceServer {
        #[command(subcommand)]
        command: resource_servers::ResourceServerCommand,
    },
    /// Manage initial access tokens, which allow clients to register themselves.
    #[command(after_help = "Example: sluicegate initial-access-token list --data-dir ./data")]
    InitialAccessToken {
        #[command(subcommand)]
        command: initial_access_tokens::InitialAccessTokenCommand,
    },
    /// Manage trusted issuers: other servers whose assertions and access tokens are accepted.
    #[command(after_help = "Example: sluicegate trusted-issuer list --data-dir ./data")]
    TrustedIssuer {
        #[command(subcommand)]
        command: trusted_issuers::TrustedIssuerCommand,
    },
    /// Manage the scopes of resource servers.
    #[command(after_help = "Example: sluicegate scope list --data-dir ./data")]
    Scope {
        #[command(subcommand)]
        command: scopes::ScopeCommand,
    },
    /// Manage roles.
    #[command(after_help = "Example: sluicegate role list --data-dir ./data")]
    Role {
        #[command(subcommand)]
        command: roles::RoleCommand,
    },
    /// Show and set from which addresses the installation, a user or an application may be used.
    #[command(after_help = "Example: sluicegate allow-list show --data-dir ./data")]
    AllowList {
        #[command(subcommand)]
        command: allow_lists::AllowListCommand,
    },
    /// Show and set the limits of the system.
    #[command(after_help = "Example: sluicegate limit list --data-dir ./data")]
    Limit {
        #[command(subcommand)]
        command: limits::LimitCommand,
    },
    /// Test whether the server can send mail.
    #[command(after_help = "Example: sluicegate mail test --to ada@example.com --data-dir ./data")]
    Mail {
        #[command(subcommand)]
        command: mail::MailCommand,
    },
    /// List the sessions of a user, and end them.
    #[command(after_help = "Example: sluicegate session list ada --data-dir ./data")]
    Session {
        #[command(subcommand)]
        command: sessions::SessionCommand,
    },
    /// Read the audit log.
    #[command(after_help = "Example: sluicegate audit list --limit 20 --data-dir ./data")]
    Audit {
        #[command(subcommand)]
        command: audit::AuditCommand,
    },
    /// Manage data sources.
    #[command(after_help = "Example: sluicegate data-source add shop /srv/shop.sqlite --data-dir ./data")]
    DataSource {
        #[command(subcommand)]
        command: data_sources::DataSourceCommand,
    },
    /// Manage the keys that seal and sign tokens.
    #[command(after_help = "Example: sluicegate keys rotate --data-dir ./data")]
    Keys {
        #[command(subcommand)]
        command: keys::KeyCommand,
    },
    /// Print the version.
    #[command(after_help = "Example: sluicegate version")]
    Version,
    /// Write the generated documents into a folder.
    #[command(hide = true, after_help = "Example: sluicegate generate-docs docs")]
    GenerateDocs {
        /// The target folder.
        folder: PathBuf,
    },
}

/// The arguments of `init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) installation: InstallationArgs,
    /// Succeed without changing anything if there is a complete installation already, so that every start of a
    /// container can begin with this command
    #[arg(long)]
    pub(crate) if_needed: bool,
}

/// The arguments of `migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) installation: InstallationArgs,
    /// Report what would be done, and do nothing
    #[arg(long)]
    pub(crate) check: bool,
}

/// The arguments of `serve`.
#[derive(Debug, Default, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    installation: InstallationArgs,
    /// The address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// The address under which users and clients reach the server
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The server's certificate chain (PEM)
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// A proxy in front of the server terminates TLS
    #[arg(long)]
    behind_tls_proxy: bool,
}

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder of the demo
    #[arg(long, value_name = "DIR", default_value = "sluicegate-demo")]
    data_dir: PathBuf,
    /// The loopback address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address_of_demo)]
    listen: String,
    /// Exit after the walkthrough instead of continuing to serve; fail if any step has an unexpected result
    #[arg(long)]
    pub(crate) auto: bool,
}

/// The command line as it is parsed and as `--help` describes it: comments in the code quote names, and help does not.
pub(crate) fn program() -> clap::Command {
    without_quotes(<CommandLine as clap::CommandFactory>::command())
}

fn without_quotes(mut command: clap::Command) -> clap::Command {
    let plain = |text: &clap::builder::StyledStr| text.ansi().to_string().replace('`', "");
    if let Some(about) = command.get_about().map(plain) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(plain) {
        command = command.long_about(about);
    }
    let command = command.mut_args(|mut argument| {
        if let Some(help) = argument.get_help().map(plain) {
            argument = argument.help(help);
        }
        if let Some(help) = argument.get_long_help().map(plain) {
            argument = argument.long_help(help);
        }
        argument
    });
    command.mut_subcommands(without_quotes)
}

impl Serve {
    pub(crate) fn settings(&self, environment: &Environment) -> Result<Settings, ConfigError> {
        let mut overrides = self.installation.overrides();
        overrides.set("listen", "--listen", self.listen.as_ref());
        overrides.set("public_url", "--public-url", self.public_url.as_ref());
        overrides.set("tls.cert_file", "--tls-cert", self.tls_cert.as_ref().map(|path| path.display()));
        overrides.set("tls.key_file", "--tls-key", self.tls_key.as_ref().map(|path| path.display()));
        overrides.switch_on("behind_tls_proxy", "--behind-tls-proxy", self.behind_tls_proxy);
        config::load(self.installation.config.as_deref(), environment, &overrides)
    }
}

impl Demo {
    pub(crate) fn settings(&self, environment: &Environment) -> Result<Settings, ConfigError> {
        let mut overrides = Overrides::default();
        overrides.set("data_dir", "--data-dir", Some(self.data_dir.display()));
        overrides.set("listen", "--listen", Some(&self.listen));
        // A demo is viewed in a browser, next to whatever else runs on this machine.
        overrides.set("observation.listen", "--listen", Some("127.0.0.1:0"));
        config::load(None, environment, &overrides)
    }
}

/// Checks the listen address of a demo. A value that is not an address is reported with the other settings.
fn address_of_demo(text: &str) -> Result<String, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if !address.ip().to_canonical().is_loopback() => {
            Err("the demo prints its passwords, so it stays on this machine: listen on 127.0.0.1".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
