//! The creation of a data source, for every kind of database.

use std::fmt::Display;

use anyhow::anyhow;
use app::management::data_sources::{DataSourceDraft, DataSourceError};

use crate::bootstrap::OpenedInstallation;
use crate::cli::users::actor;
use crate::messages::of_data_source;
use crate::terminal::say;

/// Creates the data source, whose database is at this place, after connecting once.
pub(super) async fn create(
    opened: &OpenedInstallation,
    owner: Option<&str>,
    draft: DataSourceDraft,
    place: &dyn Display,
) -> anyhow::Result<()> {
    let name = draft.name.clone().unwrap_or_default();
    let actor = actor(opened, owner).await?;
    let added = opened.app.data_sources().create(&actor, draft, &opened.origin).await;
    let added = added.map_err(|refused| match refused {
        DataSourceError::Unusable(error) => anyhow!("{place} cannot be a data source: {error}"),
        DataSourceError::NameTaken => {
            anyhow!("another data source is called {name}; names are compared without case")
        }
        other => of_data_source(other),
    })?;
    say(&format!("{} is added for {}, served at /api/odata4/{0}/", added.record.name, added.owner_name));
    Ok(())
}
