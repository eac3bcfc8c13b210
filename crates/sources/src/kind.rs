//! What every kind of database does before it is opened.

use std::fmt;
use std::sync::Arc;

use crate::driver::Placement;
use crate::options::{DataStore, OptionValues};
use crate::{AllowedFolders, AllowedHosts, ConnectionBudget, Connector, Limits, Source, SourceError};

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

/// What opened sources share.
#[derive(Debug, Clone)]
pub struct Resources {
    /// The limits of each source.
    pub limits: Limits,
    /// The connections of all sources together.
    pub budget: Arc<ConnectionBudget>,
    /// Connects to database servers. Drivers must not open connections in another way.
    pub connector: Connector,
}

impl Resources {
    /// Limits for each source, at most this many connections of all together, and hosts to which they may
    /// connect.
    pub fn new(limits: Limits, connections: usize, hosts: AllowedHosts) -> Self {
        Self { limits, budget: ConnectionBudget::new(connections), connector: Connector::new(hosts) }
    }
}
