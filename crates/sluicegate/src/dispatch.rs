//! Runs the command that the command line names.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use crate::cli::{self, Command, CommandLine};
use crate::config::{ConfigError, Environment};
use crate::messages::{InvalidArguments, advice};
use crate::{demo, serve, terminal};

/// Runs the command line. The exit status is 2 for a fault of the configuration or of the command line,
/// wrong values of its flags included, and 1 for any other.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = cli::program().try_get_matches_from(arguments);
    let command_line = match matches.and_then(|matches| CommandLine::from_arg_matches(&matches)) {
        Ok(command_line) => command_line,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(command_line.command, &Environment::of_process()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::complain(&format!("sluicegate: {error:#}{}", advice(&error)));
            ExitCode::from(if error.is::<ConfigError>() || error.is::<InvalidArguments>() { 2 } else { 1 })
        }
    }
}

fn dispatch(command: Command, environment: &Environment) -> anyhow::Result<()> {
    match command {
        Command::Init(init) => {
            cli::setup::init(&init.installation.settings(environment)?, environment, init.if_needed)
        }
        Command::Serve(arguments) => serve::run(&arguments.settings(environment)?, environment),
        Command::Demo(arguments) => demo::run(&arguments.settings(environment)?, environment, arguments.auto),
        Command::SampleData { file } => {
            demo::write_sample(&file)?;
            terminal::say(&format!("wrote {}", file.display()));
            Ok(())
        }
        Command::Migrate(migrate) => {
            cli::setup::migrate(&migrate.installation.settings(environment)?, environment, migrate.check)
        }
        Command::Backup(arguments) => cli::backup::run(&arguments, environment),
        Command::Restore(arguments) => cli::restore::run(&arguments, environment),
        Command::Copy(arguments) => cli::copy::run(&arguments, environment),
        Command::Signer(arguments) => cli::signer::run(&arguments, environment),
        Command::CheckConfig(arguments) => {
            let settings = arguments.settings(environment)?;
            serve::check_files(&settings)?;
            cli::setup::print_configuration(&settings);
            Ok(())
        }
        Command::Doctor(arguments) => cli::doctor::run(&arguments, environment),
        Command::User { command } => cli::users::run(command, environment),
        Command::Application { command } => cli::applications::run(command, environment),
        Command::Secret { command } => cli::secrets::run(command, environment),
        Command::Allowed { command } => cli::allowed::run(command, environment),
        Command::PersonalAccessToken { command } => cli::personal_access_tokens::run(command, environment),
        Command::Revoke(command) => cli::revoke::run(&command, environment),
        Command::Cors { command } => cli::cors::run(command, environment),
        Command::ResourceServer { command } => cli::resource_servers::run(command, environment),
        Command::InitialAccessToken { command } => cli::initial_access_tokens::run(command, environment),
        Command::TrustedIssuer { command } => cli::trusted_issuers::run(command, environment),
        Command::Scope { command } => cli::scopes::run(command, environment),
        Command::Role { command } => cli::roles::run(command, environment),
        Command::AllowList { command } => cli::allow_lists::run(command, environment),
        Command::Limit { command } => cli::limits::run(command, environment),
        Command::Mail { command } => cli::mail::run(command, environment),
        Command::Session { command } => cli::sessions::run(command, environment),
        Command::Audit { command } => cli::audit::run(command, environment),
        Command::DataSource { command } => cli::data_sources::run(command, environment),
        Command::Keys { command } => cli::keys::run(command, environment),
        Command::Version => {
            terminal::say(concat!("sluicegate ", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        Command::GenerateDocs { folder } => cli::documents::write(&folder),
    }
}
