//! What every kind of database does before it is opened.

use std::fmt;

use crate::driver::Placement;
use crate::options::{DataStore, OptionValues};
use crate::{AllowedFolders, AllowedHosts, Resources, Source, SourceError};

/// A kind of database: its options, and how they become an opened source.
pub trait SourceKind: fmt::Debug + Send + Sync {
    /// The number, the name and the options.
    fn store(&self) -> &'static DataStore;

    /// Where opening a source and its driver's work run: whether they block the thread.
    fn placement(&self) -> Placement;

    /// The options in the form to store, if the caller may name what they name. It blocks only if the
    /// driver does.
    ///
    /// # Errors
    /// Why the database may not be a data source.
    fn allowed(&self, options: OptionValues, locations: &Locations) -> Result<OptionValues, SourceError>;

    /// Opens a source with options that are valid and [allowed](SourceKind::allowed). A driver that waits connects
    /// when it is first used.
    ///
    /// # Errors
    /// Why the database cannot be read, with a text for the person who configured it.
    fn open(&self, options: &OptionValues, resources: &Resources) -> Result<Source, SourceError>;
}

/// Where data sources of a caller may be.
#[derive(Debug, Clone)]
pub struct Locations {
    /// The folders of files.
    pub folders: AllowedFolders,
    /// The hosts of database servers.
    pub hosts: AllowedHosts,
}
