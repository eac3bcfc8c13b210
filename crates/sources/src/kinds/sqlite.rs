//! SQLite database files.

use crate::driver::Placement;
use crate::kind::{Locations, SourceKind};
use crate::options::{DataStore, OptionValues};
use crate::resources::Resources;
use crate::sqlite::{self, SqliteOptions, SqliteSource};
use crate::{Source, SourceError};

/// SQLite database files on the server's machine.
#[derive(Debug)]
pub struct SqliteKind;

impl SourceKind for SqliteKind {
    fn store(&self) -> &'static DataStore {
        &sqlite::STORE
    }

    fn placement(&self) -> Placement {
        Placement::Thread
    }

    /// Resolves links, so that opening it opens the checked file.
    fn allowed(&self, options: OptionValues, locations: &Locations) -> Result<OptionValues, SourceError> {
        let mut read = SqliteOptions::read(&options.plain)?;
        read.path = locations.folders.check(&read.path)?;
        read.values()
    }

    fn open(&self, options: &OptionValues, resources: &Resources) -> Result<Source, SourceError> {
        let SqliteOptions { path, declared } = SqliteOptions::read(&options.plain)?;
        SqliteSource::open(&path, declared, resources).map(Source::sqlite)
    }
}
