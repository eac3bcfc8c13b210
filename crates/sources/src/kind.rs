//! What every kind of database does before it is opened.

use std::fmt;
use std::sync::Arc;

use crate::driver::Placement;
use crate::options::{DataStore, OptionValues};
use crate::{AllowedFolders, ConnectionBudget, Limits, Source, SourceError};

/// A kind of database: its options, and how they become an opened source.
pub trait Kind: fmt::Debug + Send + Sync {
    /// The number, the name and the options.
    fn store(&self) -> &'static DataStore;

    /// Where opening a source and its driver's work run: whether they block the thread.
    fn placement(&self) -> Placement;

    /// The options in the form to store, if the caller may name what they name. It blocks only if the
    /// driver does.
    ///
    /// # Errors
    /// Why the database may not be a data source.
    fn allowed(&self, options: OptionValues, places: &Places) -> Result<OptionValues, SourceError>;

    /// Opens a source with options that are valid and [allowed](Kind::allowed). A driver that waits connects
    /// when it is first used.
    ///
    /// # Errors
    /// Why the database cannot be read, with a text for the person who configured it.
    fn open(&self, options: &OptionValues, resources: &Resources) -> Result<Source, SourceError>;
}

/// Where data sources of a caller may be.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folders of files.
    pub folders: AllowedFolders,
}

/// What opened sources share.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The limits of each source.
    pub limits: Limits,
    /// The connections of all sources together.
    pub budget: Arc<ConnectionBudget>,
}
