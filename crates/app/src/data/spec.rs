//! How to open the source of a record, and where sources may be.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::account::{DataSource, SealedOption};
use domain::id::DataSourceId;
use sources::options::{OptionValues, Secret};
use sources::{AllowedFolders, Locations, SourceError, SourceSpec, Sources};
use vault::Vault;

use crate::Context;
use crate::node::settings::AppSettings;

/// How data sources are opened, and where they may be.
#[derive(Clone, Copy)]
pub(crate) struct SourceSpecs<'a> {
    sources: &'a Sources,
    vault: &'a Vault,
    settings: &'a AppSettings,
}

impl<'a> SourceSpecs<'a> {
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { sources: &context.sources, vault: &context.vault, settings: &context.settings }
    }

    /// How to open the source of a record.
    pub(crate) fn spec_of(self, record: &DataSource) -> Result<SourceSpec, SourceError> {
        let kind = self.sources.kinds().get(record.data_store);
        let unknown =
            || SourceError::Failed { detail: format!("there is no data store {}", record.data_store) };
        let secrets = self.opened_secrets(record.id, &record.sealed_options)?;
        let options = OptionValues { plain: record.options.clone(), secrets };
        Ok(SourceSpec::new(Arc::clone(kind.ok_or_else(unknown)?), options))
    }

    /// The secret options of a data source in clear.
    ///
    /// # Errors
    /// [`SourceError::Failed`] if one was sealed under another master key, or for another data source.
    pub(crate) fn opened_secrets(
        self,
        id: DataSourceId,
        sealed: &BTreeMap<String, SealedOption>,
    ) -> Result<BTreeMap<String, Secret>, SourceError> {
        let open =
            |(key, sealed): (&String, &SealedOption)| match self.vault.open_source_option(id, key, sealed) {
                Ok(value) => Ok((key.clone(), Secret::new(value))),
                Err(_) => {
                    Err(SourceError::Failed { detail: format!("the secret option {key} cannot be opened") })
                }
            };
        sealed.iter().map(open).collect()
    }

    /// The locations for an administrator: all folders except the server's own.
    pub(crate) fn every_location(self) -> Locations {
        Locations { folders: self.allowed_folders().or_anywhere(), hosts: self.sources.hosts().clone() }
    }

    /// The locations for everybody else.
    pub(crate) fn allowed_locations(self) -> Locations {
        Locations { folders: self.allowed_folders(), hosts: self.sources.hosts().clone() }
    }

    fn allowed_folders(self) -> AllowedFolders {
        AllowedFolders::below(self.settings.sqlite_folders.clone(), self.settings.forbidden_folders.clone())
    }
}
