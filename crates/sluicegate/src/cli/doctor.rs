//! `sluicegate doctor`: looks for what is misconfigured, corrects nothing, and says for each finding what to do.

use anyhow::bail;
use clap::Args;

use self::findings::{Findings, Level};
use super::Serve;
use crate::bootstrap;
use crate::config::{ConfigError, Environment};
use crate::logging;
use crate::serve::Site;
use crate::setting_files::SettingFiles;
use crate::terminal::{say, show_json};
use crate::weaknesses::weaknesses;

mod certificate;
mod files;
mod findings;
mod installation;
mod mail;
mod online;

pub(super) const EXAMPLES: &str = "Examples:\n  sluicegate doctor --data-dir ./data\n  \
    sluicegate doctor --config gate.toml --offline --json\n\n\
    Run it as the user of the server, with the same settings. Status 0: no finding is an error. Status 1: at least one is. \
    Status 2: the configuration has a fault.";

/// The arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    server: Serve,
    /// Connect to nothing but the system database: neither to data sources nor to a running server
    #[arg(long)]
    offline: bool,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Looks at everything, and prints what it finds.
///
/// # Errors
/// The faults of the configuration, or that a finding is an error.
pub(crate) fn run(arguments: &DoctorArguments, environment: &Environment) -> anyhow::Result<()> {
    let mut findings = Findings::default();
    let examined = examine(arguments, environment, &mut findings);
    if let Some(ConfigError(faults)) = examined.as_ref().err().and_then(|error| error.downcast_ref()) {
        for fault in faults {
            findings.error(
                "configuration",
                fault.to_string(),
                "Correct it; docs/configuration.md describes every setting.",
            );
        }
    }
    let errors = findings.count(Level::Error);
    if arguments.json {
        show_json(&findings.in_json());
    } else if examined.is_ok() {
        findings.in_lines().iter().for_each(|line| say(line));
    }
    examined?;
    match errors {
        0 => Ok(()),
        1 => bail!("one finding is an error"),
        _ => bail!("{errors} findings are errors"),
    }
}

fn examine(
    arguments: &DoctorArguments,
    environment: &Environment,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let settings = arguments.server.settings(environment)?;
    let (settings_files, tls) = SettingFiles::read_with_tls(&settings)?;
    findings.good("configuration", "every setting is valid, and the files that settings name can be read");
    let _flush = logging::start(settings.log.format, logging::warnings_only());
    let site = Site::configured(&settings);
    for weakness in weaknesses(&settings, &site.public_url) {
        let advice = format!("docs/configuration.md describes {}.", weakness.key);
        findings.warning("settings", weakness.message, advice);
    }
    let config_file = arguments.server.installation.config.clone().or_else(|| environment.config_file());
    files::examine(&settings, config_file.as_deref(), findings);
    if let Some(tls) = &tls {
        certificate::examine(tls, &site.public_url, findings);
    }
    let runtime = bootstrap::command_runtime()?;
    runtime.block_on(async {
        let connects = !arguments.offline;
        installation::examine(&settings, environment, connects, findings).await;
        mail::examine(settings_files.mail.as_ref(), connects, findings).await;
        if connects {
            online::examine(&settings, &site, tls.as_ref(), findings).await;
        }
    });
    Ok(())
}
