//! Databases of PostgreSQL servers.

use crate::driver::Placement;
use crate::kind::{Locations, SourceKind};
use crate::options::{DataStore, OptionValues};
use crate::postgres::{self, PostgresDriver, PostgresOptions};
use crate::resources::Resources;
use crate::{Executor, Source, SourceError};

/// Databases of PostgreSQL servers, from version 14.
#[derive(Debug)]
pub struct PostgresKind;

impl SourceKind for PostgresKind {
    fn store(&self) -> &'static DataStore {
        &postgres::STORE
    }

    fn placement(&self) -> Placement {
        Placement::Task
    }

    fn allowed(&self, options: OptionValues, locations: &Locations) -> Result<OptionValues, SourceError> {
        let PostgresOptions { server, .. } = PostgresOptions::read(&options)?;
        locations.hosts.check(&server.host, server.port)?;
        Ok(options)
    }

    fn open(&self, options: &OptionValues, resources: &Resources) -> Result<Source, SourceError> {
        let driver = PostgresDriver::new(PostgresOptions::read(options)?, resources)?;
        Ok(Source::of(Executor::new(driver, resources)))
    }
}
