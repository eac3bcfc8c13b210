//! `sluicegate data-source model`.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use app::management::data_sources::{DataSourceError, ModelPrecondition, ModelWrite};
use clap::{Args, Subcommand};
use serde_json::json;

use super::arguments::{Delete, One, ShowOne};
use super::find;
use crate::arguments::InstallationArgs;
use crate::bootstrap::{self, OpenedInstallation};
use crate::cli::users::actor;
use crate::config::Environment;
use crate::messages::of_data_source;
use crate::terminal::{confirm, say, show_json};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Show the model document of a data source, to be edited and imported.
    #[command(after_help = "Example: sluicegate data-source model export shop --data-dir ./data > shop.json")]
    Export(One),
    /// Replace the model document of a data source; a schema map of Hybrid Data Pipeline is converted.
    #[command(after_help = "Example: sluicegate data-source model import shop shop.json --data-dir ./data")]
    Import(Import),
    /// Delete the model document of a data source, so that everything is served under its own name again.
    #[command(after_help = "Example: sluicegate data-source model delete shop --yes --data-dir ./data")]
    Delete(Delete),
    /// List what is not served, or under another name, and why.
    #[command(after_help = "Example: sluicegate data-source model findings shop --data-dir ./data")]
    Findings(ShowOne),
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The data source's name
    name: String,
    /// The file with the document, or - for the standard input
    file: PathBuf,
    #[command(flatten)]
    installation: InstallationArgs,
}

pub(super) fn run(command: ModelCommand, environment: &Environment) -> anyhow::Result<()> {
    match command {
        ModelCommand::Export(one) => bootstrap::with_app(&one.installation, environment, async |opened| {
            export(opened, &one.name).await
        }),
        ModelCommand::Import(command) => {
            bootstrap::with_app(&command.installation, environment, async |opened| {
                import(opened, &command).await
            })
        }
        ModelCommand::Delete(one) => {
            bootstrap::with_app(&one.installation, environment, async |opened| delete(opened, &one).await)
        }
        ModelCommand::Findings(one) => {
            bootstrap::with_app(&one.shown.installation, environment, async |opened| {
                findings(opened, &one).await
            })
        }
    }
}

async fn export(opened: &OpenedInstallation, name: &str) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, name).await?.record.id;
    let seen = opened.app.data_sources().seen_model(&actor, id, false, &opened.origin).await;
    let document = seen.map_err(of_data_source)?.document.unwrap_or_default();
    show_json(&serde_json::to_value(document)?);
    Ok(())
}

async fn import(opened: &OpenedInstallation, command: &Import) -> anyhow::Result<()> {
    let Import { name, file, .. } = command;
    let document = web::read_model_document(&read(file)?).map_err(|faults| {
        let faults = faults.into_iter().map(|fault| format!("{} {}", fault.field, fault.message));
        anyhow!("{} is not a model document: {}", file.display(), faults.collect::<Vec<_>>().join("; "))
    })?;
    let actor = actor(opened, None).await?;
    let record = find(opened, &actor, name).await?.record;
    let imported = document.import_findings.len();
    let precondition = ModelPrecondition::Version(record.model_version);
    let write = ModelWrite { document: Some(document), precondition };
    let written = opened.app.data_sources().write_model(&actor, record.id, write, &opened.origin).await;
    written.map_err(|refused| match refused {
        DataSourceError::ModelChanged => anyhow!("somebody else has just changed the document; try again"),
        other => of_data_source(other),
    })?;
    say(&format!("{name} has the new model document"));
    if imported > 0 {
        say(&format!(
            "{imported} members of the file have no counterpart; `data-source model findings {name}` lists them"
        ));
    }
    Ok(())
}

fn read(file: &PathBuf) -> anyhow::Result<Vec<u8>> {
    /// Nothing longer is a document.
    const LONGEST: u64 = 4 * 1024 * 1024;
    let mut bytes = Vec::new();
    let cannot_be_read = || format!("{} cannot be read", file.display());
    if file.as_os_str() == "-" {
        std::io::stdin().take(LONGEST).read_to_end(&mut bytes).with_context(cannot_be_read)?;
    } else {
        let opened = std::fs::File::open(file).with_context(cannot_be_read)?;
        opened.take(LONGEST).read_to_end(&mut bytes).with_context(cannot_be_read)?;
    }
    Ok(bytes)
}

async fn delete(opened: &OpenedInstallation, one: &Delete) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, &one.name).await?.record.id;
    let question = format!("Delete the model document of {}? What it hides is served then.", one.name);
    confirm(&question, one.yes)?;
    let write = ModelWrite { document: None, precondition: ModelPrecondition::None };
    opened.app.data_sources().write_model(&actor, id, write, &opened.origin).await.map_err(of_data_source)?;
    say(&format!("{} has no model document any more", one.name));
    Ok(())
}

async fn findings(opened: &OpenedInstallation, one: &ShowOne) -> anyhow::Result<()> {
    let actor = actor(opened, None).await?;
    let id = find(opened, &actor, &one.name).await?.record.id;
    let model = opened.app.data_sources().managed_model(&actor, id, &opened.origin).await;
    let model = model.map_err(of_data_source)?;
    if one.shown.json {
        let findings = model.findings.iter();
        let findings =
            findings.map(|finding| json!({ "subject": finding.subject, "message": finding.message }));
        show_json(&json!({ "findings": findings.collect::<Vec<_>>() }));
    } else {
        for finding in &model.findings {
            say(&format!("{}: {}", finding.subject, finding.message));
        }
    }
    Ok(())
}
